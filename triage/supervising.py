"""What a supervisor does with a conversation: join it openly, advise its advisor quietly, grade it anew, read it with a reason.

Everything is on record: an event in the log where both sides or the staff are to know, an audit row in any case. Nobody reads
a conversation that is not theirs without a reason that is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from chat.conversations import Conversation, Conversations
from chat.events import Author, Entry, Event
from chat.fanout import Fanout
from chat.log import Log
from chat.tables import conversation, participant
from chat.words import Kind, Side, Status
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import Ended, NotFound
from core.people import SignedIn
from triage.invitations import bring_in
from triage.notices import Notices
from triage.queue import Queue
from triage.tables import reading
from triage.transfers import lock_conversation
from triage.urgency import sort_key
from triage.words import URGENCIES, Urgency

READ_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation that is read with a reason, and until when."""

    found: Conversation
    events: Sequence[Event]
    until: datetime


class Supervision:
    def __init__(
        self,
        db: Database,
        log: Log,
        conversations: Conversations,
        fanout: Fanout,
        queue: Queue,
        notices: Notices,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._db = db
        self._log = log
        self._conversations = conversations
        self._fanout = fanout
        self._queue = queue
        self._notices = notices
        self._audit = audit
        self._clock = clock

    async def join(self, reference: str, person: SignedIn) -> None:
        """Openly: both sides see it. Joined twice, they joined once. Raises NotFound, Ended."""
        found, now = await self._find(reference), self._clock()
        async with self._db.write() as connection:
            row = await lock_conversation(connection, found.id)
            if row.status != Status.ACTIVE:
                raise Ended("There is nobody to join: this conversation is not under way.")
            here = select(participant.c.id).where(
                participant.c.conversation_id == found.id,
                participant.c.account_id == person.account_id,
                participant.c.part == "joined",
                participant.c.until.is_(None),
            )
            if row.advisor_id == person.account_id or (await connection.execute(here)).first() is not None:
                return
            events = await bring_in(connection, self._log, found.id, person, "joined", now)
            await self._record(connection, person, "join", found)
        self._log.announce(events)
        self._fanout.account_changed(person.account_id)

    async def advise(self, reference: str, person: SignedIn, text: str) -> None:
        """A note that only staff see, marked as advice. `text` is checked. Raises NotFound, Ended."""
        found = await self._find(reference)
        async with self._db.write() as connection:
            row = await lock_conversation(connection, found.id)
            if row.status != Status.ACTIVE:
                raise Ended
            note = Entry(Kind.NOTE, _author(person), text, {"advice": True})
            events = await self._log.append(connection, found.id, note)
            await self._record(connection, person, "advise", found)
        self._log.announce(events)

    async def regrade(
        self, conversation_id: int, person: SignedIn, urgency: Urgency, reason: str, *, own: bool = False
    ) -> None:
        """Another urgency, with the reason as a note. `own`: only while it is theirs. Raises NotFound, Ended."""
        now = self._clock()
        async with self._db.write() as connection:
            row = await lock_conversation(connection, conversation_id)
            if own and row.advisor_id != person.account_id:
                raise NotFound
            if row.status not in (Status.WAITING, Status.ACTIVE, Status.QUESTION):
                raise Ended
            if row.urgency == urgency:
                return
            key = sort_key(row.waiting_since, urgency, requeued=row.requeues > 0)
            await connection.execute(
                update(conversation).where(conversation.c.id == row.id).values(urgency=urgency, sort_key=key)
            )
            words = f"Urgency changed from {URGENCIES[row.urgency]} to {URGENCIES[urgency]}: {reason}"
            note = Entry(Kind.NOTE, _author(person), words, {"regraded": {"from": row.urgency, "to": urgency}})
            events = await self._log.append(connection, row.id, note)
            told = await self._tell_advisor(connection, row, person)
            subject = f"conversation:{row.reference}"
            await self._audit.append(
                connection, now, person.account_id, "regrade", subject, former=row.urgency, urgency=urgency
            )
        self._log.announce(events)
        self._notices.told(*told)
        self._queue.changed()

    async def open_transcript(self, reference: str, person: SignedIn, reason: str) -> None:
        """Allow oneself to read it for half an hour; the reason is kept. Raises NotFound."""
        found, now = await self._find(reference), self._clock()
        async with self._db.write() as connection:
            values = {"conversation_id": found.id, "account_id": person.account_id, "reason": reason}
            await connection.execute(insert(reading).values(at=now, until=now + READ_FOR, **values))
            await self._record(connection, person, "read", found)

    async def transcript(self, reference: str, person: SignedIn, after: int = 0) -> Transcript | None:
        """What may be read, from a seq on; None without a reason that still holds. Raises NotFound."""
        found = await self._find(reference)
        mine = (reading.c.conversation_id == found.id, reading.c.account_id == person.account_id)
        query = select(reading.c.until).where(*mine, reading.c.until > self._clock())
        async with self._db.read() as connection:
            until = (await connection.execute(query.order_by(reading.c.until.desc()).limit(1))).scalar_one_or_none()
        if until is None:
            return None
        return Transcript(found, await self._log.read(found.id, after), until)

    async def _find(self, reference: str) -> Conversation:
        found = await self._conversations.by_reference(reference)
        if found is None:
            raise NotFound
        return found

    async def _record(self, connection: Any, person: SignedIn, action: str, found: Conversation) -> None:
        subject = f"conversation:{found.reference}"
        await self._audit.append(connection, self._clock(), person.account_id, action, subject)

    async def _tell_advisor(self, connection: Any, row: Row[*tuple[Any, ...]], by: SignedIn) -> list[str]:
        if row.advisor_id in (None, by.account_id):
            return []
        await self._notices.tell(connection, row.advisor_id, "regraded", row.id, name=by.name)
        return [row.advisor_id]


def _author(person: SignedIn) -> Author:
    return Author(Side.ADVISOR, person.account_id, person.name)
