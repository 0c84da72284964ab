"""The story: Ada asks, Cora answers, Eve improves the article that was shared, Nia publishes it, and a stranger
finds it.

With scripts, over WebSocket, on each engine. Every page of it is looked at by axe-core and in a narrow window.
"""

import uuid

import httpx
import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser.pages import check_page, socket_paths
from tests.browser.people import (
    QUESTION,
    STORED,
    answer_questions,
    end_conversation,
    go_online,
    is_connected,
    join_line,
    look_away,
    sign_in,
    take_next,
    texts,
    without_reload,
    write,
)
from tests.browser.stage import Stage
from tests.live import READY_WITHIN_S
from tests.waiting import until

pytestmark = pytest.mark.browser

FIRST_WORD = "He says she makes it all up, and she has left him twice."
ANSWER = "Do not ask him to prove anything yet. Begin with what he wants from the order."
THANKS = "That helps. I had planned to begin with the police report."


async def test_ada_asks_cora_answers_eve_improves_the_article(stage: Stage) -> None:
    async with stage.visitor() as adas, stage.staff() as coras:
        ada, cora = await adas.new_page(), await coras.new_page()
        sockets = socket_paths(ada), socket_paths(cora)
        await ask(ada)
        await begin_work(cora)
        await ada_is_answered(ada, cora)
        slug, title = await share(ada, cora)
        assert [set(paths) for paths in sockets] == [{"/chat/socket"}, {"/desk/socket"}]
        await end(ada, cora)
        await look_back(ada, adas, title)
    word = f"zilvermeer{uuid.uuid4().hex[:8]}"
    async with stage.staff() as eves, stage.staff() as nias:
        await improve(await eves.new_page(), slug, title, f"Ask about the {word} first.")
        await publish(await nias.new_page(), slug, title, word)
    await find(stage, word, title)


async def ask(ada: Page) -> None:
    """The enquiry, with an answer that is looked at again, then the waiting room."""
    await answer_questions(ada)
    async with without_reload(ada):
        await ada.get_by_role("button", name="Change").last.click()
        await expect(ada.locator("#question")).to_have_value(QUESTION)
        await ada.get_by_role("button", name="Continue").click()
        await expect(ada.locator("h1")).to_be_focused()
    await join_line(ada)
    await expect(ada.locator('[data-slot="place"]')).to_contain_text("You are next.")
    await expect(ada.locator("#ticket-reference")).to_have_text(await reference_of(ada))
    await expect(ada.locator("#ticket-code")).not_to_be_empty()
    await expect(ada.locator('[data-slot="connection"]')).to_contain_text("Connected")
    await ada.locator(".reader__summary").first.click()
    await check_page(ada)


async def reference_of(page: Page) -> str:
    return await page.locator("[data-reference]").first.get_attribute("data-reference") or ""


async def begin_work(cora: Page) -> None:
    await sign_in(cora, "advisor@example.org", "/desk", check_page)
    await check_page(cora)
    # Before the scripts are there the button is a form's, which loads the page anew.
    await is_connected(cora)
    async with without_reload(cora):
        await go_online(cora)


async def ada_is_answered(ada: Page, cora: Page) -> None:
    """Each sees what the other writes at once, in order, and what has become of it."""
    async with without_reload(cora):
        await take_next(cora)
        await expect(ada.locator(".chat__title")).to_have_text("With Cora Hughes")
        await expect(cora.locator(".desk__talk")).to_contain_text(QUESTION)
        await expect(cora.locator(".context__read")).to_be_visible()
    async with without_reload(ada):
        await ada_writes_to_nobody(ada, cora)
        async with without_reload(cora):
            said = await write(cora, ANSWER)
            await expect(said).to_have_attribute("data-state", STORED)
            await expect(ada.locator(".entry--other", has_text=ANSWER)).to_be_visible()
            await expect(state_of(said)).to_have_text("Read")
            await expect(await write(ada, THANKS)).to_have_attribute("data-state", STORED)
            await expect(cora.locator(".entry--other", has_text=THANKS)).to_be_visible()
        told = [QUESTION, FIRST_WORD, ANSWER, THANKS]
        assert (await texts(ada), await texts(cora)) == (told, told)
    await check_page(cora)
    await check_page(ada)


async def ada_writes_to_nobody(ada: Page, cora: Page) -> None:
    """While Cora is on another page it is sent; when she comes back it is read."""
    workspace = cora.url
    await cora.get_by_role("link", name="Cora Hughes").click()
    await expect(cora.locator("h1")).to_have_text("Your account")
    await check_page(cora)
    said = await write(ada, FIRST_WORD)
    await expect(state_of(said)).to_have_text("Sent")
    await cora.goto(workspace)
    await expect(cora.locator(".entry--other", has_text=FIRST_WORD)).to_be_visible()
    await expect(state_of(said)).to_have_text("Read")


def state_of(said: Locator) -> Locator:
    return said.locator('[data-slot="state"]')


async def share(ada: Page, cora: Page) -> tuple[str, str]:
    """Cora gives Ada the first suggestion; Ada opens it: its slug and title."""
    suggestion = cora.locator(".suggestion").first
    # What is suggested follows the talk, and stands still only under a hand.
    await suggestion.hover()
    slug = await suggestion.get_attribute("data-slug") or ""
    title = (await suggestion.locator('[data-slot="title"]').inner_text()).strip()
    async with without_reload(ada):
        await suggestion.get_by_role("button", name="Share").click()
        link = ada.locator(".share__title a")
        await expect(link).to_contain_text(title)
        async with ada.context.expect_page() as opening:
            await link.click()
        article = await opening.value
    await expect(article.locator("h1")).to_have_text(title)
    assert article.url.partition("?")[2].startswith("version=")
    await check_page(article)
    await article.close()
    return slug, title


async def end(ada: Page, cora: Page) -> None:
    async with without_reload(ada):
        await end_conversation(cora)
        await expect(ada.locator(".chat__notice")).to_contain_text("The conversation has ended")
    await cora.wait_for_url("**/wrap-up")
    await check_page(cora)
    await cora.locator('[name="safeguarding"][value="none"]').check()
    await cora.get_by_role("button", name="Save the wrap-up").click()
    await cora.wait_for_url("**/desk?said=wrapped")
    await expect(cora.locator(".desk__message")).to_have_text("Wrapped up.")


async def look_back(ada: Page, adas: BrowserContext, title: str) -> None:
    """What came of it: the end, the transcript in three forms, two questions."""
    await ada.get_by_role("link", name="Transcript and what happens now").click()
    await expect(ada.locator("h1")).to_have_text("The conversation has ended")
    await expect(ada.locator(".plain-list")).to_contain_text(title)
    await check_page(ada)
    for form, kind, start in ((".txt", "text/plain", b""), (".pdf", "application/pdf", b"%PDF")):
        answer = await adas.request.get(f"/chat/transcript{form}")
        assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, kind)
        body = await answer.body()
        assert body.startswith(start)
        assert form == ".pdf" or THANKS in body.decode()
    await ada.get_by_role("link", name="Read and print it").click()
    for text in (QUESTION, FIRST_WORD, ANSWER, THANKS, title):
        await expect(ada.locator(".record")).to_contain_text(text)
    await check_page(ada)
    await ada.get_by_role("link", name="Back to the conversation").click()
    await ada.locator('[name="helpful"][value="5"]').check()
    await ada.locator('[name="will_change_practice"][value="yes"]').check()
    await ada.get_by_role("button", name="Send").click()
    await expect(ada.locator("main")).to_contain_text("Thank you.")
    await check_page(ada)


async def improve(eve: Page, slug: str, title: str, sentence: str) -> None:
    """Eve adds a sentence, sees it in the preview while she writes, and sends it to Nia."""
    await sign_in(eve, "editor@example.org", "/editor", check_page)
    await check_page(eve)
    await eve.get_by_role("link", name=title, exact=True).last.click()
    await eve.wait_for_url(f"**/editor/{slug}")
    await check_page(eve)
    async with without_reload(eve):
        text = eve.locator("#markdown")
        await text.fill(f"{await text.input_value()}\n\n## Before you begin\n\n**{sentence}**\n")
        await expect(eve.locator('[data-slot="preview"] strong').last).to_have_text(sentence)
    await eve.get_by_role("button", name="Save and continue").click()
    await expect(eve.locator(".desk__message")).to_contain_text("The draft is saved.")
    await check_page(eve)
    await eve.get_by_label("Who should look at it").select_option(label="Nia Owen")
    await eve.get_by_role("button", name="Send to review").click()
    await expect(eve.locator(".desk__message")).to_contain_text("The draft is in review.")
    await check_page(eve)


async def publish(nia: Page, slug: str, title: str, word: str) -> None:
    """Nia finds it in her work list, sees what changes and publishes."""
    await sign_in(nia, "editor2@example.org", "/editor", look_away)
    waiting = nia.get_by_role("region", name="In review with me")
    await waiting.get_by_role("link", name=title).click()
    await nia.wait_for_url(f"**/editor/{slug}/review")
    await expect(nia.locator("ins", has_text=word)).to_be_visible()
    await check_page(nia)
    await nia.get_by_role("link", name="Side by side").click()
    await expect(nia.locator("ins", has_text=word)).to_be_visible()
    await check_page(nia)
    await nia.go_back()
    await nia.get_by_role("button", name="Publish", exact=True).click()
    await expect(nia.locator(".desk__message")).to_have_text("The article is published.")
    await check_page(nia)


async def find(stage: Stage, word: str, title: str) -> None:
    """A stranger's search finds the change at once, whichever process answers."""
    for part in stage.web_parts:
        url = f"http://127.0.0.1:{stage.service.port(part)}"
        async with httpx.AsyncClient(
            base_url=url, headers=stage.service.origin_headers, trust_env=False, timeout=READY_WITHIN_S
        ) as browser:

            async def is_found(browser: httpx.AsyncClient = browser) -> bool:
                return title in (await browser.get("/guidance", params={"q": word})).text

            await until(is_found, what=f"{part} to find {word}")
    async with stage.visitor() as strangers:
        stranger = await strangers.new_page()
        await stranger.goto("/guidance")
        await check_page(stranger)
        await stranger.get_by_role("searchbox").fill(word)
        # What was found while she typed may stand there before the page does that she asked for.
        async with stranger.expect_event("load"):
            await stranger.get_by_role("button", name="Search").click()
        await expect(stranger.locator(".results mark").first).to_have_text(word)
        await check_page(stranger)
