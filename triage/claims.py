"""Taking a conversation from the line: exactly one advisor gets it, and nobody more than they said they can hold.

Claims that come together are one transaction: lock the accounts, count, lock the conversations, one conditional UPDATE that
names the state it leaves, the end of the offers that were open, the joined events, the audit rows. Whoever asks again for
what is already theirs is told that it is theirs: the answer to a claim may be lost on the way.
"""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Row, bindparam, case, exists, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.events import Author, Entry, Event
from chat.fanout import Fanout
from chat.log import Log
from chat.references import parse_reference
from chat.tables import conversation
from chat.words import Kind, Side, Status
from core.audit import AuditLog, Deed
from core.clock import Clock, to_ms
from core.contest import note_stored, until_uncontested
from core.db import Database, Instant
from core.errors import AlreadyTaken, AtCapacity, Ended, NotAllowed, NotFound, Refusal
from core.gather import Gathered
from core.people import SignedIn
from staff.tables import account
from triage.offers import Offers, Outcome, decline, lock_accounts
from triage.tables import offer
from triage.words import Presence

UNTAKEN = (Status.WAITING, Status.QUESTION)
"""A question that was left is taken by its reference; it never stands in the line."""

COLUMNS: tuple[Any, ...] = (
    conversation.c.id,
    conversation.c.reference,
    conversation.c.status,
    conversation.c.advisor_id,
    conversation.c.claim_epoch,
    # What the log needs to write in it.
    conversation.c.last_seq,
    conversation.c.wrapped_key,
)


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
        self._together = Gathered(self._claim_all)

    async def claim_next(self, person: SignedIn) -> Claim | None:
        """The front of the line, or None when nobody waits. Raises AtCapacity."""
        async with self._db.write() as connection:
            held = (await _lock_accounts(connection, {person.account_id})).get(person.account_id)
            if held is None:
                raise NotAllowed
            front = await _front(connection, person.account_id)
            if front is None:
                return None
            if held.is_full:
                raise AtCapacity
            taken = await self._take(connection, {front.id: _Taking(front, person)})
        self._announce(taken)
        return taken.claims[front.id]

    async def claim(self, reference: str, person: SignedIn) -> Claim:
        """This one. Raises NotFound, AlreadyTaken, AtCapacity, Ended."""
        outcome = await self._together.get((reference, person))
        note_stored()
        if isinstance(outcome, Refusal):
            raise outcome
        if outcome.again:
            # The answer to the first time may have been cut, and nobody told.
            self._fanout.account_changed(person.account_id)
        return outcome

    async def _claim_all(self, asked: list[tuple[str, SignedIn]]) -> list[Claim | Refusal]:
        return await until_uncontested(partial(self._claim_together, asked))

    async def _claim_together(self, asked: list[tuple[str, SignedIn]]) -> list[Claim | Refusal]:
        """All that came while the last were committed, in the order in which they came: one winner for each conversation."""
        async with self._db.write() as connection:
            held = await _lock_accounts(connection, {person.account_id for _, person in asked})
            rows = await _rows_of(connection, {reference for reference, _ in asked})
            takings: dict[int, _Taking] = {}
            refused: list[Refusal | None] = []
            for reference, person in asked:
                row, mine = rows.get(parse_reference(reference) or ""), held.get(person.account_id)
                refusal = _refusal_of(row, person, mine, takings)
                if refusal is None and row is not None and mine is not None and not _has(row, person, takings):
                    takings[row.id] = _Taking(row, person)
                    mine.count += 1
                refused.append(refusal)
            taken = await self._take(connection, takings) if takings else _Taken({}, [], [], set())
        self._announce(taken)
        first = dict(taken.claims)
        return [
            refusal or _claim_of(rows[parse_reference(reference) or ""], first)
            for (reference, _), refusal in zip(asked, refused, strict=True)
        ]

    async def decline(self, reference: str, person: SignedIn) -> None:
        """Leave it to a colleague: it stays where it is in the line, and the refusal is on record."""
        now = self._clock()
        async with self._db.write() as connection:
            await lock_accounts(connection, [person.account_id])
            row = (await _rows_of(connection, {reference})).get(parse_reference(reference) or "")
            if row is None:
                raise NotFound
            if row.status == Status.ACTIVE and row.advisor_id == person.account_id:
                raise NotAllowed("You have this conversation already. Hand it over instead.")
            _refuse_unless_untaken(row, person)
            await decline(connection, row.id, person.account_id, now)
            await self._audit.append(connection, now, person.account_id, "decline", f"conversation:{row.reference}")
        self._offers.changed([person.account_id])

    async def _take(self, connection: AsyncConnection, takings: Mapping[int, "_Taking"]) -> "_Taken":
        """Write what was decided on locked rows."""
        now, people = self._clock(), {taking.person.account_id for taking in takings.values()}
        if await _hand_over(connection, takings, now) != len(takings):
            raise AlreadyTaken
        await connection.execute(MARK_BUSY, {"accounts": sorted(people), "at": now})
        told = (await connection.execute(CLOSE_OFFERS, {"conversations": list(takings), "at": now})).scalars().all()
        joined = {
            one: [Entry(Kind.JOINED, Author(Side.ADVISOR, taking.person.account_id, taking.person.name))]
            for one, taking in takings.items()
        }
        events = await self._log.append_each(connection, joined, {one: taking.row for one, taking in takings.items()})
        claims = {
            one: Claim(one, taking.row.reference, taking.row.claim_epoch + 1, again=False)
            for one, taking in takings.items()
        }
        deeds = [
            Deed(takings[one].person.account_id, "claim", f"conversation:{claim.reference}", {"epoch": claim.epoch})
            for one, claim in claims.items()
        ]
        await self._audit.append_all(connection, now, deeds)
        return _Taken(claims, events, list(told), people)

    def _announce(self, taken: "_Taken") -> None:
        if taken.claims:
            self._log.announce(taken.events)
            for account_id in taken.people:
                self._fanout.account_changed(account_id)
            self._offers.changed(set(taken.told))


@dataclass(frozen=True, slots=True)
class _Taking:
    """Who takes which row, as it was when it was locked."""

    row: Row[*tuple[Any, ...]]
    person: SignedIn


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is announced once it is committed. `told`: whose offer ended with it."""

    claims: dict[int, Claim]
    events: list[Event]
    told: list[str]
    people: set[str]


@dataclass(slots=True)
class _Held:
    count: int
    capacity: int

    @property
    def is_full(self) -> bool:
        return self.count >= self.capacity


def _has(row: Row[*tuple[Any, ...]], person: SignedIn, takings: Mapping[int, _Taking]) -> bool:
    """Whether it is theirs already, or was given to them a moment ago."""
    if (taking := takings.get(row.id)) is not None:
        return taking.person.account_id == person.account_id
    return bool(row.status == Status.ACTIVE and row.advisor_id == person.account_id)


def _refusal_of(
    row: Row[*tuple[Any, ...]] | None, person: SignedIn, held: _Held | None, takings: Mapping[int, _Taking]
) -> Refusal | None:
    """Why this one cannot be given to them; None when it can, or is theirs."""
    if held is None:
        return NotAllowed()
    if row is None:
        return NotFound()
    if _has(row, person, takings):
        return None
    if row.id in takings:
        return AlreadyTaken()
    try:
        _refuse_unless_untaken(row, person)
    except Refusal as refusal:
        return refusal
    return AtCapacity() if held.is_full else None


def _claim_of(row: Row[*tuple[Any, ...]], first: dict[int, Claim]) -> Claim:
    """The claim itself for whoever comes first, then that it is theirs."""
    made = first.get(row.id)
    if made is None:
        return Claim(row.id, row.reference, row.claim_epoch, again=True)
    first[row.id] = replace(made, again=True)
    return made


# Statements are built once: building them for each claim took a tenth of its time.

LOCK_ACCOUNTS = (
    select(account.c.id, account.c.capacity)
    .where(account.c.id.in_(bindparam("accounts", expanding=True)), ~account.c.disabled)
    .order_by(account.c.id)
    .with_for_update(key_share=True)
)

COUNT_HELD = (
    select(conversation.c.advisor_id, func.count().label("held"))
    .where(conversation.c.advisor_id.in_(bindparam("accounts", expanding=True)))
    .where(conversation.c.status == Status.ACTIVE)
    .group_by(conversation.c.advisor_id)
)

# In the order in which everybody locks conversations.
LOCK_ROWS = (
    select(*COLUMNS)
    .where(conversation.c.reference.in_(bindparam("references", expanding=True)))
    .order_by(conversation.c.id)
    .with_for_update()
)


async def _lock_accounts(connection: AsyncConnection, account_ids: Set[str]) -> dict[str, _Held]:
    """Two claims of one advisor go one after the other, so that each counts what the other took."""
    asked = {"accounts": sorted(account_ids)}
    rows = (await connection.execute(LOCK_ACCOUNTS, asked)).all()
    # Counted after the locks were had: before that, another claim may have been on its way.
    counts = {row.advisor_id: row.held for row in await connection.execute(COUNT_HELD, asked)}
    return {row.id: _Held(counts.get(row.id, 0), row.capacity) for row in rows}


# One statement for all of them, of each its own advisor.
_TAKE = (
    "UPDATE conversation SET status = :taken, advisor_id = t.account_id, claim_epoch = claim_epoch + 1, claimed_at = :at,"
    " first_claimed_at = COALESCE(first_claimed_at, :at) FROM {takings}"
    " WHERE conversation.id = t.id AND conversation.status IN (:waiting, :question)"
)
TAKE_POSTGRES = text(
    _TAKE.format(takings="unnest(CAST(:ids AS bigint[]), CAST(:accounts AS text[])) AS t(id, account_id)")
)
TAKE_SQLITE = text(
    _TAKE.format(takings="(SELECT value ->> 0 AS id, value ->> 1 AS account_id FROM json_each(:pairs)) AS t")
)
STATES = {"taken": Status.ACTIVE, "waiting": Status.WAITING, "question": Status.QUESTION}


async def _hand_over(connection: AsyncConnection, takings: Mapping[int, "_Taking"], now: datetime) -> int:
    """Each to its advisor, if it is still to be had; how many were."""
    pairs = [(one, taking.person.account_id) for one, taking in takings.items()]
    common = {**STATES, "at": to_ms(now)}
    if connection.dialect.name == "sqlite":
        return (await connection.execute(TAKE_SQLITE, {**common, "pairs": json.dumps(pairs)})).rowcount
    ids, accounts = map(list, zip(*pairs, strict=True))
    return (await connection.execute(TAKE_POSTGRES, {**common, "ids": ids, "accounts": accounts})).rowcount


_was_away = account.c.presence == Presence.AWAY

# Whoever takes one is there, whatever they said before, and is the last to be asked again.
MARK_BUSY = (
    update(account)
    .where(account.c.id.in_(bindparam("accounts", expanding=True)))
    .values(
        missed=0,
        idle_since=bindparam("at", type_=Instant),
        presence=case((_was_away, Presence.ONLINE), else_=account.c.presence),
        presence_since=case((_was_away, bindparam("at", type_=Instant)), else_=account.c.presence_since),
    )
)

_owner = select(conversation.c.advisor_id).where(conversation.c.id == offer.c.conversation_id).scalar_subquery()

# Of conversations that have an advisor since a moment ago: the offer was accepted by them, or nobody's.
CLOSE_OFFERS = (
    update(offer)
    .where(offer.c.conversation_id.in_(bindparam("conversations", expanding=True)), offer.c.outcome == Outcome.OPEN)
    .values(
        outcome=case((offer.c.account_id == _owner, Outcome.ACCEPTED), else_=Outcome.WITHDRAWN),
        ended_at=bindparam("at", type_=Instant),
    )
    .returning(offer.c.account_id)
)


async def _front(connection: AsyncConnection, account_id: str) -> Row[*tuple[Any, ...]] | None:
    """The first that waits, locked. One that a colleague is just taking, or is just asked to take, is passed over, unless
    there is no other."""
    waiting = (
        select(*COLUMNS)
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


async def _rows_of(connection: AsyncConnection, references: Set[str]) -> dict[str, Row[*tuple[Any, ...]]]:
    """Locked; by reference."""
    known = sorted({one for one in map(parse_reference, references) if one})
    return {row.reference: row for row in await connection.execute(LOCK_ROWS, {"references": known})} if known else {}


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
