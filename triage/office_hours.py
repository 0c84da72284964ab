"""Opening hours as an operator writes them, `mon-fri 9:30-17:00; sat 10:00-12:00`, and their place in the database.

`parse_hours` and `hours_line` are each other's inverse. Times are those of Europe/London. With nothing stored the service
is open round the clock.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import InvalidText
from core.tables import setting
from triage.hours import MINUTES_A_DAY, WEEKDAYS, Period, Timetable
from triage.tables import hours

EXAMPLE = "mon-fri 9:30-17:00; sat 10:00-12:00"
DAYS = tuple(name[:3].lower() for name in WEEKDAYS)

_PART = re.compile(r"(?P<days>[^\d]+?)\s+(?P<times>\d.*)")
_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?")


def parse_hours(text: str) -> tuple[Period, ...]:
    """Raises InvalidText with the sentence that says which word is wrong."""
    periods: list[Period] = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        found = _PART.fullmatch(part)
        if found is None:
            raise InvalidText(f'"{part}" is not a day with its hours. Write hours as in: {EXAMPLE}')
        spans = [_parse_span(span) for span in found["times"].split(",")]
        periods += [Period(day, *span) for day in _parse_days(found["days"]) for span in spans]
    if not periods:
        raise InvalidText(f"Write hours as in: {EXAMPLE}")
    periods.sort(key=lambda period: (period.weekday, period.opens_minute))
    for one, following in pairwise(periods):
        if one.weekday == following.weekday and following.opens_minute < one.closes_minute:
            raise InvalidText(f"{WEEKDAYS[one.weekday]} has hours that overlap.")
    return tuple(periods)


def hours_line(periods: Iterable[Period]) -> str:
    """The same in one line, days with the same hours together."""
    by_day = {day: day_line(day, periods) for day in range(len(DAYS))}
    groups: list[list[int]] = []
    for day, spans in by_day.items():
        if groups and groups[-1][-1] == day - 1 and by_day[day - 1] == spans:
            groups[-1].append(day)
        else:
            groups.append([day])
    return "; ".join(f"{_range(group)} {by_day[group[0]]}" for group in groups if by_day[group[0]])


def timetable_in_words(timetable: Timetable) -> str:
    if timetable.always_open:
        sentence = "Open round the clock."
    else:
        sentence = f"Open {hours_line(timetable.periods)} (London), not on bank holidays of England and Wales."
    return sentence if timetable.line_open else f"{sentence} A supervisor has closed the line."


async def store_hours(connection: AsyncConnection, periods: Iterable[Period]) -> None:
    """Replace the week's hours; nothing is open round the clock any longer."""
    await _store_always(connection, "no")
    await connection.execute(delete(hours))
    rows = [
        {"weekday": period.weekday, "opens_minute": period.opens_minute, "closes_minute": period.closes_minute}
        for period in periods
    ]
    await connection.execute(insert(hours), rows)


async def store_always_open(connection: AsyncConnection) -> None:
    """Open round the clock. The hours of the week are forgotten."""
    await _store_always(connection, "yes")
    await connection.execute(delete(hours))


async def _store_always(connection: AsyncConnection, value: str) -> None:
    await connection.execute(delete(setting).where(setting.c.name == "always_open"))
    await connection.execute(insert(setting).values(name="always_open", value=value))


def _parse_days(text: str) -> list[int]:
    days: list[int] = []
    for word in text.split(","):
        first, dash, last = word.partition("-")
        start, end = _parse_day(first), _parse_day(last if dash else first)
        # fri-mon goes over the weekend.
        days += [(start + ahead) % len(DAYS) for ahead in range((end - start) % len(DAYS) + 1)]
    return days


def _parse_day(text: str) -> int:
    word = text.strip().lower()
    for day, name in enumerate(WEEKDAYS):
        if len(word) >= 3 and name.lower().startswith(word):
            return day
    raise InvalidText(f'"{text.strip()}" is not a day. Write {", ".join(DAYS[:-1])} or {DAYS[-1]}.')


def _parse_span(text: str) -> tuple[int, int]:
    opens, dash, closes = text.partition("-")
    if not dash:
        raise InvalidText(f'"{text.strip()}" has no end. Write a time from and to, as in 9:30-17:00.')
    start, end = _parse_time(opens), _parse_time(closes)
    if end <= start:
        raise InvalidText(f'"{text.strip()}" ends before it begins. For a night, end at 24:00 and begin again at 0:00.')
    return start, end


def _parse_time(text: str) -> int:
    found = _TIME.fullmatch(text.strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (MINUTES_A_DAY, 0)
    if minute > 59 or hour * 60 + minute > MINUTES_A_DAY:
        raise InvalidText(f'"{text.strip()}" is not a time of day. Write it as in 9:30, up to 24:00.')
    return hour * 60 + minute


def day_line(day: int, periods: Iterable[Period]) -> str:
    """The hours of one weekday as they are written, `9:30-12:00, 13:00-17:00`; empty when it has none."""
    found = sorted((one.opens_minute, one.closes_minute) for one in periods if one.weekday == day)
    return ", ".join(f"{_time(opens)}-{_time(closes)}" for opens, closes in found)


def _range(days: list[int]) -> str:
    return DAYS[days[0]] if len(days) == 1 else f"{DAYS[days[0]]}-{DAYS[days[-1]]}"


def _time(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"
