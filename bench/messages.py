"""Row `messages`: messages/s with PostgreSQL, two web processes and 64 pairs, beside its references."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.load import Measurement, Plan
from bench.processes import ROOT, ProcessError, python
from bench.programs import ChannelsChat, Engines, NoStore, Pairs, Program
from bench.report import Bar, Options, Report, progress
from bench.service import Dutyline

PAIRS = 64
LOAD_TIMEOUT_S = 300.0
# Above this share of a core the load maker itself may be what holds a program back.
LOAD_MAKER_LIMIT = 0.85
COLUMNS = ("program", "messages/s", "min-max", "p50 ms", "p99 ms", "CPU us/msg", "of which", "load maker")


@dataclass
class Contestant:
    """A program and what was measured of it, round by round."""

    program: Program
    rounds: list[Measurement] = field(default_factory=list)
    failure: str | None = None

    def median(self, value: Callable[[Measurement], float]) -> float:
        return statistics.median(value(measurement) for measurement in self.rounds)


def run(folder: Path, options: Options) -> Report:
    service, no_store = Contestant(Dutyline()), Contestant(NoStore())
    pubsub, default = Contestant(ChannelsChat("pubsub")), Contestant(ChannelsChat("default"))
    contestants = [service, no_store, pubsub, default]
    engines = Engines(folder)
    try:
        engines.start()
        for contestant in contestants:
            _start(contestant, engines, options)
        for number in range(options.rounds):
            # Each round begins with another program, so that none is always first after the pause.
            turn = number % len(contestants)
            for contestant in contestants[turn:] + contestants[:turn]:
                _measure(contestant, engines, options, number)
    finally:
        for contestant in contestants:
            contestant.program.stop()
        engines.stop()
    bars = [
        _bar(service, no_store, 0.25),
        _bar(service, pubsub, 5.0),
        _bar(service, default, 8.0),
    ]
    return Report(
        title=(
            f"messages/s, PostgreSQL, 2 web processes, {PAIRS} pairs, one message of 120 characters in flight each, "
            f"{'half the senders on each process' if options.both_ways else 'senders on one process'}; "
            f"median of {options.rounds} rounds of {options.seconds:g} s"
        ),
        columns=COLUMNS,
        lines=[_line(contestant) for contestant in contestants],
        bars=bars,
        notes=[note for contestant in contestants for note in _notes(contestant)],
        failed=any(contestant.failure for contestant in contestants),
    )


def _start(contestant: Contestant, engines: Engines, options: Options) -> None:
    progress(f"starting {contestant.program.name}")
    try:
        contestant.program.start(engines, Pairs(PAIRS, options.both_ways))
    except (ProcessError, OSError, subprocess.SubprocessError) as error:
        _fail(contestant, f"{type(error).__name__}: {error}")


def _measure(contestant: Contestant, engines: Engines, options: Options, number: int) -> None:
    if contestant.failure is not None:
        return
    # What the last program left to be written is written now, and not on this one's account.
    engines.postgres.checkpoint()
    plan = contestant.program.plan()
    plan.warm_up_s, plan.seconds = options.warm_up_s, options.seconds
    try:
        measurement = _run_load(plan)
    except ProcessError as error:
        _fail(contestant, str(error))
        return
    contestant.program.remember(measurement)
    contestant.rounds.append(measurement)
    progress(f"round {number + 1}: {contestant.program.name}: {measurement.per_second:,.0f} messages/s")


def _run_load(plan: Plan) -> Measurement:
    done = subprocess.run(
        python("-m", "bench.load"),
        input=msgspec.json.encode(plan),
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=LOAD_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise ProcessError(done.stderr.decode(errors="replace").strip()[-2000:])
    return msgspec.json.decode(done.stdout, type=Measurement)


def _fail(contestant: Contestant, reason: str) -> None:
    contestant.failure = reason
    progress(f"{contestant.program.name} failed: {reason}")


def _bar(service: Contestant, reference: Contestant, least: float) -> Bar:
    ratio = None
    if service.rounds and reference.rounds:
        ratio = service.median(lambda one: one.per_second) / reference.median(lambda one: one.per_second)
    return Bar(f"{service.program.name} / {reference.program.name}", ratio, least)


def _line(contestant: Contestant) -> tuple[str, ...]:
    if not contestant.rounds:
        return (contestant.program.name, "failed", *[""] * (len(COLUMNS) - 2))
    rates = [measurement.per_second for measurement in contestant.rounds]
    load_share = max(measurement.load_maker_cpu_s / measurement.seconds for measurement in contestant.rounds)
    return (
        contestant.program.name,
        f"{contestant.median(lambda one: one.per_second):,.0f}",
        f"{min(rates):,.0f}-{max(rates):,.0f}",
        f"{contestant.median(lambda one: one.p50_ms):.1f}",
        f"{contestant.median(lambda one: one.p99_ms):.1f}",
        f"{contestant.median(lambda one: one.cpu_us_per_message):,.0f}",
        _by_part(contestant.rounds),
        f"{contestant.median(lambda one: one.load_maker_us_per_message):.0f} us, {load_share:.0%} of a core",
    )


def _by_part(rounds: list[Measurement]) -> str:
    messages = sum(measurement.messages for measurement in rounds) or 1
    return ", ".join(
        f"{part} {1e6 * sum(measurement.cpu_s[part] for measurement in rounds) / messages:,.0f}"
        for part in rounds[0].cpu_s
    )


def _notes(contestant: Contestant) -> list[str]:
    name, notes = contestant.program.name, []
    if contestant.failure is not None:
        notes.append(f"{name} failed: {contestant.failure}")
    lost = sum(measurement.undelivered for measurement in contestant.rounds)
    unacknowledged = sum(measurement.unacknowledged for measurement in contestant.rounds)
    if lost or unacknowledged:
        notes.append(f"{name}: {lost} acknowledged messages never arrived, {unacknowledged} were never acknowledged")
    if any(measurement.load_maker_cpu_s / measurement.seconds > LOAD_MAKER_LIMIT for measurement in contestant.rounds):
        notes.append(f"{name}: the load maker used over {LOAD_MAKER_LIMIT:.0%} of a core and may be the limit")
    return notes
