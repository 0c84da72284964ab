"""The database: PostgreSQL or SQLite behind one small door.

`read()` and `write()` give one connection inside one short transaction. On SQLite a write begins with BEGIN IMMEDIATE
on the one write connection, so that no read is ever upgraded. Whatever the driver raises because the database cannot
be reached, is full or is locked becomes `Unavailable`; after it, whether the commit happened is not known. What
another transaction stood in the way of becomes `Contested` (core/contest.py).
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from sqlalchemy import BigInteger, Connection, Dialect, Integer, MetaData, TypeDecorator, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from core.clock import from_ms, to_ms
from core.contest import note_stored, refusal_of
from core.sqlite import LoneWriter, sqlite_engine
from core.wire import Wire, cut, has_something

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows in order of arrival only under INTEGER PRIMARY KEY.
RowId = BigInteger().with_variant(Integer(), "sqlite")

RESTED_S = 2.0
PING_S = 2.0
SILENT_S = 4.5
"""Longer than the server lets a statement take: whoever has said nothing by then neither answers nor ends."""
TURN_WITHIN_S = 5.0
# Whatever the database's own default: a statement that waited for a row must see what became of it, and not fail.
POSTGRES_OPTIONS = (
    "-c statement_timeout=4000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=15000 -c timezone=UTC"
    " -c default_transaction_isolation=read\\ committed"
)
# A network that swallows everything is found out by the kernel: what is sent must be acknowledged in three seconds, and
# whoever only waits asks after five whether the other end lives. Otherwise one statement may wait a quarter of an hour.
BLACK_HOLE = {"tcp_user_timeout": 3000, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}

POSTGRES_CONNECTION: dict[str, Any] = {"connect_timeout": 2, "options": POSTGRES_OPTIONS, **BLACK_HOLE}
POOL_SIZE = 8
POOL_OVERFLOW = 4
WIRES = 3
"""Of a web process: what is said, what a hint tells of, and pages of the log."""
MOST_CONNECTIONS = POOL_SIZE + POOL_OVERFLOW + WIRES
"""Of one process to PostgreSQL."""
# A plan made while a new database is empty would read whole tables for as long as the connection lives; the statements of
# a wire all go by an index, and one plan does for any number of parameters.
WIRE_OPTIONS = "-c enable_seqscan=off -c enable_mergejoin=off -c plan_cache_mode=force_generic_plan"

WATCH = "dutyline_watch"
"""Where the driver's connection carries its Watch."""

T = TypeVar("T")


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as milliseconds since 1970 so that both engines order it alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_ms(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else from_ms(value)


class Database:
    """One database, opened once a process. Not to be used across processes or event loops."""

    def __init__(self, url: str) -> None:
        """`url` is `sqlite:////absolute/path` or `postgresql://…`."""
        self.url = url
        self.is_sqlite = url.startswith("sqlite:")
        self._wires: list[Wire] = []
        self._lone_writer = LoneWriter(url) if self.is_sqlite else None
        if self.is_sqlite:
            self._writer = sqlite_engine(url, "BEGIN IMMEDIATE", pool_size=1)
            self._reader = sqlite_engine(url, "BEGIN", pool_size=4)
        else:
            self._writer = self._reader = _postgres_engine(url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """What only reads. Never hold it while waiting for anything but the database.

        On SQLite a transaction; on PostgreSQL each statement sees what is committed when it begins, with or without one.
        """
        async with _refusing(), self._reader.connect() as connection, self._bounded(connection, commits=False):
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed when the block ends and rolled back when it raises."""
        async with (
            _refusing(),
            self._writing(),
            self._writer.connect() as connection,
            self._bounded(connection, commits=True),
            connection.begin(),
        ):
            yield connection
        note_stored()

    @asynccontextmanager
    async def _bounded(self, connection: AsyncConnection, *, commits: bool) -> AsyncIterator[None]:
        """Watch over what is asked, and commit only what is to be committed.

        What commits nothing goes without BEGIN and ROLLBACK, which are two thirds of the way to PostgreSQL and back.
        """
        if self.is_sqlite:
            yield
            return
        assert connection.sync_connection is not None
        # Past the greenlet that the same question costs by its own name.
        raw: Any = connection.sync_connection.connection.driver_connection
        if raw.autocommit is commits:
            await raw.set_autocommit(not commits)
        watch = connection.sync_connection.info[WATCH] = Watch(raw)
        try:
            yield
        finally:
            watch.end()

    def open_wire(self) -> Wire:
        """A connection to PostgreSQL for one task alone (core/wire.py)."""
        wire = Wire(self._connect, lambda: SILENT_S)
        self._wires.append(wire)
        return wire

    async def write_at_once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """SQLite: do all of `work` in one transaction, in this turn of the loop as a rule. IntegrityError passes."""
        assert self._lone_writer is not None
        async with _refusing(), self._writing():
            return await self._lone_writer.write(work)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        """SQLite has one writer at a time: here they queue, in order, where the engine would have them try again."""
        if self._lone_writer is None:
            yield
        else:
            async with asyncio.timeout(TURN_WITHIN_S):
                await self._lone_writer.turn.acquire()
            try:
                yield
            finally:
                self._lone_writer.turn.release()

    async def _connect(self) -> "psycopg.AsyncConnection[Any]":
        _, options = self._writer.dialect.create_connect_args(self._writer.url)
        settings = POSTGRES_CONNECTION | {"options": f"{POSTGRES_OPTIONS} {WIRE_OPTIONS}"}
        return await psycopg.AsyncConnection.connect(autocommit=True, **settings, **options)

    async def close(self) -> None:
        for wire in self._wires:
            await wire.close()
        if self._lone_writer is not None:
            await self._lone_writer.close()
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


class Watch:
    """Cuts the wire of a server that hears and never answers, which would hold whoever asked for ever."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire
        self._timer: asyncio.TimerHandle | None = None
        self.begin()

    def begin(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SILENT_S, cut, self._wire)

    def asked(self) -> None:
        """Another statement of the same transaction has its own time."""
        if self._timer is not None:
            self._timer.cancel()
            self.begin()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@asynccontextmanager
async def _refusing() -> AsyncIterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except (TimeoutError, DBAPIError, psycopg.Error, PoolTimeout, OSError) as problem:
        cause = problem.orig if isinstance(problem, DBAPIError) else problem
        raise refusal_of(getattr(cause, "sqlstate", None)) from problem


def _postgres_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(
        url.replace("postgresql:", "postgresql+psycopg:", 1),
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=2,
        pool_recycle=1800,
        # The one that was used last: it need not be asked whether it lives, and its server has everything at hand.
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args=POSTGRES_CONNECTION,
    )
    _check_after_rest(engine.sync_engine)

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    @event.listens_for(engine.sync_engine, "commit")
    def asked(connection: Connection, *_: Any) -> None:
        watch = None if connection.invalidated else connection.info.get(WATCH)
        if watch is not None:
            watch.asked()

    return engine


def _check_after_rest(engine: Engine) -> None:
    """Ask a connection whether it still lives when it has rested; one in steady use is not asked each time.

    A connection that died at rest is replaced before anybody uses it, as the pool's own check before every use would.
    """

    @event.listens_for(engine, "checkin")
    def rest(connection: object, record: ConnectionPoolEntry) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def check(connection: Any, record: ConnectionPoolEntry, proxy: object) -> None:
        since = record.info.get("rests_since")
        if since is not None and has_something(record.driver_connection):
            # Nothing was asked, so what came is a farewell, however short the rest was.
            raise DisconnectionError
        if since is None or time.monotonic() - since < RESTED_S:
            return
        timer = asyncio.get_running_loop().call_later(PING_S, cut, record.driver_connection)
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as problem:
            raise DisconnectionError from problem
        finally:
            timer.cancel()
