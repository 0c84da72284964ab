"""How long it takes: a range that can be kept, or nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from triage.urgency import grade, sort_key
from triage.wait import Claimed, Pace, measure_pace, place_words, range_words, wait_range
from triage.words import AREAS, RISK_FLAGS, SECTORS, TOPICS, Urgency

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def claims(*ago: float, waited: float = 6) -> list[Claimed]:
    return [Claimed(NOW - minutes(one + waited), NOW - minutes(one)) for one in ago]


def test_fewer_than_three_claims_promise_nothing() -> None:
    assert measure_pace(claims(10, 20), None, 2, NOW) is None


def test_claims_of_this_morning_say_nothing_about_now() -> None:
    assert measure_pace(claims(5, 130, 140, 150), None, 2, NOW) is None


def test_nobody_online_promises_nothing() -> None:
    assert measure_pace(claims(5, 10, 15), None, 0, NOW) is None


def test_a_busy_line_moves_by_the_gap_between_claims() -> None:
    assert measure_pace(claims(5, 10, 15, waited=20), None, 2, NOW) == Pace(5)


def test_a_quiet_line_moves_by_what_people_waited() -> None:
    """Somebody comes each half hour and is answered in a minute: the next one waits a minute, not thirty."""
    assert measure_pace(claims(5, 35, 65, waited=1), None, 2, NOW) == Pace(1)


def test_a_line_that_stands_still_is_slower_than_its_past() -> None:
    assert measure_pace(claims(25, 27, 29, waited=2), NOW - minutes(20), 2, NOW) == Pace(20)


def test_the_range_grows_with_the_place() -> None:
    assert wait_range(1, Pace(4)) == (2, 6)
    assert wait_range(3, Pace(4)) == (7, 18)
    assert wait_range(1, Pace(0.1)) == (0, 2)


def test_beyond_three_hours_nothing_is_promised() -> None:
    assert wait_range(40, Pace(10)) is None
    assert wait_range(2, None) is None


@pytest.mark.parametrize(
    ("position", "wait", "words"),
    [
        (1, (0, 2), "You are next. Less than 2 minutes."),
        (3, (6, 12), "You are 3rd in the line. About 6 to 12 minutes."),
        (11, (6, 12), "You are 11th in the line. About 6 to 12 minutes."),
        (22, None, "You are 22nd in the line. We cannot say yet how long it will take."),
        (None, None, "We are checking your place in the line."),
    ],
)
def test_says_the_place(position: int | None, wait: tuple[int, int] | None, words: str) -> None:
    assert place_words(position, wait) == words


def test_ranges_in_words() -> None:
    assert range_words((4, 10)) == "About 4 to 10 minutes"


# Urgency and the sort key.


@pytest.mark.parametrize("flag", RISK_FLAGS)
def test_any_risk_flag_is_same_day(flag: str) -> None:
    assert grade("no", "none", [flag]) == Urgency.SAME_DAY


@pytest.mark.parametrize(
    ("danger", "deadline", "flags", "urgency"),
    [
        ("yes", "none", ["none"], "emergency"),
        ("unsure", "none", ["none"], "routine"),
        ("no", "today", ["none"], "same_day"),
        ("no", "days", ["unsure"], "routine"),
        ("no", "none", [], "routine"),
    ],
)
def test_grades(danger: str, deadline: str, flags: list[str], urgency: str) -> None:
    assert grade(danger, deadline, flags) == urgency


def test_sort_keys_age_by_themselves() -> None:
    routine = sort_key(NOW, Urgency.ROUTINE)
    assert sort_key(NOW + minutes(29), Urgency.SAME_DAY) < routine < sort_key(NOW + minutes(31), Urgency.SAME_DAY)
    assert sort_key(NOW + timedelta(hours=23), Urgency.EMERGENCY) < routine
    assert sort_key(NOW + timedelta(hours=11), Urgency.ROUTINE, requeued=True) < routine


def test_the_lists_are_complete() -> None:
    assert len(AREAS) == 43 + 5
    assert len(SECTORS) == 18
    assert len(TOPICS) == 12
    assert len(RISK_FLAGS) == 8
