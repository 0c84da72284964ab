"""Saying something by POST: as JSON from a script, as a form from a page without one."""

import asyncio
import re
import uuid

import pytest

from chat.conversations import Conversations
from chat.log import Log
from core.errors import Unavailable
from core.limits import Limiter
from tests.chat.house import House
from tests.chat.people import Ada, Cora, Person

JSON = "application/json"


async def test_as_json(ada: Ada) -> None:
    given = uuid.uuid4()
    first = await ada.say("Hello", given)
    again = await ada.say("Hello", given)
    other = await ada.say("Goodbye", given)
    assert first.status_code == 201
    assert first.json().keys() == {"seq", "id", "at", "again"}
    assert (first.json()["seq"], first.json()["id"], first.json()["again"]) == (3, str(given), False)
    assert (again.status_code, again.json()) == (201, first.json() | {"again": True})
    assert (other.status_code, other.json()["code"]) == (409, "id_conflict")
    assert [one["seq"] for one in await ada.log()] == [1, 2, 3]


async def test_one_id_over_every_transport(two_processes: House) -> None:
    """The same message by socket, JSON and form, at both processes at once: one event, one number for all."""
    first, second = two_processes.processes
    async with Ada(two_processes, first) as ada:
        reference = await ada.ask()
        tokens = await ada.form_token()
        given = uuid.uuid4()
        async with ada.line() as line:
            await line.hello()
            ada.move_to(second)
            headers = {"X-CSRF-Token": tokens}
            document = {"id": str(given), "text": "Hello"}
            answers = await asyncio.gather(
                line.say(reference, "Hello", given),
                ada.http.post("/chat/messages", json=document, headers=headers),
                ada.http.post("/chat/messages", data={**document, "csrf_token": tokens}),
                ada.http.post("/chat/messages", json=document, headers=headers),
            )
        assert {answers[0]["seq"], answers[1].json()["seq"], answers[3].json()["seq"]} == {3}
        assert answers[2].headers["location"] == "/chat"
        assert [one["again"] for one in (answers[0], answers[1].json(), answers[3].json())].count(False) <= 1
        assert [one["seq"] for one in await ada.log()] == [1, 2, 3]


REFUSED = [
    ("\0", 422, "invalid_text"),
    ("", 422, "empty"),
    (" \u200b\n", 422, "empty"),
    ("x" * 4_001, 422, "too_long"),
]


@pytest.mark.parametrize(("text", "status", "code"), REFUSED, ids=range(len(REFUSED)))
async def test_text_that_is_not_stored(ada: Ada, text: str, status: int, code: str) -> None:
    answer = await ada.say(text)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]
    assert len(await ada.log()) == 2


async def test_half_of_a_surrogate_pair(ada: Ada) -> None:
    body = b'{"id": "6f1c2b5e-0b0a-4a54-9a35-3d2f3f6f8c11", "text": "half \\ud83d of it"}'
    headers = {"Content-Type": JSON, "X-CSRF-Token": await ada.form_token()}
    answer = await ada.http.post("/chat/messages", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_text")


HOSTILE = [
    b"",
    b"{",
    b"[]",
    b"17",
    b"[" * 100_000,
    b'{"text": ' + b"9" * 5_000 + b"}",
    b'{"text": "\xff"}',
    b'{"text": 1e999}',
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
async def test_what_is_no_json_object(ada: Ada, body: bytes) -> None:
    headers = {"Content-Type": JSON, "X-CSRF-Token": await ada.form_token()}
    answer = await ada.http.post("/chat/messages", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


DOCUMENTS: list[dict[str, object]] = [
    {},
    {"text": "Hello"},
    {"id": "x", "text": "Hello"},
    {"id": 17, "text": "Hello"},
    {"id": str(uuid.uuid4())},
    {"id": str(uuid.uuid4()), "text": 17},
    {"id": str(uuid.uuid4()), "text": "Hello", "confirm": 7},
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
async def test_a_document_without_its_fields(ada: Ada, document: dict[str, object]) -> None:
    answer = await ada.post_json("/chat/messages", document)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_frame")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/json2", "image/png"])
async def test_another_content_type(ada: Ada, content_type: str) -> None:
    headers = {"Content-Type": content_type, "X-CSRF-Token": await ada.form_token()}
    answer = await ada.http.post("/chat/messages", content=b'{"text": "Hello"}', headers=headers)
    assert answer.status_code == 415
    assert len(await ada.log()) == 2


async def test_without_a_token_nothing_is_stored(ada: Ada, cora: Cora, one_house: House) -> None:
    """Neither none, nor a wrong one, nor somebody else's; what was typed stays on the page."""
    async with Ada(one_house) as ben:
        theirs = await ben.form_token()
    for token in ("", "x" * 43, theirs, await cora.form_token()):
        document = {"id": str(uuid.uuid4()), "text": "Hello"}
        answer = await ada.http.post("/chat/messages", json=document, headers={"X-CSRF-Token": token})
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
        form = await ada.http.post("/chat/messages", data={"text": "typed with care", "csrf_token": token})
        assert form.status_code == 403
        assert "typed with care" in form.text
    assert len(await ada.log()) == 2


@pytest.mark.parametrize("path", ["messages", "leave", "feedback", "question", "opened"])
async def test_without_a_cookie(one_house: House, path: str) -> None:
    """A program is told what the poll says: `not_found` would mean that the conversation is gone, and its texts with it."""
    async with Person(one_house) as stranger:
        for cookie in ("", "x" * 43):
            stranger.http.cookies.set("visitor", cookie)
            answer = await stranger.post_json(f"/chat/{path}", {"id": str(uuid.uuid4()), "text": "Hello"})
            assert (answer.status_code, answer.json()["code"]) == (401, "sign_in")
            assert answer.json() == (await stranger.http.get("/chat/poll")).json()
            form = await stranger.post(f"/chat/{path}", {"text": "Hello"})
            # That an article was opened is told by a script alone: nobody is led away by it.
            assert form.headers.get("location") == (None if path == "opened" else "/resume")


async def test_as_a_form(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    page = (await ada.http.get("/chat")).text
    given = field_of(page, "id")
    for _ in range(2):
        answer = await ada.post("/chat/messages", {"text": "Hello\r\nCora", "id": given})
        assert (answer.status_code, answer.headers["location"]) == (303, "/chat")
    stored = (await ada.log())[3:]
    assert [(one["text"], one["id"]) for one in stored] == [("Hello\nCora", given)]
    page = (await ada.http.get("/chat")).text
    assert "Hello\nCora" in page
    assert field_of(page, "id") != given


async def test_a_form_without_an_id(ada: Ada) -> None:
    for _ in range(2):
        assert (await ada.post("/chat/messages", {"text": "Hello"})).status_code == 303
    assert len(await ada.log()) == 4


@pytest.mark.parametrize("taken", [True, False])
async def test_a_form_that_is_refused_keeps_the_text(ada: Ada, cora: Cora, taken: bool) -> None:
    if taken:
        await cora.take(ada.reference)
    long = "a long story " * 400
    answer = await ada.post("/chat/messages", {"text": long})
    assert answer.status_code == 422
    assert long.strip() in answer.text
    assert "characters" in answer.text
    assert (await ada.post("/chat/messages", {"text": " "})).status_code == 422


async def test_a_form_with_a_nul_keeps_the_text_without_it(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    for person, path in ((ada, "/chat/messages"), (cora, cora.path(ada.reference, "/messages"))):
        answer = await person.post(path, {"text": "typed \0with care"})
        assert answer.status_code == 422
        assert "typed with care</textarea>" in answer.text
        assert "cannot be stored" in answer.text
    note = await cora.post(cora.path(ada.reference, "/notes"), {"text": "noted \0with care"})
    assert note.status_code == 422
    assert "noted with care" in note.text
    assert len(await ada.log()) == 3


async def test_a_form_while_the_database_is_away_keeps_the_text(
    ada: Ada, cora: Cora, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cora.take(ada.reference)

    def away(*given: object, **more: object) -> None:
        raise Unavailable

    for broken, name in ((Log, "say"), (Conversations, "_one")):
        token = await ada.form_token()
        with monkeypatch.context() as patch:
            patch.setattr(broken, name, away)
            answer = await ada.http.post("/chat/messages", data={"csrf_token": token, "text": "typed with care"})
            assert answer.status_code == 503
            assert "typed with care" in answer.text
            document = {"id": str(uuid.uuid4()), "text": "Hello"}
            answer = await ada.http.post("/chat/messages", json=document, headers={"X-CSRF-Token": token})
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_after_the_end(ada: Ada, cora: Cora) -> None:
    """409; a script is told the code, a person gets the text back."""
    await cora.take(ada.reference)
    await cora.end(ada.reference)
    late = await ada.say("One more thing")
    assert (late.status_code, late.json()["code"]) == (409, "ended")
    form = await ada.post("/chat/messages", {"text": "One more thing"})
    assert form.status_code == 409
    assert "One more thing" in form.text
    desk = await cora.say(ada.reference, "One more thing")
    assert (desk.status_code, desk.json()["code"]) == (409, "ended")


async def test_what_may_identify_a_person_is_held(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    text = "His NHS number is 943 476 5919."
    held = await ada.say(text)
    assert (held.status_code, held.json()["code"]) == (409, "hold")
    assert held.json()["findings"][0]["text"] == "943 476 5919"
    page = await ada.post("/chat/messages", {"text": text})
    assert page.status_code == 409
    assert "943 476 5919" in page.text
    assert len(await ada.log()) == 3
    sent = await ada.post("/chat/messages", {"text": text, "confirm": "yes"})
    assert sent.status_code == 303
    assert (await ada.log())[3]["text"] == text


async def test_saying_and_ending_at_once(house: House) -> None:
    """What was stored before the end was acknowledged; what came after it was refused; nothing stands behind the end."""
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await cora.take(await ada.ask())
        headers = {"X-CSRF-Token": await ada.form_token()}

        async def say(number: int) -> int:
            document = {"id": str(uuid.uuid4()), "text": f"{number}"}
            return (await ada.http.post("/chat/messages", json=document, headers=headers)).status_code

        answers = await asyncio.gather(*map(say, range(10)), cora.end(ada.reference), *map(say, range(10)))
        events = await ada.log()
        assert events[-1]["kind"] == "ended"
        assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
        assert answers.count(201) == len(events) - 4
        assert answers.count(201) + answers.count(409) == 20


def field_of(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None, page
    return found.group(1)


async def test_a_flood_by_post_is_slowed_as_on_a_socket(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON with the time to wait; on the page the text is kept."""
    monkeypatch.setattr(ada.at.parts.visitor, "_messages", Limiter(0.1, 2))
    assert [(await ada.say("Hello")).status_code for _ in range(2)] == [201, 201]
    refused = await ada.say("Hello")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.json()["retry_after_s"] == int(refused.headers["retry-after"]) > 0
    page = await ada.post("/chat/messages", {"text": "My long message"})
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0
    assert "My long message" in page.text
    assert len(await ada.log()) == 4
