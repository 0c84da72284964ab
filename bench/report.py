"""What a row of the benchmark hands back, and how it is printed."""

from __future__ import annotations

import math
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("starlette", "uvicorn", "uvloop", "msgspec", "sqlalchemy", "psycopg", "redis", "django", "channels")
LOAD_MAKER_LIMIT = 0.85
TIMES = frozenset(("us", "ms", "s", "% of a core"))
"""The units of bars that a slower machine misses."""


@dataclass(frozen=True, slots=True)
class Options:
    """How long, how often and in which directions each program is measured."""

    rounds: int
    seconds: float
    warm_up_s: float
    both_ways: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A ratio that must be reached; None when one of its sides was not measured. `timed` is one whose other side is the
    clock, and which a slower machine therefore misses."""

    what: str
    ratio: float | None
    least: float
    timed: bool = False

    def shown(self, slowness: float = 1.0) -> str:
        """With the verdict. `slowness` is how many times as long the machine takes as the one that the bars were set on."""
        if self.ratio is None:
            return f"not measured: {self.what} (bar {self.least:g})"
        verdict, beside = "bar missed", ""
        if self.ratio >= self.least:
            verdict = "bar met   "
        elif self.timed and self.ratio * slowness >= self.least:
            verdict = "met, slow "
            beside = f"; {self.ratio * slowness:.2f} at the speed that the bars were set at"
        return f"{verdict}  {self.ratio:6.2f}  (bar >= {self.least:g})  {self.what}{beside}"


def within(what: str, taken: float | None, allowed: float, unit: str, *, waits: bool = False) -> Bar:
    """A limit as a ratio: what is allowed over what was taken. `waits`: set waits, the same on any machine, make it up."""
    timed = unit in TIMES and not waits
    if taken is None:
        return Bar(f"{what}: at most {allowed:g} {unit}", None, 1.0, timed)
    ratio = allowed / taken if taken else math.inf
    return Bar(f"{what}: {taken:,.3g} of at most {allowed:,g} {unit}", ratio, 1.0, timed)


def reaching(what: str, reached: float | None, least: float, unit: str) -> Bar:
    """A rate as a ratio: what was reached over what is asked for."""
    if reached is None:
        return Bar(f"{what}: at least {least:,g} {unit}", None, 1.0, timed=True)
    return Bar(f"{what}: {reached:,.0f} of at least {least:,g} {unit}", reached / least, 1.0, timed=True)


@dataclass(frozen=True, slots=True)
class Report:
    """One row of the bars: a table of programs, the ratios, and what a reader must know beside them."""

    title: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]
    bars: Sequence[Bar]
    notes: Sequence[str] = field(default=())
    failed: bool = False


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median of some rounds with the least and the most of them."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def load_maker_notes(name: str, shares_of_a_core: Sequence[float]) -> list[str]:
    """A warning where the load maker itself may be what held a program back."""
    if not any(share > LOAD_MAKER_LIMIT for share in shares_of_a_core):
        return []
    return [f"{name}: the load maker used over {LOAD_MAKER_LIMIT:.0%} of a core and may be the limit"]


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def print_machine(engines: str) -> None:
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory_kib = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    print(
        f"machine: {os.cpu_count()} cores ({processor}), {memory_kib / 2**20:.0f} GiB, "
        f"load {os.getloadavg()[0]:.2f} at the start; Python {platform.python_version()}, {engines}"
    )
    print("versions: " + ", ".join(f"{name} {version(name)}" for name in PACKAGES))


def print_report(report: Report, slowness: float = 1.0) -> None:
    """`slowness` is that of the machine while the row was measured, or 1 where nobody asked."""
    print(f"\n{report.title}\n")
    rows = [tuple(report.columns), *(tuple(line) for line in report.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(report.columns))]
    for number, row in enumerate(rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    print()
    for bar in report.bars:
        print(bar.shown(slowness))
    if slowness > 1:
        print(f"note: the machine took {slowness:.1f} times as long as the one that the bars were set on")
    for note in report.notes:
        print(f"note: {note}")
    sys.stdout.flush()


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
