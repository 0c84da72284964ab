"""How long somebody will wait, as a range that can be kept, or nothing when it cannot be known.

Pure: how long conversations of the last two hours took and how many more can be held now go in, minutes come out. While
somebody is free the wait is the time in which offers are answered, as it was lately. Else the line moves as conversations
end: how long n endings take, when each is as likely to end at any moment, is a gamma distribution, and the range is its
middle (8 to 94 of 100, which bench/line.py measures against days as they go). Nothing is shown while nobody is online,
from fewer than three conversations, or beyond three hours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import NormalDist, fmean, median

WINDOW = timedelta(hours=2)
FEWEST_SEEN = 3
MOST_MINUTES = 180
ANSWERED_WITHIN = (2, 15)
"""Minutes in which somebody who is free takes whom they are offered: never said to be less, or more, than these."""

ANSWERED_AT_FIRST = 5
"""While nobody has been taken lately."""

OVERTAKING = 0.3
"""How far, as a share of the wait, those who come first by urgency and those who leave move it either way."""

LEAST, MOST = NormalDist().inv_cdf(0.08), NormalDist().inv_cdf(0.94)

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Pace:
    """`free`: how many could be taken now. `minutes`: between one place and the next when nobody is free; None while unknown.
    `answered`: within how many minutes somebody who is free takes the next."""

    free: int
    minutes: float | None
    answered: int = ANSWERED_AT_FIRST


def measure_pace(lengths: Sequence[float], waits: Sequence[float], slots: int, active: int) -> Pace | None:
    """`lengths`: minutes of the conversations that ended within WINDOW. `waits`: minutes that those waited who were taken then.
    `slots`: how many those online hold at most; `active`: how many they hold now."""
    if slots < 1:
        return None
    minutes = fmean(lengths) / slots if len(lengths) >= FEWEST_SEEN else None
    least, most = ANSWERED_WITHIN
    # The waits of a line that stood are no measure of how fast a free advisor answers; the quicker half is.
    answered = min(max(math.ceil(2 * median(waits)), least), most) if len(waits) >= FEWEST_SEEN else ANSWERED_AT_FIRST
    return Pace(max(slots - active, 0), minutes, answered)


def wait_range(position: int, pace: Pace | None) -> Range | None:
    """Minutes from now until somebody at this place is taken; 1 is next."""
    if pace is None:
        return None
    endings = position - pace.free
    if endings <= 0:
        return 0, pace.answered
    if pace.minutes is None:
        return None
    shape = 1 / (1 / endings + OVERTAKING**2)
    scale = endings / shape * pace.minutes
    low, high = math.floor(_gamma(shape, LEAST) * scale), math.ceil(_gamma(shape, MOST) * scale) + 1
    return (low, max(high, ANSWERED_WITHIN[0])) if high <= MOST_MINUTES else None


def _gamma(shape: float, normal: float) -> float:
    """A quantile of the gamma distribution of scale 1, by the approximation of Wilson and Hilferty (1931)."""
    return shape * max(1 - 1 / (9 * shape) + normal / (3 * math.sqrt(shape)), 0.0) ** 3


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


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
