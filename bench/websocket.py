"""A WebSocket client that costs the machine as little as possible.

The load maker shares two cores with what it measures, so every microsecond it takes
is missing from the program under test. It speaks RFC 6455 without extensions, masks
with a key of zeros (allowed on the wire, and free), and expects unfragmented frames.
It is for measuring our own servers on loopback and never for anything else.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable, Mapping
from typing import cast
from urllib.parse import urlsplit

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
ZERO_MASK = b"\0\0\0\0"


class WebSocketError(Exception):
    """The server refused the upgrade, broke the protocol or went away."""


def encode_frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size)) + ZERO_MASK + payload
    if size < 65536:
        return bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big") + ZERO_MASK + payload
    return bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big") + ZERO_MASK + payload


class WebSocketClient(asyncio.Protocol):
    """Calls `on_text` for every text frame and `on_lost` once when the connection ends unasked."""

    def __init__(self, on_text: Callable[[bytes], None], on_lost: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._on_lost = on_lost
        self._buffer = b""
        self._request = b""
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._closing = False

    async def open(self, url: str, headers: Mapping[str, str], timeout_s: float = 20.0) -> None:
        """Connect and upgrade; `headers` may replace Host."""
        parts = urlsplit(url)
        fields = {
            "Host": parts.netloc,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        } | dict(headers)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self._request = "\r\n".join(lines).encode()
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().create_connection(
                lambda: self, parts.hostname or "127.0.0.1", parts.port or 80
            )
            await self._opened

    def send_text(self, payload: bytes) -> None:
        assert self._transport is not None
        self._transport.write(encode_frame(TEXT, payload))

    def close(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.write(encode_frame(CLOSE, (1000).to_bytes(2, "big")))
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        self._lose(f"connection lost ({error})")

    def data_received(self, data: bytes) -> None:
        if self._opened.done():
            self._read_frames(data)
            return
        head, end, rest = (self._buffer + data).partition(b"\r\n\r\n")
        if not end:
            self._buffer = head
            return
        self._buffer = b""
        status = head.split(b"\r\n", 1)[0]
        if b" 101 " not in status + b" ":
            self._lose(f"upgrade refused: {status.decode(errors='replace')}")
            return
        self._opened.set_result(None)
        if rest:
            self._read_frames(rest)

    def _read_frames(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        position, available = 0, len(buffer)
        while available - position >= 2:
            first, size = buffer[position], buffer[position + 1]
            start = position + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                if available < start + width:
                    break
                size = int.from_bytes(buffer[start : start + width], "big")
                start += width
            if available < start + size:
                break
            position = start + size
            if first == 0x80 | TEXT:
                self._on_text(buffer[start:position])
            else:
                self._read_control(first, buffer[start:position])
        self._buffer = buffer[position:]

    def _read_control(self, first: int, payload: bytes) -> None:
        assert self._transport is not None
        if first == 0x80 | PING:
            self._transport.write(encode_frame(PONG, payload))
        elif first == 0x80 | CLOSE:
            code = int.from_bytes(payload[:2], "big")
            self._lose(f"closed with {code} {payload[2:].decode(errors='replace')}")
            self._transport.close()
        elif first != 0x80 | PONG:
            self._lose(f"unexpected frame 0x{first:02x}")
            self._transport.abort()

    def _lose(self, reason: str) -> None:
        if self._closing:
            return
        self._closing = True
        if self._opened.done():
            self._on_lost(reason)
        else:
            self._opened.set_exception(WebSocketError(reason))
