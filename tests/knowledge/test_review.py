"""A draft on its way to readers: a second person publishes it, now or at a moment, and it is known who did what and why."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import msgspec
import pytest
from sqlalchemy import select

from core.people import Role, SignedIn
from core.tables import audit
from knowledge.tables import article_step, draft_progress
from tests.knowledge.house import Browser, House, a_text

REVIEW = "/editor/clares-law/review"
PUBLISH = "/editor/clares-law/publish"
LATER = {"when": "later", "day": "2026-12-01", "time": "09:00"}
AT_NINE = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
async def eves(house: House, eve: SignedIn) -> Browser:
    """Eve's browser; she wrote the draft."""
    await house.draft("clares-law", a_text(), eve.account_id)
    return house.signed_in(eve)


@pytest.fixture
def nias(house: House, nia: SignedIn) -> Browser:
    return house.signed_in(nia)


async def is_public(house: House) -> bool:
    return (await house.stranger().get("/guidance/clares-law")).status_code == 200


async def deeds(house: House, action: str) -> list[dict[str, object]]:
    async with house.db.read() as connection:
        rows = await connection.execute(select(audit.c.data).where(audit.c.action == action).order_by(audit.c.id))
        return [msgspec.json.decode(row.data) for row in rows]


async def test_a_colleague_is_asked_looks_and_publishes(
    house: House, eves: Browser, nias: Browser, nia: SignedIn, cora: SignedIn
) -> None:
    page = (await eves.get(REVIEW)).text
    assert 'value="' + nia.account_id in page
    assert cora.account_id not in page
    sent = await eves.post(REVIEW, {"version": "1", "reviewer": nia.account_id, "note": "Is the date right?"})
    assert sent.headers["location"] == f"{REVIEW}?done=sent"
    assert f'href="{REVIEW}">Clare&#39;s Law' in card(await nias.get("/editor"), "In review with me")
    assert "Clare" not in card(await eves.get("/editor"), "In review with me")
    assert "with Nia" in card(await eves.get("/editor"), "Drafts")
    asked = (await nias.get(REVIEW)).text
    assert "Eve sent it to Nia for review" in asked
    assert "Is the date right?" in asked
    assert (await nias.post(PUBLISH, {"version": "1"})).status_code == 303
    assert await is_public(house)
    assert await deeds(house, "article_published") == [{"version": 1}]
    history = (await eves.get("/editor/clares-law/history")).text
    assert history.index("Nia published version 1.") < history.index("Eve sent version 1 to Nia for review.")
    assert await house.count(draft_progress) == 0


async def test_the_writer_publishes_alone_only_with_a_reason_that_is_kept(house: House, eves: Browser) -> None:
    refused = await eves.post(PUBLISH, {"version": "1", "reason": "  "})
    assert refused.status_code == 409
    assert "somebody else publishes it" in refused.text
    for moment in ({}, LATER):
        assert (await eves.post(PUBLISH, {"version": "1", **moment})).status_code == 409
    assert not await is_public(house)
    assert (
        await eves.post(PUBLISH, {"version": "1", "reason": "The number of the helpline is wrong."})
    ).status_code == 303
    assert await is_public(house)
    why = {"version": 1, "alone": True, "reason": "The number of the helpline is wrong."}
    assert await deeds(house, "article_published") == [why]
    history = (await eves.get("/editor/clares-law/history")).text
    assert "Eve published version 1 without a second person." in history
    assert "The number of the helpline is wrong." in history
    async with house.db.read() as connection:
        assert await house.audit.first_bad_row(connection) is None


async def test_what_is_sent_back_is_seen_by_its_author_until_it_is_sent_again(
    house: House, eves: Browser, nias: Browser
) -> None:
    await eves.post(REVIEW, {"version": "1"})
    assert "Clare" in card(await nias.get("/editor"), "In review with me")
    empty = await nias.post("/editor/clares-law/send-back", {"version": "1", "comment": " "})
    assert empty.status_code == 422
    assert "Say what should change." in empty.text
    sent_back = {"version": "1", "comment": "Name <b>the Act</b>."}
    for _ in range(2):
        assert (await nias.post("/editor/clares-law/send-back", sent_back)).status_code == 303
    assert await house.count(article_step, article_step.c.kind == "sent_back") == 1
    assert "sent back by Nia" in card(await eves.get("/editor"), "Sent back to me")
    assert "Clare" not in card(await nias.get("/editor"), "Sent back to me")
    page = (await eves.get("/editor/clares-law")).text
    assert "Nia sent version 1 back to its author." in page
    assert "Name &lt;b&gt;the Act&lt;/b&gt;." in page
    await eves.post(REVIEW, {"version": "1"})
    assert "the Act" not in (await eves.get("/editor/clares-law")).text
    assert "the Act" in (await eves.get(REVIEW)).text


async def test_a_version_that_changed_since_is_not_decided_about(
    house: House, eves: Browser, nias: Browser, eve: SignedIn
) -> None:
    await eves.post(REVIEW, {"version": "1"})
    await house.draft("clares-law", a_text(title="Saved since"), eve.account_id)
    for path, fields in (
        (PUBLISH, {}),
        (PUBLISH, LATER),
        ("/editor/clares-law/send-back", {"comment": "Typed with care."}),
        ("/editor/clares-law/cancel", {}),
        (REVIEW, {"note": "Typed with care."}),
    ):
        refused = await nias.post(path, {"version": "1", **fields})
        assert refused.status_code == 409
        assert "Another version was saved while you looked at this one" in refused.text
        assert "Saved since" in refused.text
        assert 'name="version" value="2"' in refused.text
    assert not await is_public(house)


async def test_a_review_goes_on_with_the_newer_text(house: House, eves: Browser, nias: Browser) -> None:
    await eves.post(REVIEW, {"version": "1"})
    await save(eves, "1", "A second text.")
    assert "In review" in (await nias.get(REVIEW)).text
    assert (await nias.post(PUBLISH, {"version": "2"})).status_code == 303
    assert "A second text." in (await house.stranger().get("/guidance/clares-law")).text


async def test_what_a_reviewer_rewrites_is_theirs_and_its_first_writer_is_the_second_person(
    house: House, eves: Browser, nias: Browser
) -> None:
    await eves.post(REVIEW, {"version": "1"})
    await save(nias, "1", "The text of Nia.")
    assert (await nias.post(PUBLISH, {"version": "2"})).status_code == 409
    assert (await eves.post(PUBLISH, {"version": "2"})).status_code == 303
    assert "The text of Nia." in (await house.stranger().get("/guidance/clares-law")).text


async def test_forms_sent_twice_do_one_thing(house: House, eves: Browser, nias: Browser) -> None:
    for _ in range(2):
        assert (await eves.post(REVIEW, {"version": "1", "note": "Look."})).status_code == 303
    for _ in range(2):
        assert (await nias.post(PUBLISH, {"version": "1", **LATER})).status_code == 303
    for _ in range(2):
        assert (await nias.post("/editor/clares-law/cancel", {"version": "1"})).status_code == 303
    for _ in range(2):
        assert (await nias.post(PUBLISH, {"version": "1"})).headers["location"].endswith("done=published")
    async with house.db.read() as connection:
        kinds = (await connection.execute(select(article_step.c.kind).order_by(article_step.c.id))).scalars().all()
    assert kinds == ["sent_to_review", "scheduled", "schedule_ended", "published"]
    assert (await eves.post("/editor/clares-law/cancel", {"version": "1"})).status_code == 409


async def test_only_another_editor_can_be_asked(house: House, eves: Browser, eve: SignedIn, cora: SignedIn) -> None:
    for reviewer in (eve.account_id, cora.account_id, "nobody", "'"):
        answer = await eves.post(REVIEW, {"version": "1", "reviewer": reviewer, "note": "Typed with care."})
        assert answer.status_code == 422
        assert "Choose a colleague who is an editor" in answer.text
        assert "Typed with care." in answer.text
    assert (await eves.post(REVIEW, {"version": "1", "note": "x" * 9_000})).status_code == 422
    assert await house.count(draft_progress) == 0


async def test_what_is_scheduled_is_published_once_at_its_moment(house: House, eves: Browser, nias: Browser) -> None:
    another = house.another_library()
    await another.refresh()
    assert (await nias.post(PUBLISH, {"version": "1", **LATER})).headers["location"] == f"{REVIEW}?done=scheduled"
    assert "1 December 2026, 09:00" in card(await eves.get("/editor"), "Scheduled")
    house.clock.now = AT_NINE.replace(hour=8, minute=59)
    assert await house.schedule().tick() == 0
    assert not await is_public(house)
    house.clock.now = AT_NINE
    # Two that lead at once, because one was suspended; and one that starts afterwards.
    assert sum(await asyncio.gather(house.schedule().tick(), house.schedule().tick())) == 1
    assert await house.schedule().tick() == 0
    assert await is_public(house)
    assert await another.refresh()
    assert (await deeds(house, "article_published")) == [{"version": 1, "scheduled": True}]
    assert "Version 1 was published as Nia had scheduled it." in (await eves.get("/editor/clares-law/history")).text
    assert "Clare" not in card(await eves.get("/editor"), "Scheduled")


async def test_a_schedule_ends_when_it_is_cancelled_or_the_text_changes(
    house: House, eves: Browser, nias: Browser
) -> None:
    await nias.post(PUBLISH, {"version": "1", **LATER})
    other_moment = await nias.post(PUBLISH, {"version": "1", **LATER, "time": "10:00"})
    assert other_moment.status_code == 409
    assert "has scheduled this version for another moment" in other_moment.text
    assert (await eves.post(REVIEW, {"version": "1"})).status_code == 409
    await eves.post("/editor/clares-law/cancel", {"version": "1"})
    await nias.post(PUBLISH, {"version": "1", **LATER})
    assert "cancels the schedule" in (await eves.get("/editor/clares-law")).text
    saved = await save(eves, "1", "Nobody has looked at this.")
    assert "that is cancelled, because the text changed" in (await eves.get(saved.headers["location"])).text
    house.clock.now = AT_NINE
    assert await house.schedule().tick() == 0
    assert not await is_public(house)


async def test_an_import_in_its_place_ends_a_schedule(house: House, nias: Browser) -> None:
    await house.draft("clares-law", a_text())
    await nias.post(PUBLISH, {"version": "1", **LATER})
    await house.draft("clares-law", a_text(title="Imported since"))
    house.clock.now = AT_NINE
    assert await house.schedule().tick() == 0
    assert await house.count(draft_progress) == 0
    assert not await is_public(house)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"day": ""}, "Enter the day"),
        ({"day": "tomorrow"}, "Enter the day"),
        ({"time": ""}, "Enter the time"),
        ({"time": "25:00"}, "Enter the time"),
        ({"time": "9"}, "Enter the time"),
        ({"day": "2026-11-22"}, "That moment is past."),
        ({"day": "2026-11-23", "time": "12:00"}, "That moment is past."),
        ({"day": "2028-11-23"}, "more than a year"),
        ({"day": "2027-03-28", "time": "01:30"}, "the clocks go forward"),
        ({"when": "now"}, "You entered a day and chose now."),
    ],
)
async def test_a_moment_that_cannot_be_is_said_beside_its_field(
    house: House, eves: Browser, changes: dict[str, str], words: str
) -> None:
    form = {"version": "1", "reason": "It comes into force.", **LATER, **changes}
    answer = await eves.post(PUBLISH, form)
    assert answer.status_code == 422
    assert words in answer.text
    assert "It comes into force." in answer.text
    assert await house.count(draft_progress) == 0
    assert not await is_public(house)


@pytest.mark.parametrize(
    ("day", "time", "moment"),
    [
        ("2027-03-28", "02:00", datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        ("2027-07-01", "9.05", datetime(2027, 7, 1, 8, 5, tzinfo=UTC)),
        ("2027-10-31", "01:30", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
    ],
)
async def test_moments_are_told_in_london_time(
    house: House, eves: Browser, nias: Browser, day: str, time: str, moment: datetime
) -> None:
    await nias.post(PUBLISH, {"version": "1", "when": "later", "day": day, "time": time})
    async with house.db.read() as connection:
        assert await connection.scalar(select(draft_progress.c.publish_at)) == moment


async def test_a_withdrawn_text_that_was_scheduled_once_does_not_come_back_by_itself(
    house: House, eves: Browser, nias: Browser
) -> None:
    await nias.post(PUBLISH, {"version": "1", **LATER})
    house.clock.now = AT_NINE
    await house.schedule().tick()
    assert (await eves.post("/editor/clares-law/withdraw", {"reason": "It is wrong."})).status_code == 303
    assert "Eve withdrew version 1." in (await eves.get("/editor/clares-law/history")).text
    assert "It is wrong." in (await house.stranger().get("/guidance/clares-law")).text
    assert (await eves.post("/editor/clares-law/restore", {"version": "1"})).status_code == 303
    assert await house.schedule().tick() == 0
    assert "It is wrong." in (await house.stranger().get("/guidance/clares-law")).text
    assert "Readers see why the article was withdrawn." in (await nias.get(REVIEW)).text
    assert (await nias.post(PUBLISH, {"version": "1"})).status_code == 303
    assert "It is wrong." not in (await house.stranger().get("/guidance/clares-law")).text


async def test_the_review_shows_what_changes_for_readers(house: House, nias: Browser, eve: SignedIn) -> None:
    await house.publish("clares-law")
    changed = replace(a_text(), owner="nia", markdown=a_text().markdown.replace("the police", "the local police"))
    await house.draft("clares-law", changed, eve.account_id)
    page = (await nias.get(REVIEW)).text
    assert '<ins><span class="govuk-visually-hidden">[added: </span>local ' in page
    assert "<dt>Owner</dt>" in page
    assert "<dt>Title</dt>" not in page


async def test_a_page_without_a_draft_says_so(house: House, nias: Browser) -> None:
    await house.publish("clares-law")
    page = await nias.get(REVIEW)
    assert "There is no draft. Readers have version 1." in page.text
    refused = await nias.post(REVIEW, {"version": "1"})
    assert refused.status_code == 409
    assert "There is no draft to publish." in refused.text


async def test_the_status_of_a_draft_filters_the_list(house: House, eves: Browser, nias: Browser) -> None:
    await house.publish("another", title="Another one")
    for status, words in (("in_review", "In review"), ("scheduled", "Scheduled")):
        form = {"version": "1", **(LATER if status == "scheduled" else {})}
        await (eves if status == "in_review" else nias).post(REVIEW if status == "in_review" else PUBLISH, form)
        page = (await eves.get(f"/editor?status={status}")).text
        table = page[page.index("<tbody>") :]
        assert f'<span class="tag tag--{status}">{words}</span>' in table
        assert "Another one" not in table


async def save(browser: Browser, base: str, markdown: str) -> httpx.Response:
    text = a_text()
    form = {
        "title": text.title,
        "audience": "public",
        "tags": "police",
        "base_version": base,
        "markdown": markdown,
        "action": "save",
    }
    answer = await browser.post("/editor/clares-law", form)
    assert answer.status_code == 303
    return answer


def card(page: httpx.Response, title: str) -> str:
    """What stands under this heading of the work list."""
    start = page.text.index(f">{title} <span")
    return page.text[start : page.text.index("</section>", start)]


async def test_whoever_edits_no_longer_is_not_offered(house: House, eves: Browser) -> None:
    ben = await house.hire("Ben Editor", Role.EDITOR)
    assert "Ben Editor" in (await eves.get(REVIEW)).text
    await house.disable(ben)
    assert "Ben Editor" not in (await eves.get(REVIEW)).text
    assert (await eves.post(REVIEW, {"version": "1", "reviewer": ben.account_id})).status_code == 422
