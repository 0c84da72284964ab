"""The chart of a report as shapes: bars stacked by what became of the enquiries. The table beside it says the same.

Sizes are units of an SVG whose width is WIDTH. Where parts of a bar are kept back, what they are together is drawn as such.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 34
MOST_LABELS = 12
SERIES = ("answered", "left", "question", "open")
KEPT_BACK = "kept_back"


@dataclass(frozen=True, slots=True)
class Bar:
    series: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A text at a place: a value of the axis, or the name of a period."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Bar]
    grid: list[Mark]
    labels: list[Mark]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def stacked(labels: Sequence[str], totals: Sequence[int | None], counts: Sequence[Sequence[int | None]]) -> Chart:
    """One bar a label; `counts` are in the order of SERIES, `totals` what they add up to."""
    top = _round_up(max([*(total or 0 for total in totals), *(sum(count or 0 for count in row) for row in counts), 1]))
    ground = HEIGHT - BOTTOM
    scale = (ground - TOP) / top
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    bars = []
    for number, (total, row) in enumerate(zip(totals, counts, strict=True)):
        known = sum(count or 0 for count in row)
        x, y = LEFT + number * step + step * 0.14, float(ground)
        parts = [*zip(SERIES, row, strict=True), (KEPT_BACK, (total or known) - known)]
        for series, count in parts:
            if count:
                height = count * scale
                y -= height
                bars.append(Bar(series, round(x, 2), round(y, 2), round(step * 0.72, 2), round(height, 2)))
    grid = [Mark(LEFT - 6, round(ground - value * scale, 2), f"{value:,}") for value in _ticks(top)]
    every = math.ceil(len(labels) / MOST_LABELS)
    named = [
        Mark(round(LEFT + (number + 0.5) * step, 2), ground + 20, label)
        for number, label in enumerate(labels)
        if number % every == 0
    ]
    return Chart(bars, grid, named)


def _round_up(value: int) -> int:
    """The next value that four equal steps of whole numbers lead to."""
    size = int(10 ** max(len(str(value)) - 2, 0))
    return math.ceil(value / (4 * size)) * 4 * size


def _ticks(top: int) -> list[int]:
    return [top * number // 4 for number in range(5)]
