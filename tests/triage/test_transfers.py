"""Handing over: to a colleague or to the line, with a note. It has one advisor or one place in the line, whoever is faster."""

import asyncio
import re
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select, update

from chat.tables import conversation
from core.people import Role, SignedIn
from staff.tables import account
from tests.triage.house import ENQUIRY, Browser, House
from triage.tables import offer


def path(reference: str, action: str = "") -> str:
    return f"/desk/conversations/{reference}" + (f"/{action}" if action else "")


@pytest.fixture
async def held(house: House, cora: SignedIn) -> str:
    """A conversation that Cora holds."""
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    return reference


async def stands(house: House, reference: str) -> tuple[str, str | None]:
    """Its status and whose it is."""
    async with house.db.read() as connection:
        query = select(conversation.c.status, conversation.c.advisor_id).where(conversation.c.reference == reference)
        row = (await connection.execute(query)).one()
    return row.status, row.advisor_id


async def events(house: House, reference: str) -> list[tuple[str, str]]:
    found = await house.conversations.by_reference(reference)
    assert found is not None
    return [(str(one.kind), one.text) for one in await house.log.read(found.id)]


async def hand_over(desk: Browser, reference: str, to: str, note: str = "") -> httpx.Response:
    return await desk.post_json(path(reference, "transfer"), {"to": to, "note": note})


async def test_to_a_colleague_with_a_note(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        page = (await desk.get(path(held))).text
        assert f'value="{dev.account_id}"' in page
        assert "online, room for 2" in page
        done = await desk.post(path(held, "transfer"), {"to": dev.account_id, "note": "They need the order explained."})
        assert (done.status_code, done.headers["location"]) == (303, "/desk?said=transferred")
        assert "It is handed over." in (await desk.get("/desk?said=transferred")).text
        assert (await desk.get(path(held))).status_code == 404
    assert await stands(house, held) == ("active", dev.account_id)
    assert (await events(house, held))[-3:] == [
        ("note", "They need the order explained."),
        ("transferred", "Cora handed the conversation over to Dev."),
        ("joined", ""),
    ]
    async with house.client(dev) as desk:
        assert f"Cora handed {held} over to you." in (await desk.get("/desk")).text
        page = (await desk.get(path(held))).text
    assert "They need the order explained." in page
    assert 'data-part="advisor"' in page


async def test_to_the_line(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        assert (await hand_over(desk, held, "queue")).json()["next"] == "/desk?said=transferred"
    assert await stands(house, held) == ("waiting", None)
    async with house.db.read() as connection:
        passed = (await connection.execute(select(offer.c.account_id, offer.c.outcome))).all()
    assert [tuple(row) for row in passed] == [(cora.account_id, "declined")], "somebody else is asked first"


async def test_what_the_former_advisor_sends_is_kept_for_them(
    house: House, cora: SignedIn, dev: SignedIn, held: str
) -> None:
    async with house.client(cora) as desk:
        await desk.post_json(path(held, "messages"), {"id": str(uuid4()), "text": "One moment."})
        house.clock.go_on(seconds=1)
        await hand_over(desk, held, dev.account_id)
        late = await desk.post_json(path(held, "messages"), {"id": str(uuid4()), "text": "I would begin with safety."})
        assert (late.status_code, late.json()["code"]) == (409, "assignment_lost")
        typed = await desk.post(path(held, "messages"), {"id": str(uuid4()), "text": "And with the children."})
        assert typed.status_code == 409
        assert "And with the children." in typed.text, "nothing that was typed is lost"
    found = await house.conversations.by_reference(held)
    assert found is not None
    assert await house.drafts.of(found.id, cora.account_id) == "And with the children."
    assert "I would begin with safety." not in str(await events(house, held))
    async with house.client(dev) as desk:
        await hand_over(desk, held, cora.account_id)
    async with house.client(cora) as desk:
        assert "And with the children.</textarea>" in (await desk.get(path(held))).text, (
            "it is there when it comes back"
        )


async def test_who_has_no_room_or_is_away_is_not_given_it(house: House, cora: SignedIn, held: str) -> None:
    full = await house.hire("Dev", Role.ADVISOR, capacity=1)
    await house.claims.claim(await house.enquire(), full)
    away = await house.hire("Eli", Role.ADVISOR, presence="away")
    gone = await house.hire("Fay", Role.ADVISOR)
    await house.open_desk(gone, hours=-1)
    sue = await house.hire("Sue", Role.SUPERVISOR)
    async with house.client(cora) as desk:
        page = (await desk.get(path(held))).text
        assert f'value="{full.account_id}" disabled' in page
        for nobody in (away, gone, sue):
            assert nobody.account_id not in page
            refused = await hand_over(desk, held, nobody.account_id)
            assert (refused.status_code, refused.json()["code"]) == (409, "not_available")
        refused = await hand_over(desk, held, full.account_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "at_capacity")
        assert (await hand_over(desk, held, cora.account_id)).status_code == 409
        assert (await hand_over(desk, held, "nobody")).status_code == 409
        assert (await hand_over(desk, held, "")).status_code == 422
        shown = await desk.post(path(held, "transfer"), {"to": full.account_id, "note": "They need the order."})
        assert shown.status_code == 409
        assert "They need the order." in shown.text
    assert await stands(house, held) == ("active", cora.account_id)


async def test_a_note_that_names_somebody_is_held(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    note = "His number is 07700 900123."
    async with house.client(cora) as desk:
        refused = await hand_over(desk, held, dev.account_id, note)
        assert (refused.status_code, refused.json()["code"]) == (409, "hold")
        assert await stands(house, held) == ("active", cora.account_id)
        confirmed = await desk.post_json(path(held, "transfer"), {"to": dev.account_id, "note": note, "confirm": True})
        assert confirmed.status_code == 200


async def test_it_is_nobody_elses_to_give(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    """An advisor beside it, a colleague who has joined, a supervisor at the desk's door, the visitor."""
    sue = await house.hire("Sue", Role.SUPERVISOR)
    guest = await house.hire("Gil", Role.ADVISOR)
    async with house.client(cora) as desk:
        await desk.post_json(path(held, "invite"), {"to": guest.account_id, "purpose": "join"})
    async with house.client(guest) as desk:
        await desk.post_json(f"/desk/invitations/{held}/accept", {})
        refused = await hand_over(desk, held, guest.account_id)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        assert (await desk.post_json(path(held, "end"), {})).status_code == 403
    for stranger in (dev, sue):
        async with house.client(stranger) as desk:
            assert (await hand_over(desk, held, stranger.account_id)).status_code == 404
    async with house.client() as ada:
        assert (await ada.post(path(held, "transfer"), {"to": "queue"})).status_code == 303
    assert await stands(house, held) == ("active", cora.account_id)


async def test_two_hand_overs_at_once(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    eli = await house.hire("Eli", Role.ADVISOR)
    async with house.client(cora) as desk, house.client(cora) as other:
        both = await asyncio.gather(hand_over(desk, held, dev.account_id), hand_over(other, held, eli.account_id))
    assert sorted(one.status_code for one in both) == [200, 409]
    kinds = [kind for kind, _ in await events(house, held)]
    assert kinds.count("transferred") == 1
    assert (await stands(house, held))[1] == (dev if both[0].status_code == 200 else eli).account_id


async def test_two_advisors_fill_one_place_together(house: House, cora: SignedIn, held: str) -> None:
    """One colleague with room for one."""
    dev = await house.hire("Dev", Role.ADVISOR, capacity=1)
    eli = await house.hire("Eli", Role.ADVISOR)
    second = await house.enquire()
    await house.claims.claim(second, eli)
    async with house.client(cora) as coras, house.client(eli) as elis:
        both = await asyncio.gather(hand_over(coras, held, dev.account_id), hand_over(elis, second, dev.account_id))
    assert sorted(one.status_code for one in both) == [200, 409]
    async with house.db.read() as connection:
        with_dev = select(conversation.c.id).where(conversation.c.advisor_id == dev.account_id)
        assert len((await connection.execute(with_dev)).all()) == 1


async def test_a_message_beside_a_hand_over_is_stored_before_it_or_kept(
    house: House, cora: SignedIn, dev: SignedIn, held: str
) -> None:
    text = "Ask what happened after the last visit."
    async with house.client(cora) as desk, house.client(cora) as other:
        await desk.post_json(path(held, "messages"), {"id": str(uuid4()), "text": "One moment."})
        house.clock.go_on(seconds=1)
        said, given = await asyncio.gather(
            other.post_json(path(held, "messages"), {"id": str(uuid4()), "text": text}),
            hand_over(desk, held, dev.account_id),
        )
    assert given.status_code == 200
    told = await events(house, held)
    assert [kind for kind, _ in told].count("transferred") == 1
    found = await house.conversations.by_reference(held)
    assert found is not None
    if said.status_code == 201:
        assert told.index(("message", text)) < [kind for kind, _ in told].index("transferred")
    else:
        assert (said.status_code, said.json()["code"]) == (409, "assignment_lost")
        assert await house.drafts.of(found.id, cora.account_id) == text


async def test_a_hand_over_beside_the_end(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    async with house.client(cora) as desk, house.client(cora) as other:
        given, ended = await asyncio.gather(
            hand_over(desk, held, dev.account_id), other.post_json(path(held, "end"), {})
        )
    status, whose = await stands(house, held)
    if given.status_code == 200:
        assert (ended.status_code, status, whose) == (409, "active", dev.account_id)
    else:
        assert (given.status_code, ended.status_code, status) == (409, 200, "ended")


async def test_what_is_over_is_not_handed_over(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        await desk.post_json(path(held, "end"), {})
        refused = await hand_over(desk, held, dev.account_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "ended")


async def test_a_disabled_colleague_is_not_there(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    async with house.db.write() as connection:
        await connection.execute(update(account).where(account.c.id == dev.account_id).values(disabled=True))
    async with house.client(cora) as desk:
        assert (await hand_over(desk, held, dev.account_id)).json()["code"] == "not_available"


async def test_the_visitor_reads_whom_they_talk_with(house: House, cora: SignedIn, dev: SignedIn) -> None:
    """From hand-over to hand-over, and with a supervisor who comes and goes."""
    sue = await house.hire("Sue", Role.ADVISOR, Role.SUPERVISOR)
    async with house.client() as ada, house.client(cora) as coras, house.client(dev) as devs, house.client(sue) as sues:
        await ada.post("/ask", ENQUIRY)
        reference = (await ada.get("/chat/poll?wait=0")).json()[0]["conversations"][0]["conversation"]

        async def title() -> str:
            found = re.search(r'chat__title"[^>]*>([^<]+)<', (await ada.get("/chat")).text)
            assert found is not None
            return found[1]

        await house.claims.claim(reference, cora)
        assert await title() == "With Cora"
        assert (await sues.post_json(f"/supervise/conversations/{reference}/join", {})).status_code == 200
        assert await title() == "With Cora and Sue"
        assert (await hand_over(coras, reference, dev.account_id)).status_code == 200
        assert await title() == "With Dev and Sue"
        assert (await sues.post_json(path(reference, "leave"), {})).status_code == 200
        assert await title() == "With Dev"
        assert (await hand_over(devs, reference, "queue")).status_code == 200
        await house.claims.claim(reference, cora)
        assert await title() == "With Cora"


async def test_who_had_it_for_a_moment_keeps_what_they_wrote(
    house: House, cora: SignedIn, dev: SignedIn, held: str
) -> None:
    """Handed over, and taken away again before he had said anything: it was his all the same."""
    sue = await house.hire("Sue", Role.SUPERVISOR)
    async with house.client(cora) as coras, house.client(dev) as devs, house.client(sue) as sues:
        assert (await hand_over(coras, held, dev.account_id)).status_code == 200
        away = await sues.post_json(f"/supervise/conversations/{held}/reassign", {"to": cora.account_id, "epoch": 2})
        assert away.status_code == 200
        said = await devs.post_json(path(held, "messages"), {"id": str(uuid4()), "text": "I read the order now."})
        assert (said.status_code, said.json()["code"]) == (409, "assignment_lost")
    found = await house.conversations.by_reference(held)
    assert found is not None
    assert await house.drafts.of(found.id, dev.account_id) == "I read the order now."
