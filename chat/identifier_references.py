"""The rules for references of courts, forces and case systems: by their shape, or after a word such as "crime no".

Pure functions from folded text to spans, as in identifier_formats.py; every repeat in every pattern has an upper limit.
"""

import re
from collections.abc import Iterator

from chat.identifier_formats import IdentifierKind, Runs, Span

# References of courts and forces. The first are shaped like nothing else; the rest follow a word such as "crime no".
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9/-]{3,24}(?![\w/-])")
_TOKEN_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789/-")
_LONGEST_PREFIX = 8
_SHAPED = re.compile(
    r"\d\d/[0-9A-Z]{4}/[0-9A-Z]{2}/\d{1,11}[A-Z]|[A-Z]{2}\d\d[A-Z]\d{5}|(?:\d\d/)?[A-Z]{2}/\d{4,7}/\d\d"
    r"|\d\d/\d{4,7}/\d\d|\d{6,8}/\d\d"
)
_LOG_WORDS = ("log", "cad", "inc", "storm")
_LOG = re.compile(
    r"\b(?:log|cad|inc|incident|stormcall|storm)\b[\s.:#]{0,3}(?:(?:no|number|num|ref)\b[\s.:#]{0,3})?"
    r"(\d{1,5} (?:of|on|/|-) ?(?:\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?|\d{1,2}(?:st|nd|rd|th)? [a-z]{3,9}(?: \d{2,4})?))(?!\w)"
)


def _find_logs(lower: str) -> Iterator[Span]:
    """Police number their calls by the day: "log 345 of 12/11"."""
    if (" of " in lower or " on " in lower or "/" in lower or "-" in lower) and any(
        map(lower.__contains__, _LOG_WORDS)
    ):
        for match in _LOG.finditer(lower):
            yield IdentifierKind.CASE_REFERENCE, match.start(1), match.end(1)


_WORD_BEFORE = re.compile(
    r"\b(ref|reference|log|urn|cad|niche|asn|case|crime|incident|occurrence|marac|claim|file|court|report|mosaic|wccis|liquidlogic"
    r"|carefirst|paris|rio|athena|ecins|visor|connect|job|enquiry|client|tenancy|account|record|police|custody|nominal|pnd|system"
    r"|cyfeirnod|achos|emis|systmone|warrant)\b[\s.:#=]{0,3}"
    r"((?:(?:no|number|num|nos|ref|refs|reference|id|is)\b[\s.:#=]{0,3}){0,3})$"
)
_COUNTED_AFTER = re.compile(r" (?:pounds|people|pages|cases|times|miles|words|men|women|children)\b")
_PLAIN_WORDS = frozenset({"log", "urn", "cad", "niche", "asn", "cyfeirnod"})
_BARE_WORDS = frozenset(
    {"ref", "reference", "case", "crime", "incident", "occurrence", "marac", "claim", "file", "court", "report"}
)
_OWN_REFERENCE = re.compile(r"[0-9a-z]{4}-[0-9a-z]{4}")
_NOT_A_REFERENCE = re.compile(
    r"(?:19|20)\d\d|(?:19|20)\d\d[/-](?:(?:19|20)?\d\d)|\d{1,2}[/-]\d{1,2}[/-]\d{2,4}|\d{4}-\d\d-\d\d|\d{1,2}[/-]\d{1,2}"
)


def find_case_references(text: str, lower: str, runs: Runs) -> Iterator[Span]:
    yield from _find_logs(lower)
    seen = 0
    for start, _ in runs:
        if start < seen:
            continue
        begin = start
        while begin > 0 and start - begin < _LONGEST_PREFIX and lower[begin - 1] in _TOKEN_LETTERS:
            begin -= 1
        token = _TOKEN.match(text, begin)
        if token is None:
            continue
        seen = token.end()
        if _is_case_reference(token[0].rstrip("/-"), lower, begin, seen):
            yield IdentifierKind.CASE_REFERENCE, begin, begin + len(token[0].rstrip("/-"))


def _is_case_reference(token: str, lower: str, start: int, end: int) -> bool:
    digits = sum(map(str.isdigit, token))
    if digits < 4 or _NOT_A_REFERENCE.fullmatch(token) or _OWN_REFERENCE.fullmatch(token.lower()):
        return False
    if _SHAPED.fullmatch(token):
        return True
    before = _WORD_BEFORE.search(lower[max(0, start - 40) : start])
    if before is None or _COUNTED_AFTER.match(lower, end):
        return False
    # "case 1200" may be a count and "order 12345" a sum; "case no 1200" and "CAD 1200" are not.
    if not before[2] and before[1] not in _PLAIN_WORDS and before[1] not in _BARE_WORDS:
        return False
    return digits >= (4 if before[2] or before[1] in _PLAIN_WORDS else 5)
