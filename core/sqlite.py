"""SQLite: how it is opened, and how it is written to by one at a time."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.ending import to_the_end
from core.errors import Unavailable

SQLITE_WAITS = "busy_timeout=5000"
SQLITE_SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    SQLITE_WAITS,
    "foreign_keys=ON",
    "secure_delete=ON",
    "trusted_schema=OFF",
)

T = TypeVar("T")


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'dutyline.db'}"


def sqlite_engine(url: str, begin: str, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        url.replace("sqlite:", "sqlite+aiosqlite:", 1),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        hide_parameters=True,
        connect_args={"factory": ClosedForCertain},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        # The driver's own transaction control sends no BEGIN before a SELECT; ours does (below).
        connection.isolation_level = None
        cursor = connection.cursor()
        for setting in SQLITE_SETTINGS:
            cursor.execute(f"PRAGMA {setting}")
        if begin == "BEGIN":
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class ClosedForCertain(sqlite3.Connection):
    """Closed for certain, whoever still holds a cursor of it.

    SQLite keeps a closed connection, its transaction and its lock until the last unread statement is gone, and the
    traceback of a cancelled task holds one until the collector comes by: nobody could write meanwhile.
    """

    def __init__(self, *words: Any, **settings: Any) -> None:
        super().__init__(*words, **settings)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def cursor(self, *kind: Any) -> Any:
        cursor = super().cursor(*kind)
        self._cursors.add(cursor)
        return cursor

    def close(self) -> None:
        for cursor in tuple(self._cursors):
            cursor.close()
        # The pool and the driver may both close it, and a cursor of a closed connection cannot be closed.
        self._cursors.clear()
        super().close()


class LoneWriter:
    """A second way to write to SQLite, whose statements are part of the loop's own turn.

    They touch what SQLite and the kernel hold in memory, and beside the loop each would cost more than it is worth. What may
    have to wait, for the disk or for another process, goes aside: COMMIT, and a BEGIN that was refused.
    """

    def __init__(self, url: str) -> None:
        self.turn = asyncio.Lock()
        self._path = url.removeprefix("sqlite:///")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-writer")
        self._connection: sqlite3.Connection | None = None

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._write(work)
        except sqlite3.OperationalError as problem:
            raise Unavailable from problem

    async def close(self) -> None:
        async with self.turn:
            if self._connection is not None:
                await self._aside(self._connection.close)
                self._connection = None
            self._thread.shutdown()

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._begin_at_once()
            if connection is None:
                connection = await self._aside(self._begin_patiently)
            done = work(connection)
            await self._aside(connection.execute, "COMMIT")
        finally:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return done

    async def _aside(self, work: Callable[..., T], *given: object) -> T:
        """In the thread. What has begun is waited for, so that nobody else writes meanwhile."""
        return await to_the_end(asyncio.get_running_loop().run_in_executor(self._thread, work, *given))

    def _begin_at_once(self) -> sqlite3.Connection | None:
        """The connection, in a transaction; None while there is none, or another process writes."""
        if self._connection is None:
            return None
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return None
        return self._connection

    def _begin_patiently(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _open_for_turns(self._path)
        self._connection.execute(f"PRAGMA {SQLITE_WAITS}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            # Nothing in the loop ever waits.
            self._connection.execute("PRAGMA busy_timeout=0")
        return self._connection


def _open_for_turns(path: str) -> sqlite3.Connection:
    """A connection that two threads use, never both at a time."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # A large transaction stays in memory as well, until it is committed.
        for setting in (*SQLITE_SETTINGS, "cache_spill=OFF"):
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection
