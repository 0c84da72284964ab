"""What clients send: what is understood, what is refused and how, and what ends the line."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import ConnectionClosed

from chat import passing
from chat.intake import FRAMES_BURST, FRAMES_PER_SECOND, REFUSED_BEFORE_CLOSING
from tests.chat.house import House
from tests.chat.people import Ada, Cora, Frame, Line

BAD = [
    "hello",
    "{",
    "null",
    "17",
    '"text"',
    "[]",
    "{}",
    "",
    '{"type": null}',
    '{"type": 5}',
    '{"type": ["say"]}',
    '{"type": "shout"}',
    '{"type": "say"}',
    '{"type": "typing"}',
    '{"type": "read", "conversation": "X"}',
    '{"type": "hello", "after": 5}',
    '{"type": "hello", "tab": [5]}',
    '{"type": "read", "conversation": "X", "seq": "1"}',
    '{"type": "read", "conversation": "X", "seq": true}',
    '{"type": "read", "conversation": "X", "seq": 1.5}',
    '{"type": "typing", "conversation": 5}',
    '{"type": "ping"' + "}" * 2,
    "[" * 60_000,
    '{"type": "read", "conversation": "X", "seq": ' + "9" * 5_000 + "}",
]
ID = "6f1c2b5e-0b0a-4a54-9a35-3d2f3f6f8c11"
BAD_SAYS = [
    {"conversation": "X", "text": "Hello"},
    {"id": "not a uuid", "conversation": "X", "text": "Hello"},
    {"id": 17, "conversation": "X", "text": "Hello"},
    {"id": ID, "text": "Hello"},
    {"id": ID, "conversation": 5, "text": "Hello"},
    {"id": ID, "conversation": "X"},
    {"id": ID, "conversation": "X", "text": None},
    {"id": ID, "conversation": "X", "text": ["Hello"]},
    {"id": ID, "conversation": "X", "text": "Hello", "confirm": "yes"},
]


@pytest.fixture
async def line(ada: Ada) -> AsyncIterator[Line]:
    async with ada.line() as line:
        await line.hello()
        await line.expect("caught_up")
        yield line


@pytest.mark.parametrize("frame", BAD, ids=range(len(BAD)))
async def test_what_is_not_understood(line: Line, frame: str) -> None:
    await line.send_raw(frame)
    assert (await line.expect("error"))["code"] == "bad_frame"
    await line.quiet()


@pytest.mark.parametrize("fields", BAD_SAYS, ids=range(len(BAD_SAYS)))
async def test_a_bad_say_is_answered_with_its_id(line: Line, fields: dict[str, object]) -> None:
    await line.send("say", **fields)
    error = await line.expect("error")
    assert error["code"] == "bad_frame"
    assert error["message"]
    assert error.get("id") == (fields.get("id") if isinstance(fields.get("id"), str) else None)


def last_error(line: Line) -> Frame:
    """Something about the line may come behind it."""
    return [frame for frame in line.seen if frame["type"] == "error"][-1]


async def test_the_fifth_in_a_minute_ends_the_line(line: Line) -> None:
    for _ in range(4):
        await line.send_raw("nonsense")
        assert (await line.expect("error"))["code"] == "bad_frame"
    await line.quiet()
    await line.send_raw("nonsense")
    assert await line.closed() == 4102
    assert last_error(line)["code"] == "bad_frame"


async def test_a_binary_frame(line: Line) -> None:
    await line.send_raw(b'{"type": "ping"}')
    assert await line.closed() == 4102
    assert last_error(line)["code"] == "text_only"


async def test_invalid_utf_8(line: Line) -> None:
    await line.connection.send(b'"\xff\xfe"', text=True)
    assert await line.closed() == 1007


@pytest.mark.parametrize(("size", "code"), [(64 * 1024, None), (64 * 1024 + 1, 1009), (1_000_000, 1009)])
async def test_how_large_a_frame_may_be(line: Line, size: int, code: int | None) -> None:
    frame = '{"type": "ping", "x": "%s"}'
    with_size = frame % ("x" * (size - len(frame) + 2))
    assert len(with_size) == size
    await line.send_raw(with_size)
    if code is None:
        await line.expect("pong")
    else:
        assert await line.closed() == code


WORDS = [
    ("Hello\0Cora", "invalid_text"),
    ("half \ud83d of a pair", "invalid_text"),
    ("\udc00", "invalid_text"),
    ("", "empty"),
    (" \t\r\n", "empty"),
    ("\u200b\u200c\u200d\u2060\ufeff", "empty"),
    ("\u00ad\u3164\u2800 \u180e", "empty"),
    ("x" * 4_001, "too_long"),
    ("x" * 20_000, "too_long"),
    ("é" * 4_001, "too_long"),
]


@pytest.mark.parametrize(("text", "code"), WORDS, ids=range(len(WORDS)))
async def test_text_that_is_not_stored(line: Line, ada: Ada, text: str, code: str) -> None:
    answer = await line.say(ada.reference, text)
    assert (answer["type"], answer["code"]) == ("error", code)
    assert len(await ada.log()) == 2


STORED = [
    ("x" * 4_000, "x" * 4_000),
    ("\U0001f600" * 4_000, "\U0001f600" * 4_000),
    ("  Hello  ", "Hello"),
    ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
    ("Zoe\u0308", "Zo\u00eb"),
    ("<script>alert(1)</script> {{ 7*7 }} %s {0}", "<script>alert(1)</script> {{ 7*7 }} %s {0}"),
    ("a" + "\u0301" * 8_000, "\u00e1" + "\u0301" * 8),
    ("Sut mae'r t\u0177?", "Sut mae'r t\u0177?"),
]


@pytest.mark.parametrize(("text", "kept"), STORED, ids=range(len(STORED)))
async def test_text_is_stored_in_one_form(line: Line, ada: Ada, text: str, kept: str) -> None:
    answer = await line.say(ada.reference, text, confirm=True)
    assert answer["type"] == "ack", answer
    event = next((one for one in line.events() if one["seq"] == 3), None) or await line.expect("event", seq=3)
    assert event["text"] == kept


async def test_ack(line: Line, ada: Ada) -> None:
    given = uuid.uuid4()
    first = await line.say(ada.reference, "Hello", given)
    again = await line.say(ada.reference, "Hello", given)
    other = await line.say(ada.reference, "Goodbye", given)
    assert (first["seq"], first["again"], first["conversation"]) == (3, False, ada.reference)
    assert (again["seq"], again["again"], again["at"]) == (3, True, first["at"])
    assert other["code"] == "id_conflict"
    assert [one["seq"] for one in await ada.log()] == [1, 2, 3]


async def test_a_reference_in_any_case_without_its_hyphen(line: Line, ada: Ada) -> None:
    sloppy = ada.reference.replace("-", "").replace("0", "o").replace("1", "l").lower()
    await line.send("read", conversation=sloppy, seq=1)
    await line.quiet()
    assert not [frame for frame in line.seen if frame["type"] == "error"]


async def test_what_is_foreign_and_what_never_was_are_one(line: Line, ada: Ada, one_house: House) -> None:
    async with Ada(one_house) as ben:
        theirs = await ben.ask(nickname="Bee")
    answers = []
    for reference in (theirs, "0000-0000", "x", "", "QK7F-4PDX" * 500):
        answer = await line.say(reference, "Hello")
        answers.append({name: value for name, value in answer.items() if name != "id"})
        for kind in ("typing", "read"):
            await line.send(kind, conversation=reference, seq=1)
            answers.append(await line.expect("error"))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["code"] == "not_found"
    await line.send("hello", after={theirs: 1})
    foreign = await line.expect("error")
    await line.send("hello", after={"0000-0000": 1})
    assert await line.expect("error") == foreign | {"conversation": "0000-0000"}
    assert foreign["code"] == "not_found"


async def test_what_may_identify_a_person_is_held(line: Line, ada: Ada) -> None:
    hold = await line.say(ada.reference, "His NHS number is 943 476 5919.")
    assert (hold["type"], hold["conversation"]) == ("hold", ada.reference)
    (finding,) = hold["findings"]
    assert finding["text"] == "943 476 5919"
    assert len(await ada.log()) == 2
    assert (await line.say(ada.reference, "His NHS number is 943 476 5919.", confirm=True))["seq"] == 3


@pytest.mark.parametrize("frame", ['{"type":"ping"}', '{"type":"read","conversation":"0000-0000","seq":1}'])
async def test_a_flood_is_refused_and_then_cut(line: Line, ada: Ada, frame: str) -> None:
    """The refusals come first, so that a client that stops in time may stay; nobody else notices."""
    async with ada.line() as other:
        await other.hello()
        with_end = asyncio.create_task(line.closed())
        began = time.monotonic()
        try:
            for _ in range(1_000):
                await line.send_raw(frame)
        except ConnectionClosed:
            pass
        assert await with_end == 4004
        spent_s = time.monotonic() - began
        limited = [one for one in line.seen if one.get("code") == "rate_limited"]
        assert len(limited) == REFUSED_BEFORE_CLOSING
        # Nothing is asked of anybody for what is refused.
        asked = [one for one in line.seen if one.get("code") == "not_found"]
        assert len(asked) <= FRAMES_BURST + FRAMES_PER_SECOND * spent_s
        assert limited[0]["retry_after_s"] >= 1
        await other.quiet()


async def test_a_refused_say_of_a_flood_is_named(line: Line, ada: Ada) -> None:
    given = [str(uuid.uuid4()) for _ in range(80)]
    for one in given:
        await line.send_raw(json.dumps({"type": "say", "conversation": ada.reference, "id": one, "text": "Hello"}))
    answers: dict[str, str] = {}
    while len(answers) < 80:
        frame = await line.receive()
        if frame["type"] in ("ack", "error"):
            answers[frame["id"]] = frame.get("code", "ack")
    assert set(answers) == set(given)
    assert set(answers.values()) == {"ack", "rate_limited"}
    stored = [one["id"] for one in await ada.log() if one.get("id")]
    assert stored == [one for one in given if answers[one] == "ack"]
    assert stored == [one for one in answers if answers[one] == "ack"]


async def test_typing_is_passed_on_once_a_second_and_never_stored(
    ada: Ada, cora: Cora, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passing, "TYPING_EVERY_S", 3_600)
    await cora.take(ada.reference)
    async with ada.line() as visitor, cora.line() as desk:
        await visitor.hello()
        await desk.hello()
        for _ in range(10):
            await visitor.send("typing", conversation=ada.reference, text="secret")
            await visitor.quiet()
            await desk.quiet()
        await visitor.send("read", conversation=ada.reference, seq=2)
        await desk.expect("read")
        await visitor.quiet()
        typing = [frame for frame in desk.seen if frame["type"] == "typing"]
        assert [frame["author"] for frame in typing] == [{"kind": "visitor", "name": "Ada"}]
        assert "secret" not in json.dumps(desk.seen)
        assert not [frame for frame in visitor.seen if frame["type"] == "typing"]
        monkeypatch.setattr(passing, "TYPING_EVERY_S", 0)
        await visitor.send("typing", conversation=ada.reference)
        await desk.expect("typing")
    assert len(await ada.log()) == 3


async def test_read_marks_move_forward_only(ada: Ada, cora: Cora, one_house: House) -> None:
    await cora.take(ada.reference)
    async with ada.line() as visitor, cora.line() as desk:
        await visitor.hello()
        await desk.hello()
        for seq in (2, 1, -5, 2**70, 0, 3):
            await desk.send("read", conversation=ada.reference, seq=seq)
        await desk.quiet()
        while (await visitor.expect("read"))["seq"] != 3:
            pass
    marks = [frame["seq"] for frame in visitor.seen if frame["type"] == "read"]
    assert marks == sorted(marks)
    await ada.sees_mark("advisor", 3)
    async with cora.line() as desk, ada.line() as visitor:
        await visitor.hello()
        await desk.hello()
        await desk.send("read", conversation=ada.reference, seq=1)
        await desk.quiet()
        await visitor.quiet()
        assert not [frame for frame in visitor.seen if frame["type"] == "read"]
