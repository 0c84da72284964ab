"""The same enquiry sent again: after a lost answer, by a double click, days later; one conversation and one cookie."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from chat.tables import conversation, event
from core.tables import audit
from tests.triage.house import ENQUIRY, Browser, House, hidden_fields


async def form_of(ada: Browser, **changes: Any) -> dict[str, Any]:
    """The complete form as a browser sends it: with what its page carried."""
    page = (await ada.get("/ask?all=1")).text
    carried = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
    assert {"csrf_token", "enquiry_id"} <= carried.keys()
    return {**carried, **ENQUIRY, **changes}


async def send(ada: Browser, form: dict[str, Any]) -> httpx.Response:
    return await ada.http.post("/ask", data=form)


def cookie(answer: httpx.Response) -> str:
    found: str = answer.cookies["visitor"]
    return found


async def test_after_a_lost_answer_it_leads_to_the_same_conversation(house: House) -> None:
    """The cookies never arrived; what is sent again sets the very same ones, and they open it."""
    async with house.client() as ada:
        form = await form_of(ada)
        first = await send(ada, form)
        for name in ("visitor", "ticket"):
            ada.http.cookies.delete(name)
        again = await send(ada, form)
        assert (again.status_code, again.headers["location"]) == (303, "/chat")
        assert cookie(again) == cookie(first)
        page = (await ada.get("/chat")).text
        assert "ticket-code" in page
    assert await house.count(conversation) == 1
    assert await house.count(event) == 2
    async with house.db.read() as connection:
        opened = (await connection.execute(select(audit.c.action).where(audit.c.action == "open"))).all()
    assert len(opened) == 1


async def test_twenty_at_once_open_one(house: House) -> None:
    async with house.client() as ada:
        form = await form_of(ada)
        answers = await asyncio.gather(*(send(ada, form) for _ in range(20)))
    assert {(answer.status_code, cookie(answer)) for answer in answers} == {(303, cookie(answers[0]))}
    assert await house.count(conversation) == 1
    assert await house.count(event) == 2


async def test_the_code_is_the_same_and_opens_it_elsewhere(house: House) -> None:
    async with house.client() as ada:
        form = await form_of(ada)
        headers = {"x-csrf-token": form["csrf_token"]}
        document = {name: value for name, value in form.items() if name != "csrf_token"}
        first, again = [(await ada.http.post("/ask", json=document, headers=headers)).json() for _ in range(2)]
    assert first == again
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){4}", first["resume_code"])
    async with house.db.write() as connection:
        assert await house.conversations.resume(connection, first["conversation"], first["resume_code"])


async def test_it_is_answered_when_the_service_has_closed_since(house: House) -> None:
    async with house.client() as ada:
        form = await form_of(ada)
        first = await send(ada, form)
        house.clock.go_on(days=30, hours=12)
        again = await send(ada, form)
        assert (again.status_code, cookie(again)) == (303, cookie(first))
        other = await send(ada, form | {"question": "Another question altogether."})
        assert other.status_code == 409
    assert await house.count(conversation) == 1


@pytest.mark.parametrize("change", [{"question": "Another question altogether."}, {"leave": "1"}, {"nickname": "Bea"}])
async def test_what_was_changed_is_not_lost(house: House, change: dict[str, str]) -> None:
    """Back, changed, sent: that is another enquiry."""
    async with house.client() as ada:
        form = await form_of(ada)
        first = await send(ada, form)
        second = await send(ada, form | change)
    assert cookie(first) != cookie(second)
    assert await house.count(conversation) == 2


async def test_another_browser_gets_nothing_by_it(house: House) -> None:
    """Not even with every field, the id among them: the answer rests on a cookie that scripts cannot read."""
    async with house.client() as ada, house.client() as ben:
        form = await form_of(ada)
        hers = await send(ada, form)
        theirs = await form_of(ben)
        his = await send(ben, form | {"csrf_token": theirs["csrf_token"]})
        assert his.status_code == 303
        assert cookie(his) != cookie(hers)
    assert await house.count(conversation) == 2


async def test_another_device_has_taken_it_over(house: House) -> None:
    """Sent again, the old form gives the old cookie, which opens nothing any more."""
    async with house.client() as ada:
        form = await form_of(ada)
        await send(ada, form)
        page = (await ada.get("/chat")).text
        code = re.search(r'id="ticket-code">([^<]+)<', page)
        reference = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}\b", page)
        assert code is not None
        assert reference is not None
        async with house.db.write() as connection:
            assert await house.conversations.resume(connection, reference.group(), code.group(1))
        again = await send(ada, form)
        assert again.status_code == 303
        assert (await ada.get("/chat")).headers["location"] == "/resume"
    assert await house.count(conversation) == 1


@pytest.mark.parametrize("given", [None, "", "x", "8f14e45f-ceea-467f-a0e6"])
async def test_without_an_id_each_is_its_own(house: House, given: str | None) -> None:
    """A client that knows only the published fields."""
    async with house.client() as ada:
        form = {name: value for name, value in (await form_of(ada)).items() if name != "enquiry_id"}
        if given is not None:
            form["enquiry_id"] = given
        cookies = {cookie(await send(ada, form)) for _ in range(2)}
    assert len(cookies) == 2
    assert await house.count(conversation) == 2


async def test_the_id_goes_along_from_page_to_page(house: House) -> None:
    """The first page's id is still there at the end; the page of a hold and that of a closed service keep it too."""
    async with house.client() as ada:
        page = (await ada.get("/ask")).text
        given = hidden_fields(page)["enquiry_id"]
        for step in ("immediate_danger", "sector", "area", "topic", "deadline", "risk_flags", "question"):
            fields = {**hidden_fields(page), step: ENQUIRY[step], "go": "next"}
            page = (await ada.post("/ask", fields)).text
        assert hidden_fields(page)["enquiry_id"] == given
        held = await ada.post("/ask", {**ENQUIRY, "question": "Ring him on 07700 900123.", "enquiry_id": given})
        assert held.status_code == 409
        assert held.text.count(f'name="enquiry_id" value="{given}"') == 3
        house.clock.go_on(hours=12)
        closed = await ada.post("/ask", {**ENQUIRY, "enquiry_id": given})
        assert f'name="enquiry_id" value="{given}"' in closed.text
    assert await house.count(conversation) == 0
