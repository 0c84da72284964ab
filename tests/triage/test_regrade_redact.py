"""An advisor grades a conversation anew and takes a text out of it: each with a reason that only staff read."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select

from chat.tables import conversation
from core.people import Role, SignedIn
from tests.triage.house import ENQUIRY, House
from tests.triage.test_transfers import events, path


@pytest.fixture
async def held(house: House, cora: SignedIn) -> str:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    return reference


async def urgency(house: House, reference: str) -> str:
    async with house.db.read() as connection:
        query = select(conversation.c.urgency).where(conversation.c.reference == reference)
        return str((await connection.execute(query)).scalar_one())


async def test_graded_anew_with_a_reason(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        page = (await desk.get(path(held))).text
        assert '<option value="routine" selected>' in page
        done = await desk.post(path(held, "regrade"), {"urgency": "same_day", "reason": "The visit is tonight."})
        assert (done.status_code, done.headers["location"]) == (303, path(held))
    assert await urgency(house, held) == "same_day"
    words = "Urgency changed from Routine to Same day: The visit is tonight."
    assert (await events(house, held))[-1] == ("note", words)


async def test_not_without_a_reason_nor_by_others(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    guest = await house.hire("Gil", Role.ADVISOR)
    async with house.client(cora) as desk:
        await desk.post_json(path(held, "invite"), {"to": guest.account_id, "purpose": "consult"})
        for fields in ({"urgency": "same_day", "reason": " "}, {"urgency": "soon", "reason": "Soon."}):
            assert (await desk.post_json(path(held, "regrade"), fields)).status_code == 422
    fields = {"urgency": "emergency", "reason": "I think so."}
    async with house.client(dev) as desk:
        assert (await desk.post_json(path(held, "regrade"), fields)).status_code == 404
    async with house.client(guest) as desk:
        await desk.post_json(f"/desk/invitations/{held}/accept", {})
        assert (await desk.post_json(path(held, "regrade"), fields)).status_code in (403, 404)
    assert await urgency(house, held) == "routine"


async def test_a_message_is_removed_for_both(house: House, cora: SignedIn) -> None:
    async with house.client() as ada, house.client(cora) as desk:
        await ada.post("/ask", {**ENQUIRY, "question": "He drives the red van from number nine, what now?"})
        taken = await house.claims.claim_next(cora)
        assert taken is not None
        here = path(taken.reference)
        assert 'href="?redact=1"' in (await desk.get(here)).text
        asked = (await desk.get(f"{here}?redact=1")).text
        assert "red van" in asked
        assert "Why is it removed?" in asked
        done = await desk.post(path(taken.reference, "redact"), {"seq": "1", "reason": "It told who he is."})
        assert (done.status_code, done.headers["location"]) == (303, here)
        for page in ((await desk.get(here)).text, (await ada.get("/chat")).text):
            assert "red van" not in page
            assert "This message was removed." in page
            assert "A message was removed." in page
        assert (await desk.get(here)).text.count("It told who he is.") == 2, "in the log and among the notes"
        assert "It told who he is." not in (await ada.get("/chat")).text
        assert 'href="?redact=1"' not in (await desk.get(here)).text
        assert (await desk.get(f"{here}?redact=1")).status_code == 404
        again = await desk.post_json(path(taken.reference, "redact"), {"seq": "1", "reason": "Once more."})
        assert again.json()["again"] is True


async def test_a_message_is_removed_after_the_end(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        await desk.post(path(held, "end"), {})
        assert 'href="?redact=1"' in (await desk.get(path(held))).text
        assert "Why is it removed?" in (await desk.get(f"{path(held)}?redact=1")).text
        await desk.post(path(held, "redact"), {"seq": "1", "reason": "It told who he is."})
        page = (await desk.get(path(held))).text
    assert "This message was removed." in page
    assert str(ENQUIRY["question"]) not in page


async def test_removed_twice_at_once_it_is_removed_once(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk, house.client(cora) as other:
        fields = {"seq": "1", "reason": "It told who he is."}
        both = await asyncio.gather(*(one.post_json(path(held, "redact"), fields) for one in (desk, other)))
    assert sorted(one.json()["again"] for one in both) == [False, True]
    assert [kind for kind, _ in await events(house, held)].count("redacted") == 1


async def test_what_cannot_be_removed(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    """A line, what is not there, no reason; and by whom not."""
    async with house.client(cora) as desk:
        await desk.post_json(path(held, "messages"), {"id": str(uuid4()), "text": "Good morning."})
        for seq in ("2", "3", "99", "0", "-1", "one", ""):
            refused = await desk.post_json(path(held, "redact"), {"seq": seq, "reason": "Why not."})
            assert refused.status_code == 404, seq
            assert (await desk.get(f"{path(held)}?redact={seq}")).status_code == 404, seq
        assert (await desk.post_json(path(held, "redact"), {"seq": "1", "reason": ""})).status_code == 422
    async with house.client(dev) as desk:
        assert (await desk.get(f"{path(held)}?redact=1")).status_code == 404
        assert (await desk.post_json(path(held, "redact"), {"seq": "1", "reason": "Why not."})).status_code == 404
    async with house.client() as ada:
        assert (await ada.post(path(held, "redact"), {"seq": "1", "reason": "Mine."})).status_code == 303
    assert "redacted" not in [kind for kind, _ in await events(house, held)]
