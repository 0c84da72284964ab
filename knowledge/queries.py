"""Queries against the index: one word or phrase, and what every query must also match."""

from tantivy import Occur, Query, Schema

from knowledge.index import Snapshot
from knowledge.terms import Phrase, Term
from knowledge.words import Audiences

FIELDS = {"title": 3.0, "summary": 1.6, "headings": 1.3, "tags": 0.8, "asked": 1.5, "body": 1.0}
TIE_BREAKER = 0.25
# Between the words of a phrase may stand some that say nothing: hands round (her) neck.
SLOP = 2
COMMON = 50


def permitted(schema: Schema, audiences: Audiences, tag: str | None = None) -> list[tuple[Occur, Query]]:
    """What every query must also match: an audience of the reader, and the tag that was asked for."""
    filters = [Query.term_set_query(schema, "audience", sorted(audiences))]
    if tag is not None:
        filters.append(Query.term_query(schema, "tag", tag))
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
