"""Forgiven spelling: a word that stands nowhere is replaced by the nearest one that does.

Only articles that these readers may see are looked at, so that a correction tells nothing about the others.
"""

from collections import Counter
from dataclasses import replace

from tantivy import Occur, Query

from knowledge.index import Index, Snapshot
from knowledge.queries import is_common, permitted, term_query
from knowledge.terms import Term, content_stems, words_of
from knowledge.words import Audiences

SHORTEST = 5
LONG = 8
ARTICLES = 5


def correct(
    index: Index, snapshot: Snapshot, query: str, audiences: Audiences, *, unfinished: bool
) -> tuple[list[Term], str | None]:
    """What is looked for, with misspelt words corrected; and the corrected query, when there were any."""
    terms = snapshot.synonyms.terms(query)
    corrected: dict[str, str] = {}
    for number, term in enumerate(terms):
        if len(term.stems) == 1 and len(term.typed) >= SHORTEST and not _is_known(index, snapshot, term, audiences):
            if unfinished and number == len(terms) - 1 and _begins_a_word(index, snapshot, term.typed, audiences):
                continue
            better = _nearest(index, snapshot, term.typed, audiences)
            if better is not None:
                corrected[term.typed] = better
    if not corrected:
        return terms, None
    suggestion = " ".join(corrected.get(word, word) for word in words_of(query))
    known = {term.stems: term for term in snapshot.synonyms.terms(suggestion)}
    fixed = [
        known.get(stems) or replace(term, typed=corrected[term.typed], stems=stems)
        if term.typed in corrected and (stems := content_stems(corrected[term.typed]))
        else term
        for term in terms
    ]
    return fixed, suggestion


def _is_known(index: Index, snapshot: Snapshot, term: Term, audiences: Audiences) -> bool:
    return is_common(snapshot, term) or bool(_find(index, snapshot, term_query(index.schema, term), audiences, 1))


def _begins_a_word(index: Index, snapshot: Snapshot, typed: str, audiences: Audiences) -> bool:
    query = Query.fuzzy_term_query(index.schema, "plain", typed, distance=0, prefix=True)
    return bool(_find(index, snapshot, query, audiences, 1))


def _nearest(index: Index, snapshot: Snapshot, typed: str, audiences: Audiences) -> str | None:
    """The most used of the nearest words in the articles that hold one like it."""
    most = 1 if len(typed) < LONG else 2
    found = _find(index, snapshot, Query.fuzzy_term_query(index.schema, "plain", typed, most), audiences, ARTICLES)
    counts: Counter[str] = Counter()
    for text in found:
        # A wrong first letter is rare, and comparing with every word would be slow.
        counts.update(word for word in words_of(text) if word[0] == typed[0] and abs(len(word) - len(typed)) <= most)
    near = {word: distance for word in counts if (distance := edit_distance(typed, word)) <= most}
    return min(near, key=lambda word: (near[word], -counts[word], word), default=None)


def _find(index: Index, snapshot: Snapshot, query: Query, audiences: Audiences, limit: int) -> list[str]:
    """The texts of the first articles that match."""
    filtered = Query.boolean_query([(Occur.Must, query), *permitted(index.schema, audiences)])
    hits = snapshot.searcher.search(filtered, limit, count=False).hits
    if limit == 1:
        return [""] * len(hits)
    return [bytes(snapshot.searcher.doc(address).get_first("text") or b"").decode() for _, address in hits]


def edit_distance(one: str, other: str) -> int:
    """How many letters must be put in, taken out, replaced or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
