"""Boxes as they stand in real networks, on the way of every connection of some clients: each breaks live transports its own way.

They know as much of HTTP as such boxes do: the first line of a connection, and where a response ends.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from tests.faults.ladder import Tempo
from tests.faults.proxy import Box, Link, Way

UPGRADE = b"upgrade: websocket"
HEAD_END = b"\r\n\r\n"
WITHOUT_BODY = (b"HTTP/1.1 204", b"HTTP/1.1 304")
LAST_CHUNK = b"0\r\n\r\n"
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
SLOW_CHUNK, SLOW_PAUSE_S = 4096, 0.1


class Network(StrEnum):
    """The kinds of network between a client and the service."""

    OPEN = "open"
    REFUSES = "refuses upgrades"
    SWALLOWS = "swallows frames"
    BUFFERS = "buffers responses"
    CUTS = "cuts every connection"
    SLOW = "slow reader"


class Refuses(Box):
    """Sockets are forbidden."""

    def __init__(self) -> None:
        self._is_first = True

    async def sift(self, link: Link, way: Way, data: bytes) -> bytes:
        if way is Way.FORTH and self._is_first:
            self._is_first = False
            if UPGRADE in data.lower():
                await link.write(Way.BACK, REFUSAL)
                link.finish()
                return b""
        return data


class Swallows(Box):
    """Sockets open, and then nothing goes through, either way."""

    def __init__(self) -> None:
        self._is_socket = False
        self._seen: set[Way] = set()

    async def sift(self, link: Link, way: Way, data: bytes) -> bytes:
        if way in self._seen:
            return b"" if self._is_socket else data
        self._seen.add(way)
        if way is Way.FORTH:
            self._is_socket = UPGRADE in data.lower()
        if not self._is_socket:
            return data
        head, _, _ = data.partition(HEAD_END)
        return head + HEAD_END


class Buffers(Box):
    """A response that does not say how long it is goes on in pieces, each after `hold_s`, or when it has ended."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._held = bytearray()
        self._flushing: asyncio.Task[None] | None = None
        self._is_live = False

    async def sift(self, link: Link, way: Way, data: bytes) -> bytes:
        if way is Way.FORTH:
            return data
        if data.startswith(b"HTTP/1.1 "):
            head, _, _ = data.partition(HEAD_END)
            self._is_live = b"content-length:" not in head.lower() and not head.startswith(WITHOUT_BODY)
        if not self._is_live:
            return data
        self._held += data
        if self._held.endswith(LAST_CHUNK):
            await self.end(link)
        elif self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_later(link))
        return b""

    async def _flush_later(self, link: Link) -> None:
        await asyncio.sleep(self._hold_s)
        self._flushing = None
        await self._flush(link)

    async def _flush(self, link: Link) -> None:
        held, self._held = bytes(self._held), bytearray()
        try:
            await link.write(Way.BACK, held)
        except OSError:
            return

    async def end(self, link: Link) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        await self._flush(link)


class Cuts(Box):
    """Nothing lives longer than `life_s`."""

    def __init__(self, life_s: float) -> None:
        self._life_s = life_s
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, link: Link) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._life_s, link.cut)

    async def end(self, link: Link) -> None:
        if self._timer is not None:
            self._timer.cancel()


class Slow(Box):
    """Reads a little at a time, with small buffers, so that the server feels it."""

    chunk = SLOW_CHUNK
    receive_buffer = SLOW_CHUNK

    async def sift(self, link: Link, way: Way, data: bytes) -> bytes:
        if way is Way.BACK:
            await asyncio.sleep(SLOW_PAUSE_S)
        return data


def boxes(tempo: Tempo) -> dict[Network, Callable[[], Box]]:
    """How to make each."""
    return {
        Network.OPEN: Box,
        Network.REFUSES: Refuses,
        Network.SWALLOWS: Swallows,
        Network.BUFFERS: lambda: Buffers(tempo.buffer_s),
        Network.CUTS: lambda: Cuts(tempo.cut_s),
        Network.SLOW: Slow,
    }
