"""Which three articles fit a conversation: from the enquiry and what was written last, each with its reason.

Pure and quick: it reads the index in memory and nothing else, sends nothing anywhere and keeps nothing of what it was
given. Whoever asks says which audiences may see the answer, and what was dismissed before.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from knowledge.index import Index, Snapshot
from knowledge.meaning import DIMENSIONS, Meaning, Vector, unit
from knowledge.queries import affordable, term_query, text_of
from knowledge.reading import Card
from knowledge.search import Ranked, rank
from knowledge.terms import Term, content_stems
from knowledge.vocabulary import SMALL_TALK
from knowledge.words import Audiences, tag_words

MOST_TERMS = 14
MOST_MESSAGES = 6
MOST_CHARACTERS = 1_000
MOST_OF_TOPIC = 20
MOST_REMEMBERED = 1_000

# As much as the best article by words gets, while nothing but the enquiry is known; half of it when people have talked.
TOPIC_BONUS = 0.12

# What a ticked box says in the words of the articles.
FLAG_WORDS: Mapping[str, str] = {
    "strangulation": "strangulation",
    "threat_to_kill_or_weapon": "threats to kill weapon",
    "recent_separation": "separation",
    "stalking": "stalking",
    "order_breached": "breach order",
    "victim_located_or_disclosed": "location address disclosure",
    "suicide_threats": "suicide",
    "child_at_serious_risk": "child protection referral",
}


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a conversation. `messages` are the last ones, the newest at the end."""

    topic: str = ""
    risk_flags: tuple[str, ...] = ()
    question: str = ""
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    card: Card
    why: str

    @property
    def slug(self) -> str:
        return self.card.slug

    @property
    def title(self) -> str:
        return self.card.title

    @property
    def version(self) -> int:
        return self.card.version


def suggest(
    index: Index, case: Case, audiences: Audiences, *, leave_out: Collection[str] = (), limit: int = 3
) -> list[Suggestion]:
    """The best articles, the best first; fewer when nothing else fits."""
    snapshot = index.snapshot
    parts = _parts(case)
    terms = _terms(snapshot, parts)
    clauses = [(term_query(index.schema, term), weight) for term, weight in terms]
    meaning = _meaning(index.meaning, parts) if index.meaning else None
    ranked = rank(index, snapshot, clauses, meaning, audiences)
    if case.topic:
        bonus = TOPIC_BONUS / 2 if case.messages else TOPIC_BONUS
        ranked = _with_topic(snapshot, ranked, case.topic, audiences, bonus)
    chosen = [found for found in ranked if snapshot.cards[found.row].slug not in leave_out][:limit]
    words = [term for term, _ in terms]
    return [Suggestion(snapshot.cards[found.row], _why(index, snapshot, found, case.topic, words)) for found in chosen]


def _with_topic(
    snapshot: Snapshot, ranked: list[Ranked], topic: str, audiences: Audiences, bonus: float
) -> list[Ranked]:
    """The topic of the enquiry lifts its articles; when nothing else was written, it alone brings them."""
    found = {one.row for one in ranked}
    carrying = np.flatnonzero(snapshot.may_see(audiences) & snapshot.tagged(topic))[: MOST_OF_TOPIC + len(found)]
    others = [int(row) for row in carrying if row not in found][:MOST_OF_TOPIC]
    lifted = [replace(one, score=one.score + bonus) if topic in snapshot.cards[one.row].tags else one for one in ranked]
    lifted += [Ranked(row, bonus / 2, by_words=False, similarity=0.0) for row in others]
    return sorted(lifted, key=lambda one: (-one.score, snapshot.cards[one.row].slug))


def _parts(case: Case) -> list[tuple[str, float]]:
    """What was written and ticked, with what it weighs: the newest word counts most."""
    messages = [message[:MOST_CHARACTERS] for message in case.messages[-MOST_MESSAGES:]]
    parts = [(message, 0.75**age) for age, message in enumerate(reversed(messages))]
    # What was said before is read as one text, the newest of it first: a talk of an hour must not take longer than a short one.
    if before := " ".join(reversed(case.messages[:-MOST_MESSAGES]))[:MOST_CHARACTERS]:
        parts.append((before, 0.75**MOST_MESSAGES))
    if case.question:
        parts.append((case.question[:MOST_CHARACTERS], 0.35 if messages else 1.0))
    parts += [(FLAG_WORDS[flag], 0.8) for flag in case.risk_flags if flag in FLAG_WORDS]
    return parts


def _terms(snapshot: Snapshot, parts: list[tuple[str, float]]) -> list[tuple[Term, float]]:
    """The words that tell articles apart, with their weights."""
    weights: dict[Term, float] = {}
    for text, weight in parts:
        for term in snapshot.synonyms.terms(text):
            if term.typed in SMALL_TALK:
                continue
            weights[term] = max(weights.get(term, 0.0), weight)
    documents = max(snapshot.searcher.num_docs, 1)

    def worth(term: Term) -> float:
        # A phrase of the field says more than any single word.
        if term.others or len(term.stems) > 1:
            return 3.0 * weights[term]
        held_by = snapshot.searcher.doc_freq("body", term.stems[0])
        return weights[term] * float(np.log1p(documents / (held_by + 1))) if held_by else 0.0

    ordered = sorted(((worth(term), term) for term in weights), key=lambda pair: -pair[0])
    best = [term for value, term in ordered[:MOST_TERMS] if value > 0]
    by_stems = {term.stems: weight for term, weight in weights.items()}
    return [(term, by_stems[term.stems]) for term in affordable(snapshot, best)]


def _meaning(meaning: Meaning, parts: list[tuple[str, float]]) -> Vector:
    total = np.zeros(DIMENSIONS, np.float32)
    for text, weight in parts:
        total += np.float32(weight) * meaning.of(text)
    return unit(total)


def _why(index: Index, snapshot: Snapshot, found: Ranked, topic: str, terms: list[Term]) -> str:
    """The words that the article and the conversation share; else the topic; else that they mean the like."""
    card = snapshot.cards[found.row]
    reasons = []
    if found.by_words:
        whole = _stems_of_article(index, snapshot, found.row)
        shared = [
            term.typed for term in terms if any(f" {' '.join(way)} " in whole for way in (term.stems, *term.others))
        ]
        reasons += ["Both speak of " + ", ".join(f"“{word}”" for word in shared[:3])] if shared else []
    if topic and topic in card.tags:
        reasons.append(f"Topic: {tag_words(topic)}")
    return "; ".join(reasons) or "Close in meaning"


def _stems_of_article(index: Index, snapshot: Snapshot, row: int) -> str:
    """The stems of an article's words in one line. Remembered, because the same articles are suggested again and again."""
    card = snapshot.cards[row]
    key = (card.article_id, card.version)
    known = index.remembered.get(key)
    if known is None:
        text = f"{card.title} {card.summary} {text_of(snapshot, index.schema, row)}"
        known = f" {' '.join(content_stems(text))} "
        if len(index.remembered) >= MOST_REMEMBERED:
            index.remembered.clear()
        index.remembered[key] = known
    return known
