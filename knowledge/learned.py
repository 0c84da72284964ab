"""What editors learn: what was looked for in vain, where nothing fitted, how each article was used and judged.

Searches and comments are sealed, and are opened only for the page that shows them. Of conversations nothing is read but
their reference: which of them were given a text that is withdrawn by now.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, column, func, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from core.crypto import KeyRing
from core.db import Instant
from core.errors import NotFound
from knowledge.pages import comment_place
from knowledge.search_notes import Searched
from knowledge.tables import article, article_feedback, article_use, article_version
from knowledge.words import Status, Use

MOST_SHOWN = 50
MOST_COMMENTS = 200

# Only the reference is read here; conversations belong to another part.
conversation = table("conversation", column("id"), column("reference"))
# What advisors missed is written at the desk.
no_guidance = table(
    "no_guidance", column("id"), column("conversation_id"), column("topic"), column("shown"), column("at", Instant)
)


@dataclass(frozen=True, slots=True)
class SearchedFor:
    """Words that somebody looked for and then opened nothing, in capitals or not."""

    words: str
    times: int
    results: int
    """Of the last time."""
    last_at: datetime


@dataclass(frozen=True, slots=True)
class NothingFits:
    """An advisor found that none of the suggestions fitted."""

    reference: str
    topic: str
    shown: tuple[str, ...]
    """The articles that were suggested."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """An article, and what readers said of it."""

    slug: str
    title: str
    helpful: int
    not_helpful: int
    comments: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A conversation that was given a text which is withdrawn by now."""

    reference: str
    slug: str
    title: str
    version: int
    shared_at: datetime
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True)
class VersionUse:
    version: int
    shared: int
    read: int
    opened: int
    helpful: int
    not_helpful: int


@dataclass(frozen=True, slots=True)
class Comment:
    at: datetime
    version: int
    helpful: bool
    text: str


def together(searches: Iterable[Searched]) -> list[SearchedFor]:
    """Searches, the newest first, by their words; the most frequent first."""
    found: dict[str, SearchedFor] = {}
    for one in searches:
        key = " ".join(one.query.casefold().split())
        known = found.get(key, SearchedFor(one.query, 0, one.results, one.at))
        found[key] = replace(known, times=known.times + 1)
    return sorted(found.values(), key=lambda search: (-search.times, search.words.casefold()))


async def read_no_guidance(connection: AsyncConnection, since: datetime) -> list[NothingFits]:
    """The conversations for which advisors found nothing fitting, the newest first."""
    columns = (conversation.c.reference, no_guidance.c.topic, no_guidance.c.shown, no_guidance.c.at)
    query = select(*columns).join(conversation, conversation.c.id == no_guidance.c.conversation_id)
    query = query.where(no_guidance.c.at >= since).order_by(no_guidance.c.id.desc()).limit(MOST_SHOWN)
    rows = await connection.execute(query)
    return [NothingFits(row.reference, row.topic, tuple(row.shown.split()), row.at) for row in rows]


async def read_judged(connection: AsyncConnection, since: datetime) -> list[Judged]:
    """The articles that readers answered about since then, those that helped least first."""
    yes = func.sum(case((article_feedback.c.helpful, 1), else_=0)).label("yes")
    answers = func.count().label("answers")
    comments = func.count(article_feedback.c.sealed_comment).label("comments")
    query = (
        select(article.c.slug, article_version.c.title, yes, answers, comments)
        .select_from(article_feedback)
        .join(article, article.c.id == article_feedback.c.article_id)
        .join(article_version, _newest())
        .where(article_feedback.c.at >= since)
        .group_by(article.c.slug, article_version.c.title)
        .order_by((answers - yes).desc(), comments.desc(), article.c.slug)
        .limit(MOST_SHOWN)
    )
    rows = await connection.execute(query)
    return [Judged(row.slug, row.title, int(row.yes), row.answers - int(row.yes), row.comments) for row in rows]


async def read_withdrawn(connection: AsyncConnection) -> list[Withdrawn]:
    """Conversations into which an article was shared that has been withdrawn since, the newest withdrawal first."""
    given = and_(
        article_version.c.article_id == article_use.c.article_id, article_version.c.version == article_use.c.version
    )
    query = (
        select(
            conversation.c.reference,
            article.c.slug,
            article_version.c.title,
            article_use.c.version,
            func.max(article_use.c.at).label("shared_at"),
            article.c.withdrawn_at,
        )
        .select_from(article_use)
        .join(article, article.c.id == article_use.c.article_id)
        .join(article_version, given)
        .join(conversation, conversation.c.id == article_use.c.conversation_id)
        .where(article.c.status == Status.WITHDRAWN, article_use.c.kind == Use.SHARED)
        .group_by(
            conversation.c.reference,
            article.c.slug,
            article_version.c.title,
            article_use.c.version,
            article.c.withdrawn_at,
        )
        .order_by(article.c.withdrawn_at.desc(), func.max(article_use.c.at).desc())
        .limit(MOST_COMMENTS)
    )
    return [Withdrawn(*row) for row in await connection.execute(query)]


async def read_article_use(connection: AsyncConnection, slug: str) -> tuple[int, str, list[VersionUse]]:
    """The article's id and title, and how each of its versions was used and judged. Raises NotFound."""
    query = select(article.c.id, article_version.c.title).join(article_version, _newest()).where(article.c.slug == slug)
    found = (await connection.execute(query)).one_or_none()
    if found is None:
        raise NotFound
    counts: dict[int, dict[str, int]] = {}
    uses = select(article_use.c.version, article_use.c.kind, func.count().label("times"))
    uses = uses.where(article_use.c.article_id == found.id).group_by(article_use.c.version, article_use.c.kind)
    for row in await connection.execute(uses):
        counts.setdefault(row.version, {})[row.kind] = row.times
    said = select(article_feedback.c.version, article_feedback.c.helpful, func.count().label("times"))
    said = said.where(article_feedback.c.article_id == found.id)
    for row in await connection.execute(said.group_by(article_feedback.c.version, article_feedback.c.helpful)):
        counts.setdefault(row.version, {})["yes" if row.helpful else "no"] = row.times
    versions = [
        VersionUse(version, *(counts[version].get(what, 0) for what in (Use.SHARED, Use.READ, Use.OPENED, "yes", "no")))
        for version in sorted(counts, reverse=True)
    ]
    return found.id, found.title, versions


async def read_comments(connection: AsyncConnection, article_id: int, keyring: KeyRing) -> list[Comment]:
    """What readers wrote about an article, the newest first."""
    query = (
        select(article_feedback)
        .where(article_feedback.c.article_id == article_id, article_feedback.c.sealed_comment.is_not(None))
        .order_by(article_feedback.c.id.desc())
        .limit(MOST_COMMENTS)
    )
    comments = []
    for row in await connection.execute(query):
        text = keyring.maybe_open_alone(row.sealed_comment, comment_place(article_id))
        if text is not None:
            comments.append(Comment(row.at, row.version, row.helpful, text.decode()))
    return comments


def _newest() -> Any:
    newest = func.coalesce(article.c.draft_version, article.c.published_version)
    return and_(article_version.c.article_id == article.c.id, article_version.c.version == newest)
