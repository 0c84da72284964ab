"""Two logs on one database, which stand for two web processes, and conversations to write into."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.conversations import Conversations, NewConversation
from chat.events import Author, Event
from chat.keys import ConversationKeys
from chat.log import Log
from chat.rows import LogRows, NewRow
from chat.tables import conversation
from chat.words import Side, Status
from core.clock import utc_now
from core.crypto import KeyRing
from core.db import Database
from staff.tables import account

QUESTION = "How do I prepare a first supervision session?"
CORA = Author(Side.ADVISOR, "cora", "Cora")
DEV = Author(Side.ADVISOR, "dev", "Dev")


@dataclass
class Writers:
    """Two processes' logs, and the first one's conversations."""

    databases: list[Database]
    logs: list[Log]
    conversations: Conversations

    async def open(self, advisor: Author | None = None) -> int:
        """A conversation with its question (1) and `queued` (2); active when an advisor is named."""
        async with self.databases[0].write() as connection:
            opened = await self.conversations.open(connection, enquiry(), utc_now())
        if advisor is not None:
            await self.set(opened.id, status=Status.ACTIVE, advisor_id=advisor.key)
        return opened.id

    async def set(self, conversation_id: int, **values: object) -> None:
        async with self.databases[0].write() as connection:
            await connection.execute(update(conversation).where(conversation.c.id == conversation_id).values(**values))

    async def stored(self, conversation_id: int) -> list[Event]:
        return await self.logs[0].read(conversation_id, limit=10_000)


def enquiry() -> NewConversation:
    return NewConversation(
        urgency="routine",
        sort_key=0,
        sector="probation",
        area="cleveland",
        topic="recognising_risk",
        deadline="days",
        immediate_danger="no",
        called_999=None,
        risk_flags=("none",),
        language="en",
        nickname="",
        question=QUESTION,
    )


@asynccontextmanager
async def two_writers(database_url: str) -> AsyncIterator[Writers]:
    databases = [Database(database_url), Database(database_url)]
    keyring = KeyRing([secrets.token_bytes(32)])
    logs = [Log(database, ConversationKeys(keyring), utc_now) for database in databases]
    running = [asyncio.create_task(log.run()) for log in logs]
    async with databases[0].write() as connection:
        for author in (CORA, DEV):
            row = {"id": author.key, "email": f"{author.key}@example.org", "name": author.name, "created_at": utc_now()}
            await connection.execute(insert(account).values(**row))
    try:
        yield Writers(databases, logs, Conversations(databases[0], logs[0], ConversationKeys(keyring), utc_now))
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for database in databases:
            await database.close()


class FailingOnce(LogRows):
    """Stores, and then has the database take it back: an id that another process stored in between."""

    failures = 1

    async def store(self, connection: AsyncConnection, rows: Sequence[NewRow]) -> None:
        await super().store(connection, rows)
        if self.failures:
            self.failures -= 1
            raise IntegrityError("INSERT", {}, Exception("unique"))
