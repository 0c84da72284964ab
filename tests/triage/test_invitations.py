"""Bringing a colleague in: who is asked sees it and decides; who joins is seen by both, who advises is seen by neither side."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from core.people import Role, SignedIn
from tests.triage.house import ENQUIRY, Browser, House
from tests.triage.test_transfers import events, hand_over, path, stands


@pytest.fixture
async def held(house: House, cora: SignedIn) -> str:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    return reference


async def invite(house: House, by: SignedIn, reference: str, to: SignedIn, purpose: str) -> None:
    async with house.client(by) as desk:
        asked = await desk.post(path(reference, "invite"), {"to": to.account_id, "purpose": purpose})
        assert (asked.status_code, asked.headers["location"]) == (303, path(reference))


@asynccontextmanager
async def coming(house: House, person: SignedIn, reference: str) -> AsyncIterator[Browser]:
    """Their desk, after they accepted."""
    async with house.client(person) as desk:
        accepted = await desk.post(f"/desk/invitations/{reference}/accept", {})
        assert (accepted.status_code, accepted.headers["location"]) == (303, path(reference))
        yield desk


async def message(desk: Browser, reference: str, text: str) -> int:
    said = await desk.post_json(path(reference, "messages"), {"id": str(uuid4()), "text": text})
    return said.status_code


async def test_who_is_asked_sees_who_asks_and_for_what(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    await invite(house, cora, held, dev, "join")
    async with house.client(dev) as desk:
        page = (await desk.get("/desk")).text
        assert f"<strong>Cora</strong> asks you to join {held}." in page
        assert str(ENQUIRY["question"]) not in page
        assert (await desk.get(path(held))).status_code == 404, "not before they have accepted"
    async with house.client(cora) as desk:
        assert "is asked to come" in (await desk.get(path(held))).text


async def test_an_invitation_that_is_over_is_no_news(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    """It does not ring at each page for ever, nor stand in the way of what is news."""
    await invite(house, cora, held, dev, "join")
    (notice,) = await house.notices.unseen(dev.account_id)
    async with house.client(dev) as desk:
        assert f'data-noticed="{notice.id}"' in (await desk.get("/desk")).text
    async with house.client(cora) as desk:
        assert (await desk.post(path(held, "end"), {})).status_code == 303
    assert await house.notices.unseen(dev.account_id) == []


async def test_who_joins_is_seen_and_writes_and_takes_over(
    house: House, cora: SignedIn, dev: SignedIn, held: str
) -> None:
    await invite(house, cora, held, dev, "join")
    async with coming(house, dev, held) as desk:
        page = (await desk.get(path(held))).text
        assert 'data-part="joined"' in page
        assert 'data-slot="composer"' in page
        assert "asks you to join" not in page
        assert await message(desk, held, "Hello, I know these orders well.") == 201
        assert (await events(house, held))[-2:] == [("joined", ""), ("message", "Hello, I know these orders well.")]
        async with house.client(cora) as coras:
            page = (await coras.get(path(held))).text
            choices = re.findall(r'name="to" value="(\w+)"([^>]*)>', page)
            assert choices[0] == (dev.account_id, " checked"), "whoever is in it already stands first"
            assert "takes over: has joined" in page
            assert (await hand_over(coras, held, dev.account_id)).status_code == 200
        assert await stands(house, held) == ("active", dev.account_id)
        page = (await desk.get(path(held))).text
        assert 'data-part="advisor"' in page
        assert 'class="guests"' not in page, "they are no guest any longer"


async def test_who_advises_reads_and_writes_notes_only(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    await invite(house, cora, held, dev, "consult")
    async with coming(house, dev, held) as desk:
        page = (await desk.get(path(held))).text
        assert 'data-part="consulted"' in page
        assert str(ENQUIRY["question"]) in page
        assert 'data-slot="composer"' not in page
        assert "does not see you or this" in page
        assert await message(desk, held, "Hello.") in (403, 409)
        shared = await desk.post_json(path(held, "share"), {"article": "risk"})
        assert shared.status_code in (403, 409)
        added = await desk.post(path(held, "notes"), {"id": str(uuid4()), "text": "Ask about the children first."})
        assert added.status_code == 303
    told = await events(house, held)
    assert told[-1] == ("note", "Ask about the children first.")
    assert [kind for kind, _ in told].count("joined") == 1, "Cora's own; the visitor is not told of Dev"
    async with house.client(cora) as desk:
        assert "Ask about the children first." in (await desk.get(path(held))).text


@pytest.mark.parametrize("purpose", ["join", "consult"])
async def test_the_advisor_lets_them_go(house: House, cora: SignedIn, dev: SignedIn, held: str, purpose: str) -> None:
    await invite(house, cora, held, dev, purpose)
    async with coming(house, dev, held) as desk:
        async with house.client(cora) as coras:
            gone = await coras.post(path(held, f"guests/{dev.account_id}/dismiss"), {})
            assert gone.status_code == 303
        assert (await desk.get(path(held))).status_code == 404
        assert await message(desk, held, "Hello.") in (404, 409)
    left = [kind for kind, _ in await events(house, held)].count("left")
    assert left == (1 if purpose == "join" else 0), "who was not seen to come is not seen to go"
    assert await stands(house, held) == ("active", cora.account_id)


async def test_a_guest_leaves_and_lets_nobody_go(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    eli = await house.hire("Eli", Role.ADVISOR)
    await invite(house, cora, held, dev, "join")
    await invite(house, cora, held, eli, "join")
    async with coming(house, dev, held) as desk:
        refused = await desk.post_json(path(held, f"guests/{eli.account_id}/dismiss"), {})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        invited = await desk.post_json(path(held, "invite"), {"to": eli.account_id, "purpose": "join"})
        assert invited.status_code == 403
        left = await desk.post(path(held, "leave"), {})
        assert (left.status_code, left.headers["location"]) == (303, "/desk?said=gone")
        assert "You left the conversation." in (await desk.get("/desk?said=gone")).text
    async with house.client(cora) as desk:
        assert (await desk.post_json(path(held, "leave"), {})).status_code == 422, "it is hers"


async def test_declined_or_taken_back_it_is_gone(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    await invite(house, cora, held, dev, "join")
    async with house.client(dev) as desk:
        assert (await desk.post(f"/desk/invitations/{held}/decline", {})).status_code == 303
        page = (await desk.get("/desk")).text
        assert "asks you" not in page, "neither the card nor the notice"
        assert (await desk.post_json(f"/desk/invitations/{held}/accept", {})).status_code == 404
        await invite(house, cora, held, dev, "consult")
        assert "asks you to advise" in (await desk.get("/desk")).text
        async with house.client(cora) as coras:
            await coras.post(path(held, f"guests/{dev.account_id}/dismiss"), {})
        assert "asks you" not in (await desk.get("/desk")).text
        assert (await desk.post_json(f"/desk/invitations/{held}/accept", {})).status_code == 404
        assert (await desk.get(path(held))).status_code == 404


async def test_accepted_after_the_end_or_by_a_stranger_it_opens_nothing(
    house: House, cora: SignedIn, dev: SignedIn, held: str
) -> None:
    eli = await house.hire("Eli", Role.ADVISOR)
    await invite(house, cora, held, dev, "join")
    async with house.client(eli) as desk:
        assert (await desk.post_json(f"/desk/invitations/{held}/accept", {})).status_code == 404
    async with house.client(cora) as desk:
        await desk.post_json(path(held, "end"), {})
    async with house.client(dev) as desk:
        late = await desk.post_json(f"/desk/invitations/{held}/accept", {})
        assert (late.status_code, late.json()["code"]) == (409, "ended")
        assert (await desk.get(path(held))).status_code == 404
        assert "asks you to join" not in (await desk.get("/desk")).text


async def test_asked_and_accepted_twice_they_come_once(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    for _ in range(2):
        await invite(house, cora, held, dev, "join")
    async with house.client(dev) as desk, house.client(dev) as other:
        both = await asyncio.gather(*(one.post_json(f"/desk/invitations/{held}/accept", {}) for one in (desk, other)))
    assert [one.status_code for one in both] == [200, 200]
    assert [kind for kind, _ in await events(house, held)].count("joined") == 2


async def test_a_hand_over_ends_what_was_asked(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    eli = await house.hire("Eli", Role.ADVISOR)
    await invite(house, cora, held, eli, "join")
    async with house.client(cora) as desk:
        await hand_over(desk, held, dev.account_id)
    async with house.client(eli) as desk:
        assert (await desk.post_json(f"/desk/invitations/{held}/accept", {})).status_code == 404


async def test_who_is_not_there_is_not_asked(house: House, cora: SignedIn, held: str) -> None:
    away = await house.hire("Eli", Role.ADVISOR, presence="away")
    async with house.client(cora) as desk:
        for to, purpose, status in ((away.account_id, "join", 409), (away.account_id, "watch", 422), ("", "join", 422)):
            refused = await desk.post_json(path(held, "invite"), {"to": to, "purpose": purpose})
            assert refused.status_code == status
        assert (
            await desk.post_json(path(held, "invite"), {"to": cora.account_id, "purpose": "join"})
        ).status_code == 403
