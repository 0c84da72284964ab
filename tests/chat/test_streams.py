"""The same frames without a socket: the stream of server-sent events, the long poll, reading and typing by POST."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chat import passing, stream
from chat.arrivals import Arrivals
from chat.frames import Hello
from chat.session import Session
from chat.words import Side
from core.errors import Unavailable
from core.limits import Limiter
from tests.chat.house import House
from tests.chat.people import Ada, Cora, Frame, Person
from tests.waiting import MS, until


class Stream:
    """The server-sent events of one answer: `(id, frame)`."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.seen: list[Frame] = []
        self.place = ""

    async def expect(self, frame_type: str, /, **fields: Any) -> Frame:
        async with asyncio.timeout(8):
            async for line in self._lines:
                if line.startswith("id: "):
                    self.place = line[4:]
                if line.startswith("data: "):
                    frame: Frame = json.loads(line[6:])
                    self.seen.append(frame)
                    if frame["type"] == frame_type and all(frame.get(name) == value for name, value in fields.items()):
                        return frame
        raise AssertionError(f"the stream ended without {frame_type}")

    def numbers(self) -> list[int]:
        return [frame["seq"] for frame in self.seen if frame["type"] == "event"]


@asynccontextmanager
async def streaming(person: Person, path: str = "/chat/events", place: str = "", **query: Any) -> AsyncIterator[Stream]:
    headers = {"Last-Event-ID": place} if place else {}
    async with person.http.stream("GET", path, params=query, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        yield Stream(answer.aiter_lines())


async def test_a_stream_carries_what_the_socket_carries(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    async with ada.line() as line, streaming(ada) as events:
        await line.hello()
        await events.expect("welcome")
        await events.expect("caught_up", last_seq=3)
        await cora.say(ada.reference, "Hello Ada")
        await events.expect("event", seq=4)
        await line.expect("event", seq=4)
        assert [one for one in events.seen if one["type"] == "event"] == line.events()


async def test_a_stream_goes_on_from_its_place(ada: Ada) -> None:
    async with streaming(ada) as events:
        await events.expect("event", seq=1)
        place = events.place
    await ada.say("Hello")
    async with streaming(ada, place=place, after=0) as events:
        await events.expect("caught_up", last_seq=3)
        assert events.numbers() == [2, 3]
    async with streaming(ada, after=2) as events:
        await events.expect("caught_up", last_seq=3)
        assert events.numbers() == [3]


async def test_a_desk_streams_all_its_conversations(ada: Ada, cora: Cora, one_house: House) -> None:
    async with Ada(one_house) as ben:
        await ben.ask(nickname="Bee")
        await cora.take(ada.reference)
        await cora.take(ben.reference)
        async with streaming(cora, "/desk/events") as events:
            for person in (ada, ben):
                if not any(
                    one["type"] == "caught_up" and one["conversation"] == person.reference for one in events.seen
                ):
                    await events.expect("caught_up", conversation=person.reference)
            place = events.place
        await ben.say("Hello")
        await ada.say("Hello")
        async with streaming(cora, "/desk/events", place=place) as events:
            await events.expect("event", seq=4)
            await events.expect("event", seq=4)
            assert events.numbers() == [4, 4]


async def test_a_stream_ends_before_a_proxy_cuts_it(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stream.STREAM_S, Side.VISITOR, 100 * MS)
    answer = await ada.http.get("/chat/events")
    assert answer.text.startswith("retry: ")
    assert answer.text.count('"type":"caught_up"') == 1


async def test_a_stream_has_a_pulse(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "KEEP_ALIVE_S", 50 * MS)
    async with streaming(ada) as events:
        assert (await events.expect("heartbeat"))["last_seq"] == {ada.reference: 2}


async def test_typing_does_not_put_the_pulse_off(ada: Ada, cora: Cora, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "KEEP_ALIVE_S", 300 * MS)
    monkeypatch.setattr(passing, "TYPING_EVERY_S", 0)
    await cora.take(ada.reference)
    async with cora.line() as desk, streaming(ada) as events:
        await desk.hello()
        await events.expect("caught_up")

        async def type_on() -> None:
            while True:
                await desk.send("typing", conversation=ada.reference)
                await asyncio.sleep(250 * MS)

        typing = asyncio.create_task(type_on())
        try:
            await events.expect("heartbeat")
            await events.expect("heartbeat")
        finally:
            typing.cancel()
        assert [frame for frame in events.seen if frame["type"] == "typing"]


async def test_a_stream_of_what_has_ended_ends(ada: Ada) -> None:
    await ada.post("/chat/leave")
    answer = await ada.http.get("/chat/events")
    assert answer.text.count('"kind":"left"') == 1
    assert [frame["type"] for frame in await ada.poll(wait=25)] == ["welcome", "event", "event", "event", "caught_up"]


async def test_nobody_is_left_listening(ada: Ada) -> None:
    async with streaming(ada) as events:
        await events.expect("caught_up")
    await ada.poll()
    await until(lambda: ada.at.parts.fanout.sessions() == [])


async def test_the_database_goes_away_under_a_stream(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream ends in order, and the client comes back; nothing is logged as a crash."""

    async def away(self: Arrivals, token: str) -> None:
        raise Unavailable

    def hello(*given: object) -> Any:
        async def nothing() -> Any:
            monkeypatch.setattr(Arrivals, "heads", away)
            return Hello()

        return nothing()

    monkeypatch.setattr(stream.Streams, "_hello", hello)
    answer = await ada.http.get("/chat/events")
    assert (answer.status_code, answer.text) == (200, "")
    assert (await ada.http.get("/chat/poll", headers={"Accept": "application/json"})).status_code == 503
    assert ada.at.parts.fanout.sessions() == []


async def test_a_poll_answers_at_once_when_there_is_something(ada: Ada) -> None:
    frames = await ada.poll(wait=25)
    assert [frame["type"] for frame in frames] == ["welcome", "event", "event", "caught_up"]
    assert frames == await ada.poll(wait=25, after=0)


async def test_a_poll_waits_for_the_first(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    polling = asyncio.create_task(ada.poll(wait=25, after=3))
    await until(lambda: len(ada.at.parts.fanout.sessions()) == 1)
    assert not polling.done()
    await cora.say(ada.reference, "Hello Ada")
    frames = await polling
    assert [frame["text"] for frame in frames if frame["type"] == "event"] == ["Hello Ada"]


async def test_a_list_that_is_too_long_to_be_held_is_whole(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written while it is read, so that a slow reader costs no more than a page of it."""
    for number in range(6):
        assert (await ada.say(f"{number} " + "x" * 3_990)).status_code == 201
    whole = await ada.poll()
    monkeypatch.setattr(stream, "MOST_HELD", 10_000)
    assert await ada.poll() == whole
    assert [frame["seq"] for frame in whole if frame["type"] == "event"] == list(range(1, 9))
    assert whole[-1]["type"] == "caught_up"
    await until(lambda: ada.at.parts.fanout.sessions() == [])


async def test_a_long_list_that_nobody_reads_leaves_nobody_listening(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        assert (await ada.say(f"{number} " + "x" * 3_990)).status_code == 201
    monkeypatch.setattr(stream, "MOST_HELD", 1)
    async with ada.http.stream("GET", "/chat/poll", params={"wait": 0}) as answer:
        assert answer.status_code == 200
    await until(lambda: ada.at.parts.fanout.sessions() == [])


async def test_a_long_list_that_the_database_cuts_says_where_to_go_on(
    ada: Ada, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.say("Hello")

    async def owed_then_away(self: Session) -> AsyncIterator[str]:
        yield '{"type":"event","seq":1}'
        yield '{"type":"event","seq":2}'
        raise Unavailable

    monkeypatch.setattr(stream, "MOST_HELD", 1)
    monkeypatch.setattr(Session, "owed", owed_then_away)
    assert [frame["seq"] for frame in await ada.poll()] == [1, 2]


async def test_polls_without_end_are_slowed(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ada.at.parts.visitor_streams, "_polls", Limiter(0.1, 2))
    answers = [await ada.http.get("/chat/poll?wait=0", headers={"Accept": "application/json"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "rate_limited"
    assert int(answers[2].headers["retry-after"]) == answers[2].json()["retry_after_s"] > 0
    assert ada.at.parts.fanout.sessions() == []


@pytest.mark.parametrize("path", ["/chat/events", "/chat/poll?wait=25", "/desk/events", "/desk/poll?wait=25"])
async def test_none_begins_in_a_process_that_goes_away(
    ada: Ada, cora: Cora, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ada.at.parts.fanout, "is_draining", True)
    answer = await (ada if path.startswith("/chat") else cora).http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-store"


async def test_a_poll_ends_when_its_time_is_over(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LONGEST_WAIT_S", 100 * MS)
    frames = await ada.poll(wait=99999, after=2)
    assert [frame["type"] for frame in frames] == ["welcome", "caught_up"]


BEYOND = ["-1", str(2**63), "x", "99", "1.5", "9" * 5_000, "٣"]


@pytest.mark.parametrize("place", BEYOND, ids=range(len(BEYOND)))
async def test_a_place_that_cannot_be_is_reset(ada: Ada, place: str) -> None:
    assert [frame["type"] for frame in await ada.poll(after=place, wait=25)] == ["welcome", "reset"]
    assert [frame["type"] for frame in await ada.poll(after=f"{ada.reference}:{place}")] == ["welcome", "reset"]
    async with streaming(ada, after=place) as events:
        assert (await events.expect("reset"))["conversation"] == ada.reference


async def test_the_place_of_another_database_is_reset(ada: Ada) -> None:
    assert [frame["type"] for frame in await ada.poll(after=1, epoch="0" * 32)] == ["welcome", "reset"]
    epoch = (await ada.poll())[0]["epoch"]
    assert [frame["type"] for frame in await ada.poll(after=1, epoch=epoch)] == ["welcome", "event", "caught_up"]


async def test_somebody_elses_conversation_does_not_exist(ada: Ada, one_house: House) -> None:
    async with Ada(one_house) as ben:
        await ben.ask(nickname="Bee")
        theirs = await ben.poll(after=f"{ada.reference}:0,{ben.reference}:2")
        nothing = await ben.poll(after=f"0000-0000:0,{ben.reference}:2")
        assert [one["type"] for one in theirs] == ["welcome", "error", "caught_up"]
        assert theirs[1] == nothing[1] | {"conversation": ada.reference}
        for path in ("/chat/read", "/chat/typing"):
            answers = [
                await ben.post_json(path, {"conversation": reference, "seq": 1})
                for reference in (ada.reference, "0000-0000")
            ]
            assert {answer.status_code for answer in answers} == {404}
            assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("path", ["/chat/events", "/chat/poll", "/desk/events", "/desk/poll"])
async def test_without_a_sign_in(ada: Ada, cora: Cora, one_house: House, path: str) -> None:
    async with Person(one_house) as stranger:
        wrong = cora if path.startswith("/chat") else ada
        for person in (stranger, wrong):
            answer = await person.http.get(path, headers={"Accept": "application/json"})
            assert answer.status_code == 401
            assert answer.json()["code"] == "sign_in"


@pytest.mark.parametrize("path", ["/chat/events", "/chat/poll"])
async def test_head_does_not_wait(ada: Ada, path: str) -> None:
    async with asyncio.timeout(5):
        answer = await ada.http.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert ada.at.parts.fanout.sessions() == []


async def test_reading_and_typing_by_post(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    async with cora.line() as desk:
        await desk.hello()
        await desk.expect("caught_up")
        assert (await ada.post_json("/chat/typing", {})).status_code == 204
        assert (await desk.expect("typing"))["author"] == {"kind": "visitor", "name": "Ada"}
        assert (await ada.post("/chat/read", {"seq": "2"})).status_code == 204
        assert (await desk.expect("read"))["seq"] == 2
    answer = await cora.post_json("/desk/read", {"conversation": ada.reference, "seq": 3})
    assert answer.status_code == 204
    for side, seq in (("visitor", 2), ("advisor", 3)):
        await ada.sees_mark(side, seq)


@pytest.mark.parametrize("seq", ["", "x", "-1", "1.5", "9" * 50, None, True, 1.5, [1], -1])
async def test_a_mark_that_is_no_number(ada: Ada, seq: object) -> None:
    answer = await ada.post_json("/chat/read", {"seq": seq})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_frame")


async def test_reading_and_typing_without_cookie_or_token(ada: Ada, one_house: House) -> None:
    async with Person(one_house) as stranger:
        for path in ("/chat/read", "/chat/typing"):
            answer = await stranger.post_json(path, {"seq": 1})
            assert (answer.status_code, answer.json()["code"]) == (401, "sign_in")
            assert (await ada.http.post(path, json={"seq": 1})).status_code == 403
