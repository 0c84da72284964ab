"""When the service is open, in the time of Europe/London: periods of the week, bank holidays, single days.

`opening_at` is a pure function of a timetable and a moment; `Opening` reads the timetable from the database. Bank holidays
are those of England and Wales from the table that is installed with the service; nothing is ever fetched.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import LONDON, Clock
from core.db import Database
from core.tables import setting
from triage.tables import closure, holiday, hours

MINUTES_A_DAY = 24 * 60
DAYS_AHEAD = 28
MOST_DAYS_AHEAD = 400
KEPT_FOR = timedelta(seconds=2)
"""How old the timetable in memory may be; closing the line must show within seconds on every process."""

SWITCHES = ("always_open", "line_open", "line_message")

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Period:
    """One stretch of one weekday (0 is Monday), in minutes after local midnight; closing at 1440 is the day's end."""

    weekday: int
    opens_minute: int
    closes_minute: int

    @property
    def in_words(self) -> str:
        return f"{clock_words(self.opens_minute)} to {clock_words(self.closes_minute)}"


@dataclass(frozen=True, slots=True)
class Closure:
    """A stretch in which the service is closed whatever the week says, with the reason that the public reads."""

    id: int
    starts: datetime
    ends: datetime
    reason: str


DEFAULT_PERIODS = tuple(Period(weekday, 9 * 60 + 30, 17 * 60) for weekday in range(5))


@dataclass(frozen=True, slots=True)
class Timetable:
    """Everything that decides whether the service is open."""

    periods: tuple[Period, ...] = DEFAULT_PERIODS
    closed_days: Mapping[date, str] = field(default_factory=lambda: MappingProxyType({}))
    """Days on which the service is closed whatever the week says, with the reason."""
    closures: tuple[Closure, ...] = ()
    """Those that are not over yet, in order."""
    always_open: bool = False
    line_open: bool = True
    """False while a supervisor has closed the line; opening hours go on underneath."""
    notice: str = ""
    """What a supervisor says about the line today."""


@dataclass(frozen=True, slots=True)
class OpenState:
    """What the first page says. `until` is None when no end is in sight, `opens_at` when no opening is."""

    open: bool
    until: datetime | None
    opens_at: datetime | None
    hours_today: tuple[Period, ...]
    closed_since: datetime | None
    """When the hours were last over; None while it is open, or when only the line is closed."""
    closed_today: str
    """Why today is closed against the week's rule, such as `Christmas Day`; else empty."""
    always_open: bool
    notice: str


def opening_at(timetable: Timetable, now: datetime) -> OpenState:
    today = now.astimezone(LONDON).date()
    stretches = _stretches(timetable, today)
    current = next(((start, end) for start, end in stretches if start <= now < end), None)
    is_open = timetable.line_open and current is not None
    shut = next((one for one in timetable.closures if one.starts <= now < one.ends), None)
    return OpenState(
        open=is_open,
        until=current[1] if is_open and current and current[1] < _horizon(timetable, today) else None,
        opens_at=None if is_open else next((start for start, _ in stretches if start > now), None),
        hours_today=_periods_of(timetable, today),
        closed_since=None if current else next((end for _, end in reversed(stretches) if end <= now), None),
        closed_today=shut.reason if shut else timetable.closed_days.get(today, ""),
        always_open=timetable.always_open,
        notice=timetable.notice,
    )


def hours_of_week(timetable: Timetable, today: date) -> list[tuple[str, str]]:
    """The seven days from today, each with its hours in words."""
    days = [today + timedelta(days=ahead) for ahead in range(7)]
    return [(WEEKDAYS[day.weekday()], hours_in_words(timetable, day)) for day in days]


def hours_in_words(timetable: Timetable, day: date) -> str:
    reason = timetable.closed_days.get(day)
    if timetable.always_open:
        usual = "Open round the clock"
    elif reason:
        return f"Closed ({reason})"
    else:
        usual = ", ".join(period.in_words for period in _periods_of(timetable, day)) or "Closed"
    closed = [] if usual == "Closed" else [_closure_words(one, day) for one in timetable.closures if _is_on(one, day)]
    return "; ".join([usual, *closed])


def _closure_words(shut: Closure, day: date) -> str:
    """`closed noon to 3pm (team training)`, as far as it lies in this day."""
    first, last = _moment(day, 0, fold=0), _moment(day, MINUTES_A_DAY, fold=0)
    if shut.starts <= first and shut.ends >= last:
        return f"closed all day ({shut.reason})"
    start, end = (max(shut.starts, first).astimezone(LONDON), min(shut.ends, last).astimezone(LONDON))
    words = f"{clock_words(start.hour * 60 + start.minute)} to {clock_words(end.hour * 60 + end.minute)}"
    return f"closed {words} ({shut.reason})"


def _is_on(shut: Closure, day: date) -> bool:
    return shut.starts < _moment(day, MINUTES_A_DAY, fold=0) and shut.ends > _moment(day, 0, fold=0)


def clock_words(minute: int) -> str:
    """9:30am, noon, midnight: as people say it."""
    if minute % MINUTES_A_DAY == 0:
        return "midnight"
    if minute == MINUTES_A_DAY // 2:
        return "noon"
    hour, minutes = divmod(minute, 60)
    half = "am" if hour < 12 else "pm"
    return f"{(hour - 1) % 12 + 1}{f':{minutes:02}' if minutes else ''}{half}"


def opening_words(opens_at: datetime, now: datetime) -> str:
    """`today at 2pm`, `tomorrow at 9:30am`, `Monday at 9:30am`, `Monday 4 January at 9:30am`."""
    local, today = opens_at.astimezone(LONDON), now.astimezone(LONDON).date()
    ahead = (local.date() - today).days
    if ahead < 2:
        day = ("today", "tomorrow")[ahead]
    else:
        day = WEEKDAYS[local.weekday()] if ahead < 7 else f"{WEEKDAYS[local.weekday()]} {local.day} {local:%B}"
    return f"{day} at {clock_words(local.hour * 60 + local.minute)}"


@cache
def bank_holidays() -> Mapping[date, str]:
    """The holidays of England and Wales that came with the package.

    Its list is read without its code, which would import an HTTP client to fetch a newer one.
    """
    spec = find_spec("govuk_bank_holidays")
    assert spec is not None
    assert spec.origin is not None
    known = json.loads(Path(spec.origin).with_name("bank-holidays.json").read_bytes())
    days = known["england-and-wales"]["events"]
    return MappingProxyType({date.fromisoformat(day["date"]): day["title"] for day in days})


def _periods_of(timetable: Timetable, day: date) -> tuple[Period, ...]:
    if day in timetable.closed_days:
        return ()
    found = [period for period in timetable.periods if period.weekday == day.weekday()]
    return tuple(sorted(found, key=lambda period: period.opens_minute))


def _stretches(timetable: Timetable, today: date) -> list[tuple[datetime, datetime]]:
    """Open stretches around now in UTC, in order, without closures; those that touch or overlap are one."""
    joined: list[tuple[datetime, datetime]] = []
    if timetable.always_open:
        joined = [(_moment(today, -MINUTES_A_DAY, fold=0), _horizon(timetable, today))]
    else:
        for start, end in _days(timetable, today):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
    for one in timetable.closures:
        joined = [part for stretch in joined for part in _without(stretch, one)]
    return joined


def _without(stretch: tuple[datetime, datetime], shut: Closure) -> Iterator[tuple[datetime, datetime]]:
    """What is left of an open stretch before and after a closure."""
    start, end = stretch
    if start < min(end, shut.starts):
        yield start, min(end, shut.starts)
    if max(start, shut.ends) < end:
        yield max(start, shut.ends), end


def _horizon(timetable: Timetable, today: date) -> datetime:
    """An end this far off is none that anybody is told of; hours of the week always end before it."""
    ahead = max([DAYS_AHEAD, *((one.ends.date() - today).days + 2 for one in timetable.closures)])
    return _moment(today + timedelta(days=ahead), 0, fold=0)


def _days(timetable: Timetable, today: date) -> Iterator[tuple[datetime, datetime]]:
    last = max([DAYS_AHEAD, *((one.ends.date() - today).days + 8 for one in timetable.closures)])
    for ahead in range(-7, min(last, MOST_DAYS_AHEAD)):
        day = today + timedelta(days=ahead)
        for period in _periods_of(timetable, day):
            # In the repeated hour of October the service opens at the first and closes at the second; a minute that
            # March leaves out is read with the offset before it.
            yield _moment(day, period.opens_minute, fold=0), _moment(day, period.closes_minute, fold=1)


def _moment(day: date, minute: int, fold: int) -> datetime:
    after, within = divmod(minute, MINUTES_A_DAY)
    local = datetime.combine(day + timedelta(days=after), time(within // 60, within % 60, fold=fold), LONDON)
    if fold and local.astimezone(UTC).astimezone(LONDON).replace(tzinfo=None) != local.replace(tzinfo=None):
        # fold=1 in the hour that March leaves out would read the later offset and close an hour early.
        local = local.replace(fold=0)
    return local.astimezone(UTC)


class Opening:
    """The timetable as it is stored, kept in memory for two seconds."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._kept: tuple[datetime, Timetable] | None = None
        self._changes = 0

    async def state(self) -> OpenState:
        return opening_at(await self.timetable(), self._clock())

    async def timetable(self) -> Timetable:
        now = self._clock()
        if self._kept is None or not timedelta() <= now - self._kept[0] < KEPT_FOR:
            changes = self._changes
            async with self._db.read() as connection:
                timetable = await load_timetable(connection, now)
            if changes == self._changes:
                self._kept = (now, timetable)
            return timetable
        return self._kept[1]

    def forget(self) -> None:
        """After the hours were changed on this process, so that whoever changed them sees it."""
        self._kept = None
        # What is being read now may have been read before the change.
        self._changes += 1


async def load_timetable(connection: AsyncConnection, now: datetime) -> Timetable:
    periods = (await connection.execute(select(hours))).all()
    days = (await connection.execute(select(holiday))).all()
    closures = await connection.execute(select(closure).where(closure.c.ends > now).order_by(closure.c.starts))
    switches = await connection.execute(select(setting).where(setting.c.name.in_(SWITCHES)))
    values = {row.name: row.value for row in switches}
    closed = {**bank_holidays(), **{row.day: row.name for row in days if row.closed}}
    for row in days:
        if not row.closed:
            closed.pop(row.day, None)
    return Timetable(
        periods=tuple(Period(row.weekday, row.opens_minute, row.closes_minute) for row in periods),
        closed_days=MappingProxyType(closed),
        closures=tuple(Closure(row.id, row.starts, row.ends, row.reason) for row in closures),
        # A service that was never told its hours turns nobody away.
        always_open=values.get("always_open") == "yes" or not periods,
        line_open=values.get("line_open", "yes") == "yes",
        notice=values.get("line_message", ""),
    )
