"""One connection to PostgreSQL for one task, with nothing between: the way of every message.

The pool and SQLAlchemy cost 600 µs and three round trips for one statement (docs/performance.md); here a prepared
statement costs 40 µs, or 140 µs with its BEGIN and COMMIT, in one round trip. Whatever cannot be reached becomes
`Unavailable`, after which it is not known whether the commit happened; the next use connects anew.
"""

import asyncio
import os
import select
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from itertools import chain, repeat
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.adapt import Dumper
from psycopg.pq import Format

from core.errors import Unavailable

Connect = Callable[[], Awaitable["AsyncConnection[Any]"]]


class AlreadyThere(Exception):
    """A unique constraint refused the statement; nothing of it was stored."""


class Wire:
    """The connection, made when it is first used. One statement at a time; callers wait for their turn."""

    def __init__(self, connect: Connect, longest_s: Callable[[], float]) -> None:
        self._connect = connect
        self._longest_s = longest_s
        self._connection: AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()

    async def read(self, query: LiteralString, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of one statement that changes nothing."""
        return await self._run(query, parameters, commits=False)

    async def write(self, query: LiteralString, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of one statement, once it is committed. Raises AlreadyThere."""
        return await self._run(query, parameters, commits=True)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _run(self, query: LiteralString, parameters: Sequence[Any], *, commits: bool) -> list[tuple[Any, ...]]:
        async with self._turn:
            timer: asyncio.TimerHandle | None = None
            try:
                connection = await self._ready()
                # A server that hears and never answers would hold everybody for ever.
                timer = asyncio.get_running_loop().call_later(self._longest_s(), cut, connection)
                if not commits:
                    cursor = await connection.execute(query, parameters, binary=True)
                    rows = await cursor.fetchall()
                else:
                    rows = await _committed(connection, query, parameters)
            except psycopg.errors.UniqueViolation:
                await self._roll_back()
                raise AlreadyThere from None
            except (psycopg.Error, OSError) as problem:
                await self.close()
                raise Unavailable from problem
            except BaseException:
                # Cut in the middle: what the server still says would be taken for the next answer.
                await self.close()
                raise
            finally:
                if timer is not None:
                    timer.cancel()
            return rows

    async def _ready(self) -> "AsyncConnection[Any]":
        connection = self._connection
        if connection is not None and has_something(connection):
            # Nothing was asked, so what came is a farewell: the server was stopped or has ended us.
            await self.close()
            connection = None
        if connection is None:
            connection = self._connection = await self._connect()
            for kind, dumper in DUMPERS.items():
                connection.adapters.register_dumper(kind, dumper)
        return connection

    async def _roll_back(self) -> None:
        try:
            if self._connection is not None:
                await self._connection.rollback()
        except (psycopg.Error, OSError):
            await self.close()


async def _committed(
    connection: "AsyncConnection[Any]", query: LiteralString, parameters: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """BEGIN, the statement and COMMIT, sent together."""
    async with connection.pipeline():
        await connection.execute("BEGIN", prepare=False)
        cursor = await connection.execute(query, parameters, binary=True)
        await connection.execute("COMMIT", prepare=False)
    return await cursor.fetchall()


def cut(connection: Any) -> None:
    """End the connection below the driver, which would otherwise go on waiting for the server's word."""
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)


def has_something(connection: Any) -> bool:
    """Whether there is anything to read, such as its end; 2 µs."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


# Arrays, packed at once: psycopg asks each element for its own dumper, which costs 1 µs for each of a dozen columns.


class Bigints(bytes):
    pass


class Integers(bytes):
    pass


class Texts(bytes):
    pass


class Byteas(bytes):
    pass


def bigints(values: Sequence[int]) -> Bigints:
    return Bigints(_numbers("q", len(values))(1, 0, 20, len(values), 1, *chain.from_iterable(zip(repeat(8), values))))


def integers(values: Sequence[int]) -> Integers:
    return Integers(_numbers("i", len(values))(1, 0, 23, len(values), 1, *chain.from_iterable(zip(repeat(4), values))))


def texts(values: Sequence[str]) -> Texts:
    return Texts(_strings(25, [value.encode() for value in values]))


def byteas(values: Sequence[bytes]) -> Byteas:
    return Byteas(_strings(17, values))


@lru_cache(maxsize=1024)
def _numbers(letter: str, count: int) -> Callable[..., bytes]:
    return struct.Struct("!iiiii" + f"i{letter}" * count).pack


def _strings(element: int, values: Sequence[bytes]) -> bytes:
    head = struct.pack("!iiiii", 1, 0, element, len(values), 1)
    return head + b"".join(chain.from_iterable((len(value).to_bytes(4), value) for value in values))


def _dumper(number: int) -> type[Dumper]:
    class Packed(Dumper):
        format = Format.BINARY
        oid = number

        def dump(self, obj: Any) -> Any:
            return obj

    return Packed


DUMPERS: dict[type[bytes], type[Dumper]] = {
    Bigints: _dumper(1016),
    Integers: _dumper(1007),
    Texts: _dumper(1009),
    Byteas: _dumper(1001),
}
