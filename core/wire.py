"""One connection to PostgreSQL for one task, with nothing between: the way of every message.

The pool and SQLAlchemy cost 600 µs and three round trips for one statement, and the driver's own cursors and pipelines
another 200 (docs/performance.md); here the statement goes out with its BEGIN and COMMIT in one piece, and the answer is read
by the loop. Whatever cannot be reached becomes `Unavailable`, after which it is not known whether the commit happened; the
next use connects anew.
"""

import asyncio
import os
import select
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.adapt import Transformer
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from core.contest import DEADLOCK_DETECTED, SERIALIZATION_FAILURE
from core.errors import Contested, Unavailable
from core.packed import Packed

Connect = Callable[[], Awaitable["AsyncConnection[Any]"]]
Parameters = Sequence[Packed]
Rows = list[tuple[Any, ...]]

TURN_WITHIN_S = 5.0
FEW = 5
"""Up to so many are asked for one by one, by the statement for one: less for PostgreSQL than one statement for several, whose
plan it must unfold each time (docs/performance.md)."""


class AlreadyThere(Exception):
    """A unique constraint refused the statement; nothing of it was stored."""


REFUSALS: dict[bytes, type[Exception]] = {
    b"23505": AlreadyThere,
    SERIALIZATION_FAILURE.encode(): Contested,
    DEADLOCK_DETECTED.encode(): Contested,
}
"""Of those that are the statement's own and leave the connection whole, by SQLSTATE."""


class Wire:
    """The connection, made when it is first used. One statement at a time; callers wait for their turn."""

    def __init__(self, connect: Connect, longest_s: Callable[[], float]) -> None:
        self._connect = connect
        self._longest_s = longest_s
        self._link: Link | None = None
        self._turn = asyncio.Lock()

    async def read(self, query: LiteralString, *each: Parameters) -> Rows:
        """The rows of one statement that changes nothing, asked with each of these parameters in one round trip."""
        return await self._run(query, each, commits=False)

    async def write(self, query: LiteralString, *each: Parameters) -> Rows:
        """The same in one transaction, once it is committed. Raises AlreadyThere and Contested, with nothing stored."""
        return await self._run(query, each, commits=True)

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _run(self, query: LiteralString, each: Sequence[Parameters], *, commits: bool) -> Rows:
        await self._wait_for_turn()
        try:
            return await self._ask(query, each, commits=commits)
        finally:
            self._turn.release()

    async def _wait_for_turn(self) -> None:
        """Whoever is far behind others that each take their time is told so, and not kept waiting."""
        try:
            async with asyncio.timeout(TURN_WITHIN_S if self._turn.locked() else None):
                await self._turn.acquire()
        except TimeoutError:
            raise Unavailable from None

    async def _ask(self, query: LiteralString, each: Sequence[Parameters], *, commits: bool) -> Rows:
        timer: asyncio.TimerHandle | None = None
        try:
            link = await self._ready()
            # A server that hears and never answers would hold everybody for ever.
            timer = asyncio.get_running_loop().call_later(self._longest_s(), cut, link.connection)
            return await link.ask(query, each, commits=commits)
        except (AlreadyThere, Contested):
            raise
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

    async def _ready(self) -> "Link":
        if self._link is not None and (self._link.is_over or has_something(self._link.connection)):
            # Nothing was asked, so what came is a farewell: the server was stopped or has ended us.
            await self.close()
        if self._link is None:
            self._link = Link(await self._connect())
        return self._link


class Link:
    """A live connection in pipeline mode. Each statement is prepared when it is first asked, under a name of its own."""

    def __init__(self, connection: "AsyncConnection[Any]") -> None:
        self.connection = connection
        self._wire = connection.pgconn
        self._wire.enter_pipeline_mode()
        self._loop = asyncio.get_running_loop()
        self._descriptor: int | None = self._wire.socket
        self._loop.add_reader(self._descriptor, self._read)
        self._names: dict[str, bytes] = {}
        self._results: list[PGresult] = []
        self._answered: asyncio.Future[None] | None = None
        self.is_over = False
        """The server said something unasked, such as its farewell: the connection is not to be used again."""

    async def ask(self, query: LiteralString, each: Sequence[Parameters], *, commits: bool) -> Rows:
        """The rows of the statement with each of these parameters, in a transaction that is committed when `commits`."""
        statements: list[tuple[LiteralString, Parameters]] = [(query, parameters) for parameters in each]
        if commits:
            statements = [("BEGIN", ()), *statements, ("COMMIT", ())]
        # All of them first: what is sent behind a statement that fails is not even prepared.
        for words, values in statements:
            self._prepare(words, values)
        for words, values in statements:
            self._send(words, values)
        results = await self._answer()
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                refusal = REFUSALS.get(result.error_field(DiagnosticField.SQLSTATE) or b"")
                if refusal is None:
                    raise psycopg.DatabaseError(result.get_error_message())
                self._prepare("ROLLBACK", ())
                self._send("ROLLBACK", ())
                await self._answer()
                raise refusal
        return self._rows(results)

    async def close(self) -> None:
        self._stop_listening()
        await self.connection.close()

    def _prepare(self, query: str, parameters: Parameters) -> None:
        if query not in self._names:
            # By its own word where it is one: whoever watches the line sees where a transaction ends.
            name = query.encode() if query.isalpha() else b"statement_%d" % len(self._names)
            self._wire.send_prepare(name, query.encode(), [one.oid for one in parameters])
            self._names[query] = name

    def _send(self, query: str, parameters: Parameters) -> None:
        values = [one.data for one in parameters]
        self._wire.send_query_prepared(self._names[query], values, [1] * len(values), 1)

    async def _answer(self) -> list[PGresult]:
        """Everything the server says to what was sent since the last answer."""
        self._wire.pipeline_sync()
        self._results, self._answered = [], self._loop.create_future()
        if self._wire.flush() and self._descriptor is not None:
            self._loop.add_writer(self._descriptor, self._write)
        try:
            await self._answered
        finally:
            self._answered = None
        return self._results

    def _write(self) -> None:
        """The rest of what did not fit into the kernel's buffer."""
        try:
            if not self._wire.flush() and self._descriptor is not None:
                self._loop.remove_writer(self._descriptor)
        except psycopg.Error as problem:
            self._fail(problem)

    def _read(self) -> None:
        if self._answered is None:
            self.is_over = True
            self._stop_listening()
            return
        try:
            self._wire.consume_input()
            if self._take_results() and not self._answered.done():
                self._answered.set_result(None)
        except psycopg.Error as problem:
            self._fail(problem)

    def _take_results(self) -> bool:
        """Whether the answer is whole: behind each statement's result stands None, and behind the last of them a mark."""
        has_ended = False
        while not self._wire.is_busy():
            result = self._wire.get_result()
            if result is None:
                if has_ended:
                    raise psycopg.OperationalError("The server ended before its answer did.")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return True
            else:
                self._results.append(result)
            has_ended = result is None
        return False

    def _fail(self, problem: psycopg.Error) -> None:
        """The server is gone, and whoever waits is told."""
        self._stop_listening()
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(problem)

    def _stop_listening(self) -> None:
        """At once, and once: libpq closes a socket that has ended, and the next to be opened may get its number."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)

    def _rows(self, results: Sequence[PGresult]) -> Rows:
        rows: Rows = []
        for result in results:
            if result.status == ExecStatus.TUPLES_OK and result.ntuples:
                transformer = Transformer(self.connection)
                transformer.set_pgresult(result)
                rows += transformer.load_rows(0, result.ntuples, tuple)
        return rows


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
