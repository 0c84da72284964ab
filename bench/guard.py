"""Row `guard`: what the search for identifiers costs a message, by its length.

The texts are the clean sentences of the labelled set, joined and cut to length. As a reference the same texts are encoded
and sealed, which is the cheapest thing that every message needs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bench.identifiers import read_sentences
from bench.report import Bar, Options, Report, spread, within
from chat.identifiers import find_identifiers
from core.crypto import DataKey

LENGTHS = (120, 250, 500, 1_000, 2_000, 4_000)
TEXTS = 40
TRIES = 10
TIMES_OVER = 8


def run(folder: Path, options: Options) -> Report:
    joined = " ".join(one.text for one in read_sentences() if not one.gold)
    cipher = DataKey(bytes(range(32)))
    searched: dict[int, list[float]] = {length: [] for length in LENGTHS}
    sealed: dict[int, list[float]] = {length: [] for length in LENGTHS}
    over: list[float] = []
    for _ in range(options.rounds):
        works: list[tuple[list[float], Callable[[str], object], list[str]]] = []
        for length in LENGTHS:
            clean = _texts(joined, length)
            works.append((searched[length], find_identifiers, clean))
            works.append((sealed[length], lambda text: cipher.seal(text.encode(), b"bench"), clean))
        works.append((over, find_identifiers, [" ".join([text] * TIMES_OVER) for text in _texts(joined, 500)]))
        # In turn, so that the tries of one lie apart: a machine is slow for a second or two, and then it is not.
        for _ in range(TRIES):
            for times, work, texts in works:
                times.append(_time_ms(work, texts))
    taken = {length: min(times) for length, times in searched.items()}
    return Report(
        title=f"Search for identifiers in clean messages, ms each; the best of {options.rounds * TRIES} tries counts",
        columns=("characters", "search ms", "sealing ms", "search, us a character"),
        lines=[
            (
                f"{length:,}",
                spread(searched[length], 4),
                spread(sealed[length], 4),
                f"{1e3 * taken[length] / length:.3f}",
            )
            for length in LENGTHS
        ],
        bars=[
            within("a message of 120 characters", taken[120], 0.05, "ms"),
            within("a message of 500 characters", taken[500], 0.3, "ms"),
            # The same words eight times over may cost eight times as much, and a third more. Other words would not tell:
            # most short texts hold nothing to look at closely, and few long ones do not.
            Bar(
                f"linear: a character of 500 over one of the same {TIMES_OVER} times over",
                taken[500] * (TIMES_OVER * 500 + TIMES_OVER - 1) / 500 / min(over),
                0.75,
            ),
        ],
    )


def _texts(joined: str, length: int) -> list[str]:
    return [joined[start : start + length] for start in range(0, len(joined) - length, length)][:TEXTS]


def _time_ms(work: Callable[[str], object], texts: list[str]) -> float:
    """Processor time of one text, the mean of all, so that a busy machine does not count."""
    begun = time.thread_time()
    for text in texts:
        work(text)
    return 1e3 * (time.thread_time() - begun) / len(texts)
