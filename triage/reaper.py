"""The reaper: an advisor who cannot be seen any longer loses what they hold, and their visitors go ahead of the line.

It freezes rather than guess: it acts only after it has looked, without a gap, for as long as every desk needs to renew its
lease twice. After an outage of the database, a new leader, or its own suspension nobody is lost who could not say so.
"""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.events import SYSTEM_AUTHOR, Entry, Event
from chat.fanout import Fanout
from chat.log import Log
from chat.tables import conversation
from chat.words import SYSTEM, Kind, Status
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from staff.tables import account
from triage.notices import Notices
from triage.offers import lock_accounts
from triage.one_by_one import Found, one_by_one
from triage.tables import presence_lease
from triage.times import Times
from triage.urgency import sort_key
from triage.words import Urgency

logger = structlog.get_logger()

MOST_AT_ONCE = 100


class Reaper:
    def __init__(
        self,
        db: Database,
        log: Log,
        fanout: Fanout,
        notices: Notices,
        audit: AuditLog,
        clock: Clock,
        times: Times | None = None,
    ) -> None:
        self._db = db
        self._log = log
        self._fanout = fanout
        self._notices = notices
        self._audit = audit
        self._clock = clock
        self._times = times or Times()
        self._steady_since: datetime | None = None
        self._looked_at: datetime | None = None
        self.acts = False
        """It has looked long enough: who has shown no sign of life by now is not there."""

    def freeze(self) -> None:
        """Something went wrong, or somebody else looked meanwhile: begin to wait again."""
        self._steady_since, self.acts = None, False

    async def tick(self) -> int:
        """Put back what lost advisors hold. How many conversations there were."""
        now = self._clock()
        if not self._is_steady(now):
            return 0
        async with self._db.read() as connection:
            rows = (await connection.execute(_lost(now, self._times).limit(MOST_AT_ONCE))).all()
        return await one_by_one(rows, lambda row: self._requeue(row, now))

    def _is_steady(self, now: datetime) -> bool:
        before, self._looked_at = self._looked_at, now
        if before is None or not before <= now <= before + self._times.longest_gap:
            self._steady_since = None
        if self._steady_since is None:
            self._steady_since, self.acts = now, False
            logger.info("reaper_frozen", seconds=self._times.freeze.total_seconds())
        if not self.acts and now - self._steady_since >= self._times.freeze:
            self.acts = True
            logger.info("reaper_acts")
        return self.acts

    async def _requeue(self, lost: Found, now: datetime) -> bool:
        """One conversation, unless its advisor came back, or somebody else moved it, since it was read."""
        async with self._db.write() as connection:
            await lock_accounts(connection, [lost.advisor_id])
            events = await self._put_back(connection, lost, now)
            if not events:
                return False
            subject = f"conversation:{lost.reference}"
            await self._notices.tell(connection, lost.advisor_id, "requeued", lost.id)
            told = await self._notices.tell_supervisors(connection, "advisor_lost", lost.id, name=lost.name)
            await self._audit.append(
                connection, now, SYSTEM, "requeue", subject, advisor=lost.advisor_id, epoch=lost.claim_epoch + 1
            )
        self._log.announce(events)
        self._fanout.account_changed(lost.advisor_id)
        self._notices.told(lost.advisor_id, *told)
        logger.info("conversation_requeued", conversation=lost.id, advisor=lost.advisor_id)
        return True

    async def _put_back(self, connection: AsyncConnection, lost: Found, now: datetime) -> list[Event]:
        still_lost = select(conversation.c.id).where(conversation.c.id == lost.id, *_is_lost(now, self._times))
        done = await connection.execute(
            update(conversation)
            .where(
                conversation.c.id.in_(still_lost),
                conversation.c.status == Status.ACTIVE,
                conversation.c.advisor_id == lost.advisor_id,
                conversation.c.claim_epoch == lost.claim_epoch,
            )
            .values(
                status=Status.WAITING,
                advisor_id=None,
                claim_epoch=conversation.c.claim_epoch + 1,
                requeues=conversation.c.requeues + 1,
                sort_key=sort_key(lost.waiting_since, Urgency(lost.urgency), requeued=True),
            )
        )
        if done.rowcount != 1:
            return []
        entry = Entry(Kind.REQUEUED, SYSTEM_AUTHOR, data={"reason": "advisor_lost"})
        return await self._log.append(connection, lost.id, entry)


def _lost(now: datetime, times: Times) -> Any:
    """Conversations whose advisor has shown no sign of life for too long, and why it is time."""
    columns = conversation.c
    return (
        select(
            columns.id,
            columns.reference,
            columns.urgency,
            columns.waiting_since,
            columns.advisor_id,
            columns.claim_epoch,
            account.c.name,
        )
        .join(account, account.c.id == columns.advisor_id)
        .where(columns.status == Status.ACTIVE, *_is_lost(now, times))
        .order_by(columns.sort_key, columns.id)
    )


def _is_lost(now: datetime, times: Times) -> list[Any]:
    columns, quiet_since = conversation.c, now - times.quiet
    is_there = exists().where(
        presence_lease.c.account_id == columns.advisor_id, presence_lease.c.until > now - times.lost_after
    )
    return [
        ~is_there,
        columns.claimed_at <= quiet_since,
        or_(columns.advisor_last_at.is_(None), columns.advisor_last_at <= quiet_since),
    ]
