"""What is near in meaning: one vector for each article, and one for each question that it is known to answer.

A snapshot's vectors are never changed; `with_rows` makes new ones. In a large library the signs of the numbers choose who
is compared closely: 256 bits instead of 256 numbers, and of those who differ least the exact likeness is worked out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.meaning import DIMENSIONS, Vector

EXACT = 2_000
CANDIDATES = 400
WORD_BITS = 64
# What the whole article says counts this much, the nearest of its questions the rest.
WHOLE = 0.4

Half = NDArray[np.float16]
Codes = NDArray[np.uint64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Meanings:
    whole: Half
    """One line for each article, by its row."""
    codes: Codes
    """The signs of `whole`, packed: four lines of a word for each article."""
    asked: Half
    """One line for each question, of the row in `asked_rows`."""
    asked_codes: Codes
    asked_rows: NDArray[np.int32]

    @classmethod
    def none(cls) -> "Meanings":
        vectors = np.zeros((0, DIMENSIONS), np.float16)
        return cls(vectors, _codes(vectors), vectors, _codes(vectors), np.zeros(0, np.int32))

    def with_rows(self, count: int, changed: Mapping[int, tuple[Vector, list[Vector]]]) -> "Meanings":
        """A copy for `count` articles, with these rows as they are now: the whole, and each question."""
        whole, codes = grown(self.whole, count), np.zeros((len(self.codes), count), np.uint64)
        codes[:, : self.codes.shape[1]] = self.codes
        rows = np.fromiter(changed, np.int64, len(changed))
        if len(rows):
            whole[rows] = np.array([vector for vector, _ in changed.values()], np.float16)
            codes[:, rows] = _codes(whole[rows])
        kept = ~np.isin(self.asked_rows, rows)
        new = [(row, vector) for row, (_, vectors) in changed.items() for vector in vectors]
        more = np.array([vector for _, vector in new], np.float16).reshape(len(new), DIMENSIONS)
        owners = np.array([row for row, _ in new], np.int32)
        return Meanings(
            whole,
            codes,
            np.concatenate([self.asked[kept], more]),
            np.concatenate([self.asked_codes[:, kept], _codes(more)], axis=1),
            np.concatenate([self.asked_rows[kept], owners]),
        )

    def nearest(self, meaning: Vector, allowed: Mask, count: int) -> dict[int, float]:
        """The nearest of the allowed rows and how near they are, the nearest first."""
        rows = self._candidates(meaning, allowed)
        if not len(rows):
            return {}
        likeness = np.zeros(len(allowed), np.float32)
        likeness[rows] = self.whole[rows].astype(np.float32) @ meaning
        best = likeness.copy()
        chosen = np.zeros(len(allowed), np.bool_)
        chosen[rows] = True
        asked = np.flatnonzero(chosen[self.asked_rows])
        np.maximum.at(best, self.asked_rows[asked], self.asked[asked].astype(np.float32) @ meaning)
        similar = np.float32(WHOLE) * likeness[rows] + np.float32(1 - WHOLE) * best[rows]
        order = np.argsort(-similar, kind="stable")[:count]
        return {int(rows[place]): float(similar[place]) for place in order if similar[place] > 0}

    def _candidates(self, meaning: Vector, allowed: Mask) -> NDArray[np.int64]:
        if np.count_nonzero(allowed) <= EXACT:
            return np.flatnonzero(allowed)
        wanted = _codes(meaning[np.newaxis])
        differ = np.bitwise_count(self.codes ^ wanted).sum(axis=0, dtype=np.uint16)
        differ[~allowed] = DIMENSIONS + 1
        rows = np.argpartition(differ, CANDIDATES)[:CANDIDATES]
        # A question may be near although the whole is not.
        asked = np.unique(self.asked_rows[self._near_questions(meaning)])
        return np.union1d(rows[allowed[rows]], asked[allowed[asked]])

    def _near_questions(self, meaning: Vector) -> NDArray[np.int64]:
        if len(self.asked_rows) <= EXACT:
            return np.arange(len(self.asked_rows))
        differ = np.bitwise_count(self.asked_codes ^ _codes(meaning[np.newaxis])).sum(axis=0, dtype=np.uint16)
        return np.argpartition(differ, CANDIDATES)[:CANDIDATES]


def grown(array: NDArray[Any], rows: int) -> NDArray[Any]:
    """A copy with room for so many rows: a snapshot that somebody reads is never written to."""
    copy = np.zeros((rows, *array.shape[1:]), array.dtype)
    copy[: len(array)] = array
    return copy


def _codes(vectors: NDArray[Any]) -> Codes:
    """Which numbers are positive, 64 of them in a word; a line for each word, so that lines can be added up."""
    packed = np.packbits(vectors > 0, axis=1).view(np.uint64)
    return np.ascontiguousarray(packed.T).reshape(DIMENSIONS // WORD_BITS, len(vectors))
