"""Writing: forms that keep what was typed, edits that nobody loses, and doors for editors only."""

import pytest

from core.people import Role, SignedIn
from knowledge.tables import article, article_step, article_version
from knowledge.versions import read_version
from tests.knowledge.house import Browser, House, a_text

ARTICLE = {
    "title": "Clare's Law",
    "slug": "clares-law",
    "summary": "Ask the police.",
    "audience": "public",
    "tags": "orders_and_disclosure, police",
    "owner": "eve",
    "last_checked": "2026-10-12",
    "review_by": "2027-04-12",
    "sources": "Statutory guidance\nA second source",
    "markdown": "Ask the police.",
    "action": "save",
}


@pytest.fixture
def desk(house: House, eve: SignedIn) -> Browser:
    """Eve's browser."""
    return house.signed_in(eve)


async def test_a_new_article_is_a_draft_until_a_second_person_publishes(
    house: House, desk: Browser, nia: SignedIn
) -> None:
    made = await desk.post("/editor/new", ARTICLE)
    assert (made.status_code, made.headers["location"]) == (303, "/editor/clares-law?done=saved")
    stranger = house.stranger()
    assert (await stranger.get("/guidance/clares-law")).status_code == 404
    page = await desk.get("/editor/clares-law?done=saved")
    assert "The draft is saved." in page.text
    assert "A second source" in page.text
    published = await house.signed_in(nia).post("/editor/clares-law/publish", {"version": "1"})
    assert published.headers["location"] == "/editor/clares-law?done=published"
    assert (await stranger.get("/guidance/clares-law")).status_code == 200
    assert "Clare" in (await stranger.get("/guidance?q=clare")).text


async def test_save_and_continue_leads_to_the_review(house: House, desk: Browser) -> None:
    made = await desk.post("/editor/new", {**ARTICLE, "action": "continue"})
    assert made.headers["location"] == "/editor/clares-law/review?done=saved"
    edited = {**ARTICLE, "base_version": "1", "markdown": "Ask Zanzibar.", "action": "continue"}
    for done in ("saved", "unchanged"):
        answer = await desk.post("/editor/clares-law", edited)
        assert answer.headers["location"] == f"/editor/clares-law/review?done={done}"
    assert "Zanzibar" in (await desk.get("/editor/clares-law/review?done=saved")).text
    assert (await house.stranger().get("/guidance/clares-law")).status_code == 404


async def test_a_new_article_sent_twice_is_one(house: House, desk: Browser, nia: SignedIn) -> None:
    for _ in range(2):
        assert (await desk.post("/editor/new", ARTICLE)).headers["location"] == "/editor/clares-law?done=saved"
    assert (await house.signed_in(nia).post("/editor/new", ARTICLE)).status_code == 422
    assert await house.count(article_version) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 300}, "title"),
        ({"slug": "Not a slug"}, "slug"),
        ({"slug": "new"}, "slug"),
        ({"audience": "everyone"}, "audience"),
        ({"tags": "Ünknown!"}, "tags"),
        ({"review_by": "soon"}, "review_by"),
        ({"review_by": "2026-01-01"}, "review_by"),
        ({"markdown": ""}, "markdown"),
        ({"markdown": "x" * 70_000}, "markdown"),
        ({"markdown": "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n"}, "markdown"),
    ],
)
async def test_a_wrong_form_comes_back_with_everything_in_it(
    house: House, desk: Browser, changes: dict[str, str], field: str
) -> None:
    answer = await desk.post("/editor/new", {**ARTICLE, "owner": "somebody else", **changes})
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in answer.text
    assert f'id="{field}"' in answer.text
    assert "somebody else" in answer.text
    assert "A second source" in answer.text
    assert await house.count(article) == 0


async def test_a_taken_address_is_said_beside_its_field(house: House, desk: Browser) -> None:
    await house.publish("clares-law")
    answer = await desk.post("/editor/new", ARTICLE)
    assert answer.status_code == 422
    assert "Another article has this address." in answer.text


async def test_a_stale_edit_keeps_both_texts(house: House, desk: Browser) -> None:
    await desk.post("/editor/new", ARTICLE)
    ben = await house.hire("Ben Editor", Role.EDITOR)
    theirs = {"markdown": "The text of Ben.", "review_by": "2027-09-09", "owner": "ben"}
    await house.signed_in(ben).post("/editor/clares-law", {**ARTICLE, "base_version": "1", **theirs})
    mine = {**ARTICLE, "base_version": "1", "markdown": "The text of Eve."}
    answer = await desk.post("/editor/clares-law", mine)
    assert answer.status_code == 409
    for words in (
        "The text of Ben.",
        "The text of Eve.",
        "Ben Editor saved another text",
        'name="base_version" value="2"',
        '<th scope="row">Review by</th><td>2027-09-09</td><td>2027-04-12</td>',
        '<th scope="row">Owner</th><td>ben</td><td>eve</td>',
        "/editor/clares-law/compare?from=1&amp;to=2",
    ):
        assert words in answer.text
    assert '<th scope="row">Title</th>' not in answer.text
    assert await house.count(article_version) == 2
    assert (await desk.post("/editor/clares-law", {**mine, "base_version": "2"})).status_code == 303


async def test_what_the_form_does_not_know_survives_an_edit(house: House, desk: Browser) -> None:
    await house.draft("clares-law", a_text(more='{"jurisdiction":"Wales"}'))
    await desk.post("/editor/clares-law", {**ARTICLE, "base_version": "1"})
    async with house.db.read() as connection:
        assert (await read_version(connection, "clares-law", 2)).text.more == '{"jurisdiction":"Wales"}'


async def test_withdrawing_needs_a_reason(house: House, desk: Browser) -> None:
    await house.publish("clares-law")
    assert (await desk.post("/editor/clares-law/withdraw", {"reason": " "})).status_code == 422
    assert (await desk.post("/editor/clares-law/withdraw", {"reason": "Out of date."})).status_code == 303
    assert "Out of date." in (await house.stranger().get("/guidance/clares-law")).text
    assert (await desk.post("/editor/clares-law/withdraw", {"reason": "Again."})).status_code == 409


async def test_history_shows_who_wrote_what_and_restores(house: House, desk: Browser) -> None:
    await desk.post("/editor/new", ARTICLE)
    await desk.post("/editor/clares-law", {**ARTICLE, "base_version": "1", "title": "Second"})
    page = await desk.get("/editor/clares-law/history")
    assert page.text.index("Second") < page.text.index("Clare&#39;s Law</span></td>")
    assert "Eve" in page.text
    assert (await desk.post("/editor/clares-law/restore", {"version": "1"})).status_code == 303
    assert "Clare&#39;s Law" in (await desk.get("/editor/clares-law")).text
    assert await house.count(article_version) == 3
    assert (await desk.post("/editor/clares-law/restore", {"version": "99"})).status_code == 404


async def test_the_preview_is_what_readers_will_see(desk: Browser) -> None:
    headers = {"x-csrf-token": await desk.token()}
    text = {"markdown": "::: warning\nStop <b>now</b>\n:::"}
    shown = await desk.http.post("/editor/preview", json=text, headers=headers)
    assert shown.headers["cache-control"] == "no-store"
    assert '<div class="callout callout--warning"' in shown.json()["html"]
    assert "&lt;b&gt;" in shown.json()["html"]
    wide = {"markdown": "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n"}
    refused = await desk.http.post("/editor/preview", json=wide, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "too_complex")
    for nonsense in ({}, {"markdown": 7}, {"markdown": None}):
        assert (await desk.http.post("/editor/preview", json=nonsense, headers=headers)).status_code == 422
    assert (await desk.http.post("/editor/preview", json=text)).status_code == 403


async def test_the_preview_works_without_scripts_and_saves_nothing(house: House, desk: Browser) -> None:
    answer = await desk.post("/editor/new", {**ARTICLE, "markdown": "**Bold** words", "action": "preview"})
    assert answer.status_code == 200
    assert "<strong>Bold</strong> words" in answer.text
    assert "**Bold** words" in answer.text
    assert await house.count(article) == 0


async def test_the_work_list_begins_with_what_is_due(house: House, desk: Browser) -> None:
    await house.publish("a-current", title="A current one")
    await house.publish("z-due", title="Z is due", last_checked=None, review_by=house.clock().date())
    await house.draft("b-draft", a_text(title="B is a draft"))
    page = (await desk.get("/editor")).text
    table = table_of(page)
    assert table.index("Z is due") < table.index("A current one")
    assert "B is a draft" in page[: page.index("<tbody>")]
    assert "A current one" not in (await desk.get("/editor?q=draft")).text
    assert "Z is due" not in table_of((await desk.get("/editor?status=draft")).text)
    for query in ("q=%25", "q=_", "status=nonsense", "page=0", "page=99999999"):
        assert (await desk.get(f"/editor?{query}")).status_code == 200


def table_of(page: str) -> str:
    return page[page.index("<tbody>") :]


DOORS = [
    ("GET", "/editor"),
    ("GET", "/editor/new"),
    ("POST", "/editor/new"),
    ("POST", "/editor/preview"),
    ("GET", "/editor/clares-law"),
    ("POST", "/editor/clares-law"),
    ("POST", "/editor/clares-law/here"),
    ("POST", "/editor/clares-law/withdraw"),
    ("GET", "/editor/clares-law/review"),
    ("POST", "/editor/clares-law/review"),
    ("POST", "/editor/clares-law/send-back"),
    ("POST", "/editor/clares-law/cancel"),
    ("POST", "/editor/clares-law/publish"),
    ("GET", "/editor/clares-law/compare"),
    ("POST", "/editor/clares-law/restore"),
    ("GET", "/editor/clares-law/history"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_only_editors_enter(house: House, desk: Browser, cora: SignedIn, method: str, path: str) -> None:
    await house.draft("clares-law", a_text())
    fields = {**ARTICLE, "slug": "another", "reason": "x", "version": "1", "base_version": "1", "comment": "x"}
    for person, status in ((house.stranger(), 303), (house.ada(), 303), (house.signed_in(cora), 403)):
        answer = await person.http.request(method, path, data=fields if method == "POST" else None)
        assert answer.status_code == status
    assert await house.count(article_version) == 1
    assert await house.count(article_step) == 0
    without_token = await desk.http.request(method, path, data=fields if method == "POST" else None)
    assert without_token.status_code == (403 if method == "POST" else 200)
    assert await house.count(article_version) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/editor/nothing",
        "/editor/nothing/history",
        "/editor/nothing/review",
        "/editor/nothing/compare",
        "/editor/NOTHING",
    ],
)
async def test_an_article_that_is_not_there_is_404(desk: Browser, path: str) -> None:
    assert (await desk.get(path)).status_code == 404


async def test_who_else_has_it_open_is_said_and_never_stops_anybody(house: House, desk: Browser, nia: SignedIn) -> None:
    await house.draft("clares-law", a_text())
    nias = house.signed_in(nia)
    assert "has this open" not in (await desk.get("/editor/clares-law")).text
    house.clock.go_on(minutes=4)
    assert "Eve has this open, since 12:00." in (await nias.get("/editor/clares-law")).text
    token = {"x-csrf-token": await desk.token()}
    here = await desk.http.post("/editor/clares-law/here", json={}, headers=token)
    assert here.json() == {"sentences": ["Nia has this open, since 12:04."], "version": 1}
    # A page that renews is over soon after it was closed; one without scripts after ten minutes.
    house.clock.go_on(minutes=2)
    assert "Eve has" not in (await nias.get("/editor/clares-law")).text
    assert "Nia has" in (await desk.post("/editor/clares-law", {**ARTICLE, "title": "", "base_version": "1"})).text
    saved = await desk.post("/editor/clares-law", {**ARTICLE, "base_version": "1", "action": "continue"})
    assert saved.status_code == 303
    assert "has this open" not in (await nias.get("/editor/clares-law")).text
    house.clock.go_on(minutes=11)
    assert "has this open" not in (await desk.get("/editor/clares-law")).text


async def test_one_editor_cannot_keep_the_renderer_from_the_others(house: House, desk: Browser, nia: SignedIn) -> None:
    nias = house.signed_in(nia)
    for browser, statuses in ((desk, {200, 429}), (nias, {200})):
        headers = {"x-csrf-token": await browser.token()}
        tries = 25 if browser is desk else 3
        answers = [
            await browser.http.post("/editor/preview", json={"markdown": "Text"}, headers=headers) for _ in range(tries)
        ]
        assert {answer.status_code for answer in answers} == statuses
    assert (await desk.post("/editor/new", ARTICLE)).status_code == 303
