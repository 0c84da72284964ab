"""What reports are counted from: one row a conversation, of columns that hold no content and outlast its erasure."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select

from chat.tables import conversation
from chat.words import Status
from core.clock import LONDON
from core.db import Database
from knowledge.tables import article, article_use, article_version
from triage.tables import feedback, wrap_up

ROWS_AT_ONCE = 10_000
MOST_DAYS = 3 * 366
MOST_PERIODS = 120
DEFAULT_DAYS = 12 * 7


class Grouping(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class End(StrEnum):
    """What became of an enquiry; each has exactly one."""

    ANSWERED = "answered"
    LEFT = "left"
    QUESTION = "question"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Span:
    """Days of Europe/London, both included."""

    first: date
    last: date
    grouping: Grouping

    @property
    def starts(self) -> datetime:
        return _midnight(self.first)

    @property
    def ends(self) -> datetime:
        return _midnight(self.last + timedelta(days=1))

    def period_of(self, moment: datetime) -> date:
        """The first day of the period that this moment lies in; the first period begins with the span."""
        return max(_first_of(moment.astimezone(LONDON).date(), self.grouping), self.first)

    def periods(self) -> list[date]:
        days = (self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1))
        return sorted({max(_first_of(day, self.grouping), self.first) for day in days})

    def end_of(self, period: date) -> date:
        """The last day of the period that begins with this day."""
        if self.grouping is Grouping.DAY:
            return period
        if self.grouping is Grouping.WEEK:
            return min(period + timedelta(days=6 - period.weekday()), self.last)
        following = (period.replace(day=1) + timedelta(days=32)).replace(day=1)
        return min(following - timedelta(days=1), self.last)


@dataclass(frozen=True, slots=True)
class Fact:
    """One conversation as it is counted. Times are aware UTC; what is None has not happened or was not said."""

    created_at: datetime
    urgency: str
    sector: str
    area: str
    topic: str
    risk_flags: tuple[str, ...]
    end: End
    claimed_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    helpful: int | None
    will_change_practice: str | None

    @property
    def wait_s(self) -> float | None:
        """From the enquiry until an advisor first took it; not of questions, which wait for nobody at the page."""
        if self.claimed_at is None or self.end is not End.ANSWERED:
            return None
        return max((self.claimed_at - self.created_at).total_seconds(), 0.0)

    @property
    def length_s(self) -> float | None:
        if self.claimed_at is None or self.ended_at is None:
            return None
        return max((self.ended_at - self.claimed_at).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class ArticleUse:
    """How often an article was given to a visitor, and how often it was read while waiting or found by searching."""

    title: str
    slug: str
    shared: int
    opened: int


async def read_facts(db: Database, span: Span) -> AsyncIterator[list[Fact]]:
    """All conversations that began in the span, some thousands at a time, so that memory stays flat."""
    columns: Any = conversation.c
    query = (
        select(
            columns.id,
            columns.created_at,
            columns.urgency,
            columns.sector,
            columns.area,
            columns.topic,
            columns.risk_flags,
            func.coalesce(columns.closed_as, columns.status).label("status"),
            columns.question_at,
            func.coalesce(columns.first_claimed_at, columns.claimed_at, type_=columns.claimed_at.type).label(
                "claimed_at"
            ),
            columns.ended_at,
            wrap_up.c.outcome,
            feedback.c.helpful,
            feedback.c.will_change_practice,
        )
        .outerjoin(wrap_up, wrap_up.c.conversation_id == columns.id)
        .outerjoin(feedback, feedback.c.conversation_id == columns.id)
        .where(columns.created_at >= span.starts, columns.created_at < span.ends)
        .order_by(columns.id)
        .limit(ROWS_AT_ONCE)
    )
    last = 0
    while True:
        async with db.read() as connection:
            rows = (await connection.execute(query.where(columns.id > last))).all()
        if not rows:
            return
        last = rows[-1].id
        yield [_fact(row) for row in rows]


async def read_article_uses(db: Database, span: Span) -> list[ArticleUse]:
    """The articles that were used in the span, the most used first."""
    within = (article_use.c.at >= span.starts, article_use.c.at < span.ends)
    uses = (
        select(article_use.c.article_id, article_use.c.kind, func.count().label("uses"))
        .where(*within)
        .group_by(article_use.c.article_id, article_use.c.kind)
    )
    async with db.read() as connection:
        counted: dict[int, dict[str, int]] = {}
        for row in await connection.execute(uses):
            counted.setdefault(row.article_id, {})[row.kind] = row.uses
        named = (
            await connection.execute(
                select(article.c.id, article.c.slug, article_version.c.title)
                .join(article_version, article_version.c.article_id == article.c.id)
                .where(article.c.id.in_(counted), article_version.c.published_at.is_not(None))
                .order_by(article_version.c.version)
            )
        ).all()
    titles = {row.id: (row.title, row.slug) for row in named}
    found = [
        ArticleUse(*titles[one], kinds.get("shared", 0), sum(kinds.values()) - kinds.get("shared", 0))
        for one, kinds in counted.items()
        if one in titles
    ]
    return sorted(found, key=lambda use: (-use.shared, -use.opened, use.title))


def _fact(row: Any) -> Fact:
    return Fact(
        created_at=row.created_at,
        urgency=row.urgency,
        sector=row.sector,
        area=row.area,
        topic=row.topic,
        risk_flags=tuple(row.risk_flags.split()),
        end=_end_of(row),
        claimed_at=row.claimed_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
        helpful=row.helpful,
        will_change_practice=row.will_change_practice,
    )


def _end_of(row: Any) -> End:
    if row.question_at is not None:
        return End.QUESTION
    if row.claimed_at is not None:
        return End.ANSWERED
    return End.OPEN if row.status in (Status.WAITING, Status.QUESTION) else End.LEFT


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def _first_of(day: date, grouping: Grouping) -> date:
    if grouping is Grouping.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grouping is Grouping.MONTH else day
