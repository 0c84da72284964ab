"""Frames made up by hypothesis, through a real socket: whatever comes, the answer is a frame of the protocol or its close.

Sound frames with one field changed, JSON of any shape, bytes of any kind, in pieces and with control frames between.
"""

import json
import logging
import time
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.chat.people import Ada
from tests.chat.raw import BINARY, CLOSE, CONT, PING, PONG, TEXT, encoded, greeted, wire
from tests.waiting import until

FOR_S = 8.0
ANSWERS = {
    "welcome",
    "event",
    "caught_up",
    "reset",
    "error",
    "pong",
    "ack",
    "hold",
    "heartbeat",
    "queue",
    "suggestions",
}
CODES = {"bad_frame", "text_only", "too_long", "empty", "invalid_text", "id_conflict", "not_found", "rate_limited"}
CLOSES = {1000, 1002, 1007, 1009, 4001, 4004, 4102, 4103}

EXTREMES: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        2**31,
        2**63,
        2**64,
        -(2**63) - 1,
        1e308,
        0.1,
        "",
        "\0",
        "\ud800",
        "\U0010ffff",
        [],
        {},
        [[]],
        "x" * 5_000,
    ]
)
JSON = st.recursive(
    EXTREMES | st.text(max_size=20) | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("type", "t", "conversation", "id", "text", "confirm", "seq", "after", "epoch", "tab", "build")


@st.composite
def documents(draw: st.DrawFn, mine: str) -> Any:
    """A frame of the protocol with something wrong in it, or with nothing."""
    kind = draw(st.sampled_from(["hello", "say", "typing", "read", "ping"]))
    frame: dict[str, Any] = {"type": kind, "conversation": mine, "seq": draw(st.integers(-2, 5))}
    if kind == "say":
        frame |= {"id": str(draw(st.uuids(version=4))), "text": draw(st.text(max_size=40))}
    if kind == "hello":
        frame = {
            "type": kind,
            "after": draw(st.dictionaries(st.sampled_from([mine, "0000-0000", ""]), JSON, max_size=3)),
        }
    for _ in range(draw(st.integers(0, 2))):
        frame[draw(st.sampled_from(FIELDS) | st.text(max_size=5))] = draw(JSON)
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=1)):
        frame.pop(name, None)
    return frame


@st.composite
def payloads(draw: st.DrawFn, mine: str) -> bytes:
    words = json.dumps(draw(documents(mine) | JSON), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    match draw(st.integers(0, 5)):
        case 0:
            place = draw(st.integers(0, len(words)))
            return words[:place] + draw(st.binary(max_size=4)) + words[place:]
        case 1:
            return words[: draw(st.integers(0, len(words)))]
        case 2:
            # The same key twice, and one that nobody knows.
            return words[:1] + b'"type":"ping","x":1,"type":"say",' + words[1:] if words[:1] == b"{" else words
        case _:
            return words


@st.composite
def frames(draw: st.DrawFn, mine: str) -> bytes:
    """One message in one piece or several, or something beside it."""
    payload = draw(payloads(mine))
    match draw(st.integers(0, 9)):
        case 0:
            place = draw(st.integers(0, len(payload)))
            between = draw(st.sampled_from([b"", encoded(PING, b"p"), encoded(PONG)]))
            return encoded(TEXT, payload[:place], fin=False) + between + encoded(CONT, payload[place:])
        case 1:
            return encoded(draw(st.sampled_from([BINARY, PING, PONG, CLOSE])), payload[:125])
        case 2:
            return draw(st.binary(min_size=1, max_size=64))
        case _:
            return encoded(TEXT, payload)


async def try_these(ada: Ada, data: list[bytes], *, after_hello: bool) -> None:
    async with greeted(ada) if after_hello else wire(ada) as line:
        try:
            for one in data:
                await line.send(one)
            line.half_close()
        except ConnectionError:
            pass
        frames, code = await line.end()
    assert code is None or code in CLOSES or 3000 <= code < 5000 or code in range(1001, 1015), code
    for frame in frames:
        if frame.opcode == TEXT:
            said = frame.json()
            assert said["type"] == said["t"]
            assert said["type"] in ANSWERS, said
            if said["type"] == "error":
                assert said["code"] in CODES, said
                assert said["message"]


@pytest.mark.usefixtures("no_litter")
async def test_whatever_comes(ada: Ada, caplog: pytest.LogCaptureFixture) -> None:
    tried: list[tuple[list[bytes], bool]] = []

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(frames(ada.reference), min_size=1, max_size=12), st.booleans())
    def make(data: list[bytes], after_hello: bool) -> None:
        tried.append((data, after_hello))

    make()
    until_s = time.monotonic() + FOR_S
    count = 0
    with capture_logs() as logs, caplog.at_level(logging.ERROR):
        async with ada.line() as other:
            await other.hello()
            for data, after_hello in tried:
                try:
                    await try_these(ada, data, after_hello=after_hello)
                except (AssertionError, TimeoutError) as problem:
                    problem.add_note(f"after hello: {after_hello}; sent: {data!r}")
                    raise
                count += 1
                if count % 20 == 0:
                    await other.quiet()
                if time.monotonic() > until_s:
                    break
            await other.quiet()
        await until(lambda: ada.at.parts.fanout.sessions() == [])
    assert [line for line in logs if line["log_level"] == "error"] == []
    assert caplog.records == []
    log = await ada.log()
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
    assert len({event["id"] for event in log if event["id"]}) == len([event for event in log if event["id"]])
    assert all(uuid.UUID(event["id"]) for event in log if event["id"])
    assert count > 20
