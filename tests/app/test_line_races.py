"""Two who decide at once, each at a process of their own: three web processes and a worker, on each database.

Whatever comes first, there is one outcome, everybody is told which, and nobody's words are lost.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.desks import hire
from tests.app.people import ENQUIRY, Person
from tests.engines import PostgresServer
from tests.live import DEMO_PASSWORD, LiveService
from tests.plain_http import NO_TLS
from tests.waiting import until

ROUNDS = 3
WEB = ("web-0", "web-1", "web-2")
MORE_STAFF = {"fay": ("Fay Moss", "advisor"), "sol": ("Sol Reed", "supervisor")}


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, short_folder: Path, redis_url: str) -> Iterator[LiveService]:
    environment = {"REDIS_URL": redis_url, "RATE_LIMITS": "off"}
    with ExitStack() as stack:
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            name = f"races_{uuid.uuid4().hex}"
            environment["DATABASE_URL"] = server.create_database(name)
            stack.callback(server.drop_database, name)
        service = stack.enter_context(LiveService(short_folder, web=3, workers=1, environment=environment))
        hire(service)
        for name, (shown, role) in MORE_STAFF.items():
            words = ("account", "add", f"{name}@example.org", "--name", shown, "--role", role)
            assert service.command(*words, stdin=f"{DEMO_PASSWORD}\n").returncode == 0
        yield service


class Racer:
    """Somebody whose forms are ready to be sent, at one of the processes."""

    def __init__(self, person: Person, page: str) -> None:
        self.person = person
        self.token = person.get(page).text.partition('name="csrf_token" value="')[2].partition('"')[0]
        self.http = httpx.AsyncClient(
            base_url=person.base_url,
            headers={**person.service.origin_headers, "Accept": "application/json", "Cookie": person.cookie_header},
            timeout=40,
            trust_env=False,
            verify=NO_TLS,
        )

    async def send(self, path: str, **fields: Any) -> tuple[int, str]:
        """The status, and the code of a refusal."""
        answer = await self.http.post(path, json=fields, headers={"X-CSRF-Token": self.token})
        return answer.status_code, answer.json().get("code", "") if answer.is_error else ""


class Table:
    """Everybody of staff, signed in each at the next process."""

    def __init__(self, service: LiveService, stack: AsyncExitStack) -> None:
        self.service = service
        self.stack = stack
        self.ids: dict[str, str] = {}
        self.racers = {
            name: self._come(name, number) for number, name in enumerate(("cora", "dev", "fay", "sue", "sol"))
        }
        page = self.racers["sue"].person.get("/supervise").text
        assert "Dev Patel" in page

    def _come(self, name: str, number: int) -> Racer:
        person = self.stack.enter_context(Person(self.service, WEB[number % len(WEB)]))
        person.sign_in(f"{name}@example.org")
        if name in ("cora", "dev", "fay"):
            person.post_form("/desk", "/desk/presence", state="online", capacity=6)
        return self.add(Racer(person, "/desk"))

    def add(self, racer: Racer) -> Racer:
        self.stack.push_async_callback(racer.http.aclose)
        return racer

    def visitor(self, number: int = 0, **changes: Any) -> tuple[Racer, str]:
        person = self.stack.enter_context(Person(self.service, WEB[number % len(WEB)]))
        reference = person.ask(**changes)
        return self.add(Racer(person, "/chat")), reference

    def __getitem__(self, name: str) -> Racer:
        return self.racers[name]

    def id_of(self, name: str, reference: str) -> str:
        """As the supervisor's page offers them."""
        page = self["sue"].person.get(f"/supervise/conversations/{reference}").text
        before = page.partition(f">{name}, room for")[0]
        return before.rpartition('value="')[2].removesuffix('"')


@pytest.fixture
async def table(service: LiveService) -> AsyncIterator[Table]:
    async with AsyncExitStack() as stack:
        yield Table(service, stack)


def log_of(racer: Racer) -> list[dict[str, Any]]:
    """The events that a visitor's page gets."""
    frames = racer.person.get("/chat/poll", params={"wait": 0}).json()
    return [frame for frame in frames if frame["type"] == "event"]


async def test_two_who_decide_at_once(table: Table) -> None:
    for number in range(ROUNDS):
        await two_supervisors_reassign(table, number)
        await handed_over_while_writing(table, number)
        await graded_while_claimed(table, number)
        await left_while_claimed(table, number)
    await line_closed_while_claimed(table)
    board = table["sue"].person
    await until(lambda: board.get("/supervise").text.count("<polyline") == 5, 10, "the worker to take a sample")


async def two_supervisors_reassign(table: Table, number: int) -> None:
    """Both looked at the same page: one wins, the other is told."""
    ada, reference = table.visitor(number)
    table["cora"].person.post_form("/desk", f"/desk/conversations/{reference}/accept")
    dev, fay = table.id_of("Dev Patel", reference), table.id_of("Fay Moss", reference)
    path = f"/supervise/conversations/{reference}/reassign"
    answers = await asyncio.gather(
        table["sue"].send(path, to=dev, epoch="1"), table["sol"].send(path, to=fay, epoch="1")
    )
    assert sorted(answers) == [(200, ""), (409, "already_taken")]
    assert [one["kind"] for one in log_of(ada)].count("transferred") == 1
    winner, loser = ("dev", "fay") if answers[0][0] == 200 else ("fay", "dev")
    page = f"/desk/conversations/{reference}"
    seen = [table[name].person.get(page).status_code for name in (winner, loser, "cora")]
    assert seen == [200, 404, 404]
    assert (await ada.send("/chat/leave"))[0] == 303


async def handed_over_while_writing(table: Table, number: int) -> None:
    """What was acknowledged stands before the change of hands; what came after is refused and kept."""
    ada, reference = table.visitor(number)
    cora, page = table["cora"], f"/desk/conversations/{reference}"
    cora.person.post_form("/desk", f"{page}/accept")
    dev = table.id_of("Dev Patel", reference)
    texts = [f"Message {number} {step}." for step in range(12)]

    async def say() -> list[tuple[int, str]]:
        return [await cora.send(f"{page}/messages", id=str(uuid.uuid4()), text=text) for text in texts]

    said, handed = await asyncio.gather(
        say(), table["sue"].send(f"/supervise/conversations/{reference}/reassign", to=dev)
    )
    assert handed == (200, "")
    assert Counter(said).keys() <= {(201, ""), (409, "assignment_lost")}
    stored = sum(status == 201 for status, _ in said)
    events = log_of(ada)
    assert [one["text"] for one in events if one["author"]["name"] == "Cora Hughes" and one["text"]] == texts[:stored]
    assert [one["kind"] for one in events][-2:] == ["transferred", "joined"]
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    assert (await ada.send("/chat/leave"))[0] == 303


async def graded_while_claimed(table: Table, number: int) -> None:
    """Both happen, in some order: it is Cora's, and it is graded anew."""
    ada, reference = table.visitor(number, deadline="none")
    graded, claimed = await asyncio.gather(
        table["sol"].send(f"/supervise/conversations/{reference}/regrade", urgency="emergency", reason="Safety."),
        table["cora"].send(f"/desk/conversations/{reference}/accept"),
    )
    assert (graded, claimed) == ((200, ""), (200, ""))
    kinds = sorted(one["kind"] for one in log_of(ada)[2:])
    assert kinds == ["hidden", "joined"]
    page = table["sue"].person.get(f"/supervise/conversations/{reference}").text
    assert '<option value="emergency" selected>' in page
    assert "Cora Hughes" in page
    assert (await ada.send("/chat/leave"))[0] == 303


async def left_while_claimed(table: Table, number: int) -> None:
    """Whoever leaves has left: the line, or the conversation that had just begun."""
    ada, reference = table.visitor(number)
    left, claimed = await asyncio.gather(
        ada.send("/chat/leave"), table["dev"].send(f"/desk/conversations/{reference}/accept")
    )
    assert left[0] == 303
    assert claimed in ((200, ""), (409, "ended"), (409, "already_taken"), (404, "not_found"))
    last = log_of(ada)[-1]
    assert last["kind"] == ("ended" if claimed[0] == 200 else "left")


async def line_closed_while_claimed(table: Table) -> None:
    """Who waits is taken whether the line closes or not, and an enquiry is either in the line or told that it is closed."""
    waiting = [table.visitor(number)[1] for number in range(3)]
    newcomers = [table.stack.enter_context(Person(table.service, name)) for name in WEB]
    askers = [table.add(Racer(person, "/ask?all=1")) for person in newcomers]
    closed, *answers = await asyncio.gather(
        table["sue"].send("/supervise/line", open="no", message="We are two today."),
        *(table["cora"].send(f"/desk/conversations/{reference}/accept") for reference in waiting),
        *(asker.send("/ask", **ENQUIRY) for asker in askers),
    )
    assert closed == (200, "")
    assert answers[:3] == [(200, "")] * 3
    for asker, answer in zip(askers, answers[3:], strict=True):
        assert answer in ((201, ""), (409, "closed"))
        assert ("visitor" in asker.http.cookies) == (answer[0] == 201)
    # Within two seconds every process knows; an answer that was ready is given for a second more.
    await until(lambda: all("We are two today." in one.get("/").text for one in newcomers), 8, "the words to be read")
    assert (await askers[0].send("/ask", **ENQUIRY))[1] == "closed"
