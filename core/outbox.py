"""What is to be sent to somebody outside: put here in the transaction that decides it, sent later, at least once.

A row is taken by one worker for a while, and comes back when that one is lost; so it may go out twice, under the same
key. What fails waits longer each time and is given up in the end. Nothing waits for any of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import Database
from core.tables import outbox

TAKEN_FOR = timedelta(minutes=2)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
MOST_TRIES = 8
KEPT_FOR = timedelta(days=30)

_OPEN = and_(outbox.c.done.is_(None), outbox.c.dead.is_(None))


@dataclass(frozen=True, slots=True)
class Taken:
    """One thing to send, ours for `TAKEN_FOR`."""

    id: int
    key: str
    payload: bytes
    tries: int
    """This one included."""


async def put(connection: AsyncConnection, key: str, kind: str, payload: bytes, now: datetime) -> bool:
    """In the caller's transaction. False when something of this key was put before."""
    values = {"key": key, "kind": kind, "payload": payload, "made": now, "due": now, "tries": 0}
    try:
        async with connection.begin_nested():
            await connection.execute(insert(outbox).values(values))
    except IntegrityError:
        return False
    return True


async def was_put(connection: AsyncConnection, prefix: str, since: datetime) -> bool:
    """Whether anything whose key begins so was put since then."""
    query = select(outbox.c.id).where(outbox.c.key.startswith(prefix, autoescape=True), outbox.c.made > since)
    return (await connection.execute(query.limit(1))).first() is not None


async def take(db: Database, kind: str, now: datetime) -> Taken | None:
    """The next that is due, or None."""
    async with db.write() as connection:
        due = select(outbox).where(outbox.c.kind == kind, _OPEN, outbox.c.due <= now)
        row = (await connection.execute(due.order_by(outbox.c.due, outbox.c.id).limit(1))).first()
        if row is None:
            return None
        # Named with the tries that were seen, so that of two workers one has it.
        ours = update(outbox).where(outbox.c.id == row.id, outbox.c.tries == row.tries, _OPEN)
        values = {"tries": row.tries + 1, "due": now + TAKEN_FOR}
        if not (await connection.execute(ours.values(values))).rowcount:
            return None
    return Taken(row.id, row.key, row.payload, row.tries + 1)


async def sent(db: Database, taken: Taken, now: datetime) -> None:
    async with db.write() as connection:
        await connection.execute(update(outbox).where(outbox.c.id == taken.id).values(done=now))


async def failed(db: Database, taken: Taken, now: datetime) -> bool:
    """Try again later. True when it was given up."""
    gives_up = taken.tries >= MOST_TRIES
    later = now + min(FIRST_WAIT * 4 ** (taken.tries - 1), LONGEST_WAIT)
    values = {"dead": now} if gives_up else {"due": later}
    async with db.write() as connection:
        await connection.execute(update(outbox).where(outbox.c.id == taken.id, _OPEN).values(values))
    return gives_up


async def count_given_up(connection: AsyncConnection, kind: str) -> int:
    query = select(func.count()).select_from(outbox).where(outbox.c.kind == kind, outbox.c.dead.is_not(None))
    return int((await connection.execute(query)).scalar_one())


async def forget_sent(connection: AsyncConnection, now: datetime) -> None:
    """Remove what was sent or given up long ago."""
    before = now - KEPT_FOR
    await connection.execute(delete(outbox).where(or_(outbox.c.done < before, outbox.c.dead < before)))
