"""What the search for identifiers finds, what it lets pass, and that no text can break it or slow it down.

All numbers, names and addresses are invented or from ranges reserved for examples.
"""

import importlib
import re
import sys
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.identifiers import CHECKED, HOSTILE, measure, read_sentences
from chat import (
    identifier_contacts,
    identifier_cues,
    identifier_formats,
    identifier_names,
    identifier_references,
    identifiers,
)
from chat.identifier_names import find_names
from chat.identifiers import (
    LABELS,
    LABELS_CY,
    Finding,
    IdentifierKind,
    count_by_kind,
    find_identifiers,
    mask,
    mask_all,
)
from tests.chat.identifying import found, only, wide

RULES = (identifier_contacts, identifier_cues, identifier_formats, identifier_names, identifier_references)
FRAGMENTS = (
    "999 000 0018",
    "9990000026",
    "NHS",
    "JG 12 13 16 A",
    "2023/1234567V",
    "123456/08T",
    "A1234AA",
    "X320741",
    "C999000000001",
    "LS6 1AA",
    "07700 900123",
    "0808 802 4040",
    "jo@example.com",
    "dob",
    "born",
    "12/03/1985",
    "14 Acacia Avenue",
    "called",
    "John",
    "Mr",
    "Smith",
    "john",
    "case no",
    "20391/24",
    "[name]",
    "[NHS number]",
    "\u200b",
    "\u00a0",
    "\u0663",
    "\uff14",
    "\u2013",
    "\u0130",
    "ß",
    "🙂",
    "\U00020000",
    "/",
    "-",
    ".",
    ",",
    "\n",
    "(",
    ")",
    "+",
    "Clare's Law",
    "s47 3rd",
    "pnc",
    "cro",
    "https://www.gov.uk/a/1",
)
WORDS = (
    "Tom", "tom", "TOM", "Qozhan", "qozhan", "QOZHAN", "Rico", "Mr", "mr", "PC", "1234", "Judge", "Black",
    "Mags", "Swansea", "J.", "T", "called", "is", "he", "she", "her", "partner", "client", "said", "Mae",
    "yn", "Police", "The", "Rocky", "Fields", "Clare's", "Law", "and", ",", "name's", "Jordan", "jordan",
    "Grace", "MARAC", "Thomas", "thomas", "ap", "O'Brien", "Hi", "\n", "al-Hassan",
)  # fmt: skip
words_apart = st.lists(st.sampled_from(FRAGMENTS), max_size=20).map(" ".join)
messages = st.one_of(
    st.text(max_size=200),
    words_apart,
    st.lists(
        st.one_of(st.sampled_from(FRAGMENTS), st.text(alphabet="0123456789/- \nAaé", max_size=6)), max_size=20
    ).map("".join),
)


def test_nhs_number_needs_its_check_and_grouping_or_word() -> None:
    assert found("he is 943 476 5919 there") == only("nhs_number", "943 476 5919")
    assert found("nhs 9990000018") == only("nhs_number", "9990000018")
    assert found("patient 99900 00026") == only("nhs_number", "99900 00026")
    assert found("999-000\n0034") == only("nhs_number", "999-000\n0034")
    assert found("NHS 987 654 4321") == []
    assert found("ticket 9990000018") == []
    assert found("NHS 1999 000 0018") == []


def test_national_insurance_follows_the_prefix_rules() -> None:
    for number in ("JG 12 13 16 A", "jg121316a", "JG-12-13-16-A", "JG 121316 A"):
        assert found(f"it is {number}.") == only("national_insurance", number)
    assert found("NI JG 12 13 16") == only("national_insurance", "JG 12 13 16")
    for near in ("QQ 12 34 56 C", "BG123456A", "AO123456A", "FY123456A", "JG 12 13 16", "JG 12 13 16 E"):
        assert found(near) == []


def test_a_date_after_a_small_word_is_no_national_insurance_number() -> None:
    assert found("On 12-03-24 a meeting was held, by 10 12 24 a plan.") == []
    assert found("NINO: HA 12 03 24 A") == only("national_insurance", "HA 12 03 24 A")


def test_pnc_needs_its_check_letter() -> None:
    for number in ("2023/1234567V", "23/1234567V", "99/123456X", "2023 / 1234567 V", "2023/1234567v"):
        assert found(f"see {number}") == only("pnc", number)
    assert found("PNC 97/123J") == only("pnc", "97/123J")
    assert found("2023/1234567A") == []
    assert found("clause 97/123J") == []


def test_cro_needs_its_check_letter() -> None:
    for number in ("123456/08T", "65432/97D", "SF08/123456T", "123456/08t"):
        assert found(f"see {number}") == only("cro", number)
    assert found("cro 97/12M") == found("123456/08A") == []


def test_prison_number_is_one_exact_shape() -> None:
    assert found("A1234AA and a9876bc") == only("prison_number", "A1234AA", "a9876bc")
    assert found("A 1234 AA") == only("prison_number", "A 1234 AA")
    assert found("A12345A, AA1234A, A1234A, XA1234AA") == []


def test_probation_crn_in_small_letters_needs_a_word() -> None:
    assert found("X320741") == only("probation_crn", "X320741")
    assert found("crn x320741") == only("probation_crn", "x320741")
    assert found("x320741") == found("X3207412") == found("X32074") == []


def test_upn_needs_its_check_letter() -> None:
    assert found("C999000000001 / E99900000007A") == only("upn", "C999000000001", "E99900000007A")
    assert found("C999000000002 C99900000001") == []


@pytest.mark.parametrize(
    "code", ["LS6 1AA", "ls61aa", "W1A 1HQ", "EC1A 1BB", "DN55-1PT", "CF10\u00a01EP", "M1\n1AA", "GIR 0AA"]
)
def test_full_postcode(code: str) -> None:
    assert found(f"near {code}.") == only("postcode", code)


@pytest.mark.parametrize(
    "text", ["s47 3rd meeting", "S47 3RD", "LS6", "t4 2hr", "V2 1AA", "D1 2AB", "LS6 1AC", "E1 4th", "£B1 1AA"]
)
def test_what_only_resembles_a_postcode(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "number",
    [
        "07700 900123",
        "+44 (0)7700 900 123",
        "0044 7700 900123",
        "020 7946 0999",
        "(01632) 960 123",
        "07700.900.123",
        "0 7 7 0 0 9 0 0 1 2 3",
        wide("07700 900123"),
        "07700\u200b900123",
        "+353 86 850 0123",
    ],
)
def test_phone_in_every_spelling(number: str) -> None:
    assert found(f"ring {number} now") == only("phone", number)


@pytest.mark.parametrize(
    "number",
    [
        "0808 802 4040",
        "0808 2000 247",
        "0808 80 10 800",
        "0800 999 5428",
        "+44 808 802 4040",
        "0800 1111",
        "999",
        "101",
        "111",
        "112",
        "116 123",
        "18000",
        "55",
    ],
)
def test_helplines_and_emergency_numbers_pass(number: str) -> None:
    assert found(f"She rang {number} yesterday") == []


def test_dates_times_and_money_are_no_phone_numbers() -> None:
    assert found("12 07 2024 10 30, 01/02/2025 01:30, £020 794 60999, 1 200 000 000") == []


@pytest.mark.parametrize(
    "text",
    [
        "DOB: 12/03/1985",
        "d.o.b. 4.5.92",
        "born on 21st of June 1988",
        "date of birth 1985-03-12",
        "dob 12031985",
        "birthday is 3 May",
        "12/03/1985 (dob)",
        "Male, 12/03/1985",
    ],
)
def test_date_of_birth_stands_beside_its_word(text: str) -> None:
    assert [kind for kind, _ in found(text)] == ["date_of_birth"]


def test_hearing_incident_and_release_dates_pass() -> None:
    assert found("Hearing 12/03/2025, incident on 04/11/2024, released 1 May 2025.") == []
    assert found("The baby was born last week, hearing on 12/05/2025.") == []
    assert found("born 14/02/2025, the hearing is on 12/05/2025") == only("date_of_birth", "14/02/2025")
    assert found("born 3/4/2018 and 5/6/2020") == only("date_of_birth", "3/4/2018", "5/6/2020")


def test_case_reference_by_shape_or_after_its_word() -> None:
    for reference in ("22/12345/24", "ZC24P00123", "24/0000/00/1234567A", "CR/45678/24", "1234567/24"):
        assert found(f"it is {reference}") == only("case_reference", reference)
    assert found("crime no 00123456, CAD 4512") == only("case_reference", "00123456", "4512")


def test_our_own_reference_years_and_counts_are_no_case_reference() -> None:
    assert (
        found("Reference QK7F-4PDX, reference 4729-1X80, case 1200, incident 2023, log 12/03/2024, report 2023/24")
        == []
    )


def test_places_are_code_points_of_the_text_as_given() -> None:
    typed = wide("999 000") + "\u200b" + wide(" 0018")
    text = f"🙂 Mrs Patel, {typed}"
    name, number = find_identifiers(text)
    assert (name.start, name.end, name.text) == (2, 11, "Mrs Patel")
    assert text[number.start : number.end] == number.text == typed


def test_mask_and_counts() -> None:
    text = "Mr Jones, 07700 900123 or 07700 900456"
    findings = find_identifiers(text)
    assert mask(text, findings) == "[name], [phone number] or [phone number]"
    assert mask(text, findings, LABELS_CY) == "[enw], [rhif ffôn] or [rhif ffôn]"
    assert count_by_kind(findings) == {IdentifierKind.NAME: 1, IdentifierKind.PHONE: 2}
    assert mask("nothing here", []) == "nothing here"


def test_every_kind_has_a_label_in_both_languages() -> None:
    assert set(LABELS) == set(LABELS_CY) == set(IdentifierKind)


def test_a_mask_gives_its_neighbour_no_word() -> None:
    assert found("[NHS number] 9990000018 [date of birth] 12/03/2025 [name] [enw]") == []


def test_labelled_sentences_stay_within_the_bars() -> None:
    score = measure(list(read_sentences()))
    precision, recall = score.precision(CHECKED), score.recall(CHECKED)
    assert precision is not None
    assert recall is not None
    assert min(precision, recall) >= 0.98
    assert score.held <= 0.02 * score.clean


@given(messages)
@settings(max_examples=400, deadline=None)
def test_findings_are_inside_the_text_sorted_and_apart(text: str) -> None:
    findings = find_identifiers(text)
    assert all(0 <= finding.start < finding.end <= len(text) for finding in findings)
    assert all(text[finding.start : finding.end] == finding.text for finding in findings)
    assert all(before.end <= after.start for before, after in pairwise(findings))


@given(messages)
@settings(max_examples=400, deadline=None)
def test_masking_ends_with_nothing_left_to_find(text: str) -> None:
    masked = mask_all(text)
    assert find_identifiers(masked) == []
    assert mask_all(masked) == masked


@given(words_apart)
@settings(max_examples=400, deadline=None)
def test_no_number_with_a_check_survives_one_mask(text: str) -> None:
    masked = mask(text, find_identifiers(text))
    assert not {finding.kind for finding in find_identifiers(masked)} & set(CHECKED)


@given(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join))
@example("partner Rocky ap QOZHAN")
@example("partner Rocky al-Hassan")
@settings(max_examples=600, deadline=None)
def test_the_quick_looks_change_nothing(text: str) -> None:
    assert [*find_names(text, text.lower())] == [*find_names(text, text.lower(), whole=True)]


def test_the_quick_looks_change_nothing_of_the_labelled_sentences() -> None:
    for sentence in read_sentences():
        text = sentence.text
        if text.isascii():
            assert [*find_names(text, text.lower())] == [*find_names(text, text.lower(), whole=True)]


@given(st.sampled_from(FRAGMENTS), st.integers(2, 6))
@settings(deadline=None)
def test_the_same_text_gives_the_same_findings(fragment: str, times: int) -> None:
    text = f"{fragment}, " * times
    first: list[Finding] = find_identifiers(text)
    assert find_identifiers(text) == first


@pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE)
def test_twice_the_text_takes_twice_the_steps(pattern: str) -> None:
    once, twice = (_count_lines((pattern * 4000)[:length]) for length in (4000, 8000))
    assert twice <= 2.1 * once + 200


def test_no_pattern_can_look_further_than_a_few_hundred_characters() -> None:
    """What a pattern may read from one place is bounded, so its whole work grows with the text and no faster."""
    parser: Any = importlib.import_module("re._parser")
    patterns = {
        f"{module.__name__}.{name}": value
        for module in RULES
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    }
    assert len(patterns) > 30
    for name, pattern in patterns.items():
        _, widest = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE).getwidth()
        assert widest < 1200, name


def _count_lines(text: str) -> int:
    """Count the lines of Python that run, which no busy machine changes."""
    lines = 0

    def count(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return count if frame.f_globals.get("__name__", "").startswith(identifiers.__name__[:15]) else None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        find_identifiers(text)
    finally:
        sys.settrace(before)
    return lines
