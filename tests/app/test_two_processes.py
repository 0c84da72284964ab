"""One conversation over two web processes: Ada's socket ends at the first, Cora's at the second, on PostgreSQL.

Both are plain clients of docs/protocol.md. What each holds at the end is compared frame by frame, and with what a client
gets that comes to the other process and holds nothing.
"""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.desks import FIRST, SECOND, line_of
from tests.app.people import ENQUIRY, Person
from tests.browser.stage import two_web_processes
from tests.chat.people import Frame, Line
from tests.engines import PostgresServer
from tests.live import LiveService

NOTE = "Has asked before, in March."
AT_ONCE = 20


@pytest.fixture
def service(short_folder: Path, postgres: PostgresServer, redis_url: str) -> Iterator[LiveService]:
    name = f"two_{uuid.uuid4().hex}"
    with two_web_processes(short_folder, postgres.create_database(name), redis_url) as service:
        yield service
    postgres.drop_database(name)


async def test_a_conversation_over_two_processes(service: LiveService) -> None:
    with Person(service, FIRST) as ada, Person(service, SECOND) as cora:
        reference = ada.ask()
        cora.sign_in("advisor@example.org")
        async with line_of(ada, "/chat/socket", FIRST) as adas, line_of(cora, "/desk/socket", SECOND) as coras:
            await they_meet(reference, cora, adas, coras)
            acks = await they_talk(reference, adas, coras)
            await cora_works(reference, cora, adas, coras)
            await ada_repeats_herself(reference, ada, acks[0])
            cora.at_conversation(reference, "end")
            await adas.expect("event", kind="ended")
            await coras.expect("event", kind="ended")
            stored = from_the_start(ada, SECOND)
            assert (adas.events(), coras.numbers()) == (stored, adas.numbers())
            assert adas.numbers() == list(range(1, len(stored) + 1))
            assert [as_ada_sees(event) for event in coras.events()] == stored
            assert await adas.closed() == 4105


async def they_meet(reference: str, cora: Person, adas: Line, coras: Line) -> None:
    welcome = await adas.hello(after={})
    assert [(one["conversation"], one["status"], one["last_seq"]) for one in welcome["conversations"]] == [
        (reference, "waiting", 2)
    ]
    await adas.expect("caught_up", conversation=reference, last_seq=2)
    assert (await coras.hello(after={}))["conversations"] == []
    cora.take(reference)
    joined = await adas.expect("event", kind="joined")
    assert (joined["seq"], joined["author"]["name"]) == (3, "Cora Hughes")
    await coras.expect("event", kind="joined")
    assert (
        shapes(coras)
        == shapes(adas)
        == [
            (1, "message", "visitor", ENQUIRY["question"]),
            (2, "queued", "system", adas.events()[1]["text"]),
            (3, "joined", "advisor", joined["text"]),
        ]
    )


async def they_talk(reference: str, adas: Line, coras: Line) -> list[Frame]:
    """One after the other, then both at once: Ada's acknowledgements."""
    asked = await adas.say(reference, "He is here at three. What do I begin with?")
    heard = await coras.expect("event", seq=4)
    assert (asked["seq"], asked["again"], heard["id"], heard["text"]) == (
        4,
        False,
        asked["id"],
        "He is here at three. What do I begin with?",
    )
    await coras.send("typing", conversation=reference)
    await adas.expect("typing", conversation=reference)
    await coras.send("read", conversation=reference, seq=4)
    read = await adas.expect("read", conversation=reference, seq=4)
    assert read["author"]["kind"] == "advisor"
    answered = await coras.say(reference, "With what he wants from the order.")
    assert (answered["seq"], (await adas.expect("event", seq=5))["id"]) == (5, answered["id"])
    await asyncio.gather(talk_on(reference, adas, "Question"), talk_on(reference, coras, "Answer"))
    last = 5 + 2 * AT_ONCE
    for side in (adas, coras):
        if side.numbers()[-1] < last:
            await side.expect("event", seq=last)
    told = [text for _, _, _, text in shapes(adas)[5:]]
    assert sorted(told) == sorted(f"{what} {number}" for what in ("Question", "Answer") for number in range(AT_ONCE))
    assert [text for text in told if text.startswith("Question")] == [f"Question {number}" for number in range(AT_ONCE)]
    assert shapes(coras) == shapes(adas)
    return [asked, answered]


async def talk_on(reference: str, side: Line, what: str) -> None:
    for number in range(AT_ONCE):
        ack = await side.say(reference, f"{what} {number}")
        assert (ack["type"], ack["again"]) == ("ack", False), ack


async def cora_works(reference: str, cora: Person, adas: Line, coras: Line) -> None:
    """A note that Ada gets only the number of, and an article that both get."""
    cora.at_conversation(reference, "notes", text=NOTE)
    hidden, note = await adas.expect("event", kind="hidden"), await coras.expect("event", kind="note")
    assert (hidden["seq"], note["text"]) == (note["seq"], NOTE)
    cora.at_conversation(reference, "share", article="first-conversation")
    shared = await adas.expect("event", kind="article"), await coras.expect("event", kind="article")
    assert shared[0]["data"] == shared[1]["data"]
    assert (shared[0]["data"]["slug"], shared[0]["data"]["version"]) == ("first-conversation", 1)


async def ada_repeats_herself(reference: str, ada: Person, ack: Frame) -> None:
    """The same words under the same id, to the other process: the same number, and no second event."""
    async with line_of(ada, "/chat/socket", SECOND) as elsewhere:
        await elsewhere.hello(after={})
        again = await elsewhere.say(reference, "He is here at three. What do I begin with?", uuid.UUID(ack["id"]))
        assert (again["seq"], again["again"]) == (ack["seq"], True)


def from_the_start(ada: Person, part: str) -> list[Frame]:
    """All events as this process gives them to a client that holds nothing."""
    url = f"http://127.0.0.1:{ada.service.port(part)}/chat/poll"
    frames = ada.get(url, params={"after": 0, "wait": 0}).json()
    return [frame for frame in frames if frame["type"] == "event"]


def shapes(side: Line) -> list[tuple[int, str, str, str]]:
    return [(event["seq"], event["kind"], event["author"]["kind"], event["text"]) for event in side.events()]


def as_ada_sees(event: Frame) -> Frame:
    """A staff event as the visitor gets it: of a note nothing but its number."""
    if event["kind"] != "note":
        return event
    return {name: event[name] for name in ("type", "t", "conversation", "seq")} | {"kind": "hidden"}
