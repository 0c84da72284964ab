"""Words as the search sees them: folded, stemmed, without those that say nothing, and with the field's synonyms."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from knowledge.vocabulary import STOP_WORDS

MOST_QUERY = 200
MOST_WORDS = 24

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


def content_words(text: str) -> list[str]:
    """The words that say something; all of them when none does."""
    words = words_of(text)
    return [word for word in words if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())] or words


def is_stop_word(word: str) -> bool:
    return word in STOP_WORDS or (len(word) == 1 and not word.isdigit())


Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that is looked for: a word, or a phrase of the field; and what else people call it."""

    typed: str
    stems: Phrase
    others: tuple[Phrase, ...] = ()


class Synonyms:
    """Which phrases mean the same. Phrases are compared by the stems of their words."""

    def __init__(self, groups: Iterable[str]) -> None:
        self._groups: dict[Phrase, set[Phrase]] = {}
        for group in groups:
            phrases = {phrase for phrase in (tuple(stems_of(words)) for words in group.split(",")) if phrase}
            for phrase in phrases:
                self._groups.setdefault(phrase, set()).update(phrases - {phrase})
        self._longest = max((len(phrase) for phrase in self._groups), default=1)

    def terms(self, text: str, most: int = MOST_WORDS) -> list[Term]:
        """What is looked for in a text, phrases of the field before single words, each once."""
        words = words_of(text)[: 4 * most]
        stems = [_stem(word) for word in words]
        found: dict[Phrase, Term] = {}
        position = 0
        while position < len(words) and len(found) < most:
            length = self._phrase_at(stems, position)
            typed = " ".join(words[position : position + length])
            phrase = tuple(stems[position : position + length])
            others = tuple(sorted(self._groups.get(phrase, ())))
            if others or not is_stop_word(typed):
                found.setdefault(phrase, Term(typed, phrase, others))
            position += length
        return list(found.values()) or [Term(word, (_stem(word),)) for word in dict.fromkeys(words[:most])]

    def _phrase_at(self, stems: list[str], position: int) -> int:
        for length in range(min(self._longest, len(stems) - position), 1, -1):
            if tuple(stems[position : position + length]) in self._groups:
                return length
        return 1


def _stem(word: str) -> str:
    stems = _STEMMING.analyze(word)
    return stems[0] if stems else word
