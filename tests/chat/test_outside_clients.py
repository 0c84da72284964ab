"""What a client does that was written from the protocol alone, in another language and with libraries of its own."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.chat.house import House
from tests.chat.people import Ada, Cora, Frame
from tests.chat.test_streams import streaming
from tests.waiting import until

NAMING = "Her name is Mrs Joan Fairweather."
OVER = ("caught_up", "error")

Door = Callable[[Cora, dict[str, int]], Awaitable[list[Frame]]]


async def by_socket(cora: Cora, after: dict[str, int]) -> list[Frame]:
    async with cora.line() as line:
        await line.send("hello", after=after)
        while line.seen[-1:] == [] or line.seen[-1]["type"] not in OVER:
            await line.receive()
        return line.seen


async def by_stream(cora: Cora, after: dict[str, int]) -> list[Frame]:
    frames: list[Frame] = []
    async with cora.http.stream("GET", "/desk/events", params={"after": places(after)}) as answer:
        async for text in answer.aiter_lines():
            if text.startswith("data: "):
                frames.append(json.loads(text.removeprefix("data: ")))
                if frames[-1]["type"] in OVER:
                    break
    return frames


async def by_poll(cora: Cora, after: dict[str, int]) -> list[Frame]:
    return await polled(cora, places(after))


async def by_poll_with_the_map(cora: Cora, after: dict[str, int]) -> list[Frame]:
    return await polled(cora, json.dumps(after))


def places(after: dict[str, int]) -> str:
    return ",".join(f"{reference}:{seq}" for reference, seq in after.items())


async def polled(cora: Cora, after: str, **query: Any) -> list[Frame]:
    async with asyncio.timeout(15):
        answer = await cora.http.get("/desk/poll", params={"after": after, "wait": 0, **query})
    assert answer.status_code == 200, answer.text
    frames: list[Frame] = answer.json()
    return frames


ALL_DOORS = pytest.mark.parametrize("door", [by_socket, by_stream, by_poll, by_poll_with_the_map])


def without_the_line(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in frames if frame["type"] not in ("desk", "notice")]


@ALL_DOORS
async def test_a_desk_that_was_away_gets_the_end(ada: Ada, cora: Cora, door: Door) -> None:
    """And the last words before it. What has been seen to its end is not sent again."""
    await cora.take(ada.reference)
    await ada.say("I must go. Thank you.")
    await ada.post("/chat/leave")
    frames = without_the_line(await door(cora, {ada.reference: 3}))
    assert [frame["type"] for frame in frames] == ["welcome", "event", "event", "caught_up"]
    assert [(one["conversation"], one["status"]) for one in frames[0]["conversations"]] == [(ada.reference, "ended")]
    assert [(frame["seq"], frame["kind"]) for frame in frames[1:3]] == [(4, "message"), (5, "ended")]
    frames = without_the_line(await door(cora, {ada.reference: 5}))
    assert [frame["type"] for frame in frames] == ["welcome", "caught_up"]


@ALL_DOORS
async def test_a_desk_gets_no_end_of_what_is_somebody_elses(ada: Ada, cora: Cora, one_house: House, door: Door) -> None:
    """Who handed it over before, and who never had it; nor is it told that there is one."""
    async with await Cora.hired(one_house, "Dev") as dev, await Cora.hired(one_house, "Ed") as stranger:
        await cora.take(ada.reference)
        await cora.post(cora.path(ada.reference, "/transfer"), {"to": "queue"})
        await dev.take(ada.reference)
        await dev.end(ada.reference)
        for person in (cora, stranger):
            frames = without_the_line(await door(person, {ada.reference: 3}))
            assert [frame["type"] for frame in frames] == ["welcome", "error"]
            assert frames[0]["conversations"] == []
            assert (frames[1]["code"], frames[1]["conversation"]) == ("not_found", ada.reference)


async def test_nothing_is_asked_for_without_its_name(cora: Cora) -> None:
    """A name that cannot be one is refused by that name."""
    (frame,) = without_the_line(await polled(cora, '{"no reference": 3}'))[1:]
    assert (frame["code"], frame["conversation"]) == ("not_found", "no reference")
    for bad in ('{"', "{1}", '{"\\ud800": 1}'):
        answer = await cora.http.get("/desk/poll", params={"after": bad, "wait": 0})
        assert answer.status_code == 400, bad


async def test_nothing_comes_before_the_welcome(cora: Cora, one_house: House) -> None:
    """However long the client takes for its hello; and what came meanwhile is not lost."""
    parts = one_house.first.parts
    async with cora.line() as line:
        await until(parts.fanout.staff, what="the desk to be known")
        parts.queue.changed()
        await until(lambda: any(desk._slots for desk in parts.fanout.staff()), what="the desk to be told")
        await line.send("hello")
        assert (await line.receive())["type"] == "welcome"
        await line.expect("desk")


@pytest.mark.parametrize(
    "fields", [{"build": 1}, {"tab": 7}, {"after": None}, {"epoch": None, "tab": None, "build": "1"}], ids=str
)
async def test_hello_in_the_types_of_another_language(ada: Ada, fields: dict[str, object]) -> None:
    async with ada.line() as line:
        await line.hello(**fields)
        await line.expect("caught_up")
        assert line.numbers() == [1, 2]


async def test_each_ping_has_its_pong(ada: Ada) -> None:
    async with ada.line() as line:
        await line.send("hello")
        for _ in range(3):
            await line.send("ping")
        for _ in range(3):
            await line.expect("pong")


@pytest.mark.parametrize("wait", ["0.1", "1.0", "-1", "1e-1"])
async def test_a_wait_that_is_no_whole_number(ada: Ada, wait: str) -> None:
    """Long before the 25 seconds of a poll that says nothing."""
    await ada.poll()
    async with asyncio.timeout(15):
        answer = await ada.http.get("/chat/poll", params={"after": 2, "wait": wait})
    assert answer.status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream", "text/plain"])
async def test_nothing_of_any_type_is_nothing(ada: Ada, content_type: str) -> None:
    headers = {"X-CSRF-Token": await ada.form_token(), "Content-Type": content_type}
    assert (await ada.http.post("/chat/typing", headers=headers)).status_code == 204
    refused = await ada.http.post("/chat/messages", headers=headers)
    assert refused.status_code == (400 if content_type == "application/json" else 415)


async def test_the_id_of_an_event_says_in_which_database(ada: Ada) -> None:
    """A client that only repeats it does not go on in another one."""
    async with streaming(ada) as events:
        await events.expect("event", seq=2)
        place = events.place
    async with streaming(ada, place=place) as events:
        await events.expect("caught_up")
        assert events.numbers() == []
    elsewhere = place.replace((await ada.poll())[0]["epoch"], "0" * 32)
    assert elsewhere != place
    async with streaming(ada, place=elsewhere) as events:
        await events.expect("reset")


@pytest.mark.parametrize("confirm", ["yes", "true", "True", "1", "on"])
async def test_yes_in_a_form(ada: Ada, confirm: str) -> None:
    assert (await ada.post("/chat/messages", {"text": NAMING})).status_code == 409
    assert (await ada.post("/chat/messages", {"text": NAMING, "confirm": confirm})).status_code == 303


@pytest.mark.parametrize("confirm", ["", "no", "false", "0", "off"])
async def test_no_in_a_form(ada: Ada, confirm: str) -> None:
    assert (await ada.post("/chat/messages", {"text": NAMING, "confirm": confirm})).status_code == 409


async def test_null_confirms_nothing(ada: Ada) -> None:
    message = {"id": "11111111-1111-4111-8111-111111111111", "text": NAMING, "confirm": None}
    assert (await ada.post_json("/chat/messages", message)).status_code == 409
    assert (await ada.post_json("/chat/messages", message | {"confirm": 7})).status_code == 400
    async with ada.line() as line:
        await line.hello()
        await line.send("say", conversation=ada.reference, **message)
        await line.expect("hold")


async def test_who_left_the_line_may_say_how_it_was(ada: Ada) -> None:
    assert (await ada.post("/chat/feedback", {"helpful": "2", "will_change_practice": "no"})).status_code == 409
    await ada.post("/chat/leave")
    assert (await ada.post("/chat/feedback", {"helpful": "2", "will_change_practice": "no"})).status_code == 303
