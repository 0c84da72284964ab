"""What a supervisor sees of the line: five numbers with their last twelve hours, who waits, who is on, what is under way.

Reads only, and never a word of what anybody wrote. The worker keeps a sample of the numbers every few minutes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.tables import conversation
from chat.words import Status
from core.clock import LONDON, Clock
from core.db import Database
from core.people import Role
from staff.tables import account, account_role
from triage import words
from triage.hours import Opening
from triage.leases import has_lease
from triage.offers import Outcome
from triage.presence import count_online
from triage.reasons import Reason, in_words
from triage.tables import line_sample, offer
from triage.words import Presence, Urgency

SAMPLE_EVERY = timedelta(minutes=5)
SAMPLES_SHOWN = timedelta(hours=12)
SAMPLES_KEPT = timedelta(days=1)
MOST_LINES = 200
EMERGENCY_MAY_WAIT = timedelta(minutes=2)
ANYBODY_MAY_WAIT = timedelta(minutes=30)
QUIET_AFTER = timedelta(minutes=15)
SPARK_WIDTH, SPARK_HEIGHT = 100.0, 24.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """The line in five numbers. `answered` counts from midnight in London."""

    waiting: int
    longest_wait_s: int
    online: int
    active: int
    answered: int


@dataclass(frozen=True, slots=True)
class WaitingRow:
    reference: str
    urgency: str
    waiting_s: int
    sector: str
    area: str
    topic: str
    requeues: int
    offered_to: str | None
    why: str
    """Why it stands here, as the advisor who is offered it reads it."""


@dataclass(frozen=True, slots=True)
class AdvisorRow:
    account_id: str
    name: str
    presence: str
    """As the advisor says it, or `offline` when nobody is there."""
    since: datetime | None
    active: int
    capacity: int
    missed: int


@dataclass(frozen=True, slots=True)
class ActiveRow:
    reference: str
    urgency: str
    advisor_id: str
    advisor: str
    since: datetime
    sector: str
    topic: str
    is_unanswered: bool
    """The visitor said the last word, and that some time ago."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What wants somebody now, and the conversation that it is about, if it is about one."""

    text: str
    reference: str | None = None


class Board:
    def __init__(self, db: Database, opening: Opening, clock: Clock) -> None:
        self._db = db
        self._opening = opening
        self._clock = clock

    async def show(self) -> dict[str, Any]:
        """The context of the page."""
        now, state = self._clock(), await self._opening.state()
        async with self._db.read() as connection:
            numbers = await _numbers(connection, now)
            waiting = await _waiting(connection, now)
            advisors = await _advisors(connection, now)
            active = await _active(connection, now)
            samples = await _samples(connection, now)
        return {
            "numbers": [
                (
                    label,
                    value,
                    _spark([*((one.at, getattr(one, name)) for one in samples), (now, getattr(numbers, name))]),
                )
                for name, label, value in _figures(numbers)
            ],
            "waiting": waiting,
            "advisors": advisors,
            "active": active,
            "alerts": _alerts(numbers, waiting, active, state.open),
            "line_open": (await self._opening.timetable()).line_open,
            "line_message": state.notice,
            "is_open": state.open,
            "now": now,
        }

    async def name_of(self, account_id: str | None) -> str | None:
        async with self._db.read() as connection:
            query = select(account.c.name).where(account.c.id == account_id)
            return (await connection.execute(query)).scalar_one_or_none() if account_id else None

    async def sample(self) -> bool:
        """Keep the numbers when the last sample is old enough; whether it was."""
        now = self._clock()
        async with self._db.write() as connection:
            last = (await connection.execute(select(func.max(line_sample.c.at)))).scalar_one_or_none()
            if last is not None and now - SAMPLE_EVERY < last <= now:
                return False
            await connection.execute(delete(line_sample).where(line_sample.c.at < now - SAMPLES_KEPT))
            await connection.execute(insert(line_sample).values(at=now, **asdict(await _numbers(connection, now))))
        return True


async def _numbers(connection: AsyncConnection, now: datetime) -> Numbers:
    columns = conversation.c
    midnight = datetime.combine(now.astimezone(LONDON).date(), time(), LONDON).astimezone(now.tzinfo)
    waits, is_active = columns.status == Status.WAITING, columns.status == Status.ACTIVE
    # One pass over few rows: those that are open, by the index on status; those answered today, by their time.
    line = (await connection.execute(select(func.count(), func.min(columns.waiting_since)).where(waits))).one()
    active = (await connection.execute(select(func.count()).where(is_active))).scalar_one()
    answered = select(func.count()).where(
        columns.created_at >= midnight - timedelta(days=1), columns.first_claimed_at >= midnight
    )
    return Numbers(
        waiting=line[0],
        longest_wait_s=int((now - line[1]).total_seconds()) if line[1] else 0,
        online=await count_online(connection, now),
        active=active,
        answered=(await connection.execute(answered)).scalar_one(),
    )


async def _waiting(connection: AsyncConnection, now: datetime) -> list[WaitingRow]:
    columns: Any = conversation.c
    query = (
        select(
            columns.reference,
            columns.urgency,
            columns.waiting_since,
            columns.sector,
            columns.area,
            columns.topic,
            columns.requeues,
            account.c.name,
        )
        .outerjoin(offer, and_(offer.c.conversation_id == columns.id, offer.c.outcome == Outcome.OPEN))
        .outerjoin(account, account.c.id == offer.c.account_id)
        .where(columns.status == Status.WAITING)
        .order_by(columns.sort_key, columns.id)
        .limit(MOST_LINES)
    )
    rows = (await connection.execute(query)).all()
    behind = Counter(row.urgency for row in rows)
    found = []
    for row in rows:
        behind[row.urgency] -= 1
        waited_s = int((now - row.waiting_since).total_seconds())
        found.append(
            WaitingRow(
                reference=row.reference,
                urgency=row.urgency,
                waiting_s=waited_s,
                sector=words.SECTORS.get(row.sector, row.sector),
                area=words.AREAS.get(row.area, row.area),
                topic=words.TOPICS.get(row.topic, row.topic),
                requeues=row.requeues,
                offered_to=row.name,
                why=in_words(Reason(row.urgency, waited_s, dict(+behind), requeued=row.requeues > 0)),
            )
        )
    return found


async def _advisors(connection: AsyncConnection, now: datetime) -> list[AdvisorRow]:
    """Every advisor; those who are there first."""
    holds = (
        select(conversation.c.advisor_id, func.count().label("active"))
        .where(conversation.c.status == Status.ACTIVE)
        .group_by(conversation.c.advisor_id)
        .subquery()
    )
    is_advisor = exists().where(account_role.c.account_id == account.c.id, account_role.c.role == Role.ADVISOR)
    query = (
        select(
            account.c.id,
            account.c.name,
            account.c.presence,
            account.c.presence_since,
            account.c.capacity,
            account.c.missed,
            func.coalesce(holds.c.active, 0).label("active"),
            has_lease(now).label("is_there"),
        )
        .outerjoin(holds, holds.c.advisor_id == account.c.id)
        .where(is_advisor, ~account.c.disabled)
        .order_by(account.c.name)
    )
    rows = [
        AdvisorRow(
            row.id,
            row.name,
            row.presence if row.is_there else "offline",
            row.presence_since if row.is_there else None,
            row.active,
            row.capacity,
            row.missed,
        )
        for row in await connection.execute(query)
    ]
    order = [Presence.ONLINE, Presence.BUSY, Presence.AWAY, "offline"]
    return sorted(rows, key=lambda one: (order.index(one.presence), one.name))


async def _active(connection: AsyncConnection, now: datetime) -> list[ActiveRow]:
    columns: Any = conversation.c
    unanswered = and_(
        columns.visitor_last_at < now - QUIET_AFTER,
        or_(columns.advisor_last_at.is_(None), columns.advisor_last_at < columns.visitor_last_at),
    )
    query = (
        select(
            columns.reference,
            columns.urgency,
            columns.advisor_id,
            columns.claimed_at,
            columns.sector,
            columns.topic,
            account.c.name,
            func.coalesce(unanswered, False).label("is_unanswered"),
        )
        .join(account, account.c.id == columns.advisor_id)
        .where(columns.status == Status.ACTIVE)
        .order_by(columns.claimed_at)
        .limit(MOST_LINES)
    )
    return [
        ActiveRow(
            row.reference,
            row.urgency,
            row.advisor_id,
            row.name,
            row.claimed_at,
            words.SECTORS.get(row.sector, row.sector),
            words.TOPICS.get(row.topic, row.topic),
            bool(row.is_unanswered),
        )
        for row in await connection.execute(query)
    ]


async def _samples(connection: AsyncConnection, now: datetime) -> Sequence[Any]:
    query = select(line_sample).where(line_sample.c.at >= now - SAMPLES_SHOWN).order_by(line_sample.c.at)
    return (await connection.execute(query)).all()


def _figures(numbers: Numbers) -> list[tuple[str, str, str]]:
    """Of each number: its name, its words, and how it is written."""
    return [
        ("waiting", "Waiting", str(numbers.waiting)),
        ("longest_wait_s", "Longest wait", span_words(numbers.longest_wait_s) if numbers.waiting else "None"),
        ("online", "Online", str(numbers.online)),
        ("active", "Under way", str(numbers.active)),
        ("answered", "Answered today", str(numbers.answered)),
    ]


def _spark(values: Sequence[tuple[datetime, int]]) -> str:
    """The points of a line that ends now, in units of SPARK_WIDTH by SPARK_HEIGHT."""
    if len(values) < 2:
        return ""
    now, top = values[-1][0], max(1, *(value for _, value in values))
    points = (
        (SPARK_WIDTH * (1 - (now - at) / SAMPLES_SHOWN), SPARK_HEIGHT - 1 - value / top * (SPARK_HEIGHT - 2))
        for at, value in values
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def span_words(seconds: int) -> str:
    if seconds < 60:
        return "under 1 min"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _alerts(numbers: Numbers, waiting: Sequence[WaitingRow], active: Sequence[ActiveRow], is_open: bool) -> list[Alert]:
    """The most pressing first."""
    alerts = [
        Alert(f"An emergency has waited {span_words(one.waiting_s)}.", one.reference)
        for one in waiting
        if one.urgency == Urgency.EMERGENCY and one.waiting_s > EMERGENCY_MAY_WAIT.total_seconds()
    ]
    if is_open and not numbers.online:
        alerts.append(Alert("The service is open and no advisor is online."))
    late = sum(one.waiting_s > ANYBODY_MAY_WAIT.total_seconds() for one in waiting)
    if late:
        minutes = ANYBODY_MAY_WAIT // timedelta(minutes=1)
        alerts.append(
            Alert(f"{late} {'person has' if late == 1 else 'people have'} waited longer than {minutes} minutes.")
        )
    minutes = QUIET_AFTER // timedelta(minutes=1)
    alerts += [
        Alert(f"A visitor has waited longer than {minutes} minutes for an answer from {one.advisor}.", one.reference)
        for one in active
        if one.is_unanswered
    ]
    return alerts
