"""What a fault run led to, as two tables for people: by fault, and by the kind of network between client and service.

Counting only; what is right and wrong was decided by the checker.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from tests.faults.checker import Finding, Rule
from tests.faults.history import AFRESH, Message, Run, Screen

BROKEN = ("lost", "doubled", "out of order")
HEADINGS = ("fault", "times", "acknowledged", *BROKEN, "longest gap (s)", "latest on a screen (s)")
CARRIERS = ("socket", "stream + POST", "poll + POST", "form")
WAY_HEADINGS = ("network", "clients", *CARRIERS, *BROKEN, "longest gap (s)")
CALM = "(none)"
MOST_TRIES = 4


def table(run: Run, findings: Iterable[Finding]) -> str:
    """What happened from each fault until the next began.

    The longest gap is how long anybody waited for an acknowledgement; the latest on a screen is how long after it the
    message came to the last screen, those of people who were cut off themselves included.
    """
    begins = sorted((fault.began, fault.name) for fault in run.faults)

    def fault_at(moment: float) -> str:
        return next((name for began, name in reversed(begins) if began <= moment), CALM)

    def fault_during(start: float, end: float) -> str:
        """A wait belongs to the fault that struck during it, if one did."""
        return next((name for began, name in begins if start <= began <= end), fault_at(start))

    times = Counter(fault.name for fault in run.faults)
    acknowledged: Counter[str] = Counter()
    gaps: defaultdict[str, float] = defaultdict(float)
    delays: defaultdict[str, float] = defaultdict(float)
    last_shown = _last_shown(run.screens)
    for message in run.messages:
        if (at := message.acknowledged_at) is None:
            continue
        acknowledged[fault_at(at)] += 1
        name = fault_during(message.began, at)
        gaps[name] = max(gaps[name], at - message.began)
        shown = last_shown.get(message.text, at)
        name = fault_during(at, shown)
        delays[name] = max(delays[name], shown - at)
    broken = _broken(findings, lambda message: fault_at(message.began))
    rows: list[tuple[str, ...]] = [HEADINGS]
    for name in sorted(times.keys() | acknowledged.keys()):
        waits = f"{gaps[name]:.1f}", f"{delays[name]:.1f}"
        rows.append((name, str(times[name]), str(acknowledged[name]), *broken(name), *waits))
    return _aligned(rows)


def table_of_ways(run: Run, findings: Iterable[Finding]) -> str:
    """The same messages by the kind of network that their sender has, and by what carried each acknowledgement."""
    acknowledged: defaultdict[str, Counter[str]] = defaultdict(Counter)
    gaps: defaultdict[str, float] = defaultdict(float)
    for message in run.messages:
        at, way = message.acknowledged_at, run.ways.get(message.sender, "")
        if at is not None and message.acknowledged_via:
            acknowledged[way][message.acknowledged_via] += 1
            gaps[way] = max(gaps[way], at - message.began)
    broken = _broken(findings, lambda message: run.ways.get(message.sender, ""))
    rows: list[tuple[str, ...]] = [WAY_HEADINGS]
    for way, by_carrier in sorted(acknowledged.items()):
        clients = sum(one == way for one in run.ways.values())
        counts = (str(by_carrier[carrier]) for carrier in CARRIERS)
        rows.append((way, str(clients), *counts, *broken(way), f"{gaps[way]:.1f}"))
    return _aligned(rows)


def longest_gaps(run: Run) -> Mapping[str, float]:
    """How long anybody waited for an acknowledgement, by the fault in whose time the waiting began."""
    gaps: dict[str, float] = {}
    for fault in run.faults:
        for message in run.messages:
            at = message.acknowledged_at
            if at is not None and fault.began <= at and message.began <= fault.recovered:
                gaps[fault.name] = max(gaps.get(fault.name, 0.0), at - max(message.began, fault.began))
    return gaps


def _broken(findings: Iterable[Finding], place: Callable[[Message], str]) -> Callable[[str], tuple[str, ...]]:
    counts = Counter((place(one.message), one.rule) for one in findings if one.message is not None)
    return lambda name: tuple(str(counts[name, rule]) for rule in (Rule.LOST, Rule.DOUBLED, Rule.ORDER))


def slowest(run: Run, count: int = 5) -> str:
    """The messages that waited longest, with what came back for each try and after how long: where to look first."""

    def wait(message: Message) -> float:
        return (message.acknowledged_at or message.began) - message.began

    return "\n".join(
        f"{wait(message):5.1f} s  {message.sender}: {_tries(message)}"
        for message in sorted(run.messages, key=wait, reverse=True)[:count]
    )


def _tries(message: Message) -> str:
    told = [f"{answer.code or answer.outcome} at {answer.at - message.began:.1f}" for answer in message.answers]
    if len(told) <= MOST_TRIES:
        return ", ".join(told)
    return f"{told[0]}, {len(told) - 2} more, {told[-1]}"


def _last_shown(screens: Iterable[Screen]) -> dict[str, float]:
    last: dict[str, float] = {}
    for screen in screens:
        if not screen.client.endswith(AFRESH):
            for text, at in screen.shown_at.items():
                last[text] = max(at, last.get(text, at))
    return last


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
