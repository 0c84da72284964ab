"""Guidance at hand: what fits an enquiry or a talk, and which version was given to whom.

Suggestions come from the library, which runs in this process: nothing of a conversation leaves the machine. An article
that was put aside in a conversation is not suggested there again; one that was shared is pinned to its version.
"""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from markupsafe import Markup
from sqlalchemy import and_, bindparam, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.conversations import Conversation
from chat.events import Event
from chat.words import Kind
from core.clock import Clock
from core.db import Database
from core.errors import NotFound
from knowledge.library import Library
from knowledge.reading import Card, PublishedArticle, read_article
from knowledge.suggest import Case, Suggestion
from knowledge.tables import article_use, article_version
from knowledge.words import FOR_ANYONE, FOR_STAFF, FOR_VISITORS, Audiences, Language, Use
from triage.tables import dismissal, no_guidance

MOST_SUGGESTED = 3
MOST_FOUND = 8
MOST_SHOWN = 500
NO_TEXT = Markup("")

PUT_ASIDE = select(dismissal.c.slug).where(dismissal.c.conversation_id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class ArticleView:
    """An article as the templates and the frames show it."""

    slug: str
    title: str
    summary: str
    version: int
    checked_on: date | None
    freshness: str
    language: str
    why: str = ""
    html: Markup = field(default_factory=Markup)

    def as_frame(self) -> dict[str, Any]:
        checked_on = self.checked_on.isoformat() if self.checked_on else None
        shown = {"freshness": self.freshness, "checked_on": checked_on, "language": self.language}
        return {"slug": self.slug, "title": self.title, "version": self.version, "why": self.why, **shown}


class Guidance:
    def __init__(self, db: Database, library: Library, clock: Clock) -> None:
        self._db = db
        self._library = library
        self._clock = clock

    @property
    def counter(self) -> int:
        """Goes up whenever what readers have changed."""
        return self._library.counter

    async def most_read(self, limit: int = 6) -> list[ArticleView]:
        return [self._view(card) for card in await self._library.most_read(FOR_ANYONE, limit)]

    def find(self, typed: str, by: str, limit: int = MOST_FOUND) -> list[ArticleView]:
        """What an advisor looks for beside a conversation. What was looked for in vain is noted for the editors."""
        results = self._library.search(typed, FOR_STAFF, limit=limit)
        if results.query:
            self._library.search_notes.searched(by, results.query, results.total)
        return [self._view(hit.card, hit.card.summary) for hit in results.hits]

    def found_it(self, by: str) -> None:
        """They gave an article to the visitor: what they looked for last was not in vain."""
        self._library.search_notes.opened(by)

    async def nothing_fits(self, found: Conversation, shown: Sequence[str]) -> None:
        """Keep for the editors that none of these articles helped; once for the same ones."""
        known = " ".join(slug for slug in shown[:MOST_FOUND] if self._library.card(slug, FOR_STAFF) is not None)
        row = {"conversation_id": found.id, "topic": found.topic, "shown": known[:MOST_SHOWN], "at": self._clock()}
        try:
            async with self._db.write() as connection:
                await connection.execute(insert(no_guidance).values(**row))
        except IntegrityError:
            # It was said before.
            return

    async def for_visitor(self, found: Conversation, events: Sequence[Event]) -> list[ArticleView]:
        """Whole articles, to be read in the waiting room."""
        views = []
        for one in await self._suggest(found, events, FOR_VISITORS, frozenset()):
            try:
                article = await self._library.published(one.slug, FOR_VISITORS)
            except NotFound:
                # Withdrawn since the library looked.
                continue
            views.append(self._view(one.card, one.why, self._library.html_for(article, FOR_VISITORS)))
        return views

    async def for_desk(self, found: Conversation, events: Sequence[Event]) -> list[ArticleView]:
        """The best three for the whole talk, without what was put aside or given already."""
        async with self._db.read() as connection:
            aside = {row.slug for row in await connection.execute(PUT_ASIDE, {"id": found.id})}
        given = {str(event.data.get("slug", "")) for event in events if event.kind is Kind.ARTICLE}
        return [self._view(one.card, one.why) for one in await self._suggest(found, events, FOR_STAFF, aside | given)]

    async def put_aside(self, found: Conversation, slug: str) -> None:
        try:
            async with self._db.write() as connection:
                row = {"conversation_id": found.id, "slug": slug, "at": self._clock()}
                await connection.execute(insert(dismissal).values(**row))
        except IntegrityError:
            # It was put aside before.
            return

    async def to_share(self, connection: AsyncConnection, slug: str) -> PublishedArticle:
        """The published version, if visitors of a conversation may read it. Raises NotFound."""
        return await read_article(connection, slug, FOR_VISITORS)

    def pinned(self, article: PublishedArticle) -> dict[str, Any]:
        """What an `article` event keeps of the version that was given."""
        checked = article.last_checked.isoformat() if article.last_checked else None
        return {
            "slug": article.slug,
            "title": article.title,
            "version": article.version,
            "language": article.language,
            "summary": article.summary,
            "last_checked": checked,
            "checked_on": checked,
            "freshness": article.freshness_on(self._library.today()),
        }

    async def record_share(self, connection: AsyncConnection, article: PublishedArticle, conversation_id: int) -> None:
        await self._library.record_use(connection, article.article_id, article.version, Use.SHARED, conversation_id)

    async def record_reading(self, found: Conversation, slug: str) -> None:
        """The visitor opened an article in the waiting room; each counts once. Raises NotFound."""
        article = await self._library.published(slug, FOR_VISITORS)
        known = select(article_use.c.id).where(
            article_use.c.conversation_id == found.id,
            article_use.c.article_id == article.article_id,
            article_use.c.kind == Use.READ,
        )
        async with self._db.write() as connection:
            if (await connection.execute(known.limit(1))).one_or_none() is None:
                await self._library.record_use(connection, article.article_id, article.version, Use.READ, found.id)

    async def read_while_waiting(self, conversation_id: int) -> list[str]:
        """Titles of what the visitor opened, each once, in the order of reading."""
        version = and_(
            article_version.c.article_id == article_use.c.article_id, article_version.c.version == article_use.c.version
        )
        query = (
            select(article_version.c.title)
            .join(article_use, version)
            .where(article_use.c.conversation_id == conversation_id, article_use.c.kind == Use.READ)
            .order_by(article_use.c.id)
        )
        async with self._db.read() as connection:
            return list(dict.fromkeys(row.title for row in await connection.execute(query)))

    async def _suggest(
        self, found: Conversation, events: Sequence[Event], audiences: Audiences, without: Set[str]
    ) -> list[Suggestion]:
        said = [event.text for event in events if event.kind is Kind.MESSAGE and event.text]
        case = Case(found.topic, found.risk_flags, said[0] if said else "", tuple(said[1:]))
        # Twice as many, because an article and its other language are one suggestion.
        # In a thread, for it takes milliseconds that a message would wait.
        best = await asyncio.to_thread(
            self._library.suggest, case, audiences, leave_out=without, limit=2 * MOST_SUGGESTED
        )
        language = Language(found.language)
        chosen: dict[str, Suggestion] = {}
        for one in best:
            card = self._library.in_language(one.card, language, audiences)
            if without.isdisjoint(self._in_all_languages(card, audiences)):
                chosen.setdefault(card.slug, Suggestion(card, one.why))
        return list(chosen.values())[:MOST_SUGGESTED]

    def _in_all_languages(self, card: Card, audiences: Audiences) -> set[str]:
        """Whoever put an article aside does not want it in the other language either."""
        return {card.slug, *(one.slug for one in self._library.languages(card.slug, audiences).values())}

    def _view(self, card: Card, why: str = "", html: Markup = NO_TEXT) -> ArticleView:
        freshness = card.freshness_on(self._library.today())
        shown = (card.version, card.checked_on, freshness, card.language)
        return ArticleView(card.slug, card.title, card.summary, *shown, why, html)
