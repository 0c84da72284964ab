"""What a supervisor's forms refuse, and where they say so. The rest of what a supervisor does is in test_supervise.py."""

import re
from collections.abc import AsyncIterator

import pytest

from core.people import Role, SignedIn
from tests.triage.house import Browser, House
from tests.triage.test_supervise import at, row_of


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Browser]:
    """Sue's browser."""
    async with house.client(await house.hire("Sue", Role.SUPERVISOR, presence="away")) as browser:
        yield browser


async def test_regrade_needs_urgency_and_reason(house: House, desk: Browser) -> None:
    reference = await house.enquire()
    before = await row_of(house, reference)
    for fields in (
        {},
        {"urgency": "same_day"},
        {"urgency": "soon", "reason": "x"},
        {"urgency": "routine", "reason": " "},
    ):
        assert (await desk.post(at(reference, "regrade"), fields)).status_code == 422
    assert await row_of(house, reference) == before


@pytest.mark.parametrize(
    ("action", "fields", "field"),
    [
        ("read", {"reason": " "}, "read-reason"),
        ("advise", {"text": ""}, "advice"),
        ("regrade", {"urgency": "same_day", "reason": ""}, "grade-reason"),
    ],
)
async def test_an_empty_field_is_named_on_the_page_it_stands_on(
    house: House, desk: Browser, cora: SignedIn, action: str, fields: dict[str, str], field: str
) -> None:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    wrong = await desk.post(at(reference, action), fields)
    assert wrong.status_code == 422
    assert "<title>Error: " in wrong.text
    assert f'<li><a href="#{field}">' in wrong.text
    assert re.search(rf'id="{field}"[^>]* aria-describedby="{field}-error"', wrong.text)
    assert f'action="{at(reference, "regrade")}"' in wrong.text, "the page goes on from here"
    assert ('value="same_day" selected' in wrong.text) == (action == "regrade")
    assert (await desk.post_json(at(reference, action), fields)).status_code == 422


async def test_what_is_too_long_comes_back_to_be_shortened(house: House, desk: Browser, cora: SignedIn) -> None:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    wrong = await desk.post(at(reference, "advise"), {"text": "Listen. " * 600})
    assert (wrong.status_code, wrong.text.count("Listen. ")) == (422, 600)


async def test_a_refusal_leaves_staff_their_bar_and_a_way_back(house: House, desk: Browser, cora: SignedIn) -> None:
    reference = await house.enquire()
    lost = await desk.get(at("ZZZZ-ZZZZ"))
    assert lost.status_code == 404
    assert 'action="/sign-out"' in lost.text
    assert 'href="/supervise">Back to the line<' in lost.text
    assert 'href="/supervise" aria-current="page"' in lost.text
    late = await desk.post(at(reference, "advise"), {"text": "Ask who collects the children."})
    assert late.status_code == 409
    assert f'href="{at(reference)}">Back to {reference}<' in late.text
    async with house.client(cora) as coras:
        closed = await coras.get("/supervise")
        assert closed.status_code == 403
        assert 'action="/sign-out"' in closed.text
        assert "Back to the line" not in closed.text, "it is not hers to go back to"
    async with house.client() as ada:
        public = (await ada.get("/nothing-here")).text
    assert "sign-out" not in public
    assert "Go to the first page" in public
