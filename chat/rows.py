"""The log's rows: read and written a batch at a time, in the words of each engine.

Load makes batches, not queries: each function is one statement on PostgreSQL, whatever the number of messages.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.events import Event, seal_event
from chat.words import SAID, Side
from core.crypto import DataKey
from core.db import Database
from core.packed import bigint, bigints, integer, integers
from core.wire import FEW


@dataclass(frozen=True, slots=True)
class Statements:
    lock: TextClause
    known: TextClause
    tops: TextClause


@dataclass(frozen=True, slots=True)
class NewRow:
    """One event, numbered and sealed."""

    conversation_id: int
    seq: int
    kind: str
    author: str
    said_by: Side | None
    """Whose last word it is; of what is not said to the other side, nobody's."""
    client_id: str | None
    at_ms: int
    sealed: bytes


def new_row(event: Event, key: DataKey) -> NewRow:
    return NewRow(
        conversation_id=event.conversation_id,
        seq=event.seq,
        kind=event.kind,
        author=event.author.key,
        said_by=event.author.kind if event.kind in SAID else None,
        client_id=event.client_id.hex if event.client_id else None,
        at_ms=event.at_ms,
        sealed=seal_event(event, key),
    )


def said_at(rows: Sequence[NewRow], side: Side) -> int | None:
    """When this side last spoke, in new rows of one conversation; None for not at all.

    Rows that are stored together have one time: whoever was answered there spoke a millisecond before it, because who
    spoke last is told by these two times.
    """
    was_answered = False
    for row in reversed(rows):
        if row.said_by is side:
            return row.at_ms - was_answered
        was_answered |= row.said_by is not None
    return None


class LogRow(NamedTuple):
    """One event as it is stored, with the wrapped key of its conversation."""

    conversation_id: int
    seq: int
    kind: str
    author: str
    client_id: str | None
    at_ms: int
    sealed: bytes
    wrapped_key: bytes | None


EVENT_COLUMNS = "e.conversation_id, e.seq, e.kind, e.author, e.client_id, e.at_ms, e.sealed"

POSTGRES = Statements(
    lock=text(
        "SELECT id, status, advisor_id, last_seq, wrapped_key FROM conversation"
        " WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE"
    ),
    known=text(
        f"SELECT {EVENT_COLUMNS} FROM unnest(CAST(:ids AS bigint[]), CAST(:authors AS text[]), CAST(:client_ids AS text[]))"
        " AS k(id, author, client_id)"
        " JOIN event e ON e.conversation_id = k.id AND e.author = k.author AND e.client_id = k.client_id"
    ),
    tops=text("SELECT id, last_seq FROM conversation WHERE id = ANY(CAST(:ids AS bigint[]))"),
)

SQLITE = Statements(
    lock=text(
        "SELECT id, status, advisor_id, last_seq, wrapped_key FROM conversation"
        " WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY id"
    ),
    known=text(
        f"SELECT {EVENT_COLUMNS} FROM json_each(:keys) k JOIN event e ON e.conversation_id = k.value ->> 0"
        " AND e.author = k.value ->> 1 AND e.client_id = k.value ->> 2"
    ),
    tops=text("SELECT id, last_seq FROM conversation WHERE id IN (SELECT value FROM json_each(:ids))"),
)

AFTER_POSTGRES: LiteralString = (
    "SELECT e.conversation_id, e.seq, e.kind, e.author, e.client_id, e.at_ms, e.sealed, c.wrapped_key"
    " FROM unnest($1, $2) AS k(id, seq)"
    " JOIN conversation c ON c.id = k.id"
    " JOIN LATERAL (SELECT * FROM event x WHERE x.conversation_id = k.id AND x.seq > k.seq ORDER BY x.seq LIMIT $3)"
    " e ON true"
    " ORDER BY e.conversation_id, e.seq"
)

# Of one conversation, and asked for each of a few, which is what most hints tell of: half the work of the one above.
AFTER_ONE_POSTGRES: LiteralString = (
    "SELECT e.conversation_id, e.seq, e.kind, e.author, e.client_id, e.at_ms, e.sealed, c.wrapped_key"
    " FROM conversation c JOIN event e ON e.conversation_id = c.id"
    " WHERE c.id = $1 AND e.conversation_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3"
)

AFTER_SQLITE = text(
    f"SELECT {EVENT_COLUMNS}, c.wrapped_key FROM json_each(:cursors) k JOIN conversation c ON c.id = k.value ->> 0"
    " JOIN event e ON e.conversation_id = c.id AND e.seq > k.value ->> 1 AND e.seq <= (k.value ->> 1) + :page"
    " ORDER BY e.conversation_id, e.seq"
)

INSERT_POSTGRES = text(
    "WITH moved AS (UPDATE conversation c SET last_seq = v.seq,"
    " visitor_last_at = COALESCE(v.visitor_at, c.visitor_last_at), advisor_last_at = COALESCE(v.advisor_at, c.advisor_last_at)"
    " FROM unnest(CAST(:top_ids AS bigint[]), CAST(:top_seqs AS integer[]),"
    " CAST(:visitor_ats AS bigint[]), CAST(:advisor_ats AS bigint[]))"
    " AS v(id, seq, visitor_at, advisor_at) WHERE c.id = v.id)"
    " INSERT INTO event (conversation_id, seq, kind, author, client_id, at_ms, sealed)"
    " SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:seqs AS integer[]), CAST(:kinds AS text[]), CAST(:authors AS text[]),"
    " CAST(:client_ids AS text[]), CAST(:ats AS bigint[]), CAST(:sealed AS bytea[]))"
)

INSERT_SQLITE = text(
    "INSERT INTO event (conversation_id, seq, kind, author, client_id, at_ms, sealed)"
    " VALUES (:id, :seq, :kind, :author, :client_id, :at, :sealed)"
)

MOVE_SQLITE = text(
    "UPDATE conversation SET last_seq = :seq, visitor_last_at = COALESCE(:visitor_at, visitor_last_at),"
    " advisor_last_at = COALESCE(:advisor_at, advisor_last_at) WHERE id = :id"
)


class LogRows:
    """The statements of one engine, with their parameters made."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._is_sqlite = db.is_sqlite
        self._words = SQLITE if db.is_sqlite else POSTGRES
        # Two, so that whoever opens a long page does not stand before what has just been said.
        self._page_wire = None if db.is_sqlite else db.open_wire()
        self._news_wire = None if db.is_sqlite else db.open_wire()

    async def lock(self, connection: AsyncConnection, conversation_ids: Sequence[int]) -> dict[int, Row[Any]]:
        """id, status, advisor_id, last_seq, wrapped_key; locked in the order of their ids until the transaction ends."""
        rows = await connection.execute(self._words.lock, {"ids": self._ids(conversation_ids)})
        return {row.id: row for row in rows}

    async def known(self, connection: AsyncConnection, keys: Sequence[tuple[int, str, str]]) -> Sequence[Row[Any]]:
        """Events already stored under (conversation, author, client id)."""
        if self._is_sqlite:
            parameters: dict[str, Any] = {"keys": json.dumps(keys)}
        else:
            parameters = dict(zip(("ids", "authors", "client_ids"), map(list, zip(*keys, strict=True)), strict=True))
        return (await connection.execute(self._words.known, parameters)).all()

    async def after(self, cursors: dict[int, int], page: int, *, news: bool = False) -> Sequence[LogRow]:
        """At most `page` events after each conversation's cursor, in order, with the conversation's wrapped key."""
        wire = self._news_wire if news else self._page_wire
        if wire is not None and len(cursors) <= FEW:
            each = [(bigint(one), integer(seq), integer(page)) for one, seq in cursors.items()]
            return [LogRow(*row) for row in await wire.read(AFTER_ONE_POSTGRES, *each)]
        if wire is not None:
            several = (bigints(list(cursors)), integers(list(cursors.values())), integer(page))
            return [LogRow(*row) for row in await wire.read(AFTER_POSTGRES, several)]
        async with self._db.read() as connection:
            rows = await connection.execute(AFTER_SQLITE, {"cursors": json.dumps(list(cursors.items())), "page": page})
            return [LogRow(*row) for row in rows]

    async def tops(self, connection: AsyncConnection, conversation_ids: Sequence[int]) -> dict[int, int]:
        rows = await connection.execute(self._words.tops, {"ids": self._ids(conversation_ids)})
        return {row[0]: row[1] for row in rows}

    async def store(self, connection: AsyncConnection, rows: Sequence[NewRow]) -> None:
        """Insert the events and move the counters of their conversations."""
        by_conversation: dict[int, list[NewRow]] = {}
        for row in rows:
            by_conversation.setdefault(row.conversation_id, []).append(row)
        moved = [
            (one, new[-1].seq, said_at(new, Side.VISITOR), said_at(new, Side.ADVISOR))
            for one, new in by_conversation.items()
        ]
        if self._is_sqlite:
            names = ("id", "seq", "visitor_at", "advisor_at")
            await connection.execute(INSERT_SQLITE, [_named(row) for row in rows])
            await connection.execute(MOVE_SQLITE, [dict(zip(names, one, strict=True)) for one in moved])
            return
        columns = zip(
            *((r.conversation_id, r.seq, r.kind, r.author, r.client_id, r.at_ms, r.sealed) for r in rows), strict=True
        )
        parameters = dict(
            zip(("ids", "seqs", "kinds", "authors", "client_ids", "ats", "sealed"), map(list, columns), strict=True)
        )
        parameters |= dict(
            zip(("top_ids", "top_seqs", "visitor_ats", "advisor_ats"), map(list, zip(*moved, strict=True)), strict=True)
        )
        await connection.execute(INSERT_POSTGRES, parameters)

    def _ids(self, conversation_ids: Sequence[int]) -> str:
        """As the database reads an array. Ten thousand of them one by one in the driver cost as much as what they ask for."""
        ids = ",".join(map(str, conversation_ids))
        return f"[{ids}]" if self._is_sqlite else f"{{{ids}}}"


def _named(row: NewRow) -> dict[str, Any]:
    return {
        "id": row.conversation_id,
        "seq": row.seq,
        "kind": row.kind,
        "author": row.author,
        "client_id": row.client_id,
        "at": row.at_ms,
        "sealed": row.sealed,
    }
