"""`python -m bench.http_load`: asks for one page over and over, on many kept connections, and counts the answers.

One process, one request under way on each connection, nothing pipelined. It reads a plan (JSON) from standard input and
prints its measurement (JSON). Only the length and the status of an answer are looked at, so that it costs little and what
is measured is the server. An answer that is not what was expected ends the run: no figure hides a failure.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import cast

import msgspec

from bench.maker import Failure, own_cpu_seconds, percentile, run_plan, say

CONNECT_WITHIN_S = 20.0


class HttpPlan(msgspec.Struct):
    port: int
    host: str
    path: str
    headers: dict[str, str]
    status: int
    connections: int = 32
    warm_up_s: float = 1.0
    seconds: float = 5.0


class HttpMeasurement(msgspec.Struct):
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    bytes_each: float
    load_maker_cpu_s: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


class Asker(asyncio.Protocol):
    """One connection: asks, reads the answer to its end, asks again."""

    def __init__(self, load: HttpLoad) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._left = 0
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self.ask()

    def ask(self) -> None:
        assert self._transport is not None
        self._asked_at = time.perf_counter()
        self._transport.write(self._load.request)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.fail(f"a connection ended ({error})")

    def data_received(self, data: bytes) -> None:
        load = self._load
        load.bytes += len(data)
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(load.status_line):
                load.fail(f"answered {head[:40]!r}")
                return
            self._head = b""
            self._left = _length(head) - len(rest)
        if self._left == 0:
            load.latencies_s.append(time.perf_counter() - self._asked_at)
            if not load.stopped:
                self.ask()


class HttpLoad:
    def __init__(self, plan: HttpPlan) -> None:
        self.plan = plan
        lines = [f"GET {plan.path} HTTP/1.1", f"Host: {plan.host}", *(f"{k}: {v}" for k, v in plan.headers.items())]
        self.request = "\r\n".join([*lines, "", ""]).encode()
        self.status_line = f"HTTP/1.1 {plan.status} ".encode()
        self.bytes = 0
        self.latencies_s: list[float] = []
        self.stopped = False
        self._failure = Failure()

    def fail(self, reason: str) -> None:
        if not self.stopped:
            self._failure.note(reason)

    async def run(self) -> HttpMeasurement:
        plan, loop = self.plan, asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_WITHIN_S):
            opened = [
                await loop.create_connection(lambda: Asker(self), "127.0.0.1", plan.port)
                for _ in range(plan.connections)
            ]
        await self._failure.wait(plan.warm_up_s)
        self.latencies_s, self.bytes = [], 0
        own_before, begun = own_cpu_seconds(), time.perf_counter()
        await self._failure.wait(plan.seconds)
        seconds, ordered = time.perf_counter() - begun, sorted(self.latencies_s)
        own = own_cpu_seconds() - own_before
        self.stopped = True
        for transport, _ in opened:
            transport.abort()
        return HttpMeasurement(
            requests=len(ordered),
            seconds=seconds,
            p50_ms=1e3 * percentile(ordered, 0.50),
            p99_ms=1e3 * percentile(ordered, 0.99),
            bytes_each=self.bytes / max(len(ordered), 1),
            load_maker_cpu_s=own,
        )


def _length(head: bytes) -> int:
    """Content-Length; 0 where there is none, as in a 304."""
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    return 0 if at < 0 else int(lower[at + 17 :].split(b"\r\n", 1)[0])


async def _measure(plan: HttpPlan) -> None:
    say(await HttpLoad(plan).run())


if __name__ == "__main__":
    sys.exit(run_plan("http load", sys.stdin.buffer.read(), HttpPlan, _measure))
