"""What the line does when something is lost: an advisor's process, an advisor's attention, Redis, the database, the leader.

The service runs with times a dozen times shorter (tests/app/impatient.py); who is told what is read from sockets.
"""

import asyncio
import contextlib
import sys
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis import Redis

from tests.app.desks import FIRST, SECOND, Desk, at_desk, connected, hire
from tests.app.impatient import IMPATIENT
from tests.app.people import Person
from tests.chat.people import Line
from tests.engines import PostgresServer
from tests.live import LiveService
from tests.waiting import until

IMPATIENTLY = (sys.executable, "-m", "tests.app.impatient")
NOTICED_WITHIN_S = (IMPATIENT.quiet + IMPATIENT.longest_gap).total_seconds()
FROZEN_FOR_S = IMPATIENT.freeze.total_seconds()
ACTS = '"event": "reaper_acts"'


@pytest.fixture
def postgres_of_its_own() -> Iterator[PostgresServer]:
    """One that a test may stop."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, short_folder: Path, redis_url: str) -> Iterator[LiveService]:
    environment = {"REDIS_URL": redis_url, "RATE_LIMITS": "off"}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_of_its_own")
        environment["DATABASE_URL"] = server.create_database(f"line_{uuid.uuid4().hex}")
    with LiveService(short_folder, web=2, workers=2, environment=environment, program=IMPATIENTLY) as service:
        hire(service)
        yield service


async def nothing_is_requeued(line: Line, for_s: float) -> None:
    """Listen for so long: the longest in which a mistake would show."""
    loop = asyncio.get_running_loop()
    end = loop.time() + for_s
    while (left := end - loop.time()) > 0:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await line.receive()
    assert "requeued" not in [event["kind"] for event in line.events()]


async def test_what_is_lost_goes_ahead_and_what_is_not_stays(service: LiveService, redis_url: str) -> None:
    async with AsyncExitStack() as stack:
        sue = await stack.enter_async_context(at_desk(service, "sue", FIRST))
        await until(lambda: ACTS in service.log_text(), 3 * FROZEN_FOR_S, "the reaper to act")
        await who_does_not_answer_is_set_away(service, sue)
        await who_comes_back_in_time_keeps_it(service, redis_url)
        await who_is_killed_loses_it(service, sue)


async def who_does_not_answer_is_set_away(service: LiveService, sue: Desk) -> None:
    async with at_desk(service, "cora", FIRST) as cora:
        with Person(service, SECOND) as ada:
            reference = ada.ask()
            for _ in range(3):
                await cora.is_offered(reference)
                ended = await cora.line.expect("offer_ended", conversation=reference)
                assert ended["outcome"] == "missed"
            await cora.is_told("set_away")
            told = await sue.is_told("advisor_set_away")
            assert told["text"] == "Cora Hughes let 3 offers go by and was set to away."
            assert 'value="away" aria-pressed="true"' in cora.person.get("/desk").text
            ada.post_form("/chat", "/chat/leave")
        cora.person.post_form("/desk", "/desk/notices/seen")
        sue.person.post_form("/desk", "/desk/notices/seen")


async def who_comes_back_in_time_keeps_it(service: LiveService, redis_url: str) -> None:
    """A page that is loaded again, with Redis losing everything meanwhile."""
    with Person(service, FIRST) as ada:
        reference = ada.ask()
        async with connected(ada, "/chat/socket", FIRST) as adas, at_desk(service, "dev", FIRST) as dev:
            await dev.is_offered(reference)
            dev.answer(reference, "accept")
            await adas.expect("event", kind="joined")
            await dev.line.connection.close()
            with Redis.from_url(redis_url) as client:
                client.flushall()
            async with connected(dev.person, "/desk/socket", SECOND) as again:
                await nothing_is_requeued(adas, 2 * NOTICED_WITHIN_S)
                await again.say(reference, "Here I am again.")
            dev.person.at_conversation(reference, "end")


async def who_is_killed_loses_it(service: LiveService, sue: Desk) -> None:
    with Person(service, FIRST) as ada:
        async with AsyncExitStack() as stack:
            reference = ada.ask()
            adas = await stack.enter_async_context(connected(ada, "/chat/socket", FIRST))
            cora = await stack.enter_async_context(at_desk(service, "cora", SECOND))
            await cora.is_offered(reference)
            cora.answer(reference, "accept")
            await adas.expect("event", kind="joined")
            service.kill(SECOND)
            async with asyncio.timeout(NOTICED_WITHIN_S):
                requeued = await adas.expect("event", kind="requeued")
            assert requeued["data"] == {"reason": "advisor_lost"}
            assert "We lost your advisor. You go ahead of the line. You are next." in ada.get("/chat").text
            assert (await sue.is_told("advisor_lost"))["conversation"] == reference
            service.start(SECOND)
            service.wait_ready(SECOND)
            async with connected(cora.person, "/desk/socket", SECOND) as back:
                said = await back.say(reference, "Are you still there?")
                assert (said["type"], said["code"]) == ("error", "assignment_lost")
                assert (await Desk(cora.person, back).is_told("requeued"))["conversation"] == reference
                # She is there again, and next is who goes ahead.
                if not [frame for frame in back.seen if frame["type"] == "offer"]:
                    await back.expect("offer", conversation=reference)


async def test_nobody_is_lost_while_the_database_is_away(
    short_folder: Path, redis_url: str, postgres_of_its_own: PostgresServer
) -> None:
    environment = {"REDIS_URL": redis_url, "RATE_LIMITS": "off", "DATABASE_URL": postgres_of_its_own.url()}
    with LiveService(short_folder, web=2, workers=2, environment=environment, program=IMPATIENTLY) as service:
        hire(service)
        with Person(service, FIRST) as ada:
            reference = ada.ask()
            async with connected(ada, "/chat/socket", FIRST) as adas, at_desk(service, "cora", SECOND) as cora:
                await cora.is_offered(reference)
                cora.answer(reference, "accept")
                await adas.expect("event", kind="joined")
                await until(lambda: ACTS in service.log_text(), 3 * FROZEN_FOR_S, "the reaper to act")
                postgres_of_its_own.stop_immediately()
                # Longer than any lease: had anybody counted, everybody would be lost.
                await nothing_is_requeued(adas, NOTICED_WITHIN_S)
                postgres_of_its_own.restart()
                await until(lambda: service.readiness(FIRST) == 200, 30, "the database to be back")
                acted = service.log_text().count(ACTS)
                await until(lambda: service.log_text().count(ACTS) > acted, 6 * FROZEN_FOR_S, "the reaper to act again")
                said = await cora.line.say(reference, "Still here.")
                assert said["type"] == "ack"
                with Person(service, SECOND) as ben:
                    await cora.is_offered(ben.ask())
                await nothing_is_requeued(adas, NOTICED_WITHIN_S)
