"""What is said on one socket: in the order it came, and each message with an answer of its own."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from chat import speaking
from chat.tables import conversation
from staff import sessions
from tests.chat.house import House, opened
from tests.chat.people import Ada, Cora, Line
from tests.chat.rival import CONVERSATION, Rival
from tests.waiting import until

MANY = 30
ANSWERS = ("ack", "hold", "error")


@pytest.fixture
async def postgres_house(tmp_path: Path, postgres_url: str, redis_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path, postgres_url, redis_url) as house:
        yield house


async def say_each(line: Line, reference: str, texts: list[str]) -> list[str]:
    """Say all of it without waiting for anything: the ids."""
    given = [str(uuid.uuid4()) for _ in texts]
    for client_id, text in zip(given, texts, strict=True):
        await line.send("say", conversation=reference, id=client_id, text=text)
    return given


async def answers(line: Line, given: list[str]) -> list[dict[str, Any]]:
    """The answers to these, in the order they came."""
    found: list[dict[str, Any]] = []
    while len(found) < len(given):
        frame = await line.receive()
        if frame["type"] in ANSWERS and frame.get("id") in given:
            found.append(frame)
    return found


async def said(ada: Ada) -> list[str]:
    return [frame["text"] for frame in await ada.log() if frame["kind"] == "message"]


@pytest.mark.parametrize("must_look", [False, True])
async def test_what_comes_together_is_stored_in_the_order_it_came(
    house: House, monkeypatch: pytest.MonkeyPatch, must_look: bool
) -> None:
    if must_look:
        monkeypatch.setattr(sessions, "CACHE_FOR_S", -1)
    async with Ada(house) as ada, await Cora.hired(house) as cora, cora.line() as line:
        await cora.take(await ada.ask())
        await line.hello(after={})
        texts = [f"Sentence {number}" for number in range(MANY)]
        given = await say_each(line, ada.reference, texts)
        acks = await answers(line, given)
        assert [frame["id"] for frame in acks] == given
        numbers = [frame["seq"] for frame in acks]
        assert numbers == list(range(numbers[0], numbers[0] + MANY))
        assert (await said(ada))[-MANY:] == texts


async def test_each_has_an_answer_of_its_own(house: House) -> None:
    """What is refused or held delays nothing and stops nothing."""
    async with Ada(house) as ada:
        await ada.ask()
        async with ada.line() as line:
            await line.hello()
            texts = ["One", "", "His NHS number is 943 476 5919.", "Two", "x" * 5_000, "Three"]
            given = await say_each(line, ada.reference, texts)
            found = await answers(line, given)
            assert [frame["id"] for frame in found] == given
            kinds = [(frame["type"], frame.get("code")) for frame in found]
            wanted = [
                ("ack", None),
                ("error", "empty"),
                ("hold", None),
                ("ack", None),
                ("error", "too_long"),
                ("ack", None),
            ]
            assert kinds == wanted
            assert (await said(ada))[-3:] == ["One", "Two", "Three"]


async def test_what_is_said_in_a_lost_conversation_is_kept_for_its_writer(house: House) -> None:
    """All of it is refused; the last of it is there when the conversation comes back."""
    async with Ada(house) as ada, await Cora.hired(house) as cora, await Cora.hired(house, "Dev") as dev:
        await cora.take(await ada.ask())
        async with cora.line() as line:
            await line.hello(after={})
            await give_to(house, dev)
            given = await say_each(line, ada.reference, ["First", "Second"])
            found = await answers(line, given)
            assert [(frame["id"], frame["code"]) for frame in found] == [(one, "assignment_lost") for one in given]
        await give_to(house, cora)
        page = (await cora.http.get(cora.path(ada.reference, ""))).text
        assert page.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0].strip() == "Second"
        assert not {"First", "Second"} & set(await said(ada))


async def give_to(house: House, advisor: Cora) -> None:
    """As another process does it, of which this one has not heard yet."""
    async with house.database.write() as connection:
        await connection.execute(update(conversation).values(advisor_id=advisor.person.account_id))


async def test_a_signed_out_advisor_says_nothing_more(house: House) -> None:
    """Not even what follows at once on something that was stored."""
    async with Ada(house) as ada, await Cora.hired(house) as cora, cora.line() as line:
        await cora.take(await ada.ask())
        await line.hello(after={})
        assert (await line.say(ada.reference, "Good morning"))["type"] == "ack"
        await house.first.parts.sessions.end(cora.person.token)
        await say_each(line, ada.reference, ["One more"])
        assert await line.closed() == 4100
        assert (await said(ada))[-1] == "Good morning"


async def test_what_waits_for_the_database_holds_up_nothing_else(postgres_house: House, postgres_url: str) -> None:
    """Nor is it lost with the socket: it was taken."""
    async with (
        Ada(postgres_house) as ada,
        await Cora.hired(postgres_house) as cora,
        Rival.at(postgres_url) as rival,
    ):
        await cora.take(await ada.ask())
        async with cora.line() as line:
            await line.hello(after={})
            await rival.lock(CONVERSATION, ada.reference)
            await say_each(line, ada.reference, ["Good morning"])
            await rival.is_waited_for()
            await line.quiet()
            assert "ack" not in [frame["type"] for frame in line.seen]
        await rival.leave()

        async def is_stored() -> bool:
            return (await said(ada))[-1:] == ["Good morning"]

        await until(is_stored, what="the message")


async def test_no_more_is_under_way_than_anybody_needs(
    postgres_house: House, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one at a time, what follows it is not even read until it is answered."""
    monkeypatch.setattr(speaking, "MOST_UNDER_WAY", 1)
    async with (
        Ada(postgres_house) as ada,
        Ada(postgres_house) as ben,
        await Cora.hired(postgres_house) as cora,
        Rival.at(postgres_url) as rival,
    ):
        await cora.take(await ada.ask())
        await cora.take(await ben.ask(nickname="Ben"))
        async with cora.line() as line:
            await line.hello(after={})
            await rival.lock(CONVERSATION, ada.reference)
            given = await say_each(line, ada.reference, ["Good morning"])
            given += await say_each(line, ben.reference, ["Good morning"])
            await line.send("ping")
            await rival.is_waited_for()
            await rival.leave()
            assert [frame["id"] for frame in await answers(line, given)] == given
            if "pong" not in [frame["type"] for frame in line.seen]:
                await line.expect("pong")
            order = [frame.get("id", frame["type"]) for frame in line.seen]
            assert order.index(given[0]) < order.index("pong")
