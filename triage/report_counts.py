"""Small counts are kept back so that nobody can be picked out of a report, nor worked out of its totals.

Pure. A count from 1 to 4 is not shown. Where totals stand beside the counts, more cells are kept back until no line of
the table gives a hidden one away: a cell that is hidden lies on a closed path of hidden cells (its line and its column
both hide another), and what a line hides together is wide enough that no single value follows from it. Which cells are
small and which are hidden for their sake is not told apart.

Source of the method: the hypercube rule of statistical disclosure control (Hundepool and others, Statistical Disclosure
Control, 2012, chapter 4).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

LEAST_SHOWN = 5
LEAST_SPREAD = 4
"""A hidden cell could be any of at least this many values more than the least, for all that its line tells."""

Grid = list[list[int]]
Shown = list[list[int | None]]
Cell = tuple[int, int]

COST_OF_TOTAL = 10**18
COST_OF_ZERO = 10**9
"""Zeros are kept back last: an empty cell tells of nobody."""


def is_small(count: int) -> bool:
    return 0 < count < LEAST_SHOWN


def protect_each(counts: Sequence[int]) -> list[int | None]:
    """For counts that no total stands beside."""
    return [None if is_small(count) else count for count in counts]


def protect_column(counts: Sequence[int]) -> tuple[list[int | None], int | None]:
    """Counts that add up to the total below them: the counts, then the total, None where not shown."""
    total = sum(counts)
    hidden = {number for number, count in enumerate(counts) if is_small(count)}
    if is_small(total):
        return [None if count else 0 for count in counts], None
    # When even all counts together are too few to hide each other, the empty ones are hidden with them.
    others = sorted(
        (number for number in range(len(counts)) if number not in hidden), key=lambda one: _cost(counts[one])
    )
    while hidden and others and not _is_wide([counts[number] for number in hidden]):
        hidden.add(others.pop(0))
    return [None if number in hidden else count for number, count in enumerate(counts)], total


def protect_table(counts: Grid) -> tuple[Shown, list[int | None], list[int | None], int | None]:
    """A table whose rows and columns both add up: its cells, the totals of its rows, of its columns, and of all.

    The last is what other tables show as well: it is kept back only when it is small itself.
    """
    if not counts or not counts[0]:
        return [], [], [], 0
    full = [[*row, sum(row)] for row in counts]
    full.append([sum(column) for column in zip(*full, strict=True)])
    hidden = _Hidden(full)
    hidden.close()
    shown: Shown = [
        [None if (row, column) in hidden.cells else count for column, count in enumerate(line)]
        for row, line in enumerate(full)
    ]
    inner = [line[:-1] for line in shown[:-1]]
    return inner, [line[-1] for line in shown[:-1]], shown[-1][:-1], shown[-1][-1]


class _Hidden:
    """The cells of a table with its totals that are not shown, grown until none can be worked out."""

    def __init__(self, full: Grid) -> None:
        self._full = full
        self._rows, self._columns = range(len(full)), range(len(full[0]))
        self.cells: set[Cell] = {
            (row, column) for row in self._rows for column in self._columns if is_small(full[row][column])
        }

    def close(self) -> None:
        while True:
            alone = next(iter(sorted(self._given_away())), None)
            if alone is not None:
                self.cells |= self._cheapest_path(alone)
                continue
            narrow = next(self._narrow_lines(), None)
            if narrow is None:
                return
            self.cells.add(min(narrow, key=lambda cell: (_cost(self._full[cell[0]][cell[1]]), cell)))

    def _given_away(self) -> set[Cell]:
        """Hidden cells that follow from their lines: the bridges of the graph of lines that hidden cells join."""
        neighbours: dict[int, list[int]] = defaultdict(list)
        for row, column in self.cells:
            neighbours[row].append(-1 - column)
            neighbours[-1 - column].append(row)
        return {(max(ends), -1 - min(ends)) for ends in _bridges(neighbours)}

    def _cheapest_path(self, cell: Cell) -> set[Cell]:
        """The three other corners of the rectangle through this cell that hides the least besides."""
        row, column = cell
        rectangles = (
            {(row, other_column), (other_row, column), (other_row, other_column)}
            for other_row in self._rows
            if other_row != row
            for other_column in self._columns
            if other_column != column
        )
        return min(rectangles, key=lambda corners: (sum(map(self._new_cost, corners)), sorted(corners)))

    def _new_cost(self, cell: Cell) -> int:
        if cell == (self._rows[-1], self._columns[-1]):
            return COST_OF_TOTAL
        return 0 if cell in self.cells else _cost(self._full[cell[0]][cell[1]])

    def _narrow_lines(self) -> Iterator[list[Cell]]:
        """For each line with its total shown whose hidden cells are too few together: what else could be hidden there."""
        lines = [[(row, column) for column in self._columns] for row in self._rows]
        lines += [[(row, column) for row in self._rows] for column in self._columns]
        for *inner, total in lines:
            hidden = [self._full[row][column] for row, column in inner if (row, column) in self.cells]
            if hidden and total not in self.cells and not _is_wide(hidden):
                yield [cell for cell in [*inner, total] if cell not in self.cells]


def _is_wide(hidden: Sequence[int]) -> bool:
    """Whether no single value follows for any of these, given their sum, and that each may be 1."""
    return len(hidden) > 1 and sum(hidden) >= len(hidden) + LEAST_SPREAD


def _cost(count: int) -> int:
    return count or COST_OF_ZERO


def _bridges(neighbours: dict[int, list[int]]) -> set[frozenset[int]]:
    """Edges that lie on no closed path. Depth first without recursion, as tables may be long."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    found: set[frozenset[int]] = set()
    for start, first in neighbours.items():
        if start in order:
            continue
        order[start] = low[start] = len(order)
        stack = [(start, start, iter(first))]
        while stack:
            node, parent, rest = stack[-1]
            step = next(rest, None)
            if step is None:
                stack.pop()
                if stack:
                    low[parent] = min(low[parent], low[node])
                    if low[node] > order[parent]:
                        found.add(frozenset((node, parent)))
            elif step not in order:
                order[step] = low[step] = len(order)
                stack.append((step, node, iter(neighbours[step])))
            elif step != parent:
                low[node] = min(low[node], order[step])
    return found
