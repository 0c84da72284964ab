"""Reports: what happened in a span of days, in numbers that identify nobody.

Every count passes through triage.report_counts before it leaves this module: small ones are kept back, and no total tells
them. Medians are given of five or more only. One report may still be compared with another of nearly the same days: each
is therefore recorded with who asked for it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median, quantiles

from core.db import Database
from triage import words
from triage.report_counts import LEAST_SHOWN, protect_column, protect_each, protect_table
from triage.report_facts import (
    MOST_DAYS,
    MOST_PERIODS,
    ArticleUse,
    End,
    Fact,
    Grouping,
    Span,
    read_article_uses,
    read_facts,
)

Cell = int | float | str | None
"""None where a number is kept back."""

ENDS = {End.ANSWERED: "Answered", End.LEFT: "Left", End.QUESTION: "Left a question", End.OPEN: "Still open"}
HELPFUL = {str(number): f"{number} of 5" for number in range(5, 0, -1)}
BREAKDOWNS: Mapping[str, tuple[str, words.Words]] = {
    "urgency": ("Urgency", words.URGENCIES),
    "sector": ("Field of work", words.SECTORS),
    "area": ("Area", words.AREAS),
    "topic": ("Topic", words.TOPICS),
}


@dataclass(frozen=True, slots=True)
class Table:
    """`numbers` says which columns are counts; the first of them is drawn. `total` is the last line, if there is one."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    total: tuple[Cell, ...] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    span: Span
    offered: int | None
    figures: list[tuple[str, Cell]]
    """What is told first: words and number."""
    periods: Table
    tables: list[Table]

    def table(self, name: str) -> Table | None:
        return next((one for one in (self.periods, *self.tables) if one.name == name), None)


@dataclass(slots=True)
class _Group:
    """What is counted of some of the conversations."""

    offered: int = 0
    waits: list[float] = field(default_factory=list)

    def add(self, fact: Fact) -> None:
        self.offered += 1
        if fact.wait_s is not None:
            self.waits.append(fact.wait_s)


class _Tally:
    """Everything that a report counts, in one pass."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.ends: dict[date, Counter[End]] = {period: Counter() for period in span.periods()}
        self.by_period: dict[date, _Group] = defaultdict(_Group)
        self.by: dict[str, dict[str, _Group]] = {name: defaultdict(_Group) for name in BREAKDOWNS}
        self.flags: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.helpful: Counter[str] = Counter()
        self.practice: Counter[str] = Counter()
        self.all = _Group()
        self.lengths: list[float] = []

    def add(self, fact: Fact) -> None:
        period = self.span.period_of(fact.created_at)
        self.ends[period][fact.end] += 1
        self.by_period[period].add(fact)
        self.all.add(fact)
        for name, groups in self.by.items():
            groups[getattr(fact, name)].add(fact)
        self.flags.update(fact.risk_flags)
        if fact.length_s is not None:
            self.lengths.append(fact.length_s)
        if fact.outcome is not None:
            self.outcomes[fact.outcome] += 1
        if fact.helpful is not None:
            self.helpful[str(fact.helpful)] += 1
        if fact.will_change_practice is not None:
            self.practice[fact.will_change_practice] += 1


class Reports:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def make(self, span: Span) -> Report:
        tally = _Tally(span)
        async for facts in read_facts(self._db, span):
            for fact in facts:
                tally.add(fact)
        return _report(tally, await read_article_uses(self._db, span))


def check_span(values: Mapping[str, str], today: date) -> Span | dict[str, str]:
    """`from`, `to` (ISO days) and `by`; or what is wrong, by field."""
    errors: dict[str, str] = {}
    days: dict[str, date] = {}
    for name, label in (("from", "first"), ("to", "last")):
        try:
            days[name] = date.fromisoformat(values[name].strip())
        except ValueError:
            errors[name] = f"Enter the {label} day as year, month and day, such as {today.isoformat()}."
    if values["by"] not in set(Grouping):
        errors["by"] = "Choose days, weeks or months."
    if errors:
        return errors
    if days["to"] > today:
        return {"to": "Choose a last day that is not in the future."}
    if days["from"] > days["to"]:
        return {"from": "Choose a first day that is not after the last one."}
    if (days["to"] - days["from"]).days >= MOST_DAYS:
        return {"from": "Choose a range of three years at most."}
    span = Span(days["from"], days["to"], Grouping(values["by"]))
    if len(span.periods()) > MOST_PERIODS:
        return {"by": f"That would be {len(span.periods())} lines. Choose weeks or months for so long a range."}
    return span


def _report(tally: _Tally, uses: Sequence[ArticleUse]) -> Report:
    periods, totals = _periods_table(tally)
    offered = totals[0]
    tables = [_breakdown(name, tally, offered) for name in BREAKDOWNS]
    tables += [
        _plain("risk_flags", "What applies", {**words.RISK_FLAGS, **words.NO_RISK_FLAGS}, tally.flags, several=True),
        _plain("outcome", "Outcome, from the wrap-ups", words.OUTCOMES, tally.outcomes),
        _plain("helpful", "How helpful it was", HELPFUL, tally.helpful),
        _plain("practice", "Whether it will change their practice", words.PRACTICE, tally.practice),
        _articles_table(uses),
    ]
    figures: list[tuple[str, Cell]] = [("Offered", offered)]
    figures += [(label, count) for label, count in zip(ENDS.values(), totals[1:], strict=True)]
    figures += [
        ("Median wait", _middle(tally.all.waits)),
        ("9 in 10 waited at most", _ninth(tally.all.waits)),
        ("Median length", _middle(tally.lengths)),
    ]
    return Report(tally.span, offered, figures, periods, tables)


def _periods_table(tally: _Tally) -> tuple[Table, list[int | None]]:
    span = tally.span
    counts = [[tally.ends[period][end] for end in ENDS] for period in span.periods()]
    inner, row_totals, column_totals, total = protect_table(counts)
    rows: list[tuple[Cell, ...]] = []
    for period, cells, offered in zip(span.periods(), inner, row_totals, strict=True):
        waits = tally.by_period[period].waits if cells[0] is not None else []
        rows.append((_period_words(span, period), offered, *cells, *_times(waits, cells[0])))
    last: tuple[Cell, ...] = ("All", total, *column_totals, _middle(tally.all.waits), _ninth(tally.all.waits))
    title = {Grouping.DAY: "By day", Grouping.WEEK: "By week", Grouping.MONTH: "By month"}[span.grouping]
    columns = ("Period", "Offered", *ENDS.values(), "Median wait", "9 in 10 waited at most")
    return Table("periods", title, columns, rows, last), [total, *column_totals]


def _breakdown(name: str, tally: _Tally, offered: int | None) -> Table:
    title, labels = BREAKDOWNS[name]
    groups = tally.by[name]
    # A value that was taken off the list since is still counted, under its slug.
    slugs = [*labels, *sorted(set(groups) - set(labels))]
    counts, total = protect_column([groups[slug].offered if slug in groups else 0 for slug in slugs])
    rows: list[tuple[Cell, ...]] = []
    for slug, count in zip(slugs, counts, strict=True):
        waits = groups[slug].waits if count and slug in groups else []
        rows.append((labels.get(slug, slug), count, *_times(waits, count)))
    if name == "area":
        rows = [row for row in rows if row[1] != 0]
    columns = (title, "Offered", "Median wait", "9 in 10 waited at most")
    last: tuple[Cell, ...] = ("All", total if offered is not None else None, None, None)
    return Table(name, title, columns, rows, (*last[:2], _middle(tally.all.waits), _ninth(tally.all.waits)))


def _plain(name: str, title: str, labels: words.Words, counted: Counter[str], *, several: bool = False) -> Table:
    slugs = [*labels, *sorted(set(counted) - set(labels))]
    counts = [counted[slug] for slug in slugs]
    shown, total = (protect_each(counts), None) if several else protect_column(counts)
    rows: list[tuple[Cell, ...]] = [(labels.get(slug, slug), count) for slug, count in zip(slugs, shown, strict=True)]
    note = "Several may apply to one enquiry, so the lines do not add up." if several else ""
    return Table(name, title, (title, "Count"), rows, None if several else ("All", total), note)


def _articles_table(uses: Sequence[ArticleUse]) -> Table:
    shared = protect_each([use.shared for use in uses])
    opened = protect_each([use.opened for use in uses])
    rows: list[tuple[Cell, ...]] = [
        (use.title, given, read) for use, given, read in zip(uses, shared, opened, strict=True)
    ]
    return Table("articles", "Guidance used", ("Article", "Given in a conversation", "Opened"), rows)


def _times(waits: Sequence[float], count: int | None) -> tuple[Cell, Cell]:
    """The median and the ninth tenth; nothing at all where nobody was counted."""
    return (_middle(waits), _ninth(waits)) if count != 0 else ("", "")


def _middle(seconds: Sequence[float]) -> float | None:
    """The median in minutes, of five or more."""
    return round(median(seconds) / 60, 1) if len(seconds) >= LEAST_SHOWN else None


def _ninth(seconds: Sequence[float]) -> float | None:
    """What nine in ten stayed within, in minutes, of five or more."""
    return round(quantiles(seconds, n=10, method="inclusive")[8] / 60, 1) if len(seconds) >= LEAST_SHOWN else None


def _period_words(span: Span, period: date) -> str:
    if span.grouping is Grouping.DAY:
        return f"{period:%a} {period.day} {period:%b %Y}"
    if span.grouping is Grouping.MONTH and period.day == 1 and (span.end_of(period) + timedelta(days=1)).day == 1:
        return f"{period:%B %Y}"
    end = span.end_of(period)
    return f"{period.day} {period:%b} to {end.day} {end:%b %Y}"
