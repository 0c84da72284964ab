"""Two transactions in each other's way: the database takes one of them back, and that one is done again.

A deadlock, or a serialization failure where the database was set to tell of such. Nothing of a transaction that was taken
back is stored, so whoever has stored nothing else yet may begin anew; who has, tells the person. SQLite's one writer waits
for its turn instead (`core.db`).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar

from core.errors import Contested, Unavailable

T = TypeVar("T")

SERIALIZATION_FAILURE = "40001"
DEADLOCK_DETECTED = "40P01"

MOST_TRIES = 3
LONGEST_REST_S = 0.1

_has_stored: ContextVar[bool] = ContextVar("has_stored", default=False)
_was_taken_back: ContextVar[bool] = ContextVar("was_taken_back", default=False)


def note_stored() -> None:
    """Something of this piece of work is stored, or may be: it is not to be done again."""
    _has_stored.set(True)


def refusal_of(sqlstate: str | None) -> Unavailable:
    """What the failure of a transaction is for the work it belongs to."""
    if sqlstate not in (SERIALIZATION_FAILURE, DEADLOCK_DETECTED) or _has_stored.get():
        return Unavailable()
    _was_taken_back.set(True)
    return Contested()


async def until_uncontested(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` gives, which is begun up to three times. Raises Unavailable when all of them were Contested."""
    had_stored, number = _has_stored.get(), 0
    try:
        while True:
            number += 1
            _has_stored.set(False)
            _was_taken_back.set(False)
            try:
                done = await work()
            except Contested as problem:
                if number == MOST_TRIES or _has_stored.get():
                    raise Unavailable from problem
            else:
                # It may have made an answer of what happened to it.
                if number == MOST_TRIES or _has_stored.get() or not _was_taken_back.get():
                    return done
            # Of different lengths, so that two do not meet again.
            await asyncio.sleep(random.uniform(0, LONGEST_REST_S))
    finally:
        if had_stored:
            note_stored()
