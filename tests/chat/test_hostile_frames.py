"""What no browser sends: broken framing, half frames, ends without a word, readers that stall. Each has one right answer.

Whatever is tried, the process lives, nobody else notices, nothing is logged as a crash, and what is stored is whole.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from app import sockets
from chat import socket
from chat.events import Entry
from chat.stream import OF_THE_LINE
from chat.words import Kind
from tests.chat.house import House
from tests.chat.people import Ada, Cora
from tests.chat.raw import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    answers,
    closing,
    encoded,
    greeted,
    handshake,
    text,
    wire,
)
from tests.litter import collect_litter
from tests.waiting import until

HELLO = text({"type": "hello"})


@pytest.fixture(autouse=True, scope="module")
def no_litter_before() -> None:
    collect_litter()


@pytest.fixture(autouse=True)
async def unharmed(ada: Ada, one_house: House, caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Another line goes on beside it, and no line of the log speaks of a crash."""
    with capture_logs() as logs, caplog.at_level(logging.ERROR):
        async with Ada(one_house) as ben:
            await ben.ask()
            async with ben.line() as other:
                await other.hello()
                yield
                await other.quiet()
        await until(lambda: ada.at.parts.fanout.sessions() == [], what="the end of every session")
    assert [line for line in logs if line["log_level"] == "error"] == []
    assert caplog.get_records("call") == []


BROKEN = {
    "unmasked": encoded(TEXT, b"{}", masked=False),
    "rsv1": encoded(TEXT, b"{}", rsv=4),
    "rsv2": encoded(TEXT, b"{}", rsv=2),
    "rsv3": encoded(PING, rsv=1),
    "opcode 3": encoded(0x3, b"{}"),
    "opcode 7": encoded(0x7),
    "opcode 11": encoded(0xB),
    "opcode 15": encoded(0xF, b"x" * 200),
    "fragmented ping": encoded(PING, fin=False),
    "fragmented close": encoded(CLOSE, (1000).to_bytes(2, "big"), fin=False),
    "ping of 126 bytes": encoded(PING, bytes(126)),
    "close of 126 bytes": closing(1000, b"x" * 124),
    "stray continuation": encoded(CONT, b"{}"),
    "stray middle": encoded(CONT, b"{}", fin=False),
    "text inside a text": encoded(TEXT, b"{", fin=False) + encoded(TEXT, b"}"),
    "binary inside a text": encoded(TEXT, b"{", fin=False) + encoded(BINARY, b"}"),
    "close of one byte": encoded(CLOSE, b"x"),
    "close 0": closing(0),
    "close 999": closing(999),
    "close 1004": closing(1004),
    "close 1005": closing(1005),
    "close 1006": closing(1006),
    "close 1015": closing(1015),
    "close 1016": closing(1016),
    "close 2999": closing(2999),
    "close 5000": closing(5000),
    "close 65535": closing(65535),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("begun", [False, True], ids=["first", "after hello"])
async def test_broken_framing_is_1002(ada: Ada, data: bytes, begun: bool) -> None:
    async with greeted(ada) if begun else wire(ada) as line:
        await line.send(data)
        frames, code = await line.end()
        assert code == 1002
        assert answers(frames) == []


NOT_UTF_8 = {
    "lone byte": b"\xff",
    "overlong": b'"\xc0\xaf"',
    "surrogate": b'"\xed\xa0\x80"',
    "beyond unicode": b'"\xf4\x90\x80\x80"',
    "cut in a character": b'{"type":"ping","x":"\xf0\x9f\x98',
    "latin-1": '{"type":"ping","x":"é"}'.encode("latin-1"),
    "utf-16": '{"type":"ping"}'.encode("utf-16"),
}


@pytest.mark.parametrize("payload", NOT_UTF_8.values(), ids=NOT_UTF_8)
@pytest.mark.parametrize("pieces", [1, 2])
async def test_what_is_not_utf_8_is_1007(ada: Ada, payload: bytes, pieces: int) -> None:
    async with greeted(ada) as line:
        if pieces == 1:
            await line.send(encoded(TEXT, payload))
        else:
            await line.send(encoded(TEXT, payload[:1], fin=False) + encoded(CONT, payload[1:]))
        assert (await line.end())[1] == 1007


async def test_what_is_not_utf_8_and_a_close_in_one_piece(ada: Ada) -> None:
    """The close is answered before anybody reads the text."""
    async with greeted(ada) as line:
        await line.send(encoded(TEXT, b"\xff") + closing(1000))
        assert (await line.end())[1] == 1000


async def test_a_reason_that_is_not_utf_8_is_1007(ada: Ada) -> None:
    async with greeted(ada) as line:
        await line.send(closing(1000, b"\xff"))
        assert (await line.end())[1] in (1002, 1007)


TOO_LARGE = {
    "at once": encoded(TEXT, b" " * 65_537),
    "said to be": encoded(TEXT)[:1] + b"\xff" + (2**62).to_bytes(8, "big"),
    "said to be negative": encoded(TEXT)[:1] + b"\xff" + (2**64 - 1).to_bytes(8, "big"),
    "in pieces": encoded(TEXT, b" " * 40_000, fin=False) + encoded(CONT, b" " * 40_000),
    "binary": encoded(BINARY, bytes(65_537)),
}


@pytest.mark.parametrize("data", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_too_large_is_1009(ada: Ada, data: bytes) -> None:
    async with greeted(ada) as line:
        await line.send(data)
        assert (await line.end())[1] in (1009, 1002) if data[1:2] == b"\xff" else (await line.end())[1] == 1009


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999]
)
async def test_a_close_is_answered_with_its_code(ada: Ada, code: int) -> None:
    async with greeted(ada) as line:
        await line.send(closing(code, "going \u2014 a reason".encode()))
        assert (await line.end())[1] == code


async def test_a_close_without_a_code(ada: Ada) -> None:
    async with greeted(ada) as line:
        await line.send(encoded(CLOSE))
        assert (await line.end())[1] in (1000, 1005)


async def test_frames_after_the_close_do_nothing(ada: Ada) -> None:
    async with greeted(ada) as line:
        await line.send(closing(1000) + said(ada))
        frames, code = await line.end()
        assert code == 1000
        assert answers(frames) == []
    assert len(await ada.log()) == 2


def said(ada: Ada, words: str = "Hello", given: str = "") -> bytes:
    return text({"type": "say", "conversation": ada.reference, "id": given or str(uuid.uuid4()), "text": words})


async def test_pieces_with_pings_between(ada: Ada) -> None:
    """A message may come in pieces, cut anywhere, with control frames between."""
    whole = json.dumps(
        {"type": "say", "conversation": ada.reference, "id": str(uuid.uuid4()), "text": "Gr\u00fc\u00dfe \U0001f600"},
        ensure_ascii=False,
    ).encode()
    async with greeted(ada) as line:
        data = encoded(TEXT, fin=False)
        for place in range(len(whole)):
            data += encoded(CONT, whole[place : place + 1], fin=False) + encoded(PONG, b"unasked")
        await line.send(data + encoded(PING, b"mine") + encoded(CONT))
        while (pong := await line.frame()) is not None and pong.opcode == TEXT:
            assert pong.json()["type"] in OF_THE_LINE
        assert pong is not None
        assert (pong.opcode, pong.payload) == (PONG, b"mine")
        assert (await line.expect("ack"))["seq"] == 3
    assert (await ada.log())[-1]["text"] == "Gr\u00fc\u00dfe \U0001f600"


async def test_many_frames_in_one_piece(ada: Ada) -> None:
    async with wire(ada) as line:
        await line.send(HELLO + said(ada, "one") + text({"type": "ping"}) + said(ada, "two"))
        assert (await line.expect("ack"))["seq"] == 3
        assert (await line.expect("ack"))["seq"] == 4


async def test_frames_in_one_piece_are_dealt_with_in_their_order(ada: Ada) -> None:
    """Whatever becomes of each: stored, refused, or not understood."""
    ids = [str(uuid.uuid4()) for _ in range(7)]
    async with greeted(ada) as line:
        misshapen = [text({"type": "say", "id": given, "text": "Where to?"}) for given in ids[:3]]
        await line.send(b"".join(misshapen) + said(ada, "one", ids[3]) + said(ada, "", ids[4]))
        await line.send(said(ada, "two", ids[5]) + said(ada, "three", ids[6]))
        answers = [await line.expect("error") for _ in range(3)]
        assert [answer["id"] for answer in answers] == ids[:3]
        assert (await line.expect("ack"))["id"] == ids[3]
        assert (await line.expect("error"))["id"] == ids[4]
        assert [(await line.expect("ack"))["id"] for _ in range(2)] == ids[5:]
    assert [event["text"] for event in (await ada.log())[2:]] == ["one", "two", "three"]


async def test_a_frame_byte_by_byte(ada: Ada) -> None:
    async with greeted(ada) as line:
        for byte in said(ada):
            await line.send(bytes([byte]))
        assert (await line.expect("ack"))["seq"] == 3


@pytest.mark.parametrize("cut_at", [1, 2, 6, 20, -1])
async def test_an_end_in_the_middle_of_a_frame(ada: Ada, cut_at: int) -> None:
    async with greeted(ada) as line:
        await line.send(said(ada)[:cut_at])
        line.close()
    assert len(await ada.log()) == 2


@pytest.mark.parametrize("how", ["half_close", "reset", "close"])
async def test_an_end_right_behind_a_message(ada: Ada, how: str) -> None:
    """It is stored whole or not at all, and sent again it is there once."""
    given = str(uuid.uuid4())
    async with greeted(ada) as line:
        await line.send(said(ada, "The last word", given))
        getattr(line, how)()
    await until(lambda: len(ada.at.parts.fanout.sessions()) == 1, what="the end of the session")
    assert (await ada.say("The last word", uuid.UUID(given))).status_code in (200, 201)
    log = await ada.log()
    assert [event["seq"] for event in log] == [1, 2, 3]
    assert log[-1]["text"] == "The last word"


@pytest.mark.parametrize("how", ["half_close", "reset", "close"])
async def test_an_end_before_hello(ada: Ada, how: str) -> None:
    async with wire(ada) as line:
        getattr(line, how)()


async def test_a_reader_that_stalls_is_let_go(ada: Ada, one_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads again before the line is cut finds 4001; what is said meanwhile reaches everybody else."""
    monkeypatch.setattr(socket, "WRITE_WITHIN_S", 1)
    monkeypatch.setattr(sockets, "CLOSE_WITHIN_S", 20)
    parts = one_house.first.parts
    found = await parts.conversations.by_reference(ada.reference)
    assert found is not None
    async with wire(ada, receive_buffer=65_536) as line:
        await line.send(HELLO)
        await until(lambda: len(parts.fanout.sessions()) == 2)
        for _ in range(5):
            many = [Entry(Kind.MESSAGE, found.visitor, "\U0001f600" * 4_000) for _ in range(40)]
            async with one_house.first.database.write() as connection:
                events = await parts.log.append(connection, found.id, *many)
            parts.log.announce(events)
        await until(lambda: len(parts.fanout.sessions()) == 1, within_s=20, what="the end of the stalled line")
        assert (await line.end())[1] == 4001
    async with ada.line() as line_again:
        await line_again.hello()
        await line_again.expect("caught_up", last_seq=202)
        assert line_again.numbers() == list(range(1, 203))


BAD_HANDSHAKES: list[dict[str, str | None]] = [
    {"Sec_WebSocket_Version": "12"},
    {"Sec_WebSocket_Version": None},
    {"Sec_WebSocket_Version": "x"},
    {"Sec_WebSocket_Key": None},
    {"Sec_WebSocket_Key": "x"},
    {"Sec_WebSocket_Key": "é"},
    {"Upgrade": "h2c"},
    {"Upgrade": None},
    {"Connection": "close"},
    {"Origin": "http://127.0.0.1, http://evil.example"},
    {"Sec_WebSocket_Protocol": ", ,"},
    {"Sec_WebSocket_Protocol": "\x01"},
    {"Cookie": "visitor=\xff; visitor=" + "x" * 4_000},
    {"Content_Length": "5"},
    {"Transfer_Encoding": "chunked"},
]


@pytest.mark.parametrize("changes", BAD_HANDSHAKES, ids=range(len(BAD_HANDSHAKES)))
@pytest.mark.parametrize("path", ["/chat/socket", "/desk/socket"])
async def test_a_bad_handshake_is_refused_in_order(ada: Ada, path: str, changes: dict[str, str | None]) -> None:
    """Refused with a status below 500, or accepted and closed; never a crash, and never a session."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ada.at.port)
    try:
        writer.write(handshake(ada, path, **changes))
        writer.write_eof()
        async with asyncio.timeout(15):
            answer = await reader.read(-1)
    finally:
        writer.close()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 5")


async def test_a_colleague_hears_nothing_of_it(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    async with cora.line() as desk:
        await desk.hello()
        await desk.expect("caught_up")
        for data in list(BROKEN.values())[:10]:
            async with greeted(ada) as line:
                await line.send(data)
                await line.end()
        await desk.quiet()
        assert {frame["type"] for frame in desk.seen} <= {
            "welcome",
            "event",
            "caught_up",
            "pong",
            "desk",
            "suggestions",
        }
