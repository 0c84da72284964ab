"""The router: looks at the line and at who is on duty, and holds the next out to the right advisor.

It decides on rows of the database only; what it decides is `triage.routing`, what becomes of it `triage.offers`. It runs in
the worker that leads. A second one, for a moment, does no harm: offers are made under locks and an index keeps them single.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.tables import conversation
from chat.words import Status
from core.clock import Clock
from core.db import Database
from staff.tables import account
from triage.offers import PASSED, Offers, Outcome, active_of, can_be_offered
from triage.routing import NO_PASSES, Advisor, Waiting, plan
from triage.skills import needed
from triage.tables import account_skill, offer
from triage.times import Times

logger = structlog.get_logger()

MOST_READ = 5_000


class Router:
    def __init__(self, db: Database, offers: Offers, clock: Clock, times: Times | None = None) -> None:
        self._db = db
        self._offers = offers
        self._clock = clock
        self._times = times or Times()

    async def tick(self) -> int:
        """End what is over, then offer whoever is next. How many offers were made."""
        await self._offers.end_overdue()
        await self._offers.withdraw_idle()
        now = self._clock()
        async with self._db.read() as connection:
            advisors = await read_advisors(connection, now)
            if not any(one.is_free for one in advisors):
                return 0
            line = await read_line(connection)
        made = await self._offers.make(plan(line, advisors, now, self._times.rest))
        if made:
            logger.info("offers_made", count=made, waiting=len(line))
        return made


async def read_advisors(connection: AsyncConnection, now: datetime) -> list[Advisor]:
    """Everybody on duty: online, there, not disabled; with room or without."""
    has_offer = exists().where(offer.c.account_id == account.c.id, offer.c.outcome == Outcome.OPEN)
    query = select(
        account.c.id,
        account.c.capacity,
        account.c.idle_since,
        active_of(account.c.id).label("active"),
        has_offer.label("has_offer"),
    ).where(*can_be_offered(now))
    rows = (await connection.execute(query)).all()
    skills: dict[str, set[str]] = {}
    if rows:
        having = select(account_skill).where(account_skill.c.account_id.in_([row.id for row in rows]))
        for one in await connection.execute(having):
            skills.setdefault(one.account_id, set()).add(one.skill)
    return [
        Advisor(
            row.id, row.active, row.capacity, row.idle_since, frozenset(skills.get(row.id, ())), bool(row.has_offer)
        )
        for row in rows
    ]


async def read_line(connection: AsyncConnection) -> Sequence[Waiting]:
    """Everybody who waits, in order, with who has passed them on since this wait began."""
    columns: Any = conversation.c
    query = (
        select(
            columns.id,
            columns.urgency,
            columns.waiting_since,
            columns.sort_key,
            columns.requeues,
            columns.language,
            exists().where(offer.c.conversation_id == columns.id, offer.c.outcome == Outcome.OPEN).label("is_offered"),
        )
        .where(columns.status == Status.WAITING)
        .order_by(columns.sort_key, columns.id)
        .limit(MOST_READ)
    )
    rows = (await connection.execute(query)).all()
    passed = await _read_passes(connection) if rows else {}
    return [
        Waiting(
            conversation_id=row.id,
            urgency=row.urgency,
            waiting_since=row.waiting_since,
            sort_key=row.sort_key,
            requeued=row.requeues > 0,
            skills=needed(row.language),
            passed=passed.get(row.id, NO_PASSES),
            is_offered=bool(row.is_offered),
        )
        for row in rows
    ]


async def _read_passes(connection: AsyncConnection) -> dict[int, dict[str, datetime]]:
    """By conversation that waits: who passed it on, and when last."""
    waits = conversation.c.status == Status.WAITING
    # Whoever was taken and came back waits anew: what was passed on before that is forgotten.
    in_this_wait = offer.c.ended_at >= func.coalesce(conversation.c.claimed_at, conversation.c.waiting_since)
    query = (
        select(offer.c.conversation_id, offer.c.account_id, func.max(offer.c.ended_at).label("at"))
        .select_from(offer.join(conversation, offer.c.conversation_id == conversation.c.id))
        .where(waits, in_this_wait, offer.c.outcome.in_(PASSED))
        .group_by(offer.c.conversation_id, offer.c.account_id)
    )
    passed: dict[int, dict[str, datetime]] = {}
    for row in await connection.execute(query):
        passed.setdefault(row.conversation_id, {})[row.account_id] = row.at
    return passed
