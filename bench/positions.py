"""Row `positions`: everybody behind somebody who is taken sees their place move, soon and at little cost.

1,000 visitors wait with a socket each, all on one web process; each second an advisor takes the front of the line through
the other. Timed is from the first byte of the claim until a visitor has the `queue` frame with the new place; what it costs
is the processor time of the process with the sockets, less what it takes while nothing changes.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import uvloop

from bench.duty import WAITING, AdvisorClient, Duty
from bench.maker import percentile
from bench.processes import ProcessError, cpu_seconds
from bench.report import Options, Report, progress, spread, within
from bench.websocket import WebSocketClient

AT_ONCE = 50
CHANGES = 20
EVERY_S = 1.0
PATIENCE_S = 20.0
HELLO = b'{"type":"hello","after":{}}'
COLUMNS = ("round", "p50 ms", "p99 ms", "slowest ms", "% of a core", "idle %", "frames of each", "% of a core, in all")


@dataclass
class Round:
    delays_ms: list[float] = field(default_factory=list)
    frames: int = 0
    share: float = 0.0
    idle: float = 0.0
    by_part: dict[str, float] = field(default_factory=dict)


class Watcher:
    """One visitor's socket, and the newest place that it was told."""

    def __init__(self) -> None:
        self.position: int | None = None
        self.frames = 0
        self.told_at = 0.0
        self.awaited: int | None = None
        self.moved = asyncio.Event()
        self.lost = ""
        self.socket = WebSocketClient(self._hear, self._lose)

    def _hear(self, payload: bytes) -> None:
        if not payload.startswith(b'{"type":"queue"'):
            return
        self.frames += 1
        self.position = int(msgspec.json.decode(payload)["position"])
        if self.position == self.awaited:
            self.told_at = time.perf_counter()
            self.moved.set()

    def _lose(self, reason: str) -> None:
        self.lost = reason
        self.moved.set()


def run(folder: Path, options: Options) -> Report:
    rounds = [_round(folder / str(number)) for number in range(options.rounds)]
    slowest = statistics.median(max(one.delays_ms) for one in rounds)
    share = statistics.median(one.share - one.idle for one in rounds)
    return Report(
        title=(
            f"{WAITING:,} waiting, each with a socket to one process; the front of the line is taken each second, "
            f"{CHANGES} times, through another; median of {options.rounds} rounds"
        ),
        columns=COLUMNS,
        lines=[_line(number, one) for number, one in enumerate(rounds, start=1)],
        bars=[
            within("from the change to the last of their screens", slowest, 1_000, "ms"),
            within("of the process with the sockets, at one change a second", 100 * share, 10, "% of a core"),
        ],
        notes=[f"idle, with the same sockets: {spread([100 * one.idle for one in rounds], 1)} % of a core"],
    )


def _round(folder: Path) -> Round:
    duty = Duty(folder, worker=False)
    try:
        duty.start()
        done = uvloop.run(_watch(duty))
    finally:
        duty.stop()
    progress(f"slowest {max(done.delays_ms):.0f} ms, {done.share - done.idle:.1%} of a core more than idle")
    return done


async def _watch(duty: Duty) -> Round:
    watchers = await _open_sockets(duty)
    await asyncio.wait_for(_all_told(watchers), PATIENCE_S)
    done = Round()
    done.idle = (await _measure(duty, asyncio.sleep(CHANGES * EVERY_S / 2)))["web 0"]
    clients = [AdvisorClient(duty, session, duty.token_of(session)) for session in duty.line.advisors[:CHANGES]]
    before = sum(one.frames for one in watchers)
    done.by_part = await _measure(duty, _change(duty, clients, watchers, done))
    done.share = done.by_part["web 0"]
    done.frames = (sum(one.frames for one in watchers) - before) // len(watchers)
    for client in clients:
        client.close()
    for watcher in watchers:
        watcher.socket.close()
    return done


async def _measure(duty: Duty, what: Awaitable[None]) -> dict[str, float]:
    """The share of a core that each part takes while this lasts."""
    before, begun = cpu_seconds(duty.parts), time.perf_counter()
    await what
    seconds, after = time.perf_counter() - begun, cpu_seconds(duty.parts)
    return {part: (after[part] - before[part]) / seconds for part in after}


async def _open_sockets(duty: Duty) -> list[Watcher]:
    watchers = [Watcher() for _ in duty.line.visitors]
    headers = {"Origin": duty.base_url, "Sec-WebSocket-Protocol": "advice.v1"}
    pairs = iter(zip(watchers, duty.line.visitors, strict=True))

    async def open_some() -> None:
        for watcher, visitor in pairs:
            cookie = {"Cookie": f"visitor={visitor.token}"}
            await watcher.socket.open(f"ws://127.0.0.1:{duty.ports[0]}/chat/socket", headers | cookie)
            watcher.socket.send_text(HELLO)

    await asyncio.gather(*(open_some() for _ in range(AT_ONCE)))
    return watchers


async def _all_told(watchers: list[Watcher]) -> None:
    """Until each knows the place at which it was put."""
    for place, watcher in enumerate(watchers, start=1):
        watcher.moved.clear()
        watcher.awaited = place
        if watcher.position != place:
            await watcher.moved.wait()
        _check(watcher)


async def _change(duty: Duty, clients: list[AdvisorClient], watchers: list[Watcher], done: Round) -> None:
    loop = asyncio.get_running_loop()
    for number, client in enumerate(clients):
        next_at = loop.time() + EVERY_S
        left = watchers[number + 1 :]
        for place, watcher in enumerate(left, start=1):
            watcher.moved.clear()
            watcher.awaited = place
        await client.open(duty.ports[1])
        begun = time.perf_counter()
        answer = await client.post("/desk/next")
        if answer.status != 200:
            raise ProcessError(f"POST /desk/next answered {answer.status}")
        await asyncio.wait_for(asyncio.gather(*(watcher.moved.wait() for watcher in left)), PATIENCE_S)
        for watcher in left:
            _check(watcher)
        done.delays_ms += [1e3 * (watcher.told_at - begun) for watcher in left]
        # One change a second, and not in step with what the service does each second.
        await asyncio.sleep(max(next_at - loop.time(), 0) + 0.03 * (number % 7))


def _check(watcher: Watcher) -> None:
    if watcher.lost:
        raise ProcessError(f"a visitor was cut off: {watcher.lost}")


def _line(number: int, one: Round) -> tuple[str, ...]:
    ordered = sorted(one.delays_ms)
    return (
        str(number),
        f"{percentile(ordered, 0.5):.0f}",
        f"{percentile(ordered, 0.99):.0f}",
        f"{ordered[-1]:.0f}",
        f"{100 * one.share:.1f}",
        f"{100 * one.idle:.1f}",
        str(one.frames),
        ", ".join(f"{part} {100 * share:.1f}" for part, share in one.by_part.items()),
    )
