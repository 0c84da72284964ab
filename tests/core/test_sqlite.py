"""What is written to SQLite beside the loop's other work: whoever has to wait holds nobody up and leaves nothing behind."""

import asyncio
import gc
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

import core.sqlite
from core.db import Database
from core.errors import Unavailable
from core.sqlite import sqlite_url
from core.tables import setting


@pytest.fixture
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(request.getfixturevalue("_migrated_sqlite"), tmp_path / "dutyline.db")
    database = Database(sqlite_url(tmp_path))
    # From the second time on there is a connection.
    await database.write_at_once(lambda _: None)
    yield database
    await database.close()


@pytest.fixture
async def other(database: Database, tmp_path: Path) -> AsyncIterator[sqlite3.Connection]:
    """Another process, in the middle of a transaction."""
    connection = sqlite3.connect(tmp_path / "dutyline.db", isolation_level=None, timeout=0)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def put(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO setting (name, value) VALUES ('written', 'yes')")


async def values(database: Database) -> list[str]:
    async with database.read() as connection:
        return list(await connection.scalars(select(setting.c.value).where(setting.c.name == "written")))


async def test_who_waits_for_another_process_holds_nobody_up(database: Database, other: sqlite3.Connection) -> None:
    writing = asyncio.create_task(database.write_at_once(put))
    assert await values(database) == []
    assert not writing.done()
    other.execute("COMMIT")
    await writing
    assert await values(database) == ["yes"]


async def test_who_waited_in_vain_holds_nobody_up_afterwards(
    database: Database, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.sqlite, "SQLITE_WAITS", "busy_timeout=50")
    with pytest.raises(Unavailable):
        await database.write_at_once(put)
    other.execute("COMMIT")

    def tell(connection: sqlite3.Connection) -> int:
        (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
        return int(milliseconds)

    assert await database.write_at_once(tell) == 0


@pytest.mark.parametrize("times", [1, 3])
async def test_who_gives_up_before_their_turn_keeps_no_lock(
    database: Database, other: sqlite3.Connection, times: int
) -> None:
    writing = asyncio.create_task(database.write_at_once(put))
    assert await values(database) == []
    for _ in range(times):
        # As whoever ends many asks again.
        writing.cancel()
        assert await values(database) == []
    assert not writing.done()
    other.execute("COMMIT")
    with pytest.raises(asyncio.CancelledError):
        await writing
    other.execute("BEGIN IMMEDIATE")
    other.execute("COMMIT")
    assert await values(database) == []


class SlowDisk:
    """COMMIT takes until `goes_on` is set."""

    def __init__(self) -> None:
        self.commits, self.goes_on = asyncio.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()

    def under(self, connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(self._hold)

    def _hold(self, statement: str) -> None:
        if statement == "COMMIT":
            self._loop.call_soon_threadsafe(self.commits.set)
            self.goes_on.wait(5)


async def test_a_disk_that_takes_its_time_holds_nobody_up(database: Database) -> None:
    disk = SlowDisk()

    def put_on_it(connection: sqlite3.Connection) -> None:
        disk.under(connection)
        put(connection)

    writing = asyncio.create_task(database.write_at_once(put_on_it))
    await disk.commits.wait()
    assert await values(database) == []
    assert not writing.done()
    disk.goes_on.set()
    await writing
    assert await values(database) == ["yes"]


@pytest.mark.usefixtures("no_litter")
async def test_what_a_cancelled_write_fails_at_is_not_logged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    disk = SlowDisk()

    def fail_at_commit(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA defer_foreign_keys=ON")
        connection.execute("INSERT INTO account_role (account_id, role) VALUES ('nobody', 'advisor')")
        disk.under(connection)

    writing = asyncio.create_task(database.write_at_once(fail_at_commit))
    await disk.commits.wait()
    writing.cancel()
    disk.goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    del writing
    await database.write_at_once(lambda _: None)
    gc.collect()
    assert caplog.records == []


async def test_what_fails_leaves_nothing_behind(database: Database, tmp_path: Path) -> None:
    def put_twice(connection: sqlite3.Connection) -> None:
        put(connection)
        put(connection)

    with pytest.raises(sqlite3.IntegrityError):
        await database.write_at_once(put_twice)
    other = sqlite3.connect(tmp_path / "dutyline.db", isolation_level=None, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    other.close()
    await database.write_at_once(put)
    assert await values(database) == ["yes"]
