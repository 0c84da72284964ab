"""What many ask of PostgreSQL at once: connections, of which each process has so many, and rows that two want at the same time.

A transaction that it takes back, because it and another one wait for each other, is done again, or the person is told.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from chat import waiting
from core.contest import MOST_TRIES
from core.db import MOST_CONNECTIONS, POOL_OVERFLOW, POOL_SIZE
from core.people import Role
from core.tables import audit, setting
from tests.chat.house import House, opened
from tests.chat.people import Ada, Cora
from tests.chat.rival import ACCOUNT, CONVERSATION, Rival
from tests.waiting import until


@pytest.fixture
async def house(tmp_path: Path, postgres_url: str, redis_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path, postgres_url, redis_url) as house:
        yield house


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


async def test_two_who_store_the_same_at_once_have_both_done_so(house: House, postgres_url: str) -> None:
    """A supervisor closes the line while another one opens it: neither sees the other's row in time."""
    async with await Cora.hired(house, "Sue", None, Role.SUPERVISOR) as sue, Rival.at(postgres_url) as rival:
        await rival.run("INSERT INTO setting (name, value) VALUES ('line_open', 'yes')")
        closing = asyncio.create_task(sue.post("/supervise/line", {"open": "no", "message": ""}))
        await rival.is_waited_for()
        await rival.commit()
        assert (await closing).status_code == 303
        async with house.database.read() as connection:
            value = await connection.scalar(select(setting.c.value).where(setting.c.name == "line_open"))
        assert value == "no"


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
