"""Bringing a colleague in: to advise on the side (`consult`), or to join the conversation openly (`join`).

Whoever is invited decides. A consultant sees the conversation and writes notes, which the visitor never sees; whoever joins
is seen by both sides and may write. Both can leave, and the advisor can let them go; the conversation stays with its advisor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.events import Author, Entry, Event
from chat.fanout import Fanout
from chat.log import Log
from chat.references import parse_reference
from chat.tables import conversation, participant
from chat.words import Kind, Part, Side, Status
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import AssignmentLost, Ended, NotAllowed, NotFound
from core.people import SignedIn
from staff.tables import account
from triage.notices import INVITED, Notices
from triage.offers import Outcome
from triage.tables import invitation
from triage.transfers import NotThere, at_desk, lock_conversation


class Purpose(StrEnum):
    CONSULT = "consult"
    JOIN = "join"


PART = {Purpose.CONSULT: Part.CONSULTED, Purpose.JOIN: Part.JOINED}
"""What somebody is in a conversation after coming for this."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that is open. `name` is who asks."""

    reference: str
    purpose: Purpose
    name: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Guest:
    """A colleague in a conversation, or asked to come (`part` is then `invited`)."""

    account_id: str
    name: str
    part: str


class Invitations:
    def __init__(self, db: Database, log: Log, fanout: Fanout, notices: Notices, audit: AuditLog, clock: Clock) -> None:
        self._db = db
        self._log = log
        self._fanout = fanout
        self._notices = notices
        self._audit = audit
        self._clock = clock

    async def of(self, account_id: str) -> Sequence[Invitation]:
        """What this account is asked to come to, the oldest first."""
        query = (
            select(conversation.c.reference, invitation.c.purpose, account.c.name, invitation.c.made_at)
            .join(conversation, conversation.c.id == invitation.c.conversation_id)
            .join(account, account.c.id == invitation.c.from_id)
            .where(invitation.c.to_id == account_id, invitation.c.outcome == Outcome.OPEN)
            .where(conversation.c.status == Status.ACTIVE)
            .order_by(invitation.c.id)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).all()
        return [Invitation(row.reference, Purpose(row.purpose), row.name, row.made_at) for row in rows]

    async def guests(self, conversation_id: int) -> Sequence[Guest]:
        """Who is in a conversation beside its advisor, and who was asked."""
        here = (
            select(account.c.id, account.c.name, participant.c.part)
            .join(participant, participant.c.account_id == account.c.id)
            .where(participant.c.conversation_id == conversation_id, participant.c.until.is_(None))
        )
        asked = (
            select(account.c.id, account.c.name)
            .join(invitation, invitation.c.to_id == account.c.id)
            .where(invitation.c.conversation_id == conversation_id, invitation.c.outcome == Outcome.OPEN)
        )
        async with self._db.read() as connection:
            guests = [Guest(*row) for row in await connection.execute(here)]
            return [*guests, *(Guest(row.id, row.name, "invited") for row in await connection.execute(asked))]

    async def invite(self, conversation_id: int, by: SignedIn, to: str, purpose: Purpose) -> None:
        """Asked twice, they are asked once. Raises NotThere, AssignmentLost, Ended, NotAllowed."""
        now = self._clock()
        async with self._db.write() as connection:
            row = await _lock_own(connection, conversation_id, by)
            if to == by.account_id:
                raise NotAllowed("You are in this conversation already.")
            if (await connection.execute(at_desk(now).where(account.c.id == to))).one_or_none() is None:
                raise NotThere
            if await _is_here(connection, conversation_id, to, purpose):
                return
            asked = update(invitation).where(
                invitation.c.conversation_id == conversation_id,
                invitation.c.to_id == to,
                invitation.c.outcome == Outcome.OPEN,
            )
            await connection.execute(asked.values(outcome=Outcome.WITHDRAWN, ended_at=now))
            values = {"conversation_id": conversation_id, "from_id": by.account_id, "to_id": to, "purpose": purpose}
            await connection.execute(insert(invitation).values(made_at=now, outcome=Outcome.OPEN, **values))
            await self._notices.tell(connection, to, INVITED, conversation_id, name=by.name)
            subject = f"conversation:{row.reference}"
            await self._audit.append(connection, now, by.account_id, "invite", subject, to=to, purpose=purpose)
        self._notices.told(to)

    async def accept(self, reference: str, person: SignedIn) -> None:
        """Come. Accepted twice, they came once. Raises NotFound when they are not asked (any longer)."""
        now = self._clock()
        async with self._db.write() as connection:
            row = await _lock_invited(connection, reference, person, now, Outcome.ACCEPTED)
            events: list[Event] = []
            told: list[str] = []
            if row is not None:
                purpose = Purpose(row.purpose)
                events = await bring_in(connection, self._log, row.id, person, PART[purpose], now)
                subject = f"conversation:{row.reference}"
                await self._notices.settle(connection, person.account_id, INVITED, row.id)
                if purpose is Purpose.CONSULT:
                    # Whoever joins is seen by an event; whoever reads along is told of to their host alone.
                    told = await self._tell_host(connection, row.id, row.advisor_id, "came", person)
                await self._audit.append(connection, now, person.account_id, purpose, subject, part=PART[purpose])
        self._log.announce(events)
        self._fanout.account_changed(person.account_id)
        self._notices.told(person.account_id, *told)

    async def decline(self, reference: str, person: SignedIn) -> None:
        """Not come. Raises NotFound when they are not asked."""
        told: list[str] = []
        async with self._db.write() as connection:
            row = await _lock_invited(connection, reference, person, self._clock(), Outcome.DECLINED)
            if row is not None:
                await self._notices.settle(connection, person.account_id, INVITED, row.id)
                told = await self._tell_host(connection, row.id, row.advisor_id, "cannot_come", person)
        self._notices.told(person.account_id, *told)

    async def _tell_host(
        self, connection: AsyncConnection, conversation_id: int, host: str | None, kind: str, person: SignedIn
    ) -> list[str]:
        if host is None:
            return []
        await self._notices.tell(connection, host, kind, conversation_id, name=person.name)
        return [host]

    async def leave(self, conversation_id: int, person: SignedIn) -> None:
        """A guest goes; the conversation goes on. Left twice, they left once."""
        await self._let_go(conversation_id, person.account_id, person)

    async def dismiss(self, conversation_id: int, by: SignedIn, guest: str) -> None:
        """The advisor lets a guest go, or takes an invitation back. Raises AssignmentLost."""
        await self._let_go(conversation_id, guest, by)

    async def _let_go(self, conversation_id: int, guest: str, by: SignedIn) -> None:
        now = self._clock()
        async with self._db.write() as connection:
            row = await lock_conversation(connection, conversation_id)
            if guest != by.account_id and row.advisor_id != by.account_id:
                raise AssignmentLost
            asked = (invitation.c.conversation_id == row.id, invitation.c.to_id == guest)
            await connection.execute(
                update(invitation)
                .where(*asked, invitation.c.outcome == Outcome.OPEN)
                .values(outcome=Outcome.WITHDRAWN, ended_at=now)
            )
            await self._notices.settle(connection, guest, INVITED, row.id)
            here = (participant.c.conversation_id == row.id, participant.c.account_id == guest)
            gone = await connection.execute(
                update(participant)
                .where(*here, participant.c.until.is_(None))
                .values(until=now)
                .returning(participant.c.part)
            )
            parts = set(gone.scalars())
            name = (await connection.execute(select(account.c.name).where(account.c.id == guest))).scalar_one_or_none()
            events: list[Event] = []
            if Part.JOINED in parts and row.status == Status.ACTIVE:
                went = Entry(Kind.LEFT, Author(Side.ADVISOR, guest, name or ""))
                events = await self._log.append(connection, row.id, went)
            told = [guest]
            if Part.CONSULTED in parts and guest == by.account_id:
                told += await self._tell_host(connection, row.id, row.advisor_id, "guest_left", by)
            if parts:
                subject = f"conversation:{row.reference}"
                await self._audit.append(connection, now, by.account_id, "let_go", subject, guest=guest)
        self._log.announce(events)
        self._fanout.account_changed(guest)
        self._notices.told(*told)


async def bring_in(
    connection: AsyncConnection, log: Log, conversation_id: int, person: SignedIn, part: str, now: datetime
) -> list[Event]:
    """Make somebody a guest, in the caller's transaction; who joins is told of to both sides."""
    here = (participant.c.conversation_id == conversation_id, participant.c.account_id == person.account_id)
    await connection.execute(update(participant).where(*here, participant.c.until.is_(None)).values(until=now))
    await connection.execute(
        insert(participant).values(conversation_id=conversation_id, account_id=person.account_id, part=part, since=now)
    )
    if part != Part.JOINED:
        return []
    return await log.append(
        connection, conversation_id, Entry(Kind.JOINED, Author(Side.ADVISOR, person.account_id, person.name))
    )


async def _lock_own(connection: AsyncConnection, conversation_id: int, by: SignedIn) -> Row[*tuple[Any, ...]]:
    row = await lock_conversation(connection, conversation_id)
    if row.status != Status.ACTIVE:
        raise Ended
    if row.advisor_id != by.account_id:
        raise AssignmentLost
    return row


async def _is_here(connection: AsyncConnection, conversation_id: int, account_id: str, purpose: Purpose) -> bool:
    here = exists().where(
        participant.c.conversation_id == conversation_id,
        participant.c.account_id == account_id,
        participant.c.part == PART[purpose],
        participant.c.until.is_(None),
    )
    return bool((await connection.execute(select(here))).scalar_one())


async def _lock_invited(
    connection: AsyncConnection, reference: str, person: SignedIn, now: datetime, outcome: Outcome
) -> Row[*tuple[Any, ...]] | None:
    """The conversation this account is asked to, with the answer written; None when they gave this answer before."""
    query = (
        select(conversation.c.id, conversation.c.reference, conversation.c.status, conversation.c.advisor_id)
        .add_columns(invitation.c.id.label("invitation_id"))
        .add_columns(invitation.c.purpose, invitation.c.outcome)
        .join(invitation, invitation.c.conversation_id == conversation.c.id)
        .where(conversation.c.reference == parse_reference(reference), conversation.c.wrapped_key.is_not(None))
        .where(invitation.c.to_id == person.account_id)
        .order_by(invitation.c.id.desc())
        .limit(1)
        .with_for_update()
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None or row.outcome == Outcome.WITHDRAWN:
        raise NotFound
    if row.outcome == outcome:
        return None
    if row.outcome != Outcome.OPEN:
        raise NotFound
    if row.status != Status.ACTIVE:
        raise Ended
    await connection.execute(
        update(invitation).where(invitation.c.id == row.invitation_id).values(outcome=outcome, ended_at=now)
    )
    return row
