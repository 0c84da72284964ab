"""A round over conversations: one for which it cannot be done keeps no other waiting."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from core.errors import Unavailable
from core.troubles import troubles

Found = Row[*tuple[Any, ...]]


async def one_by_one(rows: Iterable[Found], do: Callable[[Found], Awaitable[bool]]) -> int:
    """For how many it was done; each row has the `id` of its conversation.

    Raises Unavailable and IntegrityError, the database's own and another worker's, which the next would meet as well.
    """
    count = 0
    for row in rows:
        try:
            count += await do(row)
        except (Unavailable, IntegrityError):
            raise
        except Exception as problem:  # noqa: BLE001  # whatever it is, such as a key that does not open, is this one's own
            troubles.note("conversation_left_as_it_is", conversation=row.id, kind=type(problem).__name__)
    return count
