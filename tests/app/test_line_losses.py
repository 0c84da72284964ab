"""What the line does when something is lost: an advisor's process, an advisor's attention, Redis, the database, the leader.

The service runs with times a dozen times shorter (tests/app/impatient.py); who is told what is read from sockets.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import insert

from core.clock import utc_now
from core.db import Database
from core.people import Role
from core.signals import Signals, open_redis
from core.sqlite import sqlite_url
from staff.sessions import Sessions
from staff.tables import account, account_role
from tests.app import impatient
from tests.app.desks import FIRST, SECOND, Desk, at_desk, connected, hire
from tests.app.impatient import IMPATIENT
from tests.app.people import Person
from tests.chat.people import Line
from tests.engines import PostgresServer
from tests.live import LiveService
from tests.waiting import until

NOTICED_WITHIN_S = (IMPATIENT.quiet + IMPATIENT.longest_gap).total_seconds()
FROZEN_FOR_S = IMPATIENT.freeze.total_seconds()
ACTS = '"event": "reaper_acts"'


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, short_folder: Path, redis_url: str) -> Iterator[LiveService]:
    environment = {"REDIS_URL": redis_url, "RATE_LIMITS": "off"}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("own_postgres")
        environment["DATABASE_URL"] = server.create_database(f"line_{uuid.uuid4().hex}")
    with LiveService(short_folder, web=2, workers=2, environment=environment, program=impatient.main) as service:
        hire(service)
        yield service


async def elapses(seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


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
    short_folder: Path, redis_url: str, own_postgres: PostgresServer
) -> None:
    environment = {"REDIS_URL": redis_url, "RATE_LIMITS": "off", "DATABASE_URL": own_postgres.url()}
    with LiveService(short_folder, web=2, workers=2, environment=environment, program=impatient.main) as service:
        hire(service)
        with Person(service, FIRST) as ada:
            reference = ada.ask()
            async with connected(ada, "/chat/socket", FIRST) as adas, at_desk(service, "cora", SECOND) as cora:
                await cora.is_offered(reference)
                cora.answer(reference, "accept")
                await adas.expect("event", kind="joined")
                await until(lambda: ACTS in service.log_text(), 3 * FROZEN_FOR_S, "the reaper to act")
                own_postgres.stop_immediately()
                # Longer than any lease: had anybody counted, everybody would be lost.
                await elapses(NOTICED_WITHIN_S)
                acted = service.log_text().count(ACTS)
                own_postgres.restart()
                await until(lambda: service.readiness(FIRST) == 200, 30, "the database to be back")
                # A line that the outage cut (4005) is one that comes back; so do these.
                async with (
                    connected(ada, "/chat/socket", FIRST) as again,
                    connected(cora.person, "/desk/socket", SECOND) as coras,
                ):
                    await until(lambda: service.log_text().count(ACTS) > acted, 6 * FROZEN_FOR_S, "the reaper to act")
                    assert (await coras.say(reference, "Still here."))["type"] == "ack"
                    with Person(service, SECOND) as ben:
                        await Desk(cora.person, coras).is_offered(ben.ask())
                    await nothing_is_requeued(again, NOTICED_WITHIN_S)


async def test_fifty_open_chats_survive_a_flush(service: LiveService, redis_url: str) -> None:
    """Nothing goes back into the line, and the next is offered as before."""
    tokens = await sign_in_a_crowd(service, FULL_DESKS)
    async with AsyncExitStack() as stack:
        references = ask_for(service, CHATS)
        lines = []
        for number, token in enumerate(tokens):
            part = (FIRST, SECOND)[number % 2]
            person = stack.enter_context(Person(service, part))
            person.cookies.set("session", token)
            lines.append(await stack.enter_async_context(connected(person, "/desk/socket", part)))
            for reference in references[number::FULL_DESKS]:
                person.post_form("/desk", f"/desk/conversations/{reference}/accept")
        await until(lambda: ACTS in service.log_text(), 3 * FROZEN_FOR_S, "the reaper to act")
        with Redis.from_url(redis_url) as client:
            for _ in range(3):
                client.flushall()
                await asyncio.gather(*(nothing_is_requeued(line, NOTICED_WITHIN_S / 2) for line in lines))
        assert "conversation_requeued" not in service.log_text()
        for line in lines:
            assert {one["conversation"] for one in line.events() if one["kind"] == "joined"} <= set(references)
        cora = await stack.enter_async_context(at_desk(service, "cora", FIRST))
        await cora.is_offered(ask_for(service, 1)[0])


FULL_DESKS, CHATS = 10, 50


def ask_for(service: LiveService, count: int) -> list[str]:
    references = []
    for number in range(count):
        with Person(service, (FIRST, SECOND)[number % 2]) as visitor:
            references.append(visitor.ask())
    return references


def database_url_of(service: LiveService) -> str:
    return service.environment.get("DATABASE_URL") or sqlite_url(service.folder / "data")


async def sign_in_a_crowd(service: LiveService, count: int) -> list[str]:
    """Advisors who hold five each, and the tokens of their sign-ins; each account by command costs a process."""
    database = Database(database_url_of(service))
    sessions = Sessions(database, Signals(open_redis("redis://127.0.0.1:1"), "test"), "session")
    tokens = []
    try:
        async with database.write() as connection:
            for number in range(count):
                row = {"id": f"crowd{number}", "email": f"crowd{number}@example.org", "name": f"Advisor {number}"}
                await connection.execute(
                    insert(account).values(presence="online", capacity=5, created_at=utc_now(), **row)
                )
                await connection.execute(insert(account_role).values(account_id=row["id"], role=Role.ADVISOR))
                tokens.append((await sessions.start(connection, row["id"]))[0])
    finally:
        await database.close()
    return tokens
