"""The advisor's doors: what each does, and that each is closed to those it is not for."""

import asyncio
import re
from uuid import uuid4

import pytest
from sqlalchemy import select

from chat.tables import conversation, draft, event
from core.people import Role, SignedIn
from knowledge.tables import article_use
from knowledge.words import Audience
from tests.triage.house import ENQUIRY, House
from triage.tables import dismissal, no_guidance

ACTIONS = {
    "accept": {},
    "decline": {},
    "messages": {"text": "Tell me more about it."},
    "notes": {"text": "Ask about the children."},
    "share": {"article": "risk"},
    "dismiss": {"article": "risk"},
    "nothing-fits": {"shown": "risk"},
    "draft": {"text": "I would"},
    "end": {},
    "wrap-up": {"outcome": "advised"},
}


def path(reference: str, action: str = "") -> str:
    return f"/desk/conversations/{reference}" + (f"/{action}" if action else "")


@pytest.fixture
async def held(house: House, cora: SignedIn) -> str:
    """A conversation that Cora holds."""
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    return reference


async def kinds(house: House, reference: str) -> list[str]:
    found = await house.conversations.by_reference(reference)
    assert found is not None
    return [one.kind for one in await house.log.read(found.id)]


async def test_the_desk_counts_the_line_without_showing_it(house: House, cora: SignedIn) -> None:
    await house.enquire(deadline="today")
    await house.enquire()
    house.clock.go_on(minutes=12)
    async with house.client(cora) as desk:
        page = (await desk.get("/desk")).text
    assert 'data-slot="waiting">2<' in page
    assert 'data-slot="waiting-same_day">1<' in page
    assert "Longest wait 12 minutes" in page
    assert str(ENQUIRY["question"]) not in page


async def test_the_frame_of_pages_without_scripts_tells_what_waits(house: House, cora: SignedIn, held: str) -> None:
    """And no word of what was said; only our own pages may show it."""
    await house.enquire()
    async with house.client(cora) as desk:
        frame = await desk.get("/desk?part=signs")
        page = await desk.get(path(held))
    assert f"{held}</a>: 1 new" in frame.text
    assert "1 waiting" in frame.text
    assert '<meta http-equiv="refresh" content="15">' in frame.text
    assert str(ENQUIRY["question"]) not in frame.text
    assert "frame-ancestors 'self';" in frame.headers["content-security-policy"]
    assert '<noscript><iframe class="signs-frame" src="/desk?part=signs"' in page.text
    assert "frame-ancestors 'none';" in page.headers["content-security-policy"]


async def test_next_leads_to_the_workspace(house: House, cora: SignedIn) -> None:
    reference = await house.enquire(risk_flags="stalking")
    async with house.client(cora) as desk:
        taken = await desk.post("/desk/next", {})
        assert (taken.status_code, taken.headers["location"]) == (303, path(reference))
        page = (await desk.get(taken.headers["location"])).text
    assert str(ENQUIRY["question"]) in page
    assert "Stalking or tracking" in page
    assert "To <strong" in page


async def test_next_says_when_nobody_waits_or_there_is_no_room(house: House) -> None:
    cora = await house.hire("Cora", Role.ADVISOR, capacity=1)
    async with house.client(cora) as desk:
        empty = await desk.post("/desk/next", {})
        assert empty.headers["location"] == "/desk?said=nobody"
        assert "Nobody is waiting." in (await desk.get("/desk?said=nobody")).text
        await house.enquire()
        await house.enquire()
        await desk.post("/desk/next", {})
        full = await desk.post("/desk/next", {})
        assert (full.status_code, full.headers["location"]) == (303, "/desk?said=full")
        as_json = await desk.post_json("/desk/next", {})
        assert (as_json.status_code, as_json.json()["code"]) == (409, "at_capacity")


async def test_twenty_accepts_through_the_door_have_one_winner(house: House) -> None:
    reference = await house.enquire()
    advisors = [await house.hire(f"Advisor {number}", Role.ADVISOR) for number in range(20)]
    desks = [house.client(one) for one in advisors]
    tokens = [await desk.token() for desk in desks]
    answers = await asyncio.gather(
        *(desk.post(path(reference, "accept"), {}, token=token) for desk, token in zip(desks, tokens, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [303] + [409] * 19
    for desk in desks:
        await desk.http.aclose()


async def test_accept_is_answered_in_json_with_its_code(house: House, dev: SignedIn, held: str) -> None:
    async with house.client(dev) as desk:
        refused = await desk.post_json(path(held, "accept"), {})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_taken")


async def test_a_message_by_form_and_by_json(house: House, cora: SignedIn, held: str) -> None:
    given = str(uuid4())
    async with house.client(cora) as desk:
        by_form = await desk.post(path(held, "messages"), {"text": "Tell me more.", "id": given})
        assert (by_form.status_code, by_form.headers["location"]) == (303, path(held))
        again = await desk.post_json(path(held, "messages"), {"text": "Tell me more.", "id": given})
        assert (again.status_code, again.json()["seq"], again.json()["again"]) == (201, 4, True)
        new = await desk.post_json(path(held, "messages"), {"text": "And since when?", "id": str(uuid4())})
        assert (new.status_code, new.json()["seq"]) == (201, 5)


async def test_a_message_that_names_a_person_is_held(house: House, cora: SignedIn, held: str) -> None:
    text = {"text": "Ring him on 07700 900123 tomorrow.", "id": str(uuid4())}
    async with house.client(cora) as desk:
        assert (await desk.post_json(path(held, "messages"), text)).json()["code"] == "hold"
        assert (await desk.post(path(held, "messages"), text)).status_code == 409
        assert (await desk.post(path(held, "messages"), {**text, "confirm": "yes"})).status_code == 303


async def test_an_empty_message_comes_back_to_its_box(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        answered = await desk.post(path(held, "messages"), {"text": "  "})
    assert answered.status_code == 422
    assert 'id="text-error"' in answered.text


async def test_a_note_is_for_staff_only(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        assert (await desk.post(path(held, "notes"), {"text": "Ask about the children."})).status_code == 303
        assert "Ask about the children." in (await desk.get(path(held))).text
    found = await house.conversations.by_reference(held)
    assert found is not None
    note = (await house.log.read(found.id))[-1]
    assert (note.kind, note.hidden_from_visitor) == ("note", True)


async def test_sharing_pins_the_published_version(house: House, cora: SignedIn, held: str) -> None:
    await house.write_article("risk", "Risk indicators")
    await house.write_article("risk", "Risk indicators, again")
    given = str(uuid4())
    async with house.client(cora) as desk:
        shared = await desk.post(path(held, "share"), {"article": "risk", "id": given})
        twice = await desk.post_json(path(held, "share"), {"article": "risk", "id": given})
        assert (shared.status_code, twice.json()["again"]) == (303, True)
        await house.write_article("risk", "Risk indicators, third text")
        assert "Risk indicators, again" in (await desk.get(path(held))).text
    found = await house.conversations.by_reference(held)
    assert found is not None
    entry = (await house.log.read(found.id))[-1]
    assert entry.kind == "article"
    assert {name: entry.data[name] for name in ("slug", "title", "version", "summary", "last_checked")} == {
        "slug": "risk",
        "title": "Risk indicators, again",
        "version": 2,
        "summary": "Risk indicators, again, in short.",
        "last_checked": "2026-11-02",
    }
    async with house.db.read() as connection:
        use = (await connection.execute(select(article_use))).one()
    assert (use.version, use.kind, use.conversation_id) == (2, "shared", found.id)


@pytest.mark.parametrize("slug", ["", "unknown", "for-staff", "x" * 5_000, "../etc", "risk'--"])
async def test_what_visitors_may_not_read_is_not_shared(house: House, cora: SignedIn, held: str, slug: str) -> None:
    await house.write_article("for-staff", "How we work", audience=Audience.ADVISORS)
    async with house.client(cora) as desk:
        refused = await desk.post(path(held, "share"), {"article": slug})
    assert refused.status_code == 404
    assert "article" not in await kinds(house, held)


async def test_guidance_is_suggested_until_it_is_put_aside(house: House, cora: SignedIn, held: str) -> None:
    await house.write_article("risk", "Supervision sessions and risk")
    async with house.client(cora) as desk:
        assert 'data-slug="risk"' in (await desk.get(path(held))).text
        for _ in range(2):
            assert (await desk.post(path(held, "dismiss"), {"article": "risk"})).status_code == 303
        assert 'data-slug="risk"' not in (await desk.get(path(held))).text
        searched = (await desk.get(f"{path(held)}?q=supervision")).text
        assert 'data-slug="risk"' in searched
    assert await house.count(dismissal) == 1


async def test_nothing_fits_tells_editors_the_topic_and_not_a_word_that_was_said(
    house: House, cora: SignedIn, dev: SignedIn, held: str
) -> None:
    await house.write_article("risk", "Supervision sessions and risk")
    await house.write_article("orders", "Orders and bail")
    async with house.client(dev) as other:
        assert (await other.post(path(held, "nothing-fits"), {"shown": "risk"})).status_code == 404
    async with house.client(cora) as desk:
        page = (await desk.get(path(held))).text
        assert re.search(r'name="shown" value="[^"]*risk', page)
        for shown in ("risk", "risk", "risk orders", "risk what-somebody-typed", "x" * 5_000):
            noted = await desk.post(path(held, "nothing-fits"), {"shown": shown})
            assert noted.headers["location"].endswith("?said=nothing-fits#context")
        assert "Noted. The editors see the topic" in (await desk.get(f"{path(held)}?said=nothing-fits")).text
    async with house.db.read() as connection:
        rows = (await connection.execute(select(no_guidance))).all()
    assert [(row.topic, row.shown) for row in rows] == [
        (ENQUIRY["topic"], shown) for shown in ("risk", "risk orders", "")
    ]


async def test_a_draft_is_kept_sealed_and_comes_back(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        kept = await desk.post_json(path(held, "draft"), {"text": "I would begin with"})
        assert kept.status_code == 204
        assert "I would begin with" in (await desk.get(path(held))).text
        async with house.db.read() as connection:
            assert b"begin" not in (await connection.execute(select(draft.c.sealed))).scalar_one()
        await desk.post_json(path(held, "draft"), {"text": ""})
    assert await house.count(draft) == 0


async def test_presence_and_capacity(house: House, cora: SignedIn) -> None:
    async with house.client(cora) as desk:
        assert (await desk.post("/desk/presence", {"state": "busy", "capacity": "4"})).status_code == 303
        on_duty = await house.presences.of(cora.account_id)
        assert (on_duty.state, on_duty.capacity) == ("busy", 4)
        answered = await desk.post_json("/desk/presence", {"state": "online"})
        assert answered.json() == {"next": "/desk", "state": "online", "capacity": 4}
        for wrong in ({"state": "offline"}, {}, {"capacity": "7"}, {"capacity": "0"}, {"capacity": "\uff12"}):
            assert (await desk.post("/desk/presence", wrong)).status_code == 422


async def test_an_admins_ceiling_holds(house: House, cora: SignedIn) -> None:
    await house.set("most_capacity", "3")
    async with house.client(cora) as desk:
        await desk.post("/desk/presence", {"capacity": "6"})
        assert '<option value="4">' not in (await desk.get("/desk")).text
    assert (await house.presences.of(cora.account_id)).capacity == 3


async def test_declining_leaves_a_trace_and_the_place(house: House, cora: SignedIn) -> None:
    reference = await house.enquire()
    async with house.client(cora) as desk:
        answered = await desk.post(path(reference, "decline"), {})
    assert answered.headers["location"] == "/desk?said=declined"
    assert (await house.queue.read()).places[0].reference == reference


async def test_ending_twice_ends_once_and_leads_to_the_wrap_up(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        token = await desk.token()
        answers = await asyncio.gather(*(desk.post(path(held, "end"), {}, token=token) for _ in range(4)))
        assert {answer.headers["location"] for answer in answers} == {path(held, "wrap-up")}
        late = await desk.post_json(path(held, "messages"), {"text": "One more thing", "id": str(uuid4())})
        assert (late.status_code, late.json()["code"]) == (409, "ended")
        page = (await desk.get(path(held))).text
    assert (await kinds(house, held)).count("ended") == 1
    assert "Wrap up" in page


# Who may not.


@pytest.mark.parametrize("action", ACTIONS)
async def test_without_sign_in_every_door_leads_to_it(house: House, held: str, action: str) -> None:
    async with house.client() as stranger:
        answered = await stranger.post(path(held, action), dict(ACTIONS[action]))
        assert answered.headers["location"].startswith("/sign-in?next=")
        shown = await stranger.get(path(held))
    assert shown.headers["location"] == f"/sign-in?next=%2Fdesk%2Fconversations%2F{held}"
    assert await house.count(event) == 3


@pytest.mark.parametrize("action", [name for name in ACTIONS if name not in ("accept", "decline")])
async def test_a_colleagues_conversation_does_not_exist(house: House, dev: SignedIn, held: str, action: str) -> None:
    async with house.client(dev) as desk:
        theirs = await desk.post(path(held, action), dict(ACTIONS[action]))
        unknown = await desk.post(path("0000-0000", action), dict(ACTIONS[action]))
    assert theirs.status_code == unknown.status_code == 404
    assert _without_noise(theirs.text) == _without_noise(unknown.text)
    assert await house.count(event) == 3


async def test_neither_waiting_nor_foreign_ones_can_be_opened(house: House, dev: SignedIn, held: str) -> None:
    waiting = await house.enquire()
    async with house.client(dev) as desk:
        answers = [await desk.get(path(one)) for one in (held, waiting, "0000-0000")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({_without_noise(answer.text) for answer in answers}) == 1


@pytest.mark.parametrize("role", [Role.EDITOR, Role.ADMIN])
async def test_the_area_is_closed_to_other_roles(house: House, held: str, role: Role) -> None:
    other = await house.hire("Eve", role)
    async with house.client(other) as browser:
        assert (await browser.get("/desk")).status_code == 403
        assert (await browser.get(path(held))).status_code == 403
        refused = await browser.post("/desk/next", {}, token="x")
    assert refused.status_code == 403


async def test_a_supervisor_looks_but_takes_nothing(house: House, held: str) -> None:
    sue = await house.hire("Sue", Role.SUPERVISOR)
    async with house.client(sue) as browser:
        assert (await browser.get("/desk")).status_code == 200
        assert (await browser.get(path(held))).status_code == 404
        assert (await browser.post("/desk/next", {})).status_code == 403


async def test_a_foreign_form_token_changes_nothing(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    async with house.client(dev) as other:
        foreign = await other.token()
    async with house.client(cora) as desk:
        for action, fields in ACTIONS.items():
            assert (await desk.post(path(held, action), dict(fields), token=foreign)).status_code == 403
    assert await house.count(event) == 3


async def test_sent_again_by_who_lost_it_is_answered_as_before(
    house: House, cora: SignedIn, dev: SignedIn, held: str
) -> None:
    """The answer to the first try was lost on the way, and meanwhile a colleague has it; what is new is refused."""
    document = {"text": "Tell me more.", "id": str(uuid4())}
    async with house.client(cora) as desk:
        first = await desk.post_json(path(held, "messages"), document)
        async with house.db.write() as connection:
            await connection.execute(conversation.update().values(advisor_id=dev.account_id, claim_epoch=2))
        again = await desk.post_json(path(held, "messages"), document)
        assert (again.status_code, again.json()) == (201, first.json() | {"again": True})
        assert (await desk.post(path(held, "messages"), document)).status_code == 303
        other = await desk.post_json(path(held, "messages"), document | {"text": "Something else"})
        assert (other.status_code, other.json()["code"]) == (409, "id_conflict")
        new = await desk.post_json(path(held, "messages"), document | {"id": str(uuid4())})
        assert (new.status_code, new.json()["code"]) == (409, "assignment_lost")
    assert await house.count(event) == 4


async def test_who_lost_it_is_told_and_writes_nothing(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    async with house.db.write() as connection:
        changed = {"advisor_id": dev.account_id, "claim_epoch": 2}
        await connection.execute(conversation.update().values(**changed))
    async with house.client(cora) as desk:
        answered = await desk.post_json(path(held, "messages"), {"text": "Still here?", "id": str(uuid4())})
        assert (answered.status_code, answered.json()["code"]) == (409, "assignment_lost")
        assert (await desk.post(path(held, "end"), {})).status_code == 409
        assert (await desk.get(path(held))).status_code == 404
    assert await house.count(event) == 3


def _without_noise(page: str) -> str:
    """Without what differs on each page: the token, the log's reference."""
    return re.sub(r'value="[\w-]{43}"|[0-9a-f]{8}', "", page)
