"""What each side is sent: every event once and in order, whatever process it is at and whatever was missed in between."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat import fanout, passing, socket
from chat.events import Entry
from chat.words import Kind
from tests.chat.house import House, opened
from tests.chat.people import Ada, Cora, Frame, Line
from tests.engines import RedisServer
from tests.waiting import MS


async def test_both_sides_in_two_processes_hold_the_same(two_processes: House) -> None:
    """Forty messages from four sockets at once, at two processes: each sees all of them once, in one order."""
    first, second = two_processes.processes
    async with Ada(two_processes, first) as ada, await Cora.hired(two_processes, at=second) as cora:
        reference = await ada.ask()
        await cora.take(reference)
        async with ada.line() as one, cora.line() as two:
            ada.move_to(second)
            async with ada.line() as three, cora.line() as four:
                lines = [one, two, three, four]
                for line in lines:
                    await line.hello()

                async def speak(line: Line) -> None:
                    for number in range(10):
                        assert (await line.say(reference, f"message {number}"))["type"] == "ack"

                await asyncio.gather(*map(speak, lines))
                for line in lines:
                    if 43 not in line.numbers():
                        await line.expect("event", seq=43)
                    assert line.numbers() == list(range(1, 44))
                    assert line.events() == one.events()


@contextlib.asynccontextmanager
async def two_who_talk(folder: Path, database_url: str, redis_url: str) -> AsyncIterator[tuple[str, Line, Line]]:
    """Their conversation's reference, then Ada's line to one process and Cora's to another, both caught up."""
    async with (
        opened(folder, database_url, redis_url, processes=2) as house,
        Ada(house) as ada,
        await Cora.hired(house, at=house.processes[1]) as cora,
    ):
        await cora.take(await ada.ask())
        async with ada.line() as visitor, cora.line() as desk:
            for line in (visitor, desk):
                await line.hello()
                await line.expect("caught_up")
            yield ada.reference, visitor, desk


async def test_without_redis_it_arrives_by_looking(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "POLL_S", 50 * MS)
    async with two_who_talk(tmp_path, database_url, "redis://127.0.0.1:1") as (reference, visitor, desk):
        ack = await visitor.say(reference, "Is anybody there?")
        assert (await desk.expect("event", seq=ack["seq"]))["text"] == "Is anybody there?"


async def test_redis_dies_and_comes_back_while_they_talk(
    tmp_path: Path, database_url: str, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "POLL_S", 50 * MS)
    monkeypatch.setattr(fanout, "POLLS_WHILE_HEALTHY", 1)
    async with two_who_talk(tmp_path, database_url, own_redis.url()) as (reference, visitor, desk):
        for happens in (None, own_redis.kill, own_redis.start):
            if happens is not None:
                await asyncio.to_thread(happens)
            ack = await visitor.say(reference, "Hello")
            await desk.expect("event", seq=ack["seq"])
        assert desk.numbers() == list(range(1, 7))


async def test_a_stale_copy_and_what_was_missed_are_a_fresh_copy(house: House) -> None:
    """Twenty times: leave anywhere, miss some, come back with the place, at times twice; nothing is lost or doubled."""
    chance = random.Random(11)
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await cora.take(await ada.ask())
        held: list[Frame] = []
        epoch = ""
        async with cora.line() as desk:
            await desk.hello()
            for _ in range(20):
                for number in range(chance.randrange(4)):
                    assert (await desk.say(ada.reference, f"while away {number}"))["type"] == "ack"
                async with ada.line() as visitor:
                    last = held[-1]["seq"] if held else 0
                    epoch = (await visitor.hello(after={ada.reference: last}, epoch=epoch or None))["epoch"]
                    for _ in range(chance.randrange(3)):
                        await desk.say(ada.reference, "while here")
                        await visitor.receive()
                    held += visitor.events()
        assert [frame["seq"] for frame in held] == list(range(1, len(held) + 1))
        async with ada.line() as fresh:
            last = (await fresh.hello())["conversations"][0]["last_seq"]
            await fresh.expect("caught_up", last_seq=last)
            async with ada.line() as rest:
                await rest.hello(after={ada.reference: held[-1]["seq"]})
                await rest.expect("caught_up", last_seq=last)
            assert held + rest.events() == fresh.events()


async def test_ten_pages_of_history_arrive_without_a_gap(house: House) -> None:
    async with Ada(house) as ada:
        reference = await ada.ask()
        parts = house.first.parts
        found = await parts.conversations.by_reference(reference)
        assert found is not None
        async with house.first.database.write() as connection:
            entries = [Entry(Kind.MESSAGE, found.visitor, f"{number}") for number in range(2_000)]
            await parts.log.append(connection, found.id, *entries)
        async with ada.line() as line:
            await line.hello()
            said = asyncio.create_task(ada.say("in the middle of it"))
            while 2_003 not in line.numbers():
                await line.receive()
            assert line.numbers() == list(range(1, 2_004))
            assert (await said).status_code == 201


BEYOND = [-1, 2**63, "x", 99, None, True, 1.5, [1], {"seq": 1}]


@pytest.mark.parametrize("place", BEYOND, ids=map(str, BEYOND))
async def test_a_place_that_cannot_be_is_reset(ada: Ada, place: object) -> None:
    """No event follows, for there is none that the client could put anywhere; a fresh hello begins again."""
    async with ada.line() as line:
        await line.hello(after={ada.reference: place})
        assert (await line.expect("reset"))["conversation"] == ada.reference
        assert (await line.say(ada.reference, "Hello"))["type"] == "ack"
        await line.quiet()
        assert line.events() == []
        await line.hello()
        await line.expect("caught_up", last_seq=3)
        assert line.numbers() == [1, 2, 3]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_place_within_goes_on_from_there(ada: Ada, place: int) -> None:
    async with ada.line() as line:
        await line.hello(after={ada.reference: place})
        await line.expect("caught_up", last_seq=2)
        assert line.numbers() == [1, 2][place:]


async def test_the_place_of_another_database_is_reset(ada: Ada) -> None:
    async with ada.line() as line:
        await line.hello(after={ada.reference: 1}, epoch="0" * 32)
        await line.expect("reset")
        await line.quiet()
        assert line.events() == []
        epoch = (await line.hello(after={ada.reference: 0}, epoch="0" * 32))["epoch"]
        await line.expect("caught_up")
        await line.hello(after={ada.reference: 1}, epoch=epoch)
        await line.expect("caught_up")
        assert line.numbers() == [1, 2, 2]


async def test_hello_again_begins_again(ada: Ada) -> None:
    async with ada.line() as line:
        for _ in range(3):
            await line.hello()
            await line.expect("caught_up", last_seq=2)
        assert line.numbers() == [1, 2] * 3


async def test_hello_again_and_again_at_once(ada: Ada) -> None:
    """A hello may come while an earlier one is being answered: after the last welcome, all is sent once and in order."""
    async with ada.line() as line:
        await line.hello()
        for _ in range(20):
            await line.send("hello")
        await line.send("say", conversation=ada.reference, id=str(uuid.uuid4()), text="Hello")
        while not any(frame["type"] == "ack" for frame in line.seen):
            await line.receive()
        await line.hello()
        await line.expect("caught_up", last_seq=3)
        begun = max(number for number, frame in enumerate(line.seen) if frame["type"] == "welcome")
        assert [frame["seq"] for frame in line.seen[begun:] if frame["type"] == "event"] == [1, 2, 3]


async def test_heartbeat(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "HEARTBEAT_S", 50 * MS)
    async with ada.line() as line:
        await line.hello()
        assert (await line.expect("heartbeat"))["last_seq"] == {ada.reference: 2}


async def test_typing_does_not_put_the_heartbeat_off(ada: Ada, cora: Cora, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "HEARTBEAT_S", 300 * MS)
    monkeypatch.setattr(passing, "TYPING_EVERY_S", 0)
    await cora.take(ada.reference)
    async with ada.line() as visitor, cora.line() as desk:
        await visitor.hello()
        await desk.hello()
        await desk.expect("caught_up")
        async with asyncio.timeout(5):
            while "heartbeat" not in {frame["type"] for frame in desk.seen}:
                await visitor.send("typing", conversation=ada.reference)
                await desk.receive()


async def test_a_note_reaches_the_visitor_as_a_number(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    async with ada.line() as visitor, cora.line() as desk:
        await visitor.hello()
        await desk.hello()
        await cora.note(ada.reference, "Known to the MARAC.")
        assert (await desk.expect("event", kind="note"))["text"] == "Known to the MARAC."
        hidden = await visitor.expect("event", seq=4)
        bare = {"type": "event", "t": "event", "conversation": ada.reference, "seq": 4, "kind": "hidden"}
        assert hidden == bare
        assert [one for one in await ada.log() if one["seq"] == 4] == [bare]


async def test_an_event_says_all_there_is(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    given = uuid.uuid4()
    async with cora.line() as desk:
        await desk.hello()
        ack = await desk.say(ada.reference, "Hello Ada", given)
        event = next((one for one in desk.events() if one["seq"] == 4), None) or await desk.expect("event", seq=4)
    assert event == {
        "type": "event",
        "t": "event",
        "conversation": ada.reference,
        "seq": 4,
        "kind": "message",
        "author": {"kind": "advisor", "name": "Cora"},
        "at": ack["at"],
        "id": str(given),
        "text": "Hello Ada",
        "data": {},
    }


async def test_what_comes_before_hello_comes_once(house: House) -> None:
    """A conversation becomes hers while her line is open and has not said what it holds: nothing is sent before it has."""
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        reference = await ada.ask()
        async with cora.line() as desk:
            await cora.take(reference)
            await desk.hello()
            assert desk.events() == []
            await desk.expect("caught_up")
            await desk.say(reference, "Hello")
            if 4 not in desk.numbers():
                await desk.expect("event", seq=4)
            await desk.quiet()
            assert desk.numbers() == list(range(1, 5))
