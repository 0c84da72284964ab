"""Opening hours on the days that go wrong: holidays, both clock changes, midnight, nothing at all."""

from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

import pytest

from core.clock import LONDON
from triage.hours import (
    Closure,
    OpenState,
    Period,
    Timetable,
    bank_holidays,
    clock_words,
    hours_in_words,
    opening_at,
    opening_words,
)

WEEK = Timetable()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def state(moment: str, timetable: Timetable = WEEK) -> OpenState:
    return opening_at(timetable, at(moment))


def test_is_open_in_office_hours() -> None:
    found = state("2026-11-23T12:00")
    assert (found.open, found.until, found.opens_at) == (True, at("2026-11-23T17:00"), None)


@pytest.mark.parametrize(
    ("moment", "is_open"), [("09:29:59", False), ("09:30:00", True), ("16:59:59", True), ("17:00:00", False)]
)
def test_opens_and_closes_on_the_minute(moment: str, is_open: bool) -> None:
    assert state(f"2026-11-23T{moment}").open is is_open


def test_names_the_next_opening_after_a_weekend() -> None:
    found = state("2026-11-20T18:00")
    assert (found.open, found.opens_at) == (False, at("2026-11-23T09:30"))


def test_summer_hours_are_an_hour_earlier_in_utc() -> None:
    assert state("2026-07-01T08:30").open
    assert not state("2026-07-01T16:00").open


def test_a_bank_holiday_is_closed_and_named() -> None:
    timetable = Timetable(closed_days=bank_holidays())
    found = state("2026-12-25T12:00", timetable)
    assert (found.open, found.closed_today) == (False, "Christmas Day")
    assert found.opens_at == at("2026-12-29T09:30"), (
        "26 December is a Saturday: the Monday after it is a substitute day"
    )
    assert hours_in_words(timetable, date(2026, 12, 25)) == "Closed (Christmas Day)"


def test_several_periods_a_day_close_over_lunch() -> None:
    timetable = Timetable(periods=(Period(0, 13 * 60, 16 * 60), Period(0, 9 * 60, 12 * 60)))
    found = state("2026-11-23T12:30", timetable)
    assert (found.open, found.opens_at) == (False, at("2026-11-23T13:00"))
    assert hours_in_words(timetable, date(2026, 11, 23)) == "9am to noon, 1pm to 4pm"


def test_periods_that_meet_at_midnight_are_one() -> None:
    timetable = Timetable(periods=(Period(0, 18 * 60, 1440), Period(1, 0, 6 * 60)))
    assert state("2026-11-23T23:59", timetable).until == at("2026-11-24T06:00")
    assert state("2026-11-24T01:00", timetable).open


def test_the_longer_night_in_october_has_25_hours() -> None:
    timetable = Timetable(periods=(Period(6, 0, 1440),))
    first, last = at("2026-10-24T23:00"), at("2026-10-26T00:00")
    assert opening_at(timetable, first).until == last
    assert last - first == timedelta(hours=25)
    assert not opening_at(timetable, last).open


def test_closing_in_the_repeated_hour_means_the_second() -> None:
    timetable = Timetable(periods=(Period(6, 60, 90),))
    assert opening_at(timetable, at("2026-10-25T01:15")).open
    assert not opening_at(timetable, at("2026-10-25T01:30")).open


def test_the_hour_that_march_leaves_out_breaks_nothing() -> None:
    timetable = Timetable(periods=(Period(6, 0, 90), Period(6, 100, 180)))
    assert opening_at(timetable, at("2026-03-29T00:30")).open
    assert opening_at(timetable, at("2026-03-29T01:45")).open, "2:45 in summer time"
    assert not opening_at(timetable, at("2026-03-29T02:00")).open


def test_round_the_clock_has_no_end() -> None:
    found = state("2026-12-25T03:00", Timetable(always_open=True, closed_days=bank_holidays()))
    assert (found.open, found.until) == (True, None)


def test_a_closed_line_is_closed_even_round_the_clock() -> None:
    assert not state("2026-11-23T12:00", Timetable(always_open=True, line_open=False)).open


def test_no_hours_at_all_promises_no_opening() -> None:
    found = state("2026-11-23T12:00", Timetable(periods=(), closed_days=MappingProxyType({})))
    assert (found.open, found.opens_at) == (False, None)


@pytest.mark.parametrize(
    ("minute", "words"),
    [(0, "midnight"), (570, "9:30am"), (720, "noon"), (780, "1pm"), (1440, "midnight"), (5, "12:05am")],
)
def test_says_times_as_people_do(minute: int, words: str) -> None:
    assert clock_words(minute) == words


@pytest.mark.parametrize(
    ("opens", "words"),
    [
        ("2026-11-20T14:00", "today at 2pm"),
        ("2026-11-21T09:30", "tomorrow at 9:30am"),
        ("2026-11-23T09:30", "Monday at 9:30am"),
        ("2026-12-01T09:30", "Tuesday 1 December at 9:30am"),
    ],
)
def test_says_when_it_opens(opens: str, words: str) -> None:
    assert opening_words(at(opens), at("2026-11-20T08:00")) == words


TRAINING = Closure(1, at("2026-11-23T12:00"), at("2026-11-23T14:00"), "team training")


@pytest.mark.parametrize(
    ("moment", "is_open", "until", "opens_at"),
    [
        ("2026-11-23T11:59", True, "2026-11-23T12:00", None),
        ("2026-11-23T12:00", False, None, "2026-11-23T14:00"),
        ("2026-11-23T14:00", True, "2026-11-23T17:00", None),
    ],
)
def test_a_closure_cuts_the_day(moment: str, is_open: bool, until: str | None, opens_at: str | None) -> None:
    found = state(moment, Timetable(closures=(TRAINING,)))
    assert (found.open, found.until, found.opens_at) == (is_open, until and at(until), opens_at and at(opens_at))
    assert found.closed_today == ("" if is_open else "team training")


def test_a_closure_is_told_with_the_hours_of_its_day() -> None:
    timetable = Timetable(closures=(TRAINING,))
    assert hours_in_words(timetable, date(2026, 11, 23)) == "9:30am to 5pm; closed noon to 2pm (team training)"
    assert hours_in_words(timetable, date(2026, 11, 24)) == "9:30am to 5pm"


def test_a_closure_closes_what_is_open_round_the_clock() -> None:
    timetable = Timetable(always_open=True, closures=(TRAINING,))
    assert state("2026-11-23T11:00", timetable).until == at("2026-11-23T12:00")
    assert state("2026-11-23T13:00", timetable).opens_at == at("2026-11-23T14:00")
    assert state("2026-11-23T15:00", timetable).until is None
    assert hours_in_words(timetable, date(2026, 11, 23)) == "Open round the clock; closed noon to 2pm (team training)"


def test_a_closure_of_weeks_still_has_an_end() -> None:
    summer = Closure(1, at("2026-11-20T00:00"), at("2027-01-10T00:00"), "moving house")
    assert state("2026-11-23T12:00", Timetable(closures=(summer,))).opens_at == at("2027-01-11T09:30")


def test_a_week_without_a_break_names_no_end() -> None:
    whole = Timetable(periods=tuple(Period(day, 0, 24 * 60) for day in range(7)))
    assert state("2026-11-23T12:00", whole).until is None


# Both clock changes, with everything at once: closures, a bank holiday that is worked, an early close.

NIGHT = Timetable(periods=(Period(5, 22 * 60, 1440), Period(6, 0, 6 * 60)))


@pytest.mark.parametrize(
    ("opens", "closes", "hours"),
    [("2026-03-28T22:00", "2026-03-29T05:00", 7), ("2026-10-24T21:00", "2026-10-25T06:00", 9)],
    ids=["March", "October"],
)
def test_a_night_over_the_change_of_clocks_is_one_stretch(opens: str, closes: str, hours: int) -> None:
    found = state(opens, NIGHT)
    assert (found.open, found.until) == (True, at(closes))
    assert at(closes) - at(opens) == timedelta(hours=hours)
    over = state(closes, NIGHT)
    assert (over.open, over.closed_since) == (False, at(closes))


@pytest.mark.parametrize(
    ("shut", "moment", "is_open"),
    [
        # 1am to 2am of the summer time that ends, then the same hour again.
        (("2026-10-25T00:00", "2026-10-25T01:00"), "2026-10-25T00:30", False),
        (("2026-10-25T00:00", "2026-10-25T01:00"), "2026-10-25T01:00", True),
        (("2026-10-25T01:00", "2026-10-25T02:00"), "2026-10-25T00:59", True),
        (("2026-10-25T01:00", "2026-10-25T02:00"), "2026-10-25T01:30", False),
        # From the last minute of winter time to the first hour of summer time.
        (("2026-03-29T00:30", "2026-03-29T01:30"), "2026-03-29T01:00", False),
        (("2026-03-29T00:30", "2026-03-29T01:30"), "2026-03-29T01:30", True),
    ],
)
def test_a_closure_over_the_change_of_clocks_ends_when_it_should(
    shut: tuple[str, str], moment: str, is_open: bool
) -> None:
    timetable = Timetable(periods=NIGHT.periods, closures=(Closure(1, at(shut[0]), at(shut[1]), "work on the lines"),))
    assert state(moment, timetable).open is is_open


def test_a_bank_holiday_that_is_worked_is_open_and_the_next_is_not() -> None:
    worked = date(2026, 4, 3)
    closed = {day: name for day, name in bank_holidays().items() if day != worked}
    timetable = Timetable(closed_days=MappingProxyType(closed))
    assert state("2026-04-03T12:00", timetable).open, "Good Friday, worked"
    monday = state("2026-04-06T12:00", timetable)
    assert (monday.open, monday.closed_today, monday.opens_at) == (False, "Easter Monday", at("2026-04-07T08:30"))


def test_the_first_day_after_each_change_keeps_its_local_hours() -> None:
    assert state("2026-03-27T18:00").opens_at == at("2026-03-30T08:30")
    assert state("2026-10-23T18:00").opens_at == at("2026-10-26T09:30")


@pytest.mark.parametrize("moment", ["2026-03-29T00:30", "2026-03-29T01:30", "2026-10-25T00:30", "2026-10-25T01:30"])
def test_an_early_close_holds_over_the_change_of_clocks(moment: str) -> None:
    found = state(moment, Timetable(periods=NIGHT.periods, line_open=False))
    assert (found.open, found.closed_since) == (False, None), "the hours go on underneath"


def test_every_minute_of_both_days_is_in_the_hours_or_out_of_them() -> None:
    """Minute by minute against the wall clock in London; no hour begins or ends in the one that is left out or doubled."""
    timetable = Timetable(periods=(Period(6, 30, 600), Period(6, 660, 1440)))
    for first, minutes in (("2026-03-29T00:00", 23 * 60), ("2026-10-24T23:00", 25 * 60)):
        for step in range(minutes):
            moment = at(first) + timedelta(minutes=step)
            local = moment.astimezone(LONDON)
            minute = local.hour * 60 + local.minute
            inside = any(one.opens_minute <= minute < one.closes_minute for one in timetable.periods)
            assert opening_at(timetable, moment).open is inside, local
        assert not opening_at(timetable, at(first) + timedelta(minutes=minutes)).open
