"""Finding articles: by words and by meaning, put together by rank.

Whatever people type is looked for as plain words; nothing is an operator, and nothing fails. A word that nobody wrote
is forgiven its spelling, the last word may be unfinished, and the field's abbreviations find what they stand for.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape
from tantivy import Occur, Query, Schema

from knowledge.index import Index, Snapshot
from knowledge.meaning import Vector
from knowledge.queries import (
    SLOP,
    TIE_BREAKER,
    affordable,
    found_rows,
    is_common,
    permitted,
    rarity,
    term_query,
    text_of,
)
from knowledge.reading import Card
from knowledge.spelling import correct
from knowledge.terms import MOST_QUERY, Term
from knowledge.words import Audiences, Language

MOST_FOUND = 200
# How many ranks two lists are apart before it matters: small, because a library is small and its first results count.
RANK_SOFTENER = 8
MEANING_WEIGHT = 0.6
MEANING_OF_A_NAME = 0.2
NEAREST = 40
LEAST_SIMILAR = 0.3
LEAST_SIMILAR_ALONE = 0.34

SNIPPET_CHARACTERS = 220
# As the search finds a phrase, so it is marked: words that say nothing may stand between its own.
BETWEEN = rf"\w*[\W_]+(?:\w+[\W_]+){{0,{SLOP}}}?"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One article that was found: how, and how well."""

    row: int
    score: float
    by_words: bool
    similarity: float


@dataclass(frozen=True, slots=True)
class Hit:
    card: Card
    snippet: Markup


@dataclass(frozen=True, slots=True)
class Results:
    query: str
    total: int
    hits: tuple[Hit, ...]
    suggestion: str | None = None
    """The query with its spelling corrected, when a word was found only so."""


def clean_query(typed: str) -> str:
    """At most 200 characters of one line; what cannot be stored or shown is left out."""
    kept = typed[: 4 * MOST_QUERY].encode("utf-8", "ignore").decode()
    return " ".join("".join(character if character.isprintable() else " " for character in kept).split())[:MOST_QUERY]


def search(
    index: Index,
    typed: str,
    audiences: Audiences,
    *,
    tag: str | None = None,
    language: Language | None = None,
    limit: int = 10,
    offset: int = 0,
) -> Results:
    """The articles for what somebody typed, the best first."""
    query, snapshot = clean_query(typed), index.snapshot
    unfinished = not typed.endswith(" ")
    terms, suggestion = correct(index, snapshot, query, audiences, unfinished=unfinished)
    looked_for = affordable(snapshot, sorted(terms, key=lambda term: rarity(snapshot, term)))
    clauses = []
    for term in looked_for:
        is_unfinished = unfinished and term.stems == terms[-1].stems and not is_common(snapshot, term)
        clauses.append((_clause(index.schema, term, unfinished=is_unfinished), 1.0))
    meaning = index.meaning.of(f"{query}. {snapshot.synonyms.in_full(terms)}") if index.meaning and terms else None
    # Whoever types a name of the field and nothing else knows what it is called: there the words decide.
    is_name = len(terms) == 1 and bool(terms[0].others)
    # Of two words one may be missing, of a long sentence most.
    least = max(1, min(3, (len(looked_for) + 1) // 3))
    weight = MEANING_OF_A_NAME if is_name else MEANING_WEIGHT
    ranked = rank(index, snapshot, clauses, meaning, audiences, tag, language, least, weight)
    page = ranked[offset : offset + limit]
    pattern = marking(terms)
    hits = tuple(Hit(snapshot.cards[found.row], _snippet(snapshot, index.schema, found.row, pattern)) for found in page)
    return Results(query, len(ranked), hits, suggestion)


def rank(
    index: Index,
    snapshot: Snapshot,
    clauses: Sequence[tuple[Query, float]],
    meaning: Vector | None,
    audiences: Audiences,
    tag: str | None = None,
    language: Language | None = None,
    least: int = 1,
    meaning_weight: float = MEANING_WEIGHT,
) -> list[Ranked]:
    """Put what the words find and what the meaning finds into one order: reciprocal rank fusion."""
    words = _by_words(index.schema, snapshot, clauses, audiences, tag, language, least)
    near = {} if meaning is None else nearest(snapshot, meaning, audiences, tag, language)
    enough = LEAST_SIMILAR if words else LEAST_SIMILAR_ALONE
    scores: dict[int, float] = {row: 1 / (RANK_SOFTENER + place) for place, row in enumerate(words)}
    for place, (row, similarity) in enumerate(near.items()):
        if similarity >= enough or row in scores:
            scores[row] = scores.get(row, 0.0) + meaning_weight / (RANK_SOFTENER + place)
    found_by_words = set(words)
    best = sorted(scores, key=lambda row: (-scores[row], snapshot.cards[row].slug))
    return [Ranked(row, scores[row], row in found_by_words, near.get(row, 0.0)) for row in best]


def _by_words(
    schema: Schema,
    snapshot: Snapshot,
    clauses: Sequence[tuple[Query, float]],
    audiences: Audiences,
    tag: str | None,
    language: Language | None,
    least: int,
) -> list[int]:
    if not clauses:
        return []
    wanted = [(Occur.Should, Query.boost_query(query, weight)) for query, weight in clauses]
    query = Query.boolean_query(
        [(Occur.Must, Query.boolean_query(wanted, least)), *permitted(schema, audiences, tag, language)]
    )
    return found_rows(snapshot, query, MOST_FOUND)


def nearest(
    snapshot: Snapshot,
    meaning: Vector,
    audiences: Audiences,
    tag: str | None = None,
    language: Language | None = None,
) -> dict[int, float]:
    """The nearest rows and how near they are, the nearest first."""
    if not len(snapshot.cards) or not meaning.any():
        return {}
    allowed = snapshot.may_see(audiences)
    if tag is not None:
        allowed = allowed & snapshot.tagged(tag)
    if language is not None:
        allowed = allowed & snapshot.written_in(language)
    return snapshot.meanings.nearest(meaning, allowed, NEAREST)


def _clause(schema: Schema, term: Term, *, unfinished: bool) -> Query:
    ways = [term_query(schema, term)]
    last = term.typed.rpartition(" ")[2]
    if unfinished and len(last) >= 2:
        ways.append(Query.boost_query(Query.fuzzy_term_query(schema, "plain", last, distance=0, prefix=True), 0.4))
    if len(term.stems) > 1:
        # Somebody may write of a neck and of hands without writing the phrase.
        ways += [
            Query.boost_query(term_query(schema, Term(stem, (stem,))), 0.3) for stem in term.stems if len(stem) > 3
        ]
    return ways[0] if len(ways) == 1 else Query.disjunction_max_query(ways, TIE_BREAKER)


def marking(terms: Iterable[Term]) -> re.Pattern[str] | None:
    """What is marked in a snippet: words that begin with one of the stems, and whole phrases."""
    found = {tuple(term.typed.split()) for term in terms} | {
        phrase for term in terms for phrase in (term.stems, *term.others)
    }
    ways = [
        BETWEEN.join(re.escape(stem) for stem in phrase) for phrase in sorted(found, key=len, reverse=True) if phrase
    ]
    return re.compile(rf"\b(?:{'|'.join(ways)})\w*", re.IGNORECASE) if ways else None


def _snippet(snapshot: Snapshot, schema: Schema, row: int, pattern: re.Pattern[str] | None) -> Markup:
    """The part of the text that holds most of what was looked for; the summary when none does."""
    text = text_of(snapshot, schema, row)
    start = _best_start(text, pattern) if pattern else None
    if pattern is None or start is None:
        return _mark(snapshot.cards[row].summary, pattern)
    end = min(len(text), start + SNIPPET_CHARACTERS)
    # Whole words only, and a sign where something was left out.
    start = text.rfind(" ", 0, start) + 1
    end = end if end == len(text) else max(text.rfind(" ", start, end), start + 1)
    before, after = "… " if start else "", " …" if end < len(text) else ""
    return Markup(before) + _mark(text[start:end], pattern) + Markup(after)  # noqa: S704  # Two constants of ours.


def _best_start(text: str, pattern: re.Pattern[str]) -> int | None:
    """Where the window begins that holds the most different matches."""
    matches = [(match.start(), match.group().lower()[:6]) for match in pattern.finditer(text)][:200]
    if not matches:
        return None
    best, most = matches[0][0], 0
    for number, (start, _) in enumerate(matches):
        different = len(
            {word for place, word in matches[number : number + 12] if place < start + SNIPPET_CHARACTERS - 40}
        )
        if different > most:
            best, most = start, different
    return max(0, best - 40)


def _mark(text: str, pattern: re.Pattern[str] | None) -> Markup:
    if pattern is None:
        return escape(text)
    parts: list[Markup] = []
    done = 0
    for match in pattern.finditer(text):
        parts += [escape(text[done : match.start()]), Markup("<mark>{}</mark>").format(match.group())]
        done = match.end()
    return Markup("").join([*parts, escape(text[done:])])
