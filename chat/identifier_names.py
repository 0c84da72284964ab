"""The rules for identifiers that are made of words: names, street addresses, e-mail addresses and profiles.

Names are the least certain kind: a title, a given name, "called ..." or two capitals that belong to no body, place or
term of the field. A rare name typed in small letters, a nickname, a school or an employer is not found, and
nothing here can find it; the page must say so. Every repeat in every pattern has an upper limit.
"""

import re
from collections.abc import Iterator

from chat.identifier_formats import IdentifierKind, Span
from chat.identifier_words import (
    AFTER_SMALL_TITLE,
    AMBIGUOUS_NAMES,
    GIVEN_NAMES,
    ORDINARY,
    ORGANISATION,
    PLACES,
    PUBLIC_DOMAINS,
    PUBLIC_PEOPLE,
    SURNAMES,
    TITLES,
)

# E-mail. Pages of public bodies and helplines pass, and so do their role mailboxes; a person's mailbox never does.
_EMAIL = re.compile(
    r"(?<![\w.+'-])([\w+'-]{1,64}(?:\.[\w+'-]{1,64}){0,6})(?:@| ?[(\[]at[)\]] ?)([a-z\d-]{1,63}(?:\.[a-z\d-]{1,63}){1,5})(?![\w-])",
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
_ROLES = frozenset(
    """admin advice adultsafeguarding adults bookings box business care childrens contact court courts da dadrive desk domesticabuse
    drive duty edt enquiries families family feedback firstcontact front frontdoor help helpdesk helpline help-line hub idva info
    inbox information intake iopc legal mail mailbox mappa marac mash matac media noreply no-reply office omu pdu police post
    probation records referral referrals reception safe safeguarding secure social services support team training unit vlo webchat
    west east north south central""".split()
)


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
    if "/" not in text and "www." not in text:
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
    return _is_public(host) and all(part in _ROLES for part in re.split(r"[._+-]", local))


# Street addresses: always a number, otherwise every "Drive" and "Close" would be one.
_STREET = re.compile(
    r"(?<![\w£/.:,-])(\d{1,4}[A-Za-z]?(?:-\d{1,4})?),? ((?:[^\W\d_][^\W\d_'-]{0,19}\.? ){1,3}?)"
    r"(street|road|avenue|lane|drive|close|court|crescent|terrace|gardens|grove|place|square|way|walk|row|rise|hill|view|mews"
    r"|parade|park|green|estate|st|rd|ave|ln|cres|gdns|dr|cl)(?!\w)",
    re.IGNORECASE,
)
_WELSH_STREET = re.compile(
    r"(?<![\w£/.:,-])\d{1,4}[A-Za-z]?,? (?:Heol|Ffordd|Stryd|Lôn|Lon|Rhodfa|Cwrt|Rhes|Teras|Clos|Maes)(?: [^\W\d_][^\W\d_'-]{1,19}){1,3}"
)
_FLAT = re.compile(
    r"(?<!\w)(?:flat|apartment|apt) \d{1,4}[a-z]?,? (?:[^\W\d_][^\W\d_'-]{1,19} ){1,2}(?:house|court|lodge|tower|heights|point|mansions)(?!\w)",
    re.IGNORECASE,
)
_FLAT_BEFORE = re.compile(r"(?:flat|apartment|apt)\.? \d{1,4}[a-z]?,? $")
_HOME_BEFORE = re.compile(
    r"(?:liv(?:es?|ed|ing)|stay(?:s|ed|ing)?|resid(?:es?|ing)|moved|home|house|flat|address)\b.{0,18}$"
)
_STRONG_STREETS = frozenset("street road avenue lane crescent terrace gardens grove mews rd ave st".split())
_COURTS = frozenset("crown county family magistrates youth supreme high appeal sessions civil criminal".split())
_DRIVE_WORK = re.compile(
    r"(?:'s)? (?:case|project|programme|team|panel|service|referral|practitioner|work|area|site|pilot|partner|user|place)"
)


def find_addresses(text: str, lower: str) -> Iterator[Span]:
    for match in _STREET.finditer(text):
        start = match.start()
        if _is_street(match, lower):
            flat = _FLAT_BEFORE.search(lower[max(0, start - 18) : start])
            yield IdentifierKind.ADDRESS, start - (len(flat[0]) if flat else 0), match.end()
    for pattern in (_WELSH_STREET, _FLAT) if "flat" in lower or "ap" in lower else (_WELSH_STREET,):
        for match in pattern.finditer(text):
            yield IdentifierKind.ADDRESS, match.start(), match.end()


def _is_street(match: re.Match[str], lower: str) -> bool:
    number, words, street = match[1], match[2].split(), match[3].lower()
    if not all(word[0].isupper() for word in words):
        before = lower[max(0, match.start() - 30) : match.start()]
        return street in _STRONG_STREETS and bool(_HOME_BEFORE.search(before))
    if not match[3][0].isupper():
        return False
    if street == "court" and words[-1].lower().rstrip("s'") in {court.rstrip("s") for court in _COURTS}:
        return False
    year = len(number) == 4 and number[:2] in ("19", "20")
    return not (street == "drive" and (year or _DRIVE_WORK.match(lower, match.end())))


# Names. One pass finds every run of capitals; what is ordinary speech or a public body is taken out of it.
_CAPITAL = "A-ZÀ-ÖØ-ÞŁŚŠŽŻŹĆČĐŴŶŸĀĒĪŌŪĂȘȚŐŰĞİŞ"
_CAPITAL_WORD = rf"[{_CAPITAL}][^\W\d_]{{0,24}}(?:['-][^\W\d_]{{1,24}}){{0,2}}"
_RUN = re.compile(
    rf"(?<![\w@/'-]){_CAPITAL_WORD}(?:(?:(?<=Mr|Ms|Dr|Mx)\.|(?<=Mrs|Rev|Sgt)\.)? {{1,2}}"
    rf"(?:(?:de|da|di|van|von|der|ap|ab|ferch|bin|bint|al|el|la) ){{0,2}}{_CAPITAL_WORD}){{0,7}}(?!\w)"
)
_WORD = re.compile(r"[^\W\d_]{1,25}(?:['-][^\W\d_]{1,24}){0,2}")
_SMALL_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n\"“(•*>-])[\s\"'“‘(]{0,3}$")
_MIDDLE = re.compile(r"[a-z\d,;)] $")
_SALUTE = re.compile(
    r"(?:\b(?:hi|hiya|hello|hey|dear|thanks|thank you|cheers|ta|morning|afternoon|evening|regards|wishes|diolch|helo|shwmae"
    r"|bore da|prynhawn da|i'm|i am|my name is|my name's|fy enw i yw|sarah's|clare's|ask for|st|saint|king|queen|prince|princess)"
    r"[\s,!.-]{1,3})$",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"\b(?:called|named|name is|names are|name's|known as|goes by|aka|a\.k\.a\.?)[ :]{1,2}[\"'“‘]?$", re.IGNORECASE
)
_THING_CALLED = re.compile(
    r"\b(?:programme|project|group|course|tool|app|service|charity|place|pub|town|drug|dog|cat|form|order|law|thing|it|is|unit|team)"
    r" (?:is |was |now |also |which is )?(?:called|named|known as)[ :]{1,2}[\"'“‘]?$",
    re.IGNORECASE,
)
_LAW_AFTER = re.compile(r"['’]?s? (?:law|rule|card|act)\b", re.IGNORECASE)
_INFLECTED = ("ing", "ed", "ly")
_NOT_SURNAMES = ORDINARY | ORGANISATION


def find_names(text: str, lower: str) -> Iterator[Span]:
    for match in _RUN.finditer(text):
        run = match[0]
        if " " in run:
            yield from _names_in_run(text, match.start(), run)
        elif _is_single_name(text, match.start(), run):
            yield IdentifierKind.NAME, match.start(), match.start() + len(run.removesuffix("'s"))
    words = set(_SMALL_WORD.findall(text))
    if not GIVEN_NAMES.isdisjoint(words) or not {"mr", "mrs", "ms"}.isdisjoint(words):
        yield from _names_in_small_letters(text)


def _is_single_name(text: str, start: int, word: str) -> bool:
    base = word.removesuffix("'s").lower()
    known = base in GIVEN_NAMES or base.partition("-")[0] in GIVEN_NAMES
    if not known and base not in AMBIGUOUS_NAMES:
        # "called Zbigniew": no list holds every name, but what follows such a word is one.
        before = text[max(0, start - 40) : start]
        return (
            _CALLED.search(before) is not None
            and not (word.isupper() or base in _NOT_SURNAMES or base in PLACES)
            and not _THING_CALLED.search(before)
        )
    if word.isupper() and (len(word) < 3 or not known):
        return False
    before = text[max(0, start - 16) : start]
    if _SALUTE.search(before) or _LAW_AFTER.match(text, start + len(base)):
        return False
    return known or _MIDDLE.search(before) is not None


def _names_in_run(text: str, start: int, run: str) -> Iterator[Span]:
    words = [(match.start() + start, match[0]) for match in _WORD.finditer(run)]
    if any(_base(word) in ORGANISATION for _, word in words):
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
    if word in TITLES or base in ORDINARY:
        return False
    follows_name = bool(piece) and (
        piece[-1][1] in TITLES or _base(piece[0][1]) in GIVEN_NAMES or piece[0][1] in TITLES
    )
    if len(word) == 1 or (word.isupper() and (len(word) < 4 or not follows_name) and base not in GIVEN_NAMES):
        return follows_name and len(word) == 1
    return follows_name or base not in PLACES


def _name_of(text: str, piece: list[tuple[int, str]]) -> Iterator[Span]:
    while piece and len(piece[-1][1]) == 1:
        piece = piece[:-1]
    if not piece:
        return
    first = piece[0][0], piece[0][1]
    if (
        len(piece) > 1
        and first[1] not in TITLES
        and _base(first[1]) not in GIVEN_NAMES
        and first[1].lower().endswith(_INFLECTED)
    ):
        if _SENTENCE_START.search(text[max(0, first[0] - 4) : first[0]]):
            piece = piece[1:]
    start, end = piece[0][0], piece[-1][0] + len(piece[-1][1].removesuffix("'s"))
    if len(piece) == 1:
        word = piece[0][1]
        if word in TITLES or not _is_single_name(text, start, word):
            return
    elif text[start:end] in PUBLIC_PEOPLE:
        return
    yield IdentifierKind.NAME, start, end


def _names_in_small_letters(text: str) -> Iterator[Span]:
    """Find given names typed in small letters, with a common surname behind them, and "mr brown"."""
    words = list(_WORD.finditer(text))
    for index, match in enumerate(words):
        word = match[0].removesuffix("'s")
        following = words[index + 1] if index + 1 < len(words) and words[index + 1].start() <= match.end() + 2 else None
        if word in ("mr", "mrs", "ms"):
            if following and len(following[0]) > 2 and following[0] not in AFTER_SMALL_TITLE:
                yield IdentifierKind.NAME, match.start(), following.end()
        elif word in GIVEN_NAMES and not _LAW_AFTER.match(text, match.start() + len(word)):
            if _SALUTE.search(text[max(0, match.start() - 16) : match.start()]):
                continue
            surname = following if following and following[0] in SURNAMES else None
            yield IdentifierKind.NAME, match.start(), surname.end() if surname else match.start() + len(word)
