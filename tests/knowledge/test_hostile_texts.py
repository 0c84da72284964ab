"""Hostile texts through the editor's doors: each is a page or a refusal in words, soon, and what was typed is kept."""

import html
import json
import time

import pytest

from core.people import SignedIn
from knowledge.rendering import Renderer
from tests.knowledge.house import Browser, House
from tests.knowledge.test_editor_pages import ARTICLE
from tests.knowledge.test_markdown import HOSTILE, assert_harmless

# Its limit is the service's own second; the machine may be busy with something else while this runs.
MOST_S = 10.0
"""A second is given to each text; what was killed before it is begun anew within this time too."""

WIDE = "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n" + ("|" + "a|" * 300 + "\n") * 4
HEAVY = {
    "brackets": "[" * 20_000,
    "picture brackets": "![" * 20_000,
    "wide table": WIDE,
    "deep quotes": ">" * 5_000 + " x",
    "deep lists": "\n".join(" " * 2 * depth + "- x" for depth in range(150)),
    "boxes in boxes": "\n".join(":" * (103 - depth) + " warning" for depth in range(100)) + "\nx",
    "emphasis": "*a_ " * 12_000,
    "links": "[a](" * 12_000,
    "backticks": "`a``b" * 12_000,
    "references": "\n".join(f"[{number}]: https://example.org" for number in range(1_500)) + "[1]" * 2_000,
    "entities": "&#x41;" * 10_000,
    "headings": "# x\n" * 16_000,
}


@pytest.fixture
def desk(house: House, eve: SignedIn) -> Browser:
    return house.signed_in(eve)


async def test_heavy_texts_are_shown_or_refused_within_the_limit(house: House, desk: Browser) -> None:
    """The event loop never waits for them: they run in a process that is killed after a second."""
    house.library.renderer = renderer = Renderer()
    outcomes = {}
    for name, text in HEAVY.items():
        began = time.monotonic()
        answer = await desk.post("/editor/preview", {"markdown": text})
        assert time.monotonic() - began < MOST_S, name
        outcomes[name] = answer.status_code
        if answer.status_code == 422:
            assert "too complex" in html.unescape(answer.text), name
        else:
            assert answer.status_code == 200, name
            assert_harmless(answer.json()["html"])
    assert outcomes["wide table"] == 422
    assert (await desk.post("/editor/preview", {"markdown": "still here"})).json() == {"html": "<p>still here</p>\n"}
    await renderer.close()


async def test_what_was_typed_is_kept_when_it_is_refused(desk: Browser) -> None:
    for text, words in [
        ("x" * (64 * 1024 + 1), "longer than 64 KB"),
        ("é" * (32 * 1024) + "x", "longer than 64 KB"),
        (WIDE, "too complex"),
        (f"![](/guidance/images/{'a' * 32}-1x1.webp)", "has no description"),
    ]:
        page = await desk.post("/editor/new", {**ARTICLE, "markdown": text})
        assert page.status_code == 422
        assert words in html.unescape(page.text)
        assert text.strip() in html.unescape(page.text)
    assert (await desk.get("/editor/clares-law")).status_code == 404
    largest = "x" * (64 * 1024)
    assert (await desk.post("/editor/new", {**ARTICLE, "markdown": largest})).status_code == 303


async def test_characters_that_cannot_be_stored_are_refused(desk: Browser) -> None:
    token = await desk.token()
    sent = {"content-type": "application/json", "x-csrf-token": token}
    half = await desk.http.post("/editor/preview", content=b'{"markdown": "a\\ud800"}', headers=sent)
    assert (half.status_code, half.json()["code"]) == (422, "invalid_text")
    nul = await desk.post("/editor/new", {**ARTICLE, "markdown": "a\0b"})
    assert nul.status_code == 422
    assert (await desk.get("/editor/clares-law")).status_code == 404


async def test_the_hostile_texts_are_harmless_on_the_readers_page(house: House, desk: Browser) -> None:
    """All of them in one article, as a reader gets it; its source gives them back as they were written."""
    texts = [text.replace("\0", "") for text in HOSTILE]
    written = "\n\n".join(f"{text}\n\n---" for text in texts)
    assert (await desk.post("/editor/new", {**ARTICLE, "markdown": written})).status_code == 303
    published = {"version": "1", "reason": "It is only a try."}
    assert (await desk.post("/editor/clares-law/publish", published)).status_code == 303
    page = await house.stranger().get("/guidance/clares-law")
    prose = page.text.partition('<div class="prose" lang="en">')[2].partition('<section class="guide__sources"')[0]
    assert_harmless(
        prose.replace('<span class="link-gone">', "").replace('<span class="link-note">', "").replace("</span>", "")
    )
    assert "<script" not in prose
    source = await house.stranger().get("/guidance/clares-law.md")
    assert source.headers["content-type"].startswith("text/markdown")
    assert source.headers["x-content-type-options"] == "nosniff"
    assert "<script>alert(1)</script>" in source.text
    preview = await desk.http.post(
        "/editor/preview",
        content=json.dumps({"markdown": written}),
        headers={"content-type": "application/json", "x-csrf-token": await desk.token()},
    )
    assert "<script" not in preview.json()["html"]
