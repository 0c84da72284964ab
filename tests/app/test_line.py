"""The line over real processes: two web, two workers, PostgreSQL or SQLite, and what is done to them meanwhile.

Cora's desk is open at the first web process, Dev's at the second. Nobody here looks into the service: what is told is what
the sockets of desks and of a visitor get.
"""

import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis import Redis

from tests.app.desks import FIRST, SECOND, Desk, at_desk, connected, hire
from tests.app.people import Person
from tests.engines import PostgresServer
from tests.live import LiveService
from tests.waiting import until

TAKEN_OVER_WITHIN_S = 20.0
LEAD = '"event": "worker_leads"'


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, short_folder: Path, redis_url: str) -> Iterator[LiveService]:
    environment = {"REDIS_URL": redis_url}
    if request.param == "sqlite":
        yield from staffed(short_folder, environment)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"line_{uuid.uuid4().hex}"
    yield from staffed(short_folder, environment | {"DATABASE_URL": server.create_database(name)})
    server.drop_database(name)


def staffed(folder: Path, environment: dict[str, str]) -> Iterator[LiveService]:
    with LiveService(folder, web=2, workers=2, environment=environment) as service:
        hire(service)
        yield service


async def test_offers_over_processes(service: LiveService) -> None:
    async with AsyncExitStack() as stack:
        cora = await stack.enter_async_context(at_desk(service, "cora", FIRST))
        dev = await stack.enter_async_context(at_desk(service, "dev", SECOND))
        await declined_by_one_and_accepted_by_the_next(service, cora, dev)
        await taken_by_a_colleague_meanwhile(service, cora, dev)
        await offered_to_who_signs_out(service, cora, dev)


async def declined_by_one_and_accepted_by_the_next(service: LiveService, cora: Desk, dev: Desk) -> None:
    with Person(service, SECOND) as ada:
        reference = ada.ask(deadline="today")
    # Cora went online first: of two who hold nothing she is the longest idle.
    offered = await cora.is_offered(reference)
    assert offered["enquiry"]["why"] == "Same-day, just came"
    assert offered["enquiry"]["sentence"].startswith("Probation or prisons, Cleveland: ")
    assert not [frame for frame in dev.line.seen if frame["type"] == "offer"]
    cora.answer(reference, "decline")
    assert (await cora.line.expect("offer_ended", conversation=reference))["outcome"] == "declined"
    await dev.is_offered(reference)
    dev.answer(reference, "accept")
    assert (await dev.line.expect("offer_ended", conversation=reference))["outcome"] == "accepted"
    assert await dev.holds(reference)


async def taken_by_a_colleague_meanwhile(service: LiveService, cora: Desk, dev: Desk) -> None:
    """A desk that comes later is given the offer that is open; when it is gone, each of them is told."""
    with Person(service, FIRST) as ada:
        reference = ada.ask()
    await cora.is_offered(reference)
    async with connected(cora.person, "/desk/socket", SECOND) as second_desk:
        await second_desk.expect("offer", conversation=reference)
        assert f'data-reference="{reference}"' in cora.person.get("/desk").text
        dev.answer(reference, "accept")
        for line in (cora.line, second_desk):
            assert (await line.expect("offer_ended", conversation=reference))["outcome"] == "withdrawn"


async def offered_to_who_signs_out(service: LiveService, cora: Desk, dev: Desk) -> None:
    with Person(service, FIRST) as ada:
        reference = ada.ask()
    await cora.is_offered(reference)
    cora.person.post_form("/desk", "/sign-out")
    assert await cora.line.closed() == 4100
    dev.person.post_form("/desk", "/desk/presence", state="online", capacity=6)
    await dev.is_offered(reference)


async def test_the_line_goes_on_when_its_leader_is_killed_or_redis_forgets(
    service: LiveService, redis_url: str
) -> None:
    async with AsyncExitStack() as stack:
        cora = await stack.enter_async_context(at_desk(service, "cora", FIRST, capacity=6))
        adas = [stack.enter_context(Person(service, part)) for part in (FIRST, SECOND, FIRST)]
        first = adas[0].ask()
        await cora.is_offered(first)
        cora.answer(first, "accept")
        with Redis.from_url(redis_url) as client:
            client.flushall()
        second = adas[1].ask()
        await cora.is_offered(second)
        cora.answer(second, "accept")
        leader = next(name for name, part in service.parts.items() if LEAD in part.log.read_text())
        service.kill(leader)
        third = adas[2].ask()
        other = next(name for name in ("worker-0", "worker-1") if name != leader)
        await until(lambda: LEAD in service.parts[other].log.read_text(), TAKEN_OVER_WITHIN_S, "the other to lead")
        await cora.is_offered(third)
