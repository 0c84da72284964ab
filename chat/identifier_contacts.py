"""The rules for where somebody is reached: e-mail addresses, profiles and street addresses.

Pages of public bodies and helplines pass, and so do their role mailboxes. An address always needs its number, otherwise
every "Drive" and "Close" would be one. Every repeat in every pattern has an upper limit.
"""

import re
from collections.abc import Iterator

from chat.identifier_formats import IdentifierKind, Runs, Span
from chat.identifier_public import PUBLIC_DOMAINS, ROLES
from chat.identifier_words import CAPITAL, COURTS, STRONG_STREETS

_EMAIL = re.compile(
    r"(?<![\w.+'-])([\w+'-]{1,64}(?:\.[\w+'-]{1,64}){0,6})(?: ?@ ?(?=\S)| ?[(\[]at[)\]] ?)"
    r"([a-z\d-]{1,63}(?:\.[a-z\d-]{1,63}){1,5})(?![\w-])",
    re.IGNORECASE,
)
_SPOKEN_EMAIL = re.compile(
    r"(?<![\w.+'-])[\w+'-]{1,40}(?:(?:\.| dot )[\w+'-]{1,40}){0,3}(?: at | ?[(\[]at[)\]] ?| ?@ ?)"
    r"[a-z\d-]{1,40}(?:(?: ?[(\[]dot[)\]] ?| dot |\.)[a-z\d-]{2,20}){1,3}(?![\w-])"
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
    if " dot " in lower or "(dot)" in lower or "[dot]" in lower:
        for match in _SPOKEN_EMAIL.finditer(lower):
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


# Street addresses.
_NUMBER = re.compile(r"(?<![\w£/.:,-])(\d{1,4} ?[A-Da-d]?(?<! )(?: ?- ?\d{1,4})?),? {1,2}")
_STREET = re.compile(
    r"((?:[^\W\d_][^\W\d_-]{0,19}(?:'s)?\.? ){1,3}?)"
    r"(street|road|avenue|lane|drive|close|court|crescent|terrace|gardens|grove|place|square|way|walk|row|rise|hill|view|mews"
    r"|parade|park|green|estate|quay|wharf|villas|cottages|buildings|fields|st|rd|ave|ln|cres|gdns|dr|cl|tce|sq)(?!\w)",
    re.IGNORECASE,
)
_JOINED_STREET = re.compile(
    rf"[{CAPITAL}][a-z]{{2,16}}(?:way|gate|side|croft|garth|fields)(?![\w-])(?! [{CAPITAL}])|The [{CAPITAL}][a-z]{{2,16}}(?=[,.])"
)
_WELSH_STREET = re.compile(
    rf"(?:Heol|Ffordd|Stryd|Lôn|Lon|Rhodfa|Cwrt|Rhes|Teras|Clos|Maes|Cae|Gerddi|Dol|Dôl|Erw|Trem|Llwyn|Min|Pant|Rhiw|Penrhiw|Bryn|Coed|Tan|Cefn|Nant|Gwaun|Gelli)"
    rf"(?: (?:y |yr |Y |Yr )?[{CAPITAL}][^\W\d_'-]{{1,19}}){{1,3}}"
    rf"|[{CAPITAL}][^\W\d_]{{1,14}}[ -](?:y|yr|Y|Yr)[ -][{CAPITAL}][^\W\d_'-]{{1,19}}"
)
_FLAT = re.compile(
    r"(?<!\w)(?:flat|apartment|apt|unit) \d{1,4}[a-z]?,? (?:[^\W\d_][^\W\d_'-]{1,19} ){1,2}"
    r"(?:house|court|lodge|tower|heights|point|mansions|buildings)(?!\w)",
    re.IGNORECASE,
)
_FLAT_BEFORE = re.compile(r"(?:flat|apartment|apt)\.? (?:no\.? )?\d{0,4}[a-z]?,? $")
_HOME_BEFORE = re.compile(
    r"(?:liv(?:es?|ed|ing)|stay(?:s|ed|ing)?|resid(?:es?|ing)|moved|home|house|flat|address|byw)\b.{0,18}$"
    r"|\bat (?:number |no\.? )?$"
)
_DRIVE_WORK = re.compile(
    r"(?:'s)? (?:case|project|programme|team|panel|service|referral|practitioner|work|area|site|pilot|partner|user|place)"
)
_COUNTED_PLACES = frozenset(
    {"estate", "buildings", "fields", "cottages", "view", "row", "park", "green", "rise", "hill"}
)


def find_addresses(text: str, lower: str, digits: Runs) -> Iterator[Span]:
    for run_start, _ in digits:
        number = _NUMBER.match(text, run_start)
        if number is None:
            continue
        street = _street_at(text, lower, number)
        if street:
            flat = _FLAT_BEFORE.search(lower[max(0, run_start - 18) : run_start])
            yield IdentifierKind.ADDRESS, run_start - (len(flat[0]) if flat else 0), street.end()
    for match in _FLAT.finditer(text) if digits and any(map(lower.__contains__, ("flat", "apt", "apartment"))) else ():
        yield IdentifierKind.ADDRESS, match.start(), match.end()


def _street_at(text: str, lower: str, number: re.Match[str]) -> re.Match[str] | None:
    street = _STREET.match(text, number.end())
    if street and _is_street(number, street, lower):
        return street
    if not text[number.end() : number.end() + 1].isupper():
        return None
    if welsh := _WELSH_STREET.match(text, number.end()):
        return welsh
    joined = _JOINED_STREET.match(text, number.end())
    if joined and (joined[0][:4] == "The " or _HOME_BEFORE.search(lower[max(0, number.start() - 30) : number.start()])):
        return joined
    return None


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
    if year and type_ in _COUNTED_PLACES:
        return False
    return not (type_ == "drive" and (year or _DRIVE_WORK.match(lower, street.end())))
