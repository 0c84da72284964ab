"""`python -m bench.crowd`: a crowd of clients in one process, each with one socket that says hello and then listens.

It reads a plan (JSON, one line) from standard input, opens all sockets with so many under way at once, and prints what
that took. It then holds them, answering pings as a browser does, until it reads another line; then it prints what was
heard and ends. A client that is refused or cut off ends the run: no figure hides a failure.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Iterator

import msgspec

from bench.maker import own_cpu_seconds, run_plan, say
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


class Opening(msgspec.Struct):
    seconds: float
    load_maker_cpu_s: float


class Listening(msgspec.Struct):
    heartbeats: int


class Member:
    """One client of the crowd."""

    def __init__(self, crowd: Crowd, cookie: str) -> None:
        self._crowd = crowd
        self._cookie = cookie
        self._caught_up: asyncio.Future[None] = crowd.loop.create_future()
        self.socket = WebSocketClient(self._hear, self._lose)

    async def arrive(self) -> None:
        """Connect, say hello and be caught up."""
        crowd = self._crowd
        headers = crowd.plan.headers | ({"Cookie": self._cookie} if self._cookie else {})
        await self.socket.open(crowd.plan.url, headers, OPEN_WITHIN_S)
        self.socket.send_text(crowd.hello)
        await self._caught_up

    def _hear(self, payload: bytes) -> None:
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
        self.heartbeats = 0
        self.lost: list[str] = []
        self._members: list[Member] = []

    async def open_all(self) -> Opening:
        own_before, begun = own_cpu_seconds(), time.perf_counter()
        cookies = iter(self.plan.cookies)
        await asyncio.gather(*(self._open_some(cookies) for _ in range(self.plan.at_once)))
        return Opening(time.perf_counter() - begun, own_cpu_seconds() - own_before)

    async def _open_some(self, cookies: Iterator[str]) -> None:
        for cookie in cookies:
            member = Member(self, cookie)
            await member.arrive()
            self._members.append(member)

    async def listen(self) -> Listening:
        """Until the parent says that it is enough."""
        self.heartbeats = 0
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.readline)
        return Listening(self.heartbeats)

    def close(self) -> None:
        for member in self._members:
            member.socket.close()


async def _run(plan: CrowdPlan) -> None:
    crowd = Crowd(plan)
    say(await crowd.open_all())
    heard = await crowd.listen()
    if crowd.lost:
        raise WebSocketError(f"{len(crowd.lost)} were cut off, the first with: {crowd.lost[0]}")
    say(heard)
    crowd.close()


def main() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return run_plan("crowd", sys.stdin.buffer.readline(), CrowdPlan, _run)


if __name__ == "__main__":
    sys.exit(main())
