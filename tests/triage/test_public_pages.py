"""The first page, the waiting room, other services and plain texts."""

import re

import pytest

from chat.tables import conversation
from core.people import SignedIn
from tests.triage.house import ENQUIRY, House
from triage.signposts import PLACES


async def test_the_first_page_says_whether_somebody_is_there(house: House) -> None:
    async with house.client() as ada:
        page = (await ada.get("/")).text
        assert "Open now, until 5pm." in page
        assert "9:30am to 5pm" in page
        assert "24 hours after it ends" in page
        assert page.index("others can help you") < page.index("I am experiencing abuse")
        assert title_of(page).startswith("Advice for professionals")
        house.clock.go_on(hours=8)
        assert "Closed. Opens tomorrow at 9:30am." in (await ada.get("/")).text


async def test_the_first_page_is_shared_and_asked_about(house: House) -> None:
    async with house.client() as ada:
        first = await ada.get("/")
        assert first.headers["cache-control"] == "public, no-cache"
        assert "set-cookie" not in first.headers
        assert "csrf_token" not in first.text
        same = await ada.get("/", **{"if-none-match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        await house.write_article("risk", "Risk indicators")
        changed = await ada.get("/", **{"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert 'href="/guidance/risk"' in changed.text


async def test_a_supervisors_notice_closes_the_line_at_once(house: House) -> None:
    await house.set("line_open", "no")
    await house.set("line_message", "We are training today.")
    async with house.client() as ada:
        page = (await ada.get("/")).text
        assert "The line is closed to new enquiries for now." in page
        assert "We are training today." in page
        assert (await ada.post("/ask", ENQUIRY)).status_code == 409
    assert await house.count(conversation) == 0


async def test_the_waiting_room_shows_place_code_and_guidance(house: House) -> None:
    await house.write_article("supervision", "Supervision sessions")
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        page = (await ada.get("/chat")).text
        assert "You are next." in page
        code = re.search(r'id="ticket-code">([0-9A-Z-]+)<', page)
        assert code is not None
        assert len(code.group(1).replace("-", "")) == 20
        assert "Supervision sessions" in page
        assert "Probation or prisons" in page
        assert code.group(1) in (await ada.get("/chat")).text, "a reload still shows it"
        house.clock.go_on(hours=1)
        assert code.group(1) not in (await ada.get("/chat")).text


async def test_the_code_opens_with_its_own_cookie_only(house: House) -> None:
    async with house.client() as ada, house.client() as ben:
        await ada.post("/ask", ENQUIRY)
        await ben.post("/ask", ENQUIRY)
        ben.http.cookies.delete("ticket")
        ben.http.cookies.set("ticket", ada.http.cookies["ticket"])
        page = (await ben.get("/chat")).text
        assert "ticket-code" not in page
        for junk in ("", "x", "AAAA", "é" * 5, "A" * 4_000):
            ben.http.cookies.delete("ticket")
            ben.http.cookies.set("ticket", junk.encode("ascii", "ignore").decode())
            assert (await ben.get("/chat")).status_code == 200


async def test_a_waiting_visitor_may_leave_it_as_a_question(house: House, cora: SignedIn) -> None:
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        for _ in range(2):
            assert (await ada.post("/chat/question", {})).headers["location"] == "/chat"
        page = (await ada.get("/chat")).text
        assert "Your question is with us" in page
        assert "in our opening hours, when one is free" in page
        for of_the_line in ("Leave the line", "your place", "when the service is open", "when an advisor joins"):
            assert of_the_line not in page
    assert (await house.queue.read()).places == ()
    async with house.client(cora) as desk:
        taken = re.search(r'action="(/desk/conversations/[^/]+/accept)"', (await desk.get("/desk")).text)
        assert taken is not None
        assert (await desk.post(taken.group(1), {})).status_code == 303


async def test_a_question_may_be_taken_back(house: House) -> None:
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        await ada.post("/chat/question", {})
        assert "Take the question back" in (await ada.get("/chat")).text
        await ada.post("/chat/leave", {})
        page = (await ada.get("/chat")).text
        assert "You took your question back" in page
        assert "the line" not in page


async def test_what_an_advisor_took_is_no_question_any_more(house: House, cora: SignedIn) -> None:
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        await house.claims.claim_next(cora)
        assert (await ada.post("/chat/question", {})).status_code == 409


async def test_a_question_needs_its_visitor(house: House) -> None:
    async with house.client() as stranger:
        assert (await stranger.post("/chat/question", {})).headers["location"] == "/resume"


@pytest.mark.parametrize("kind", PLACES)
async def test_other_services_have_a_number_and_a_date(house: House, kind: str) -> None:
    async with house.client() as stranger:
        page = await stranger.get(f"/signpost/{kind}")
    assert page.status_code == 200
    assert page.text.count('href="tel:') > 2
    assert title_of(page.text).startswith("Other services"), "the history gives nobody away"
    assert "19 October 2026" in page.text


async def test_an_unknown_signpost_is_not_found(house: House) -> None:
    async with house.client() as stranger:
        assert (await stranger.get("/signpost/nowhere")).status_code == 404


@pytest.mark.parametrize("name", ["accessibility", "confidentiality", "cookies"])
async def test_the_footers_texts(house: House, name: str) -> None:
    async with house.client() as stranger:
        page = await stranger.get(f"/{name}")
    assert page.status_code == 200
    assert f'<h1 class="govuk-heading-l">{name.capitalize()}' in page.text
    assert f"<title>{name.capitalize()}" in page.text


async def test_the_advisor_sees_what_was_read_while_waiting(house: House, cora: SignedIn) -> None:
    await house.write_article("supervision", "Supervision sessions")
    async with house.client() as ada, house.client() as stranger:
        await ada.post("/ask", ENQUIRY)
        for _ in range(2):
            told = await ada.post_json("/chat/opened", {"article": "supervision", "version": 1})
            assert told.status_code == 204
        assert (await ada.post_json("/chat/opened", {"article": "unknown"})).status_code == 404
        assert (await ada.post_json("/chat/opened", {"article": ["x"]})).status_code == 404
        assert (await stranger.post_json("/chat/opened", {"article": "supervision"})).status_code == 401
    claim = await house.claims.claim_next(cora)
    assert claim is not None
    assert await house.guidance.read_while_waiting(claim.conversation_id) == ["Supervision sessions"]
    async with house.client(cora) as desk:
        assert "Read while waiting:" in (await desk.get(f"/desk/conversations/{claim.reference}")).text


def title_of(page: str) -> str:
    found = re.search(r"<title>([^<]*)</title>", page)
    assert found is not None
    return found[1]
