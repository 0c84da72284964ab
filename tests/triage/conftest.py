"""A house for each test, on each database."""

from collections.abc import AsyncIterator

import pytest

from core.db import Database
from core.people import Role, SignedIn
from tests.triage.house import House, opened


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with opened(database) as house:
        yield house


@pytest.fixture
async def postgres_house(postgres_url: str) -> AsyncIterator[House]:
    """On PostgreSQL, where one row or table can be in use and the others not."""
    database = Database(postgres_url)
    async with opened(database) as house:
        yield house
    await database.close()


@pytest.fixture
async def cora(house: House) -> SignedIn:
    return await house.hire("Cora", Role.ADVISOR)


@pytest.fixture
async def dev(house: House) -> SignedIn:
    return await house.hire("Dev", Role.ADVISOR)
