"""A day of the line, with the router's own planning on a clock of its own: who waits how long, and whether anybody is wronged.

For each row of demand (product facts, chapter 7): people come as they come in an office day with one peak hour, advisors take
offers a few seconds after them and let some go by, conversations take half an hour with what comes after. Printed: waits by
urgency, how busy advisors were, how often the range that was shown on arrival held the true wait, and the greatest unfairness:
for how long somebody who could be served was passed over for somebody who should come later.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.report import Bar, Options, Report, within
from triage.routing import Advisor, Planned, Waiting, plan
from triage.times import Times
from triage.urgency import sort_key
from triage.wait import WINDOW, Range, measure_pace, wait_range
from triage.words import Urgency

OPENS = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOURS = 7.5
PEAK_HOUR = 2
HANDLING_MIN, HANDLING_SPREAD = 30.0, 0.45
ANSWER_S = (3.0, 14.0)
MISSES = 0.04
CAPACITY = 2
PATIENCE_MIN = 45.0
MIX = {Urgency.EMERGENCY: 0.04, Urgency.SAME_DAY: 0.36, Urgency.ROUTINE: 0.60}
TIMES = Times()
PEOPLE = 4_000
SEED = 20_261_123


@dataclass(frozen=True, slots=True)
class Demand:
    name: str
    chats: int
    peak_share: float
    slots: int

    @property
    def short_of_staff(self) -> Demand:
        """The same people, and 60 % of the advisors that they want."""
        return Demand(f"{self.name}, short", self.chats, self.peak_share, max(round(self.slots * 0.6), CAPACITY))


STAFFED = (
    Demand("Today low", 6, 0.20, 2),
    Demand("Today mid", 20, 0.20, 4),
    Demand("Campaign day x5", 100, 0.20, 14),
    Demand("One per MARAC case", 474, 0.15, 41),
    Demand("Core workforce", 1_071, 0.15, 88),
    Demand("Wide workforce", 7_350, 0.15, 565),
)
DEMANDS = tuple(one for demand in STAFFED for one in (demand, demand.short_of_staff))


@dataclass(slots=True)
class Person:
    """Somebody who came, and what became of them. Waits in minutes."""

    number: int
    came: datetime
    urgency: Urgency
    shown: Range | None = None
    passed: dict[str, datetime] = field(default_factory=dict)
    offered_at: datetime | None = None
    is_offered: bool = False
    wronged_at: datetime | None = None
    taken_at: datetime | None = None
    left: bool = False

    @property
    def wait(self) -> float:
        assert self.taken_at is not None
        return (self.taken_at - self.came) / timedelta(minutes=1)


@dataclass(slots=True)
class OnDuty:
    account_id: str
    active: int = 0
    idle_since: datetime = OPENS
    has_offer: bool = False


class Day:
    """One day; `run` plays it. Everything happens at its moment on a heap of (time, number, what)."""

    def __init__(self, demand: Demand, seed: int) -> None:
        self._random = random.Random(seed)
        self.people = [
            Person(number, came, self._urgency()) for number, came in enumerate(sorted(self._arrivals(demand)))
        ]
        self.advisors = {
            f"advisor-{number}": OnDuty(f"advisor-{number}") for number in range(math.ceil(demand.slots / CAPACITY))
        }
        self.unfairness_s = 0.0
        self.busy_min = 0.0
        self._line: dict[int, Person] = {}
        self._ended: list[tuple[datetime, float]] = []
        self._taken: list[tuple[datetime, float]] = []
        self._heap: list[tuple[datetime, int, str, int, str]] = []
        self._count = 0

    def _arrivals(self, demand: Demand) -> list[datetime]:
        other = (1 - demand.peak_share) / (HOURS - 1)
        hours = [demand.peak_share if hour == PEAK_HOUR else other for hour in range(math.ceil(HOURS))]
        hours[-1] *= HOURS % 1 or 1
        chosen = self._random.choices(range(len(hours)), hours, k=demand.chats)
        last = HOURS % 1 or 1
        return [
            OPENS + timedelta(hours=hour + self._random.random() * (last if hour == len(hours) - 1 else 1))
            for hour in chosen
        ]

    def _urgency(self) -> Urgency:
        return self._random.choices(list(MIX), list(MIX.values()))[0]

    def run(self) -> None:
        for person in self.people:
            self._later(person.came, "comes", person.number, "")
        while self._heap:
            now, _, what, number, account_id = heapq.heappop(self._heap)
            getattr(self, f"_{what}")(now, self.people[number], account_id)
            self._offer(now)

    def _later(self, at: datetime, what: str, number: int, account_id: str) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, what, number, account_id))

    # What happens.

    def _comes(self, now: datetime, person: Person, _: str) -> None:
        self._line[person.number] = person
        patience = self._random.expovariate(1 / PATIENCE_MIN) + 10
        self._later(now + timedelta(minutes=patience), "leaves", person.number, "")
        ahead = sum(_key(other) < _key(person) for other in self._line.values())
        self._ended = [one for one in self._ended if now - one[0] <= WINDOW]
        active = sum(one.active for one in self.advisors.values())
        self._taken = [one for one in self._taken if now - one[0] <= WINDOW]
        lengths, waits = [length for _, length in self._ended], [wait for _, wait in self._taken]
        pace = measure_pace(lengths, waits, CAPACITY * len(self.advisors), active)
        person.shown = wait_range(ahead + 1, pace)

    def _leaves(self, now: datetime, person: Person, _: str) -> None:
        if person.number in self._line and not person.is_offered:
            del self._line[person.number]
            person.left = True

    def _accepts(self, now: datetime, person: Person, account_id: str) -> None:
        advisor = self.advisors[account_id]
        advisor.has_offer, advisor.idle_since = False, now
        advisor.active += 1
        person.taken_at = now
        self._taken.append((now, person.wait))
        del self._line[person.number]
        sigma = math.sqrt(math.log(1 + HANDLING_SPREAD**2))
        minutes = self._random.lognormvariate(math.log(HANDLING_MIN) - sigma**2 / 2, sigma)
        self.busy_min += minutes
        self._later(now + timedelta(minutes=minutes), "ends", person.number, account_id)

    def _misses(self, now: datetime, person: Person, account_id: str) -> None:
        advisor = self.advisors[account_id]
        advisor.has_offer, advisor.idle_since = False, now
        person.passed[account_id], person.is_offered = now, False
        self._later(now + TIMES.rest, "waits", person.number, "")

    def _waits(self, now: datetime, person: Person, _: str) -> None:
        """A moment at which the router looks again; nothing else happens."""

    def _ends(self, now: datetime, person: Person, account_id: str) -> None:
        advisor = self.advisors[account_id]
        advisor.active -= 1
        advisor.idle_since = now
        assert person.taken_at is not None
        self._ended.append((now, (now - person.taken_at) / timedelta(minutes=1)))

    # The router.

    def _offer(self, now: datetime) -> None:
        line = [
            Waiting(one.number, one.urgency, one.came, _key(one)[0], passed=one.passed, is_offered=one.is_offered)
            for one in self._line.values()
        ]
        on_duty = [
            Advisor(one.account_id, one.active, CAPACITY, one.idle_since, has_offer=one.has_offer)
            for one in self.advisors.values()
        ]
        planned = plan(line, on_duty, now, TIMES.rest)
        for one in planned:
            self._hold_out(one, now)
        for one in planned:
            self._judge(one, now)

    def _hold_out(self, one: Planned, now: datetime) -> None:
        person, advisor = self.people[one.conversation_id], self.advisors[one.account_id]
        person.is_offered = advisor.has_offer = True
        if person.wronged_at is not None:
            self.unfairness_s = max(self.unfairness_s, (now - person.wronged_at).total_seconds())
            person.wronged_at = None
        if self._random.random() < MISSES:
            self._later(now + TIMES.offer, "misses", person.number, one.account_id)
        else:
            self._later(
                now + timedelta(seconds=self._random.uniform(*ANSWER_S)), "accepts", person.number, one.account_id
            )

    def _judge(self, one: Planned, now: datetime) -> None:
        """Whoever comes before the one that was just offered, and could have had this advisor, is wronged from now on."""
        offered = _key(self.people[one.conversation_id])
        for person in self._line.values():
            is_before = not person.is_offered and _key(person) < offered
            if is_before and one.account_id not in person.passed and person.wronged_at is None:
                person.wronged_at = now


def _key(person: Person) -> tuple[int, int]:
    return sort_key(person.came, person.urgency), person.number


@dataclass(frozen=True, slots=True)
class Summary:
    """Of all days of one demand. Waits in minutes."""

    waits: dict[Urgency, tuple[float, float]]
    left: float
    shown: float
    held: float
    utilisation: float
    unfairness_s: float


def simulate(demand: Demand, days: int, seed: int) -> Summary:
    played = [Day(demand, seed + number) for number in range(days)]
    for day in played:
        day.run()
    people = [person for day in played for person in day.people]
    taken = [person for person in people if person.taken_at is not None]
    shown = [person for person in taken if person.shown is not None]
    held = [person for person in shown if person.shown and person.shown[0] <= person.wait <= person.shown[1]]
    slots = CAPACITY * math.ceil(demand.slots / CAPACITY)
    return Summary(
        waits={urgency: _median_and_ninth([one.wait for one in taken if one.urgency is urgency]) for urgency in MIX},
        left=sum(person.left for person in people) / len(people),
        shown=len(shown) / max(len(taken), 1),
        held=len(held) / max(len(shown), 1),
        utilisation=sum(day.busy_min for day in played) / (days * slots * HOURS * 60),
        unfairness_s=max(day.unfairness_s for day in played),
    )


def _median_and_ninth(waits: Sequence[float]) -> tuple[float, float]:
    if len(waits) < 2:
        return (waits[0], waits[0]) if waits else (math.nan, math.nan)
    return statistics.median(waits), statistics.quantiles(waits, n=10, method="inclusive")[8]


def run(folder: Path, options: Options) -> Report:
    """Row `line`. Nothing is timed: the same seed gives the same days."""
    found = [(demand, simulate(demand, _days(demand, PEOPLE), SEED)) for demand in DEMANDS]
    return Report(
        title=f"A day of the line by the router's own planning, seed {SEED}; waits in minutes, median / 9 in 10",
        columns=("demand", "emergency", "same day", "routine", "left", "busy", "shown", "held", "unfair s"),
        lines=[_line(demand, summary) for demand, summary in found],
        bars=[
            within("greatest unfairness of all days", max(summary.unfairness_s for _, summary in found), 0, "s"),
            Bar("least share of ranges that held, of all rows", min(summary.held for _, summary in found), 0.8),
        ],
        notes=[
            "left: of all who came; shown: of those who were taken, who were told a range; held: the range held the wait"
        ],
    )


def _days(demand: Demand, people: int) -> int:
    """So many that about as many people come."""
    return max(people // demand.chats, 1)


def _line(demand: Demand, found: Summary) -> tuple[str, ...]:
    shares = (found.left, found.utilisation, found.shown, found.held)
    return (
        demand.name,
        *(f"{middle:.1f} / {ninth:.1f}" for middle, ninth in found.waits.values()),
        *(f"{share:.1%}" for share in shares),
        f"{found.unfairness_s:.0f}",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--people", type=int, default=PEOPLE, help=f"so many days that about as many people come ({PEOPLE})"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    print(f"seed {options.seed}; waits in minutes, median / 9 in 10")
    columns = " ".join(f"{name:>13}" for name in ("emergency", "same day", "routine"))
    print(f"{'demand':26} {columns}   left   busy  shown   held  unfair s")
    is_fair = True
    for demand in DEMANDS:
        found = simulate(demand, _days(demand, options.people), options.seed)
        waits = " ".join(f"{middle:5.1f} / {ninth:5.1f}" for middle, ninth in found.waits.values())
        print(
            f"{demand.name:26} {waits} {found.left:6.1%} {found.utilisation:6.0%} {found.shown:6.0%} "
            f"{found.held:6.0%} {found.unfairness_s:9.0f}"
        )
        is_fair = is_fair and found.unfairness_s == 0 and found.held >= 0.8
    print("bars: unfairness 0, range held in at least 80 %:", "met" if is_fair else "missed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
