"""Links between articles: a word beside what is withdrawn or not there, for readers now and for editors before they publish."""

import json

from core.people import SignedIn
from knowledge.links import LinkedTexts
from knowledge.words import FOR_ANYONE, Audience
from tests.knowledge.house import House
from tests.knowledge.test_editor_pages import ARTICLE

TEXT = "See [the **law**](/guidance/law#s-who), [more](/guidance/more) and [gone](/guidance/nothing)."


async def test_readers_see_in_words_what_a_link_leads_to(house: House, cora: SignedIn) -> None:
    await house.publish("law")
    await house.publish("more", audience=Audience.ADVISORS)
    await house.publish("start", markdown=TEXT)
    stranger, advisor = house.stranger(), house.signed_in(cora)
    page = await stranger.get("/guidance/start")
    assert '<a href="/guidance/law#s-who">the <strong>law</strong></a>' in page.text
    # What a stranger may not see is the same as what does not exist, and its address is not told.
    for words in ("more", "gone"):
        assert f'<span class="link-gone">{words} <span class="link-note">(not available)</span></span>' in page.text
    assert "/guidance/more" not in page.text
    assert '<a href="/guidance/more">more</a>' in (await advisor.get("/guidance/start")).text
    await house.withdraw("law", "It changed.")
    # The same page, which was kept, says so at once.
    again = await stranger.get("/guidance/start", if_none_match=page.headers["etag"])
    assert again.status_code == 200
    assert '<strong>law</strong> <span class="link-note">(withdrawn)</span></a>' in again.text
    await house.publish("nothing")
    assert '<a href="/guidance/nothing">gone</a>' in (await stranger.get("/guidance/start")).text


async def test_a_text_is_marked_once_until_something_is_published(house: House) -> None:
    await house.publish("start", markdown=TEXT)
    looked_for: list[str] = []

    def find(slug: str, audiences: object) -> None:
        looked_for.append(slug)

    texts, article = LinkedTexts(find), await house.library.published("start", FOR_ANYONE)
    first = texts.of(article, FOR_ANYONE, house.library.index.snapshot)
    assert texts.of(article, FOR_ANYONE, house.library.index.snapshot) is first
    assert looked_for == ["law", "more", "nothing"]
    await house.publish("law")
    texts.of(article, FOR_ANYONE, house.library.index.snapshot)
    assert len(looked_for) == 6


async def test_editors_are_told_in_the_preview_and_after_saving(house: House, eve: SignedIn) -> None:
    await house.publish("law", title="The Law")
    await house.withdraw("law", "It changed.")
    await house.publish("more", title="More", audience=Audience.ADVISORS)
    desk = house.signed_in(eve)
    told = (
        "“The Law” was withdrawn.",
        "“More” is not for all who may read this article (Staff only).",
        "/guidance/nothing leads nowhere",
    )
    preview = await desk.post("/editor/new", {**ARTICLE, "markdown": TEXT, "action": "preview"})
    saved = await desk.post("/editor/new", {**ARTICLE, "markdown": TEXT})
    after = await desk.get(saved.headers["location"])
    sent = {"content-type": "application/json", "x-csrf-token": await desk.token()}
    live = await desk.http.post("/editor/preview", content=json.dumps({"markdown": TEXT}), headers=sent)
    for shown in (preview.text, after.text, live.json()["html"]):
        assert "To look at before you publish" in shown
        for words in told:
            assert words in shown, words
    for_staff = {"markdown": TEXT, "audience": "advisors"}
    live = await desk.http.post("/editor/preview", content=json.dumps(for_staff), headers=sent)
    assert "not for all" not in live.json()["html"]
    good = await desk.http.post("/editor/preview", content=json.dumps({"markdown": "[a](/guidance)"}), headers=sent)
    assert good.json()["html"] == '<p><a href="/guidance">a</a></p>\n'
