"""What editors learn: searches in vain, what readers said, and who was given what is withdrawn; and that nobody else does."""

import pytest
from sqlalchemy import insert, select

from chat.tables import conversation
from core.clock import to_ms
from core.people import SignedIn
from knowledge.learned import read_withdrawn
from knowledge.tables import article, article_feedback
from knowledge.words import Use
from tests.knowledge.house import Browser, House
from triage.tables import no_guidance

PAGES = ("/editor/gaps", "/editor/clares-law/feedback")


async def say(browser: Browser, helpful: str, comment: str) -> None:
    answer = await browser.http.post("/guidance/clares-law/helpful", data={"helpful": helpful, "comment": comment})
    assert answer.status_code == 303


async def share(house: House, reference: str, slug: str) -> None:
    """Pin the published version into a conversation, as the desk does."""
    now = house.clock()
    words = dict.fromkeys(("urgency", "sector", "area", "topic", "deadline", "immediate_danger", "risk_flags"), "x")
    values = {"reference": reference, "status": "ended", "waiting_since": now, "sort_key": to_ms(now), "language": "en"}
    async with house.db.write() as connection:
        made = await connection.execute(
            insert(conversation).values(**values, **words, created_at=now).returning(conversation.c.id)
        )
        row = (await connection.execute(select(article).where(article.c.slug == slug))).one()
        await house.library.record_use(connection, row.id, row.published_version, Use.SHARED, made.scalar_one())


@pytest.mark.parametrize("page", PAGES)
async def test_only_editors_see_what_editors_learn(house: House, eve: SignedIn, cora: SignedIn, page: str) -> None:
    await house.publish("clares-law")
    assert (await house.signed_in(eve).get(page)).status_code == 200
    assert (await house.signed_in(cora).get(page)).status_code == 403
    assert (await house.ada().get(page)).status_code == 303
    assert (await house.stranger().get(page)).headers["location"].startswith("/sign-in")


async def test_searches_in_vain_are_counted_together(house: House, eve: SignedIn) -> None:
    await house.publish("clares-law")
    for words in ("Crystal healing", "crystal  HEALING", "clare's law"):
        await house.stranger().get(f"/guidance?q={words}")
        house.clock.go_on(minutes=2)
        await house.library.write_notes()
    page = (await house.signed_in(eve).get("/editor/gaps")).text
    nothing, rest = page.split('id="not-opened"')
    assert "crystal HEALING" in nothing
    assert nothing.count("<tr>") == 2
    assert '<td class="data-table__number">2</td>' in nothing
    assert "clare&#39;s law" in rest
    house.clock.go_on(days=91)
    assert "crystal" not in (await house.signed_in(eve).get("/editor/gaps")).text.lower()


async def test_comments_are_stored_without_what_identifies_and_shown_to_editors(house: House, eve: SignedIn) -> None:
    await house.publish("clares-law")
    await say(house.stranger(), "no", "I rang 07700 900123 and <b>nobody</b> knew what to do.")
    await say(house.stranger(), "yes", "")
    async with house.db.read() as connection:
        sealed = [row.sealed_comment for row in await connection.execute(select(article_feedback))]
    assert sealed[1] is None
    assert b"rang" not in (sealed[0] or b"")
    page = (await house.signed_in(eve).get("/editor/clares-law/feedback")).text
    assert "I rang [phone number] and &lt;b&gt;nobody&lt;/b&gt; knew" in page
    assert "900123" not in page
    gaps = (await house.signed_in(eve).get("/editor/gaps")).text
    assert 'href="/editor/clares-law/feedback"' in gaps
    assert (await house.signed_in(eve).get("/editor/nothing/feedback")).status_code == 404


async def test_what_did_not_fit_is_told_by_topic_and_reference(house: House, eve: SignedIn) -> None:
    await house.publish("clares-law")
    await share(house, "AAAA-AAAA", "clares-law")
    async with house.db.write() as connection:
        number = (await connection.execute(select(conversation.c.id))).scalar_one()
        values = {"conversation_id": number, "topic": "family_court", "shown": "clares-law x", "at": house.clock()}
        await connection.execute(insert(no_guidance).values(**values))
    page = (await house.signed_in(eve).get("/editor/gaps")).text
    row = page.split('id="nothing-fits"')[1].split("</tbody>")[0]
    assert all(words in row for words in ("Family court", "AAAA-AAAA", 'href="/guidance/clares-law"'))
    house.clock.go_on(days=91)
    assert "No advisor said so." in (await house.signed_in(eve).get("/editor/gaps")).text


async def test_uses_are_counted_by_version(house: House, eve: SignedIn) -> None:
    await house.publish("clares-law")
    await share(house, "AAAA-AAAA", "clares-law")
    await house.publish("clares-law", title="Disclosure")
    await share(house, "BBBB-BBBB", "clares-law")
    await share(house, "CCCC-CCCC", "clares-law")
    page = (await house.signed_in(eve).get("/editor/clares-law/feedback")).text
    rows = [row.split("</tr>")[0] for row in page.split("<tr>")[2:]]
    assert [row.count("data-table__number") for row in rows] == [5, 5]
    assert [row.split('data-table__number">')[1][0] for row in rows] == ["2", "1"]


async def test_conversations_with_a_withdrawn_text_are_named_by_reference(house: House, eve: SignedIn) -> None:
    for slug in ("clares-law", "still-good"):
        await house.publish(slug)
    await share(house, "AAAA-AAAA", "clares-law")
    await share(house, "BBBB-BBBB", "still-good")
    assert "AAAA-AAAA" not in (await house.signed_in(eve).get("/editor/gaps")).text
    house.clock.go_on(hours=1)
    await house.withdraw("clares-law", "The law has changed.")
    page = (await house.signed_in(eve).get("/editor/gaps")).text
    assert "AAAA-AAAA" in page
    assert "BBBB-BBBB" not in page
    async with house.db.read() as connection:
        (found,) = await read_withdrawn(connection)
    assert (found.slug, found.version) == ("clares-law", 1)
