"""The line over real processes: two web, two workers, PostgreSQL or SQLite, and what is done to them meanwhile.

Cora's desk is open at the first web process, Dev's at the second. Nobody here looks into the service: what is told is what
the sockets of desks and of a visitor get.
"""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from redis import Redis
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from tests.app.people import Person
from tests.chat.people import Frame, Line
from tests.engines import PostgresServer
from tests.live import DEMO_PASSWORD, LiveService
from tests.waiting import until

FIRST, SECOND = "web-0", "web-1"
STAFF = {"cora": ("Cora Hughes", "advisor"), "dev": ("Dev Patel", "advisor"), "sue": ("Sue Webb", "supervisor")}
TAKEN_OVER_WITHIN_S = 15.0
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
        assert service.command("hours", "always").returncode == 0
        for name, (shown, role) in STAFF.items():
            words = ("account", "add", f"{name}@example.org", "--name", shown, "--role", role)
            added = service.command(*words, stdin=f"{DEMO_PASSWORD}\n")
            assert added.returncode == 0, added.stderr
        yield service


class Desk:
    """One of staff with a desk open."""

    def __init__(self, person: Person, line: Line) -> None:
        self.person = person
        self.line = line

    async def is_offered(self, reference: str) -> Frame:
        return await self.line.expect("offer", conversation=reference)

    async def holds(self, reference: str) -> bool:
        """Their socket follows it now."""
        while not [one for one in self.line.events() if (one["conversation"], one["kind"]) == (reference, "joined")]:
            await self.line.receive()
        return True

    def answer(self, reference: str, answer: str) -> None:
        self.person.post_form("/desk", f"/desk/conversations/{reference}/{answer}")


@asynccontextmanager
async def connected(person: Person, path: str, part: str) -> AsyncIterator[Line]:
    service = person.service
    async with connect(
        f"{service.url.replace('http', 'ws', 1)}{path}",
        host="127.0.0.1",
        port=service.port(part),
        origin=Origin(service.url),
        subprotocols=[Subprotocol("advice.v1")],
        additional_headers={"Cookie": person.cookie_header},
        compression=None,
        proxy=None,
        close_timeout=1,
    ) as connection:
        line = Line(connection)
        await line.hello(after={})
        yield line


@asynccontextmanager
async def at_desk(service: LiveService, name: str, part: str, *, capacity: int = 2) -> AsyncIterator[Desk]:
    with Person(service, part) as person:
        person.sign_in(f"{name}@example.org")
        if STAFF[name][1] == "advisor":
            person.post_form("/desk", "/desk/presence", state="online", capacity=capacity)
        async with connected(person, "/desk/socket", part) as line:
            yield Desk(person, line)


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
