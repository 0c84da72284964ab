"""Rows `messages`, `offered`, `alone` and `many`: what two-party conversations cost, beside their references."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from bench.load import Measurement, Plan
from bench.processes import ProcessError, run_module
from bench.programs import ChannelsChat, Engines, NoStore, Pairs, Program
from bench.report import Bar, Options, Report, load_maker_notes, progress, within
from bench.service import Dutyline

PAIRS, MANY_PAIRS = 64, 256
OFFERED = 500.0
MOST_OF_CHANNELS = 0.6
MOST_CPU_US = 350.0
SET_ON_US = 89.0
"""Processor time that a message of no store took on the machine that the bars were set on."""
YARDSTICK = Options(rounds=1, seconds=3.0, warm_up_s=1.0, both_ways=False)
LOAD_TIMEOUT_S = 300.0
LEAST_ROUNDS = 9
"""Of the rows whose ratio lies near its bar: one round tells the slowest in a hundred, or a program, to a fifth only."""
COLUMNS = ("program", "messages/s", "min-max", "p50 ms", "p99 ms", "CPU us/msg", "of which", "load maker")


@dataclass
class Contestant:
    """A program with its pairs, and what was measured of it, round by round."""

    program: Program
    pairs: Pairs
    rounds: list[Measurement] = field(default_factory=list)
    failure: str | None = None

    def median(self, value: Callable[[Measurement], float]) -> float:
        return statistics.median(value(measurement) for measurement in self.rounds)

    @property
    def rate(self) -> float | None:
        return self.median(lambda one: one.per_second) if self.rounds else None


def run(folder: Path, options: Options) -> Report:
    """As fast as answers come: 64 pairs, PostgreSQL, two web processes, beside three references."""
    pairs = Pairs(PAIRS, options.both_ways)
    service, no_store, pubsub, default = contestants = [
        Contestant(program, pairs)
        for program in (Dutyline(), NoStore(), ChannelsChat("pubsub"), ChannelsChat("default"))
    ]
    _measure_all(folder, options, contestants)
    cost = service.median(lambda one: one.cpu_us_per_message) if service.rounds else None
    return _report(
        f"messages/s, PostgreSQL, 2 web processes, {PAIRS} pairs, {_layout(options)}",
        options,
        contestants,
        [
            _bar(service, no_store, 0.25),
            _bar(service, pubsub, 5.0),
            _bar(service, default, 8.0),
            within("CPU of a message, all processes", cost, MOST_CPU_US, "us"),
        ],
    )


def run_offered(folder: Path, options: Options) -> Report:
    """A steady 500 messages a second, whatever was answered: how long a message takes when nothing is full."""
    options = _often(options)
    pairs = Pairs(PAIRS, options.both_ways)
    service, _, pubsub = contestants = [
        Contestant(program, pairs) for program in (Dutyline(), NoStore(), ChannelsChat("pubsub"))
    ]
    _measure_all(folder, options, contestants, offered_per_second=OFFERED)
    p50 = service.median(lambda one: one.p50_ms) if service.rounds else None
    measured = bool(service.rounds and pubsub.rounds)
    faster = pubsub.median(_p99_ms) / service.median(_p99_ms) if measured else None
    return _report(
        f"delivery at {OFFERED:g} messages/s offered, PostgreSQL, 2 web processes, {PAIRS} pairs, {_layout(options)}",
        options,
        contestants,
        [
            Bar(f"p99 of {pubsub.program.name} / that of {service.program.name}", faster, 1 / MOST_OF_CHANNELS),
            within("p50", p50, 5.0, "ms"),
        ],
    )


def run_alone(folder: Path, options: Options) -> Report:
    """What `dutyline run` is made of: SQLite, a Redis of its own, one process for both sides."""
    options = _often(options)
    alone = Pairs(PAIRS, processes=1)
    service, shared, channels = contestants = [
        Contestant(Dutyline(sqlite=True), alone),
        Contestant(Dutyline(), Pairs(PAIRS, options.both_ways)),
        Contestant(ChannelsChat("pubsub", sqlite=True), alone),
    ]
    _measure_all(folder, options, contestants)
    return _report(
        f"messages/s, SQLite, one process, {PAIRS} pairs",
        options,
        contestants,
        [_bar(service, shared, 0.8), _bar(service, channels, 10.0)],
    )


def run_many(folder: Path, options: Options) -> Report:
    """Four times the pairs: more load must not slow it."""
    options = _often(options)
    few, many = contestants = [
        Contestant(Dutyline(pairs=count), Pairs(count, options.both_ways)) for count in (PAIRS, MANY_PAIRS)
    ]
    _measure_all(folder, options, contestants)
    return _report(
        f"messages/s with {MANY_PAIRS} pairs against {PAIRS}, PostgreSQL, 2 web processes, {_layout(options)}",
        options,
        contestants,
        [_bar(many, few, 1.0)],
    )


def slowness(folder: Path) -> float:
    """How many times as long this machine takes now as the one that the bars were set on, by the processor time that no
    store needs for a message; at least 1."""
    no_store = Contestant(NoStore(), Pairs(PAIRS))
    _measure_all(folder, YARDSTICK, [no_store])
    if no_store.failure is not None:
        raise ProcessError(no_store.failure)
    return max(1.0, no_store.median(lambda one: one.cpu_us_per_message) / SET_ON_US)


def _p99_ms(one: Measurement) -> float:
    return one.p99_ms


def _often(options: Options) -> Options:
    return replace(options, rounds=max(options.rounds, LEAST_ROUNDS))


def _layout(options: Options) -> str:
    return "half the senders on each process" if options.both_ways else "senders on one process"


def _measure_all(
    folder: Path, options: Options, contestants: list[Contestant], *, offered_per_second: float = 0.0
) -> None:
    engines = Engines(folder)
    try:
        engines.start()
        for contestant in contestants:
            _start(contestant, engines)
        for number in range(options.rounds):
            # Each round begins with another program, so that none is always first after the pause.
            turn = number % len(contestants)
            for contestant in contestants[turn:] + contestants[:turn]:
                _measure(contestant, engines, options, number, offered_per_second)
    finally:
        for contestant in contestants:
            contestant.program.stop()
        engines.stop()


def _report(title: str, options: Options, contestants: list[Contestant], bars: list[Bar]) -> Report:
    return Report(
        title=f"{title}, messages of 120 characters; median of {options.rounds} rounds of {options.seconds:g} s",
        columns=COLUMNS,
        lines=[_line(contestant) for contestant in contestants],
        bars=bars,
        notes=[note for contestant in contestants for note in _notes(contestant)],
        failed=any(contestant.failure for contestant in contestants),
    )


def _start(contestant: Contestant, engines: Engines) -> None:
    progress(f"starting {contestant.program.name}")
    try:
        contestant.program.start(engines, contestant.pairs)
    except (ProcessError, OSError, subprocess.SubprocessError) as error:
        _fail(contestant, f"{type(error).__name__}: {error}")


def _measure(
    contestant: Contestant, engines: Engines, options: Options, number: int, offered_per_second: float
) -> None:
    if contestant.failure is not None:
        return
    # What the last program left to be written is written now, and not on this one's account.
    engines.postgres.checkpoint()
    plan = contestant.program.plan()
    plan.warm_up_s, plan.seconds = options.warm_up_s, options.seconds
    plan.offered_per_second = offered_per_second
    try:
        measurement = _run_load(plan)
    except ProcessError as error:
        _fail(contestant, str(error))
        return
    contestant.program.remember(measurement)
    contestant.rounds.append(measurement)
    progress(f"round {number + 1}: {contestant.program.name}: {measurement.per_second:,.0f} messages/s")


def _run_load(plan: Plan) -> Measurement:
    printed = run_module("bench.load", stdin=msgspec.json.encode(plan), timeout_s=LOAD_TIMEOUT_S)
    return msgspec.json.decode(printed, type=Measurement)


def _fail(contestant: Contestant, reason: str) -> None:
    contestant.failure = reason
    progress(f"{contestant.program.name} failed: {reason}")


def _bar(service: Contestant, reference: Contestant, least: float) -> Bar:
    ratio = service.rate / reference.rate if service.rate and reference.rate else None
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
    return notes + load_maker_notes(name, [one.load_maker_cpu_s / one.seconds for one in contestant.rounds])
