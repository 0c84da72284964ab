"""`python -m bench.seed`: puts conversations into the database of a service that is being measured.

Ten thousand enquiries through the door would take longer than what is measured after them. The rows are made with the
service's own keys and in its own words, so that it reads them like any others. Prints one line of JSON for each.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import uuid
from datetime import timedelta

import msgspec
from sqlalchemy import insert, select

from app.offline import command_settings, database_url
from chat.events import SYSTEM_AUTHOR, VISITOR_AUTHOR, Author, Event
from chat.keys import ConversationKeys
from chat.references import new_reference
from chat.rows import LogRows, new_row
from chat.tables import conversation
from chat.words import Kind, Side, Status
from core.clock import to_ms, utc_now
from core.crypto import KeyRing, new_token, token_hash
from core.db import Database

ROWS_AT_ONCE = 1_000
ADVISOR = Author(Side.ADVISOR, "bench", "Cora")
SENTENCE = "we meet again tomorrow and i would like to be clear with him about limits while he still feels that change"


class Seeded(msgspec.Struct):
    """One conversation, and the cookie that opens it."""

    reference: str
    token: str
    last_seq: int


async def seed(database: Database, keys: ConversationKeys, conversations: int, messages: int) -> list[Seeded]:
    """Active conversations, each with a question, `queued`, `joined` and then this many messages of both sides."""
    now = utc_now()
    wrapped = [keys.make() for _ in range(conversations)]
    tokens = [new_token() for _ in range(conversations)]
    references = [new_reference() for _ in range(conversations)]
    values = [
        {
            "reference": reference,
            "status": Status.ACTIVE,
            "urgency": "routine",
            "waiting_since": now,
            "claimed_at": now,
            "sort_key": to_ms(now),
            "visitor_token_hash": token_hash(token),
            "wrapped_key": key,
            "sector": "probation",
            "area": "national",
            "topic": "talking_with_them",
            "deadline": "none",
            "immediate_danger": "no",
            "risk_flags": "none",
            "language": "en",
            "created_at": now,
        }
        for reference, token, (_, key) in zip(references, tokens, wrapped, strict=True)
    ]
    rows = LogRows(database)
    async with database.write() as connection:
        await connection.execute(insert(conversation), values)
        found = await connection.execute(
            select(conversation.c.reference, conversation.c.id).where(conversation.c.created_at >= now)
        )
        ids: dict[str, int] = dict(found.tuples().all())
        events = [
            new_row(event, data_key)
            for reference, (data_key, _) in zip(references, wrapped, strict=True)
            for event in _events(ids[reference], to_ms(now - timedelta(hours=1)), messages)
        ]
        for start in range(0, len(events), ROWS_AT_ONCE):
            await rows.store(connection, events[start : start + ROWS_AT_ONCE])
    return [Seeded(reference, token, messages + 3) for reference, token in zip(references, tokens, strict=True)]


def _events(conversation_id: int, began_ms: int, messages: int) -> list[Event]:
    def event(seq: int, kind: Kind, author: Author, text: str) -> Event:
        identity = uuid.uuid4() if kind is Kind.MESSAGE else None
        return Event(conversation_id, seq, kind, author, began_ms + seq * 10, identity, text, {})

    talk = [
        event(seq, Kind.MESSAGE, ADVISOR if seq % 2 else VISITOR_AUTHOR, f"{seq}: {SENTENCE}")
        for seq in range(4, messages + 4)
    ]
    return [
        event(1, Kind.MESSAGE, VISITOR_AUTHOR, SENTENCE),
        event(2, Kind.QUEUED, SYSTEM_AUTHOR, ""),
        event(3, Kind.JOINED, ADVISOR, ""),
        *talk,
    ]


async def _seed_by_environment(conversations: int, messages: int) -> list[Seeded]:
    settings = command_settings(os.environ)
    database = Database(database_url(settings))
    try:
        return await seed(
            database, ConversationKeys(KeyRing.from_file(settings.master_keys_file)), conversations, messages
        )
    finally:
        await database.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.seed", description=__doc__)
    parser.add_argument("conversations", type=int)
    parser.add_argument("--messages", type=int, default=0, help="messages in each, after its first three events")
    options = parser.parse_args()
    seeded = asyncio.run(_seed_by_environment(options.conversations, options.messages))
    sys.stdout.buffer.write(b"\n".join(msgspec.json.encode(one) for one in seeded) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
