"""Queries against the index: one word or phrase, and what every query must also match."""

from collections.abc import Sequence
from dataclasses import replace

from tantivy import Occur, Query, Schema

from knowledge.index import Snapshot
from knowledge.terms import Phrase, Term
from knowledge.words import Audiences, Language

FIELDS = {"title": 2.0, "about": 2.0, "body": 1.0}
TIE_BREAKER = 0.25
# Between the words of a phrase may stand some that say nothing: hands round (her) neck.
SLOP = 2
COMMON = 50
# A word that stands in most of a large library costs most and says least: of a long text the rarest words are looked for,
# as many as so many entries of the index allow. It never matters below a few thousand articles.
MOST_ENTRIES = 40_000
PHRASE_COSTS = 3
ALWAYS = 2


def permitted(
    schema: Schema, audiences: Audiences, tag: str | None = None, language: Language | None = None
) -> list[tuple[Occur, Query]]:
    """What every query must also match: an audience of the reader, and the tag and language that were asked for."""
    filters = [Query.term_set_query(schema, "audience", sorted(audiences))]
    if tag is not None:
        filters.append(Query.term_query(schema, "tag", tag))
    if language is not None:
        filters.append(Query.term_query(schema, "language", language.value))
    return [(Occur.Must, Query.const_score_query(query, 0.0)) for query in filters]


def term_query(schema: Schema, term: Term) -> Query:
    """A word or phrase, or what else people call it, in any field; where it stands decides what it is worth."""
    ways = [_phrase_query(schema, field, term.stems, boost) for field, boost in FIELDS.items()]
    for other in term.others:
        ways += [_phrase_query(schema, field, other, 0.8 * boost) for field, boost in FIELDS.items()]
    return Query.disjunction_max_query(ways, TIE_BREAKER)


def _phrase_query(schema: Schema, field: str, phrase: Phrase, boost: float) -> Query:
    if len(phrase) == 1:
        return Query.boost_query(Query.term_query(schema, field, phrase[0]), boost)
    return Query.boost_query(Query.phrase_query(schema, field, list(phrase), slop=SLOP), boost)


def affordable(snapshot: Snapshot, terms: Sequence[Term]) -> list[Term]:
    """The terms that fit into what one search may cost, those that come first before the others, each with as many of its
    other names as fit."""
    kept: list[Term] = []
    left = MOST_ENTRIES
    for term in terms:
        own = _entries(snapshot, term.stems)
        if own > left and len(kept) >= ALWAYS:
            break
        left -= own
        others = []
        for cost, way in sorted((_entries(snapshot, way), way) for way in term.others):
            if cost > left:
                break
            left -= cost
            others.append(way)
        kept.append(term if len(others) == len(term.others) else replace(term, others=tuple(others)))
    return kept


def _entries(snapshot: Snapshot, phrase: Phrase) -> int:
    """How much of the index is read for a word or phrase. Of a phrase the places of its words are compared too."""
    entries = sum(snapshot.searcher.doc_freq("body", stem) for stem in phrase)
    return entries if len(phrase) == 1 else PHRASE_COSTS * entries


def rarity(snapshot: Snapshot, term: Term) -> int:
    """In how many articles the rarest word of a term stands."""
    return min(snapshot.searcher.doc_freq("body", stem) for stem in term.stems)


def is_common(snapshot: Snapshot, term: Term) -> bool:
    """Whether so many articles hold a word that it is certainly finished and well spelt."""
    return len(term.stems) == 1 and snapshot.searcher.doc_freq("body", term.stems[0]) >= COMMON


def found_rows(snapshot: Snapshot, query: Query, limit: int) -> list[int]:
    """The rows that match, the best first."""
    addresses = [address for _, address in snapshot.searcher.search(query, limit, count=False).hits]
    rows = snapshot.searcher.fast_field_values("row", addresses) if addresses else []
    return [int(row) for row in rows if row is not None]


def text_of(snapshot: Snapshot, schema: Schema, row: int) -> str:
    """The words of an article, as they were indexed."""
    hits = snapshot.searcher.search(Query.term_query(schema, "row", row), 1, count=False).hits
    if not hits:
        return ""
    return bytes(snapshot.searcher.doc(hits[0][1]).get_first("text") or b"").decode()
