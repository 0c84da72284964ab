"""The visitor's pages, by forms only: waiting, talking, leaving, coming back, the transcript."""

import asyncio
import re
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select

import chat.pages
from chat.conversations import Conversations
from chat.events import Entry
from chat.log import PAGE
from chat.tables import conversation
from chat.transcripts import Press, Transcript, spell_out
from chat.words import Kind
from core.clock import utc_now
from core.errors import Ended, RateLimited, Unavailable
from core.limits import Limiter
from tests.chat.house import House
from tests.chat.people import ENQUIRY, Ada, Cora, Person

HOSTILE = '<script>alert("1")</script> {{ 7*7 }} #eval("1") */ $x$ \\u{41} = Heading & <b>bold</b>'


async def test_the_whole_way_without_scripts(house: House) -> None:
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        reference, code = await ada.ask_and_read_code()
        waiting = (await ada.http.get("/chat")).text
        assert reference in waiting
        assert len(code) == 24
        await cora.take(reference)
        talking = (await ada.http.get("/chat")).text
        assert "With Cora" in talking
        assert "How do I prepare a first supervision session?" in talking
        await ada.post("/chat/messages", {"text": "Hello Cora"})
        await cora.post(cora.path(reference, "/messages"), {"text": "Hello Ada"})
        talking = (await ada.http.get("/chat")).text
        assert "Hello Cora" in talking
        assert "Hello Ada" in talking
        assert (await ada.post("/chat/leave")).headers["location"] == "/chat"
        over = await ada.http.get("/chat")
        assert over.status_code == 200
        assert "/chat/transcript.pdf" in over.text
        again = await ada.post("/chat/leave")
        assert again.headers["location"] == "/chat"
        assert [one["kind"] for one in await ada.log()] == [
            "message",
            "queued",
            "joined",
            "message",
            "message",
            "ended",
        ]


@pytest.mark.parametrize(
    "path", ["/chat", "/chat/transcript", "/chat/transcript.txt", "/chat/transcript.pdf", "/chat?follow=1"]
)
async def test_without_the_cookie(one_house: House, path: str) -> None:
    async with Person(one_house) as stranger:
        for cookie in ("", "x" * 43, "x" * 5_000):
            stranger.http.cookies.set("visitor", cookie)
            answer = await stranger.http.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/resume")


async def test_the_cookie(ada: Ada, one_house: House) -> None:
    """Nobody reads it but the browser, and the database holds only its hash."""
    async with Ada(one_house) as ben:
        await ben.http.get("/resume")
        cookie = (await ben.post("/ask", ENQUIRY)).headers["set-cookie"]
    assert cookie.startswith("visitor=")
    for word in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert word in cookie
    token = next(one.value for one in ada.http.cookies.jar if one.name == "visitor")
    assert token is not None
    assert len(token) >= 43
    async with one_house.database.read() as connection:
        query = select(conversation).where(conversation.c.reference == ada.reference)
        assert token not in str((await connection.execute(query)).one())


async def test_pages_are_not_kept(ada: Ada) -> None:
    for path in ("/chat", "/resume", "/chat/transcript", "/chat/transcript.txt", "/chat/transcript.pdf"):
        assert (await ada.http.get(path)).headers["cache-control"] == "no-store"


async def test_leaving_at_the_moment_it_is_taken(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The visitor wanted to go and is gone, whether it was still the line or already the conversation."""
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await ada.ask()
        ends = Conversations.end
        tries = 0

        async def taken_meanwhile(self: Conversations, *given: object) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                await cora.take(ada.reference)
            await ends(self, *given)  # type: ignore[arg-type]  # as they came

        monkeypatch.setattr(Conversations, "end", taken_meanwhile)
        assert (await ada.post("/chat/leave")).headers["location"] == "/chat"
        assert (tries, (await ada.log())[-1]["kind"]) == (2, "ended")


async def test_ending_twice_at_once_ends_once(house: House) -> None:
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await cora.take(await ada.ask())
        conversations = house.first.parts.conversations
        found = await conversations.by_reference(ada.reference)
        assert found is not None
        now = found.created_at
        answers = await asyncio.gather(
            *(conversations.end(found, found.visitor, now) for _ in range(5)), return_exceptions=True
        )
        assert [type(one) for one in answers].count(Ended) == 4
        assert [one["kind"] for one in await ada.log()].count("ended") == 1


async def test_forget(ada: Ada) -> None:
    answer = await ada.post("/chat/forget")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    assert "visitor" not in ada.http.cookies
    assert (await ada.http.get("/chat")).headers["location"] == "/resume"


async def test_forget_ends_what_is_open_and_every_copy(house: House) -> None:
    """As on a shared computer: only reference and code lead back."""
    async with Ada(house) as ada, Ada(house) as ben:
        reference, code = await ada.ask_and_read_code()
        await ben.ask()
        kept = ada.http.cookies["visitor"]
        async with ada.line() as line, ben.line() as other:
            await line.hello()
            await other.hello()
            assert (await ada.post("/chat/forget")).status_code == 303
            assert await line.closed() == 4104
            await other.quiet()
        ada.http.cookies.set("visitor", kept)
        assert (await ada.http.get("/chat/poll?wait=0")).status_code == 401
        assert (await ada.say("Hello")).status_code == 401
        ada.http.cookies.clear()
        await ada.post("/resume", {"reference": reference, "resume_code": code})
        assert (await ada.say("Back again")).status_code == 201


async def test_forget_clears_the_browser_while_the_database_is_away(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*given: object, **more: object) -> None:
        raise Unavailable

    monkeypatch.setattr(Conversations, "_one", away)
    answer = await ada.post("/chat/forget")
    assert answer.status_code == 303
    assert "visitor" not in ada.http.cookies


async def test_coming_back_on_another_device(house: House) -> None:
    async with Ada(house) as ada, Ada(house) as elsewhere:
        reference, code = await ada.ask_and_read_code()
        sloppy = {"reference": f" {reference.replace('-', '').lower()} ", "resume_code": code.replace("-", " ").lower()}
        answer = await elsewhere.post("/resume", sloppy)
        assert (answer.status_code, answer.headers["location"]) == (303, "/chat")
        assert reference in (await elsewhere.http.get("/chat")).text
        assert (await ada.http.get("/chat")).headers["location"] == "/resume"
        assert (await ada.post("/resume", sloppy)).headers["location"] == "/chat"


WRONG = [("", ""), ("x", "y"), ("0000-0000", "0000-0000-0000-0000-0000"), ("\u0660" * 8, "z" * 100_000)]


@pytest.mark.parametrize(("reference", "code"), WRONG, ids=range(len(WRONG)))
async def test_what_does_not_fit(house: House, reference: str, code: str) -> None:
    async with Person(house) as stranger:
        answer = await stranger.post("/resume", {"reference": reference, "resume_code": code})
        assert answer.status_code == 422
        assert "visitor" not in stranger.http.cookies
        assert len(code) < 2 or code not in answer.text


async def test_the_code_of_another_conversation(house: House) -> None:
    async with Ada(house) as ada, Ada(house) as ben, Person(house) as stranger:
        reference, _ = await ada.ask_and_read_code()
        _, code = await ben.ask_and_read_code()
        unknown = await stranger.post("/resume", {"reference": "0000-0000", "resume_code": code})
        foreign = await stranger.post("/resume", {"reference": reference, "resume_code": code})
        assert unknown.status_code == foreign.status_code == 422
        assert "visitor" not in stranger.http.cookies


async def test_guessing_is_slowed_and_harms_nobody_else(house: House) -> None:
    """However the reference is written; the page that is open goes on, and so do other visitors."""
    async with Ada(house) as ada, Ada(house) as ben, Person(house) as stranger:
        reference, _ = await ada.ask_and_read_code()
        spellings = [
            reference,
            reference.lower(),
            reference.replace("-", ""),
            f" {reference}",
            reference.replace("-", " "),
        ]
        statuses = []
        for number in range(10):
            fields = {"reference": spellings[number % 5], "resume_code": f"0000-0000-0000-0000-{number:04}"}
            answer = await stranger.post("/resume", fields)
            statuses.append(answer.status_code)
            assert (answer.status_code == 429) == (int(answer.headers.get("retry-after", "0")) > 0)
        assert statuses[:5] == [422] * 5
        assert 429 in statuses
        assert (await ada.http.get("/chat")).status_code == 200
        assert (await ada.say("Still here")).status_code == 201
        await ben.ask(nickname="Bee")
        assert (await ben.http.get("/chat")).status_code == 200


async def test_each_reference_has_its_own_count(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """From five addresses, so that only the reference can be what slows the tries."""
    addresses = iter(f"192.0.2.{number}" for number in range(1, 200))
    monkeypatch.setattr(chat.pages, "network_of", lambda request: next(addresses))
    async with Ada(house) as ada, Ada(house) as ben, Person(house) as stranger, Person(house) as elsewhere:
        reference, _ = await ada.ask_and_read_code()
        other, code = await ben.ask_and_read_code()
        spellings = [
            reference,
            reference.lower(),
            reference.replace("-", ""),
            f" {reference}",
            reference.replace("-", " "),
        ]
        statuses = [
            (await stranger.post("/resume", {"reference": spelling, "resume_code": "0" * 20})).status_code
            for spelling in spellings * 2
        ]
        assert statuses[:6] == [422] * 6
        assert 429 in statuses[6:]
        answer = await elsewhere.post("/resume", {"reference": other, "resume_code": code})
        assert answer.headers["location"] == "/chat"


async def test_who_shares_an_address_with_one_who_guesses(house: House) -> None:
    """The address is slowed, and yet everybody's own first try is looked at; a second one waits like the guesser's."""
    async with Ada(house) as ada, Ada(house) as ben, Person(house) as stranger, Person(house) as elsewhere:
        reference, code = await ada.ask_and_read_code()
        other, _ = await ben.ask_and_read_code()
        statuses = [
            (await stranger.post("/resume", {"reference": other, "resume_code": "0" * 20})).status_code
            for _ in range(8)
        ]
        assert statuses[-1] == 429
        answer = await elsewhere.post("/resume", {"reference": reference, "resume_code": code})
        assert answer.headers["location"] == "/chat"
        wrong = {"reference": "0000-0000", "resume_code": "0" * 20}
        assert (await stranger.post("/resume", wrong)).status_code == 422
        assert (await stranger.post("/resume", wrong)).status_code == 429


async def test_one_address_cannot_try_without_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new reference each time: each is a first try, and together they are too many."""
    monkeypatch.setattr(house.first.parts.visitor, "_resumes", Limiter(0.1, 3))
    async with Person(house) as stranger:
        statuses = [
            (await stranger.post("/resume", {"reference": f"0000-000{number}", "resume_code": "0" * 20})).status_code
            for number in range(4)
        ]
    assert statuses == [422, 422, 422, 429]


async def test_the_transcript(house: House) -> None:
    """All that was said, as text; no note; and nobody else's."""
    async with Ada(house) as ada, await Cora.hired(house) as cora, Ada(house) as ben:
        await cora.take(await ada.ask())
        assert (await ada.post_json("/chat/messages", said(HOSTILE))).status_code == 201
        await cora.note(ada.reference, "Known to the MARAC.")
        await cora.say(ada.reference, "Hello Ada \U0001f600 \u0177 \u4f60\u597d")
        text = await ada.http.get("/chat/transcript.txt")
        page = await ada.http.get("/chat/transcript")
        pdf = await ada.http.get("/chat/transcript.pdf")
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        assert text.headers["content-disposition"] == f'attachment; filename="transcript-{ada.reference}.txt"'
        assert HOSTILE in text.text
        assert "Hello Ada \U0001f600 \u0177" in text.text
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert" in page.text
        assert "49" not in page.text.partition("&lt;script&gt;")[2][:200]
        assert pdf.headers["content-type"] == "application/pdf"
        assert pdf.content.startswith(b"%PDF-")
        assert pdf.headers["content-disposition"] == f'attachment; filename="transcript-{ada.reference}.pdf"'
        for answer in (text, page):
            assert "MARAC" not in answer.text
        await ben.ask(nickname="Bee")
        assert HOSTILE not in (await ben.http.get("/chat/transcript.txt")).text
        assert ada.reference not in (await ben.http.get("/chat/transcript.txt")).text


SPELT = [
    ("plain \u0177 \u0416 \u20ac \u2192", "plain \u0177 \u0416 \u20ac \u2192"),
    ("well done \U0001f44d\U0001f3fd", "well done [thumbs up sign][emoji modifier fitzpatrick type-4]"),
    ("\u2764\ufe0f", "[heavy black heart]"),
    ("\u4f60\u597d", "\ufffd\ufffd"),
]


@pytest.mark.parametrize(("text", "spelt"), SPELT, ids=range(len(SPELT)))
def test_what_the_font_lacks_is_spelt_out(text: str, spelt: str) -> None:
    assert spell_out(text) == spelt


async def test_long_transcripts_are_made_one_at_a_time_and_delay_nobody() -> None:
    """One is made, three wait, and the others are told so; a short one is made beside them."""
    press, now = Press(), utc_now()
    try:
        long = Transcript("Dutyline", "QK7F-4PDX", now, None, [("Question", "An answer. " * 20_000)], [])
        made = asyncio.gather(*(press.as_pdf(long) for _ in range(6)), return_exceptions=True)
        short = await press.as_pdf(replace(long, facts=[]))
        assert short.startswith(b"%PDF")
        assert not made.done()
        kinds = [type(one) for one in await made]
        assert kinds == [bytes] * 4 + [RateLimited] * 2
    finally:
        press.close()


async def test_hostile_text_stays_text_on_every_page(house: House) -> None:
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await ada.ask(nickname="<i>Ada</i>", question=HOSTILE)
        pages = [await ada.http.get("/chat")]
        await cora.take(ada.reference)
        pages += [await ada.http.get("/chat"), await cora.http.get(cora.path(ada.reference))]
        refused = await ada.post("/chat/messages", {"text": HOSTILE + "x" * 4_000})
        pages.append(refused)
        assert refused.status_code == 422
        await cora.end(ada.reference)
        pages += [await ada.http.get("/chat"), await ada.post("/chat/messages", {"text": HOSTILE})]
        for page in pages:
            assert "<script>alert" not in page.text
            assert "<i>Ada</i>" not in page.text


def said(text: str) -> dict[str, str]:
    return {"id": str(uuid.uuid4()), "text": text}


async def test_what_was_written_for_another_conversation_is_not_said_in_this_one(house: House) -> None:
    """A second tab has asked anew: the first one's page still shows the conversation of before."""
    async with Ada(house) as ada:
        first, second = await ada.ask(), await ada.ask()
        assert first != second
        given = {"id": str(uuid.uuid4()), "text": "He has moved back.", "conversation": first}
        refused = await ada.post_json("/chat/messages", given)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        page = await ada.post("/chat/messages", given)
        assert page.status_code == 404
        assert "He has moved back." in page.text
        assert [one["text"] for one in await ada.log() if one["kind"] == "message"] == [ENQUIRY["question"]]
        assert (await ada.post_json("/chat/messages", given | {"conversation": second})).status_code == 201


async def test_a_transcript_holds_more_than_one_page_of_the_log(ada: Ada, one_house: House) -> None:
    parts = one_house.first.parts
    found = await parts.conversations.by_reference(ada.reference)
    assert found is not None
    said = [Entry(Kind.MESSAGE, found.visitor, f"Number {number}.") for number in range(PAGE * 2 + 1)]
    async with one_house.database.write() as connection:
        await parts.log.append(connection, found.id, *said)
    text = (await ada.http.get("/chat/transcript.txt")).text
    assert re.findall(r"Number \d+\.", text) == [one.text for one in said]
