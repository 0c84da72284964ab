"""What one slow or hostile connection may cost: tried against a real process."""

import asyncio
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
from websockets.asyncio.client import connect

from app.guard import MOST_PIPELINED
from app.server import FILES_FOR_OTHERS, KEEP_ALIVE_S, PING_ANSWERED_WITHIN_S, PING_EVERY_S
from app.sockets import MOST_PINGS, RIDES_AFTER
from chat.session import HEARTBEAT_S
from core.wheel import TICK_S
from tests.app.tiny_client import UPGRADE, TinyService, close_code, masked, read_all, running
from tests.waiting import wait_until

MIB = 1024 * 1024
PING_S, ANSWERED_S = 1.0, 4.0


@pytest.fixture
def pinging(tmp_path: Path) -> Iterator[TinyService]:
    """It asks whether its peers live every moment."""
    with running(tmp_path, "--ping-s", str(PING_S), "--answered-s", str(ANSWERED_S)) as service:
        yield service


def send_until_cut(client: socket.socket, chunk: bytes, most_bytes: int) -> int:
    """Send the same bytes again and again; return how many went before the server cut the connection."""
    client.settimeout(5)
    sent = 0
    while sent < most_bytes:
        try:
            sent += client.send(chunk)
        except ConnectionError:
            return sent
    raise AssertionError(f"{sent} bytes were taken and the connection is still open")


def send_until_full(client: socket.socket, chunk: bytes) -> None:
    """Send until nothing is taken any longer, because the server waits for us to read."""
    client.settimeout(0.5)
    with suppress(TimeoutError, ConnectionError):
        for _ in range(1_000_000):
            client.sendall(chunk)


def test_ping_flood_is_cut(service: TinyService) -> None:
    process = psutil.Process(service.get_pid())
    before = process.memory_info().rss
    with service.upgrade("/echo") as client:
        send_until_cut(client, masked(0x89, bytes(125)) * 400, most_bytes=300 * MIB)
    assert process.memory_info().rss - before < 64 * MIB
    assert service.is_up()


@pytest.mark.parametrize(
    ("first", "repeated"),
    [(masked(0x01), masked(0x00)), (b"", masked(0x81))],
    ids=["empty fragments", "empty messages"],
)
def test_flood_of_tiny_frames_is_cut(service: TinyService, first: bytes, repeated: bytes) -> None:
    """All of them are taken at once, and what they are answered is read: nothing else would end it."""
    process = psutil.Process(service.get_pid())
    before = process.memory_info().rss
    with service.upgrade("/echo") as client:
        with suppress(ConnectionError):
            client.sendall(first + repeated * 10_000)
        read_all(client)
    assert process.memory_info().rss - before < 64 * MIB
    assert service.is_up()


def test_requests_sent_ahead_are_answered_in_order(service: TinyService) -> None:
    with service.connect() as client:
        client.sendall(b"GET /pid HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * (MOST_PIPELINED - 1))
        client.sendall(b"GET /pid HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert read_all(client).count(b"HTTP/1.1 200") == MOST_PIPELINED


def test_more_requests_sent_ahead_than_anybody_needs_are_cut(service: TinyService) -> None:
    """Each answer would let the next read in, and a read can hold a thousand: whoever never waits would fill the memory."""
    with service.connect() as client:
        client.sendall(b"GET /pid HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * (3 * MOST_PIPELINED))
        with suppress(ConnectionError):
            assert read_all(client).count(b"HTTP/1.1 200") < 3 * MOST_PIPELINED
    assert service.is_up()


def test_reader_that_stalls_is_let_go(service: TinyService) -> None:
    with service.upgrade("/torrent"):
        wait_until(lambda: "torrent ended" in service.log.read_text(), within_s=20, what="the end of its handler")


def test_page_that_nobody_reads_is_let_go(service: TinyService) -> None:
    """What waits for it stays below a megabyte."""
    process = psutil.Process(service.get_pid())
    before = process.memory_info().rss
    with service.connect() as client:
        client.sendall(b"GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        wait_until(lambda: "page ended" in service.log.read_text(), within_s=20, what="the end of its answer")
    assert process.memory_info().rss - before < 2 * MIB


def test_kernel_keeps_little_for_a_peer_that_does_not_read(service: TinyService) -> None:
    """Buffers that the kernel sizes by itself grow to megabytes."""
    taken = 0
    with service.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        wait_until(lambda: "page ended" in service.log.read_text(), within_s=20, what="the end of its answer")
        taken = len(read_all(client))
    assert taken < MIB


def test_more_pings_than_anybody_needs_are_closed_with_4004(service: TinyService) -> None:
    """Even when every pong is read; ten a second are let through."""
    with service.upgrade("/echo") as client:
        client.sendall(masked(0x89) * MOST_PINGS)
        assert b"too many pings" not in client.recv(4096, socket.MSG_PEEK)
        client.sendall(masked(0x81, b"hello"))
        client.sendall(masked(0x89))
        answer = read_all(client)
    assert MOST_PINGS <= answer.count(b"\x8a\x00") <= MOST_PINGS + 1
    assert (4004).to_bytes(2, "big") + b"too many pings" in answer


def test_silence_is_closed_with_4003(pinging: TinyService) -> None:
    with pinging.upgrade("/echo") as client:
        assert b"\x88\x0e" + (4003).to_bytes(2, "big") + b"no heartbeat" in read_all(client)
    # The line was dead for some time: a desk gets less time to come back (triage/times.py).
    wait_until(lambda: "went silent" in pinging.log.read_text(), what="that the handler is told")


@pytest.mark.parametrize("frame", [masked(0x81, b"hello"), masked(0x89), masked(0x8A)], ids=["text", "ping", "pong"])
def test_whoever_says_anything_lives(pinging: TinyService, frame: bytes) -> None:
    """A client made by hand may answer no ping of the server's and be there all the same."""
    with pinging.upgrade("/echo") as client:
        pings = 0
        # For longer than it would take to find out that nobody is there.
        while pings * PING_S < ANSWERED_S + 3 * PING_S:
            heard = client.recv(4096)
            assert b"no heartbeat" not in heard
            if b"\x89\x04" in heard:
                pings += 1
                client.sendall(frame)


def test_the_heartbeat_comes_just_before_the_ping_and_silence_is_known_within_35_s() -> None:
    assert RIDES_AFTER * PING_EVERY_S < HEARTBEAT_S < HEARTBEAT_S + 2 * TICK_S < PING_EVERY_S
    assert PING_EVERY_S + PING_ANSWERED_WITHIN_S + 4 * TICK_S <= 35


def test_a_ping_rides_with_what_is_written_anyway(pinging: TinyService) -> None:
    """An idle socket is written to once for its heartbeat and its ping. Here somebody is written to all the time."""
    with pinging.upgrade("/together") as client:
        head, pings, ends = b"", 0, time.monotonic() + 30
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        while pings < 3:
            client.sendall(masked(0x81, b"1"))
            heard = client.recv(4096)
            before, is_there, ping = heard.partition(b"\x89\x04")
            if is_there:
                # One that goes alone is answered too: that took the machine longer than the moment in which it rides.
                pings += before.endswith(b"\x81\x02" + "é".encode())
                client.sendall(masked(0x8A, ping[:4]))
            assert time.monotonic() < ends, "pings go alone"


async def test_a_library_that_answers_pings_lives(pinging: TinyService) -> None:
    """It says nothing of itself; its library answers for it."""
    async with connect(f"{pinging.url}/echo", proxy=None, ping_interval=None) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(ANSWERED_S + 3 * PING_S):
                await client.recv()
        await client.send("hello")
        assert await client.recv() == "hello"


def test_a_connection_that_nobody_uses_for_a_while_is_kept(service: TinyService) -> None:
    """A proxy writes into it later: one that the server closed meanwhile would take a posted form along."""
    with closing(HTTPConnection("127.0.0.1", service.port)) as client:
        assert status_of(client) == 200
        kept = client.sock
        # Past the five seconds that uvicorn waits by itself.
        assert select.select([kept], [], [], 7)[0] == []
        assert status_of(client) == 200
        assert client.sock is kept
    assert KEEP_ALIVE_S > 120


def status_of(client: HTTPConnection) -> int:
    client.request("GET", "/pid")
    answer = client.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("X-Many: 1\r\n" * 150, b"HTTP/1.1 431 "),
        (f"Cookie: {'x' * 10_000}\r\n", b"HTTP/1.1 431 "),
        ("Content-Length: 2\r\n", b"HTTP/1.1 400 "),
    ],
    ids=["many headers", "a long header", "a body"],
)
def test_an_upgrade_that_cannot_be_read_is_refused(service: TinyService, header: str, answer: bytes) -> None:
    """uvicorn would hold it, unanswered, for as long as the peer likes."""
    with service.connect() as client:
        client.sendall(UPGRADE.format(path="/echo").replace("\r\n\r\n", f"\r\n{header}\r\n").encode())
        assert read_all(client).startswith(answer)


@pytest.mark.parametrize(
    "sent", [b"", b"GET /pid HTTP/1.1\r\nHost:", b"\r\n\r\n"], ids=["nothing", "half a head", "blank lines"]
)
def test_unfinished_head_is_dropped(service: TinyService, sent: bytes) -> None:
    with service.connect() as client:
        client.sendall(sent)
        assert read_all(client) == b""


def test_unfinished_head_after_an_answer_is_dropped(service: TinyService) -> None:
    with service.connect() as client:
        client.sendall(b"GET /pid HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200 OK" in client.recv(4096)
        client.sendall(b"\r\n")
        assert b"200 OK" not in read_all(client)


H2C = "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAA\r\nX-Empty:\r\n"


def posting(text: str, more: str = "", *, chunked: bool = False) -> bytes:
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(text)}"
    body = f"{len(text):x}\r\n{text}\r\n0\r\n\r\n" if chunked else text
    return f"POST /said HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}{length}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    "more", [H2C, "Upgrade: TLS/1.0\r\nConnection: upgrade\r\n", H2C.replace("h2c", "websocket, h2c")]
)
def test_an_upgrade_that_is_not_taken_is_ignored(service: TinyService, more: str) -> None:
    """As Java and `curl --http2` ask for it. The body is read, and what follows on the connection, however it is cut."""
    sent = posting("one", more) + posting("two", more, chunked=True) + posting("three") + posting("", more)
    last = posting("four", "Connection: close\r\n")
    for size in (1, 7, len(sent)):
        with service.connect() as client:
            for start in range(0, len(sent), size):
                client.sendall(sent[start : start + size])
            client.sendall(last)
            answer = read_all(client)
        assert answer.count(b"HTTP/1.1 200 OK") == 5
        left = "['x-empty']" if "X-Empty" in more else "[]"
        answered = [f"<one> {left}", f"<two> {left}", "<three> []", f"<> {left}", "<four> ['connection']"]
        assert [line for line in answer.decode().splitlines() if line.startswith("<")] == answered


def test_what_else_the_connection_is_asked_for_holds_beside_an_upgrade(service: TinyService) -> None:
    with service.connect() as client:
        client.sendall(posting("one", "Upgrade: h2c\r\nConnection: upgrade, close\r\n") + posting("two"))
        answer = read_all(client)
    assert b"<one> ['connection']" in answer
    assert b"<two>" not in answer


def test_upgrades_without_end_are_cut(service: TinyService) -> None:
    """Each costs two readings of its head, so no more of them are read ahead than of other requests."""
    with service.connect() as client:
        send_until_cut(client, posting("x", H2C) * 2_000, most_bytes=50 * MIB)
    assert service.is_up()


def test_endless_head_is_cut(service: TinyService) -> None:
    with service.connect() as client:
        client.sendall(b"GET /pid HTTP/1.1\r\nX: ")
        send_until_cut(client, b"x" * 10_000, most_bytes=10 * MIB)


def test_connections_have_a_limit(tmp_path: Path) -> None:
    """One too many is told so at once; when others leave, everyone is served again."""
    with running(tmp_path, "--files", str(2 * FILES_FOR_OTHERS)) as service:
        with ExitStack() as stack:
            crowd = [stack.enter_context(service.upgrade("/echo")) for _ in range(FILES_FOR_OTHERS)]
            assert len(crowd) == FILES_FOR_OTHERS
            with service.connect() as client:
                assert b" 503 " in read_all(client)
        wait_until(service.is_up, what="an answer")


def test_log_names_no_client(service: TinyService) -> None:
    with service.upgrade("/echo?token=canary"), service.connect() as client:
        client.sendall(b"GET /nothing?token=canary HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"404" in client.recv(4096)
    text = service.log.read_text()
    assert "canary" not in text
    assert "127.0.0.1" not in text


async def test_frames_written_together_arrive_one_by_one(service: TinyService) -> None:
    """Of every size that has its own kind of head, and pings between them."""
    sizes = [0, 62, 63, 5, 32_767, 32_768, 70_000, 1]
    async with connect(f"{service.url}/together", proxy=None) as client:
        for _ in range(3):
            await client.send(" ".join(map(str, sizes)))
            await (await client.ping())
            assert [await client.recv() for _ in sizes] == ["é" * size for size in sizes]


def test_nothing_more_is_written_to_a_reader_that_stalls(service: TinyService) -> None:
    process = psutil.Process(service.get_pid())
    before = process.memory_info().rss
    with service.upgrade("/together") as client:
        send_until_full(client, masked(0x81, b"60000 60000 60000"))
        assert service.is_up()
        assert process.memory_info().rss - before < 64 * MIB
    wait_until(lambda: "together ended" in service.log.read_text(), within_s=20, what="the end of its handler")


async def test_frame_over_the_limit_is_refused(service: TinyService) -> None:
    async with connect(f"{service.url}/echo", proxy=None, compression="deflate") as client:
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers
        await client.send("x" * 65_536)
        assert len(await asyncio.wait_for(client.recv(), 5)) == 65_536
        await client.send("x" * 65_537)
        assert await close_code(client) == 1009
