"""The index of what readers may find: words in tantivy, meanings in one matrix, both in memory.

It is built from the published versions and follows the guidance counter. A search reads one immutable snapshot, so that
a refresh in another thread never shows half of itself. Texts of any audience are in it; every question put to it names
the audiences that may be answered, and statistics are the only thing they share.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import Document, Query, Searcher

from core.db import Database
from knowledge import synonyms
from knowledge.articles import current_counter
from knowledge.markdown import contents, plain_text
from knowledge.meaning import Meaning, Vector, unit
from knowledge.nearness import Mask, Meanings, grown
from knowledge.reading import Card, Change, changes_since
from knowledge.terms import Synonyms, plain_analyzer, readable, stemming_analyzer
from knowledge.vocabulary import SEED
from knowledge.words import Audience, Audiences, Language, Status, tag_words

CHANGES_AT_ONCE = 1_000
STEPS_ASIDE_EVERY = 4
"""Articles of about a millisecond each."""
WRITER_BYTES = 32_000_000
MOST_TAGS = 100
STEMMED = ("title", "about", "body")

AUDIENCE_BITS = {Audience.PUBLIC: 1, Audience.AFTER_ENQUIRY: 2, Audience.ADVISORS: 4}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent state of the index."""

    counter: int
    searcher: Searcher
    cards: tuple[Card, ...]
    rows: dict[str, int]
    """The row of each slug in `cards`, `meanings` and `audiences`."""
    meanings: Meanings
    audiences: NDArray[np.uint8]
    """The bit of each row's audience; 0 when it cannot be found, because it was withdrawn."""
    synonyms: Synonyms
    _tagged: dict[str, Mask] = field(default_factory=dict, init=False, compare=False)
    _written_in: dict[Language, Mask] = field(default_factory=dict, init=False, compare=False)

    def tagged(self, tag: str) -> Mask:
        """Which rows carry a tag; worked out once for each that somebody asks for."""
        mask = self._tagged.get(tag)
        if mask is None:
            rows = (tag in card.tags for card in self.cards)
            mask = np.fromiter(rows, np.bool_, len(self.cards))
            if len(self._tagged) < MOST_TAGS:
                self._tagged[tag] = mask
        return mask

    def written_in(self, language: Language) -> Mask:
        """Which rows are in a language; worked out once for each."""
        mask = self._written_in.get(language)
        if mask is None:
            rows = (card.language is language for card in self.cards)
            mask = self._written_in[language] = np.fromiter(rows, np.bool_, len(self.cards))
        return mask

    def may_see(self, audiences: Audiences) -> Mask:
        bits = np.uint8(sum(AUDIENCE_BITS[audience] for audience in audiences))
        return np.asarray((self.audiences & bits) != 0, dtype=np.bool_)


class Index:
    """Owned by one process; `refresh` brings it up to date, `snapshot` is what searches read."""

    def __init__(self) -> None:
        self.schema = _schema()
        self._index = tantivy.Index(self.schema)
        self._index.register_tokenizer("stemmed", stemming_analyzer())
        self._index.register_tokenizer("plain", plain_analyzer())
        self._writer: tantivy.IndexWriter | None = None
        self.meaning: Meaning | None = None
        self._refreshing = asyncio.Lock()
        self.remembered: dict[tuple[int, int], str] = {}
        """What suggestions work out from an article and its version; never more than they allow."""
        self.snapshot = Snapshot(
            counter=-1,
            searcher=self._index.searcher(),
            cards=(),
            rows={},
            meanings=Meanings.none(),
            audiences=np.zeros(0, np.uint8),
            synonyms=Synonyms(SEED),
        )

    async def refresh(self, db: Database) -> bool:
        """Take up what was published or withdrawn since the last time. Returns whether anything was."""
        async with self._refreshing:
            async with db.read() as connection:
                target = await current_counter(connection)
                if target == self.snapshot.counter:
                    return False
                groups = await synonyms.groups(connection)
            after_id, changes = 0, [*await self._next_changes(db, 0)]
            if changes:
                await asyncio.to_thread(self._load)
            while changes:
                after_id = changes[-1].card.article_id
                await asyncio.to_thread(self._take_up, changes)
                changes = await self._next_changes(db, after_id)
            # Its buffers are larger than the whole index of some hundred articles.
            self._writer = None
            if self.meaning is not None:
                self.meaning.let_go()
            # Last of all: only now is everything up to `target` in the snapshot.
            self.snapshot = replace(self.snapshot, counter=target, synonyms=Synonyms(groups))
            return True

    async def _next_changes(self, db: Database, after_id: int) -> list[Change]:
        async with db.read() as connection:
            return await changes_since(connection, self.snapshot.counter, after_id, CHANGES_AT_ONCE)

    def _load(self) -> None:
        if self.meaning is None:
            self.meaning = Meaning()
        if self._writer is None:
            self._writer = self._index.writer(WRITER_BYTES, 1)

    def _take_up(self, changes: list[Change]) -> None:
        assert self._writer is not None
        old = self.snapshot
        rows, cards = dict(old.rows), list(old.cards)
        for change in changes:
            row = rows.setdefault(change.card.slug, len(cards))
            if row == len(cards):
                cards.append(change.card)
            cards[row] = change.card
        audiences = grown(old.audiences, len(cards))
        meanings: dict[int, tuple[Vector, list[Vector]]] = {}
        for number, change in enumerate(changes):
            row = rows[change.card.slug]
            if row < len(old.cards):
                # By query: a deletion by term takes the number for a signed one and finds nothing.
                self._writer.delete_documents_by_query(Query.term_query(self.schema, "row", row))
            audiences[row] = 0
            if change.card.status == Status.PUBLISHED:
                audiences[row] = AUDIENCE_BITS[change.card.audience]
                meanings[row] = self._add(row, change)
            # Requests are served by the other thread: they need not wait until this one is told to step aside.
            if number % STEPS_ASIDE_EVERY == 0:
                time.sleep(0)
        self._writer.commit()
        self._index.reload()
        searcher = self._index.searcher()
        self.snapshot = replace(
            old,
            searcher=searcher,
            cards=tuple(cards),
            rows=rows,
            meanings=old.meanings.with_rows(len(cards), meanings),
            audiences=audiences,
        )

    def _add(self, row: int, change: Change) -> tuple[Vector, list[Vector]]:
        """Put the words into the writer; returns the meaning of the whole, and of each question it answers."""
        assert self._writer is not None
        assert self.meaning is not None
        card, text = change.card, plain_text(change.html)
        headings = " . ".join(heading.text for heading in contents(change.html))
        about = " . ".join([card.summary, *change.asked, headings, *(tag_words(tag) for tag in card.tags)])
        document = Document()
        document.add_unsigned("row", row)
        document.add_text("audience", card.audience)
        document.add_text("language", card.language)
        for tag in card.tags:
            document.add_text("tag", tag)
        for name, words in zip(STEMMED, (card.title, about, text), strict=True):
            document.add_text(name, readable(words))
        document.add_text("plain", readable(f"{card.title} . {card.summary} . {text}"))
        document.add_bytes("text", text.encode())
        self._writer.add_document(document)
        head = self.meaning.of(f"{card.title}. {card.title}. {card.summary} {headings}")
        whole = unit(head + np.float32(0.5) * self.meaning.of(text))
        return whole, [self.meaning.of(question) for question in change.asked]


def cards_for(snapshot: Snapshot, audiences: Audiences) -> Iterable[Card]:
    """Every card these readers may see, the withdrawn ones too."""
    return (card for card in snapshot.cards if card.audience in audiences)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", stored=False, indexed=True, fast=True)
    builder.add_text_field("audience", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("language", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("tag", tokenizer_name="raw", index_option="basic")
    for name in STEMMED:
        builder.add_text_field(name, tokenizer_name="stemmed", index_option="position")
    # Words as they are written, for what is misspelt or not yet finished.
    builder.add_text_field("plain", tokenizer_name="plain", index_option="basic")
    builder.add_bytes_field("text", stored=True)
    return builder.build()
