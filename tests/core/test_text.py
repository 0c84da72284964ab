"""What people type is stored in one form, whatever it came as."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Empty, InvalidText, Refusal, TooLong
from core.text import MARKS_ON_ONE_LETTER, MESSAGE_CHARACTERS, check_line, check_text, spans_as_sent


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("He said no.", "He said no."),
        ("  spaces around \n", "spaces around"),
        ("two\r\nlines\rthree\u2028four", "two\nlines\nthree\nfour"),
        ("tab\tstays", "tab\tstays"),
        ("bell\x07 and escape\x1b[31m", "bell and escape[31m"),
        ("cafe\u0301", "café"),
        ("cafe\x01\u0301", "café"),
        ("<b>bold</b> & 'quotes'", "<b>bold</b> & 'quotes'"),
        ("Llanfairpwllgwyngyll ŵŷ", "Llanfairpwllgwyngyll ŵŷ"),
        ("👩‍👧 family", "👩‍👧 family"),
        ("مرحبا", "مرحبا"),
        ("x\u202ereversed", "x\u202ereversed"),
    ],
)
def test_text_is_stored_as_meant(typed: str, stored: str) -> None:
    assert check_text(typed) == stored


@pytest.mark.parametrize(
    "typed", ["", " ", "\n\t", "\u200b", "\u2060\ufeff", "\u3164", "\u00ad", "\u202e", "\x07", "\u2800"]
)
def test_nothing_to_see_is_nothing(typed: str) -> None:
    with pytest.raises(Empty):
        check_text(typed)


@pytest.mark.parametrize("typed", ["zero\0byte", "\0", "\ud800", "half \udfff of a pair"])
def test_what_no_database_takes_is_refused(typed: str) -> None:
    with pytest.raises(InvalidText):
        check_text(typed)


def test_length_is_counted_as_stored() -> None:
    assert len(check_text("x" * MESSAGE_CHARACTERS)) == MESSAGE_CHARACTERS
    assert len(check_text("e\u0301" * MESSAGE_CHARACTERS)) == MESSAGE_CHARACTERS
    assert len(check_text("\U0001f600" * MESSAGE_CHARACTERS)) == MESSAGE_CHARACTERS
    with pytest.raises(TooLong):
        check_text("x" * (MESSAGE_CHARACTERS + 1))


def test_pile_of_marks_is_cut_down() -> None:
    """Thousands of them on one letter cover the page of whoever reads it."""
    stored = check_text("a" + "\u0316" * 3_000 + "b")
    assert stored.count("\u0316") == MARKS_ON_ONE_LETTER
    assert stored.endswith("b")


def test_line_is_one_line() -> None:
    assert check_line("Cora\r\nHughes\t", 80) == "Cora Hughes"
    assert check_line("Cora\u2028Hughes", 80).count("\n") <= 1
    with pytest.raises(TooLong):
        check_line("x" * 81, 80)


@given(st.text(max_size=200))
def test_stored_text_is_stable_and_clean(typed: str) -> None:
    try:
        stored = check_text(typed)
    except Refusal:
        return
    assert check_text(stored) == stored
    assert unicodedata.is_normalized("NFC", stored) or len(typed) > 8
    assert stored.encode("utf-8").decode() == stored
    assert not any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in stored)


@given(
    st.text(alphabet=st.sampled_from("ab e\u0301\u0316\r\n\x01\u2028é\u1100\u1161ŵ👩 \u0958"), max_size=30),
    st.integers(0, 29),
    st.integers(0, 29),
)
def test_a_stretch_of_what_is_stored_is_found_in_what_was_sent(sent: str, before: int, more: int) -> None:
    try:
        stored = check_text(sent)
    except Refusal:
        return
    start = before % len(stored)
    end = start + 1 + more % (len(stored) - start)
    ((first, last),) = spans_as_sent(sent, stored, [(start, end)])
    assert stored[start:end].strip() in check_text(f"|{sent[first:last]}|")
