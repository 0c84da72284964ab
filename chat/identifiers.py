"""What in a message may point to a person, before it is stored: kinds and places, and the masked text.

Pure: no I/O, no log, nothing kept; callers store counts by kind and never a match. `start` and `end` count
Python code points of the text as given; a browser counts UTF-16 units and slices `Array.from(text)` instead.
Findings are sorted and never overlap. Linear in the length of the text. It warns and cannot be complete:
rare names in small letters, nicknames, schools and employers stay unseen.
"""

import re
import unicodedata
from bisect import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from chat.identifier_contacts import find_addresses, find_mail, find_public_links
from chat.identifier_formats import IdentifierKind, Span, find_digits, find_formats
from chat.identifier_names import find_names
from chat.identifier_references import find_case_references

__all__ = ["LABELS", "LABELS_CY", "Finding", "IdentifierKind", "count_by_kind", "find_identifiers", "mask", "mask_all"]


@dataclass(frozen=True, slots=True)
class Finding:
    kind: IdentifierKind
    start: int
    end: int
    text: str


LABELS: dict[IdentifierKind, str] = {
    IdentifierKind.NHS_NUMBER: "NHS number",
    IdentifierKind.NATIONAL_INSURANCE: "National Insurance number",
    IdentifierKind.PNC: "PNC number",
    IdentifierKind.CRO: "CRO number",
    IdentifierKind.PRISON_NUMBER: "prison number",
    IdentifierKind.PROBATION_CRN: "probation CRN",
    IdentifierKind.UPN: "pupil number",
    IdentifierKind.POSTCODE: "postcode",
    IdentifierKind.PHONE: "phone number",
    IdentifierKind.EMAIL: "e-mail or profile",
    IdentifierKind.DATE_OF_BIRTH: "date of birth",
    IdentifierKind.ADDRESS: "address",
    IdentifierKind.NAME: "name",
    IdentifierKind.CASE_REFERENCE: "case reference",
}
LABELS_CY: dict[IdentifierKind, str] = {
    IdentifierKind.NHS_NUMBER: "rhif GIG",
    IdentifierKind.NATIONAL_INSURANCE: "rhif Yswiriant Gwladol",
    IdentifierKind.PNC: "rhif PNC",
    IdentifierKind.CRO: "rhif CRO",
    IdentifierKind.PRISON_NUMBER: "rhif carchar",
    IdentifierKind.PROBATION_CRN: "CRN prawf",
    IdentifierKind.UPN: "rhif disgybl",
    IdentifierKind.POSTCODE: "cod post",
    IdentifierKind.PHONE: "rhif ffôn",
    IdentifierKind.EMAIL: "e-bost neu broffil",
    IdentifierKind.DATE_OF_BIRTH: "dyddiad geni",
    IdentifierKind.ADDRESS: "cyfeiriad",
    IdentifierKind.NAME: "enw",
    IdentifierKind.CASE_REFERENCE: "cyfeirnod achos",
}

# Where two findings overlap the surer one stays: a check digit before a shape, a shape before a word.
_SURENESS = {
    kind: place
    for place, kind in enumerate(
        (
            IdentifierKind.EMAIL,
            IdentifierKind.NHS_NUMBER,
            IdentifierKind.PNC,
            IdentifierKind.CRO,
            IdentifierKind.UPN,
            IdentifierKind.NATIONAL_INSURANCE,
            IdentifierKind.PRISON_NUMBER,
            IdentifierKind.DATE_OF_BIRTH,
            IdentifierKind.PHONE,
            IdentifierKind.PROBATION_CRN,
            IdentifierKind.POSTCODE,
            IdentifierKind.CASE_REFERENCE,
            IdentifierKind.ADDRESS,
            IdentifierKind.NAME,
        )
    )
}


def find_identifiers(text: str) -> list[Finding]:
    folded, places = _fold(text)
    lower = _lower(folded)
    digits = find_digits(folded)
    spans = [*find_mail(folded, lower), *find_names(folded, lower)]
    if digits:
        spans += find_formats(folded, lower, digits)
        spans += find_case_references(folded, lower, digits)
        spans += find_addresses(folded, lower, digits)
    if not spans:
        return []
    findings = []
    for kind, start, end in _without_overlaps(spans, find_public_links(folded)):
        first, last = (start, end - 1) if places is None else (places[start], places[end - 1])
        findings.append(Finding(kind, first, last + 1, text[first : last + 1]))
    return findings


def mask(text: str, findings: Sequence[Finding], labels: Mapping[IdentifierKind, str] = LABELS) -> str:
    """Put "[name]", "[postcode]" … in the place of each finding; `findings` are those of this very text."""
    pieces, reached = [], 0
    for finding in findings:
        pieces += [text[reached : finding.start], "[", labels[finding.kind], "]"]
        reached = finding.end
    pieces.append(text[reached:])
    return "".join(pieces)


def mask_all(text: str, labels: Mapping[IdentifierKind, str] = LABELS) -> str:
    """Mask until nothing is found: once a number is gone, its neighbours may read as something else."""
    # Each round replaces typed characters by a mask, and a mask is never searched, so this ends.
    while findings := find_identifiers(text):
        text = mask(text, findings, labels)
    return text


def count_by_kind(findings: Sequence[Finding]) -> dict[IdentifierKind, int]:
    return dict(Counter(finding.kind for finding in findings))


def _fold_table() -> dict[int, str | None]:
    """Map every way to write a digit, dash, space or Latin letter to one character, and what is invisible to none."""
    table: dict[int, str | None] = {}
    for code in chain(range(0x80, 0x20000), range(0xE0000, 0xE0200)):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            table[code] = str(unicodedata.digit(character))
        elif category == "Pd":
            table[code] = "-"
        elif category == "Zs":
            table[code] = " "
        elif category == "Cf" or 0xFE00 <= code <= 0xFE0F or code in (0x034F, 0x115F, 0x1160, 0x20E3):
            table[code] = None
    table.update({code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)})
    table.update(dict.fromkeys((0x2018, 0x2019, 0x02BC, 0x2032, 0x00B4), "'"))
    table.update(dict.fromkeys((0x201C, 0x201D, 0x201E), '"'))
    table.update(
        {
            0x2212: "-",
            0x2044: "/",
            0x2215: "/",
            0x2024: ".",
            0x2026: ".",
            0x00AB: '"',
            0x00BB: '"',
            0x00B7: ".",
            0x2022: ".",
            0x2027: ".",
            0x30FB: ".",
        }
    )
    return table


_FOLDED = _fold_table()
_BROWSER_LABEL = "email address"  # What static/js/words.js writes for an e-mail or profile.
_MASKS = re.compile(
    "|".join(re.escape(f"[{label}]") for label in sorted({*LABELS.values(), *LABELS_CY.values(), _BROWSER_LABEL})),
)


def _fold(text: str) -> tuple[str, list[int] | None]:
    """Return the text with one spelling for each sign, masks blanked, and where its characters stood if any was dropped."""
    folded, places = text, None
    if not text.isascii():
        folded = text.translate(_FOLDED)
        if len(folded) != len(text):
            places = [place for place, character in enumerate(text) if _FOLDED.get(ord(character), "") is not None]
    if "[" in folded:
        # A mask must neither be found again nor give its neighbour the word that makes it one.
        folded = _MASKS.sub(lambda match: "|" * len(match[0]), folded)
    return folded, places


def _lower(text: str) -> str:
    lower = text.lower()
    if len(lower) != len(text):
        # A few capitals become two characters; the rules need the same length.
        lower = "".join(small if len(small := character.lower()) == 1 else character for character in text)
    return lower


def _without_overlaps(spans: Sequence[Span], links: Sequence[tuple[int, int]]) -> list[Span]:
    starts: list[int] = []
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (_SURENESS[span[0]], span[1] - span[2], span[1])):
        _, start, end = span
        place = bisect(starts, start)
        clear = (place == 0 or kept[place - 1][2] <= start) and (place == len(starts) or starts[place] >= end)
        if clear and not any(left < end and start < right for left, right in links):
            starts.insert(place, start)
            kept.insert(place, span)
    return kept
