"""A message that is sent again, in every way that it can be: answered as the first time, and stored once."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import product

import pytest

from chat.events import VISITOR_AUTHOR
from chat.log import Log
from chat.words import Kind
from core.clock import utc_now
from core.errors import IdConflict
from tests.chat.house import House, WebProcess, stop
from tests.chat.people import Ada, Cora, Line, Person
from tests.chat.writers import CORA, Writers

WAYS = ("socket", "json", "form")
TIMES = 3


class Doors:
    """One person at one process, with each way of saying something."""

    def __init__(self, person: Person, line: Line, reference: str, path: str) -> None:
        self.person = person
        self.line = line
        self.reference = reference
        self.path = path
        self.token = ""

    async def by(self, way: str, text: str, given: uuid.UUID) -> tuple[int | None, bool | None]:
        """The number, and whether it was stored before; a form tells neither."""
        if way == "socket":
            ack = await self.line.say(self.reference, text, given)
            assert ack["type"] == "ack", ack
            return ack["seq"], ack["again"]
        fields = {"id": str(given), "text": text}
        if way == "json":
            answer = await self.person.http.post(self.path, json=fields, headers={"X-CSRF-Token": self.token})
            assert answer.status_code == 201, answer.text
            return answer.json()["seq"], answer.json()["again"]
        answer = await self.person.http.post(self.path, data=fields | {"csrf_token": self.token})
        assert answer.status_code == 303, answer.text
        return None, None


@asynccontextmanager
async def doors_at(person: Person, process: WebProcess, reference: str, path: str) -> AsyncIterator[Doors]:
    """The same person, by another tab, at this process."""
    same = type(person)(person.house, process)
    same.http.cookies.update(person.http.cookies)
    async with same, same.line() as line:
        await line.hello()
        doors = Doors(same, line, reference, path)
        doors.token = await same.form_token()
        yield doors


@asynccontextmanager
async def both_sides(house: House) -> AsyncIterator[tuple[Ada, list[list[Doors]]]]:
    """Ada and Cora, each with doors at both processes."""
    async with AsyncExitStack() as stack:
        ada = await stack.enter_async_context(Ada(house))
        cora = await stack.enter_async_context(await Cora.hired(house))
        reference = await ada.ask()
        await cora.take(reference)
        people: list[tuple[Person, str]] = [(ada, "/chat/messages"), (cora, cora.path(reference, "/messages"))]
        yield (
            ada,
            [
                [await stack.enter_async_context(doors_at(who, one, reference, path)) for one in house.processes]
                for who, path in people
            ],
        )


async def test_by_every_way_after_every_way(two_processes: House) -> None:
    """Each three times, by both sides, first at one process and then at the other."""
    async with both_sides(two_processes) as (ada, sides):
        said = 0
        for side, first, again in product(sides, WAYS, WAYS):
            given, text = uuid.uuid4(), f"Word {said}"
            seq, before = await side[said % 2].by(first, text, given)
            assert before in (False, None)
            for time in range(TIMES):
                told, known = await side[(said + time + 1) % 2].by(again, text, given)
                assert told is None or seq is None or told == seq
                assert known in (True, None)
            said += 1
        events = await ada.log()
        assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
        words = [one["text"] for one in events if one["text"].startswith("Word")]
        assert words == [f"Word {number}" for number in range(said)]


async def test_by_all_ways_at_once(two_processes: House) -> None:
    """Nine at once, three ways at two processes: one is the first, all have its number."""
    async with both_sides(two_processes) as (ada, sides):
        for side in sides:
            given = uuid.uuid4()
            ways = ["socket", *("json", "form") * 4]
            answers = await asyncio.gather(
                *(side[number % 2].by(way, "At once", given) for number, way in enumerate(ways))
            )
            assert len({seq for seq, _ in answers if seq is not None}) == 1
            assert [again for _, again in answers].count(False) <= 1
        assert [one["text"] for one in await ada.log()].count("At once") == 2


async def test_after_its_process_is_gone(two_processes: House) -> None:
    here, there = two_processes.processes
    async with Ada(two_processes, here) as ada:
        reference, given = await ada.ask(), uuid.uuid4()
        first = (await ada.say("Hello", given)).json()
        await stop(here)
        ada.move_to(there)
        async with ada.line() as line:
            await line.hello()
            ack = await line.say(reference, "Hello", given)
        assert (ack["seq"], ack["at"], ack["again"]) == (first["seq"], first["at"], True)
        assert (await ada.say("Hello", given)).json() == first | {"again": True}
        two_processes.processes.remove(here)


@pytest.mark.parametrize("kind", [Kind.MESSAGE, Kind.NOTE])
async def test_after_thirty_days(writers: Writers, kind: Kind) -> None:
    """The id is remembered as long as the conversation, and the answer tells the time of the first try."""
    conversation_id, given = await writers.open(CORA), uuid.uuid4()
    first = await writers.logs[0].say(conversation_id, CORA, "Hello", given, kind)
    later = Log(writers.databases[1], writers.logs[1]._keys, lambda: utc_now() + timedelta(days=30))
    writing = asyncio.create_task(later.run())
    try:
        for _ in range(TIMES):
            again = await later.say(conversation_id, CORA, "Hello", given, kind)
            assert (again.seq, again.at_ms, again.again) == (first.seq, first.at_ms, True)
        with pytest.raises(IdConflict):
            await later.say(conversation_id, CORA, "Hello!", given, kind)
        new = await later.say(conversation_id, VISITOR_AUTHOR, "Hello", given)
        assert (new.seq, new.again) == (first.seq + 1, False)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_after_the_end_by_every_way(two_processes: House) -> None:
    """What is stored is answered as before; what is new is refused, and a form gives the text back."""
    async with both_sides(two_processes) as (ada, sides):
        stored = []
        for number, (side, way) in enumerate(product(sides, WAYS)):
            given = uuid.uuid4()
            await side[number % 2].by(way, f"Word {number}", given)
            stored.append((side, f"Word {number}", given))
        await ada.post("/chat/leave")
        for number, (side, text, given) in enumerate(stored):
            doors = side[(number + 1) % 2]
            for way in ("json", "form"):
                seq, again = await doors.by(way, text, given)
                assert again in (True, None)
                assert seq is None or seq == number + 4
            headers = {"X-CSRF-Token": doors.token}
            new = {"id": str(uuid.uuid4()), "text": "One more thing"}
            refused = await doors.person.http.post(doors.path, json=new, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (409, "ended")
            form = await doors.person.http.post(doors.path, data=new | {"csrf_token": doors.token})
            assert form.status_code == 409
            assert "One more thing" in form.text
