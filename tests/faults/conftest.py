"""What the fault runs share."""

from collections.abc import Iterator

import pytest

from tests.faults.play import Plan
from tests.faults.workshop import Workshop


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with Workshop() as workshop:
        yield workshop


@pytest.fixture
def plan(fault_seconds: float, fault_seed: int) -> Plan:
    return Plan(fault_seconds, fault_seed)
