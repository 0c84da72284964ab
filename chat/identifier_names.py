"""The rules for names of people, the least certain kind.

A name is a title with what follows it, a listed given name, two capitals that belong to no body, place or term of the
field, or a word that is nothing else and stands where people are named: "called ...", "her partner ...", "... told me".
A rare name in small letters, a nickname, a school or an employer is not found, and nothing here can find it; the page
must say so. Every repeat in every pattern has an upper limit.
"""

import re
from collections.abc import Iterator

from chat.identifier_cues import (
    HUMAN_AFTER,
    PERSON_AFTER,
    follows_called,
    follows_person,
    follows_person_called,
    tail_before,
)
from chat.identifier_formats import IdentifierKind, Span
from chat.identifier_lists import ENGLISH, GIVEN_NAMES, LISTED_NAMES, PLACES, SURNAMES, TOWNS, is_word
from chat.identifier_public import PUBLIC_PEOPLE
from chat.identifier_words import (
    AFTER_SMALL_TITLE,
    AMBIGUOUS_NAMES,
    CAPITAL,
    CIVIL_TITLES,
    CUED_NAMES,
    OFFICERS,
    ORDINARY,
    ORGANISATION,
    SOFT_TITLES,
    TITLES,
)

_SMALL = "a-zß-öø-ÿāăąćĉċčďđēėęěğģħīįıķĺļľłńņňŋōőœŕřśşšţťūůűųŵŷźżžșț"
_ARTICLE = "(?:(?:[Aa]l|[Ee]l|[Uu]l|Ar|As)-)?"
_BETWEEN = "(?:(?:de|da|di|van|von|der|den|ap|ab|ferch|bin|bint|binti|ibn|al|el|la|ul) ){0,2}"
_CAPITAL_WORD = rf"{_ARTICLE}[{CAPITAL}][^\W\d_]{{0,24}}(?:['-][^\W\d_]{{1,24}}){{0,2}}"
_RUN = re.compile(
    rf"(?<![\w@/'-]){_CAPITAL_WORD}(?:(?:(?<=Mr|Ms|Dr|Mx)\.|(?<=Mrs|Rev|Sgt)\.|(?<= [A-Z])\.)? {{1,2}}"
    rf"{_BETWEEN}{_CAPITAL_WORD}){{0,7}}(?!\w)"
)
_PARTICLE = re.compile(r" (?:ap|ab|ferch|bin|bint|binti|ibn|van|von|der|ul) | (?:al|el|ul)-", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{1,25}(?:['-][^\W\d_]{1,24}){0,2}")
_WHOLE_WORD = re.compile(rf"(?<!\w){_WORD.pattern}(?!\w)")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n\"(•*>-])[\s\"'(]{0,3}$")
_MIDDLE = re.compile(r"[a-z\d,;)] $")
_SALUTE = re.compile(
    r"(?:(?:(?:^|[.!?,\n][\s.]{0,3})(?:hi|hey|dear|morning|afternoon|evening)|\b(?:hi there|hiya|hello|thanks|thank you|cheers|ta"
    r"|good (?:morning|afternoon|evening)|regards|wishes|diolch|helo|shwmae|bore da|prynhawn da|i'm|i am|my name is|my name's"
    r"|fy enw i yw))[\s,!.-]{1,3}|\b(?:thanks|thank you|cheers)[\w ]{1,24},? )$",
    re.IGNORECASE,
)
_SALUTE_REACH = 36
# "St Vincent de Paul", "Op Soteria".
_CHRISTENED = frozenset({"St", "Saint", "Op", "Operation", "Project", "Tropical", "Storm", "Camp", "Lake", "Mount"})
_WHEREABOUTS = (" in ", " near ", "'s from ", " is from ", "came from ", "comes from ", "fled from ", "are from ")
_EPONYM_BEFORE = re.compile(r"\b(?:ask(?: for)?|st|saint|king|queen|prince|princess)\.? $", re.IGNORECASE)
_DOES = re.compile(r" (?:has|had|is|was|says|said|told|hit|went|wants|keeps|did|does|came|left|lives)\b")
_LAW_AFTER = re.compile(r"'?s? (?:law|rule|card|act)\b", re.IGNORECASE)
_SURNAME_ENDINGS = ("ski", "ska", "wicz", "czyk", "escu", "enko", "ova", "vic")
# An inquiry or a law is called after somebody whom everybody may name.
_EPONYM_AFTER = re.compile(
    r"(?:'s)? (?:law|inquiry|foundation|trust|typology|timeline|book|award|fund)\b", re.IGNORECASE
)
_REVIEW_AFTER = re.compile(r"(?:'s)? (?:review|report|scr|dhr|tragedy|murder)\b", re.IGNORECASE)
_OFFICER_NUMBER = re.compile(
    rf"(?<!\w)(?:PC|WPC|DC|PS|DS|DI|PCSO|Sgt) \d{{1,5}} [{CAPITAL}][{_SMALL}][^\W\d_]{{1,24}}(?:['-][^\W\d_]{{1,24}})?(?!\w)"
)
_WELSH_SUBJECT = re.compile(
    rf"\b(?:[Mm]ae|[Rr]oedd|[Oo]edd|[Bb]ydd|[Nn]id yw) ({_CAPITAL_WORD}) (?:yn|wedi|ar|'n|yw|mewn|ac|a)\b"
)
_INFLECTED = ("ing", "ed", "ly")
_INITIALS = re.compile(rf"(?<![\w.'/-])(?:(?:[A-Z]\. ?){{1,3}}|[B-HJ-Z] )([{CAPITAL}][{_SMALL}][^\W\d_]{{1,24}})(?!\w)")
_NEXT_IN_LIST = re.compile(rf"(?:,? and | & |, |/| or )({_CAPITAL_WORD})(?!\w)")
_LONGEST_LIST = 8
_SPACED = {code: " " for code in range(128) if not chr(code).isalnum()}
_CAPITALISED = re.compile(rf"[{CAPITAL}][{_SMALL}][^\W\d_]{{0,60}}")
_SMALL_TITLES = frozenset({"mr", "mrs", "ms", "dr"})
_CALLING = frozenset({"called", "named", "name", "names", "enw", "known", "goes", "aka", "calls", "call"})
_SMALL_AFTER = re.compile(
    r"\b(?:called|named|name's|names? ?(?:is|are|:|=)|enw(?: yw| ydy)?)[ :\"']{1,3}([^\W\d_]{3,25})(?!\w)"
)
_SMALL_NAMES = (GIVEN_NAMES - LISTED_NAMES) | {name for name in LISTED_NAMES if len(name) > 5}
_SMALL_HINTS = _SMALL_NAMES | _SMALL_TITLES | (CUED_NAMES - ORDINARY - ENGLISH)
_TITLE_LIKE = TITLES | SOFT_TITLES
_LOUD_TITLES = frozenset({"pc", "wpc", "dc", "ps", "ds", "di", "dci", "pcso", "hhj"})
_NUMBERED_OFFICERS = _LOUD_TITLES | {"sgt"}
_WELSH_VERBS = frozenset({"mae", "roedd", "oedd", "bydd", "nid"})
_LETTERS = [chr(code) for code in range(ord("A"), ord("Z") + 1)]
_INITIAL_WORDS = frozenset(
    [*_LETTERS, *(f"{one}." for one in _LETTERS), *(f"{one}.{two}." for one in _LETTERS for two in _LETTERS)]
) - {"A", "I"}


_NAMES = GIVEN_NAMES | AMBIGUOUS_NAMES | CUED_NAMES | SURNAMES
_HARMLESS = frozenset(
    form for base in (ORDINARY | ORGANISATION | PLACES) - _NAMES for form in (base.capitalize(), base.upper())
) - (_TITLE_LIKE)
"""Capitals that are no part of any name unless another word makes them one; most messages hold no others."""
_FIELD = frozenset(base.capitalize() for base in (ORDINARY | ORGANISATION | TOWNS) - _NAMES) - _TITLE_LIKE
"""What nobody is called: "a man called Rico" is a name, and of places only the large ones are not."""
_BODIES = frozenset(base.capitalize() for base in ORGANISATION)
_TWO_CAPITALS = re.compile(rf"[{CAPITAL}][\w'-]{{0,40}}\.? {{1,2}}{_BETWEEN}{_ARTICLE}[{CAPITAL}](?:[^\W\d_]|\.)")


def find_names(text: str, lower: str, *, whole: bool = False) -> Iterator[Span]:
    """Yield what may be names; `whole` leaves out the quick looks that let most messages pass, and finds the same."""
    words = lower.translate(_SPACED).split()
    introduced = not _CALLING.isdisjoint(words)
    small = not _SMALL_HINTS.isdisjoint(words)
    titled = not _LOUD_TITLES.isdisjoint(words)
    if whole or small or titled or _may_hold_names(text, introduced):
        spans = [*_names_in_capitals(text, introduced), *_names_by_shape(text, words)]
        yield from spans
        yield from _names_in_lists(text, spans)
    if whole or small:
        yield from _names_in_small_letters(text)
    if whole or introduced:
        yield from _small_names_after_called(text)


def _may_hold_names(text: str, introduced: bool) -> bool:
    """Whether the capitals need a closer look: in most messages they only begin sentences or name bodies and places."""
    capitals = _CAPITALISED.findall(text)
    if (_FIELD if introduced else _HARMLESS).issuperset(capitals):
        return False
    if introduced or _TWO_CAPITALS.search(text):
        return True
    return not all(_is_plain(word) for word in capitals if not _is_plain_capital(word))


def _is_plain_capital(word: str) -> bool:
    """What is no name where it stands alone and nobody is "called" so; as a set it would hold all of English again."""
    if word in _HARMLESS:
        return True
    base = word.lower()
    return base in ENGLISH and base not in _NAMES and word == base.capitalize() and word not in _TITLE_LIKE


def _is_plain(word: str) -> bool:
    base = word.lower()
    return base not in _NAMES and word not in _TITLE_LIKE and is_word(base)


def _names_in_capitals(text: str, introduced: bool) -> Iterator[Span]:
    stands_alone = _FIELD.__contains__ if introduced else _is_plain_capital
    for match in _RUN.finditer(text):
        run = match[0]
        if " " in run:
            parts = run.split(" ")
            body = not _BODIES.isdisjoint(parts) and _TITLE_LIKE.isdisjoint(parts)
            if not body and not _HARMLESS.issuperset(parts):
                yield from _names_in_run(text, match.start(), run, introduced=introduced)
        elif not stands_alone(run) and _is_single_name(text, match.start(), run, introduced=introduced):
            yield IdentifierKind.NAME, match.start(), match.start() + len(_bare(run))


def _names_by_shape(text: str, words: list[str]) -> Iterator[Span]:
    if not _NUMBERED_OFFICERS.isdisjoint(words):
        for match in _OFFICER_NUMBER.finditer(text):
            yield IdentifierKind.NAME, match.start(), match.end()
    if not _WELSH_VERBS.isdisjoint(words):
        for match in _WELSH_SUBJECT.finditer(text):
            if _may_be_name(match[1]):
                yield IdentifierKind.NAME, match.start(1), match.end(1)
    if not _INITIAL_WORDS.isdisjoint(text.split()):
        for match in _INITIALS.finditer(text):
            base = match[1].lower()
            if base in SURNAMES or base in GIVEN_NAMES or (text[match.start() + 1] == "." and not is_word(base)):
                yield IdentifierKind.NAME, match.start(), match.end()


def _names_in_lists(text: str, spans: list[Span]) -> Iterator[Span]:
    """Go on from a name to its neighbours: "Tyler, Mei and Kai"."""
    known = {start for _, start, _ in spans}
    for _, _, last in spans:
        end = last
        for _ in range(_LONGEST_LIST):
            following = _NEXT_IN_LIST.match(text, end)
            if following is None or following.start(1) in known or not _may_be_name(following[1]):
                break
            end = following.end()
            yield IdentifierKind.NAME, following.start(1), end - (2 if following[1].endswith("'s") else 0)


def _may_be_name(word: str) -> bool:
    """Whether a capital is a name or nothing that is known, so that a cue is enough."""
    base = _base(word)
    if len(base) < 2 or word.isupper() or _is_no_name(word):
        return False
    if base in GIVEN_NAMES or base in AMBIGUOUS_NAMES or base in CUED_NAMES or base in SURNAMES:
        return True
    return not any(is_word(part) for part in re.split("['-]", base) if len(part) > 1)


def _is_single_name(text: str, start: int, word: str, *, introduced: bool) -> bool:
    base = _base(word)
    if word.isupper() and (len(word) < 3 or base not in _SMALL_NAMES):
        return False
    known = base in GIVEN_NAMES or ("-" in base and base.partition("-")[0] in GIVEN_NAMES)
    if known and base in LISTED_NAMES and text[max(0, start - 12) : start].lower().endswith(_WHEREABOUTS):
        # The names of many countries hold those of many towns.
        return False
    if not known and not _is_cued_name(text, start, word, introduced=introduced):
        return False
    return not _LAW_AFTER.match(text, start + len(base)) and not _is_harmless(text, start, start + len(word))


def _is_cued_name(text: str, start: int, word: str, *, introduced: bool) -> bool:
    """Whether the words around a capital make a name of it that no list holds, or that is an ordinary word as well."""
    base = _base(word)
    if base in AMBIGUOUS_NAMES and _MIDDLE.search(text[max(0, start - 2) : start]):
        return True
    if introduced and follows_called(tail_before(text, start)):
        place = base in TOWNS and base not in CUED_NAMES
        return not (word.isupper() or base in ORDINARY or base in ORGANISATION or place)
    if word in _TITLE_LIKE or not _may_be_name(word):
        return False
    if base not in CUED_NAMES and HUMAN_AFTER.match(text, start + len(_bare(word))):
        return True
    return follows_person(tail_before(text, start))


def _bare(word: str) -> str:
    return word.removesuffix("'s")


def _is_harmless(text: str, start: int, end: int) -> bool:
    """Tell "Hi Cora, thanks" and "Ask for Angela" from "Hi, John has found her": those in this chat may be named."""
    before = text[max(0, start - _SALUTE_REACH) : start]
    if _EPONYM_BEFORE.search(before[-12:]):
        return True
    return _SALUTE.search(before) is not None and not _DOES.match(text, end)


def _names_in_run(text: str, start: int, run: str, *, introduced: bool) -> Iterator[Span]:
    words = [(match.start() + start, match[0]) for match in _WORD.finditer(run)]
    if not ORGANISATION.isdisjoint(_base(word) for _, word in words):
        # "Cardiff Magistrates Court" is nobody; of "District Judge Parsons" the end is somebody.
        titles = [place for place, (_, word) in enumerate(words) if word in _TITLE_LIKE]
        words = words[titles[0] :] if titles else []
    if words and words[0][1] in _CHRISTENED:
        return
    piece: list[tuple[int, str]] = []
    for position, word in words:
        if _belongs(word, piece):
            piece.append((position, word))
            continue
        yield from _name_of(text, piece, introduced=introduced)
        piece = [(position, word)] if word in _TITLE_LIKE else []
    yield from _name_of(text, piece, introduced=introduced)


def _base(word: str) -> str:
    return word.removesuffix("'s").lower()


def _belongs(word: str, piece: list[tuple[int, str]]) -> bool:
    """Whether a word goes on with the name begun before it, or may begin one."""
    base = _base(word)
    if word.islower():
        return bool(piece)
    after_title = bool(piece) and piece[-1][1] in _TITLE_LIKE
    if after_title and word not in _TITLE_LIKE and len(word) > 1:
        return _follows_title(piece[-1][1], word)
    if word in _TITLE_LIKE or base in ORDINARY or base in ORGANISATION or _is_no_name(word):
        # "Mr A Singh": after a title a single letter is an initial, not the article.
        return len(word) == 1 and bool(piece)
    begun = bool(piece) and (piece[0][1] in TITLES or _base(piece[0][1]) in GIVEN_NAMES)
    if len(word) == 1:
        return begun
    if word.isupper() and base not in _SMALL_NAMES:
        return begun and len(word) > 3
    return begun or base not in PLACES or base in AMBIGUOUS_NAMES or base in CUED_NAMES


def _follows_title(title: str, word: str) -> bool:
    """Tell "Mr Black" and "Judge Hargreaves" from "Ms Teams" and "Judge Only"."""
    base = _base(word)
    if base in ORGANISATION or base in AFTER_SMALL_TITLE or (word.isupper() and not title.isupper()):
        return False
    if title in CIVIL_TITLES:
        return len(word) > 2
    if title in TITLES or title in OFFICERS:
        return base not in ORDINARY and not (title == "Sir" and base in PLACES)
    return _may_be_name(word)


def _is_no_name(word: str) -> bool:
    """Tell "I'm", "SafeLives" and "Respect-accredited" from "O'Neill", "McCarthy" and "Anne-Marie"."""
    head, mark, tail = word.rpartition("'" if "'" in word else "-")
    if mark:
        return tail.islower() and tail != "s"
    return (
        not word.isupper()
        and not word[1:].islower()
        and len(word) > 1
        and not head
        and not word.startswith(("Mc", "Mac", "Fitz"))
    )


def _name_of(text: str, piece: list[tuple[int, str]], *, introduced: bool) -> Iterator[Span]:
    while piece and len(piece[-1][1]) == 1:
        piece = piece[:-1]
    if len(piece) > 1 and _opens_sentence(text, *piece[0]):
        piece = piece[1:]
    if not piece:
        return
    start, end = piece[0][0], piece[-1][0] + len(piece[-1][1].removesuffix("'s"))
    if len(piece) > 1:
        if _is_full_name(text, piece, start, end):
            yield IdentifierKind.NAME, start, end
    elif piece[0][1] not in TITLES and _is_single_name(text, start, piece[0][1], introduced=introduced):
        yield IdentifierKind.NAME, start, end


def _is_full_name(text: str, piece: list[tuple[int, str]], start: int, end: int) -> bool:
    """Whether two or more capitals are a person and not a body or brand that no list holds."""
    first, last = piece[0][1], _base(piece[-1][1])
    untitled = piece[1][0] if first in _TITLE_LIKE else start
    if any(text[place:end] in PUBLIC_PEOPLE for place in (start, untitled, piece[1][0])) or _is_eponym(
        text, start, end
    ):
        return False
    if first in _TITLE_LIKE or _base(first).partition("-")[0] in GIVEN_NAMES or _base(first) in AMBIGUOUS_NAMES:
        return True
    if last in SURNAMES:
        # "Labour Ward" and "Riverside Hall" end like people.
        return not (is_word(last) and is_word(_base(first)))
    if last.endswith(_SURNAME_ENDINGS) or last.startswith(("mc", "o'")) or _PARTICLE.search(text, start, end):
        return True
    if sum(_may_be_name(word) for _, word in piece) > 1:
        return True
    return follows_person(tail_before(text, start)) or bool(PERSON_AFTER.match(text, end))


def _is_eponym(text: str, start: int, end: int) -> bool:
    if _EPONYM_AFTER.match(text, end):
        return True
    return bool(_REVIEW_AFTER.match(text, end)) and text[max(0, start - 4) : start].lower() == "the "


def _opens_sentence(text: str, start: int, word: str) -> bool:
    """Tell a sentence's first word from a name: "Meeting Karen"."""
    base = _base(word)
    if word in TITLES or base in GIVEN_NAMES or not _SENTENCE_START.search(text[max(0, start - 4) : start]):
        return False
    return base.endswith(_INFLECTED)


def _names_in_small_letters(text: str) -> Iterator[Span]:
    """Find given names typed in small letters, with a surname behind them, "mr brown" and "a lad called jordan"."""
    words = list(_WHOLE_WORD.finditer(text))
    for index, match in enumerate(words):
        word = match[0].removesuffix("'s")
        following = words[index + 1] if index + 1 < len(words) else None
        if following and text[match.end() : following.start()] not in (" ", ". "):
            following = None
        if word in _SMALL_TITLES:
            if following and _follows_small_title(word, following[0]):
                yield IdentifierKind.NAME, match.start(), following.end()
        elif word.islower() and _is_small_name(text, match.start(), word):
            surname = following if following and following[0] in SURNAMES else None
            yield IdentifierKind.NAME, match.start(), surname.end() if surname else match.start() + len(word)


def _follows_small_title(title: str, word: str) -> bool:
    if len(word) < 3 or word in AFTER_SMALL_TITLE:
        return False
    return title in ("mr", "mrs") or word in SURNAMES or word in GIVEN_NAMES or not is_word(word.lower())


def _small_names_after_called(text: str) -> Iterator[Span]:
    """Find "a lad called jordan" and "her name is khadra", where no list needs to hold the name."""
    for match in _SMALL_AFTER.finditer(text):
        word = match[1]
        if (
            word.islower()
            and word not in AFTER_SMALL_TITLE
            and follows_person_called(tail_before(text, match.start(1)))
        ):
            named = word in CUED_NAMES or word in AMBIGUOUS_NAMES or word in GIVEN_NAMES
            if named or not is_word(word):
                yield IdentifierKind.NAME, match.start(1), match.end(1)


def _is_small_name(text: str, start: int, word: str) -> bool:
    known = word in _SMALL_NAMES
    if not known and word in _SMALL_HINTS:
        known = follows_person(tail_before(text, start))
    end = start + len(word)
    return known and not _LAW_AFTER.match(text, end) and not _is_harmless(text, start, end)
