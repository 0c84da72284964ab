"""The texts of articles: append only. A version is written once and never changed; only `published_at` is set later.

Saving needs the version that the editor started from; when somebody saved in between, nothing is written and both
texts are kept for the editor to put together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec
from sqlalchemy import ColumnElement, Row, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import NotFound, Refusal
from knowledge.images import note_images
from knowledge.tables import article, article_version
from knowledge.words import Audience, Language, Status


@dataclass(frozen=True, slots=True)
class ArticleText:
    """Everything an editor writes. Two equal texts are the same version."""

    title: str
    summary: str
    audience: Audience
    tags: tuple[str, ...]
    owner: str
    last_checked: date | None
    review_by: date | None
    sources: tuple[str, ...]
    markdown: str
    asked: tuple[str, ...] = ()
    """What it answers in the words of those who look for it; found by, and not shown."""
    more: str = "{}"
    """Front matter that the service does not know, as JSON; kept for the next export."""
    language: Language = Language.ENGLISH
    translation_of: str = ""
    """The slug of the article that this is the other language of."""


@dataclass(frozen=True, slots=True)
class Version:
    article_id: int
    slug: str
    version: int
    text: ArticleText
    html: str
    author_id: str | None
    created_at: datetime
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Saved:
    article_id: int
    version: int
    is_new: bool
    """False when the text was already the newest one."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A rendered text on its way into the table."""

    slug: str
    text: ArticleText
    html: str
    author_id: str | None
    at: datetime
    published_at: datetime | None = None

    def row(self, article_id: int, version: int) -> dict[str, Any]:
        text = self.text
        meta = {**msgspec.json.decode(text.more, type=dict[str, Any]), "sources": text.sources}
        if text.asked:
            meta["asked"] = text.asked
        return {
            "article_id": article_id,
            "version": version,
            "title": text.title,
            "summary": text.summary,
            "audience": text.audience,
            "tags": " ".join(text.tags),
            "owner": text.owner,
            "last_checked": text.last_checked,
            "review_by": text.review_by,
            "meta": msgspec.json.encode(meta).decode(),
            "markdown": text.markdown,
            "html": self.html,
            "author_id": self.author_id,
            "created_at": self.at,
            "published_at": self.published_at,
            "language": text.language,
            "translation_of": text.translation_of,
        }


class StaleEdit(Refusal):
    code: ClassVar[str] = "stale_edit"
    status: ClassVar[int] = 409
    message: ClassVar[str] = (
        "Somebody saved this article while you were writing. Your text is kept: put the two together and save again."
    )

    def __init__(self, newest: int) -> None:
        super().__init__()
        self.newest = newest


class SlugTaken(Refusal):
    code: ClassVar[str] = "slug_taken"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "Another article has this address. Choose another one."


async def create(connection: AsyncConnection, new: NewVersion) -> Saved:
    """The first version of a new article. Raises SlugTaken."""
    values = {
        "slug": new.slug,
        "status": Status.DRAFT,
        "draft_version": 1,
        "created_at": new.at,
        "updated_at": new.at,
        "changed": 0,
    }
    if await _article(connection, new.slug) is not None:
        raise SlugTaken
    try:
        async with connection.begin_nested():
            created = await connection.execute(insert(article).values(**values).returning(article.c.id))
    except IntegrityError:
        # Somebody else took the address between the look and the insert.
        raise SlugTaken from None
    article_id = int(created.scalar_one())
    await connection.execute(insert(article_version).values(new.row(article_id, 1)))
    await note_images(connection, article_id, 1, new.html)
    return Saved(article_id, 1, is_new=True)


async def save(connection: AsyncConnection, new: NewVersion, base_version: int) -> Saved:
    """A further version, written on top of `base_version`. Raises NotFound and StaleEdit."""
    row = await _article(connection, new.slug, lock=True)
    if row is None:
        raise NotFound
    newest = await _newest(connection, row.id)
    if newest.text == new.text:
        # The same form sent twice, or nothing changed.
        return Saved(row.id, newest.version, is_new=False)
    if newest.version != base_version:
        raise StaleEdit(newest.version)
    version = newest.version + 1
    await connection.execute(insert(article_version).values(new.row(row.id, version)))
    await note_images(connection, row.id, version, new.html)
    await connection.execute(
        update(article).where(article.c.id == row.id).values(draft_version=version, updated_at=new.at)
    )
    return Saved(row.id, version, is_new=True)


async def read_version(connection: AsyncConnection, slug: str, version: int | None = None) -> Version:
    """One version, or the newest. Raises NotFound."""
    query = _versions().where(article.c.slug == slug)
    if version is not None:
        query = query.where(article_version.c.version == version)
    row = (await connection.execute(query.order_by(article_version.c.version.desc()).limit(1))).one_or_none()
    if row is None:
        raise NotFound
    return _to_version(row)


async def history(connection: AsyncConnection, slug: str, limit: int = 200) -> list[Version]:
    """The versions of an article, the newest first."""
    query = _versions().where(article.c.slug == slug).order_by(article_version.c.version.desc()).limit(limit)
    return [_to_version(row) for row in await connection.execute(query)]


async def newest_of(connection: AsyncConnection, slugs: Sequence[str]) -> dict[str, Version]:
    """The newest version of each of these articles that exists."""
    any_version = article_version.alias()
    last = select(func.max(any_version.c.version)).where(any_version.c.article_id == article.c.id)
    return await _by_slug(connection, slugs, article_version.c.version == last.scalar_subquery())


async def published_of(connection: AsyncConnection, slugs: Sequence[str]) -> dict[str, Version]:
    """The version that readers have, or last had, of each of these articles that was ever published."""
    return await _by_slug(connection, slugs, article_version.c.version == article.c.published_version)


async def _by_slug(connection: AsyncConnection, slugs: Sequence[str], which: ColumnElement[bool]) -> dict[str, Version]:
    rows = await connection.execute(_versions().where(article.c.slug.in_(slugs), which))
    return {row.slug: _to_version(row) for row in rows}


async def _article(connection: AsyncConnection, slug: str, *, lock: bool = False) -> Row[Any] | None:
    query = select(article).where(article.c.slug == slug)
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def _newest(connection: AsyncConnection, article_id: int) -> Version:
    query = _versions().where(article.c.id == article_id).order_by(article_version.c.version.desc()).limit(1)
    return _to_version((await connection.execute(query)).one())


def _versions() -> Select[Any]:
    return select(article_version, article.c.slug).join(article, article.c.id == article_version.c.article_id)


def _to_version(row: Row[Any]) -> Version:
    return Version(
        row.article_id, row.slug, row.version, text_of(row), row.html, row.author_id, row.created_at, row.published_at
    )


def asked_of(meta: str) -> tuple[str, ...]:
    """The questions in the column `meta`, without the rest of it."""
    return msgspec.json.decode(meta, type=_Asked).asked


class _Asked(msgspec.Struct):
    asked: tuple[str, ...] = ()


def text_of(row: Row[Any]) -> ArticleText:
    """The text in a row of `article_version`."""
    meta = msgspec.json.decode(row.meta, type=dict[str, Any])
    sources = tuple(str(source) for source in meta.pop("sources", ()))
    asked = tuple(str(phrase) for phrase in meta.pop("asked", ()))
    return ArticleText(
        title=row.title,
        summary=row.summary,
        audience=Audience(row.audience),
        tags=tuple(row.tags.split()),
        owner=row.owner,
        last_checked=row.last_checked,
        review_by=row.review_by,
        sources=sources,
        markdown=row.markdown,
        asked=asked,
        more=msgspec.json.encode(meta).decode(),
        language=Language(row.language),
        translation_of=row.translation_of,
    )
