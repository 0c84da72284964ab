"""Row `claims`: from the click on *accept* until the conversation is owned, and how many offers the router makes a second.

1,000 wait, 100 advisors are on duty. Each advisor takes ten, no two the same, so many at a time; then all of them click on
the same conversation, again and again, and one of them must have it. What is timed is the whole POST, from the first byte
sent to the last byte of the answer, after which the row is committed. The worker runs meanwhile, as it does on a real day.
The router is timed by itself: a look at the whole line with everybody free, an offer for each of them, and everything taken
back before the next look.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from bench.duty import ADVISORS, WAITING, AdvisorClient, Answer, Duty
from bench.maker import percentile
from bench.processes import ProcessError, cpu_seconds
from bench.report import Options, Report, progress, reaching, spread, within

AT_ONCE = 8
RACES = 20
LOOKS = 10
COLUMNS = ("round", "claims/s", "p50 ms", "p99 ms", "slowest ms", "CPU us a claim", "races won", "offers/s")


@dataclass
class Round:
    """`winners`: how many advisors each conversation was given to."""

    seconds: float = 0.0
    took_ms: list[float] = field(default_factory=list)
    winners: Counter[str] = field(default_factory=Counter)
    races_won: int = 0
    cpu_us: float = 0.0
    cpu_by_part: dict[str, float] = field(default_factory=dict)
    offers_per_second: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.took_ms) / self.seconds

    @property
    def doubles(self) -> int:
        return sum(count > 1 for count in self.winners.values())

    def quantile_ms(self, share: float) -> float:
        return percentile(sorted(self.took_ms), share)


def run(folder: Path, options: Options) -> Report:
    rounds = [_round(folder / str(number)) for number in range(options.rounds)]
    return Report(
        title=(
            f"{WAITING:,} waiting, {ADVISORS} advisors, PostgreSQL, 2 web processes and a worker: {AT_ONCE} claims under "
            f"way at a time, then {RACES} races of all for one; median of {options.rounds} rounds"
        ),
        columns=COLUMNS,
        lines=[_line(number, one) for number, one in enumerate(rounds, start=1)],
        bars=[
            within("claim to owned, p99", statistics.median(one.quantile_ms(0.99) for one in rounds), 50, "ms"),
            reaching("claims", statistics.median(one.per_second for one in rounds), 300, "a second"),
            within("conversations given to two advisors", sum(one.doubles for one in rounds), 0, "conversations"),
        ],
        notes=[
            f"offers of the router: {spread([one.offers_per_second for one in rounds])} a second, {ADVISORS} in each look",
            *(f"round {number}: CPU us a claim: {_shown(one)}" for number, one in enumerate(rounds, start=1)),
        ],
        failed=any(one.races_won != RACES for one in rounds),
    )


def _round(folder: Path) -> Round:
    duty = Duty(folder, worker=True)
    try:
        duty.start("--capacity", str(WAITING // ADVISORS + RACES), "--route", str(LOOKS))
        done = uvloop.run(_claim_all(duty))
    finally:
        duty.stop()
    done.offers_per_second = duty.line.offers / duty.line.route_s
    progress(
        f"{done.per_second:,.0f} claims/s, p99 {done.quantile_ms(0.99):.1f} ms, {done.offers_per_second:,.0f} offers/s"
    )
    return done


async def _claim_all(duty: Duty) -> Round:
    clients = await _advisors(duty)
    references = [one.reference for one in duty.line.visitors]
    raced, taken = references[:RACES], references[RACES:]
    done, left = Round(), iter(taken)
    before = cpu_seconds(duty.parts)
    begun = asyncio.get_running_loop().time()
    # An advisor is at one place at a time: each of the runners has its own share of them, in turn.
    await asyncio.gather(*(_keep_claiming(clients[share::AT_ONCE], left, done) for share in range(AT_ONCE)))
    done.seconds = asyncio.get_running_loop().time() - begun
    after = cpu_seconds(duty.parts)
    done.cpu_by_part = {part: 1e6 * (after[part] - before[part]) / len(taken) for part in after}
    done.cpu_us = sum(done.cpu_by_part.values())
    for reference in raced:
        answers = await asyncio.gather(*(one.post(_door(reference)) for one in clients))
        won = _count(done, reference, answers)
        done.races_won += won == 1
    for one in clients:
        one.close()
    return done


async def _advisors(duty: Duty) -> list[AdvisorClient]:
    """Half of them on each web process."""
    clients = []
    for number, session in enumerate(duty.line.advisors):
        client = AdvisorClient(duty, session, duty.token_of(session))
        await client.open(duty.ports[number % len(duty.ports)])
        clients.append(client)
    return clients


async def _keep_claiming(clients: list[AdvisorClient], references: Iterator[str], done: Round) -> None:
    for client, reference in zip(itertools.cycle(clients), references, strict=False):
        answer = await client.post(_door(reference))
        done.took_ms.append(1e3 * answer.seconds)
        if not _count(done, reference, [answer]):
            raise ProcessError(f"a claim was answered {answer.status}: {answer.body[:200].decode(errors='replace')}")


def _count(done: Round, reference: str, answers: list[Answer]) -> int:
    won = sum(answer.status == 200 and b'"again":false' in answer.body for answer in answers)
    done.winners[reference] += won
    return won


def _door(reference: str) -> str:
    return f"/desk/conversations/{reference}/accept"


def _line(number: int, one: Round) -> tuple[str, ...]:
    return (
        str(number),
        f"{one.per_second:,.0f}",
        f"{one.quantile_ms(0.5):.1f}",
        f"{one.quantile_ms(0.99):.1f}",
        f"{max(one.took_ms):.1f}",
        f"{one.cpu_us:,.0f}",
        f"{one.races_won} of {RACES}",
        f"{one.offers_per_second:,.0f}",
    )


def _shown(one: Round) -> str:
    return ", ".join(f"{part} {us:,.0f}" for part, us in one.cpu_by_part.items())
