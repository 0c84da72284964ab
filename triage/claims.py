"""Taking a conversation from the line: exactly one advisor gets it, and nobody more than they said they can hold.

Each claim is one transaction: lock the account, count, one conditional UPDATE that names the state it leaves, the end of
the offer that was open, the joined event, the audit row. Whoever asks again for what is already theirs is told that it is
theirs: the answer to a claim may be lost on the way.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.events import Author, Entry, Event
from chat.fanout import Fanout
from chat.log import Log
from chat.references import parse_reference
from chat.tables import conversation
from chat.words import Kind, Side, Status
from core.audit import AuditLog
from core.clock import Clock, to_ms
from core.db import Database
from core.errors import AlreadyTaken, AtCapacity, Ended, NotAllowed, NotFound
from core.people import SignedIn
from staff.tables import account
from triage.offers import Offers, Outcome, close_for_claim, decline, lock_accounts
from triage.tables import offer
from triage.words import Presence

UNTAKEN = (Status.WAITING, Status.QUESTION)
"""A question that was left is taken by its reference; it never stands in the line."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the advisor holds now. `again`: it was theirs before."""

    conversation_id: int
    reference: str
    epoch: int
    again: bool


class Claims:
    def __init__(self, db: Database, log: Log, fanout: Fanout, audit: AuditLog, clock: Clock, offers: Offers) -> None:
        self._db = db
        self._log = log
        self._fanout = fanout
        self._audit = audit
        self._clock = clock
        self._offers = offers

    async def claim_next(self, person: SignedIn) -> Claim | None:
        """The front of the line, or None when nobody waits. Raises AtCapacity."""
        async with self._db.write() as connection:
            held = await self._lock_account(connection, person)
            front = await _front(connection, person.account_id)
            if front is None:
                return None
            taken = await self._take(connection, front, held, person)
        self._announce(taken, person)
        return taken.claim

    async def claim(self, reference: str, person: SignedIn) -> Claim:
        """This one. Raises NotFound, AlreadyTaken, AtCapacity, Ended."""
        async with self._db.write() as connection:
            held = await self._lock_account(connection, person)
            row = await _row_of(connection, reference)
            if row.status == Status.ACTIVE and row.advisor_id == person.account_id:
                return Claim(row.id, row.reference, row.claim_epoch, again=True)
            _refuse_unless_untaken(row, person)
            taken = await self._take(connection, row, held, person)
        self._announce(taken, person)
        return taken.claim

    async def decline(self, reference: str, person: SignedIn) -> None:
        """Leave it to a colleague: it stays where it is in the line, and the refusal is on record."""
        now = self._clock()
        async with self._db.write() as connection:
            await lock_accounts(connection, [person.account_id])
            row = await _row_of(connection, reference)
            if row.status == Status.ACTIVE and row.advisor_id == person.account_id:
                raise NotAllowed("You have this conversation already. Hand it over instead.")
            _refuse_unless_untaken(row, person)
            await decline(connection, row.id, person.account_id, now)
            await self._audit.append(connection, now, person.account_id, "decline", f"conversation:{row.reference}")
        self._offers.changed([person.account_id])

    async def _lock_account(self, connection: AsyncConnection, person: SignedIn) -> "_Held":
        """Two claims of one advisor go one after the other, so that each counts what the other took."""
        query = select(account.c.presence, account.c.capacity).where(
            account.c.id == person.account_id, ~account.c.disabled
        )
        row = (await connection.execute(query.with_for_update(key_share=True))).one_or_none()
        if row is None:
            raise NotAllowed
        mine = select(func.count()).select_from(conversation)
        active = mine.where(conversation.c.advisor_id == person.account_id, conversation.c.status == Status.ACTIVE)
        return _Held((await connection.execute(active)).scalar_one(), row.capacity, row.presence)

    async def _take(
        self, connection: AsyncConnection, row: Row[*tuple[Any, ...]], held: "_Held", person: SignedIn
    ) -> "_Taken":
        if held.count >= held.capacity:
            raise AtCapacity
        now = self._clock()
        taken = await connection.execute(
            update(conversation)
            .where(conversation.c.id == row.id, conversation.c.status.in_(UNTAKEN))
            .values(
                status=Status.ACTIVE,
                advisor_id=person.account_id,
                claim_epoch=conversation.c.claim_epoch + 1,
                claimed_at=now,
                first_claimed_at=func.coalesce(conversation.c.first_claimed_at, to_ms(now)),
            )
            .returning(conversation.c.claim_epoch)
        )
        epoch = taken.scalar_one_or_none()
        if epoch is None:
            raise AlreadyTaken
        values: dict[str, Any] = {"missed": 0, "idle_since": now}
        if held.presence == Presence.AWAY:
            values |= {"presence": Presence.ONLINE, "presence_since": now}
        await connection.execute(update(account).where(account.c.id == person.account_id).values(**values))
        told = await close_for_claim(connection, row.id, person.account_id, now)
        joined = Entry(Kind.JOINED, Author(Side.ADVISOR, person.account_id, person.name))
        events = await self._log.append(connection, row.id, joined)
        await self._audit.append(
            connection, now, person.account_id, "claim", f"conversation:{row.reference}", epoch=epoch
        )
        return _Taken(Claim(row.id, row.reference, epoch, again=False), events, told)

    def _announce(self, taken: "_Taken", person: SignedIn) -> None:
        self._log.announce(taken.events)
        self._fanout.account_changed(person.account_id)
        self._offers.changed(taken.told)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is announced once it is committed. `told`: whose offer ended with it."""

    claim: Claim
    events: list[Event]
    told: list[str]


@dataclass(frozen=True, slots=True)
class _Held:
    count: int
    capacity: int
    presence: str


async def _front(connection: AsyncConnection, account_id: str) -> Row[*tuple[Any, ...]] | None:
    """The first that waits, locked. One that a colleague is just taking, or is just asked to take, is passed over, unless
    there is no other."""
    waiting = (
        select(conversation.c.id, conversation.c.reference)
        .where(conversation.c.status == Status.WAITING)
        .order_by(conversation.c.sort_key, conversation.c.id)
        .limit(1)
    )
    with_a_colleague = exists().where(
        offer.c.conversation_id == conversation.c.id,
        offer.c.outcome == Outcome.OPEN,
        offer.c.account_id != account_id,
    )
    for query, skip_locked in ((waiting.where(~with_a_colleague), True), (waiting, True), (waiting, False)):
        row = (await connection.execute(query.with_for_update(skip_locked=skip_locked))).one_or_none()
        if row is not None:
            return row
    return None


async def _row_of(connection: AsyncConnection, reference: str) -> Row[*tuple[Any, ...]]:
    known = parse_reference(reference)
    columns = conversation.c
    query = select(columns.id, columns.reference, columns.status, columns.advisor_id, columns.claim_epoch).where(
        columns.reference == known
    )
    row = (await connection.execute(query.with_for_update())).one_or_none() if known else None
    if row is None:
        raise NotFound
    return row


def _refuse_unless_untaken(row: Row[*tuple[Any, ...]], person: SignedIn) -> None:
    if row.status == Status.ACTIVE:
        raise AlreadyTaken
    if row.status == Status.LEFT:
        raise Ended("The visitor has left the line.")
    if row.status in (Status.ENDED, Status.ANSWERED) and row.advisor_id == person.account_id:
        raise Ended
    if row.status not in UNTAKEN:
        # What was never this advisor's does not exist for them.
        raise NotFound
