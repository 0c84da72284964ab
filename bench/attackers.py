"""`python -m bench.attackers KIND`: hostile and broken clients, each a kind of its own, until they are stopped.

A line on standard output says that they have read their code; they begin with the plan, on standard input. What is cut is
opened again at once, as somebody would who means it. They use a core of their own; what they do to the service beside them
is measured by bench.hostile. For servers that we started, on loopback.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import sys
from collections.abc import Awaitable, Callable

import msgspec

from bench.websocket import CLOSE, PING, TEXT, encode_frame

CONTINUATION = 0x0
SMALL_BUFFER = 4096
BATCH = 400
HELLO = b'{"type":"hello","after":{}}'


class AttackPlan(msgspec.Struct):
    """Where, as whom, and how many at once."""

    port: int
    base_url: str
    cookies: list[str]


class Attacker:
    """One client that means no good."""

    def __init__(self, plan: AttackPlan, number: int) -> None:
        self._plan = plan
        self._cookie = plan.cookies[number % len(plan.cookies)]
        self.opened = 0

    async def connect(self, *, small: bool = False) -> socket.socket:
        raw = socket.socket()
        if small:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self._plan.port))
        self.opened += 1
        return raw

    async def send(self, raw: socket.socket, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(raw, data)

    async def read(self, raw: socket.socket, most: int = 65_536) -> bytes:
        data = await asyncio.get_running_loop().sock_recv(raw, most)
        if not data:
            raise ConnectionResetError
        return data

    def request(self, path: str, *more: str) -> bytes:
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {self._plan.base_url.removeprefix('http://')}",
            f"Origin: {self._plan.base_url}",
            f"Cookie: {self._cookie}",
            *more,
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    async def upgrade(self, raw: socket.socket) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
        await self.send(
            raw,
            self.request("/chat/socket", *upgrade, f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Protocol: advice.v1"),
        )
        await self.read(raw, 12)


async def ping_flood(one: Attacker, raw: socket.socket) -> None:
    await one.upgrade(raw)
    await repeat(one, raw, encode_frame(PING, bytes(125)) * BATCH)


async def empty_fragments(one: Attacker, raw: socket.socket) -> None:
    await one.upgrade(raw)
    # The first without its end, then more of it for ever.
    await one.send(raw, bytes((TEXT, 0x80)) + bytes(4))
    await repeat(one, raw, (bytes((CONTINUATION, 0x80)) + bytes(4)) * BATCH)


async def frame_flood(one: Attacker, raw: socket.socket) -> None:
    """About a thousand frames a second, reading what comes back."""
    await one.upgrade(raw)
    await one.send(raw, encode_frame(TEXT, HELLO))
    while True:
        await one.send(raw, encode_frame(TEXT, b'{"type":"ping"}') * 50)
        # Fifty frames each twentieth of a second are the rate that the kind is named after.
        await asyncio.gather(one.read(raw), asyncio.sleep(0.05))


async def garbage(one: Attacker, raw: socket.socket) -> None:
    """Frames as large as they may be, of nothing."""
    await one.upgrade(raw)
    await one.send(raw, encode_frame(TEXT, HELLO))
    await repeat(one, raw, encode_frame(TEXT, b"[" * 65_000))


async def stalled_socket(one: Attacker, raw: socket.socket) -> None:
    await one.upgrade(raw)
    await one.send(raw, encode_frame(TEXT, HELLO))
    await until_cut(one, raw)


async def slow_socket(one: Attacker, raw: socket.socket) -> None:
    """A hundred bytes a second."""
    await one.upgrade(raw)
    await one.send(raw, encode_frame(TEXT, HELLO))
    while True:
        await one.read(raw, 100)
        # The pace is what is attacked with.
        await asyncio.sleep(1)


async def stalled_stream(one: Attacker, raw: socket.socket) -> None:
    await one.send(raw, one.request("/chat/events?after=0"))
    await until_cut(one, raw)


async def stalled_poll(one: Attacker, raw: socket.socket) -> None:
    await one.send(raw, one.request("/chat/poll?after=0&wait=0"))
    await until_cut(one, raw)


async def half_heads(one: Attacker, raw: socket.socket) -> None:
    await one.send(raw, one.request("/")[:-2])
    await one.read(raw)


async def connect_storm(one: Attacker, raw: socket.socket) -> None:
    await one.upgrade(raw)
    await one.send(raw, encode_frame(CLOSE, (1000).to_bytes(2, "big")))


async def poll_storm(one: Attacker, raw: socket.socket) -> None:
    while True:
        await one.send(raw, one.request("/chat/poll?after=0&wait=0"))
        await one.read(raw)


async def repeat(one: Attacker, raw: socket.socket, data: bytes) -> None:
    """Until it is cut, and never a byte is read."""
    while True:
        await one.send(raw, data)


async def until_cut(one: Attacker, raw: socket.socket) -> None:
    """Read nothing. Whether the line is cut shows when something is written to it now and then."""
    while True:
        # Rarely enough not to be a flood; nothing tells of a cut to somebody who never reads.
        await asyncio.sleep(1)
        await one.send(raw, encode_frame(PING, b""))


KINDS: dict[str, tuple[Callable[[Attacker, socket.socket], Awaitable[None]], int, bool]] = {
    "ping flood": (ping_flood, 4, True),
    "empty fragments": (empty_fragments, 4, True),
    "1,000 frames/s": (frame_flood, 4, False),
    "64 KB of garbage": (garbage, 4, False),
    "stalled socket": (stalled_socket, 20, True),
    "100 bytes/s": (slow_socket, 20, True),
    "stalled stream": (stalled_stream, 20, True),
    "stalled poll": (stalled_poll, 20, True),
    "half heads": (half_heads, 200, False),
    "connect storm": (connect_storm, 8, False),
    "poll storm": (poll_storm, 8, False),
}
"""What one does, how many do it at once, and whether their kernels take as little as they can."""


async def attack(kind: str, plan: AttackPlan) -> None:
    act, many, small = KINDS[kind]

    async def go_on(number: int) -> None:
        one = Attacker(plan, number)
        while True:
            try:
                raw = await one.connect(small=small)
            except OSError:
                # Refused: a loop without a pause would measure the attacker's own processor.
                await asyncio.sleep(0.05)
                continue
            try:
                await act(one, raw)
            except OSError:
                pass
            finally:
                raw.close()

    async with asyncio.TaskGroup() as group:
        for number in range(many):
            group.create_task(go_on(number))


def main() -> int:
    print("ready", flush=True)
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=AttackPlan)
    asyncio.run(attack(sys.argv[1], plan))
    return 0


if __name__ == "__main__":
    sys.exit(main())
