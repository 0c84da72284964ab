"""The wire: one statement in one piece, whatever its size, and what is told when it fails or the server goes."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest

import core.wire
from core.db import Database
from core.errors import Unavailable
from core.packed import byteas, integer, texts
from core.wire import AlreadyThere, Wire
from tests.engines import PostgresServer
from tests.waiting import until

PUT = "INSERT INTO word SELECT unnest($1) RETURNING word"
LENGTHS = "SELECT octet_length(one) FROM unnest($1) AS one"
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Link:
    """A wire, and somebody who looks at the server past it."""

    def __init__(self, wire: Wire, url: str) -> None:
        self.wire = wire
        self._watcher = psycopg.connect(url, autocommit=True)

    def words(self) -> list[str]:
        return [row[0] for row in self._watcher.execute("SELECT word FROM word ORDER BY word")]

    def busy(self) -> bool:
        return bool(self._watcher.execute(f"{BACKENDS} AND state = 'active'").fetchall())

    def end_others(self) -> None:
        """And wait until they are gone: a process that is told to end still takes a moment to say farewell."""
        ended = self._watcher.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM ({BACKENDS}) AS others").fetchall()
        assert ended == [(True,)]

    def close(self) -> None:
        self._watcher.close()


@pytest.fixture
async def link(postgres: PostgresServer) -> AsyncIterator[Link]:
    name = f"test_{uuid4().hex}"
    url = postgres.create_database(name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE word (word text PRIMARY KEY)")
    database = Database(url)
    link = Link(database.open_wire(), url)
    yield link
    link.close()
    await database.close()
    postgres.drop_database(name)


async def test_what_is_written_is_committed(link: Link) -> None:
    assert await link.wire.write(PUT, [texts(["one", "ẅ"])]) == [("one",), ("ẅ",)]
    assert link.words() == ["one", "ẅ"]


async def test_more_than_the_kernel_takes_at_once(link: Link) -> None:
    lengths = [20_000_000, 0, 3]
    assert await link.wire.read(LENGTHS, [byteas([b"x" * length for length in lengths])]) == [(n,) for n in lengths]


async def test_what_is_there_is_told_and_nothing_of_it_is_stored(link: Link) -> None:
    """The very first statement of a connection, so that nothing behind it has been prepared yet."""
    await link.wire.write(PUT, [texts(["one"])])
    await link.wire.close()
    with pytest.raises(AlreadyThere):
        await link.wire.write(PUT, [texts(["two", "one"])])
    assert link.words() == ["one"]
    await link.wire.write(PUT, [texts(["two"])])
    assert link.words() == ["one", "two"]


async def test_a_statement_that_is_wrong_is_unavailable_and_the_next_is_answered(link: Link) -> None:
    with pytest.raises(Unavailable):
        await link.wire.read("SELECT 1 / $1", [integer(0)])
    assert await link.wire.read("SELECT 6 / $1", [integer(3)]) == [(2,)]


async def test_a_farewell_while_nothing_was_asked_is_not_noticed_by_whoever_asks_next(link: Link) -> None:
    await link.wire.write(PUT, [texts(["one"])])
    link.end_others()
    await link.wire.write(PUT, [texts(["two"])])
    assert link.words() == ["one", "two"]


async def test_a_server_that_goes_in_the_middle(link: Link) -> None:
    asked = asyncio.create_task(link.wire.read("SELECT pg_sleep($1)::text", [integer(60)]))
    await until(link.busy, what="the statement to be under way")
    link.end_others()
    with pytest.raises(Unavailable):
        await asked
    assert await link.wire.read("SELECT 6 / $1", [integer(3)]) == [(2,)]


async def test_whoever_waits_too_long_for_their_turn_is_told(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.wire, "TURN_WITHIN_S", 0.05)
    asked = asyncio.create_task(link.wire.read("SELECT pg_sleep($1)::text", [integer(60)]))
    await until(link.busy, what="the statement to be under way")
    with pytest.raises(Unavailable):
        await link.wire.read("SELECT 6 / $1", [integer(3)])
    asked.cancel()
    await asyncio.wait((asked,))
    assert await link.wire.read("SELECT 6 / $1", [integer(3)]) == [(2,)]


async def test_whoever_is_cancelled_leaves_no_answer_to_the_next(link: Link) -> None:
    asked = asyncio.create_task(link.wire.read("SELECT pg_sleep($1)::text", [integer(60)]))
    await until(link.busy, what="the statement to be under way")
    asked.cancel()
    await asyncio.wait((asked,))
    assert await link.wire.read("SELECT 6 / $1", [integer(3)]) == [(2,)]
