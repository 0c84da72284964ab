"""What there is to do for editors: due for review first, drafts, then every article with how it is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, column, func, or_, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from knowledge.reading import freshness
from knowledge.tables import article, article_feedback, article_use, article_version
from knowledge.words import Freshness, Status, Use

COUNTED_FOR = timedelta(days=90)
LEAST_ANSWERS = 5
ON_A_PAGE = 50
IN_A_LIST = 50

# Only the names of who wrote a version are read here; accounts belong to another part.
account = table("account", column("id"), column("name"))


@dataclass(frozen=True, slots=True)
class WorkRow:
    slug: str
    title: str
    status: Status
    freshness: Freshness
    owner: str
    review_on: date | None
    uses: int
    helpful: str | None
    """The share of readers whom it helped, or None when too few said so."""
    has_draft: bool


@dataclass(frozen=True, slots=True)
class WorkList:
    due: list[WorkRow]
    drafts: list[WorkRow]
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
    connection: AsyncConnection, now: datetime, day: date, words: str, status: Status | None, page: int
) -> WorkList:
    is_due = and_(article.c.status == Status.PUBLISHED, article_version.c.review_by <= day)
    has_draft = article.c.draft_version.is_not(None)
    wanted = _wanted(words, status)
    since = now - COUNTED_FOR
    by_review = (article_version.c.review_by.is_(None), article_version.c.review_by, article_version.c.title)
    due = await _rows(connection, [is_due], by_review, IN_A_LIST, 0)
    drafts = await _rows(connection, [has_draft], (article.c.updated_at.desc(),), IN_A_LIST, 0)
    # What is due comes first in the whole list, too.
    order = (case((is_due, 0), else_=1), *by_review)
    rows = await _rows(connection, wanted, order, ON_A_PAGE, (page - 1) * ON_A_PAGE)
    total = await connection.scalar(select(func.count()).select_from(_joined()).where(*wanted))
    ids = [row.id for row in (*due, *drafts, *rows)]
    uses, helpful = await _uses(connection, ids, since), await _helpful(connection, ids)

    def made(found: Sequence[Any]) -> list[WorkRow]:
        return [_work_row(row, day, uses, helpful) for row in found]

    return WorkList(made(due), made(drafts), made(rows), int(total or 0))


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
            account.c.name.label("author_name"),
            _given().label("given"),
        )
        .join(article, article.c.id == article_version.c.article_id)
        .outerjoin(account, account.c.id == article_version.c.author_id)
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


async def author_name(connection: AsyncConnection, account_id: str | None) -> str:
    name = await connection.scalar(select(account.c.name).where(account.c.id == account_id)) if account_id else None
    return str(name) if name else "An import"


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
    return str(Status.DRAFT) if row.version == row.draft_version else ""


def _joined() -> Any:
    """Every article with its newest pointer: the draft when there is one, else what readers have."""
    newest = func.coalesce(article.c.draft_version, article.c.published_version)
    return article.join(
        article_version, and_(article_version.c.article_id == article.c.id, article_version.c.version == newest)
    )


def _wanted(words: str, status: Status | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    for word in words.lower().split()[:8]:
        title = func.lower(article_version.c.title).contains(word, autoescape=True)
        wanted.append(or_(title, article.c.slug.contains(word, autoescape=True)))
    if status == Status.DRAFT:
        wanted.append(article.c.draft_version.is_not(None))
    elif status is not None:
        wanted.append(article.c.status == status)
    return wanted


async def _rows(
    connection: AsyncConnection, wanted: list[ColumnElement[bool]], order: tuple[Any, ...], limit: int, offset: int
) -> Sequence[Any]:
    columns = (article_version.c.title, article_version.c.owner, article_version.c.review_by)
    pointers = (article.c.id, article.c.slug, article.c.status, article.c.draft_version, article.c.published_version)
    query = select(*pointers, *columns).select_from(_joined()).where(*wanted)
    return (await connection.execute(query.order_by(*order, article.c.id).limit(limit).offset(offset))).all()


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
        status=Status(row.status),
        freshness=freshness(Status(row.status), row.review_by, day),
        owner=row.owner,
        review_on=row.review_by,
        uses=uses.get(row.id, 0),
        helpful=helpful.get(row.id),
        has_draft=row.draft_version is not None and row.published_version is not None,
    )
