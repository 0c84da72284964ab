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


def note_stored() -> None:
    """Something of this piece of work is stored, or may be: it is not to be done again."""
    _has_stored.set(True)


def refusal_of(sqlstate: str | None) -> Unavailable:
    """What the failure of a transaction is for the work it belongs to."""
    taken_back = sqlstate in (SERIALIZATION_FAILURE, DEADLOCK_DETECTED)
    return Contested() if taken_back and not _has_stored.get() else Unavailable()


async def until_uncontested(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` gives, which is begun up to three times. Raises Unavailable when all of them were Contested."""
    for _ in range(MOST_TRIES):
        _has_stored.set(False)
        try:
            return await work()
        except Contested:
            # Of different lengths, so that two do not meet again.
            await asyncio.sleep(random.uniform(0, LONGEST_REST_S))
    raise Unavailable
