"""The rules for identifiers that are made of words: names, street addresses, e-mail addresses and profiles.

Names are the least certain kind: a title, a given name, "called ..." or two capitals that belong to no body, place or
term of the field. A rare name typed in small letters, a nickname, a school or an employer is not found, and
nothing here can find it; the page must say so. Every repeat in every pattern has an upper limit.
"""

import re
from collections.abc import Iterator

from chat.identifier_formats import IdentifierKind, Runs, Span
from chat.identifier_words import (
    AFTER_SMALL_TITLE,
    AMBIGUOUS_NAMES,
    COURTS,
    GIVEN_NAMES,
    ORDINARY,
    ORGANISATION,
    PLACES,
    PUBLIC_DOMAINS,
    PUBLIC_PEOPLE,
    ROLES,
    STRONG_STREETS,
    SURNAMES,
    TITLES,
)

# E-mail. Pages of public bodies and helplines pass, and so do their role mailboxes; a person's mailbox never does.
_EMAIL = re.compile(
    r"(?<![\w.+'-])([\w+'-]{1,64}(?:\.[\w+'-]{1,64}){0,6})(?:@| ?[(\[]at[)\]] ?)"
    r"([a-z\d-]{1,63}(?:\.[a-z\d-]{1,63}){1,5})(?![\w-])",
    re.IGNORECASE,
)
_PROFILE = re.compile(
    r"(?<![\w.@-])(?:https?://)?(?:www\.|m\.|[a-z]{2}-[a-z]{2}\.)?"
    r"(?:facebook\.com/|fb\.com/|instagram\.com/|tiktok\.com/@|twitter\.com/|x\.com/|snapchat\.com/add/|linkedin\.com/in/|t\.me/)"
    r"[\w.-]{2,60}(?:/|\b)",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w./@])@[A-Za-z_][\w.]{2,40}\b")
_PUBLIC_LINK = re.compile(
    r"(?<![\w@.])(?:https?://|www\.)[^\s<>\"'()@]{3,400}|(?<![\w@.])/guidance/[a-z\d-]{1,80}", re.IGNORECASE
)
_HOST = re.compile(r"(?:https?://)?([^/?#:]{1,253})", re.IGNORECASE)


def find_mail(text: str, lower: str) -> Iterator[Span]:
    if "@" in text or "(at)" in lower or "[at]" in lower:
        for match in _EMAIL.finditer(text):
            if not _is_role_mailbox(match[1].lower(), match[2].lower()):
                yield IdentifierKind.EMAIL, match.start(), match.end()
        for match in _HANDLE.finditer(text):
            yield IdentifierKind.EMAIL, match.start(), match.end()
    if ".com/" in lower or "t.me/" in lower:
        for match in _PROFILE.finditer(text):
            yield IdentifierKind.EMAIL, match.start(), match.end()


def find_public_links(text: str) -> list[tuple[int, int]]:
    """Where links to public bodies, helplines and our own guidance stand: nothing inside them is an identifier."""
    if "://" not in text and "www." not in text.lower() and "/guidance/" not in text:
        return []
    return [
        match.span() for match in _PUBLIC_LINK.finditer(text) if match[0][0] == "/" or _is_public(_host_of(match[0]))
    ]


def _host_of(link: str) -> str:
    found = _HOST.match(link)
    return found[1].lower() if found else ""


def _is_public(host: str) -> bool:
    return host.endswith(tuple("." + domain for domain in PUBLIC_DOMAINS)) or host in PUBLIC_DOMAINS


def _is_role_mailbox(local: str, host: str) -> bool:
    return _is_public(host) and all(part in ROLES for part in re.split(r"[._+-]", local))


# Street addresses: always a number, otherwise every "Drive" and "Close" would be one.
_NUMBER = re.compile(r"(?<![\w£/.:,-])(\d{1,4}[A-Za-z]?(?:-\d{1,4})?),? ")
_STREET = re.compile(
    r"((?:[^\W\d_][^\W\d_'-]{0,19}\.? ){1,3}?)"
    r"(street|road|avenue|lane|drive|close|court|crescent|terrace|gardens|grove|place|square|way|walk|row|rise|hill|view|mews"
    r"|parade|park|green|estate|st|rd|ave|ln|cres|gdns|dr|cl)(?!\w)",
    re.IGNORECASE,
)
_CAPITAL = "A-ZÀ-ÖØ-ÞŁŚŠŽŻŹĆČĐŴŶŸĀĒĪŌŪĂȘȚŐŰĞİŞ"
_WELSH_STREET = re.compile(
    rf"(?:Heol|Ffordd|Stryd|Lôn|Lon|Rhodfa|Cwrt|Rhes|Teras|Clos|Maes)(?: (?:y |yr )?[{_CAPITAL}][^\W\d_'-]{{1,19}}){{1,3}}"
)
_FLAT = re.compile(
    r"(?<!\w)(?:flat|apartment|apt) \d{1,4}[a-z]?,? (?:[^\W\d_][^\W\d_'-]{1,19} ){1,2}"
    r"(?:house|court|lodge|tower|heights|point|mansions)(?!\w)",
    re.IGNORECASE,
)
_FLAT_BEFORE = re.compile(r"(?:flat|apartment|apt)\.? \d{1,4}[a-z]?,? $")
_HOME_BEFORE = re.compile(
    r"(?:liv(?:es?|ed|ing)|stay(?:s|ed|ing)?|resid(?:es?|ing)|moved|home|house|flat|address)\b.{0,18}$|\bat $"
)
_DRIVE_WORK = re.compile(
    r"(?:'s)? (?:case|project|programme|team|panel|service|referral|practitioner|work|area|site|pilot|partner|user|place)"
)


def find_addresses(text: str, lower: str, digits: Runs) -> Iterator[Span]:
    for run_start, _ in digits:
        number = _NUMBER.match(text, run_start)
        if number is None:
            continue
        street = _STREET.match(text, number.end())
        if (street and _is_street(number, street, lower)) or (street := _WELSH_STREET.match(text, number.end())):
            flat = _FLAT_BEFORE.search(lower[max(0, run_start - 18) : run_start])
            yield IdentifierKind.ADDRESS, run_start - (len(flat[0]) if flat else 0), street.end()
    for match in _FLAT.finditer(text) if digits and ("flat" in lower or "apt" in lower or "apartment" in lower) else ():
        yield IdentifierKind.ADDRESS, match.start(), match.end()


def _is_street(number: re.Match[str], street: re.Match[str], lower: str) -> bool:
    words, type_ = street[1].split(), street[2].lower()
    if not all(word[0].isupper() for word in words):
        before = lower[max(0, number.start() - 30) : number.start()]
        return type_ in STRONG_STREETS and bool(_HOME_BEFORE.search(before))
    if not street[2][0].isupper():
        return False
    if type_ == "court" and words[-1].lower().rstrip("'") in COURTS:
        return False
    year = len(number[1]) == 4 and number[1][:2] in ("19", "20")
    return not (type_ == "drive" and (year or _DRIVE_WORK.match(lower, street.end())))


# Names. One pass finds every run of capitals; what is ordinary speech or a public body is taken out of it.
_CAPITAL_WORD = rf"[{_CAPITAL}][^\W\d_]{{0,24}}(?:['-][^\W\d_]{{1,24}}){{0,2}}"
_RUN = re.compile(
    rf"(?<![\w@/'-]){_CAPITAL_WORD}(?:(?:(?<=Mr|Ms|Dr|Mx)\.|(?<=Mrs|Rev|Sgt)\.)? {{1,2}}"
    rf"(?:(?:de|da|di|van|von|der|ap|ab|ferch|bin|bint|al|el|la) ){{0,2}}{_CAPITAL_WORD}){{0,7}}(?!\w)"
)
_WORD = re.compile(r"[^\W\d_]{1,25}(?:['-][^\W\d_]{1,24}){0,2}")
_SPACED = {code: " " for code in range(128) if not chr(code).isalnum()}
_SMALL_LETTERS = GIVEN_NAMES | {"mr", "mrs"}
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n\"(•*>-])[\s\"'(]{0,3}$")
_MIDDLE = re.compile(r"[a-z\d,;)] $")
_SALUTE = re.compile(
    r"(?:\b(?:hi|hiya|hello|hey|dear|thanks|thank you|cheers|ta|morning|afternoon|evening|regards|wishes|diolch|helo|shwmae"
    r"|bore da|prynhawn da|i'm|i am|my name is|my name's|fy enw i yw)"
    r"[\s,!.-]{1,3}|\b(?:thanks|thank you|cheers)[\w ]{1,24},? )$",
    re.IGNORECASE,
)
_SALUTE_REACH = 36
_EPONYM_BEFORE = re.compile(r"\b(?:ask for|st|saint|king|queen|prince|princess)\.? $", re.IGNORECASE)
_DOES = re.compile(r" (?:has|had|is|was|says|said|told|hit|went|wants|keeps|did|does|came|left|lives)\b")
_CALLED = re.compile(
    r"\b(?:called|named|name is|names are|name's|known as|goes by|aka|a\.k\.a\.?|calls \w{2,4}sel\w{1,3})[ :]{1,2}[\"']?$",
    re.IGNORECASE,
)
_THING_CALLED = re.compile(
    r"\b(?:programme|project|group|course|tool|app|service|charity|place|pub|town|drug|dog|cat|form|order|law|thing|it|this|that|unit|team)"
    r" (?:is |was |now |also |which is )?(?:called|named|known as)[ :]{1,2}[\"']?$",
    re.IGNORECASE,
)
_LAW_AFTER = re.compile(r"'?s? (?:law|rule|card|act)\b", re.IGNORECASE)
_SURNAME_ENDINGS = ("ski", "ska", "wicz", "czyk", "escu", "enko", "ova", "vic")
_PERSON_BEFORE = re.compile(
    r"(?:\b(?:client|clients|ex|ex-partner|partner|husband|wife|boyfriend|girlfriend|victim|perp|perpetrator|suspect|offender"
    r"|tenant|patient|service user|pupil|mother|father|mum|dad|brother|sister|son|daughter|uncle|aunt|cousin|neighbour|colleague"
    r"|man|woman|lad|girl|boy|bloke|guy|child|kid|baby|called|named|name is|names|known as)[ ,(:-]{1,3})$",
    re.IGNORECASE,
)
_PERSON_AFTER = re.compile(
    r",? (?:who|he|she|his|her|aged|hit|punched|kicked|slapped|strangled|threatened|assaulted|stalks|stalked|lives|lived|born"
    r"|dob|d\.o\.b)\b",
    re.IGNORECASE,
)
_INFLECTED = ("ing", "ed", "ly")
_INTRODUCTIONS = ("called", "name", "known as", "goes by", "self", "selves", "aka", "a.k.a")


def find_names(text: str, lower: str) -> Iterator[Span]:
    introduced = any(map(lower.__contains__, _INTRODUCTIONS))
    for match in _RUN.finditer(text):
        run = match[0]
        if " " in run:
            yield from _names_in_run(text, match.start(), run)
        elif _is_single_name(text, match.start(), run) or (introduced and _is_introduced(text, match.start(), run)):
            yield IdentifierKind.NAME, match.start(), match.start() + len(run.removesuffix("'s"))
    words = text.translate(_SPACED).split()
    if not _SMALL_LETTERS.isdisjoint(words):
        yield from _names_in_small_letters(text)


def _is_single_name(text: str, start: int, word: str) -> bool:
    base = _base(word)
    known = base in GIVEN_NAMES or ("-" in base and base.partition("-")[0] in GIVEN_NAMES)
    if not known and base not in AMBIGUOUS_NAMES:
        return False
    if word.isupper() and (len(word) < 3 or not known):
        return False
    before = text[max(0, start - _SALUTE_REACH) : start]
    if _LAW_AFTER.match(text, start + len(base)) or _is_harmless(text, before, start + len(word)):
        return False
    return known or _MIDDLE.search(before) is not None


def _is_harmless(text: str, before: str, end: int) -> bool:
    """Tell "Hi Cora, thanks" and "Ask for Angela" from "Hi, John has found her": those in this chat may be named."""
    if _EPONYM_BEFORE.search(before):
        return True
    return _SALUTE.search(before) is not None and not _DOES.match(text, end)


def _is_introduced(text: str, start: int, word: str) -> bool:
    """No list holds every name, but what follows "called" is one, unless it is a programme or an app."""
    before = text[max(0, start - 40) : start]
    if not _CALLED.search(before) or _THING_CALLED.search(before) or _SALUTE.search(before):
        return False
    return not (word.isupper() or _base(word) in ORDINARY or _base(word) in ORGANISATION or _base(word) in PLACES)


def _names_in_run(text: str, start: int, run: str) -> Iterator[Span]:
    words = [(match.start() + start, match[0]) for match in _WORD.finditer(run)]
    if not ORGANISATION.isdisjoint(_base(word) for _, word in words):
        return
    piece: list[tuple[int, str]] = []
    for position, word in words:
        if _belongs(word, piece):
            piece.append((position, word))
            continue
        yield from _name_of(text, piece)
        piece = [(position, word)] if word in TITLES else []
    yield from _name_of(text, piece)


def _base(word: str) -> str:
    return word.removesuffix("'s").lower()


def _belongs(word: str, piece: list[tuple[int, str]]) -> bool:
    """Whether a word goes on with the name begun before it, or may begin one."""
    base = _base(word)
    if word in TITLES or base in ORDINARY or _is_no_name(word):
        # "Mr A Singh": after a title a single letter is an initial, not the article.
        return len(word) == 1 and bool(piece)
    begun = bool(piece) and (piece[0][1] in TITLES or _base(piece[0][1]) in GIVEN_NAMES)
    if len(word) == 1:
        return begun
    if word.isupper() and base not in GIVEN_NAMES:
        return begun and len(word) > 3
    return begun or base not in PLACES


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


def _name_of(text: str, piece: list[tuple[int, str]]) -> Iterator[Span]:
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
    elif piece[0][1] not in TITLES and _is_single_name(text, start, piece[0][1]):
        yield IdentifierKind.NAME, start, end


def _is_full_name(text: str, piece: list[tuple[int, str]], start: int, end: int) -> bool:
    """Whether two or more capitals are a person and not a body or brand that no list holds."""
    first, last = piece[0][1], _base(piece[-1][1])
    if text[start:end] in PUBLIC_PEOPLE:
        return False
    if first in TITLES or _base(first).partition("-")[0] in GIVEN_NAMES or _base(first) in AMBIGUOUS_NAMES:
        return True
    if last in SURNAMES or last.endswith(_SURNAME_ENDINGS) or last.startswith(("mc", "o'")):
        return True
    return bool(_PERSON_BEFORE.search(text[max(0, start - 30) : start]) or _PERSON_AFTER.match(text, end))


def _opens_sentence(text: str, start: int, word: str) -> bool:
    """Tell a sentence's first word from a name: "Meeting Karen"."""
    base = _base(word)
    if word in TITLES or base in GIVEN_NAMES or not _SENTENCE_START.search(text[max(0, start - 4) : start]):
        return False
    return base.endswith(_INFLECTED)


def _names_in_small_letters(text: str) -> Iterator[Span]:
    """Find given names typed in small letters, with a common surname behind them, and "mr brown"."""
    words = list(_WORD.finditer(text))
    for index, match in enumerate(words):
        word = match[0].removesuffix("'s")
        following = words[index + 1] if index + 1 < len(words) else None
        if following and text[match.end() : following.start()] not in (" ", ". "):
            following = None
        if word in ("mr", "mrs"):
            if following and len(following[0]) > 2 and following[0] not in AFTER_SMALL_TITLE:
                yield IdentifierKind.NAME, match.start(), following.end()
        elif word in GIVEN_NAMES and not _LAW_AFTER.match(text, match.start() + len(word)):
            if _is_harmless(
                text, text[max(0, match.start() - _SALUTE_REACH) : match.start()], match.start() + len(word)
            ):
                continue
            surname = following if following and following[0] in SURNAMES else None
            yield IdentifierKind.NAME, match.start(), surname.end() if surname else match.start() + len(word)
