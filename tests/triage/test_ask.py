"""The enquiry through its door: all at once, step by step, and everything that must not start a conversation."""

import re

import pytest
from sqlalchemy import delete, select

from chat.tables import conversation, event
from core.tables import audit
from tests.triage.house import ENQUIRY, House, hidden_fields, ids_of, without
from triage.tables import hours
from triage.words import AREAS, SIGNPOSTS

STEPS = ("immediate_danger", "sector", "area", "topic", "deadline", "risk_flags", "question")


async def test_all_fields_at_once_start_a_conversation(house: House) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", ENQUIRY)
        assert (answered.status_code, answered.headers["location"]) == (303, "/chat")
        found = await house.conversations.of_visitor(ada.http.cookies["visitor"])
    assert found is not None
    assert (found.status, found.urgency, found.nickname, found.sector) == ("waiting", "routine", "Ada", "probation")
    written = await house.log.read(found.id)
    assert [one.kind for one in written] == ["message", "queued"]
    assert written[0].text == ENQUIRY["question"]


async def test_the_start_is_on_record_without_its_text(house: House) -> None:
    reference = await house.enquire()
    async with house.db.read() as connection:
        row = (await connection.execute(select(audit))).one()
        assert await house.audit.first_bad_row(connection) is None
    assert (row.actor, row.action, row.subject) == ("visitor", "open", f"conversation:{reference}")
    assert "supervision" not in row.data


async def test_the_cookie_is_out_of_reach_of_scripts(house: House) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", ENQUIRY)
    visitor, ticket = (one for one in answered.headers.get_list("set-cookie") if not one.startswith("form="))
    assert re.match(r"visitor=[\w-]{43};", visitor)
    assert "HttpOnly" in visitor
    assert "SameSite=lax" in visitor
    assert "HttpOnly" in ticket


@pytest.mark.parametrize(
    ("changes", "urgency"),
    [
        ({"immediate_danger": "yes", "called_999": "yes"}, "emergency"),
        ({"immediate_danger": "unsure", "called_999": "not_needed"}, "routine"),
        ({"deadline": "today"}, "same_day"),
        ({"risk_flags": ["stalking", "order_breached"]}, "same_day"),
        ({"risk_flags": "unsure"}, "routine"),
    ],
)
async def test_answers_decide_the_urgency(house: House, changes: dict[str, str], urgency: str) -> None:
    found = await house.conversations.by_reference(await house.enquire(**changes))
    assert found is not None
    assert found.urgency == urgency


@pytest.mark.parametrize("danger", ["yes", "unsure"])
async def test_danger_shows_999_and_starts_nothing(house: House, danger: str) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", {**ENQUIRY, "immediate_danger": danger})
    assert answered.status_code == 200
    assert 'href="tel:999"' in answered.text
    assert "Call if any of these is true:" in answered.text, "the list is not of what the service is for"
    assert hidden_fields(answered.text)["question"] == ENQUIRY["question"]
    assert "visitor" not in ada.http.cookies
    assert await house.count(conversation) == 0


async def test_danger_is_asked_even_when_all_else_is_missing(house: House) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", {"immediate_danger": "yes"})
    assert (answered.status_code, await house.count(conversation)) == (200, 0)


async def test_an_invented_answer_about_999_is_refused(house: House) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", {**ENQUIRY, "immediate_danger": "yes", "called_999": "maybe"})
    assert (answered.status_code, await house.count(conversation)) == (422, 0)
    assert "<title>Error: Call 999 first" in answered.text


@pytest.mark.parametrize("sector", SIGNPOSTS)
async def test_who_is_not_here_for_work_is_shown_others(house: House, sector: str) -> None:
    async with house.client() as stranger:
        answered = await stranger.post("/ask", {**ENQUIRY, "sector": sector})
    assert answered.status_code == 200
    assert "places__phone" in answered.text
    assert await house.count(conversation) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("immediate_danger", ""),
        ("immediate_danger", "perhaps"),
        ("sector", "x' OR 1=1"),
        ("area", "atlantis"),
        ("topic", ""),
        ("deadline", "tomorrow"),
        ("risk_flags", []),
        ("risk_flags", "invented"),
        ("risk_flags", ["none", "stalking"]),
        ("risk_flags", ["unsure", "none"]),
        ("question", ""),
        ("question", "too short"),
        ("question", "\u200b" * 50),
        ("question", "x" * 1_001),
        ("nickname", "n" * 41),
        ("language", "fr"),
        ("confirmed", ""),
        ("confirmed", "no"),
    ],
)
async def test_an_invalid_answer_is_named_and_nothing_is_lost(house: House, name: str, value: str | list[str]) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", {**ENQUIRY, name: value})
    assert answered.status_code == 422
    assert f'href="#{name}"' in answered.text
    assert name in ids_of(answered.text)
    for kept in ("recognising_risk", "cleveland") if name not in ("topic", "area") else ():
        assert re.search(rf'value="{kept}"[^>]* (checked|selected)', answered.text)
    if name != "question":
        assert str(ENQUIRY["question"]) in answered.text
    assert await house.count(conversation) == 0


async def test_every_error_of_an_empty_form_has_a_link(house: House) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", {})
    links = re.findall(r'<li><a href="#([^"]+)"', answered.text)
    assert links == [
        "immediate_danger",
        "sector",
        "area",
        "topic",
        "deadline",
        "risk_flags",
        "question",
        "confirmed",
    ]
    assert set(links) <= set(ids_of(answered.text))


async def test_text_is_escaped_when_it_comes_back(house: House) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", {**ENQUIRY, "topic": "", "question": '<script>alert("x")</script> and more'})
    assert "<script>alert" not in answered.text
    assert "&lt;script&gt;alert" in answered.text


@pytest.mark.parametrize("step", [{}, {"step": "question", "go": "next"}])
async def test_a_nul_is_named_at_its_field_and_nothing_is_lost(house: House, step: dict[str, str]) -> None:
    """Without it the same answers go through, so the page can be sent again as it is."""
    async with house.client() as ada:
        answered = await ada.post("/ask", {**ENQUIRY, "question": "Some\0thing with care", **step})
        assert (answered.status_code, await house.count(conversation)) == (422, 0)
        assert re.findall(r'<li><a href="#([^"]+)"', answered.text) == ["question"]
        assert "Something with care" in answered.text
        assert ENQUIRY["nickname"] in answered.text
        nameless = await ada.post("/ask", {**ENQUIRY, "nickname": "\0"})
        assert re.findall(r'<li><a href="#([^"]+)"', nameless.text) == ["nickname"]
        sent = await ada.post("/ask", {**ENQUIRY, "question": "Something with care"})
    assert (sent.status_code, await house.count(conversation)) == (303, 1)


async def test_a_foreign_form_token_is_refused_and_the_text_kept(house: House) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", ENQUIRY, token="x" * 43)
    assert (answered.status_code, await house.count(conversation)) == (403, 0)
    assert str(ENQUIRY["question"]) in answered.text


async def test_unknown_fields_and_doubles_change_nothing(house: House) -> None:
    reference = await house.enquire(status="active", advisor_id="cora", urgency="emergency", sort_key="0")
    found = await house.conversations.by_reference(reference)
    assert found is not None
    assert (found.status, found.urgency, found.advisor_id) == ("waiting", "routine", None)


async def test_what_identifies_a_person_is_held(house: House) -> None:
    question = "His number is 07700 900123, may I ring him?"
    async with house.client() as ada:
        held = await ada.post("/ask", {**ENQUIRY, "question": question})
        assert held.status_code == 409
        assert "<mark>07700 900123</mark>" in held.text
        assert 'value="His number is [phone number], may I ring him?"' in held.text
        assert await house.count(event) == 0
        as_json = await ada.post_json("/ask", {**ENQUIRY, "question": question})
        found = {"kind": "phone", "start": 14, "end": 26, "text": "07700 900123", "field": "question"}
        assert as_json.json()["findings"] == [found]
        anyway = await ada.post("/ask", {**ENQUIRY, "question": question, "confirm": "yes"})
        assert anyway.status_code == 303


async def test_json_is_answered_in_json(house: House) -> None:
    async with house.client() as ada:
        wrong = await ada.post_json("/ask", {**ENQUIRY, "topic": "x"})
        assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["topic"])
        danger = await ada.post_json("/ask", {**ENQUIRY, "immediate_danger": "yes"})
        assert (danger.status_code, danger.json()["code"]) == (200, "call_999")
        started = await ada.post_json("/ask", {**ENQUIRY, "risk_flags": ["stalking"], "nickname": None})
        assert started.status_code == 201
        assert len(started.json()["resume_code"].replace("-", "")) * 5 >= 80


async def test_one_address_may_send_many_but_not_endless(house: House) -> None:
    async with house.client() as ada:
        token = await ada.token()
        answers = [await ada.post("/ask", ENQUIRY, token=token)]
        while answers[-1].status_code == 303 and len(answers) < 300:
            answers.append(await ada.post("/ask", ENQUIRY, token=token))
    assert len(answers) > 60
    assert answers[-1].status_code == 429
    assert "Retry-After" in answers[-1].headers
    assert str(ENQUIRY["question"]) in answers[-1].text


# One question a page.


async def test_seven_questions_one_a_page(house: House) -> None:
    async with house.client() as ada:
        page = (await ada.get("/ask")).text
        for number, step in enumerate(STEPS, start=1):
            assert f"Question {number} of 7" in page
            assert hidden_fields(page)["step"] == step
            page = (await ada.post("/ask", {**hidden_fields(page), step: ENQUIRY[step], "go": "next"})).text
        assert "Check your answers" in page
        assert AREAS["cleveland"] in page
        assert await house.count(conversation) == 0
        last = {"go": "send", "nickname": "Ada", "language": "cy", "confirmed": "yes"}
        sent = await ada.post("/ask", {**hidden_fields(page), **last})
    assert (sent.status_code, await house.count(conversation)) == (303, 1)


async def test_a_missing_answer_stays_on_its_page(house: House) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", {"immediate_danger": "no", "step": "sector", "go": "next"})
    assert answered.status_code == 422
    assert "Question 2 of 7" in answered.text
    assert 'href="#sector"' in answered.text


async def test_back_keeps_what_was_typed(house: House) -> None:
    async with house.client() as ada:
        sent = {**without(ENQUIRY, "confirmed"), "step": "topic", "go": "back"}
        page = (await ada.post("/ask", sent)).text
    assert "Question 3 of 7" in page
    assert re.search(r'value="cleveland"[^>]* selected', page)
    assert hidden_fields(page)["topic"] == "recognising_risk"


async def test_danger_in_steps_goes_by_999_and_on(house: House) -> None:
    async with house.client() as ada:
        page = await ada.post("/ask", {"step": "immediate_danger", "immediate_danger": "yes", "go": "next"})
        assert 'href="tel:999"' in page.text
        unanswered = await ada.post("/ask", {**hidden_fields(page.text), "go": "next"})
        assert unanswered.status_code == 422
        on = await ada.post("/ask", {**hidden_fields(page.text), "called_999": "yes", "go": "next"})
        assert "Question 2 of 7" in on.text
        assert hidden_fields(on.text)["called_999"] == "yes"


async def test_danger_answered_anew_asks_for_999_anew(house: House) -> None:
    async with house.client() as ada:
        sent = {
            **ENQUIRY,
            "step": "immediate_danger",
            "immediate_danger": "yes",
            "called_999": "not_needed",
            "go": "next",
        }
        page = await ada.post("/ask", sent)
    assert 'href="tel:999"' in page.text


async def test_change_leads_to_one_question_and_back_to_all(house: House) -> None:
    async with house.client() as ada:
        page = (await ada.post("/ask", {**ENQUIRY, "step": "check", "go": "change:deadline"})).text
        assert "Question 5 of 7" in page
        page = (await ada.post("/ask", {**hidden_fields(page), "deadline": "today", "go": "next"})).text
        assert "Check your answers" in page
        assert "Today, or in the next 24 hours" in page


async def test_the_promise_is_asked_for_on_the_last_page(house: House) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", {**without(ENQUIRY, "confirmed"), "step": "check", "go": "send"})
    assert answered.status_code == 422
    assert "Check your answers" in answered.text
    assert 'href="#confirmed"' in answered.text


@pytest.mark.parametrize("step", ["", "nonsense", "status", "../../etc"])
async def test_an_invented_step_is_the_whole_form(house: House, step: str) -> None:
    async with house.client() as ada:
        answered = await ada.post("/ask", {"step": step, "go": "next"})
    assert answered.status_code == 422


# Closed.


async def test_closed_shows_when_it_opens(house: House) -> None:
    house.clock.go_on(hours=8)
    async with house.client() as ada:
        page = await ada.get("/ask")
    assert page.status_code == 200
    assert "Closed. Opens tomorrow at 9:30am." in page.text
    assert 'href="/ask?leave=1"' in page.text


async def test_closing_while_somebody_types_loses_nothing(house: House) -> None:
    house.clock.go_on(hours=8)
    async with house.client() as ada:
        answered = await ada.post("/ask", ENQUIRY)
        assert (answered.status_code, await house.count(conversation)) == (409, 0)
        assert f'name="question" value="{ENQUIRY["question"]}"' in answered.text
        left = await ada.post("/ask", {**ENQUIRY, "leave": "1"})
        assert left.status_code == 303
        found = await house.conversations.of_visitor(ada.http.cookies["visitor"])
    assert found is not None
    assert found.status == "question"
    assert await house.queue.position(found.id) is None


async def test_round_the_clock_is_never_closed(house: House) -> None:
    await house.set("always_open", "yes")
    house.clock.go_on(hours=8)
    await house.enquire()


async def test_a_service_that_was_never_told_its_hours_turns_nobody_away(house: House) -> None:
    async with house.db.write() as connection:
        await connection.execute(delete(hours))
    house.clock.go_on(hours=8)
    await house.enquire()


async def test_the_addresses_of_one_customer_share_one_limit(house: House) -> None:
    """Whoever has a line with IPv6 has more of them than there are enquiries."""
    for number in range(200):
        async with house.client(address=f"2001:db8:1:2::{number:x}") as stranger:
            answered = await stranger.post("/ask", ENQUIRY)
        if answered.status_code == 429:
            break
    assert answered.status_code == 429
    async with house.client(address="2001:db8:1:3::1") as ada:
        assert (await ada.post("/ask", ENQUIRY)).status_code == 303
