"""The wrap-up and what visitors say afterwards: pre-filled, checked, sealed, and only by those whose it is."""

import pytest
from sqlalchemy import select

from core.people import SignedIn
from tests.triage.house import ENQUIRY, Browser, House
from triage.tables import feedback, wrap_up

FULL = {
    "outcome": "signposted",
    "topics": ["recognising_risk", "housing"],
    "abuse_types": ["physical", "economic"],
    "risk_level": "high",
    "serial": "yes",
    "safeguarding": "visitor_will_refer",
    "minutes_after": "5",
    "summary": "Went through the indicators.",
}


@pytest.fixture
async def ended(house: House, cora: SignedIn) -> str:
    reference = await house.enquire(risk_flags="stalking")
    await house.claims.claim(reference, cora)
    house.clock.go_on(minutes=25)
    async with house.client(cora) as desk:
        await desk.post(f"/desk/conversations/{reference}/end", {})
    return f"/desk/conversations/{reference}/wrap-up"


async def test_it_is_filled_in_from_the_enquiry(house: House, cora: SignedIn, ended: str) -> None:
    async with house.client(cora) as desk:
        page = (await desk.get(ended)).text
    assert "after 25 minutes" in page
    for chosen in ("recognising_risk", "harassment_stalking", "advised", "not_known"):
        assert f'value="{chosen}" checked' in page


async def test_all_fields_are_stored_and_the_summary_sealed(house: House, cora: SignedIn, ended: str) -> None:
    async with house.client(cora) as desk:
        assert ended.split("/")[3] in (await desk.get("/desk")).text
        saved = await desk.post(ended, FULL)
        assert (saved.status_code, saved.headers["location"]) == (303, "/desk?said=wrapped")
        assert "Went through the indicators." in (await desk.get(ended)).text
        assert "To wrap up" not in (await desk.get("/desk")).text
    async with house.db.read() as connection:
        row = (await connection.execute(select(wrap_up))).one()
    assert (row.account_id, row.outcome, row.topics) == (cora.account_id, "signposted", "recognising_risk housing")
    assert (row.abuse_types, row.risk_level, row.minutes_after) == ("physical economic", "high", 5)
    assert b"indicators" not in row.sealed_summary


async def test_saving_again_corrects_it(house: House, cora: SignedIn, ended: str) -> None:
    async with house.client(cora) as desk:
        await desk.post(ended, FULL)
        await desk.post(ended, {**FULL, "outcome": "other"})
    async with house.db.read() as connection:
        assert (await connection.execute(select(wrap_up.c.outcome))).scalar_one() == "other"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outcome", "saved"),
        ("topics", []),
        ("topics", ["weather"]),
        ("abuse_types", ["x"]),
        ("risk_level", "low"),
        ("serial", "maybe"),
        ("safeguarding", ""),
        ("minutes_after", "-1"),
        ("minutes_after", "601"),
        ("minutes_after", "\uff11"),
        ("summary", "x" * 501),
    ],
)
async def test_an_invalid_value_is_named(
    house: House, cora: SignedIn, ended: str, name: str, value: str | list[str]
) -> None:
    async with house.client(cora) as desk:
        answered = await desk.post(ended, {**FULL, name: value})
    assert answered.status_code == 422
    assert f'href="#{name}"' in answered.text
    assert await house.count(wrap_up) == 0


async def test_it_waits_for_the_end(house: House, cora: SignedIn) -> None:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    async with house.client(cora) as desk:
        answered = await desk.post(f"/desk/conversations/{reference}/wrap-up", FULL)
    assert answered.status_code == 409


async def test_a_colleague_does_not_wrap_up(house: House, dev: SignedIn, ended: str) -> None:
    async with house.client(dev) as desk:
        assert (await desk.get(ended)).status_code == 404
        assert (await desk.post(ended, FULL)).status_code == 404


# Feedback.


async def have_a_chat(house: House, cora: SignedIn, ada: Browser) -> None:
    """From the enquiry to the end."""
    await ada.post("/ask", ENQUIRY)
    claim = await house.claims.claim_next(cora)
    assert claim is not None
    async with house.client(cora) as desk:
        await desk.post(f"/desk/conversations/{claim.reference}/end", {})


async def test_feedback_is_kept_once_with_its_comment_sealed(house: House, cora: SignedIn) -> None:
    async with house.client() as ada:
        await have_a_chat(house, cora, ada)
        assert "Two questions" in (await ada.get("/chat")).text
        fields = {"helpful": "4", "will_change_practice": "yes", "comment": "Clear and calm."}
        assert (await ada.post("/chat/feedback", fields)).headers["location"] == "/chat"
        await ada.post("/chat/feedback", {**fields, "helpful": "5"})
        assert "Thank you." in (await ada.get("/chat")).text
    async with house.db.read() as connection:
        row = (await connection.execute(select(feedback))).one()
    assert (row.helpful, row.will_change_practice) == (5, "yes")
    assert b"calm" not in row.sealed_comment


@pytest.mark.parametrize(
    ("name", "value"), [("helpful", ""), ("helpful", "6"), ("will_change_practice", "no way"), ("comment", "x" * 1_001)]
)
async def test_invalid_feedback_comes_back(house: House, cora: SignedIn, name: str, value: str) -> None:
    async with house.client() as ada:
        await have_a_chat(house, cora, ada)
        answered = await ada.post("/chat/feedback", {"helpful": "4", "comment": "Good words", name: value})
    assert answered.status_code == 422
    assert f'href="#{name}"' in answered.text
    assert "<title>Error: " in answered.text
    assert await house.count(feedback) == 0


async def test_feedback_needs_a_conversation_that_ended(house: House) -> None:
    async with house.client() as ada:
        assert (await ada.post("/chat/feedback", {"helpful": "4"})).headers["location"] == "/resume"
        await ada.post("/ask", ENQUIRY)
        assert (await ada.post("/chat/feedback", {"helpful": "4"})).status_code == 409
