"""Words as the search sees them: folded, stemmed, without those that say nothing, and with the field's synonyms."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from knowledge.vocabulary import STOP_WORDS

MOST_QUERY = 200
MOST_WORDS = 24

Phrase = tuple[str, ...]

_POSSESSIVE = re.compile("['\u2019]s\\b", re.IGNORECASE)
_APOSTROPHE = re.compile("(?<=\\w)['\u2019](?=\\w)")


def readable(text: str) -> str:
    """Text as it goes into the index: Clare's and Clares are one word."""
    return _APOSTROPHE.sub("", _POSSESSIVE.sub("", text))


def plain_analyzer() -> TextAnalyzer:
    return _builder().build()


def stemming_analyzer() -> TextAnalyzer:
    return _builder().filter(Filter.stemmer("english")).build()


def _builder() -> TextAnalyzerBuilder:
    return (
        TextAnalyzerBuilder(Tokenizer.simple())
        .filter(Filter.remove_long(64))
        .filter(Filter.lowercase())
        .filter(Filter.ascii_fold())
    )


_PLAIN = plain_analyzer()
_STEMMING = stemming_analyzer()


def words_of(text: str) -> list[str]:
    return list(_PLAIN.analyze(readable(text)))


def stems_of(text: str) -> list[str]:
    return list(_STEMMING.analyze(readable(text)))


def content_stems(text: str) -> Phrase:
    return tuple(stem for _, stem in content_pairs(text))


def content_pairs(text: str) -> list[tuple[str, str]]:
    """The words that say something, each with its stem."""
    pairs = list(zip(words_of(text), stems_of(text), strict=True))
    return [pair for pair in pairs if says_something(pair[0])] or pairs


def says_something(word: str) -> bool:
    return word not in STOP_WORDS and (len(word) > 1 or word.isdigit())


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that is looked for: a word, or a phrase of the field; and what else people call it."""

    typed: str
    stems: Phrase
    others: tuple[Phrase, ...] = ()


class Synonyms:
    """Which phrases mean the same. Phrases are compared by the stems of the words in them that say something."""

    def __init__(self, groups: Iterable[str]) -> None:
        self._groups: dict[Phrase, set[Phrase]] = {}
        self._in_full: dict[Phrase, str] = {}
        for group in groups:
            phrases = {phrase for words in group.split(",") if (phrase := content_stems(words))}
            for phrase in phrases:
                self._groups.setdefault(phrase, set()).update(phrases - {phrase})
                self._in_full[phrase] = max(group.split(","), key=len).strip()
        self._longest = max((len(phrase) for phrase in self._groups), default=1)

    def terms(self, text: str, most: int = MOST_WORDS) -> list[Term]:
        """What is looked for in a text, phrases of the field before single words, each once."""
        pairs = content_pairs(text)[: 4 * most]
        words, stems = [word for word, _ in pairs], [stem for _, stem in pairs]
        found: dict[Phrase, Term] = {}
        position = 0
        while position < len(words) and len(found) < most:
            length = self._phrase_at(stems, position)
            phrase = tuple(stems[position : position + length])
            typed = " ".join(words[position : position + length])
            found.setdefault(phrase, Term(typed, phrase, tuple(sorted(self._groups.get(phrase, ())))))
            position += length
        return list(found.values())

    def in_full(self, terms: Iterable[Term]) -> str:
        """The longest names of what is looked for: letters that stand for something mean nothing by themselves."""
        return ". ".join(self._in_full.get(term.stems, term.typed) for term in terms)

    def _phrase_at(self, stems: list[str], position: int) -> int:
        for length in range(min(self._longest, len(stems) - position), 1, -1):
            if tuple(stems[position : position + length]) in self._groups:
                return length
        return 1
