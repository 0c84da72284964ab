"""The database: PostgreSQL or SQLite behind one small door.

`read()` and `write()` give one connection inside one short transaction. On SQLite a write begins with BEGIN IMMEDIATE
on the one write connection, so that no read is ever upgraded. Whatever the driver raises because the database cannot
be reached, is full or is locked becomes `Unavailable`; after it, whether the commit happened is not known.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Connection, Dialect, Integer, MetaData, TypeDecorator, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from core.clock import from_ms, to_ms
from core.errors import Unavailable

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

SQLITE_SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=5000",
    "foreign_keys=ON",
    "secure_delete=ON",
    "trusted_schema=OFF",
)
RESTED_S = 0.5
PING_S = 2.0
LONGEST_S = 20.0
POSTGRES_OPTIONS = (
    "-c statement_timeout=5000 -c lock_timeout=4000 -c idle_in_transaction_session_timeout=15000 -c timezone=UTC"
)
# A network that swallows everything is found out by the kernel: what is sent must be acknowledged in three seconds, and
# whoever only waits asks after five whether the other end lives. Otherwise one statement may wait a quarter of an hour.
BLACK_HOLE = {"tcp_user_timeout": 3000, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


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
        if self.is_sqlite:
            self._writer = _sqlite_engine(url, "BEGIN IMMEDIATE", pool_size=1)
            self._reader = _sqlite_engine(url, "BEGIN", pool_size=4)
        else:
            self._writer = self._reader = _postgres_engine(url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads. Never hold it while waiting for anything but the database."""
        async with _refusing(), self._reader.connect() as connection, self._bounded(connection):
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed when the block ends and rolled back when it raises."""
        async with _refusing(), self._writer.connect() as connection, self._bounded(connection), connection.begin():
            yield connection

    @asynccontextmanager
    async def _bounded(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """Cut the wire of a transaction that does not end: a server that hears and never answers would hold it for ever."""
        if self.is_sqlite:
            yield
            return
        raw = (await connection.get_raw_connection()).driver_connection
        timer = asyncio.get_running_loop().call_later(LONGEST_S, _cut, raw)
        try:
            yield
        finally:
            timer.cancel()

    async def close(self) -> None:
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'dutyline.db'}"


@asynccontextmanager
async def _refusing() -> AsyncIterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except (TimeoutError, DBAPIError, PoolTimeout, OSError) as problem:
        raise Unavailable from problem


def _sqlite_engine(url: str, begin: str, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        url.replace("sqlite:", "sqlite+aiosqlite:", 1),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        hide_parameters=True,
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


def _postgres_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(
        url.replace("postgresql:", "postgresql+psycopg:", 1),
        pool_size=8,
        max_overflow=4,
        pool_timeout=2,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={"connect_timeout": 2, "options": POSTGRES_OPTIONS, **BLACK_HOLE},
    )
    _check_after_rest(engine.sync_engine)
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
        if since is None or time.monotonic() - since < RESTED_S:
            return
        timer = asyncio.get_running_loop().call_later(PING_S, _cut, record.driver_connection)
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as problem:
            raise DisconnectionError from problem
        finally:
            timer.cancel()


def _cut(raw: Any) -> None:
    """End the connection below the driver, which would otherwise go on waiting for the server's word."""
    if not raw.closed:
        with socket.socket(fileno=os.dup(raw.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
