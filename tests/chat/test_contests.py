"""What many ask of PostgreSQL at once: connections, of which each process has so many, and rows that two want at the same time.

A transaction that it takes back, because it and another one wait for each other, is done again, or the person is told.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, LiteralString, Self

import psycopg
import pytest
from sqlalchemy import select

from chat import waiting
from core.contest import MOST_TRIES
from core.db import MOST_CONNECTIONS, POOL_OVERFLOW, POOL_SIZE
from core.tables import audit
from tests.chat.house import House, opened
from tests.chat.people import Ada, Cora
from tests.waiting import until

CONVERSATION = "SELECT 1 FROM conversation WHERE reference = %s FOR UPDATE"
ACCOUNT = "SELECT 1 FROM account WHERE id = %s FOR UPDATE"


@pytest.fixture
async def house(tmp_path: Path, postgres_url: str, redis_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path, postgres_url, redis_url) as house:
        yield house


class Rival:
    """A transaction beside the service's, which never gives in: it is always the other that is taken back."""

    def __init__(self, connection: "psycopg.AsyncConnection[Any]", watcher: "psycopg.AsyncConnection[Any]") -> None:
        self._connection = connection
        self._watcher = watcher

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, url: str) -> AsyncIterator[Self]:
        connect = psycopg.AsyncConnection.connect
        async with await connect(url) as connection, await connect(url, autocommit=True) as watcher:
            await connection.execute("SET LOCAL deadlock_timeout = '1min'")
            yield cls(connection, watcher)

    async def lock(self, what: LiteralString, key: str) -> None:
        await self._connection.execute(what, [key])

    async def save(self) -> None:
        await self._connection.execute("SAVEPOINT before")

    async def give_back(self) -> None:
        """Everything that was locked since `save`."""
        await self._connection.execute("ROLLBACK TO SAVEPOINT before")

    async def win(self, what: LiteralString, key: str) -> None:
        """Ask for what somebody has who waits for what we have."""
        await self.is_waited_for()
        await self.save()
        await self.lock(what, key)
        await self.give_back()

    async def is_waited_for(self) -> None:
        await until(self._has_waiters, what="the service to wait")

    async def _has_waiters(self) -> bool:
        query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(await (await self._watcher.execute(query)).fetchall())

    async def lock_table(self, name: LiteralString) -> None:
        await self._connection.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")

    async def count_others(self) -> int:
        """Connections to this database besides our own two."""
        query = "SELECT count(*) - 2 FROM pg_stat_activity WHERE datname = current_database()"
        (count,) = await (await self._watcher.execute(query)).fetchone() or (0,)
        return int(count)

    async def leave(self) -> None:
        await self._connection.rollback()


async def test_a_claim_that_is_taken_back_is_made_again(house: House, postgres_url: str) -> None:
    async with Ada(house) as ada, await Cora.hired(house) as cora, Rival.at(postgres_url) as rival:
        reference = await ada.ask()
        await rival.lock(CONVERSATION, reference)
        taking = asyncio.create_task(cora.take(reference))
        for _ in range(MOST_TRIES - 1):
            await rival.win(ACCOUNT, cora.person.account_id)
        await rival.is_waited_for()
        await rival.leave()
        await taking
        assert [one["kind"] for one in await ada.log()].count("joined") == 1


async def test_a_page_that_is_taken_back_is_begun_again(house: House, postgres_url: str) -> None:
    async with Ada(house) as ada, await Cora.hired(house) as cora, Rival.at(postgres_url) as rival:
        reference = await ada.ask()
        await rival.lock(CONVERSATION, reference)
        declining = asyncio.create_task(cora.post(cora.path(reference, "/decline")))
        for _ in range(MOST_TRIES - 1):
            await rival.win(ACCOUNT, cora.person.account_id)
        await rival.is_waited_for()
        await rival.leave()
        assert (await declining).status_code == 303
        async with house.database.read() as connection:
            told = (await connection.execute(select(audit).where(audit.c.action == "decline"))).all()
        assert len(told) == 1


async def test_after_the_third_time_the_advisor_is_told_and_has_nothing(house: House, postgres_url: str) -> None:
    async with Ada(house) as ada, await Cora.hired(house) as cora, Rival.at(postgres_url) as rival:
        reference = await ada.ask()
        await rival.lock(CONVERSATION, reference)
        taking = asyncio.create_task(cora.post(cora.path(reference, "/accept")))
        for _ in range(MOST_TRIES):
            await rival.win(ACCOUNT, cora.person.account_id)
        answer = await taking
        assert answer.status_code == 503
        assert "Nothing was lost" in answer.text
        await rival.leave()
        assert [one["kind"] for one in await ada.log()] == ["message", "queued"]


async def test_messages_that_are_taken_back_are_stored_once(
    house: House, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two conversations in one transaction: the quick way loses, then the long way loses, then both are stored."""
    # PostgreSQL looks for a deadlock after a second; with others at work two may take longer than anybody is kept waiting.
    monkeypatch.setattr(waiting, "ANSWER_WITHIN_S", 30)
    log = house.first.parts.log
    async with Ada(house) as ada, Ada(house) as ben, Rival.at(postgres_url) as rival:
        first, second = await ada.ask(), await ben.ask()
        await asyncio.gather(ada.say("I am here."), ben.say("So am I."))
        await rival.lock(CONVERSATION, second)
        await rival.save()
        await rival.lock(CONVERSATION, first)
        saying = [asyncio.create_task(ada.say("one"))]
        await rival.is_waited_for()
        saying += [asyncio.create_task(ada.say("two")), asyncio.create_task(ben.say("three"))]
        await until(lambda: log.waiting == 2, what="the next two to queue")
        await rival.give_back()
        # Once more than this, and whoever came by the long way from the start has used up their tries.
        for _ in range(MOST_TRIES - 1):
            await rival.win(CONVERSATION, first)
        await rival.is_waited_for()
        await rival.leave()
        answers = [await one for one in saying]
        assert [answer.status_code for answer in answers] == [201, 201, 201]
        texts = [[one["text"] for one in await person.log() if one["kind"] == "message"] for person in (ada, ben)]
        assert [texts[0][1:], texts[1][1:]] == [["I am here.", "one", "two"], ["So am I.", "three"]]


async def test_a_process_opens_no_more_connections_than_it_says(house: House, postgres_url: str) -> None:
    """`dutyline web` asks before it starts whether there is room for them."""
    async with Ada(house) as ada, await Cora.hired(house) as cora, Rival.at(postgres_url) as rival:
        await cora.take(await ada.ask())
        await asyncio.gather(ada.say("Hello"), ada.poll())
        await house.database.close()
        await rival.lock_table("conversation")
        pages = [asyncio.create_task(cora.http.get("/desk")) for _ in range(30)]

        async def all_are_taken() -> bool:
            return await rival.count_others() > POOL_SIZE + POOL_OVERFLOW

        await until(all_are_taken, what="the pool to be empty")
        # Who found no connection in two seconds is told first.
        await asyncio.wait(pages, return_when=asyncio.FIRST_COMPLETED)
        count = await rival.count_others()
        await rival.leave()
        answers = await asyncio.gather(*pages)
        told = {(page.status_code, page.headers.get("retry-after")) for page in answers}
        assert told == {(200, None), (503, "2")}
        assert count <= MOST_CONNECTIONS


async def test_what_waits_for_the_database_holds_up_nothing_else_on_its_socket(house: House, postgres_url: str) -> None:
    """Nor is it lost with the socket: it was taken."""
    async with Ada(house) as ada, await Cora.hired(house) as cora, Rival.at(postgres_url) as rival:
        reference = await ada.ask()
        await cora.take(reference)
        async with cora.line() as line:
            await line.hello(after={})
            await rival.lock(CONVERSATION, reference)
            await line.send("say", conversation=reference, id=str(uuid.uuid4()), text="Good morning")
            await rival.is_waited_for()
            await line.quiet()
            assert "ack" not in [frame["type"] for frame in line.seen]
        await rival.leave()

        async def is_stored() -> bool:
            return "Good morning" in [event.get("text") for event in await ada.log()]

        await until(is_stored, what="the message")
