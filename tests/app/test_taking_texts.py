"""Texts that our server offers to the application before it queues them: each once, and all in the order they came."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from app.sockets import GuardedSocket
from tests.chat.raw import BINARY, TEXT, encoded

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TURNS = 10


class Peer(asyncio.Transport):
    """The network's side: what was written, and whether reading is paused."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        """Nothing is read here but what the test sends."""

    def resume_reading(self) -> None:
        """The same."""

    def close(self) -> None:
        """The test ends it."""


class Reader:
    """An application that reads text after text, each until it may go on, and takes what it wants to."""

    def __init__(self) -> None:
        self.seen: list[str | bytes] = []
        self.wanted: set[str] = set()
        self.fails_at = ""
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        scope["extensions"]["websocket.texts"]["take_with"](self.take)
        while (message := await receive())["type"] == "websocket.receive":
            self.seen.append(message.get("text") or message["bytes"])
            await self.may_go_on.wait()

    def take(self, text: str) -> bool:
        if text == self.fails_at:
            raise RuntimeError(text)
        if text in self.wanted:
            self.seen.append(f"taken: {text}")
        return text in self.wanted


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
async def socket(reader: Reader) -> AsyncIterator[GuardedSocket]:
    config = Config(reader, ws=GuardedSocket, log_config=None, ws_ping_interval=None)
    socket = GuardedSocket(config, ServerState(), {})
    socket.connection_made(Peer())
    socket.data_received(HANDSHAKE)
    await turns()
    yield socket
    socket.connection_lost(None)
    await turns()


async def turns() -> None:
    """Let everything happen that waits for nothing."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def test_each_is_taken_or_read(socket: GuardedSocket, reader: Reader) -> None:
    reader.wanted = {"two"}
    for words in (b"one", b"two", b"three"):
        socket.data_received(encoded(TEXT, words))
        await turns()
    assert reader.seen == ["one", "taken: two", "three"]


async def test_in_pieces_and_together(socket: GuardedSocket, reader: Reader) -> None:
    """Only the first of what comes together is offered; nothing passes what waits."""
    reader.wanted = {"one", "two"}
    pieces = encoded(TEXT, b"o", fin=False) + encoded(0, b"ne")
    socket.data_received(pieces + encoded(BINARY, b"\xff") + encoded(TEXT, b"two"))
    await turns()
    assert reader.seen == ["taken: one", b"\xff", "two"]


async def test_nothing_passes_what_the_reader_is_about_to_read(socket: GuardedSocket, reader: Reader) -> None:
    """It may wake in the same turn in which the next ones come."""
    reader.may_go_on.clear()
    socket.data_received(encoded(TEXT, b"one"))
    await turns()
    assert reader.seen == ["one"]
    reader.may_go_on.set()
    socket.data_received(encoded(TEXT, b"two") + encoded(TEXT, b"three"))
    await turns()
    assert reader.seen == ["one", "two", "three"]


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_what_came_before_the_fault_of_its_sender_is_heard(
    socket: GuardedSocket, reader: Reader, is_wanted: bool
) -> None:
    reader.wanted = {"one"} if is_wanted else set()
    socket.data_received(encoded(TEXT, b"one") + encoded(TEXT, b"\xff"))
    await turns()
    assert reader.seen == ["taken: one" if is_wanted else "one"]


async def test_what_is_not_utf_8_is_offered_to_nobody(socket: GuardedSocket, reader: Reader) -> None:
    socket.data_received(encoded(TEXT, b"\xff"))
    await turns()
    assert reader.seen == []
    assert socket.conn.close_sent is not None
    assert socket.conn.close_sent.code == 1007


async def test_what_taking_fails_at_is_left_to_the_reader(
    socket: GuardedSocket, reader: Reader, loop_troubles: list[Exception]
) -> None:
    """It is neither dropped nor passed, and the next one is offered as before."""
    reader.fails_at, reader.wanted = "one", {"three"}
    socket.data_received(encoded(TEXT, b"one") + encoded(TEXT, b"two"))
    await turns()
    socket.data_received(encoded(TEXT, b"three"))
    await turns()
    assert ([str(one) for one in loop_troubles], reader.seen) == (["one"], ["one", "two", "taken: three"])
