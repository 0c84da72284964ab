"""Row `connections`: what an idle connection costs, how fast they come, and a crowd that comes back after a restart.

Visitors of as many conversations, each with one socket: `hello`, caught up, then nothing but heartbeats. Beside it a bare
echo on the same server, which is what uvicorn and Starlette cost by themselves. Each round begins with a fresh process, so
that no memory of an earlier round counts.
"""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from bench.crowd import CrowdPlan, Listening, Opening
from bench.processes import ROOT, ProcessError, ServerProcess, cpu_seconds, python, resident_kib
from bench.report import Bar, Options, Report, progress, reaching, spread, within
from bench.solo import Solo
from tests.engines import PostgresServer, RedisServer, free_port

CONNECTIONS = 10_000
BACK = 5_000
AT_ONCE = 200
SETTLE_S = 5.0
IDLE_S = 30.0
COLUMNS = (
    "program",
    "connections/s",
    "CPU us each",
    "KiB each",
    "MiB in all",
    "idle, % of a core",
    f"{BACK:,} back, s",
)


class Host(Protocol):
    """A program that takes sockets; one process."""

    name: str

    def start(self) -> None: ...

    def plan(self, connections: int, at_once: int) -> CrowdPlan: ...

    @property
    def pid(self) -> int: ...

    def rest(self, seconds: float) -> None: ...

    def stop(self) -> None: ...


class DutylineHost:
    def __init__(self, folder: Path, name: str, settings: dict[str, str]) -> None:
        self.name = name
        folder.mkdir()
        self._solo = Solo(folder, "web", settings)
        self._cookies: list[str] = []

    @property
    def pid(self) -> int:
        return self._solo.pid

    def start(self) -> None:
        if not self._cookies:
            self._solo.migrate()
            self._cookies = [f"visitor={one.token}" for one in self._solo.seed(CONNECTIONS)]
        self._solo.start()
        # Redis of its own starts beside it, and the index of the guidance is made: neither is a connection's.
        self._solo.rest(SETTLE_S)

    def plan(self, connections: int, at_once: int) -> CrowdPlan:
        url = f"ws://127.0.0.1:{self._solo.port}/chat/socket"
        hello = '{"type":"hello","after":{}}'
        return CrowdPlan(url, self._solo.headers, self._cookies[:connections], hello, '"caught_up"', at_once)

    def rest(self, seconds: float) -> None:
        self._solo.rest(seconds)

    def stop(self) -> None:
        self._solo.stop()


class EchoHost:
    name = "echo (uvicorn sans-io, Starlette)"

    def __init__(self, folder: Path) -> None:
        self._log = folder / "echo.log"
        self._process: ServerProcess | None = None

    @property
    def _running(self) -> ServerProcess:
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        return self._running.pid

    def start(self) -> None:
        port = free_port()
        self._process = ServerProcess("echo", python("-m", "bench.echo", "--port", str(port)), port, self._log, {})
        self._process.wait_until_listening()

    def plan(self, connections: int, at_once: int) -> CrowdPlan:
        return CrowdPlan(
            f"ws://127.0.0.1:{self._running.port}/socket", {}, [""] * connections, "hello", "hello", at_once
        )

    def rest(self, seconds: float) -> None:
        self._running.rest(seconds)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None


@dataclass(frozen=True, slots=True)
class Round:
    per_second: float
    cpu_us: float
    kib_each: float
    mib: float
    idle_share: float
    heartbeats: int
    back_s: float
    load_maker_share: float


@dataclass
class Contestant:
    host: Host
    rounds: list[Round] = field(default_factory=list)
    failure: str | None = None

    def median(self, value: Callable[[Round], float]) -> float | None:
        return statistics.median(value(one) for one in self.rounds) if self.rounds else None


def run(folder: Path, options: Options) -> Report:
    postgres, redis = PostgresServer(), RedisServer()
    try:
        postgres.start()
        redis.start()
        own = {"DATABASE_URL": postgres.create_database("connections"), "REDIS_URL": redis.url(1)}
        hosts: list[Host] = [
            DutylineHost(folder / "sqlite", "Dutyline (SQLite, one process)", {}),
            DutylineHost(folder / "postgresql", "Dutyline (PostgreSQL, one process)", own),
            EchoHost(folder),
        ]
        contestants = [Contestant(host) for host in hosts]
        for number in range(options.rounds):
            turn = number % len(contestants)
            for contestant in contestants[turn:] + contestants[:turn]:
                _measure(contestant, number)
    finally:
        redis.stop()
        postgres.stop()
    return Report(
        title=(
            f"{CONNECTIONS:,} connections to one process, {AT_ONCE} opening at once, caught up, then idle for "
            f"{IDLE_S:.0f} s with heartbeats; {BACK:,} at once after a restart; median of {options.rounds} rounds"
        ),
        columns=COLUMNS,
        lines=[_line(contestant) for contestant in contestants],
        bars=[bar for contestant in contestants[:2] for bar in _bars(contestant)],
        notes=[note for contestant in contestants for note in _notes(contestant)],
        failed=any(contestant.failure for contestant in contestants),
    )


def _measure(contestant: Contestant, number: int) -> None:
    if contestant.failure is not None:
        return
    try:
        done = _round(contestant.host)
    except (ProcessError, OSError, subprocess.SubprocessError) as error:
        contestant.failure = f"{type(error).__name__}: {error}"
        progress(f"{contestant.host.name} failed: {contestant.failure}")
        return
    finally:
        contestant.host.stop()
    contestant.rounds.append(done)
    progress(
        f"round {number + 1}: {contestant.host.name}: {done.per_second:,.0f}/s, {done.kib_each:.1f} KiB each, "
        f"{done.mib:.0f} MiB, {done.idle_share:.1%} of a core, back in {done.back_s:.1f} s"
    )


def _round(host: Host) -> Round:
    host.start()
    pid = host.pid
    empty_kib, cpu_before = resident_kib([pid])[pid], _cpu(pid)
    with _crowd(host.plan(CONNECTIONS, AT_ONCE)) as crowd:
        opening = crowd.opened()
        cpu_open = _cpu(pid)
        host.rest(SETTLE_S)
        cpu_idle = _cpu(pid)
        host.rest(IDLE_S)
        idle_s, full_kib = _cpu(pid) - cpu_idle, resident_kib([pid])[pid]
        heard = crowd.heard()
    host.stop()
    host.start()
    with _crowd(host.plan(BACK, BACK)) as crowd:
        back = crowd.opened()
        crowd.heard()
    return Round(
        per_second=CONNECTIONS / opening.seconds,
        cpu_us=1e6 * (cpu_open - cpu_before) / CONNECTIONS,
        kib_each=(full_kib - empty_kib) / CONNECTIONS,
        mib=full_kib / 1024,
        idle_share=idle_s / IDLE_S,
        heartbeats=heard.heartbeats,
        back_s=back.seconds,
        load_maker_share=opening.load_maker_cpu_s / opening.seconds,
    )


def _cpu(pid: int) -> float:
    return cpu_seconds({"web": [pid]})["web"]


class _Crowd:
    """The other end of bench.crowd."""

    def __init__(self, process: subprocess.Popen[bytes], plan: CrowdPlan) -> None:
        self._process = process
        self._say(msgspec.json.encode(plan))

    def opened(self) -> Opening:
        return msgspec.json.decode(self._hear(), type=Opening)

    def heard(self) -> Listening:
        self._say(b"enough")
        return msgspec.json.decode(self._hear(), type=Listening)

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def _hear(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise ProcessError(self._process.stderr.read().decode(errors="replace")[-2000:])
        return line


@contextmanager
def _crowd(plan: CrowdPlan) -> Iterator[_Crowd]:
    pipe = subprocess.PIPE
    with subprocess.Popen(python("-m", "bench.crowd"), stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT) as process:
        try:
            yield _Crowd(process, plan)
        finally:
            process.kill()


def _bars(contestant: Contestant) -> list[Bar]:
    name, median = contestant.host.name, contestant.median
    share = median(lambda one: one.idle_share)
    return [
        within(f"{name}, an idle connection", median(lambda one: one.kib_each), 30, "KiB"),
        within(f"{name}, {CONNECTIONS:,} of them and the process", median(lambda one: one.mib), 400, "MiB"),
        within(f"{name}, {CONNECTIONS:,} idle", None if share is None else 100 * share, 5, "% of a core"),
        reaching(f"{name}, connected and caught up", median(lambda one: one.per_second), 1_200, "a second"),
        within(f"{name}, {BACK:,} back after a restart", median(lambda one: one.back_s), 15, "s"),
    ]


def _line(contestant: Contestant) -> tuple[str, ...]:
    rounds = contestant.rounds
    if not rounds:
        return (contestant.host.name, "failed", *[""] * (len(COLUMNS) - 2))
    return (
        contestant.host.name,
        spread([one.per_second for one in rounds]),
        spread([one.cpu_us for one in rounds]),
        spread([one.kib_each for one in rounds], 1),
        spread([one.mib for one in rounds]),
        spread([100 * one.idle_share for one in rounds], 1),
        spread([one.back_s for one in rounds], 1),
    )


def _notes(contestant: Contestant) -> list[str]:
    name = contestant.host.name
    if contestant.failure is not None:
        return [f"{name} failed: {contestant.failure}"]
    beats = sum(one.heartbeats for one in contestant.rounds)
    busiest = max((one.load_maker_share for one in contestant.rounds), default=0.0)
    return [f"{name}: {beats:,} heartbeats heard; the load maker used {busiest:.0%} of a core while opening"]
