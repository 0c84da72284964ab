"""Numbers and addresses in the many ways that people write them, and where they stand in a text with emoji."""

import pytest

from chat.identifiers import find_identifiers
from tests.chat.identifying import found


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("N.H.S. 9990000018", "nhs_number", "9990000018"),
        ("NHS number9990000018", "nhs_number", "9990000018"),
        ("nhs/999 000 0018", "nhs_number", "999 000 0018"),
        ("he has CE 123 456 B now", "national_insurance", "CE 123 456 B"),
        ("crn: d 998 877", "probation_crn", "d 998 877"),
        ("nomis a 1212 bb", "prison_number", "a 1212 bb"),
        ("Prison number A-7788-CE", "prison_number", "A-7788-CE"),
        ("UPN C 999 0000 00001", "upn", "C 999 0000 00001"),
        ("at B29·7PQ", "postcode", "B29·7PQ"),
        ("ring 07700/900/222", "phone", "07700/900/222"),
        ("baby, b. 11/10/2025", "date_of_birth", "11/10/2025"),
        ("geni 12 Mehefin 2001", "date_of_birth", "12 Mehefin 2001"),
        ("log 345 of 12/11", "case_reference", "345 of 12/11"),
        ("Mosaic id 1029384", "case_reference", "1029384"),
        ("at 33A Queen's Road", "address", "33A Queen's Road"),
        ("at 18 Bryn Awel", "address", "18 Bryn Awel"),
        ("lives at number 61 Queensway", "address", "61 Queensway"),
        ("cerys at outlook dot com", "email", "cerys at outlook dot com"),
    ],
)
def test_numbers_in_the_writings_people_use(text: str, kind: str, number: str) -> None:
    assert (kind, number) in found(text)


def test_emoji_before_a_finding_count_as_one_each() -> None:
    text = "😡 👩‍👧 Carl Whitty, 07700 900123"
    name, phone = find_identifiers(text)
    characters = list(text)
    assert "".join(characters[name.start : name.end]) == "Carl Whitty"
    assert "".join(characters[phone.start : phone.end]) == "07700 900123"
