"""The rules for identifiers that are made of digits: numbers with a check, telephone, postcode, birth date, references.

Pure functions from folded text (see identifiers.py) to spans. Every repeat in every pattern has an upper
limit, so the work grows with the length of the text and no input makes it worse. Nothing is kept or logged.
"""

import re
from collections.abc import Iterator
from enum import StrEnum

import phonenumbers
from stdnum.gb import nhs, upn

from chat.identifier_public import HELPLINES


class IdentifierKind(StrEnum):
    NHS_NUMBER = "nhs_number"
    NATIONAL_INSURANCE = "national_insurance"
    PNC = "pnc"
    CRO = "cro"
    PRISON_NUMBER = "prison_number"
    PROBATION_CRN = "probation_crn"
    UPN = "upn"
    POSTCODE = "postcode"
    PHONE = "phone"
    EMAIL = "email"
    DATE_OF_BIRTH = "date_of_birth"
    ADDRESS = "address"
    NAME = "name"
    CASE_REFERENCE = "case_reference"


Span = tuple[IdentifierKind, int, int]

Runs = list[tuple[int, int]]
"""Where the digits of a text stand, in order: every rule here starts from them, so plain prose costs next to nothing."""

_DIGITS = re.compile(r"\d{1,40}")
_BIGGEST_GAP = 3


def find_formats(text: str, lower: str, runs: Runs) -> Iterator[Span]:
    """Yield what the rules find, overlaps included; `lower` is the same text in small letters, index for index."""
    yield from _find_births(lower, runs)
    yield from _find_postcodes(text, runs)
    yield from _find_single_runs(text, lower, runs)
    yield from _find_grouped_numbers(lower, runs)
    if "/" in text:
        yield from _find_police_numbers(text, lower, runs)
    longest = _longest_stretch(text, runs)
    if longest >= 6:
        yield from _find_national_insurance(text, lower)
    if longest >= 8 or ("/" in text and "07" in text):
        yield from _find_phones(text)
    if longest >= 10:
        yield from _find_nhs_numbers(text, lower)


def find_digits(text: str) -> Runs:
    return [match.span() for match in _DIGITS.finditer(text)]


def _longest_stretch(text: str, runs: Runs) -> int:
    """How many digits follow one another with only a little between them; a slash or colon makes a date or time."""
    longest = stretch = end = 0
    for start, next_end in runs:
        joined = start - end <= _BIGGEST_GAP and text[end] not in "/:"
        stretch = next_end - start + (stretch if joined else 0)
        longest = max(longest, stretch)
        end = next_end
    return longest


# NHS number. One ten-digit number in eleven passes the check, so either the usual grouping or a word must speak for it.
_NHS_GROUPED = re.compile(r"(?<![\w-])(?<!\d[./])(?=(\d{3}[\s.-]{1,2}\d{3}[\s.-]{0,2}\d{4})(?![\w/-]))")
_NHS_LOOSE = re.compile(
    r"(?:(?<![\w-])|(?<=nhs)|(?<=number)|(?<=\bno))(?<!\d[./])(?=([3-9](?:[\s.-]{0,2}\d){9})(?![\w/-]))", re.IGNORECASE
)
_NHS_WORDS = ("nhs", "n.h.s", "n h s", "patient", "rhif gig")
_CHI_LOOSE = re.compile(r"(?<![\w/.-])(?=([0-3](?:[\s.-]{0,2}\d){9})(?![\w/-]))")


def _find_nhs_numbers(text: str, lower: str) -> Iterator[Span]:
    patterns = [_NHS_GROUPED]
    if any(map(lower.__contains__, _NHS_WORDS)):
        patterns.append(_NHS_LOOSE)
    if re.search(r"\bchi\b", lower):
        patterns.append(_CHI_LOOSE)
    for pattern in patterns:
        for match in pattern.finditer(text):
            if nhs.is_valid(re.sub(r"\D", "", match[1])):
                yield IdentifierKind.NHS_NUMBER, match.start(1), match.end(1)


# National Insurance, as NIM39110 writes it. Without the last letter it needs the words.
_NINO = re.compile(
    r"(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)([ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z])[\s.-]{0,2}"
    r"(\d[\s.-]{0,2}\d)[\s.-]{0,2}(\d[\s.-]{0,2}\d)[\s.-]{0,2}\d[\s.-]{0,2}\d(?:[\s.-]{0,2}([A-D])(?!\w)|(?!\w))",
    re.IGNORECASE,
)
_NINO_WORDS = re.compile(r"\b(?:ni|nino|national insurance|yswiriant gwladol)\b")
_SMALL_WORDS = frozenset(
    [
        "ab",
        "ah",
        "am",
        "an",
        "as",
        "at",
        "by",
        "eh",
        "em",
        "en",
        "ha",
        "he",
        "la",
        "ma",
        "me",
        "my",
        "on",
        "or",
        "pa",
        "re",
        "we",
        "ya",
        "ye",
    ]
)


def _find_national_insurance(text: str, lower: str) -> Iterator[Span]:
    named: bool | None = None
    for match in _NINO.finditer(text):
        # "on 12-03-24 a meeting" has the same shape; so has any two-letter word before a date.
        dated = match[1].lower() in _SMALL_WORDS and match.end() - match.start() > 9 and _is_day(match[2], match[3])
        if match[4] is None or dated:
            named = bool(_NINO_WORDS.search(lower)) if named is None else named
            if not named:
                continue
        yield IdentifierKind.NATIONAL_INSURANCE, match.start(), match.end()


def _is_day(day: str, month: str) -> bool:
    return day.isdigit() and month.isdigit() and 1 <= int(day) <= 31 and 1 <= int(month) <= 12


# PNC and CRO share one alphabet for the check letter. A short serial is also how clauses and flats are
# numbered, so it needs the word.
_CHECK_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
_PNC = re.compile(r"(?<![\w/.-])(?:19|20)?(\d\d) ?/ ?(\d{1,7}) ?([A-HJ-NP-RT-Za-hj-np-rt-z])(?![\w/])")
_CRO = re.compile(r"(?<![\w/.-])(\d{1,6}) ?/ ?(\d\d) ?([A-HJ-NP-RT-Za-hj-np-rt-z])(?![\w/])")
_CRO_FILE = re.compile(r"(?<![\w/])SF ?(\d\d) ?/ ?(\d{1,6}) ?([A-HJ-NP-RT-Z])(?![\w/])", re.IGNORECASE)
_SERIAL_WITHOUT_WORD = 4


def _find_police_numbers(text: str, lower: str, runs: Runs) -> Iterator[Span]:
    pnc_named, cro_named = "pnc" in lower, "cro" in lower
    for match in _matches_at(_PNC, text, runs):
        if (pnc_named or len(match[2]) >= _SERIAL_WITHOUT_WORD) and _checks(match[1], match[2].zfill(7), match[3]):
            yield IdentifierKind.PNC, match.start(), match.end()
    for match in _matches_at(_CRO, text, runs):
        if (cro_named or len(match[1]) >= _SERIAL_WITHOUT_WORD) and _checks(match[2], match[1].zfill(6), match[3]):
            yield IdentifierKind.CRO, match.start(), match.end()
    for match in _CRO_FILE.finditer(text) if "sf" in lower else ():
        # Both ways of writing a short serial are in use, so either check letter counts.
        if any(_checks(match[1], serial, match[3]) for serial in (match[2], match[2].zfill(6))):
            yield IdentifierKind.CRO, match.start(), match.end()


def _matches_at(pattern: re.Pattern[str], text: str, runs: Runs) -> Iterator[re.Match[str]]:
    for start, _ in runs:
        if match := pattern.match(text, start):
            yield match


def _checks(year: str, serial: str, letter: str) -> bool:
    return _CHECK_LETTERS[int(year + serial) % 23] == letter.upper()


# One run of digits with letters around it: prison number, probation CRN, pupil number.
_PRISON_NUMBER = re.compile(r"(?<![\w-])(?:[A-Za-z]\d{4}[A-Za-z]{2}|[A-Z][ -]\d{4}[ -][A-Z]{2})(?![\w-])")
_PRISON_SPACED = re.compile(r"(?<![\w-])[a-z][ -]?\d{4}[ -]?[a-z]{2}(?![\w-])")
_PRISON_WORDS = ("prison", "noms", "nomis", "hmp", "carchar")
_CRN = re.compile(r"(?<![\w/-])[A-Za-z]\d{6}(?![\w/-])")
_CRN_WORDS = re.compile(r"\b(?:crn|n?delius|probation|offender|supervis\w{1,5})\b")
_UPN = re.compile(r"(?<!\w)[A-HJ-NP-RT-Za-hj-np-rt-z]\d{11}[\dA-HJ-NP-RT-Za-hj-np-rt-z](?!\w)")


_CRN_GROUPED = re.compile(
    r"\bcrn\b[\s.:#=-]{0,3}(?:no|number|is)?[\s.:#=-]{0,3}([a-z][\s.-]?\d{2,3}[\s.-]?\d{2,3}(?:[\s.-]?\d{2})?)(?![\w/-])"
)
_UPN_GROUPED = re.compile(r"(?<!\w)([a-hj-np-rt-z](?:[\s.-]{1,2}\d{1,6}|\d{1,6}){2,6}[a-hj-np-rt-z]?)(?!\w)")


def _find_grouped_numbers(lower: str, runs: Runs) -> Iterator[Span]:
    """A probation or pupil number that was typed in groups needs its word."""
    if "crn" in lower:
        for match in _CRN_GROUPED.finditer(lower):
            if sum(map(str.isdigit, match[1])) == 6:
                yield IdentifierKind.PROBATION_CRN, match.start(1), match.end(1)
    if any(end - start == 4 for start, end in runs) and any(map(lower.__contains__, _PRISON_WORDS)):
        for match in _PRISON_SPACED.finditer(lower):
            if match[0][-2:] not in _SMALL_WORDS:
                yield IdentifierKind.PRISON_NUMBER, match.start(), match.end()
    if "upn" in lower or "pupil" in lower:
        for match in _UPN_GROUPED.finditer(lower):
            number = re.sub(r"\W", "", match[1]).upper()
            if len(number) == 13 and upn.calc_check_digit(number[1:]) == number[0]:
                yield IdentifierKind.UPN, match.start(1), match.end(1)


def _find_single_runs(text: str, lower: str, runs: Runs) -> Iterator[Span]:
    for start, end in runs:
        length = end - start
        if length == 4:
            if match := _PRISON_NUMBER.match(text, max(0, start - 1)) or _PRISON_NUMBER.match(text, max(0, start - 2)):
                yield IdentifierKind.PRISON_NUMBER, match.start(), match.end()
        elif length == 6:
            match = _CRN.match(text, max(0, start - 1))
            # Typed exactly, with its capital, it stands for itself; in small letters it needs a word.
            if match and (match[0][0].isupper() or _CRN_WORDS.search(lower)):
                yield IdentifierKind.PROBATION_CRN, match.start(), match.end()
        elif length in (11, 12):
            match = _UPN.match(text, max(0, start - 1))
            # Only the check letter: the list of local authorities changes with every reorganisation.
            if match and upn.calc_check_digit(match[0][1:].upper()) == match[0][0].upper():
                yield IdentifierKind.UPN, match.start(), match.end()


# Postcode. The real areas only: "D1 2AB" and "V2 1ST" are levels and versions, not places.
_AREAS = (
    "A[BL]|B[ABDHLNRSTX]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|L[ADELNSU]?|"
    "M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE"
)
_INWARD = re.compile(r"(\d)([ABD-HJLNP-UW-Z]{2})(?!\w)", re.IGNORECASE)
_OUTWARD = re.compile(rf"(?<![\w£.-])((?:{_AREAS})\d[\dA-HJKMNPR-Y]?|GIR)[\s.-]{{0,2}}$", re.IGNORECASE)
_LONGEST_OUTWARD = 6
_ORDINALS = {"1": "st", "2": "nd", "3": "rd"}
_UNITS = frozenset({"hr", "yr", "ft", "lb", "gb", "tb"})
_SECTION = re.compile(r"[st]\d{1,2}", re.IGNORECASE)


def _find_postcodes(text: str, runs: Runs) -> Iterator[Span]:
    for _, end in runs:
        inward = _INWARD.match(text, end - 1)
        outward = inward and _OUTWARD.search(text, max(0, end - 1 - _LONGEST_OUTWARD), end - 1)
        if inward and outward and not _is_ordinal_or_unit(outward[1], inward[1], inward[2]):
            yield IdentifierKind.POSTCODE, outward.start(), inward.end()


def _is_ordinal_or_unit(outward: str, digit: str, letters: str) -> bool:
    """Tell "s47 3rd meeting" and "T4 2hr" from a postcode; a real "M1 2ND" is typed in capitals."""
    if not letters.islower() and not _SECTION.fullmatch(outward):
        return False
    small = letters.lower()
    return small in _UNITS or small == _ORDINALS.get(digit, "th")


# Telephone. A helpline may be handed on; a line of an office may not, for it points to the employer.
_PHONE = re.compile(
    r"(?<![\d/£.,-])(?:\(?(?:\+|00)[\s.-]?4[\s.-]?4[\s.)-]{0,2}(?:\(0\)[\s.-]?)?|\(?0[\s.-]?)"
    r"(?:1\d|2[03489]|3[0347]|[1-57-9][\s.-]\d|7[1-57-9]|8[0247]|9[018])(?:[\s.()-]{0,2}\d){7,8}(?![\d/])"
    r"|(?<![\d/])07\d{3} ?/ ?\d{3} ?/? ?\d{3}(?![\d/])"
)
_FOREIGN = re.compile(r"(?<![\w+])(?:\+|00)[1-9](?:[\s.()-]{0,2}\d){6,13}(?![\d/])")
# "12 07 2024 10 30" and "09 05 2025 at": a date, written with spaces, has a four-figure year second.
_DATED = re.compile(r"\d\d\D(?:19|20)\d\d(?!\d)")


def _find_phones(text: str) -> Iterator[Span]:
    for match in _PHONE.finditer(text):
        if _national_digits(match[0]) not in HELPLINES and not _DATED.match(match[0]):
            yield IdentifierKind.PHONE, match.start(), match.end()
    for match in _FOREIGN.finditer(text):
        if _is_foreign_number(match[0]):
            yield IdentifierKind.PHONE, match.start(), match.end()


def _national_digits(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    digits = re.sub(r"^(?:00)?440?", "", digits) if number.startswith(("+", "00")) else digits.removeprefix("0")
    return "0" + digits


def _is_foreign_number(number: str) -> bool:
    try:
        parsed = phonenumbers.parse(number, "GB")
    except phonenumbers.NumberParseException:
        return False
    return parsed.country_code != 44 and phonenumbers.is_possible_number(parsed)


# Date of birth: a date counts only beside a word for birth, and not when a hearing or a release stands between.
_MONTHS = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    r"|ion|chwef|mawrth|ebrill|mai|meh|gorff|awst|medi|hyd|tach|rhag)[a-z]{0,8}"
)
_DATE = re.compile(
    r"(?<![\w/])(?:\d{1,2}[\s./-]{1,3}\d{1,2}[\s./-]{1,3}(?:\d{4}|\d{2})|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|\d{8}|\d{6}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[\s.-]{{0,2}}(?:of )?{_MONTHS}(?:[\s,.-]{{1,2}}(?:\d{{4}}|\d{{2}}))?)(?![\w/])"
    rf"|(?<!\w){_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d(?!\d)"
)
_BIRTH = re.compile(
    r"\b(?:d\.?\s?o\.?\s?b\b\.?|date of birth|birth ?date|birthday|bday|born|dyddiad geni|ganwyd|geni"
    r"|(?:^|(?<=[\s,(;:]))b\.(?=\s?$))"
)
_BIRTH_AFTER = re.compile(r"\W{0,3}(?:(?:is|was) (?:his|her|the|their) )?(?:d\.?o\.?b\b|date of birth|birthday|born)")
_OTHER_DATES = re.compile(
    r"\d\d|hearing|incident|releas|review|court|charged|sentence|arrest|report|moved|since|until|meeting|appointment"
    r"|order|bail|listed|trial|after|before|party"
)
_PERSON_BEFORE = re.compile(
    r"\b(?:male|female|client|child(?: \d)?|son|daughter|aged? \d{1,2}|mother|father|partner|victim|perp|perpetrator|boy|girl)"
    r"[\s,(:-]{1,3}$"
)
_OLD_YEAR = re.compile(r"(?:19[2-9]\d|20(?:0\d|1[0-6]))(?!\d)")
_NEXT_IN_LIST = (" and ", ", ", " & ", "; ", " / ")
_BIRTH_HINTS = ("birth", "born", "dob", "d.o", "d o b", "bday", "geni", "ganwyd", " b.", "(b.", "b/d")


def _find_births(lower: str, runs: Runs) -> Iterator[Span]:
    hinted = any(map(lower.__contains__, _BIRTH_HINTS))
    if not hinted and not any(end - start == 4 and _OLD_YEAR.match(lower, start) for start, end in runs):
        return
    last_end = len(lower)
    for match in _DATE.finditer(lower):
        start, end = match.span()
        before = lower[max(0, start - 40) : start]
        if (
            (hinted and _tells_birth(before, lower[end : end + 24]))
            or (not match[0].isdigit() and _OLD_YEAR.search(match[0]) and _PERSON_BEFORE.search(before))
            or lower[last_end:start] in _NEXT_IN_LIST
        ):
            last_end = end
            yield IdentifierKind.DATE_OF_BIRTH, start, end


def _tells_birth(before: str, after: str) -> bool:
    cues = [cue.end() for cue in _BIRTH.finditer(before)]
    return bool(cues and not _OTHER_DATES.search(before, cues[-1])) or bool(_BIRTH_AFTER.match(after))
