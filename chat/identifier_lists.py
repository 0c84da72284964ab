"""The word lists of the search for names, joined with the field's own words: what is a name, a place or plain English.

Read once from `lists/` when imported. `is_word` answers whether a word is known to be something other than a name.
"""

from pathlib import Path

from chat import identifier_words

_FOLDER = Path(__file__).with_name("lists")
_ENDINGS = (("s", ("",)), ("es", ("",)), ("ed", ("", "e")), ("ing", ("", "e")), ("ly", ("",)))
_SHORTEST_STEM = 3
_LAST_LETTERS = frozenset("sdgy")


def _read(name: str) -> frozenset[str]:
    return frozenset((_FOLDER / f"{name}.txt").read_text(encoding="utf-8").split())


ENGLISH = _read("english")
LISTED_NAMES = _read("given_names")
GIVEN_NAMES = identifier_words.GIVEN_NAMES | LISTED_NAMES
SURNAMES = identifier_words.SURNAMES | _read("surnames")
TOWNS = identifier_words.PLACES
PLACES = TOWNS | _read("places")


def is_word(base: str) -> bool:
    """Whether a word in small letters is plain English, the field's, a body's or a place's."""
    if base in ENGLISH or base in PLACES or base in identifier_words.ORDINARY or base in identifier_words.ORGANISATION:
        return True
    if base[-1:] not in _LAST_LETTERS:
        return False
    return any(
        base.endswith(ending) and len(base) >= len(ending) + _SHORTEST_STEM and base[: -len(ending)] + back in ENGLISH
        for ending, backs in _ENDINGS
        for back in backs
    )
