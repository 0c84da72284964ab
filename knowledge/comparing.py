"""Two texts beside each other: which lines, and which words in them, were removed and added.

Pure, and bounded on any text. Unique lines that both texts have are matched first, what lies between them is matched
exactly while that is cheap, and a passage that is not worth it, or for which no work is left, is shown as replaced whole.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_WORK = 1_000_000
"""Looks at a line or a word, about a quarter of a second."""

MOST_EDITS = 150
MOST_BLOCKS = 2_000
MOST_PIECES = 6_000
LEAST_IN_COMMON = 0.25
SHOWN_AROUND = 2
LEAST_FOLDED = 4

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


class Mark(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    mark: Mark
    text: str

    @property
    def shown(self) -> str:
        """Spaces and line ends that changed have a sign; nobody would see them."""
        if self.mark is Mark.SAME or not self.text.isspace():
            return self.text
        return self.text.replace(" ", "·").replace("\n", "¶\n")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that both texts have, or a passage that changed."""

    pieces: tuple[Piece, ...]
    is_changed: bool
    folded: int = 0
    """How many lines this block has, when it is far from every change and need not be shown at once."""

    @property
    def is_replaced(self) -> bool:
        """Whether nothing of the passage stayed."""
        return [piece.mark for piece in self.pieces] == [Mark.REMOVED, Mark.ADDED]

    @property
    def old(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.mark is not Mark.ADDED]

    @property
    def new(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.mark is not Mark.REMOVED]


@dataclass(frozen=True, slots=True)
class Comparison:
    blocks: list[Block]
    is_rough: bool
    """Whether the texts differ so much that only whole passages are marked in places."""

    @property
    def is_changed(self) -> bool:
        return any(block.is_changed for block in self.blocks)


class _ExhaustedError(Exception):
    """No work is left for a finer comparison."""


class _Work:
    def __init__(self) -> None:
        self._left = MOST_WORK
        self._pieces = MOST_PIECES
        self.is_rough = False

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            self.is_rough = True
            raise _ExhaustedError

    def take_pieces(self, count: int) -> bool:
        """Whether so many marks may still be shown."""
        if count > self._pieces:
            self.is_rough = True
            return False
        self._pieces -= count
        return True


def compare(old: str, new: str) -> Comparison:
    work = _Work()
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    blocks: list[Block] = []
    for is_same, mine, theirs in _passages(before, after, work):
        if is_same:
            blocks += _folded(mine, is_first=not blocks, is_last=not theirs)
        else:
            blocks.append(Block(_words("".join(mine), "".join(theirs), work), is_changed=True))
    return Comparison(blocks, work.is_rough)


def compare_line(old: str, new: str) -> tuple[Piece, ...]:
    """The same within one short line, such as a title."""
    return _words(old, new, _Work())


def _passages(before: list[str], after: list[str], work: _Work) -> Iterator[tuple[bool, list[str], list[str]]]:
    """What is the same and what changed, in turns. Of what is the same, the third says whether anything follows."""
    i = j = made = 0
    runs = _runs(_matches(before, after, work))
    for number, (at_old, at_new, length) in enumerate(runs):
        if made >= MOST_BLOCKS:
            work.is_rough = True
            break
        if (i, j) != (at_old, at_new):
            yield False, before[i:at_old], after[j:at_new]
        i, j = at_old + length, at_new + length
        is_last = number == len(runs) - 1 and (i, j) == (len(before), len(after))
        yield True, before[at_old:i], [] if is_last else ["more"]
        made += 2
    if i < len(before) or j < len(after):
        yield False, before[i:], after[j:]


def _folded(lines: list[str], *, is_first: bool, is_last: bool) -> list[Block]:
    """Lines that are the same: a few around each change, the rest to be opened."""
    head = 0 if is_first else SHOWN_AROUND
    tail = 0 if is_last else SHOWN_AROUND
    hidden = len(lines) - head - tail
    if hidden < LEAST_FOLDED:
        return [_same(lines)]
    middle = lines[head : len(lines) - tail]
    around = [_same(lines[:head])] if head else []
    behind = [_same(lines[len(lines) - tail :])] if tail else []
    return [*around, _same(middle, folded=len(middle)), *behind]


def _same(lines: list[str], folded: int = 0) -> Block:
    return Block((Piece(Mark.SAME, "".join(lines)),), is_changed=False, folded=folded)


def _words(old: str, new: str, work: _Work) -> tuple[Piece, ...]:
    """The words of a passage that changed."""
    whole = tuple(piece for piece in (Piece(Mark.REMOVED, old), Piece(Mark.ADDED, new)) if piece.text)
    if not old or not new:
        return whole
    before, after = _WORD.findall(old), _WORD.findall(new)
    runs = _runs(_matches(before, after, work))
    common = sum(len(word) for at, _, length in runs for word in before[at : at + length] if not word.isspace())
    if common < LEAST_IN_COMMON * min(len(old), len(new)):
        return whole
    pieces = _pieces(before, after, runs)
    return tuple(pieces) if work.take_pieces(len(pieces)) else whole


def _pieces(before: list[str], after: list[str], runs: list[tuple[int, int, int]]) -> list[Piece]:
    """Words in their order. A space between two changes belongs to both, so that a changed phrase is one mark."""
    pieces: list[Piece] = []
    removed, added = "", ""

    def close() -> None:
        nonlocal removed, added
        pieces.extend(piece for piece in (Piece(Mark.REMOVED, removed), Piece(Mark.ADDED, added)) if piece.text)
        removed, added = "", ""

    i = j = 0
    for at_old, at_new, length in [*runs, (len(before), len(after), 0)]:
        removed += "".join(before[i:at_old])
        added += "".join(after[j:at_new])
        i, j = at_old + length, at_new + length
        same = "".join(before[at_old:i])
        if same.isspace() and "\n" not in same and (removed or added) and i < len(before) and j < len(after):
            removed, added = removed + same, added + same
        elif same:
            close()
            pieces.append(Piece(Mark.SAME, same))
    close()
    return pieces


def _runs(matches: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Matches that follow one another, as place, place and length."""
    runs: list[tuple[int, int, int]] = []
    for i, j in sorted(matches):
        if runs and (runs[-1][0] + runs[-1][2], runs[-1][1] + runs[-1][2]) == (i, j):
            at_old, at_new, length = runs.pop()
            runs.append((at_old, at_new, length + 1))
        else:
            runs.append((i, j, 1))
    return runs


def _matches(before: Sequence[str], after: Sequence[str], work: _Work) -> list[tuple[int, int]]:
    """Places that are the same and in the same order in both; not all of them when the work runs out."""
    found: list[tuple[int, int]] = []
    numbers: dict[str, int] = {}
    a = [numbers.setdefault(item, len(numbers)) for item in before]
    b = [numbers.setdefault(item, len(numbers)) for item in after]
    open_slices = [(0, len(a), 0, len(b))]
    try:
        while open_slices:
            start, end, other, other_end = open_slices.pop()
            work.spend(1)
            while start < end and other < other_end and a[start] == b[other]:
                found.append((start, other))
                start, other = start + 1, other + 1
            while start < end and other < other_end and a[end - 1] == b[other_end - 1]:
                end, other_end = end - 1, other_end - 1
                found.append((end, other_end))
            if start == end or other == other_end:
                continue
            work.spend(end - start + other_end - other)
            mine, theirs = a[start:end], b[other:other_end]
            anchors = _anchors(mine, theirs)
            if not anchors:
                found += [(start + i, other + j) for i, j in _shortest(mine, theirs, work)]
                continue
            i, j = start, other
            for at_old, at_new in anchors:
                found.append((start + at_old, other + at_new))
                open_slices.append((i, start + at_old, j, other + at_new))
                i, j = start + at_old + 1, other + at_new + 1
            open_slices.append((i, end, j, other_end))
    except _ExhaustedError:
        return found
    return found


def _anchors(a: list[int], b: list[int]) -> list[tuple[int, int]]:
    """What stands once in each, in the longest order that both keep."""
    in_a, in_b = Counter(a), Counter(b)
    places = {item: at for at, item in enumerate(b) if in_b[item] == 1}
    pairs = [(at, places[item]) for at, item in enumerate(a) if in_a[item] == 1 and item in places]
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        at = bisect_left(ends, place)
        before.append(last[at - 1] if at else -1)
        if at == len(ends):
            ends.append(place)
            last.append(number)
        else:
            ends[at], last[at] = place, number
    chain: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _shortest(a: list[int], b: list[int], work: _Work) -> list[tuple[int, int]]:
    """The matches of the shortest edit (Myers), or none when it is longer than is worth finding.

    `furthest` says for each diagonal how far into `a` the edits so far have come; `trail` keeps it for the way back.
    """
    furthest = {1: 0}
    trail: list[dict[int, int]] = []
    for edits in range(min(len(a) + len(b), MOST_EDITS) + 1):
        trail.append(furthest.copy())
        work.spend(2 * edits + 1)
        for line in range(-edits, edits + 1, 2):
            down = line == -edits or (line != edits and furthest[line - 1] < furthest[line + 1])
            x = furthest[line + 1] if down else furthest[line - 1] + 1
            begun = x
            while x < len(a) and 0 <= x - line < len(b) and a[x] == b[x - line]:
                x += 1
            work.spend(x - begun)
            furthest[line] = x
            if x >= len(a) and x - line >= len(b):
                return _walk_back(trail, len(a), len(b))
    work.is_rough = True
    return []


def _walk_back(trail: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    matches: list[tuple[int, int]] = []
    for edits in range(len(trail) - 1, -1, -1):
        furthest, line = trail[edits], x - y
        down = line == -edits or (line != edits and furthest[line - 1] < furthest[line + 1])
        before = line + 1 if down else line - 1
        from_x = furthest[before] if edits else 0
        from_y = from_x - before if edits else 0
        while x > from_x and y > from_y:
            x, y = x - 1, y - 1
            matches.append((x, y))
        x, y = from_x, from_y
    return matches
