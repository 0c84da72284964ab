"""The short way into the log: what the writer believes of a conversation is checked by the statement that stores.

A belief is what the last commit left: state, advisor, number. The statement locks the conversations, keeps those whose
belief is true, numbers and stores their events and commits, in one round trip. Whoever's belief was false is stored
by nobody and goes the long way (chat/log.py). Nothing rests on a belief, so a wrong one costs time and no promise.
"""

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Protocol

from sqlalchemy import Row

from chat.events import Author, Event
from chat.keys import ConversationKeys
from chat.rows import NewRow, said_at
from chat.words import OPEN, Kind, Side
from core.crypto import DataKey
from core.db import Database
from core.packed import bigint, bigints, bytea, byteas, integer, integers, string, texts
from core.wire import FEW, AlreadyThere, Parameters

__all__ = ["AlreadyThere", "Beliefs", "QuickRows", "Stretch", "quick_rows"]

MOST_BELIEFS = 20_000
# What changes neither the state of a conversation nor its advisor.
ONLY_SAID = frozenset({Kind.MESSAGE, Kind.NOTE, Kind.ARTICLE})


@dataclass(slots=True)
class Belief:
    """What was true of a conversation when it was last read or written here, and the key that opened it then."""

    status: str
    advisor_id: str | None
    last_seq: int
    key: DataKey


class Beliefs:
    """The beliefs of this process, the oldest forgotten first."""

    def __init__(self, keys: ConversationKeys) -> None:
        self.of: OrderedDict[int, Belief] = OrderedDict()
        self._keys = keys

    def allow(self, conversation_id: int, author: Author) -> bool:
        """Whether this author may write there, as far as is known. The statement that stores makes sure."""
        belief = self.of.get(conversation_id)
        if belief is None or belief.status not in OPEN:
            return False
        return author.kind is Side.VISITOR or (belief.advisor_id is not None and belief.advisor_id == author.key)

    def keep(self, row: Row[Any], last_seq: int) -> None:
        """What a commit left of this conversation."""
        if row.wrapped_key is None:
            return
        self.of[row.id] = Belief(row.status, row.advisor_id, last_seq, self._keys.get(row.id, row.wrapped_key))
        if len(self.of) > MOST_BELIEFS:
            self.of.popitem(last=False)

    def drop(self, conversation_id: int) -> None:
        self.of.pop(conversation_id, None)

    def move_on(self, events: Sequence[Event]) -> None:
        """What other processes stored in one conversation raises its number, or puts an end to what is believed."""
        conversation_id, last_seq = events[-1].conversation_id, events[-1].seq
        belief = self.of.get(conversation_id)
        if belief is None or last_seq <= belief.last_seq:
            return
        if all(event.kind in ONLY_SAID for event in events if event.seq > belief.last_seq):
            belief.last_seq = last_seq
        else:
            self.drop(conversation_id)


@dataclass(frozen=True, slots=True)
class Stretch:
    """New events of one conversation, numbered on from what is believed."""

    conversation_id: int
    belief: Belief
    rows: list[NewRow]

    def said_at(self, side: Side) -> int:
        """When this side last spoke in it; 0 for not at all."""
        return said_at(self.rows, side) or 0


class QuickRows(Protocol):
    async def put(self, stretches: Sequence[Stretch]) -> set[int]:
        """Store and commit what rests on a true belief; the conversations that did.

        Raises AlreadyThere, with nothing stored, when one of the ids is in the log.
        """
        ...


def quick_rows(db: Database) -> QuickRows:
    return SqliteQuickRows(db) if db.is_sqlite else PostgresQuickRows(db)


POSTGRES = (
    # Every writer locks in this order, so none waits in a circle. What is compared is read under the lock.
    "WITH locked AS ("
    " SELECT c.id, c.status, c.advisor_id, c.last_seq, c.wrapped_key, w.status AS believed_status,"
    " w.advisor_id AS believed_advisor_id, w.last_seq AS believed_last_seq, w.top, w.visitor_at, w.advisor_at"
    " FROM unnest($1, $2, $3, $4, $5, $6, $7) AS w(id, status, advisor_id, last_seq, top, visitor_at, advisor_at)"
    " JOIN conversation c ON c.id = w.id ORDER BY c.id FOR UPDATE OF c"
    "), held AS MATERIALIZED ("
    " SELECT id, top, visitor_at, advisor_at FROM locked"
    " WHERE last_seq = believed_last_seq AND status = believed_status"
    " AND advisor_id IS NOT DISTINCT FROM NULLIF(believed_advisor_id, '') AND wrapped_key IS NOT NULL"
    "), moved AS ("
    " UPDATE conversation c SET last_seq = held.top,"
    " visitor_last_at = COALESCE(NULLIF(held.visitor_at, 0), c.visitor_last_at),"
    " advisor_last_at = COALESCE(NULLIF(held.advisor_at, 0), c.advisor_last_at)"
    " FROM held WHERE c.id = held.id"
    "), stored AS ("
    " INSERT INTO event (conversation_id, seq, kind, author, client_id, at_ms, sealed)"
    " SELECT e.* FROM unnest($8, $9, $10, $11, $12, $13, $14) AS e(conversation_id, seq, kind, author, client_id, at_ms, sealed)"
    " JOIN held ON held.id = e.conversation_id"
    ") SELECT id FROM held"
)


# The same for one event, and sent for each of a few in the order of their ids: most of what there is when little is said.
# Whoever waited for the lock compares with what is there after it.
LONE_POSTGRES = (
    "WITH held AS ("
    " UPDATE conversation SET last_seq = $5, visitor_last_at = COALESCE(NULLIF($6, 0), visitor_last_at),"
    " advisor_last_at = COALESCE(NULLIF($7, 0), advisor_last_at)"
    " WHERE id = $1 AND status = $2 AND advisor_id IS NOT DISTINCT FROM NULLIF($3, '') AND last_seq = $4"
    " AND wrapped_key IS NOT NULL RETURNING id"
    "), stored AS ("
    " INSERT INTO event (conversation_id, seq, kind, author, client_id, at_ms, sealed)"
    " SELECT id, $5, $8, $9, $10, $11, $12 FROM held"
    ") SELECT id FROM held"
)


class PostgresQuickRows:
    def __init__(self, db: Database) -> None:
        self._wire = db.open_wire()

    async def put(self, stretches: Sequence[Stretch]) -> set[int]:
        # Two events of one conversation go whole or not at all: where the belief is false, the second might fit what is there.
        if len(stretches) <= FEW and all(len(one.rows) == 1 for one in stretches):
            each = map(_lone, sorted(stretches, key=attrgetter("conversation_id")))
            held = await self._wire.write(LONE_POSTGRES, *each)
        else:
            held = await self._wire.write(POSTGRES, _several(stretches))
        return {row[0] for row in held}


def _several(stretches: Sequence[Stretch]) -> Parameters:
    beliefs = [one.belief for one in stretches]
    rows = [row for one in stretches for row in one.rows]
    return (
        bigints([one.conversation_id for one in stretches]),
        texts([belief.status for belief in beliefs]),
        texts([belief.advisor_id or "" for belief in beliefs]),
        integers([belief.last_seq for belief in beliefs]),
        integers([one.rows[-1].seq for one in stretches]),
        bigints([one.said_at(Side.VISITOR) for one in stretches]),
        bigints([one.said_at(Side.ADVISOR) for one in stretches]),
        bigints([row.conversation_id for row in rows]),
        integers([row.seq for row in rows]),
        texts([row.kind for row in rows]),
        texts([row.author for row in rows]),
        texts([row.client_id or "" for row in rows]),
        bigints([row.at_ms for row in rows]),
        byteas([row.sealed for row in rows]),
    )


def _lone(stretch: Stretch) -> Parameters:
    belief, row = stretch.belief, stretch.rows[0]
    return (
        bigint(stretch.conversation_id),
        string(belief.status),
        string(belief.advisor_id or ""),
        integer(belief.last_seq),
        integer(row.seq),
        bigint(stretch.said_at(Side.VISITOR)),
        bigint(stretch.said_at(Side.ADVISOR)),
        string(row.kind),
        string(row.author),
        string(row.client_id or ""),
        bigint(row.at_ms),
        bytea(row.sealed),
    )


SQLITE_LOOK = (
    "SELECT id, status, advisor_id, last_seq FROM conversation"
    " WHERE wrapped_key IS NOT NULL AND id IN (SELECT value FROM json_each(?))"
)
SQLITE_STORE = (
    "INSERT INTO event (conversation_id, seq, kind, author, client_id, at_ms, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
SQLITE_MOVE = (
    "UPDATE conversation SET last_seq = ?, visitor_last_at = COALESCE(NULLIF(?, 0), visitor_last_at),"
    " advisor_last_at = COALESCE(NULLIF(?, 0), advisor_last_at) WHERE id = ?"
)


class SqliteQuickRows:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def put(self, stretches: Sequence[Stretch]) -> set[int]:
        def work(connection: sqlite3.Connection) -> set[int]:
            ids = json.dumps([one.conversation_id for one in stretches])
            true = {row[0]: row[1:] for row in connection.execute(SQLITE_LOOK, (ids,))}
            held = [one for one in stretches if true.get(one.conversation_id) == _believed(one.belief)]
            connection.executemany(SQLITE_STORE, _stored(held))
            connection.executemany(SQLITE_MOVE, _moved(held))
            return {one.conversation_id for one in held}

        try:
            return await self._db.write_at_once(work)
        except sqlite3.IntegrityError:
            raise AlreadyThere from None


def _believed(belief: Belief) -> tuple[str, str | None, int]:
    return belief.status, belief.advisor_id, belief.last_seq


def _stored(stretches: Sequence[Stretch]) -> Iterable[tuple[object, ...]]:
    for one in stretches:
        for row in one.rows:
            yield row.conversation_id, row.seq, row.kind, row.author, row.client_id, row.at_ms, row.sealed


def _moved(stretches: Sequence[Stretch]) -> Iterable[tuple[object, ...]]:
    for one in stretches:
        yield one.rows[-1].seq, one.said_at(Side.VISITOR), one.said_at(Side.ADVISOR), one.conversation_id
