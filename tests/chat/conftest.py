"""A house on each engine, with Ada and Cora in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.db import sqlite_url
from tests.chat.house import House, opened
from tests.chat.people import Ada, Cora


@pytest.fixture
async def house(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path, database_url, redis_url) as house:
        yield house


@pytest.fixture
async def two_processes(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path, database_url, redis_url, processes=2) as house:
        yield house


@pytest.fixture
async def one_house(tmp_path: Path, _migrated_sqlite: Path, redis_url: str) -> AsyncIterator[House]:
    """On SQLite only: for what does not depend on the engine."""
    (tmp_path / "dutyline.db").write_bytes(_migrated_sqlite.read_bytes())
    async with opened(tmp_path, sqlite_url(tmp_path), redis_url) as house:
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
