"""`python -m bench.crowd`: a crowd of clients in one process, each with one socket that says hello and then listens.

It reads a plan (JSON, one line) from standard input, opens all sockets with so many under way at once, and prints what
that took. It then holds them, answering pings as a browser does, until it reads another line; then it prints what was
heard and ends. A client that is refused or cut off ends the run: no figure hides a failure.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Iterator

import msgspec
import uvloop

from bench.load import own_cpu_seconds
from bench.websocket import WebSocketClient, WebSocketError

OPEN_WITHIN_S = 60.0


class CrowdPlan(msgspec.Struct):
    url: str
    headers: dict[str, str]
    cookies: list[str]
    """One client each; an empty one sends no cookie."""
    hello: str
    until: str
    """What the first frame that means *caught up* contains."""
    at_once: int
    repeats: bool = False
    """Measure the opening only: close each socket once it is caught up."""


class Opening(msgspec.Struct):
    seconds: float
    p50_ms: float
    p99_ms: float
    slowest_ms: float
    load_maker_cpu_s: float


class Listening(msgspec.Struct):
    seconds: float
    frames: int
    heartbeats: int


class Member:
    """One client of the crowd."""

    def __init__(self, crowd: Crowd, cookie: str) -> None:
        self._crowd = crowd
        self._cookie = cookie
        self._caught_up: asyncio.Future[None] = crowd.loop.create_future()
        self.socket = WebSocketClient(self._hear, self._lose)

    async def arrive(self) -> float:
        """Connect, say hello and be caught up; how long that took."""
        crowd, begun = self._crowd, time.perf_counter()
        headers = crowd.plan.headers | ({"Cookie": self._cookie} if self._cookie else {})
        await self.socket.open(crowd.plan.url, headers, OPEN_WITHIN_S)
        self.socket.send_text(crowd.hello)
        await self._caught_up
        return 1e3 * (time.perf_counter() - begun)

    def _hear(self, payload: bytes) -> None:
        self._crowd.frames += 1
        if b'"heartbeat"' in payload[:24]:
            self._crowd.heartbeats += 1
        elif not self._caught_up.done() and self._crowd.until in payload:
            self._caught_up.set_result(None)

    def _lose(self, reason: str) -> None:
        if not self._caught_up.done():
            self._caught_up.set_exception(WebSocketError(reason))
        self._crowd.lost.append(reason)


class Crowd:
    def __init__(self, plan: CrowdPlan) -> None:
        self.plan = plan
        self.loop = asyncio.get_running_loop()
        self.hello, self.until = plan.hello.encode(), plan.until.encode()
        self.frames = self.heartbeats = 0
        self.lost: list[str] = []
        self._members: list[Member] = []
        self._times_ms: list[float] = []

    async def open_all(self) -> Opening:
        own_before, begun = own_cpu_seconds(), time.perf_counter()
        cookies = iter(self.plan.cookies)
        await asyncio.gather(*(self._open_some(cookies) for _ in range(self.plan.at_once)))
        seconds, ordered = time.perf_counter() - begun, sorted(self._times_ms)
        return Opening(
            seconds=seconds,
            p50_ms=ordered[len(ordered) // 2],
            p99_ms=ordered[int(0.99 * len(ordered))],
            slowest_ms=ordered[-1],
            load_maker_cpu_s=own_cpu_seconds() - own_before,
        )

    async def _open_some(self, cookies: Iterator[str]) -> None:
        for cookie in cookies:
            member = Member(self, cookie)
            self._times_ms.append(await member.arrive())
            if self.plan.repeats:
                member.socket.close()
            else:
                self._members.append(member)

    async def listen(self) -> Listening:
        """Until the parent says that it is enough."""
        self.frames = self.heartbeats = 0
        begun = time.perf_counter()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.readline)
        return Listening(time.perf_counter() - begun, self.frames, self.heartbeats)

    def close(self) -> None:
        for member in self._members:
            member.socket.close()


async def _run(plan: CrowdPlan) -> None:
    crowd = Crowd(plan)
    _print(await crowd.open_all())
    heard = await crowd.listen()
    if crowd.lost:
        raise WebSocketError(f"{len(crowd.lost)} were cut off, the first with: {crowd.lost[0]}")
    _print(heard)
    crowd.close()


def _print(what: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.flush()


def main() -> int:
    plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=CrowdPlan)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Its garbage is none that a collection would find; a collection would only stop the clock's reader.
    gc.disable()
    try:
        uvloop.run(_run(plan))
    except (WebSocketError, OSError, TimeoutError) as error:
        print(f"crowd: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
