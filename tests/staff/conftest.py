"""Who works here, on each engine."""

from collections.abc import AsyncIterator, Iterator

import pytest

from core.db import Database
from staff.passwords import Passwords
from tests.staff.house import PASSWORD, House, open_house


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    passwords = Passwords()
    yield passwords
    passwords.close()


@pytest.fixture(scope="session")
async def password_hash(passwords: Passwords) -> str:
    """Everybody's: hashing it once saves a second a test."""
    return await passwords.hash(PASSWORD)


@pytest.fixture
async def house(database: Database, redis_url: str, passwords: Passwords, password_hash: str) -> AsyncIterator[House]:
    async with open_house(database, redis_url, passwords, password_hash) as house:
        yield house
