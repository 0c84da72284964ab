"""Small counts cannot be worked out: every table is attacked with all that its shown cells and totals say."""

import itertools
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from triage.report_counts import protect_column, protect_each, protect_table

MOST = 9


def possible_columns(shown: list[int | None], total: int | None) -> Iterator[tuple[int, ...]]:
    """Every column that a reader could believe in. Empty cells are hidden only where the others could not hide each other."""
    hidden = shown.count(None)
    left = (total or 0) - sum(count or 0 for count in shown)
    least = 0 if total is not None and left < hidden + 4 else 1
    choices = [range(least, 2 * MOST) if count is None else (count,) for count in shown]
    return (column for column in itertools.product(*choices) if total is None or sum(column) == total)


def test_counts_under_five_are_not_shown() -> None:
    assert protect_each([0, 1, 4, 5, 60]) == [0, None, None, 5, 60]


def test_the_only_small_count_does_not_follow_from_the_total() -> None:
    shown, total = protect_column([3, 8, 20, 9])
    assert (shown, total) == ([None, None, 20, 9], 40)


def test_two_counts_of_one_do_not_follow_from_a_total_of_two() -> None:
    shown, total = protect_column([1, 1, 30])
    assert total == 32
    assert shown == [None, None, None]


@given(st.lists(st.integers(0, 9), min_size=2, max_size=4))
@settings(deadline=None)
def test_no_small_count_of_a_column_can_be_worked_out(counts: list[int]) -> None:
    shown, total = protect_column(counts)
    assert all(one is None or one == count for one, count in zip(shown, counts, strict=True))
    believed = list(possible_columns(shown, total))
    for number, count in enumerate(counts):
        if 0 < count < 5:
            assert len({column[number] for column in believed}) >= 4


def possible_tables(counts: list[list[int]]) -> Iterator[tuple[int, ...]]:
    """Every table that a reader could believe in, given the cells and the totals that are shown."""
    inner, row_totals, column_totals, total = protect_table(counts)
    rows = []
    for cells, wanted in zip(inner, row_totals, strict=True):
        options = itertools.product(*[range(MOST) if count is None else (count,) for count in cells])
        rows.append([option for option in options if wanted is None or sum(option) == wanted])
    for table in itertools.product(*rows):
        columns = [sum(column) for column in zip(*table, strict=True)]
        fits = all(wanted in (None, there) for wanted, there in zip(column_totals, columns, strict=True))
        if fits and total in (None, sum(columns)):
            yield tuple(count for row in table for count in row)


@given(st.lists(st.lists(st.integers(0, 7), min_size=2, max_size=2), min_size=2, max_size=3))
@settings(deadline=None, max_examples=40)
def test_no_small_count_of_a_table_can_be_worked_out(counts: list[list[int]]) -> None:
    believed = [set(values) for values in zip(*possible_tables(counts), strict=True)]
    for number, count in enumerate(count for row in counts for count in row):
        if 0 < count < 5:
            assert count in believed[number]
            assert len(believed[number]) >= 2


def test_a_table_without_small_counts_is_shown_whole() -> None:
    assert protect_table([[5, 6], [0, 7]]) == ([[5, 6], [0, 7]], [11, 7], [5, 13], 18)
