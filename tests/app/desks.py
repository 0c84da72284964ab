"""Desks at a running service: staff who are signed in at one of its web processes, each with a socket open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from tests.app.people import Person
from tests.chat.people import Frame, Line
from tests.live import DEMO_PASSWORD, LiveService

FIRST, SECOND = "web-0", "web-1"
STAFF = {"cora": ("Cora Hughes", "advisor"), "dev": ("Dev Patel", "advisor"), "sue": ("Sue Webb", "supervisor")}


def hire(service: LiveService) -> None:
    """Open round the clock, with two advisors and a supervisor."""
    assert service.command("hours", "always").returncode == 0
    for name, (shown, role) in STAFF.items():
        words = ("account", "add", f"{name}@example.org", "--name", shown, "--role", role)
        added = service.command(*words, stdin=f"{DEMO_PASSWORD}\n")
        assert added.returncode == 0, added.stderr


class Desk:
    """One of staff with a desk open."""

    def __init__(self, person: Person, line: Line) -> None:
        self.person = person
        self.line = line

    async def is_offered(self, reference: str) -> Frame:
        return await self.line.expect("offer", conversation=reference)

    async def is_told(self, kind: str) -> Frame:
        """The notice of this kind, of those that are not seen yet."""
        while True:
            for frame in self.line.seen:
                told: list[Frame] = frame["notices"] if frame["type"] == "notice" else []
                for one in told:
                    if one["kind"] == kind:
                        return one
            await self.line.receive()

    async def holds(self, reference: str) -> bool:
        """Their socket follows it now."""
        while not [one for one in self.line.events() if (one["conversation"], one["kind"]) == (reference, "joined")]:
            await self.line.receive()
        return True

    def answer(self, reference: str, answer: str) -> None:
        self.person.post_form("/desk", f"/desk/conversations/{reference}/{answer}")


@asynccontextmanager
async def line_of(person: Person, path: str, part: str) -> AsyncIterator[Line]:
    """This person's socket at one of the processes, before its first frame."""
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
        yield Line(connection)


@asynccontextmanager
async def connected(person: Person, path: str, part: str) -> AsyncIterator[Line]:
    """The same, after its hello."""
    async with line_of(person, path, part) as line:
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
