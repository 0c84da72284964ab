"""A question that was left: taken from the desk, answered, read later with reference and code, kept a fortnight."""

import re
from uuid import uuid4

from sqlalchemy import select

from chat.tables import conversation
from core.people import SignedIn
from tests.triage.house import ENQUIRY, Browser, House
from tests.triage.test_transfers import path, stands
from triage.retention import erase_overdue
from triage.tables import feedback

ANSWER = "Begin with what the licence asks of him, and read it out together."


async def left(house: House, ada: Browser) -> tuple[str, str]:
    """A question was left: its reference and code."""
    await ada.post("/ask", ENQUIRY)
    page = (await ada.get("/chat")).text
    code = re.search(r'data-slot="code">([^<]+)<', page) or re.search(r"([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3,})", page)
    assert code is not None, page
    assert (await ada.post("/chat/question", {})).status_code == 303
    async with house.db.read() as connection:
        reference = (await connection.execute(select(conversation.c.reference))).scalar_one()
    return reference, code[1]


async def answer(house: House, cora: SignedIn, reference: str) -> None:
    async with house.client(cora) as desk:
        assert f"Take {reference}" in (await desk.get("/desk")).text
        await desk.post(path(reference, "accept"), {})
        await desk.post(path(reference, "messages"), {"id": str(uuid4()), "text": ANSWER})
        house.clock.go_on(minutes=20)
        assert 'data-since=""' in (await desk.get(path(reference))).text, "nobody is expected to answer at once"
        ended = await desk.post(path(reference, "end"), {})
        assert ended.headers["location"] == path(reference, "wrap-up")
        assert f"{reference}/wrap-up" in (await desk.get("/desk")).text
        wrapped = await desk.post(path(reference, "wrap-up"), {"outcome": "advised", "topics": "recognising_risk"})
        assert wrapped.status_code == 303
        assert f"{reference}/wrap-up" not in (await desk.get("/desk")).text


async def test_the_answer_is_read_on_another_device(house: House, cora: SignedIn) -> None:
    async with house.client() as ada:
        reference, code = await left(house, ada)
    await answer(house, cora, reference)
    assert await stands(house, reference) == ("answered", cora.account_id)
    house.clock.go_on(days=3)
    async with house.client() as elsewhere:
        found = await elsewhere.post("/resume", {"reference": reference, "resume_code": code})
        assert (found.status_code, found.headers["location"]) == (303, "/chat")
        page = (await elsewhere.get("/chat")).text
        assert "Your question has been answered" in page
        assert ANSWER in page
        assert str(ENQUIRY["question"]) in page
        assert "7 December" in page, "a fortnight after the answer of 23 November"
        fields = {"helpful": "5", "will_change_practice": "yes", "comment": ""}
        assert (await elsewhere.post("/chat/feedback", fields)).status_code == 303
        assert await house.count(feedback) == 1
        assert ANSWER in (await elsewhere.get("/chat/transcript.txt")).text


async def test_the_answer_is_kept_a_fortnight_and_other_texts_a_day(house: House, cora: SignedIn) -> None:
    async with house.client() as ada:
        reference, _ = await left(house, ada)
    await answer(house, cora, reference)
    talk = await house.enquire()
    await house.claims.claim(talk, cora)
    async with house.client(cora) as desk:
        await desk.post(path(talk, "end"), {})
    house.clock.go_on(days=2)
    assert await erase_overdue(house.db, house.audit, house.clock()) == 1
    assert (await stands(house, talk))[0] == "erased"
    house.clock.go_on(days=11, hours=23)
    assert await erase_overdue(house.db, house.audit, house.clock()) == 0
    house.clock.go_on(hours=2)
    assert await erase_overdue(house.db, house.audit, house.clock()) == 1
    assert (await stands(house, reference))[0] == "erased"


async def test_what_the_visitor_ends_is_ended(house: House, cora: SignedIn) -> None:
    async with house.client() as ada:
        reference, _ = await left(house, ada)
        await house.claims.claim(reference, cora)
        assert (await ada.post("/chat/leave", {})).status_code == 303
    assert (await stands(house, reference))[0] == "ended"


async def test_it_is_open_to_nobody_else(house: House, cora: SignedIn, dev: SignedIn) -> None:
    async with house.client() as ada:
        reference, _ = await left(house, ada)
    await answer(house, cora, reference)
    async with house.client(dev) as desk:
        assert (await desk.get(path(reference))).status_code == 404
        assert (await desk.post_json(path(reference, "accept"), {})).status_code == 404
    async with house.client(cora) as desk:
        assert ANSWER in (await desk.get(path(reference))).text
        late = await desk.post_json(path(reference, "accept"), {})
        assert (late.status_code, late.json()["code"]) == (409, "ended")
