"""What a reader gets: cards for lists and searches, and whole articles, always for an audience.

Whoever may not read an article is answered as if it did not exist. A version that was published once stays readable by
those who may read both it and the article as it is now.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import NotFound
from knowledge.tables import article, article_use, article_version
from knowledge.versions import ArticleText, asked_of, text_of
from knowledge.words import Audience, Audiences, Freshness, Language, Status


@dataclass(frozen=True, slots=True)
class Card:
    """An article in a list. Kept in memory for every article that readers know of."""

    article_id: int
    slug: str
    title: str
    summary: str
    version: int
    audience: Audience
    tags: tuple[str, ...]
    checked_on: date | None
    review_by: date | None
    status: Status
    language: Language = Language.ENGLISH
    translation_of: str = ""

    def freshness_on(self, day: date) -> Freshness:
        return freshness(self.status, self.review_by, day)


@dataclass(frozen=True, slots=True)
class PublishedArticle:
    """One version that readers have, or once had."""

    article_id: int
    slug: str
    version: int
    text: ArticleText
    html: str
    published_at: datetime
    status: Status
    is_current: bool
    """Whether this is the version that is published now."""
    withdrawn_at: datetime | None
    withdrawn_reason: str

    @property
    def title(self) -> str:
        return self.text.title

    @property
    def summary(self) -> str:
        return self.text.summary

    @property
    def audience(self) -> Audience:
        return self.text.audience

    @property
    def last_checked(self) -> date | None:
        return self.text.last_checked

    @property
    def review_by(self) -> date | None:
        return self.text.review_by

    @property
    def public_text(self) -> ArticleText:
        """Without what is only for those who write it."""
        return replace(self.text, owner="", more="{}")

    @property
    def language(self) -> Language:
        return self.text.language

    def freshness_on(self, day: date) -> Freshness:
        return freshness(self.status, self.text.review_by, day)


@dataclass(frozen=True, slots=True)
class Change:
    """An article as the index takes it up: its card, and the words of its text when readers have it."""

    card: Card
    html: str
    asked: tuple[str, ...]
    changed: int


def freshness(status: Status, review_by: date | None, day: date) -> Freshness:
    if status == Status.WITHDRAWN:
        return Freshness.WITHDRAWN
    return Freshness.DUE if review_by is not None and review_by <= day else Freshness.CURRENT


async def read_article(
    connection: AsyncConnection, slug: str, audiences: Audiences, version: int | None = None
) -> PublishedArticle:
    """The published version, or an earlier one that was. Raises NotFound, also for what these readers may not see."""
    current = article_version.alias()
    query = (
        select(article_version, article, current.c.audience.label("audience_now"))
        .select_from(article)
        .join(current, and_(current.c.article_id == article.c.id, current.c.version == article.c.published_version))
        .join(article_version, article_version.c.article_id == article.c.id)
        .where(article.c.slug == slug, article_version.c.published_at.is_not(None))
        .where(article_version.c.version == (article.c.published_version if version is None else version))
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None or not {Audience(row.audience), Audience(row.audience_now)} <= audiences:
        raise NotFound
    return PublishedArticle(
        article_id=row.article_id,
        slug=row.slug,
        version=row.version,
        text=text_of(row),
        html=row.html,
        published_at=row.published_at,
        status=Status(row.status),
        is_current=row.version == row.published_version,
        withdrawn_at=row.withdrawn_at,
        withdrawn_reason=row.withdrawn_reason or "",
    )


async def changes_since(connection: AsyncConnection, counter: int, after_id: int, limit: int) -> list[Change]:
    """Articles that readers saw change after `counter`, in the order of their ids, those after `after_id`."""
    query = _published().where(article.c.changed > counter, article.c.id > after_id).order_by(article.c.id).limit(limit)
    return [Change(_card(row), row.html, asked_of(row.meta), row.changed) for row in await connection.execute(query)]


async def uses_since(connection: AsyncConnection, since: datetime) -> dict[int, int]:
    """How often each article was shared, read or opened."""
    query = select(article_use.c.article_id, func.count().label("uses")).where(article_use.c.at >= since)
    return {row.article_id: row.uses for row in await connection.execute(query.group_by(article_use.c.article_id))}


def _published() -> Select[Any]:
    version = article_version.c
    columns = (version.article_id, version.version, version.title, version.summary, version.audience, version.tags)
    more = (
        version.last_checked,
        version.review_by,
        version.html,
        version.meta,
        version.language,
        version.translation_of,
    )
    return select(*columns, *more, article.c.slug, article.c.status, article.c.changed).join(
        article,
        and_(article.c.id == article_version.c.article_id, article.c.published_version == article_version.c.version),
    )


def _card(row: Row[Any]) -> Card:
    return Card(
        article_id=row.article_id,
        slug=row.slug,
        title=row.title,
        summary=row.summary,
        version=row.version,
        audience=Audience(row.audience),
        tags=tuple(row.tags.split()),
        checked_on=row.last_checked,
        review_by=row.review_by,
        status=Status(row.status),
        language=Language(row.language),
        translation_of=row.translation_of,
    )
