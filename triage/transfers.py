"""Handing a conversation over: to a colleague, or back to the line. It has an advisor or a place in the line at every moment.

Each is one transaction: lock the colleague, one conditional UPDATE that names the advisor and the claim epoch it leaves, the
note for whoever takes over, the event that both sides see, the audit row. What the former advisor sends is refused for as
long as the conversation is not theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Row, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.events import Author, Entry, Event
from chat.fanout import Fanout
from chat.log import Log
from chat.tables import conversation, participant
from chat.words import Kind, Part, Side, Status
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import AlreadyTaken, AssignmentLost, AtCapacity, Ended, NotAllowed, NotFound, Refusal
from core.people import Role, SignedIn
from staff.tables import account, account_role
from triage.leases import has_lease
from triage.notices import Notices
from triage.offers import Offers, Outcome, active_of, close_for_claim, lock_accounts
from triage.tables import invitation, offer
from triage.urgency import sort_key
from triage.words import Presence, Urgency

QUEUE = "queue"
"""The line, where an account is asked for."""


class NotThere(Refusal):
    code: ClassVar[str] = "not_available"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "That colleague is not at their desk. Choose another one, or the line."


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who could be asked, as they stand now. `room`: how many more they can hold."""

    account_id: str
    name: str
    presence: Presence
    active: int
    capacity: int

    @property
    def room(self) -> int:
        return max(self.capacity - self.active, 0)


class Transfers:
    def __init__(
        self,
        db: Database,
        log: Log,
        fanout: Fanout,
        offers: Offers,
        notices: Notices,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._db = db
        self._log = log
        self._fanout = fanout
        self._offers = offers
        self._notices = notices
        self._audit = audit
        self._clock = clock

    async def colleagues(self, but: str) -> Sequence[Colleague]:
        """Advisors who are at their desks, those with the most room first."""
        async with self._db.read() as connection:
            query = at_desk(self._clock()).where(account.c.id != but)
            rows = (await connection.execute(query)).all()
        found = [Colleague(row.id, row.name, Presence(row.presence), row.active, row.capacity) for row in rows]
        return sorted(found, key=lambda one: (one.presence != Presence.ONLINE, -one.room, one.name))

    async def hand_over(self, conversation_id: int, by: SignedIn, to: str, note: str = "") -> None:
        """What is theirs, to an account or to QUEUE. Raises NotThere, AtCapacity, AssignmentLost, Ended, AlreadyTaken."""
        await self._hand_over(conversation_id, by, to, note, None)

    async def reassign(self, conversation_id: int, by: SignedIn, to: str, epoch: int) -> None:
        """What is anybody's, as a supervisor saw it: who has it, or that it waits, is told by the claim epoch.

        Raises the same, and AlreadyTaken when it was given to somebody since.
        """
        await self._hand_over(conversation_id, by, to, "", epoch)

    async def _hand_over(self, conversation_id: int, by: SignedIn, to: str, note: str, seen_epoch: int | None) -> None:
        async with self._db.write() as connection:
            target = None if to == QUEUE else await self._lock_target(connection, to, self._clock())
            row = await lock_conversation(connection, conversation_id)
            # What colleagues did while this waited for the two was before it.
            now = self._clock()
            _check_may_hand_over(row, by, to, seen_epoch)
            author = Author(Side.ADVISOR, by.account_id, by.name)
            entries = [Entry(Kind.NOTE, author, note)] if note else []
            if target is None:
                await self._to_line(connection, row, by, now)
                entries.append(
                    Entry(Kind.TRANSFERRED, author, "The conversation went back into the line.", {"to": QUEUE})
                )
            else:
                was_there = await self._to_advisor(connection, row, target, now)
                words = f"{by.name} handed the conversation over to {target.name}."
                entries.append(Entry(Kind.TRANSFERRED, author, words, {"to": "advisor", "name": target.name}))
                if not was_there:
                    entries.append(Entry(Kind.JOINED, Author(Side.ADVISOR, target.id, target.name)))
            withdrawn = await close_for_claim(connection, row.id, to, now)
            await _end_invitations(connection, row.id, to, now)
            events = await self._log.append(connection, row.id, *entries)
            told = await self._tell(connection, row, by, to)
            subject = f"conversation:{row.reference}"
            await self._audit.append(
                connection,
                now,
                by.account_id,
                "transfer",
                subject,
                to=to,
                former=row.advisor_id,
                epoch=row.claim_epoch + 1,
            )
        self._announce(events, [one for one in (row.advisor_id, to) if one and one != QUEUE], withdrawn, told)

    async def _lock_target(self, connection: AsyncConnection, to: str, now: datetime) -> Row[*tuple[Any, ...]]:
        """The colleague, locked so that nothing else is given to them meanwhile; with room for one more."""
        await lock_accounts(connection, [to])
        found = (await connection.execute(at_desk(now).where(account.c.id == to))).one_or_none()
        if found is None:
            raise NotThere
        if found.active >= found.capacity:
            raise AtCapacity(f"{found.name} holds as many conversations as they can. Choose another one, or the line.")
        return found

    async def _to_advisor(
        self, connection: AsyncConnection, row: Row[*tuple[Any, ...]], target: Row[*tuple[Any, ...]], now: datetime
    ) -> bool:
        """Whether the visitor has seen them there before."""
        values: dict[str, Any] = {"status": Status.ACTIVE, "advisor_id": target.id, "claimed_at": now}
        if row.first_claimed_at is None:
            values["first_claimed_at"] = now
        await _move(connection, row, values)
        # Who was brought in and now has it is no guest any longer.
        guest = (participant.c.conversation_id == row.id, participant.c.account_id == target.id)
        ended = update(participant).where(*guest, participant.c.until.is_(None)).values(until=now)
        parts = (await connection.execute(ended.returning(participant.c.part))).scalars().all()
        await connection.execute(update(account).where(account.c.id == target.id).values(missed=0, idle_since=now))
        return Part.JOINED in parts

    async def _to_line(
        self, connection: AsyncConnection, row: Row[*tuple[Any, ...]], by: SignedIn, now: datetime
    ) -> None:
        key = sort_key(row.waiting_since, Urgency(row.urgency), requeued=row.requeues > 0)
        await _move(connection, row, {"status": Status.WAITING, "advisor_id": None, "sort_key": key})
        if row.advisor_id is not None:
            # They passed it on: it is offered to somebody else first.
            passed = {
                "conversation_id": row.id,
                "account_id": row.advisor_id,
                "outcome": Outcome.DECLINED,
                "reason": "{}",
            }
            await connection.execute(insert(offer).values(made_at=now, expires_at=now, ended_at=now, **passed))

    async def _tell(self, connection: AsyncConnection, row: Row[*tuple[Any, ...]], by: SignedIn, to: str) -> list[str]:
        """The one who has it now, and the one who had it when somebody else moved it."""
        told = []
        if to not in (QUEUE, by.account_id):
            await self._notices.tell(connection, to, "transferred_to_you", row.id, name=by.name)
            told.append(to)
        if row.advisor_id not in (None, by.account_id, to):
            await self._notices.tell(connection, row.advisor_id, "transferred_away", row.id, name=by.name)
            told.append(row.advisor_id)
        return told

    def _announce(
        self, events: Sequence[Event], accounts: Sequence[str], withdrawn: Sequence[str], told: Sequence[str]
    ) -> None:
        self._log.announce(events)
        for account_id in accounts:
            self._fanout.account_changed(account_id)
        self._offers.changed(withdrawn)
        self._notices.told(*told)


def at_desk(now: datetime) -> Any:
    """Advisors who can be given something: signed in with an open desk, not away."""
    is_advisor = exists().where(account_role.c.account_id == account.c.id, account_role.c.role == Role.ADVISOR)
    return select(
        account.c.id, account.c.name, account.c.presence, account.c.capacity, active_of(account.c.id).label("active")
    ).where(account.c.presence.in_((Presence.ONLINE, Presence.BUSY)), ~account.c.disabled, is_advisor, has_lease(now))


async def lock_conversation(connection: AsyncConnection, conversation_id: int) -> Row[*tuple[Any, ...]]:
    columns = conversation.c
    query = select(
        columns.id,
        columns.reference,
        columns.status,
        columns.urgency,
        columns.waiting_since,
        columns.advisor_id,
        columns.claim_epoch,
        columns.requeues,
        columns.first_claimed_at,
    ).where(columns.id == conversation_id)
    row = (await connection.execute(query.with_for_update())).one_or_none()
    if row is None:
        raise NotFound
    return row


def _check_may_hand_over(row: Row[*tuple[Any, ...]], by: SignedIn, to: str, seen_epoch: int | None) -> None:
    """An advisor may while it is theirs; a supervisor while it is as it was when they decided."""
    supervising = seen_epoch is not None
    if row.status not in (Status.WAITING, Status.ACTIVE):
        raise Ended
    if not supervising and (row.status == Status.WAITING or row.advisor_id != by.account_id):
        raise AssignmentLost
    if row.status == Status.ACTIVE and row.advisor_id == to:
        raise AlreadyTaken("It is with them already.")
    if supervising and row.claim_epoch != seen_epoch:
        raise AlreadyTaken("Somebody else gave it to an advisor meanwhile. Look again who has it.")
    if row.status == Status.WAITING and to == QUEUE:
        raise NotAllowed("It waits in the line already.")


async def _move(connection: AsyncConnection, row: Row[*tuple[Any, ...]], values: dict[str, Any]) -> None:
    """The one UPDATE; it finds nothing when the conversation has moved since it was read."""
    moved = await connection.execute(
        update(conversation)
        .where(
            conversation.c.id == row.id,
            conversation.c.status == row.status,
            conversation.c.claim_epoch == row.claim_epoch,
        )
        .values(claim_epoch=conversation.c.claim_epoch + 1, **values)
    )
    if moved.rowcount != 1:
        raise AssignmentLost


async def _end_invitations(connection: AsyncConnection, conversation_id: int, to: str, now: datetime) -> None:
    mine = update(invitation).where(
        invitation.c.conversation_id == conversation_id, invitation.c.outcome == Outcome.OPEN
    )
    await connection.execute(mine.where(invitation.c.to_id == to).values(outcome=Outcome.ACCEPTED, ended_at=now))
    await connection.execute(mine.values(outcome=Outcome.WITHDRAWN, ended_at=now))
