"""What the fault runs share."""

import gc
import warnings
from collections.abc import Iterator

import pytest

from tests.faults.play import Plan
from tests.faults.workshop import Workshop


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with Workshop() as workshop:
        yield workshop
    # httpx lets go of a connection that was made at the very moment at which its maker was cancelled or out of time, and does
    # not close it. The clients of a run are cut all the time: what they left is not for the next test to answer for.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def plan(fault_seconds: float, fault_seed: int) -> Plan:
    return Plan(fault_seconds, fault_seed)
