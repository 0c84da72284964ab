"""What people type, made storable: one normal form on every transport and both databases.

NFC, line feeds, no control characters, no pile of combining marks. Nothing that carries meaning is changed.
"""

import re
import unicodedata
from collections.abc import Sequence

from core.errors import Empty, InvalidText, TooLong

MESSAGE_CHARACTERS = 4_000
MARKS_ON_ONE_LETTER = 8

_SURROGATE_OR_NUL = re.compile("[\ud800-\udfff\0]")
_CONTROL = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x9f]")
# Whatever would begin a new line in the stored form, and tabs.
_LINE_BREAKS = re.compile("[\r\n\t\v\f\x85\u2028\u2029]+")
# Pieces that can be tidied one by one: nothing composes backwards with an ASCII character that stays.
_PIECES = re.compile("\r\n|[\t-\r -~]?[^\t-\r -~]+|[\t-\r -~]")
# Combining marks begin here. Without so many letters of this kind in a row there is no pile to be looked for.
_MAY_BE_A_PILE = re.compile(f"[\u0300-\U0010ffff]{{{MARKS_ON_ONE_LETTER + 1}}}")
# Anything that can be seen: one is enough.
_VISIBLE = re.compile(
    "[^\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)


def check_text(text: str, most: int = MESSAGE_CHARACTERS) -> str:
    """The text as it is stored. Raises InvalidText, TooLong or Empty."""
    if text.isascii() and text.isprintable():
        cleaned = text.strip()
    else:
        cleaned = _normal_form(text)
    if len(text) > most and len(cleaned) > most or len(text) > 4 * most:
        raise TooLong(
            f"That is {max(len(cleaned), 1):,} characters; the most is {most:,}. Shorten it or send it in parts."
        )
    if not _VISIBLE.search(cleaned):
        raise Empty
    return cleaned


def check_line(text: str, most: int) -> str:
    """The same for a single line, such as a name; line breaks become spaces."""
    return check_text(" ".join(text.split()) if text.isprintable() else _LINE_BREAKS.sub(" ", text), most)


def spans_as_sent(sent: str, stored: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where stretches of the text as it is stored stand in the text as it was sent, rather too wide than too narrow."""
    starts: list[int] = []
    ends: list[int] = []
    for piece in _PIECES.finditer(sent):
        tidy = _tidied(piece[0])
        if tidy == piece[0]:
            starts += range(piece.start(), piece.end())
            ends += range(piece.start() + 1, piece.end() + 1)
        else:
            # What was composed or removed here belongs together: all of it is meant.
            starts += [piece.start()] * len(tidy)
            ends += [piece.end()] * len(tidy)
    tidied = _tidied(sent)
    if tidied.strip() != stored:
        # A line, whose spaces were joined: there is no better word for where it stands.
        return list(spans)
    lead = len(tidied) - len(tidied.lstrip())
    return [(starts[lead + start], ends[lead + end - 1]) for start, end in spans]


def _normal_form(text: str) -> str:
    if _SURROGATE_OR_NUL.search(text):
        raise InvalidText
    return _tidied(text).strip()


def _tidied(text: str) -> str:
    text = re.sub("\r\n|[\r\v\f\u2028\u2029\x85]", "\n", text)
    # Before it is composed: a letter and its mark may have stood on both sides of what is removed.
    return _cap_marks(unicodedata.normalize("NFC", _CONTROL.sub("", text)))


def _cap_marks(text: str) -> str:
    """Keep at most eight combining marks on a letter: more only serves to cover the page."""
    if not _MAY_BE_A_PILE.search(text):
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= MARKS_ON_ONE_LETTER:
            kept.append(character)
    return "".join(kept)
