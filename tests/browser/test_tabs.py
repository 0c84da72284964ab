"""Several tabs of one person, pages out of the browser's cache, and what happens before the scripts are there."""

import pytest
from playwright.async_api import Browser, Page, Request, expect

from tests.browser.meeting import CONNECTED, ask, expect_line, expect_once, meeting, post
from tests.browser.pages import open_before, opened
from tests.browser.people import answer, without_reload, write
from tests.live import LiveService

pytestmark = pytest.mark.browser

FIRST = "He has been told that she moved."
SECOND = "He is here at three."
ANSWER = "Begin with what he wants from the order."


async def test_two_tabs_of_each(browser: Browser, lenient: LiveService) -> None:
    """All four are live, and show the same."""
    async with meeting(lenient, browser) as met:
        adas, coras = await both(met.ada), await both(met.cora)
        await write(adas[0], FIRST)
        await expect(coras[1].locator(".entry--other", has_text=FIRST)).to_be_visible()
        await write(coras[1], ANSWER)
        await expect(adas[1].locator(".entry--other", has_text=ANSWER)).to_be_visible()
        await write(adas[1], SECOND)
        for page in (*adas, *coras):
            await expect_once(page, FIRST, ANSWER, SECOND)
            await expect_line(page, CONNECTED)


async def both(page: Page) -> tuple[Page, Page]:
    """This tab, and one that begins as a copy of it."""
    await expect_line(page, CONNECTED)
    async with page.context.expect_page() as opening:
        # A tab opened by a script starts with a copy of the session storage, as a duplicated one does.
        await page.evaluate("open(location.href)")
    copy = await opening.value
    await expect_line(copy, CONNECTED)
    return page, copy


async def test_out_of_the_cache(browser: Browser, lenient: LiveService) -> None:
    """The page is as it was left; what was said meanwhile comes, and what is said goes."""
    async with meeting(lenient, browser) as met:
        await expect_line(met.ada, CONNECTED)
        async with without_reload(met.ada):
            await met.ada.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
            await write(met.cora, ANSWER)
            await expect_once(met.cora, ANSWER)
            await expect(met.ada.locator(".entry", has_text=ANSWER)).to_have_count(0)
            await met.ada.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
            await expect_once(met.ada, ANSWER)
            await expect_line(met.ada, CONNECTED)
            await write(met.ada, FIRST)
        await expect_once(met.cora, FIRST)


async def test_answer_again_right_after_going_back(browser: Browser, lenient: LiveService) -> None:
    async with opened(browser, lenient.url, lenient.is_own) as adas:
        page = await adas.new_page()
        await page.goto("/ask")
        await answer(page, "immediate_danger", "no")
        go_on = page.get_by_role("button", name="Continue")
        for _ in range(3):
            await go_on.click()
            await expect(page.locator('[name="sector"]').first).to_be_visible()
            await page.go_back()
            await expect(page.locator('[name="immediate_danger"]').first).to_be_visible()


async def test_second_click_answers_nothing_more(browser: Browser, lenient: LiveService) -> None:
    """The answer to the first is slow; the line is joined once."""
    async with opened(browser, lenient.url, lenient.is_own) as adas:
        page = await adas.new_page()
        sent: list[Request] = []
        page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
        await page.goto("/ask")
        await answer(page, "immediate_danger", "no")
        await page.evaluate(
            "for (let times = 0; times < 3; times++) document.querySelector('.ask__actions button').click()"
        )
        await expect(page.locator('[name="sector"]').first).to_be_visible()
        assert len(sent) == 1


async def test_article_opened_before_the_scripts_are_there(browser: Browser, lenient: LiveService) -> None:
    async with opened(browser, lenient.url, lenient.is_own) as adas:
        await ask(adas.request)
        page = await adas.new_page()
        script = await open_before("waiting", page, "/chat")
        reader = page.locator(".reader__summary").first
        await reader.click()
        async with page.expect_response("**/chat/opened") as telling:
            await script.continue_()
        told = await telling.value
        assert told.status < 300
        await expect(page.locator(".reader[open]")).to_have_count(1)
        await post(adas.request, "/chat", "/chat/leave")
        await expect(page.get_by_role("heading", name="You left the line")).to_be_visible()
