"""Names, addresses and mailboxes: what counts as a person, and which words of the field pass.

All names and addresses are invented or from ranges reserved for examples.
"""

import pytest

from tests.chat.identifying import found, only, wide


def test_email_of_a_person_but_not_of_a_role_at_a_public_body() -> None:
    assert found("jo.bloggs@example.com") == only("email", "jo.bloggs@example.com")
    assert found("j.doe@anytown.gov.uk") == only("email", "j.doe@anytown.gov.uk")
    assert found("jo (at) example.com") == only("email", "jo (at) example.com")
    assert found(wide("jo@example.com")) == only("email", wide("jo@example.com"))
    assert found("marac@gmp.police.uk, info@respect.uk.net") == []
    assert found("info@smith-plumbing.example") == only("email", "info@smith-plumbing.example")


def test_profiles_and_handles_count_as_email() -> None:
    assert found("@angrydad1985") == only("email", "@angrydad1985")
    assert found("instagram.com/sam_example") == only("email", "instagram.com/sam_example")
    assert found("meet @ 10") == []


def test_links_to_public_pages_pass() -> None:
    assert found("https://www.gov.uk/john-smith/07700900123?ref=LS6-1AA and /guidance/clares-law") == []
    assert (
        found("https://example.com/john-smith") == only("name", "john-smith") or found("https://example.com/john") != []
    )


@pytest.mark.parametrize(
    "address", ["14 Acacia Avenue", "221B Baker Street", "5 Heol Las", "Flat 2, 31 Example Street", "6 The Green"]
)
def test_address_with_its_number(address: str) -> None:
    assert found(f"He is at {address}, I think") == only("address", address)


def test_address_in_small_letters_needs_a_word_for_home() -> None:
    assert found("lives at 7 station road") == only("address", "7 station road")
    assert (
        found("10 cases on the road, 3 per street, 16 Drive cases, 2 Crown Court dates, 2023 Greater Manchester Drive")
        == []
    )


@pytest.mark.parametrize(
    "name",
    [
        "John Smith",
        "Mr Jones",
        "PC Okafor",
        "Mr A Singh",
        "Kevin O'Brien",
        "Anne-Marie Clarke",
        "Siân Pugh",
        "Stephen",
        "john smith",
        "dave",
        "mr brown",
        "Mrs. Patel",
        "Siobhan McDermott",
    ],
)
def test_name(name: str) -> None:
    assert found(f"I spoke to {name} about it") == only("name", name)


@pytest.mark.parametrize(
    "name",
    [
        "Mr Black",
        "Judge Hargreaves",
        "Aunty Carol",
        "PC 1234 Hughes",
        "Gwenllian ap Rhys",
        "Fatima al-Hassan",
        "Ludo van der Berg",
        "T. J. Morgan",
        "JOHN THOMAS",
        "Xiao Mei Zhang",
        "Oluwaseun Adebayo",
        "Krzysztof Wójcik",
        "Llinos",
        "Siobhán Kearney",
    ],
)
def test_name_of_many_peoples_and_offices(name: str) -> None:
    assert found(f"I spoke to {name} about it") == only("name", name)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("the kids are Tyler, Jac and Kai", ["Tyler", "Jac", "Kai"]),
        ("mum (Chantelle) and dad (Lee)", ["Chantelle", "Lee"]),
        ("Qozhan's dad is not allowed on site", ["Qozhan"]),
        ("Qozhan told me he would do it", ["Qozhan"]),
        ("son Ashton is 5", ["Ashton"]),
        ("her name's beth and she is 24", ["beth"]),
        ("gŵr o'r enw Emyr", ["Emyr"]),
        ("Mae Qozhan yn ofni mynd adref", ["Qozhan"]),
        ("ei gŵr hi, Alun, sydd yn y carchar", ["Alun"]),
        ("Re: Qozhan", ["Qozhan"]),
        ("District Judge Hargreaves said no", ["Judge Hargreaves"]),
    ],
)
def test_name_by_what_stands_beside_it(text: str, names: list[str]) -> None:
    assert found(text) == only("name", *names)


def test_name_that_no_list_holds_is_found_after_called_or_a_person() -> None:
    assert found("a man called john, a man called Qozhan") == only("name", "john", "Qozhan")
    assert found("my client Qozhan Qiu") == only("name", "Qozhan Qiu")
    assert found("he is called Qozhan and it is called Qozhan") == only("name", "Qozhan")
    # A rare name in small letters is beyond any rule, and the page says so.
    assert found("my client qozhan qiu") == []


@pytest.mark.parametrize(
    "text",
    [
        "Judge only",
        "Nurse Practitioner",
        "Ms Teams",
        "Labour Ward",
        "Riverside Hall",
        "Heddlu De Cymru",
        "Gyngor Sir Gâr",
        "Op Soteria",
        "the Daniel Pelka review",
        "the Qozhan Review",
        "Ebbw Vale and Ystradgynlais",
        "He's from Erbil",
        "Claimant's partner",
        "he called police",
        "a programme called Inspire",
        "Clare's Law",
        "clare's law",
        "Respect Phoneline",
        "Greater Manchester",
        "Thames Valley Police",
        "Building Better Relationships",
        "Mr X and Ms B",
        "Child A told Person B",
        "He called her names",
        "She called the police",
        "It is called Building Choices",
        "Merthyr Tydfil",
        "St Mary's Hospital",
        "Ask for Angela",
        "Hi Cora",
        "Thanks Sarah,",
        "My name is Hannah",
        "May I ask",
        "Jane Monckton Smith",
        "In June",
        "Will he go",
        "SafeLives Dash",
        "the SARA says",
        "on a scale",
    ],
)
def test_words_of_the_field_are_no_names(text: str) -> None:
    assert found(text) == []


def test_a_greeting_names_who_is_in_the_chat_and_a_report_does_not() -> None:
    assert found("Hi Cora, thanks. I'm Hannah.") == []
    assert found("Hi, John has found her") == only("name", "John")
    assert found("my name is Hannah Weaver") == only("name", "Hannah Weaver")
