"""Conversations: opening one, finding one, who may see it, ending it.

Each change of state is one conditional UPDATE that names the state it leaves, in one transaction with the event that
tells of it. A conversation that somebody may not see does not exist for them.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.arrivals import HEAD_COLUMNS, Arrivals
from chat.events import SYSTEM_AUTHOR, VISITOR_AUTHOR, Author, Entry, Event
from chat.keys import ConversationKeys, place_of
from chat.log import Log
from chat.references import new_reference, new_resume_code, parse_reference, parse_resume_code
from chat.tables import conversation, event, participant
from chat.viewer import Head
from chat.words import OPEN, Kind, Side, Status
from core.clock import Clock
from core.crypto import DataKey, new_token, token_hash
from core.db import Database
from core.errors import Ended, NotFound
from core.people import SignedIn


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row, with the nickname opened. Times are aware UTC; `sort_key` is in milliseconds."""

    id: int
    reference: str
    status: Status
    urgency: str
    waiting_since: datetime
    sort_key: int
    advisor_id: str | None
    claim_epoch: int
    requeues: int
    last_seq: int
    sector: str
    area: str
    topic: str
    deadline: str
    immediate_danger: str
    called_999: str | None
    risk_flags: tuple[str, ...]
    language: str
    nickname: str
    created_at: datetime
    claimed_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    visitor_read: int
    advisor_read: int
    visitor_last_at: datetime | None
    advisor_last_at: datetime | None
    question_at: datetime | None
    nudged_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def visitor(self) -> Author:
        return Author(Side.VISITOR, VISITOR_AUTHOR.key, self.nickname)


@dataclass(frozen=True, slots=True)
class Start:
    """What an enquiry that may be sent again opens its conversation with, each time the same."""

    enquiry_hash: bytes
    visitor_token: str
    resume_code: str


@dataclass(frozen=True, slots=True)
class NewConversation:
    """A checked enquiry. `sort_key` in milliseconds; `question` becomes the first message."""

    urgency: str
    sort_key: int
    sector: str
    area: str
    topic: str
    deadline: str
    immediate_danger: str
    called_999: str | None
    risk_flags: tuple[str, ...]
    language: str
    nickname: str
    question: str
    start: Start | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What exists now. The token and the code are known here only; their hashes are stored.

    Without events: the same enquiry opened it before.
    """

    id: int
    reference: str
    visitor_token: str
    resume_code: str
    events: list[Event]


class Conversations:
    def __init__(self, db: Database, log: Log, keys: ConversationKeys, clock: Clock) -> None:
        self._db = db
        self._log = log
        self._keys = keys
        self._clock = clock
        self._arrivals = Arrivals(db, keys)

    async def open(self, connection: AsyncConnection, new: NewConversation, now: datetime) -> Opened:
        """The row, its key, the question as event 1 and `queued` as event 2, in the caller's transaction."""
        start = new.start or Start(b"", new_token(), new_resume_code())
        key, wrapped = self._keys.make()
        inserted = await self._insert(
            connection,
            {
                "status": Status.WAITING,
                "urgency": new.urgency,
                "waiting_since": now,
                "sort_key": new.sort_key,
                "visitor_token_hash": token_hash(start.visitor_token),
                "resume_code_hash": token_hash(start.resume_code),
                "enquiry_hash": start.enquiry_hash or None,
                "wrapped_key": wrapped,
                "sector": new.sector,
                "area": new.area,
                "topic": new.topic,
                "deadline": new.deadline,
                "immediate_danger": new.immediate_danger,
                "called_999": new.called_999,
                "risk_flags": " ".join(new.risk_flags),
                "language": new.language,
                "created_at": now,
            },
        )
        if inserted is None:
            before = await self._opened_with(connection, start)
            assert before is not None
            return before
        reference, row_id = inserted
        name = new.nickname or VISITOR_AUTHOR.name
        if new.nickname:
            sealed = key.seal(new.nickname.encode(), place_of(row_id, "nickname"))
            await connection.execute(
                update(conversation).where(conversation.c.id == row_id).values(sealed_nickname=sealed)
            )
        visitor = Author(Side.VISITOR, VISITOR_AUTHOR.key, name)
        question = Entry(Kind.MESSAGE, visitor, new.question)
        queued = Entry(Kind.QUEUED, SYSTEM_AUTHOR, data={"urgency": new.urgency})
        events = await self._log.append(connection, row_id, question, queued)
        return Opened(row_id, reference, start.visitor_token, start.resume_code, events)

    async def opened_with(self, start: Start) -> Opened | None:
        """What this very enquiry opened before: its answer was lost, or it was sent twice."""
        async with self._db.read() as connection:
            return await self._opened_with(connection, start)

    async def _opened_with(self, connection: AsyncConnection, start: Start) -> Opened | None:
        same = conversation.c.enquiry_hash == start.enquiry_hash
        row = (await connection.execute(select(conversation.c.id, conversation.c.reference).where(same))).one_or_none()
        return Opened(row.id, row.reference, start.visitor_token, start.resume_code, []) if row else None

    async def _insert(self, connection: AsyncConnection, values: dict[str, Any]) -> tuple[str, int] | None:
        """Reference and id of the new row; None when the same enquiry was faster."""
        same = select(conversation.c.id).where(conversation.c.enquiry_hash == values["enquiry_hash"])
        for _ in range(5):
            reference = new_reference()
            try:
                async with connection.begin_nested():
                    done = await connection.execute(
                        insert(conversation).values(reference=reference, **values).returning(conversation.c.id)
                    )
                    return reference, done.scalar_one()
            except IntegrityError:
                if values["enquiry_hash"] and (await connection.execute(same)).one_or_none() is not None:
                    return None
        raise RuntimeError("five references in a row were taken")

    async def of_visitor(self, token: str) -> Conversation | None:
        """The conversation that this cookie opens."""
        if not 20 <= len(token) <= 100:
            return None
        return await self._one(select(conversation).where(conversation.c.visitor_token_hash == token_hash(token)))

    async def by_reference(self, reference: str) -> Conversation | None:
        known = parse_reference(reference)
        return await self._one(select(conversation).where(conversation.c.reference == known)) if known else None

    async def by_id(self, conversation_id: int) -> Conversation | None:
        return await self._one(BY_ID, id=conversation_id)

    async def access_staff(self, reference: str, person: SignedIn) -> Conversation:
        """The conversation, for its advisor and for colleagues who were brought in. For anybody else: NotFound."""
        known = parse_reference(reference)
        if known is None:
            raise NotFound
        found = await self._one(
            select(conversation).where(conversation.c.reference == known, _seen_by(person.account_id))
        )
        if found is None:
            raise NotFound
        return found

    async def of_account(self, account_id: str) -> list[Conversation]:
        """Those that are active with this account or that it was brought into, the longest held first."""
        mine = select(conversation).where(
            conversation.c.status == Status.ACTIVE, conversation.c.wrapped_key.is_not(None), _seen_by(account_id)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(mine.order_by(conversation.c.claimed_at))).all()
        return [self._opened(row) for row in rows]

    async def name_of_visitor(self, token: str) -> str | None:
        """What the visitor behind this cookie is called; None when it opens nothing."""
        return await self._arrivals.name(token)

    async def heads_of_visitor(self, token: str) -> list[Head]:
        return await self._arrivals.heads(token)

    async def heads_of_account(self, account_id: str) -> list[Head]:
        return await self._arrivals.heads_of_account(account_id)

    async def head_once_of(self, account_id: str, reference: str) -> Head | None:
        """A conversation that this account has or once had, whoever has it now."""
        theirs = or_(_seen_by(account_id), _written_by(account_id))
        heads = await self._heads(and_(conversation.c.reference == parse_reference(reference), theirs))
        return heads[0] if heads else None

    async def access_to_write(self, reference: str, person: SignedIn) -> Head:
        """The same: there a message that is sent again gets its answer. Else NotFound."""
        found = await self.head_once_of(person.account_id, reference)
        if found is None:
            raise NotFound
        return found

    async def still_seen_by(self, account_id: str, references: Set[str]) -> list[Head]:
        """Those of these conversations that this account may go on seeing, though they are over."""
        over = conversation.c.status.not_in(OPEN)
        heads = await self._heads(and_(conversation.c.reference.in_(references), over, _seen_by(account_id)))
        return [replace(head, is_aside=True) for head in heads]

    async def _heads(self, where: Any) -> list[Head]:
        columns = [conversation.c[name] for name in HEAD_COLUMNS]
        async with self._db.read() as connection:
            rows = (
                await connection.execute(select(*columns).where(where, conversation.c.wrapped_key.is_not(None)))
            ).all()
        return [Head(*row) for row in rows]

    async def resume(self, connection: AsyncConnection, reference: str, code: str) -> str | None:
        """A new token for the visitor who knows reference and code; None when they do not fit. Older tokens end."""
        known, exact = parse_reference(reference), parse_resume_code(code)
        if known is None or exact is None:
            return None
        token = new_token()
        done = await connection.execute(
            update(conversation)
            .where(conversation.c.reference == known, conversation.c.resume_code_hash == token_hash(exact))
            .values(visitor_token_hash=token_hash(token))
        )
        return token if done.rowcount == 1 else None

    async def forget_device(self, found: Conversation, token: str) -> None:
        """This cookie opens nothing any longer, and no other does, until somebody comes with reference and code."""
        mine = (conversation.c.id == found.id, conversation.c.visitor_token_hash == token_hash(token))
        async with self._db.write() as connection:
            await connection.execute(update(conversation).where(*mine).values(visitor_token_hash=None))

    async def end(self, found: Conversation, by: Author, now: datetime) -> None:
        """Active becomes ended, or answered when it was left as a question; waiting becomes left.

        Raises Ended when somebody was faster.
        """
        leaving = found.status in (Status.WAITING, Status.QUESTION)
        status, kind = (Status.LEFT, Kind.LEFT) if leaving else (Status.ENDED, Kind.ENDED)
        if not leaving and found.question_at is not None and by.kind is Side.ADVISOR:
            status = Status.ANSWERED
        async with self._db.write() as connection:
            done = await connection.execute(
                update(conversation)
                .where(
                    conversation.c.id == found.id,
                    conversation.c.status == found.status,
                    conversation.c.claim_epoch == found.claim_epoch,
                )
                .values(status=status, ended_at=now, ended_by=by.kind)
            )
            if done.rowcount != 1:
                raise Ended
            events = await self._log.append(connection, found.id, Entry(kind, by, data={"by": by.kind}))
        self._log.announce(events)

    async def seal(self, connection: AsyncConnection, conversation_id: int, text: str, what: str) -> bytes:
        """A text that belongs to this conversation, such as a summary, under its key."""
        return (await self._key(connection, conversation_id)).seal(text.encode(), place_of(conversation_id, what))

    async def unseal(self, connection: AsyncConnection, conversation_id: int, sealed: bytes, what: str) -> str:
        return (await self._key(connection, conversation_id)).open(sealed, place_of(conversation_id, what)).decode()

    async def _key(self, connection: AsyncConnection, conversation_id: int) -> DataKey:
        query = select(conversation.c.wrapped_key).where(conversation.c.id == conversation_id)
        return self._keys.get(conversation_id, (await connection.execute(query)).scalar_one_or_none())

    async def _one(self, query: Select[Any], **values: object) -> Conversation | None:
        async with self._db.read() as connection:
            row = (await connection.execute(query, values)).one_or_none()
        return self._opened(row) if row is not None and row.wrapped_key is not None else None

    def _opened(self, row: Row[Any]) -> Conversation:
        name = VISITOR_AUTHOR.name
        if row.sealed_nickname is not None:
            name = (
                self._keys.get(row.id, row.wrapped_key).open(row.sealed_nickname, place_of(row.id, "nickname")).decode()
            )
        plain = {column: getattr(row, column) for column in _PLAIN_COLUMNS}
        return Conversation(**plain, status=Status(row.status), risk_flags=tuple(row.risk_flags.split()), nickname=name)


# Built once: it is asked for after each message, to suggest for it.
BY_ID = select(conversation).where(conversation.c.id == bindparam("id"))

_PLAIN_COLUMNS = frozenset(Conversation.__slots__) - {"status", "risk_flags", "nickname"}


def _seen_by(account_id: str) -> Any:
    brought_in = select(participant.c.conversation_id).where(
        participant.c.account_id == account_id, participant.c.until.is_(None)
    )
    return or_(conversation.c.advisor_id == account_id, conversation.c.id.in_(brought_in))


def _written_by(account_id: str) -> Any:
    wrote = select(event.c.id).where(event.c.conversation_id == conversation.c.id, event.c.author == account_id)
    return wrote.exists()
