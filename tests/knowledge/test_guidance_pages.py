"""The guidance as readers meet it: shared pages, audiences, versions, feedback."""

import re

import pytest
from sqlalchemy import select

from core.people import SignedIn
from knowledge.articles import publish
from knowledge.pages import comment_place
from knowledge.tables import article_feedback, article_use
from knowledge.words import Audience
from tests.knowledge.house import House, a_text

SHARED = "public, max-age=0, must-revalidate"


async def test_the_list_the_topic_and_the_article_are_shown(house: House) -> None:
    await house.publish("clares-law")
    stranger = house.stranger()
    front = await stranger.get("/guidance")
    assert "Clare&#39;s Law" in front.text
    assert "Orders and disclosure" in front.text
    assert "/guidance/clares-law" in (await stranger.get("/guidance?tag=orders_and_disclosure")).text
    article = await stranger.get("/guidance/clares-law")
    assert '<h2 id="s-who-is-told">Who is told</h2>' in article.text
    assert "Checked 12 October 2026" in article.text
    assert 'href="https://example.org/dvds"' in article.text


async def test_a_shared_page_is_kept_and_asked_for_again(house: House) -> None:
    await house.publish("clares-law")
    stranger = house.stranger()
    for path in ("/guidance", "/guidance?tag=orders_and_disclosure", "/guidance/clares-law", "/guidance/clares-law.md"):
        first = await stranger.get(path)
        assert first.headers["cache-control"] == SHARED
        assert "set-cookie" not in first.headers
        again = await stranger.get(path, if_none_match=first.headers["etag"])
        assert (again.status_code, again.text) == (304, "")
        assert again.headers["etag"] == first.headers["etag"]
        assert (await stranger.get(path, if_none_match='"other"')).status_code == 200


async def test_a_new_version_and_a_new_day_change_the_shared_page(house: House) -> None:
    await house.publish("clares-law", title="First")
    stranger = house.stranger()
    first = await stranger.get("/guidance/clares-law")
    await house.publish("clares-law", title="Second")
    second = await stranger.get("/guidance/clares-law", if_none_match=first.headers["etag"])
    assert "Second" in second.text
    house.clock.go_on(days=365)
    assert "review is due" in (await stranger.get("/guidance/clares-law", if_none_match=second.headers["etag"])).text
    assert "review is due" in (await stranger.get("/guidance")).text


@pytest.mark.parametrize(
    ("audience", "seen_by"),
    [
        (Audience.PUBLIC, {"stranger", "ada", "cora"}),
        (Audience.AFTER_ENQUIRY, {"ada", "cora"}),
        (Audience.ADVISORS, {"cora"}),
    ],
)
async def test_an_audience_sees_its_articles_and_nobody_else_does(
    house: House, cora: SignedIn, audience: Audience, seen_by: set[str]
) -> None:
    await house.publish("open", title="Open to all")
    await house.publish("guarded", title="Guarded Zanzibar", tags=("zanzibar_tag",), audience=audience)
    people = {"stranger": house.stranger(), "ada": house.ada(), "cora": house.signed_in(cora)}
    for name in ("cora", "ada", "stranger", "ada"):
        person = people[name]
        missing = await person.get("/guidance/not-there")
        for path in (
            "/guidance/guarded",
            "/guidance/guarded?version=1",
            "/guidance/guarded.md",
            "/guidance?tag=zanzibar_tag",
        ):
            answer = await person.get(path)
            assert answer.status_code == (200 if name in seen_by else 404), (name, path)
            if name not in seen_by:
                assert strip_reference(answer.text) == strip_reference(missing.text)
        for path in ("/guidance", "/guidance?q=zanzibar", "/guidance?q=zanzi", "/guidance/open"):
            text = (await person.get(path)).text
            assert ("Guarded" in text) == (name in seen_by), (name, path)
        helped = await person.http.post("/guidance/guarded/helpful", data={"helpful": "yes"})
        assert helped.status_code == (303 if name in seen_by else 404)


def strip_reference(page: str) -> str:
    """An error page without its reference and form token, which differ each time."""
    return re.sub(r"[0-9a-f]{8}|[A-Za-z0-9_-]{43}|/guidance[^\"<]*", "", page)


async def test_pages_for_some_are_kept_by_nobody(house: House, cora: SignedIn) -> None:
    await house.publish("clares-law")
    for person in (house.ada(), house.signed_in(cora)):
        for path in ("/guidance", "/guidance/clares-law", "/guidance/clares-law.md", "/guidance?q=clare"):
            answer = await person.get(path)
            assert answer.headers["cache-control"] == "no-store"
            assert "etag" not in answer.headers


async def test_what_was_looked_for_is_kept_by_no_cache(house: House) -> None:
    await house.publish("clares-law")
    found = await house.stranger().get("/guidance?q=police")
    assert found.headers["cache-control"] == "no-store"
    assert "<mark>" in found.text
    assert "Nothing was found" in (await house.stranger().get("/guidance?q=xyzzy")).text


async def test_staff_narrow_the_list_to_an_audience_and_nobody_else_does(house: House, cora: SignedIn) -> None:
    for slug, audience in (("open", Audience.PUBLIC), ("inside", Audience.ADVISORS)):
        await house.publish(slug, title=f"Curfew {slug}", audience=audience)
    desk, stranger = house.signed_in(cora), house.stranger()
    for path in ("/guidance?q=curfew&audience={}", "/guidance?tag=orders_and_disclosure&audience={}"):
        for only, shown in (
            ("", (True, True)),
            ("public", (True, False)),
            ("advisors", (False, True)),
            ("x", (True, True)),
        ):
            page = (await desk.get(path.format(only))).text
            assert ("/guidance/open" in page, "/guidance/inside" in page) == shown
            page = (await stranger.get(path.format(only))).text
            assert "/guidance/open" in page
            assert "inside" not in page
    assert 'name="audience"' in (await desk.get("/guidance")).text
    assert 'name="audience"' not in (await stranger.get("/guidance")).text


@pytest.mark.parametrize("typed", ["curfew", "curfw", "curf", "the secret way of curfews", "Inside"])
async def test_what_staff_alone_may_read_leaks_by_no_search(house: House, cora: SignedIn, typed: str) -> None:
    """Neither as a result, nor as a spelling, in a snippet, in a count, or among the topics."""
    await house.publish("open", title="Home visits", tags=("housing",))
    await house.publish(
        "inside", title="Curfew inside", audience=Audience.ADVISORS, asked=("the secret way",), tags=("family_court",)
    )
    assert "/guidance/inside" in (await house.signed_in(cora).get(f"/guidance?q={typed}")).text
    page = (await house.stranger().get(f"/guidance?q={typed}")).text
    assert "/guidance/inside" not in page
    assert "Family court" not in page
    assert "curfew" not in page.replace(typed, "").lower()
    with_it = strip_reference(page)
    await house.withdraw("inside", "Wrong.")
    assert strip_reference((await house.stranger().get(f"/guidance?q={typed}")).text) == with_it


async def test_an_article_opened_from_a_search_counts_as_used(house: House) -> None:
    await house.publish("clares-law")
    stranger = house.stranger()
    await stranger.get("/guidance/clares-law")
    await stranger.get("/guidance/clares-law", referer="http://127.0.0.1:8000/guidance?q=police")
    await stranger.get("/guidance/nothing", referer="http://127.0.0.1:8000/guidance?q=police")
    await house.library.write_notes()
    assert await house.count(article_use) == 1


async def test_earlier_versions_are_marked_and_drafts_are_not_there(house: House) -> None:
    await house.publish("clares-law", title="First")
    await house.publish("clares-law", title="Second")
    await house.draft("clares-law", a_text(title="Draft"))
    stranger = house.stranger()
    assert "This is an earlier version." in (await stranger.get("/guidance/clares-law?version=1")).text
    assert "This is an earlier version." not in (await stranger.get("/guidance/clares-law?version=2")).text
    for version in ("3", "0", "-1", "x", "99999999999999999999", ""):
        assert (await stranger.get(f"/guidance/clares-law?version={version}")).status_code == 404, version


async def test_a_withdrawn_article_is_an_explanation(house: House) -> None:
    await house.publish("clares-law", markdown="Wait 35 days.")
    await house.withdraw("clares-law", "It is <b>28</b> days now.")
    stranger = house.stranger()
    page = await stranger.get("/guidance/clares-law")
    assert page.status_code == 200
    assert "It is &lt;b&gt;28&lt;/b&gt; days now." in page.text
    assert "35 days" not in page.text
    assert "35 days" in (await stranger.get("/guidance/clares-law?version=1")).text
    assert (await stranger.get("/guidance/clares-law.md")).status_code == 404
    assert "Withdrawn: do not use" in (await stranger.get("/guidance")).text
    assert "Clare" not in (await stranger.get("/guidance?q=days")).text


async def test_the_markdown_holds_what_readers_may_know(house: House) -> None:
    await house.publish("clares-law", owner="eve@example.org", more='{"internal":"note"}')
    answer = await house.stranger().get("/guidance/clares-law.md")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("---\ntitle: Clare's Law\nslug: clares-law\n")
    assert "Ask the police." in answer.text
    assert "eve@example.org" not in answer.text
    assert "internal" not in answer.text


async def test_feedback_is_stored_sealed_and_thanked_for(house: House) -> None:
    await house.publish("clares-law")
    said = await house.stranger().http.post(
        "/guidance/clares-law/helpful", data={"helpful": "no", "comment": " The form moved. ", "version": "1"}
    )
    assert (said.status_code, said.headers["location"]) == (303, "/guidance/clares-law?said=thanks#helpful")
    assert "Thank you" in (await house.stranger().get("/guidance/clares-law?said=thanks")).text
    assert "Thank you" not in (await house.stranger().get("/guidance/clares-law")).text
    async with house.db.read() as connection:
        row = (await connection.execute(select(article_feedback))).one()
    assert (row.helpful, row.version) == (False, 1)
    assert b"form" not in row.sealed_comment
    assert house.keyring.open_alone(row.sealed_comment, comment_place(row.article_id)) == b"The form moved."


async def test_feedback_from_another_site_and_nonsense_store_nothing(house: House) -> None:
    await house.publish("clares-law")
    stranger, path = house.stranger(), "/guidance/clares-law/helpful"
    foreign = await stranger.http.post(path, data={"helpful": "yes"}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    for fields in ({}, {"helpful": "maybe"}, {"helpful": "yes", "comment": "x" * 5_000}):
        assert (await stranger.http.post(path, data=fields)).status_code == 422, fields
    assert (await stranger.http.post(path, data={"helpful": "yes", "version": "7"})).status_code == 404
    assert await house.count(article_feedback) == 0


async def test_a_flood_of_feedback_is_slowed(house: House) -> None:
    await house.publish("clares-law")
    answers = [
        (await house.stranger().http.post("/guidance/clares-law/helpful", data={"helpful": "yes"})).status_code
        for _ in range(7)
    ]
    assert answers == [303] * 5 + [429] * 2


@pytest.mark.parametrize(
    "path",
    [
        "/guidance/Clares-Law",
        "/guidance/..%2f..%2fetc",
        "/guidance/a%00b",
        "/guidance/" + "a" * 500,
        "/guidance?tag=%3Cscript%3E",
        "/guidance?tag=unknown_tag",
    ],
)
async def test_addresses_that_nobody_made_are_404(house: House, path: str) -> None:
    assert (await house.stranger().get(path)).status_code == 404


@pytest.mark.parametrize(
    "query", ["q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "q=" + "x" * 9_000, "q=%00", "q=%FF", "page=-1&q=a"]
)
async def test_any_query_is_a_page(house: House, query: str) -> None:
    await house.publish("clares-law")
    answer = await house.stranger().get(f"/guidance?{query}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


async def test_long_lists_have_pages(house: House) -> None:
    for number in range(12):
        await house.draft(f"article-{number:02}", a_text(title=f"Zanzibar {number:02}"))
        async with house.db.write() as connection:
            await publish(connection, house.audit, f"article-{number:02}", 1, "eve", house.clock())
    await house.library.refresh()
    stranger = house.stranger()
    first, second = await stranger.get("/guidance?q=zanzibar"), await stranger.get("/guidance?q=zanzibar&page=2")
    assert "12 articles" in first.text
    assert 'rel="next"' in first.text
    assert (first.text.count("results__item"), second.text.count("results__item")) == (10, 2)
