"""The rules for identifiers that are made of digits: numbers with a check, telephone, postcode, birth date, references.

Pure functions from folded text (see identifiers.py) to spans. Every repeat in every pattern has an upper
limit, so the work grows with the length of the text and no input makes it worse. Nothing is kept or logged.
"""

import re
from collections.abc import Iterator
from enum import StrEnum

import phonenumbers
from stdnum.gb import nhs, upn

from chat.identifier_words import HELPLINES


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

_DIGIT = re.compile(r"\d")


def find_formats(text: str, lower: str) -> Iterator[Span]:
    """Yield what the rules find, overlaps included; `lower` is the same text in small letters, index for index."""
    digits = len(_DIGIT.findall(text))
    if digits < 2:
        return
    yield from _find_postcodes(text)
    yield from _find_births(text, lower)
    if digits >= 4:
        yield from _find_prison_numbers(text)
        yield from _find_case_references(text, lower)
    if digits >= 6:
        yield from _find_national_insurance(text, lower)
        yield from _find_probation_crns(text, lower)
    if digits >= 3 and "/" in text:
        yield from _find_police_numbers(text, lower)
    if digits >= 8:
        yield from _find_phones(text)
    if digits >= 10:
        yield from _find_nhs_numbers(text, lower)
    if digits >= 11:
        yield from _find_upns(text)


# NHS number. One ten-digit number in eleven passes the check, so either the usual grouping or a word must speak for it.
_NHS_GROUPED = re.compile(r"(?<![\w/.-])(?=(\d{3}[\s.-]{1,2}\d{3}[\s.-]{0,2}\d{4})(?![\w/-]))")
_NHS_LOOSE = re.compile(r"(?<![\w/.-])(?=([3-9](?:[\s.-]{0,2}\d){9})(?![\w/-]))")
_CHI_LOOSE = re.compile(r"(?<![\w/.-])(?=([0-3](?:[\s.-]{0,2}\d){9})(?![\w/-]))")


def _find_nhs_numbers(text: str, lower: str) -> Iterator[Span]:
    patterns = [_NHS_GROUPED]
    if "nhs" in lower or "patient" in lower:
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
    r"(\d\d)[\s.-]{0,2}(\d\d)[\s.-]{0,2}\d\d(?:[\s.-]{0,2}([A-D])(?!\w)|(?!\w))",
    re.IGNORECASE,
)
_NINO_WORDS = re.compile(r"\b(?:ni|nino|national insurance|yswiriant gwladol)\b")
_SMALL_WORDS = frozenset("ab ah am an as at by eh em en ha he la ma me my on or pa re we ya ye".split())


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
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12


# PNC and CRO share one alphabet for the check letter. A short serial is also how clauses and flats are
# numbered, so it needs the word.
_CHECK_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
_PNC = re.compile(r"(?<![\w/.-])(?:19|20)?(\d\d) ?/ ?(\d{1,7}) ?([A-HJ-NP-RT-Za-hj-np-rt-z])(?![\w/])")
_PNC_JOINED = re.compile(r"(?<!\w)(?:19|20)(\d\d)(\d{7})([A-HJ-NP-RT-Za-hj-np-rt-z])(?!\w)")
_CRO = re.compile(r"(?<![\w/.-])(\d{1,6}) ?/ ?(\d\d) ?([A-HJ-NP-RT-Za-hj-np-rt-z])(?![\w/])")
_CRO_FILE = re.compile(r"(?<![\w/])SF ?(\d\d) ?/ ?(\d{1,6}) ?([A-HJ-NP-RT-Z])(?![\w/])", re.IGNORECASE)
_SERIAL_WITHOUT_WORD = 4


def _find_police_numbers(text: str, lower: str) -> Iterator[Span]:
    pnc_named, cro_named = "pnc" in lower, "cro" in lower
    for match in _PNC.finditer(text):
        if (pnc_named or len(match[2]) >= _SERIAL_WITHOUT_WORD) and _checks(match[1], match[2].zfill(7), match[3]):
            yield IdentifierKind.PNC, match.start(), match.end()
    for match in _PNC_JOINED.finditer(text) if pnc_named else ():
        if _checks(match[1], match[2], match[3]):
            yield IdentifierKind.PNC, match.start(), match.end()
    for match in _CRO.finditer(text):
        if (cro_named or len(match[1]) >= _SERIAL_WITHOUT_WORD) and _checks(match[2], match[1].zfill(6), match[3]):
            yield IdentifierKind.CRO, match.start(), match.end()
    for match in _CRO_FILE.finditer(text):
        # Both ways of writing a short serial are in use, so either check letter counts.
        if any(_checks(match[1], serial, match[3]) for serial in (match[2], match[2].zfill(6))):
            yield IdentifierKind.CRO, match.start(), match.end()


def _checks(year: str, serial: str, letter: str) -> bool:
    return _CHECK_LETTERS[int(year + serial) % 23] == letter.upper()


_PRISON_NUMBER = re.compile(r"(?<![\w-])(?:[A-Za-z]\d{4}[A-Za-z]{2}|[A-Z] \d{4} [A-Z]{2})(?![\w-])")
_CRN = re.compile(r"(?<![\w/-])[A-Za-z]\d{6}(?![\w/-])")
_CRN_WORDS = re.compile(r"\b(?:crn|n?delius|probation|offender|supervis\w{1,5})\b")
_UPN = re.compile(r"(?<!\w)[A-HJ-NP-RT-Za-hj-np-rt-z]\d{11}[\dA-HJ-NP-RT-Za-hj-np-rt-z](?!\w)")


def _find_prison_numbers(text: str) -> Iterator[Span]:
    for match in _PRISON_NUMBER.finditer(text):
        yield IdentifierKind.PRISON_NUMBER, match.start(), match.end()


def _find_probation_crns(text: str, lower: str) -> Iterator[Span]:
    for match in _CRN.finditer(text):
        # Typed exactly, with its capital, it stands for itself; in small letters it needs a word.
        if match[0][0].isupper() or _CRN_WORDS.search(lower):
            yield IdentifierKind.PROBATION_CRN, match.start(), match.end()


def _find_upns(text: str) -> Iterator[Span]:
    for match in _UPN.finditer(text):
        number = match[0].upper()
        # Only the check letter: the list of local authorities changes with every reorganisation.
        if upn.calc_check_digit(number[1:]) == number[0]:
            yield IdentifierKind.UPN, match.start(), match.end()


# Postcode. The real areas only: "D1 2AB" and "V2 1ST" are levels and versions, not places.
_AREAS = (
    "A[BL]|B[ABDHLNRSTX]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|L[ADELNSU]?|"
    "M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE"
)
_POSTCODE = re.compile(
    rf"(?<![\w£.-])((?:{_AREAS})\d[\dA-HJKMNPR-Y]?|GIR(?= ?0AA))[\s-]{{0,2}}(\d)([ABD-HJLNP-UW-Z]{{2}})(?!\w)",
    re.IGNORECASE,
)
_ORDINALS = {"1": "st", "2": "nd", "3": "rd"}
_UNITS = frozenset({"hr", "yr", "ft", "lb", "gb", "tb"})
_SECTION = re.compile(r"[st]\d{1,2}", re.IGNORECASE)


def _find_postcodes(text: str) -> Iterator[Span]:
    for match in _POSTCODE.finditer(text):
        outward, digit, letters = match.groups()
        if letters.islower() or _SECTION.fullmatch(outward):
            small = letters.lower()
            # "s47 3rd meeting", "T4 2hr": an ordinal or a unit, not an inward code.
            if small in _UNITS or small == _ORDINALS.get(digit, "th"):
                continue
        yield IdentifierKind.POSTCODE, match.start(), match.end()


# Telephone. A helpline may be handed on; a line of an office may not, for it points to the employer.
_PHONE = re.compile(
    r"(?<![\d/£.,-])(?:(?:\+|00)[\s.-]?4[\s.-]?4[\s.-]{0,2}(?:\(0\)[\s.-]?)?|\(?0[\s.-]?)"
    r"(?:1\d|2[03489]|3[0347]|[1-57-9][\s.-]\d|7[1-57-9]|8[0247]|9[018])(?:[\s.()-]{0,2}\d){7,8}(?![\d/])"
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
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_DATE = re.compile(
    r"(?<![\w/])(?:\d{1,2}[\s./-]{1,3}\d{1,2}[\s./-]{1,3}(?:\d{4}|\d{2})|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|\d{8}|\d{6}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[\s.-]{{0,2}}(?:of )?{_MONTHS}(?:[\s,.-]{{1,2}}(?:\d{{4}}|\d{{2}}))?)(?![\w/])"
    rf"|(?<!\w){_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d(?!\d)"
)
_BIRTH = re.compile(r"\b(?:d\.?\s?o\.?\s?b\b\.?|date of birth|birth ?date|birthday|bday|born|dyddiad geni|ganwyd|geni)")
_BIRTH_AFTER = re.compile(r"\W{0,3}(?:(?:is|was) (?:his|her|the|their) )?(?:d\.?o\.?b\b|date of birth|birthday|born)")
_OTHER_DATES = re.compile(
    r"\d\d|hearing|incident|releas|review|court|charged|sentence|arrest|report|moved|since|until|meeting|appointment"
    r"|order|bail|listed|trial|after|before|party"
)
_PERSON_BEFORE = re.compile(
    r"\b(?:male|female|client|child|son|daughter|aged? \d{1,2}|mother|father|partner|victim|perp|perpetrator|boy|girl)[\s,(:-]{1,3}$"
)
_OLD_YEAR = re.compile(r"(?:19[2-9]\d|20(?:0\d|1[0-6]))$")
_BIRTH_HINTS = ("birth", "born", "dob", "d.o", "d o", "bday", "geni", "ganwyd")


def _find_births(text: str, lower: str) -> Iterator[Span]:
    hinted = any(hint in lower for hint in _BIRTH_HINTS)
    if not hinted and "19" not in text and "20" not in text:
        return
    for match in _DATE.finditer(lower):
        start, end = match.span()
        before = lower[max(0, start - 40) : start]
        if (hinted and _tells_birth(before, lower[end : end + 24])) or (
            _OLD_YEAR.search(match[0]) and not match[0].isdigit() and _PERSON_BEFORE.search(before)
        ):
            yield IdentifierKind.DATE_OF_BIRTH, start, end


def _tells_birth(before: str, after: str) -> bool:
    cue = None
    for cue in _BIRTH.finditer(before):
        pass
    if cue is not None and not _OTHER_DATES.search(before, cue.end()):
        return True
    return bool(_BIRTH_AFTER.match(after))


# References of courts and forces. The first are shaped like nothing else; the rest follow a word such as "crime no".
_SHAPED = re.compile(
    r"(?<![\w/.-])(?:\d\d/[0-9A-Z]{4}/[0-9A-Z]{2}/\d{1,11}[A-Z]|[A-Z]{2}\d\d[A-Z]\d{5}|(?:\d\d/)?[A-Z]{2}/\d{4,7}/\d\d"
    r"|\d\d/\d{4,7}/\d\d|\d{6,8}/\d\d)(?![\w/])"
)
_AFTER_WORD = re.compile(
    r"\b(ref|reference|log|urn|cad|niche|asn|case|crime|incident|occurrence|marac|claim|file|court|report)\b[\s.:#]{0,3}"
    r"((?:(?:no|number|num|ref|reference|id|is)\b[\s.:#]{0,3}){0,3})([a-z0-9][a-z0-9/-]{3,24})(?!\w)"
    r"(?! (?:pounds|people|pages|cases|times|miles|words|men|women|children))"
)
_REFERENCE_HINTS = ("ref", "log", "urn", "cad", "niche", "asn", "case", "crime", "incident", "occur", "marac", "claim", "file",
                    "court", "report")  # fmt: skip
_PLAIN_WORDS = frozenset({"log", "urn", "cad", "niche", "asn"})
_OWN_REFERENCE = re.compile(r"[0-9a-z]{4}-[0-9a-z]{4}")
_NOT_A_REFERENCE = re.compile(
    r"(?:19|20)\d\d|(?:19|20)\d\d[/-](?:(?:19|20)?\d\d)|\d{1,2}[/-]\d{1,2}[/-]\d{2,4}|\d{4}-\d\d-\d\d"
)


def _find_case_references(text: str, lower: str) -> Iterator[Span]:
    for match in _SHAPED.finditer(text):
        yield IdentifierKind.CASE_REFERENCE, match.start(), match.end()
    if not any(hint in lower for hint in _REFERENCE_HINTS):
        return
    for match in _AFTER_WORD.finditer(lower):
        word, joining, token = match.groups()
        token = token.rstrip("/-")
        # "case 1200" may be a count; "case no 1200" and "CAD 1200" are not.
        enough = 4 if joining or word in _PLAIN_WORDS else 5
        if len(_DIGIT.findall(token)) < enough or _NOT_A_REFERENCE.fullmatch(token) or _OWN_REFERENCE.fullmatch(token):
            continue
        yield IdentifierKind.CASE_REFERENCE, match.start(3), match.start(3) + len(token)
