"""What a supervisor sees and does, through the doors: the board, the line, and one conversation at a time.

Who is refused at each of these doors stands in tests/app/test_access_matrix.py.
"""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from chat.tables import conversation
from core.people import Role, SignedIn
from core.tables import audit
from tests.triage.house import ENQUIRY, Browser, House
from triage.board import SAMPLE_EVERY, SAMPLES_KEPT, Board
from triage.tables import line_sample, offer, reading

EMERGENCY = {"immediate_danger": "yes", "called_999": "yes"}


@pytest.fixture
async def sue(house: House) -> SignedIn:
    return await house.hire("Sue", Role.SUPERVISOR, presence="away")


@pytest.fixture
async def desk(house: House, sue: SignedIn) -> AsyncIterator[Browser]:
    """Sue's browser."""
    async with house.client(sue) as browser:
        yield browser


@pytest.fixture
async def ada(house: House) -> AsyncIterator[Browser]:
    async with house.client() as browser:
        yield browser


def at(reference: str, action: str = "") -> str:
    return f"/supervise/conversations/{reference}" + (f"/{action}" if action else "")


async def asked(house: House, browser: Browser, **changes: Any) -> str:
    """The reference of a conversation whose visitor's browser this is."""
    assert (await browser.post("/ask", {**ENQUIRY, **changes})).status_code == 303
    frames = (await browser.get("/chat/poll?wait=0")).json()
    return str(frames[0]["conversations"][0]["conversation"])


async def events(browser: Browser) -> list[dict[str, Any]]:
    """What this visitor's page gets."""
    frames = (await browser.get("/chat/poll?wait=0")).json()
    return [frame for frame in frames if frame["type"] == "event"]


async def row_of(house: House, reference: str) -> Any:
    async with house.db.read() as connection:
        return (await connection.execute(select(conversation).where(conversation.c.reference == reference))).one()


async def recorded(house: House, action: str) -> list[str]:
    """The subjects of what is in the audit under this action."""
    async with house.db.read() as connection:
        return list((await connection.execute(select(audit.c.subject).where(audit.c.action == action))).scalars())


def numbers_of(page: httpx.Response) -> dict[str, str]:
    found = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+?)\s*(?:<svg|</dd>)", page.text)
    return {name: value.strip() for name, value in found}


def line_of(page: httpx.Response) -> list[str]:
    """The references that wait, in their order."""
    part = page.text.partition('data-slot="waiting"')[2].partition("</section>")[0]
    return re.findall(r'href="/supervise/conversations/([^"]+)"', part)


async def test_board_shows_the_line_and_never_the_text(house: House, desk: Browser, cora: SignedIn) -> None:
    held = await house.enquire()
    await house.claims.claim(held, cora)
    routine = await house.enquire(deadline="none", topic="housing")
    house.clock.go_on(minutes=7)
    same_day = await house.enquire(deadline="today")
    house.clock.go_on(minutes=2)
    page = await desk.get("/supervise")
    assert numbers_of(page) == {
        "Waiting": "2",
        "Longest wait": "9 min",
        "Online": "1",
        "Under way": "1",
        "Answered today": "1",
    }
    assert line_of(page) == [same_day, routine]
    assert "Same-day, waiting 2 min; ahead of 1 routine" in page.text
    assert "Routine, waiting 9 min" in page.text
    assert held in page.text
    assert "Cora" in page.text
    assert "1 of 2" in page.text
    assert str(ENQUIRY["question"]) not in page.text
    assert str(ENQUIRY["nickname"]) not in page.text


async def test_board_shows_who_is_offered_what(house: House, desk: Browser, cora: SignedIn) -> None:
    await house.enquire()
    assert ">Nobody</td>" in (await desk.get("/supervise")).text
    await house.router.tick()
    assert ">Cora</td>" in (await desk.get("/supervise")).text


async def test_alerts(house: House, desk: Browser, cora: SignedIn) -> None:
    async with house.client() as ada:
        held = await asked(house, ada)
        await house.claims.claim(held, cora)
        assert 'class="alerts"' not in (await desk.get("/supervise")).text
        emergency, other = await house.enquire(**EMERGENCY), await house.enquire()
        house.clock.go_on(minutes=3)
        page = (await desk.get("/supervise")).text
        assert f'An emergency has waited 3 min. <a href="{at(emergency)}">' in page
        assert other not in page.partition('data-slot="waiting"')[0]
        await ada.post("/chat/messages", {"text": "Are you there?"})
    house.clock.go_on(minutes=31)
    page = (await desk.get("/supervise")).text
    assert "2 people have waited longer than 30 minutes." in page
    assert f'waited longer than 15 minutes for an answer from Cora. <a href="{at(held)}">' in page
    house.clock.go_on(hours=30)
    assert "no advisor is online" not in page
    await house.set("always_open", "yes")
    assert "The service is open and no advisor is online." in (await desk.get("/supervise")).text


async def test_sample_every_five_minutes_draws_the_last_hours(house: House, desk: Browser) -> None:
    board = Board(house.db, house.opening, house.clock)
    assert "<polyline" not in (await desk.get("/supervise")).text
    assert await board.sample()
    house.clock.go_on(minutes=4)
    assert not await board.sample()
    await house.enquire()
    house.clock.go_on(minutes=1)
    assert await board.sample()
    page = (await desk.get("/supervise")).text
    # Three points of each of five lines: nobody, one, and now.
    assert re.findall(r'points="([^"]+)"', page)[0] == "99.3,23.0 100.0,1.0 100.0,1.0"
    assert len(re.findall("<polyline", page)) == 5
    house.clock.go_on(seconds=(SAMPLES_KEPT + SAMPLE_EVERY).total_seconds())
    assert await board.sample()
    assert await house.count(line_sample) == 1


async def test_what_happened_leads_to_the_conversation(house: House, desk: Browser, sue: SignedIn) -> None:
    reference = await house.enquire()
    found = await house.conversations.by_reference(reference)
    assert found is not None
    async with house.db.write() as connection:
        await house.notices.tell(connection, sue.account_id, "advisor_lost", found.id, name="Cora")
    page = (await desk.get("/supervise")).text
    assert "Cora could not be reached any longer." in page
    assert f'<a href="{at(reference)}">Open it</a>' in page
    seen = await desk.post("/desk/notices/seen", {"on": "supervise"})
    assert seen.headers["location"] == "/supervise"
    assert "could not be reached" not in (await desk.get("/supervise")).text


async def test_line_is_closed_with_words_and_who_waits_keeps_the_place(
    house: House, desk: Browser, ada: Browser, cora: SignedIn
) -> None:
    reference = await asked(house, ada)
    closed = await desk.post("/supervise/line", {"open": "no", "message": "Back tomorrow: two of us are ill."})
    assert closed.headers["location"] == "/supervise?said=closed"
    assert "Those who wait keep their place." in (await desk.get("/supervise?said=closed")).text
    async with house.client() as ben:
        # The first page is kept for a moment, as it was.
        house.clock.go_on(seconds=5)
        home = (await ben.get("/")).text
        assert "Back tomorrow: two of us are ill." in home
        assert (await ben.post("/ask", ENQUIRY, token=await ben.token())).status_code == 409
    assert "next" in (await ada.get("/chat")).text
    assert line_of(await desk.get("/supervise")) == [reference]
    assert (await house.claims.claim_next(cora)) is not None
    await desk.post("/supervise/line", {"open": "yes", "message": ""})
    house.clock.go_on(seconds=5)
    async with house.client() as ben:
        assert "two of us are ill" not in (await ben.get("/")).text
        assert (await ben.post("/ask", ENQUIRY)).status_code == 303
    assert await recorded(house, "line") == ["line", "line"]


async def test_line_needs_a_choice(desk: Browser) -> None:
    for fields in ({}, {"open": "perhaps"}, {"open": "yes", "message": "x" * 201}, {"open": "no", "message": "a\x00b"}):
        assert (await desk.post("/supervise/line", fields)).status_code == 422
    assert "is open to new enquiries" in (await desk.get("/supervise")).text


async def test_join_is_seen_by_both_and_may_write(
    house: House, desk: Browser, ada: Browser, cora: SignedIn, sue: SignedIn
) -> None:
    reference = await asked(house, ada)
    await house.claims.claim(reference, cora)
    assert (await desk.get(f"/desk/conversations/{reference}")).status_code == 404
    for _ in range(2):
        joined = await desk.post(at(reference, "join"), {})
        assert joined.headers["location"] == f"/desk/conversations/{reference}"
    said = await desk.post(f"/desk/conversations/{reference}/messages", {"text": "Sue here, to help."})
    assert said.status_code == 303
    seen = [(one["kind"], one.get("author", {}).get("name")) for one in await events(ada)]
    assert seen == [
        ("message", "Ada"),
        ("queued", "Dutyline"),
        ("joined", "Cora"),
        ("joined", "Sue"),
        ("message", "Sue"),
    ]
    async with house.client(cora) as coras:
        assert "Sue here, to help." in (await coras.get(f"/desk/conversations/{reference}")).text
    assert await recorded(house, "join") == [f"conversation:{reference}"]


async def test_advice_reaches_the_advisor_and_not_the_visitor(
    house: House, desk: Browser, ada: Browser, cora: SignedIn
) -> None:
    reference = await asked(house, ada)
    await house.claims.claim(reference, cora)
    advised = await desk.post(at(reference, "advise"), {"text": "Ask who collects the children."})
    assert advised.headers["location"] == f"{at(reference)}?said=advised"
    async with house.client(cora) as coras:
        assert "Ask who collects the children." in (await coras.get(f"/desk/conversations/{reference}")).text
    hidden = (await events(ada))[-1]
    assert hidden["kind"] == "hidden"
    assert set(hidden) == {"type", "t", "conversation", "seq", "kind"}
    assert "children" not in (await ada.get("/chat")).text
    # Advice is no reading: what was said stays closed to Sue.
    assert str(ENQUIRY["question"]) not in (await desk.get(at(reference))).text


async def test_advice_that_seems_to_name_somebody_is_held(house: House, desk: Browser, cora: SignedIn) -> None:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    text = "Call him on 07700 900123 before noon."
    held = await desk.post(at(reference, "advise"), {"text": text})
    assert held.status_code == 409
    assert "07700 900123" in held.text
    assert (await desk.post(at(reference, "advise"), {"text": text, "confirm": "yes"})).status_code == 303


async def test_regrade_moves_it_in_the_line_with_its_reason(
    house: House, desk: Browser, cora: SignedIn, ada: Browser
) -> None:
    first, second = await house.enquire(deadline="none"), await asked(house, ada, deadline="none")
    assert line_of(await desk.get("/supervise")) == [first, second]
    graded = await desk.post(at(second, "regrade"), {"urgency": "emergency", "reason": "The partner is on the way."})
    assert graded.headers["location"] == f"{at(second)}?said=regraded"
    assert line_of(await desk.get("/supervise")) == [second, first]
    claimed = await house.claims.claim_next(cora)
    assert claimed is not None
    assert claimed.reference == second
    async with house.client(cora) as coras:
        page = (await coras.get(f"/desk/conversations/{second}")).text
        assert "Urgency changed from" in page
        assert "The partner is on the way." in page
        await desk.post(at(second, "regrade"), {"urgency": "same_day", "reason": "They are safe now."})
        assert f"Sue changed the urgency of {second}." in (await coras.get("/desk")).text
    assert "on the way" not in (await ada.get("/chat")).text
    assert await recorded(house, "regrade") == [f"conversation:{second}"] * 2


async def test_reassigned_to_a_colleague_and_the_former_is_fenced(
    house: House, desk: Browser, ada: Browser, cora: SignedIn, dev: SignedIn
) -> None:
    reference = await asked(house, ada)
    await house.claims.claim(reference, cora)
    page = (await desk.get(at(reference))).text
    assert '<input type="hidden" name="epoch" value="1">' in page
    assert f'value="{dev.account_id}">Dev, room for 2' in page
    given = await desk.post(at(reference, "reassign"), {"to": dev.account_id, "epoch": "1"})
    assert given.headers["location"] == f"{at(reference)}?said=reassigned"
    async with house.client(cora) as coras:
        lost = await coras.post_json(
            f"/desk/conversations/{reference}/messages",
            {"id": "6b1f7c56-3f0e-4c0e-9d57-6d9b6a0f4c11", "text": "I would first ask about the children."},
        )
        assert (lost.status_code, lost.json()["code"]) == (409, "assignment_lost")
        assert f"Sue gave {reference} to somebody else." in (await coras.get("/desk")).text
    found = await house.conversations.by_reference(reference)
    assert found is not None
    assert await house.drafts.of(found.id, cora.account_id) == "I would first ask about the children."
    async with house.client(dev) as devs:
        assert f"Sue handed {reference} over to you." in (await devs.get("/desk")).text
        assert (await devs.get(f"/desk/conversations/{reference}")).status_code == 200
    assert [one["kind"] for one in await events(ada)][-2:] == ["transferred", "joined"]
    assert await recorded(house, "transfer") == [f"conversation:{reference}"]


async def test_reassigned_to_the_line_goes_to_somebody_else(
    house: House, desk: Browser, cora: SignedIn, dev: SignedIn
) -> None:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    before = await row_of(house, reference)
    house.clock.go_on(minutes=5)
    await desk.post(at(reference, "reassign"), {"to": "queue"})
    after = await row_of(house, reference)
    assert (after.status, after.advisor_id, after.claim_epoch) == ("waiting", None, before.claim_epoch + 1)
    assert after.waiting_since == before.waiting_since, "it keeps its seniority"
    await house.router.tick()
    async with house.db.read() as connection:
        asked_now = select(offer.c.account_id).where(offer.c.outcome == "open")
        assert (await connection.execute(asked_now)).scalars().all() == [dev.account_id]


async def test_reassigned_from_the_line(house: House, desk: Browser, dev: SignedIn) -> None:
    reference = await house.enquire()
    assert (await desk.post(at(reference, "reassign"), {"to": "queue"})).status_code == 403
    assert (await desk.post(at(reference, "reassign"), {"to": dev.account_id})).status_code == 303
    row = await row_of(house, reference)
    assert (row.status, row.advisor_id) == ("active", dev.account_id)
    assert row.first_claimed_at is not None


async def test_reassign_finds_no_room(house: House, desk: Browser, cora: SignedIn, sue: SignedIn) -> None:
    full = await house.hire("Dev", Role.ADVISOR, capacity=1)
    gone = await house.hire("Fay", Role.ADVISOR, presence="away")
    await house.claims.claim(await house.enquire(), full)
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    before = await row_of(house, reference)
    answers = {full.account_id: "at_capacity", gone.account_id: "not_available", sue.account_id: "not_available"}
    for to, code in {**answers, cora.account_id: "already_taken", "nobody": "not_available"}.items():
        refused = await desk.post_json(at(reference, "reassign"), {"to": to})
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    for fields in ({}, {"to": "x" * 65}, {"to": cora.account_id, "epoch": "soon"}):
        assert (await desk.post(at(reference, "reassign"), fields)).status_code == 422
    assert await row_of(house, reference) == before


async def test_of_two_supervisors_the_first_decides(house: House, desk: Browser, cora: SignedIn, dev: SignedIn) -> None:
    """The second looked at a page on which it was still Cora's."""
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    fay = await house.hire("Fay", Role.ADVISOR)
    await desk.post(at(reference, "reassign"), {"to": dev.account_id, "epoch": "1"})
    async with house.client(await house.hire("Sol", Role.SUPERVISOR, presence="away")) as other:
        late = await other.post_json(at(reference, "reassign"), {"to": fay.account_id, "epoch": "1"})
        assert (late.status_code, late.json()["code"]) == (409, "already_taken")
        assert (await row_of(house, reference)).advisor_id == dev.account_id
        assert (
            await other.post_json(at(reference, "reassign"), {"to": fay.account_id, "epoch": "2"})
        ).status_code == 200


async def test_reading_needs_a_reason_and_ends_after_half_an_hour(
    house: House, desk: Browser, sue: SignedIn, cora: SignedIn
) -> None:
    reference, other = await house.enquire(), await house.enquire()
    question = str(ENQUIRY["question"])
    assert question not in (await desk.get(at(reference))).text
    for reason in ("", "  "):
        assert (await desk.post(at(reference, "read"), {"reason": reason})).status_code == 422
    assert question not in (await desk.get(at(reference))).text
    assert (await desk.post(at(reference, "read"), {"reason": "A complaint was made."})).status_code == 303
    assert question in (await desk.get(at(reference))).text
    assert question not in (await desk.get(at(other))).text, "the reason is for one conversation"
    async with house.client(await house.hire("Sol", Role.SUPERVISOR, presence="away")) as another:
        assert question not in (await another.get(at(reference))).text, "the reason is one person's"
    house.clock.go_on(minutes=29)
    assert question in (await desk.get(at(reference))).text
    house.clock.go_on(minutes=1)
    assert question not in (await desk.get(at(reference))).text
    assert await recorded(house, "read") == [f"conversation:{reference}"]
    async with house.db.read() as connection:
        row = (await connection.execute(select(reading))).one()
    assert (row.account_id, row.reason) == (sue.account_id, "A complaint was made.")
    assert row.until - row.at == timedelta(minutes=30)


async def test_reading_is_no_writing(house: House, desk: Browser, cora: SignedIn) -> None:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    await desk.post(at(reference, "read"), {"reason": "A complaint was made."})
    for action in ("messages", "notes"):
        assert (await desk.post(f"/desk/conversations/{reference}/{action}", {"text": "Hello"})).status_code == 404
    frames = (await desk.get("/desk/poll?wait=0")).json()
    assert frames[0]["conversations"] == []
