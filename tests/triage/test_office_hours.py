"""Hours in one line: what an operator may write, what it means, and the sentence for each mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import utc_now
from core.db import Database
from core.errors import InvalidText
from triage.hours import DEFAULT_PERIODS, Period, load_timetable
from triage.office_hours import (
    DAYS,
    hours_line,
    parse_hours,
    store_always_open,
    store_hours,
    timetable_in_words,
)

WEEK = "mon-fri 9:30-17:00; sat 10:00-12:00"


@pytest.mark.parametrize(
    ("written", "line"),
    [
        (WEEK, WEEK),
        ("  Mon - FRI   09:30 - 17;saturday 10-12 ; ", WEEK),
        ("sat 10:00-12:00; mon-fri 9:30-17:00", WEEK),
        ("mon,wed 9-12", "mon 9:00-12:00; wed 9:00-12:00"),
        ("mon 9-12, 13-17:30", "mon 9:00-12:00, 13:00-17:30"),
        ("mon 13-17; mon 9-12", "mon 9:00-12:00, 13:00-17:00"),
        ("fri-mon 22-24", "mon 22:00-24:00; fri-sun 22:00-24:00"),
        ("mon-sun 0-24", "mon-sun 0:00-24:00"),
        ("tues 0:00-6:00", "tue 0:00-6:00"),
    ],
)
def test_hours_are_understood(written: str, line: str) -> None:
    assert hours_line(parse_hours(written)) == line


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "Write hours as in: mon-fri"),
        (" ; ", "Write hours as in: mon-fri"),
        ("always", '"always" is not a day with its hours'),
        ("9:30-17:00", '"9:30-17:00" is not a day with its hours'),
        ("funday 9-17", '"funday" is not a day. Write mon, tue, wed, thu, fri, sat or sun.'),
        ("mo 9-17", '"mo" is not a day'),
        ("mon- 9-17", '"" is not a day'),
        ("mon-fri-sat 9-17", '"fri-sat" is not a day'),
        ("mon 9", '"9" has no end'),
        ("mon 9-", '"" is not a time of day'),
        ("mon 9.30-17.00", '"9.30" is not a time of day'),
        ("mon 9:30am-5pm", '"9:30am" is not a time of day'),
        ("mon 9:60-17", '"9:60" is not a time of day'),
        ("mon 9-24:01", '"24:01" is not a time of day'),
        ("mon 17-9", '"17-9" ends before it begins'),
        ("mon 9-9", '"9-9" ends before it begins'),
        ("mon-wed 9-12; tue 11-13", "Tuesday has hours that overlap."),
    ],
)
def test_mistake_is_named(written: str, words: str) -> None:
    with pytest.raises(InvalidText) as refusal:
        parse_hours(written)
    assert words in refusal.value.text
    assert "\n" not in refusal.value.text


@given(
    st.sets(
        st.tuples(st.integers(0, len(DAYS) - 1), st.integers(0, 23)).map(
            lambda at: Period(at[0], at[1] * 60, at[1] * 60 + 45)
        ),
        min_size=1,
    )
)
def test_line_is_read_back_as_it_was(periods: set[Period]) -> None:
    assert set(parse_hours(hours_line(periods))) == periods


async def test_nothing_stored_is_open_round_the_clock(database: Database) -> None:
    async with database.read() as connection:
        assert timetable_in_words(await load_timetable(connection, utc_now())) == "Open round the clock."


async def test_stored_hours_replace_those_before(database: Database) -> None:
    async with database.write() as connection:
        await store_always_open(connection)
        await store_hours(connection, parse_hours("sun 1-2"))
        await store_hours(connection, DEFAULT_PERIODS)
        timetable = await load_timetable(connection, utc_now())
    assert (set(timetable.periods), timetable.always_open) == (set(DEFAULT_PERIODS), False)
    assert "Open mon-fri 9:30-17:00 (London)" in timetable_in_words(timetable)
    async with database.write() as connection:
        await store_always_open(connection)
        await store_always_open(connection)
        timetable = await load_timetable(connection, utc_now())
    assert (timetable.periods, timetable.always_open) == ((), True)
