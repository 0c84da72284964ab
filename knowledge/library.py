"""The guidance as the rest of the service uses it: find, suggest, read, count uses, follow what is published.

One of these a process. It holds the index and the rendering processes; `start` fills it once, `run` keeps it true until
it is cancelled, `close` ends it.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from markupsafe import Markup
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import LONDON, Clock
from core.db import Database
from core.errors import Unavailable
from core.signals import Signals
from core.troubles import troubles
from knowledge.index import Index, Snapshot, cards_for
from knowledge.links import LinkedTexts
from knowledge.reading import Card, PublishedArticle, read_article, uses_since
from knowledge.rendering import Renderer
from knowledge.search import Results, nearest, search
from knowledge.search_notes import SearchNotes
from knowledge.suggest import Case, Suggestion, suggest
from knowledge.tables import article_use
from knowledge.words import TOPICS, Audiences, Freshness, Language, Status, Use, tag_words

FOLLOW_S = 0.8
"""What was published is found everywhere within a second, also when nothing tells of it."""
MOST_READ_FOR_S = 60.0
COUNTED_FOR = timedelta(days=90)
MOST_NOTES = 1_000
"""Openings that wait to be written; more than these a second are not counted."""

TOPIC = "guidance"


@dataclass(frozen=True, slots=True)
class Topic:
    """A tag with how many articles carry it, and how many of those are due for review."""

    slug: str
    name: str
    count: int
    due: int


@dataclass(frozen=True, slots=True)
class _Shelf:
    snapshot: Snapshot
    day: date
    cards: list[Card]
    topics: list[Topic]
    pairs: dict[str, dict[Language, Card]]
    """By the slug of an original: what there is of it, itself included."""
    languages: frozenset[Language]

    @classmethod
    def of(cls, snapshot: Snapshot, audiences: Audiences, language: Language | None, day: date) -> "_Shelf":
        cards = sorted(
            (card for card in cards_for(snapshot, audiences) if language in (None, card.language)),
            key=lambda card: (card.status == Status.WITHDRAWN, card.title.lower(), card.slug),
        )
        counts: Counter[str] = Counter()
        due: Counter[str] = Counter()
        for card in cards:
            if card.status == Status.PUBLISHED:
                counts.update(card.tags)
                due.update(card.tags if card.freshness_on(day) == Freshness.DUE else ())
        order = sorted(counts, key=lambda tag: (TOPICS.index(tag) if tag in TOPICS else len(TOPICS), tag_words(tag)))
        topics = [Topic(tag, tag_words(tag), counts[tag], due[tag]) for tag in order]
        return cls(snapshot, day, cards, topics, _pairs(cards), frozenset(card.language for card in cards))


def _pairs(cards: Sequence[Card]) -> dict[str, dict[Language, Card]]:
    """Which articles are the same in two languages. Of several that say so, the first by title is taken."""
    pairs: dict[str, dict[Language, Card]] = {}
    for card in sorted(cards, key=lambda card: bool(card.translation_of)):
        pairs.setdefault(card.translation_of or card.slug, {}).setdefault(card.language, card)
    return pairs


class Library:
    def __init__(self, db: Database, signals: Signals, notes: SearchNotes, clock: Clock) -> None:
        self._db = db
        self._signals = signals
        self.search_notes = notes
        self._clock = clock
        self.index = Index()
        self.renderer = Renderer()
        self._changed = asyncio.Event()
        self._opened: list[dict[str, Any]] = []
        self._shelves: dict[tuple[Audiences, Language | None], _Shelf] = {}
        self._uses: dict[int, int] = {}
        self._uses_read_at = float("-inf")
        self._linked = LinkedTexts(self.card)
        signals.on(TOPIC, lambda _: self._changed.set())
        signals.on_gap(self._changed.set)

    @property
    def counter(self) -> int:
        """The guidance counter up to which this process knows what is published; -1 before the first index."""
        return self.index.snapshot.counter

    def today(self) -> date:
        return self._clock().astimezone(LONDON).date()

    async def start(self) -> None:
        """Build the index. Pages answer from the database while it is not there yet."""
        await self.refresh()

    async def run(self) -> None:
        """Follow the counter, at once when it is hinted and on a look of its own when it is not; write down what was used."""
        while True:
            try:
                await self.refresh()
                await self.write_notes()
            except Unavailable:
                troubles.note("guidance_not_followed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), FOLLOW_S)

    async def close(self) -> None:
        await self.renderer.close()

    async def refresh(self) -> bool:
        """Take up what was published since. Returns whether anything was."""
        self._changed.clear()
        return await self.index.refresh(self._db)

    def announce(self, counter: int) -> None:
        """After the commit of a publication: this process and the others take it up now."""
        self._changed.set()
        self._signals.send(TOPIC, counter)

    async def published(self, slug: str, audiences: Audiences) -> PublishedArticle:
        """The article these readers have now, or the explanation of why it was withdrawn. Raises NotFound."""
        async with self._db.read() as connection:
            return await read_article(connection, slug, audiences)

    async def version(self, slug: str, version: int, audiences: Audiences) -> PublishedArticle:
        """A version that was once published. Raises NotFound."""
        async with self._db.read() as connection:
            return await read_article(connection, slug, audiences, version)

    def card(self, slug: str, audiences: Audiences) -> Card | None:
        row = self.index.snapshot.rows.get(slug)
        card = None if row is None else self.index.snapshot.cards[row]
        return card if card is not None and card.audience in audiences else None

    def html_for(self, article: PublishedArticle, audiences: Audiences) -> Markup:
        """The text of an article as these readers see it: links that lead nowhere for them say so."""
        return self._linked.of(article, audiences, self.index.snapshot)

    def cards(self, audiences: Audiences, tag: str | None = None, language: Language | None = None) -> list[Card]:
        """What these readers may see, by title, what was withdrawn at the end."""
        return [card for card in self._shelf(audiences, language).cards if tag is None or tag in card.tags]

    def topics(self, audiences: Audiences, language: Language | None = None) -> list[Topic]:
        """The tags of what these readers may see, the topics of an enquiry first."""
        return self._shelf(audiences, language).topics

    def all_languages(self, audiences: Audiences) -> frozenset[Language]:
        """The languages in which these readers may see anything."""
        return self._shelf(audiences).languages

    def languages(self, slug: str, audiences: Audiences) -> Mapping[Language, Card]:
        """The languages in which these readers may see an article, by language."""
        card = self.card(slug, audiences)
        pair = self._shelf(audiences).pairs.get(card.translation_of or slug, {}) if card else {}
        # Two articles of one language are not each other's translation, whatever one of them says.
        return pair if card and pair.get(card.language) == card else {}

    def in_language(self, card: Card, language: Language, audiences: Audiences) -> Card:
        """The article in this language, if there is one that can be used; else as it is."""
        other = self.languages(card.slug, audiences).get(language)
        return other if other is not None and other.status == Status.PUBLISHED else card

    def related(self, slug: str, audiences: Audiences, limit: int = 3) -> list[Card]:
        """What is nearest in meaning to an article, in its language where there is a choice."""
        snapshot = self.index.snapshot
        row = snapshot.rows.get(slug)
        if row is None:
            return []
        near = nearest(snapshot, snapshot.meanings.whole[row].astype(np.float32), audiences)
        own = self.languages(slug, audiences).values()
        others = (
            self.in_language(snapshot.cards[other], snapshot.cards[row].language, audiences)
            for other in near
            if other != row and snapshot.cards[other] not in own
        )
        return list(dict.fromkeys(others))[:limit]

    def _shelf(self, audiences: Audiences, language: Language | None = None) -> _Shelf:
        """Lists that are the same until something is published or a day ends, made once."""
        snapshot, day = self.index.snapshot, self.today()
        shelf = self._shelves.get((audiences, language))
        if shelf is None or shelf.snapshot is not snapshot or shelf.day != day:
            shelf = self._shelves[audiences, language] = _Shelf.of(snapshot, audiences, language, day)
        return shelf

    def search(
        self,
        typed: str,
        audiences: Audiences,
        *,
        tag: str | None = None,
        language: Language | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> Results:
        return search(self.index, typed, audiences, tag=tag, language=language, limit=limit, offset=offset)

    def suggest(
        self, case: Case, audiences: Audiences, *, leave_out: Collection[str] = (), limit: int = 3
    ) -> list[Suggestion]:
        return suggest(self.index, case, audiences, leave_out=leave_out, limit=limit)

    async def most_read(
        self, audiences: Audiences, limit: int = 6, language: Language = Language.ENGLISH
    ) -> list[Card]:
        """The articles of a language used most in 90 days; those checked last where nothing was used yet."""
        now = asyncio.get_running_loop().time()
        if now - self._uses_read_at > MOST_READ_FOR_S:
            self._uses_read_at = now
            async with self._db.read() as connection:
                self._uses = await uses_since(connection, self._clock() - COUNTED_FOR)
        cards = [card for card in self.cards(audiences, None, language) if card.status == Status.PUBLISHED]
        return sorted(cards, key=lambda card: (-self._uses.get(card.article_id, 0), -_day_number(card.checked_on)))[
            :limit
        ]

    async def record_use(
        self, connection: AsyncConnection, article_id: int, version: int, use: Use, conversation_id: int | None = None
    ) -> None:
        """Count a use in the caller's transaction."""
        await connection.execute(
            insert(article_use).values(_use_row(article_id, version, use, self._clock(), conversation_id))
        )

    def note_opened(self, article_id: int, version: int) -> None:
        """Count that a search led here. Written with the others within a second; a flood is not counted."""
        if len(self._opened) < MOST_NOTES:
            self._opened.append(_use_row(article_id, version, Use.OPENED, self._clock(), None))

    async def write_notes(self) -> None:
        """Store the searches and openings that were noted; `run` does it about once a second."""
        await self.search_notes.write()
        if self._opened:
            opened, self._opened = self._opened, []
            async with self._db.write() as connection:
                await connection.execute(insert(article_use), opened)


def _use_row(article_id: int, version: int, use: Use, at: Any, conversation_id: int | None) -> dict[str, Any]:
    return {"article_id": article_id, "version": version, "kind": use, "conversation_id": conversation_id, "at": at}


def _day_number(day: date | None) -> int:
    return day.toordinal() if day else 0
