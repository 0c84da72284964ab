"""How long it takes: a range that can be kept, or nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from triage.urgency import grade, sort_key
from triage.wait import Pace, measure_pace, place_words, range_words, wait_range
from triage.words import AREAS, RISK_FLAGS, SECTORS, TOPICS, Urgency

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_who_finds_somebody_free_is_told_how_fast_they_answer() -> None:
    assert wait_range(2, measure_pace([], [0.2, 0.3, 4.0], slots=4, active=2)) == (0, 2)
    assert wait_range(2, measure_pace([], [3.1, 3.2, 3.3], slots=4, active=2)) == (0, 7)


def test_the_first_of_the_day_are_not_promised_what_nobody_knows() -> None:
    assert wait_range(1, measure_pace([], [], slots=2, active=0)) == (0, 5)
    assert wait_range(1, measure_pace([30, 30], [1, 1], slots=2, active=2)) is None


def test_nobody_online_promises_nothing() -> None:
    assert measure_pace([30, 30, 30], [1, 1, 1], slots=0, active=0) is None


def test_a_full_line_moves_as_conversations_end() -> None:
    """Four conversations of half an hour end every 7.5 minutes."""
    assert measure_pace([20, 30, 40], [], slots=4, active=4) == Pace(0, 7.5)


def test_the_range_grows_with_the_place() -> None:
    assert wait_range(1, Pace(0, 7.5)) == (0, 23)
    assert wait_range(4, Pace(0, 7.5)) == (9, 62)
    assert wait_range(5, Pace(4, 7.5)) == wait_range(1, Pace(0, 7.5))


def test_beyond_three_hours_nothing_is_promised() -> None:
    assert wait_range(40, Pace(0, 10)) is None
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
    assert (
        sort_key(NOW + timedelta(minutes=29), Urgency.SAME_DAY)
        < routine
        < sort_key(NOW + timedelta(minutes=31), Urgency.SAME_DAY)
    )
    assert sort_key(NOW + timedelta(hours=23), Urgency.EMERGENCY) < routine
    assert sort_key(NOW + timedelta(hours=11), Urgency.ROUTINE, requeued=True) < routine


def test_the_lists_are_complete() -> None:
    assert len(AREAS) == 43 + 5
    assert len(SECTORS) == 18
    assert len(TOPICS) == 12
    assert len(RISK_FLAGS) == 8
