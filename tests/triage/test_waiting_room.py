"""The waiting room in words: the place, a lost advisor, closing time; on the page and in frames alike."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from chat.tables import conversation
from core.people import Role, SignedIn
from tests.triage.house import ENQUIRY, Browser, House
from tests.triage.test_queue import followed, visitor_of, watching
from tests.waiting import until
from triage.closing import Closing
from triage.hours import Timetable, opening_at
from triage.waiting_words import line_notice, place_sentence

HALF_AN_HOUR = timedelta(minutes=30)
AFTERWARDS = "After that, what you asked is kept as a question, and answered when we are open."
SOON = (
    "We close at 5pm. You keep your place then: while one is here, an advisor may still take you until 5:30pm. "
    + AFTERWARDS
)
CLOSED = f"We closed at 5pm. You keep your place: an advisor may still take you until 5:30pm. {AFTERWARDS}"
BEING_KEPT = "We closed at 5pm. What you asked is being kept as a question, and answered when we are open."
LINE_CLOSED = (
    "The line is closed to new enquiries. You keep your place, and are taken in turn while an advisor is here. "
    "If none is left, what you asked is kept as a question, and answered when we are open."
)


def notice_at(moment: str, timetable: Timetable | None = None) -> str | None:
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return line_notice(opening_at(timetable or Timetable(), now), now, HALF_AN_HOUR)


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("12:00", None),
        ("16:29:59", None),
        ("16:30", SOON),
        ("17:00", CLOSED),
        ("17:29:59", CLOSED),
        ("17:30", BEING_KEPT),
    ],
)
def test_closing_time_is_told_before_and_after(time: str, words: str | None) -> None:
    assert notice_at(f"2026-11-23T{time}") == words


def test_closing_time_is_told_in_summer_time() -> None:
    assert notice_at("2026-07-01T16:00") == CLOSED


def test_a_line_closed_early_is_told_with_what_the_supervisor_says() -> None:
    closed = Timetable(line_open=False, notice="We are short of staff today.")
    assert notice_at("2026-11-23T12:00", closed) == f"We are short of staff today. {LINE_CLOSED}"
    assert notice_at("2026-11-23T12:00", Timetable(notice="It is busy.")) == "It is busy."


def test_round_the_clock_never_closes() -> None:
    assert notice_at("2026-11-23T17:00", Timetable(always_open=True)) is None


@given(
    st.none() | st.integers(1, 10_000),
    st.none() | st.tuples(st.integers(0, 90), st.integers(2, 180)),
    st.booleans(),
)
def test_no_sentence_names_a_place_that_is_none(
    position: int | None, wait: tuple[int, int] | None, requeued: bool
) -> None:
    sentence = place_sentence(position, wait, requeued=requeued)
    assert not re.search(r"-\d|\b0(st|nd|rd|th)\b|None|null", sentence)
    assert ("We are checking your place" in sentence) is (position is None)


@pytest.fixture
def closing(house: House) -> Closing:
    return Closing(house.db, house.log, house.opening, house.notices, house.audit, house.clock)


async def told_on_page(ada: Browser) -> tuple[str, str]:
    """The place, and what is said about the line, as a page without scripts shows them."""
    page = (await ada.get("/chat")).text
    place = re.search(r'data-slot="place">([^<]*)<', page)
    line = re.search(r'data-slot="line-message"( hidden)?>([^<]*)<', page)
    assert place is not None, page
    assert line is not None, page
    assert bool(line[1]) is not bool(line[2].strip())
    return place[1], line[2]


async def test_the_page_follows_closing_time(house: House, cora: SignedIn, closing: Closing) -> None:
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        assert await told_on_page(ada) == ("You are next. Less than 5 minutes.", "")
        house.clock.go_on(hours=4, minutes=45)
        assert (await told_on_page(ada))[1] == SOON
        house.clock.go_on(minutes=30)
        assert await closing.tick() == 0
        assert await told_on_page(ada) == ("You are next. Less than 5 minutes.", CLOSED)
        house.clock.go_on(minutes=15)
        assert await closing.tick() == 1
        page = (await ada.get("/chat")).text
    assert "Your question is with us" in page
    assert "We have closed, and no advisor could take your conversation today." in page
    assert 'data-slot="place"' not in page


async def test_an_early_close_is_told_at_once_and_keeps_the_place(house: House, cora: SignedIn) -> None:
    sue = await house.hire("Sue", Role.SUPERVISOR)
    async with house.client() as ada, house.client(sue) as desk:
        await ada.post("/ask", ENQUIRY)
        await house.queue.read()
        closed = await desk.post("/supervise/line", {"open": "no", "message": "We are short of staff today."})
        assert closed.status_code == 303
        assert await told_on_page(ada) == (
            "You are next. Less than 5 minutes.",
            f"We are short of staff today. {LINE_CLOSED}",
        )
        home = (await ada.get("/")).text
    assert "The line is closed to new enquiries for now." in home
    assert "We are short of staff today." in home
    assert "minutes&#39; wait" not in home


async def test_frames_say_what_the_page_says(house: House, cora: SignedIn) -> None:
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        reference = (await house.queue.read()).places[0].reference
        house.clock.go_on(hours=5, minutes=1)
        async with followed(house), watching(house, await visitor_of(house, reference)) as window:

            async def is_told() -> bool:
                return await window.last("queue") is not None

            await until(is_told)
            frame = await window.last("queue")
        assert frame is not None
        assert (frame["sentence"], frame["notice"]) == await told_on_page(ada)


async def test_a_lost_advisor_is_told_in_frames_until_somebody_comes(house: House, cora: SignedIn) -> None:
    reference = await house.enquire()
    async with house.db.write() as connection:
        await connection.execute(update(conversation).values(requeues=1))
    async with followed(house), watching(house, await visitor_of(house, reference)) as window:

        async def is_told() -> bool:
            return await window.last("queue") is not None

        await until(is_told)
        frame = await window.last("queue")
    assert frame is not None
    assert str(frame["sentence"]).startswith("We lost your advisor. You go ahead of the line. You are next.")


async def test_what_was_said_can_be_read_while_waiting_again(house: House) -> None:
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        assert "What was said so far" not in (await ada.get("/chat")).text
        async with house.db.write() as connection:
            await connection.execute(update(conversation).values(requeues=1))
        assert "What was said so far" in (await ada.get("/chat")).text
        assert ENQUIRY["question"] in (await ada.get("/chat/transcript")).text


async def test_leaving_the_line_frees_the_place_and_is_told(house: House) -> None:
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        behind = await house.enquire()
        left = await ada.post("/chat/leave", {})
        assert left.status_code == 303
        assert "You left the line" in (await ada.get("/chat")).text
    assert [place.reference for place in (await house.queue.read()).places] == [behind]


async def test_the_workspace_shows_what_was_read(house: House, cora: SignedIn) -> None:
    await house.write_article("supervision", "Supervision sessions")
    async with house.client() as ada, house.client(cora) as desk:
        await ada.post("/ask", ENQUIRY)
        reference = (await house.queue.read()).places[0].reference
        assert (await ada.post_json("/chat/opened", {"article": "supervision"})).status_code == 204
        await house.claims.claim(reference, cora)
        page = (await desk.get(f"/desk/conversations/{reference}")).text
        assert re.search(r'class="context__read.*?Supervision sessions', page, re.S)
        other = await house.enquire()
        await house.claims.claim(other, cora)
        page = (await desk.get(f"/desk/conversations/{other}")).text
    assert not re.search(r'class="context__read[^>]*>.*?Supervision sessions.*?</section>', page, re.S)


async def test_a_forgotten_copy_moves_nobody(house: House, cora: SignedIn) -> None:
    """Redis is not there at all: each place that is told is a place, and it is the true one."""
    references = [await house.enquire() for _ in range(3)]
    async with followed(house), watching(house, await visitor_of(house, references[2])) as window:
        for ahead, position in ((None, 3), (references[0], 2), (references[1], 1)):
            if ahead is not None:
                await house.claims.claim(ahead, cora)

            async def stands(place: int = position) -> bool:
                frame = await window.last("queue")
                return frame is not None and frame["position"] == place

            await until(stands)
        places = [frame["position"] for frame in window.seen if frame["type"] == "queue"]
    assert places == [3, 2, 1]


async def test_a_question_says_where_it_stands_to_whoever_comes_back(house: House, cora: SignedIn) -> None:
    """On another device, with reference and code, without scripts: it waits, is being answered, was answered."""
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        code = re.search(r'id="ticket-code">([^<]+)<', (await ada.get("/chat")).text)
        assert code is not None
        reference = (await house.queue.read()).places[0].reference
        await ada.post("/chat/question", {})
    seen = []
    async with house.client(cora) as desk:
        for act, fields in ((None, {}), ("accept", {}), ("end", {})):
            if act is not None:
                await desk.post(f"/desk/conversations/{reference}/{act}", fields)
            async with house.client() as elsewhere:
                back = await elsewhere.post("/resume", {"reference": reference, "resume_code": code[1]})
                assert back.headers["location"] == "/chat"
                seen.append((await elsewhere.get("/chat")).text)
    words = ("Your question is with us", "An advisor is answering your question.", "Your question has been answered")
    assert [[one in page for one in words] for page in seen] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]
