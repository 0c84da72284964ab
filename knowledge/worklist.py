"""What there is to do for editors: what waits for this one first, then every article with how it is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from knowledge.colleagues import account
from knowledge.edited import moment_words, statuses
from knowledge.reading import freshness
from knowledge.tables import article, article_feedback, article_step, article_use, article_version, draft_progress
from knowledge.words import Freshness, Status, Step, Use, date_words

COUNTED_FOR = timedelta(days=90)
LEAST_ANSWERS = 5
ON_A_PAGE = 50
IN_A_LIST = 50

# Beside an article's newest pointer: who wrote it, who is asked to look at it, and what was last done.
author, reviewer = account.alias("author"), account.alias("reviewer")
last_step = article_step.alias("last_step")
sender = account.alias("sender")
progress = draft_progress.c

_BY_REVIEW = (article_version.c.review_by.is_(None), article_version.c.review_by, article_version.c.title)


@dataclass(frozen=True, slots=True)
class WorkRow:
    slug: str
    title: str
    statuses: list[Status]
    freshness: Freshness
    owner: str
    review_on: date | None
    uses: int
    helpful: str | None
    """The share of readers whom it helped, or None when too few said so."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    path: str
    title: str
    meta: str


@dataclass(frozen=True, slots=True)
class WorkCard:
    """One kind of work, the most pressing first."""

    title: str
    items: list[WorkItem]
    total: int
    when_empty: str


@dataclass(frozen=True, slots=True)
class WorkList:
    cards: list[WorkCard]
    rows: list[WorkRow]
    total: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    number: int
    title: str
    author_name: str
    at: datetime
    published_at: datetime | None
    state: str
    given: int
    """How often it was shared into a conversation."""


async def read_work_list(
    connection: AsyncConnection, me: str, now: datetime, day: date, words: str, status: Status | None, page: int
) -> WorkList:
    is_due = and_(article.c.status == Status.PUBLISHED, article_version.c.review_by <= day)
    wanted = _wanted(words, status)
    # What is due comes first in the whole list, too.
    order = (case((is_due, 0), else_=1), *_BY_REVIEW)
    rows = await _rows(connection, wanted, order, ON_A_PAGE, (page - 1) * ON_A_PAGE)
    ids = [row.id for row in rows]
    uses, helpful = await _uses(connection, ids, now - COUNTED_FOR), await _helpful(connection, ids)
    return WorkList(
        await _cards(connection, me, is_due),
        [_work_row(row, day, uses, helpful) for row in rows],
        await _count(connection, wanted),
    )


async def _cards(connection: AsyncConnection, me: str, is_due: ColumnElement[bool]) -> list[WorkCard]:
    """Due for review, what waits for this editor, what is being written, what is published by itself."""
    in_review = progress.status == Status.IN_REVIEW
    is_mine = article_version.c.author_id == me
    not_mine = or_(article_version.c.author_id.is_(None), article_version.c.author_id != me)
    with_me = and_(in_review, or_(progress.reviewer_id == me, and_(progress.reviewer_id.is_(None), not_mine)))
    is_draft = article.c.draft_version.is_not(None)
    back_to_me = and_(is_draft, progress.status.is_(None), is_mine, last_step.c.kind == Step.SENT_BACK)
    written = and_(
        is_draft, or_(progress.status.is_(None), and_(in_review, ~with_me)), ~func.coalesce(back_to_me, False)
    )
    newest_first = (article.c.updated_at.desc(),)

    async def card(
        title: str, which: ColumnElement[bool], order: tuple[Any, ...], when_empty: str, page: str = ""
    ) -> WorkCard:
        rows = await _rows(connection, [which], order, IN_A_LIST, 0)
        items = [WorkItem(f"/editor/{row.slug}{page}", row.title, _meta(row)) for row in rows]
        total = len(items) if len(items) < IN_A_LIST else await _count(connection, [which])
        return WorkCard(title, items, total, when_empty)

    scheduled = progress.status == Status.SCHEDULED
    return [
        await card("Due for review", is_due, _BY_REVIEW, "Nothing is due."),
        await card("In review with me", with_me, (progress.at,), "Nobody waits for you.", "/review"),
        await card("Sent back to me", back_to_me, newest_first, "Nothing was sent back."),
        await card("Drafts", written, newest_first, "There is no other draft."),
        await card("Scheduled", scheduled, (progress.publish_at,), "Nothing is scheduled.", "/review"),
    ]


def _meta(row: Any) -> str:
    """What there is to know of an entry beside its title."""
    if row.progress == Status.SCHEDULED:
        return moment_words(row.publish_at)
    if row.progress == Status.IN_REVIEW:
        return f"by {row.author_name or 'an import'}, with {row.reviewer_name or 'anybody'}"
    if row.draft_version is None:
        return date_words(row.review_by) if row.review_by else ""
    if row.step == Step.SENT_BACK:
        return f"sent back by {row.sender_name}"
    return f"by {row.author_name or 'an import'}"


async def read_history(connection: AsyncConnection, slug: str, limit: int = 200) -> list[VersionRow]:
    """The versions of an article, the newest first; empty when there is no such article."""
    query = (
        select(
            article_version.c.version,
            article_version.c.title,
            article_version.c.created_at,
            article_version.c.published_at,
            article.c.status,
            article.c.draft_version,
            article.c.published_version,
            progress.status.label("progress"),
            account.c.name.label("author_name"),
            _given().label("given"),
        )
        .join(article, article.c.id == article_version.c.article_id)
        .outerjoin(account, account.c.id == article_version.c.author_id)
        .outerjoin(
            draft_progress, and_(progress.article_id == article.c.id, progress.version == article.c.draft_version)
        )
        .where(article.c.slug == slug)
        .order_by(article_version.c.version.desc())
        .limit(limit)
    )
    return [
        VersionRow(
            number=row.version,
            title=row.title,
            author_name=row.author_name or "Import",
            at=row.created_at,
            published_at=row.published_at,
            state=_state(row),
            given=row.given,
        )
        for row in await connection.execute(query)
    ]


def _given() -> Any:
    return (
        select(func.count())
        .where(
            article_use.c.article_id == article_version.c.article_id, article_use.c.version == article_version.c.version
        )
        .where(article_use.c.kind == Use.SHARED)
        .correlate(article_version)
        .scalar_subquery()
    )


def _state(row: Any) -> str:
    if row.version == row.published_version:
        return str(row.status)
    return str(row.progress or Status.DRAFT) if row.version == row.draft_version else ""


def _joined() -> Any:
    """Every article with its newest pointer, the draft when there is one, else what readers have; and where the draft is."""
    newest = func.coalesce(article.c.draft_version, article.c.published_version)
    last = select(func.max(article_step.c.id)).where(article_step.c.article_id == article.c.id).scalar_subquery()
    return (
        article.join(
            article_version, and_(article_version.c.article_id == article.c.id, article_version.c.version == newest)
        )
        .outerjoin(
            draft_progress, and_(progress.article_id == article.c.id, progress.version == article.c.draft_version)
        )
        .outerjoin(author, author.c.id == article_version.c.author_id)
        .outerjoin(reviewer, reviewer.c.id == progress.reviewer_id)
        .outerjoin(last_step, last_step.c.id == last)
        .outerjoin(sender, sender.c.id == last_step.c.by_id)
    )


def _wanted(words: str, status: Status | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    for word in words.lower().split()[:8]:
        title = func.lower(article_version.c.title).contains(word, autoescape=True)
        wanted.append(or_(title, article.c.slug.contains(word, autoescape=True)))
    if status == Status.DRAFT:
        wanted.append(article.c.draft_version.is_not(None))
    elif status in (Status.IN_REVIEW, Status.SCHEDULED):
        wanted.append(progress.status == status)
    elif status is not None:
        wanted.append(article.c.status == status)
    return wanted


async def _rows(
    connection: AsyncConnection, wanted: list[ColumnElement[bool]], order: tuple[Any, ...], limit: int, offset: int
) -> Sequence[Any]:
    pointers = (article.c.id, article.c.slug, article.c.status, article.c.draft_version, article.c.published_version)
    columns = (article_version.c.title, article_version.c.owner, article_version.c.review_by)
    names = (author.c.name.label("author_name"), reviewer.c.name.label("reviewer_name"))
    way = (progress.status.label("progress"), progress.publish_at, last_step.c.kind.label("step"))
    order = (*order, article.c.id)
    # First which, of all articles, without the joins that only say more of them; then what there is to say of those.
    which = select(article.c.id).select_from(_joined()).where(*wanted).order_by(*order).limit(limit).offset(offset)
    query = select(*pointers, *columns, *names, *way, sender.c.name.label("sender_name")).select_from(_joined())
    query = query.where(article.c.id.in_(which.correlate(None))).order_by(*order)
    return (await connection.execute(query)).all()


async def _count(connection: AsyncConnection, wanted: list[ColumnElement[bool]]) -> int:
    return int(await connection.scalar(select(func.count()).select_from(_joined()).where(*wanted)) or 0)


async def _uses(connection: AsyncConnection, ids: list[int], since: datetime) -> dict[int, int]:
    query = select(article_use.c.article_id, func.count().label("uses"))
    query = query.where(article_use.c.article_id.in_(ids), article_use.c.at >= since).group_by(article_use.c.article_id)
    return {row.article_id: row.uses for row in await connection.execute(query)}


async def _helpful(connection: AsyncConnection, ids: list[int]) -> dict[int, str]:
    yes = func.sum(case((article_feedback.c.helpful, 1), else_=0))
    query = select(article_feedback.c.article_id, func.count().label("answers"), yes.label("yes"))
    query = query.where(article_feedback.c.article_id.in_(ids)).group_by(article_feedback.c.article_id)
    rows = await connection.execute(query)
    return {row.article_id: f"{100 * row.yes / row.answers:.0f} %" for row in rows if row.answers >= LEAST_ANSWERS}


def _work_row(row: Any, day: date, uses: dict[int, int], helpful: dict[int, str]) -> WorkRow:
    return WorkRow(
        slug=row.slug,
        title=row.title,
        statuses=statuses(
            Status(row.status), row.published_version, row.draft_version, Status(row.progress) if row.progress else None
        ),
        freshness=freshness(Status(row.status), row.review_by, day),
        owner=row.owner,
        review_on=row.review_by,
        uses=uses.get(row.id, 0),
        helpful=helpful.get(row.id),
    )
