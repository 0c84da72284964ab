"""How long somebody will wait, as a range that can be kept, or nothing when it cannot be known.

Pure: what happened in the last two hours goes in, minutes come out. A range is never shown from fewer than three claims,
while nobody is online, or when it would reach beyond three hours.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

WINDOW = timedelta(hours=2)
FEWEST_CLAIMS = 3
MOST_MINUTES = 180

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Claimed:
    """One conversation that was taken from the line."""

    waiting_since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Pace:
    """The time between one place in the line and the next, in minutes."""

    minutes: float


def measure_pace(claims: Sequence[Claimed], front_since: datetime | None, online: int, now: datetime) -> Pace | None:
    """None while it is not known."""
    recent = sorted((one for one in claims if timedelta() <= now - one.at <= WINDOW), key=lambda one: one.at)
    if len(recent) < FEWEST_CLAIMS or online < 1:
        return None
    # Claims that are far apart mean either that advisors are slow or that nobody came; the waits tell which.
    gap = median(_minutes(later.at - earlier.at) for earlier, later in itertools.pairwise(recent))
    wait = median(_minutes(one.at - one.waiting_since) for one in recent)
    # When the line stands still, the front's own wait is news that the past does not hold.
    stalled = min(now - recent[-1].at, now - front_since) if front_since else timedelta()
    return Pace(max(min(gap, wait), _minutes(stalled)))


def wait_range(position: int, pace: Pace | None) -> Range | None:
    """Minutes from now until somebody at this place is taken; 1 is next."""
    if pace is None:
        return None
    expected = position * pace.minutes
    low, high = math.floor(expected * 0.6), max(math.ceil(expected * 1.5), 2)
    return (low, high) if high <= MOST_MINUTES else None


def range_words(wait: Range) -> str:
    low, high = wait
    if low < 1:
        return f"Less than {high} minutes"
    return f"About {low} to {high} minutes"


def place_words(position: int | None, wait: Range | None) -> str:
    """`You are 3rd in the line. About 6 to 12 minutes.`"""
    if position is None:
        return "We are checking your place in the line."
    place = "You are next." if position == 1 else f"You are {_ordinal(position)} in the line."
    return f"{place} {range_words(wait)}." if wait else f"{place} We cannot say yet how long it will take."


def _minutes(span: timedelta) -> float:
    return span / timedelta(minutes=1)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
