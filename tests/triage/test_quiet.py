"""A visitor who has gone quiet: seen at five minutes, asked at most once in five, ending offered at fifteen, done by a person."""

import asyncio
from uuid import uuid4

import pytest

from core.people import Role, SignedIn
from tests.triage.house import ENQUIRY, Browser, House
from tests.triage.test_transfers import events, hand_over, path, stands
from triage.quiet import STILL_THERE
from triage.retention import erase_overdue

HIDDEN = 'hidden>\n    <p class="quiet__words">'


@pytest.fixture
async def held(house: House, cora: SignedIn) -> str:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    house.clock.go_on(seconds=10)
    return reference


async def say(desk: Browser, reference: str, text: str = "What do you know of the order?") -> None:
    said = await desk.post_json(path(reference, "messages"), {"id": str(uuid4()), "text": text})
    assert said.status_code == 201


async def nudge(desk: Browser, reference: str) -> int:
    return (await desk.post_json(path(reference, "nudge"), {})).status_code


async def test_the_desk_says_it_after_five_minutes(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        house.clock.go_on(minutes=20)
        assert HIDDEN in (await desk.get(path(held))).text, "it is the advisor's turn"
        await say(desk, held)
        house.clock.go_on(minutes=4)
        assert HIDDEN in (await desk.get(path(held))).text
        assert await nudge(desk, held) == 409
        house.clock.go_on(minutes=1)
        page = (await desk.get(path(held))).text
        assert HIDDEN not in page
        assert "They have not written for 5 minutes." in page
        assert 'data-slot="quiet-end" hidden' in page
        house.clock.go_on(minutes=10)
        assert 'data-slot="quiet-end">You may say goodbye' in (await desk.get(path(held))).text


async def test_the_visitor_is_asked_once_in_five_minutes(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk, house.client(cora) as other:
        await say(desk, held)
        house.clock.go_on(minutes=6)
        both = await asyncio.gather(nudge(desk, held), nudge(other, held))
        assert sorted(both) == [200, 409]
        page = (await desk.get(path(held))).text
        assert "They were asked whether they are still there." in page
        assert 'data-slot="nudge" hidden' in page
        house.clock.go_on(minutes=4, seconds=59)
        assert await nudge(desk, held) == 409
        house.clock.go_on(seconds=1)
        asked = await desk.post(path(held, "nudge"), {})
        assert (asked.status_code, asked.headers["location"]) == (303, path(held))
    told = await events(house, held)
    assert told.count(("message", STILL_THERE)) == 2


async def test_the_visitor_reads_it_as_a_line_and_an_answer_ends_it(house: House, cora: SignedIn) -> None:
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        taken = await house.claims.claim_next(cora)
        assert taken is not None
        house.clock.go_on(seconds=10)
        async with house.client(cora) as desk:
            await say(desk, taken.reference)
            house.clock.go_on(minutes=6)
            assert await nudge(desk, taken.reference) == 200
            page = (await ada.get("/chat")).text
            assert f'<span data-slot="text">{STILL_THERE}</span>' in page
            house.clock.go_on(seconds=5)
            said = await ada.post("/chat/messages", {"id": str(uuid4()), "text": "Yes, sorry."})
            assert said.status_code == 303
            house.clock.go_on(minutes=30)
            assert await nudge(desk, taken.reference) == 409
            assert HIDDEN in (await desk.get(path(taken.reference))).text


async def test_nothing_ends_it_by_itself(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        await say(desk, held)
        for _ in range(4):
            house.clock.go_on(hours=6)
            await house.router.tick()
            assert await erase_overdue(house.db, house.audit, house.clock()) == 0
    assert await stands(house, held) == ("active", cora.account_id)


async def test_only_its_advisor_asks(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    guest = await house.hire("Gil", Role.ADVISOR)
    async with house.client(cora) as desk:
        await say(desk, held)
        await desk.post_json(path(held, "invite"), {"to": guest.account_id, "purpose": "join"})
        house.clock.go_on(minutes=6)
        async with house.client(guest) as gils:
            await gils.post_json(f"/desk/invitations/{held}/accept", {})
            assert await nudge(gils, held) in (403, 409)
        async with house.client(dev) as devs:
            assert await nudge(devs, held) == 404
        await hand_over(desk, held, dev.account_id)
        assert await nudge(desk, held) == 409
    assert ("message", STILL_THERE) not in await events(house, held)


async def test_who_has_written_nothing_waits_for_nobody(house: House, cora: SignedIn, held: str) -> None:
    """To take it, or to note something for colleagues, is no word to the visitor: it is still the advisor's turn."""
    async with house.client(cora) as desk:
        await desk.post_json(path(held, "notes"), {"id": str(uuid4()), "text": "I look up the order first."})
        house.clock.go_on(minutes=16)
        assert HIDDEN in (await desk.get(path(held))).text
        assert await nudge(desk, held) == 409
    assert STILL_THERE not in [text for _, text in await events(house, held)]
