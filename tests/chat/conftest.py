"""A house on each engine, with Ada and Cora in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chat.house import House, opened, shared
from tests.chat.people import Ada, Cora
from tests.chat.writers import Writers, two_writers
from tests.engines import RedisServer
from tests.waiting import until


@pytest.fixture
async def house(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path, database_url, redis_url) as house:
        yield house


@pytest.fixture
async def two_processes(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path, database_url, redis_url, processes=2) as house:
        # What passes between processes is told once: whoever is not listening yet never hears of it.
        await until(lambda: all(process.parts.signals.healthy for process in house.processes), what="both to listen")
        yield house


@pytest.fixture(scope="module")
async def one_house(
    tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path, redis_server: RedisServer
) -> AsyncIterator[House]:
    async with shared(tmp_path_factory.mktemp("house"), _migrated_sqlite, redis_server.url()) as house:
        yield house


@pytest.fixture
async def ada(one_house: House) -> AsyncIterator[Ada]:
    """A visitor who has asked."""
    async with Ada(one_house) as ada:
        await ada.ask()
        yield ada


@pytest.fixture
async def cora(one_house: House) -> AsyncIterator[Cora]:
    async with await Cora.hired(one_house) as cora:
        yield cora


@pytest.fixture
async def writers(database_url: str) -> AsyncIterator[Writers]:
    async with two_writers(database_url) as writers:
        yield writers
