"""Row `hostile`: what hostile and broken clients cost, and whether anybody else notices.

Fifty visitors who are connected each say something twice a second; the time to the acknowledgement is taken first by
themselves, then from the moment at which each kind of hostile client in turn begins (bench/attackers.py), and the memory of
the web process every quarter of a second. The limits are on, as in production.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.attackers import KINDS, AttackPlan
from bench.maker import percentile
from bench.processes import ROOT, python, resident_kib
from bench.report import Bar, Options, Report, progress, within
from bench.seed import Seeded
from bench.solo import Solo
from bench.websocket import WebSocketClient

WELL_BEHAVED = 50
SAY_EVERY_S = 0.5
SAMPLE_S = 0.25
SETTLE_S = 2.0
ANSWERED_WITHIN_S = 7.0
HISTORY = 3_000
MOST_GROWTH_MIB = 64.0
MOST_EACH_MIB = 1.0
MOST_P99_MS = 250.0
SENTENCE = "we meet again tomorrow and i would like to be clear about limits"
ALONE = "nobody"
COLUMNS = ("beside", "connections", "p50 ms", "p99 ms", "p99 of alone", "lost", "RSS MiB min", "max", "growth", "after")


@dataclass(frozen=True, slots=True)
class Trial:
    """Fifty others for some seconds: what their acknowledgements took, and the memory of the process."""

    kind: str
    waits_ms: list[float]
    lost: int
    resident_mib: list[float]

    @property
    def p99(self) -> float:
        return percentile(sorted(self.waits_ms), 0.99)

    @property
    def growth(self) -> float:
        return max(self.resident_mib) - self.resident_mib[0]


class Frame(msgspec.Struct):
    """As much of a frame as is looked at."""

    type: str
    id: str | None = None


class Visitor:
    """One of the fifty."""

    def __init__(self, number: int, seeded: Seeded) -> None:
        self._number = number
        self._seeded = seeded
        self._client = WebSocketClient(self.hear, self.lose)
        self._said: dict[str, float] = {}
        self._caught_up = asyncio.Event()
        self._all_answered = asyncio.Event()
        self.waits_ms: list[float] = []
        self.lost = 0

    @property
    def unanswered(self) -> int:
        return len(self._said)

    def hear(self, payload: bytes) -> None:
        frame = msgspec.json.decode(payload, type=Frame)
        if frame.type == "caught_up":
            self._caught_up.set()
        elif frame.type in ("ack", "error", "hold") and frame.id is not None:
            begun = self._said.pop(frame.id)
            if frame.type == "ack":
                self.waits_ms.append((time.perf_counter() - begun) * 1_000)
            else:
                self.lost += 1
            if not self._said:
                self._all_answered.set()

    def lose(self, reason: str) -> None:
        self.lost += 1

    async def join(self, solo: Solo) -> None:
        cookie = {"Cookie": f"visitor={self._seeded.token}"}
        await self._client.open(f"ws://127.0.0.1:{solo.port}/chat/socket", solo.headers | cookie)
        place = {self._seeded.reference: self._seeded.last_seq}
        self._client.send_text(msgspec.json.encode({"type": "hello", "after": place}))
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            await self._caught_up.wait()

    async def talk(self, seconds: float) -> None:
        await asyncio.sleep(SAY_EVERY_S * self._number / WELL_BEHAVED)
        ends = time.perf_counter() + seconds
        count = 0
        while time.perf_counter() < ends:
            count += 1
            given = f"{self._number:08x}-0000-4000-8000-{int(time.time() * 1_000):012x}"
            frame = {"type": "say", "conversation": self._seeded.reference, "id": given, "text": f"{count}: {SENTENCE}"}
            self._said[given] = time.perf_counter()
            self._all_answered.clear()
            self._client.send_text(msgspec.json.encode(frame))
            await asyncio.sleep(SAY_EVERY_S)
        # What comes late is late, and not lost.
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await self._all_answered.wait()
        self._client.close()


def run(folder: Path, options: Options) -> Report:
    solo = Solo(folder, "web", {"RATE_LIMITS": "on"})
    solo.migrate()
    good = solo.seed(WELL_BEHAVED)
    bad = solo.seed(max(many for _, many, _ in KINDS.values()) // 10, HISTORY)
    trials: list[Trial] = []
    solo.start()
    try:
        solo.rest(SETTLE_S)
        plan = AttackPlan(solo.port, solo.base_url, [f"visitor={one.token}" for one in bad])
        _try(solo, good, ALONE, plan, options)
        for kind in (ALONE, *KINDS):
            trials.append(_try(solo, good, kind, plan, options))
            progress(f"{kind}: p99 {trials[-1].p99:.1f} ms, memory grew by {trials[-1].growth:.1f} MiB")
    finally:
        solo.stop()
    return Report(
        title=(
            f"{WELL_BEHAVED} visitors at {WELL_BEHAVED / SAY_EVERY_S:.0f} messages/s on one web process (SQLite), by themselves"
            f" and beside hostile clients, {options.seconds * 2:g} s each"
        ),
        columns=COLUMNS,
        lines=[_line(trial, trials[0]) for trial in trials],
        bars=[bar for trial in trials[1:] for bar in _bars(trial)],
        notes=[
            "the attackers and those who measure share the machine's other core; p99 beside storms counts that as well"
        ],
        failed=any(not trial.waits_ms for trial in trials),
    )


def _try(solo: Solo, good: list[Seeded], kind: str, plan: AttackPlan, options: Options) -> Trial:
    resident: list[float] = []
    with _attackers(kind, plan) as begin:
        visitors = asyncio.run(_measure(solo, good, resident, begin, options.seconds * 2))
    solo.rest(SETTLE_S)
    resident.append(_resident_mib(solo))
    waits = [wait for visitor in visitors for wait in visitor.waits_ms]
    return Trial(kind, waits, sum(visitor.lost + visitor.unanswered for visitor in visitors), resident)


async def _measure(
    solo: Solo, good: list[Seeded], resident: list[float], begin: Callable[[], None], seconds: float
) -> list[Visitor]:
    async def sample() -> None:
        while True:
            resident.append(_resident_mib(solo))
            await asyncio.sleep(SAMPLE_S)

    visitors = [Visitor(number, seeded) for number, seeded in enumerate(good)]
    await asyncio.gather(*(visitor.join(solo) for visitor in visitors))
    sampling = asyncio.create_task(sample())
    try:
        begin()
        await asyncio.gather(*(visitor.talk(seconds) for visitor in visitors))
    finally:
        sampling.cancel()
    return visitors


@contextmanager
def _attackers(kind: str, plan: AttackPlan) -> Iterator[Callable[[], None]]:
    """What makes them begin. They have read their own code by then: what that costs the machine is no attack."""
    if kind == ALONE:
        yield lambda: None
        return
    with subprocess.Popen(
        python("-m", "bench.attackers", kind), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()

        def begin() -> None:
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(plan))
            process.stdin.close()

        try:
            yield begin
        finally:
            process.kill()


def _resident_mib(solo: Solo) -> float:
    return resident_kib([solo.pid])[solo.pid] / 1024


def _bars(trial: Trial) -> list[Bar]:
    many = KINDS[trial.kind][1]
    return [
        within(f"beside {trial.kind}: p99 of the others", trial.p99, MOST_P99_MS, "ms"),
        within(f"beside {trial.kind}: messages of the others without an acknowledgement", trial.lost, 0, "messages"),
        within(
            f"beside {trial.kind}: memory grown",
            max(trial.growth, 0.01),
            min(MOST_GROWTH_MIB, 16 + many * MOST_EACH_MIB),
            "MiB",
        ),
    ]


def _line(trial: Trial, alone: Trial) -> tuple[str, ...]:
    waits = sorted(trial.waits_ms)
    curve = trial.resident_mib
    return (
        trial.kind,
        "" if trial.kind == ALONE else str(KINDS[trial.kind][1]),
        f"{percentile(waits, 0.5):.1f}",
        f"{trial.p99:.1f}",
        f"{trial.p99 / alone.p99:.2f}",
        str(trial.lost),
        f"{min(curve):.1f}",
        f"{max(curve):.1f}",
        f"{trial.growth:+.1f}",
        f"{curve[-1]:.1f}",
    )
