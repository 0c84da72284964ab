"""A WebSocket by hand, for what no library would send: frames bit by bit, halves of them, and ends without a word."""

import asyncio
import base64
import json
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from chat.stream import OF_THE_LINE
from tests.chat.people import PATIENCE_S, Person

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One frame as it came."""

    opcode: int
    payload: bytes

    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.payload)
        return document


def answers(frames: Iterable[RawFrame]) -> list[RawFrame]:
    """The texts without those about the line, which come to everyone at any time."""
    return [frame for frame in frames if frame.opcode == TEXT and frame.json()["type"] not in OF_THE_LINE]


def encoded(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """A frame, right or wrong."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size, mask_bit = len(payload), 0x80 if masked else 0
    if size < 126:
        head = bytes([first, mask_bit | size])
    elif size < 65_536:
        head = bytes([first, mask_bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, mask_bit | 127]) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    key = secrets.token_bytes(4)
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))


def text(document: Any) -> bytes:
    return encoded(TEXT, json.dumps(document).encode())


def closing(code: int, reason: bytes = b"") -> bytes:
    return encoded(CLOSE, code.to_bytes(2, "big") + reason)


class Wire:
    """One connection, upgraded."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def frame(self) -> RawFrame | None:
        """The next frame; None when the line was cut."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                first, second = await self._reader.readexactly(2)
                size = second & 0x7F
                if size >= 126:
                    size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
                return RawFrame(first & 0xF, await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def expect(self, frame_type: str) -> dict[str, Any]:
        """The next text frame of this type."""
        while True:
            frame = await self.frame()
            assert frame is not None, f"the line was cut before {frame_type}"
            assert frame.opcode != CLOSE, f"closed before {frame_type}: {frame.payload!r}"
            if frame.opcode == TEXT and frame.json()["type"] == frame_type:
                return frame.json()

    async def end(self) -> tuple[list[RawFrame], int | None]:
        """Everything up to the end, and the code of the close frame; None when there was none."""
        frames = []
        while (frame := await self.frame()) is not None:
            frames.append(frame)
            if frame.opcode == CLOSE:
                return frames, int.from_bytes(frame.payload[:2], "big") if frame.payload else 1005
        return frames, None

    def half_close(self) -> None:
        self._writer.write_eof()

    def reset(self) -> None:
        """End it with RST, whatever is on its way."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        self._writer.close()


def handshake(person: Person, path: str, **changes: str | None) -> bytes:
    """The request that asks for the upgrade; a change of None leaves a header out."""
    headers: dict[str, str | None] = {
        "Host": person.house.origin.removeprefix("http://"),
        "Origin": person.house.origin,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Protocol": "advice.v1",
        "Cookie": person.cookies or None,
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    return f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


@asynccontextmanager
async def wire(person: Person, *, path: str = "", receive_buffer: int | None = None) -> AsyncIterator[Wire]:
    """This person's socket, upgraded and nothing more."""
    raw = socket.socket()
    if receive_buffer is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", person.at.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=4096 if receive_buffer else 2**16)
    try:
        writer.write(handshake(person, path or person.socket_path))
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def greeted(person: Person) -> AsyncIterator[Wire]:
    """The same after hello."""
    async with wire(person) as line:
        await line.send(text({"type": "hello"}))
        await line.expect("caught_up")
        yield line
