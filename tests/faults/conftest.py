"""What the fault runs share."""

from collections.abc import Iterator

import pytest

from tests.faults.play import Plan
from tests.faults.workshop import Workshop
from tests.litter import collect_litter


@pytest.fixture(autouse=True)
def litter_of_clients() -> Iterator[None]:
    """They are cut all the time: what they left is not for the next test to answer for."""
    yield
    collect_litter()


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with Workshop() as workshop:
        yield workshop


@pytest.fixture
def plan(fault_seconds: float, fault_seed: int) -> Plan:
    return Plan(fault_seconds, fault_seed)
