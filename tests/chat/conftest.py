"""A house on each engine, with Ada and Cora in it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app import parts
from chat import socket
from core.db import sqlite_url
from tests.chat.house import House, opened
from tests.chat.people import Ada, Cora
from tests.engines import RedisServer


@pytest.fixture
async def house(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path, database_url, redis_url) as house:
        yield house


@pytest.fixture
async def two_processes(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path, database_url, redis_url, processes=2) as house:
        yield house


@pytest.fixture(scope="module")
async def one_house(
    tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path, redis_server: RedisServer
) -> AsyncIterator[House]:
    """On SQLite, and the same for a whole file: for what depends neither on the engine nor on who else is there."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(_migrated_sqlite, folder / "dutyline.db")
    with pytest.MonkeyPatch.context() as patch:
        # Each test asks anew, all from one address.
        patch.setattr(parts, "ENQUIRIES_BURST", 10_000.0)
        patch.setattr(socket, "ARRIVALS_BURST", 10_000.0)
        async with opened(folder, sqlite_url(folder), redis_server.url()) as house:
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
