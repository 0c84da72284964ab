"""Offers: a conversation held out to one advisor for a short time, and what becomes of it.

An offer is no lock: whoever claims the conversation has it, and the offer ends with the claim. How an offer ends is decided
by its row, never by a clock: the first that changes it from `open` has decided. Rows are locked in one order everywhere,
account, conversation, offer, so that nobody waits in a circle.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.frames import frame
from chat.tables import conversation
from chat.words import Status
from core.audit import AuditLog
from core.clock import Clock, rfc3339, to_ms
from core.db import Database
from core.people import Role
from core.signals import Signals
from staff.tables import account, account_role
from triage.leases import has_lease
from triage.notices import Notices
from triage.reasons import Reason, from_json, in_words, to_json
from triage.routing import Planned
from triage.sentence import enquiry_sentence
from triage.tables import offer
from triage.times import Times
from triage.words import Presence

TOPIC = "offer"
MOST_MISSED = 3


class Outcome(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    MISSED = "missed"
    WITHDRAWN = "withdrawn"


PASSED = (Outcome.DECLINED, Outcome.MISSED)


@dataclass(frozen=True, slots=True)
class Offered:
    """An open offer as its advisor sees it. `sentence` is the enquiry in one line, of fixed words only."""

    id: int
    account_id: str
    reference: str
    urgency: str
    sentence: str
    reason: Reason
    expires_at: datetime

    def as_frame(self) -> str:
        enquiry = {"sentence": self.sentence, "why": in_words(self.reason), "urgency": self.urgency}
        expires_at = rfc3339(to_ms(self.expires_at))
        return frame("offer", conversation=self.reference, expires_at=expires_at, enquiry=enquiry)

    def as_view(self) -> dict[str, Any]:
        """As the desk's template shows it."""
        return {
            "reference": self.reference,
            "urgency": self.urgency,
            "sentence": self.sentence,
            "why": in_words(self.reason),
            "expires_at": self.expires_at,
        }


class Offers:
    def __init__(
        self,
        db: Database,
        signals: Signals,
        audit: AuditLog,
        notices: Notices,
        clock: Clock,
        times: Times | None = None,
    ) -> None:
        self._db = db
        self._signals = signals
        self._audit = audit
        self._notices = notices
        self._clock = clock
        self._times = times or Times()
        self._listeners: list[Callable[[], None]] = []

    def on_changed(self, listener: Callable[[], None]) -> None:
        """Call it when an offer changed on this process; the others are told by a hint."""
        self._listeners.append(listener)

    async def make(self, planned: Sequence[Planned]) -> int:
        """Hold these out. What changed since the plan was made is left out, and planned again at the next look."""
        if not planned:
            return 0
        now = self._clock()
        async with self._db.write() as connection:
            free = await _lock_free(connection, {one.account_id for one in planned}, now)
            waiting = await _lock_waiting(connection, {one.conversation_id for one in planned})
            rows = [
                {
                    "conversation_id": one.conversation_id,
                    "account_id": one.account_id,
                    "made_at": now,
                    "expires_at": now + self._times.offer,
                    "outcome": Outcome.OPEN,
                    "reason": to_json(one.reason),
                }
                for one in planned
                if one.account_id in free and one.conversation_id in waiting
            ]
            if rows:
                await connection.execute(insert(offer), rows)
        self.changed({str(row["account_id"]) for row in rows})
        return len(rows)

    async def end_overdue(self) -> int:
        """Those that nobody answered in time are missed. Three in a row set the advisor away, and supervisors are told."""
        now = self._clock()
        overdue = (offer.c.outcome == Outcome.OPEN, offer.c.expires_at <= now)
        async with self._db.read() as connection:
            late = set((await connection.execute(select(offer.c.account_id).where(*overdue))).scalars())
        if not late:
            return 0
        told: set[str] = set()
        async with self._db.write() as connection:
            await lock_accounts(connection, late)
            ended = update(offer).where(*overdue, offer.c.account_id.in_(late))
            done = await connection.execute(
                ended.values(outcome=Outcome.MISSED, ended_at=now).returning(offer.c.account_id)
            )
            missed = set(done.scalars())
            for account_id in sorted(missed):
                told.update(await self._count_missed(connection, account_id, now))
        self.changed(missed)
        self._notices.told(*told)
        return len(missed)

    async def _count_missed(self, connection: AsyncConnection, account_id: str, now: datetime) -> list[str]:
        """Who is told that this was one too many."""
        mine = update(account).where(account.c.id == account_id)
        # The next goes to a colleague first: who let one go by may be gone.
        counted = mine.values(missed=account.c.missed + 1, idle_since=now).returning(account.c.missed, account.c.name)
        row = (await connection.execute(counted)).one()
        if row.missed < MOST_MISSED:
            return []
        away = mine.where(account.c.presence != Presence.AWAY)
        await connection.execute(away.values(presence=Presence.AWAY, presence_since=now))
        await connection.execute(mine.values(missed=0))
        await self._notices.tell(connection, account_id, "set_away", missed=MOST_MISSED)
        told = await self._notices.tell_supervisors(connection, "advisor_set_away", name=row.name, missed=MOST_MISSED)
        await self._audit.append(connection, now, "system", "set_away", f"account:{account_id}", missed=MOST_MISSED)
        return [account_id, *told]

    async def withdraw_idle(self) -> int:
        """Take back what cannot be accepted any more: the visitor left, the advisor went or is full."""
        now = self._clock()
        async with self._db.read() as connection:
            gone = set((await connection.execute(select(offer.c.account_id).where(*_is_idle(now)))).scalars())
        if not gone:
            return 0
        async with self._db.write() as connection:
            await lock_accounts(connection, gone)
            ended = update(offer).where(*_is_idle(now), offer.c.account_id.in_(gone))
            done = await connection.execute(
                ended.values(outcome=Outcome.WITHDRAWN, ended_at=now).returning(offer.c.account_id)
            )
            withdrawn = set(done.scalars())
        self.changed(withdrawn)
        return len(withdrawn)

    def changed(self, account_ids: Collection[str]) -> None:
        """After a commit: the desks of these accounts look at their offers, and the router at the line."""
        for account_id in sorted(account_ids):
            self._signals.send(TOPIC, account_id)
        for listener in self._listeners if account_ids else ():
            listener()

    async def open_of(self, account_id: str) -> Offered | None:
        async with self._db.read() as connection:
            return (await read_open(connection, [account_id])).get(account_id)


# What claims and presence do inside their own transactions. Each locks the account before it comes here.


async def close_for_claim(
    connection: AsyncConnection, conversation_id: int, account_id: str, now: datetime
) -> list[str]:
    """The conversation is this account's now: its open offer ends, whoever had it. The accounts whose desks look again."""
    held_out = update(offer).where(offer.c.conversation_id == conversation_id, offer.c.outcome == Outcome.OPEN)
    mine = held_out.where(offer.c.account_id == account_id).values(outcome=Outcome.ACCEPTED, ended_at=now)
    others = held_out.where(offer.c.account_id != account_id).values(outcome=Outcome.WITHDRAWN, ended_at=now)
    told: list[str] = []
    for ending in (mine, others):
        told += (await connection.execute(ending.returning(offer.c.account_id))).scalars()
    return told


async def decline(connection: AsyncConnection, conversation_id: int, account_id: str, now: datetime) -> None:
    """This account passes it on, and is not asked for it again in this wait."""
    mine = (offer.c.conversation_id == conversation_id, offer.c.account_id == account_id)
    ended = update(offer).where(*mine, offer.c.outcome == Outcome.OPEN)
    await connection.execute(ended.values(outcome=Outcome.DECLINED, ended_at=now))
    # Whoever answers is there; and the next goes to a colleague first.
    await connection.execute(update(account).where(account.c.id == account_id).values(missed=0, idle_since=now))


async def withdraw_of_account(connection: AsyncConnection, account_id: str, now: datetime) -> bool:
    """The advisor does not take conversations any longer: what was held out to them is free again."""
    mine = update(offer).where(offer.c.account_id == account_id, offer.c.outcome == Outcome.OPEN)
    return (await connection.execute(mine.values(outcome=Outcome.WITHDRAWN, ended_at=now))).rowcount > 0


async def lock_accounts(connection: AsyncConnection, account_ids: Collection[str]) -> None:
    """Against everybody who would change them or count for them; rows that only name them may be written meanwhile."""
    query = select(account.c.id).where(account.c.id.in_(account_ids)).order_by(account.c.id)
    await connection.execute(query.with_for_update(key_share=True))


async def read_open(connection: AsyncConnection, account_ids: Collection[str]) -> dict[str, Offered]:
    """The open offer of each of these accounts that has one."""
    query = (
        select(offer.c.id.label("offer_id"), offer.c.account_id, offer.c.reason, offer.c.expires_at, conversation)
        .select_from(offer.join(conversation, offer.c.conversation_id == conversation.c.id))
        .where(offer.c.outcome == Outcome.OPEN, offer.c.account_id.in_(account_ids))
    )
    return {row.account_id: _offered(row) for row in await connection.execute(query)}


async def read_outcomes(connection: AsyncConnection, offer_ids: Collection[int]) -> dict[int, str]:
    query = select(offer.c.id, offer.c.outcome).where(offer.c.id.in_(offer_ids))
    return {row.id: row.outcome for row in await connection.execute(query)}


def _offered(row: Row[*tuple[Any, ...]]) -> Offered:
    return Offered(
        id=row.offer_id,
        account_id=row.account_id,
        reference=row.reference,
        urgency=row.urgency,
        sentence=enquiry_sentence(row.sector, row.area, row.topic, row.deadline, row.risk_flags.split(), row.language),
        reason=from_json(row.reason),
        expires_at=row.expires_at,
    )


def active_of(account_id: Any) -> Any:
    """How many conversations an account holds, as part of a query."""
    mine = select(func.count()).select_from(conversation)
    return mine.where(conversation.c.advisor_id == account_id, conversation.c.status == Status.ACTIVE).scalar_subquery()


def can_be_offered(now: datetime) -> list[Any]:
    """What holds for the row of an account that takes conversations now, room apart."""
    is_advisor = exists().where(account_role.c.account_id == account.c.id, account_role.c.role == Role.ADVISOR)
    return [account.c.presence == Presence.ONLINE, ~account.c.disabled, is_advisor, has_lease(now)]


def _is_idle(now: datetime) -> list[Any]:
    """What holds for an open offer that leads nowhere."""
    waits = exists().where(conversation.c.id == offer.c.conversation_id, conversation.c.status == Status.WAITING)
    has_room = account.c.capacity > active_of(account.c.id)
    can_take = exists().where(account.c.id == offer.c.account_id, *can_be_offered(now), has_room)
    return [offer.c.outcome == Outcome.OPEN, or_(~waits, ~can_take)]


async def _lock_free(connection: AsyncConnection, account_ids: Collection[str], now: datetime) -> set[str]:
    """Of these accounts, locked, those that can take one more; who is just doing something is left for the next look."""
    query = select(account.c.id).where(account.c.id.in_(account_ids), *can_be_offered(now)).order_by(account.c.id)
    locked = set((await connection.execute(query.with_for_update(skip_locked=True, key_share=True))).scalars())
    # Counted after the lock was had: before it, a claim may have been on its way.
    has_offer = exists().where(offer.c.account_id == account.c.id, offer.c.outcome == Outcome.OPEN)
    free = select(account.c.id).where(
        account.c.id.in_(locked), account.c.capacity > active_of(account.c.id), ~has_offer
    )
    return set((await connection.execute(free)).scalars())


async def _lock_waiting(connection: AsyncConnection, conversation_ids: Collection[int]) -> set[int]:
    waits = (conversation.c.id.in_(conversation_ids), conversation.c.status == Status.WAITING)
    query = select(conversation.c.id).where(*waits).order_by(conversation.c.id)
    locked = set((await connection.execute(query.with_for_update(skip_locked=True))).scalars())
    is_open = select(offer.c.conversation_id).where(
        offer.c.conversation_id.in_(locked), offer.c.outcome == Outcome.OPEN
    )
    return locked - set((await connection.execute(is_open)).scalars())
