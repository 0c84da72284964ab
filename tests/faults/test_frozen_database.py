"""A PostgreSQL that is stopped in the middle of everything: it keeps its connections, hears, and does not answer."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import httpx
import pytest

from app.migrations import migrate
from tests.chat.house import House, opened
from tests.chat.people import Ada, Cora, Line
from tests.engines import PostgresServer
from tests.faults.breakages import frozen
from tests.waiting import until

pytestmark = pytest.mark.faults

TOLD_WITHIN_S = 5.0
# How late a busy machine may be. One after the other, the second would be told after nine or ten seconds.
SPARE_S = 2.0
READY_WITHIN_S = 2.5


@pytest.fixture
async def house(tmp_path: Path, own_postgres: PostgresServer, redis_url: str) -> AsyncIterator[House]:
    migrate(own_postgres.url())
    async with opened(tmp_path, own_postgres.url(), redis_url) as house:
        yield house


async def said(line: Line, references: Sequence[str]) -> set[str]:
    """Say something in each of these at once: the codes that answer it."""
    for reference in references:
        await line.send("say", conversation=reference, id=str(uuid.uuid4()), text="Are you there?")
    return {(await line.expect("error"))["code"] for _ in references}


async def timed(ask: Callable[[], Awaitable[httpx.Response]]) -> tuple[int, float]:
    began = time.monotonic()
    answer = await ask()
    return answer.status_code, time.monotonic() - began


async def test_everybody_is_told_within_five_seconds_and_nothing_is_stored_twice(
    house: House, own_postgres: PostgresServer
) -> None:
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await cora.take(await ada.ask())
        # Connections that were used a moment ago are not asked whether they live.
        await asyncio.gather(*(cora.http.get("/desk") for _ in range(20)), ada.say("Hello"))
        asks: list[Callable[[], Awaitable[httpx.Response]]] = [
            *[lambda: cora.http.get("/desk")] * 8,
            lambda: ada.http.get("/chat"),
            lambda: ada.http.get("/guidance/search?q=risk"),
            lambda: ada.say("Are you there?"),
        ]
        with frozen(own_postgres.pid):
            for _ in range(2):
                ready = asyncio.create_task(timed(lambda: ada.http.get("/readyz")))
                for status, took_s in await asyncio.gather(*map(timed, asks)):
                    assert status == 503
                    assert took_s < TOLD_WITHIN_S + SPARE_S
                status, took_s = await ready
                assert (status, took_s < READY_WITHIN_S) == (503, True)

        async def is_back() -> bool:
            return (await cora.http.get("/desk")).status_code == 200

        await until(is_back, what="the desk")
        texts = [event["text"] for event in await ada.log() if event["kind"] == "message"]
        assert texts.count("Hello") == 1
        assert texts.count("Are you there?") <= 2


async def test_an_advisor_is_told_of_all_conversations_at_once(house: House, own_postgres: PostgresServer) -> None:
    async with Ada(house) as ada, Ada(house) as ben, Ada(house) as mia, await Cora.hired(house) as cora:
        references = [await one.ask() for one in (ada, ben, mia)]
        for reference in references:
            await cora.take(reference)
        async with cora.line() as line:
            await line.hello(after={})
            for _ in references:
                await line.expect("caught_up")
            with frozen(own_postgres.pid):
                began = time.monotonic()
                assert await said(line, references) == {"unavailable"}
                assert time.monotonic() - began < TOLD_WITHIN_S + SPARE_S
