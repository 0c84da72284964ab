"""A desk on a network where only the long poll works: what is told is told once, and nothing moves away from under a hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.meeting import SLOW, ask, expect_line, expect_once, post, say, sign_in
from tests.browser.pages import opened
from tests.browser.people import write
from tests.browser.stage import DESK_WINDOW
from tests.browser.test_attention import LISTEN, asked, choose
from tests.live import LiveService

pytestmark = pytest.mark.browser

POLL = "**/desk/poll?*"
TEXT = "He is here at three."
ANSWER = "Begin with what he wants from the order."
ONE_CALL: tuple[int, list[str]] = (2, [])


async def by_poll(context: BrowserContext, address: str) -> Page:
    """A page in a tab where nothing better has worked."""
    page = await context.new_page()
    await page.add_init_script("sessionStorage.setItem('transport', 'poll')")
    await page.add_init_script(LISTEN)
    await page.goto(address)
    return page


@asynccontextmanager
async def coras_desk(browser: Browser, service: LiveService) -> AsyncIterator[tuple[BrowserContext, Page]]:
    async with opened(browser, service.url, service.is_own, viewport=DESK_WINDOW) as coras:
        await sign_in(coras.request)
        await post(coras.request, "/desk", "/desk/notices/seen")
        cora = await by_poll(coras, "/desk")
        await expect_line(cora, SLOW)
        await choose(cora, wanted=True)
        yield coras, cora


async def polls(page: Page, count: int) -> None:
    """So many more are answered."""
    for _ in range(count):
        async with page.expect_response(POLL):
            pass


async def test_an_offer_is_told_once_and_its_card_stays(browser: Browser, lenient: LiveService) -> None:
    async with opened(browser, lenient.url, lenient.is_own) as adas, coras_desk(browser, lenient) as (coras, cora):
        beside = await by_poll(coras, "/desk/replies")
        # No page may make a sound before somebody has touched it.
        await beside.locator("h1").click()
        await post(coras.request, "/desk", "/desk/presence", state="online")
        await asked(cora)
        reference = await ask(adas.request)
        accept = cora.get_by_role("button", name="Accept")
        await accept.focus()
        await expect(beside.locator(".news")).to_contain_text("Someone is waiting for you.")
        await polls(cora, 3)
        await expect(accept).to_be_focused()
        assert await asked(cora) == ONE_CALL
        assert await asked(beside) == ONE_CALL
        await post(coras.request, "/desk", f"/desk/conversations/{reference}/decline")
        await post(coras.request, "/desk", "/desk/presence", state="away")
        await post(adas.request, "/chat", "/chat/leave")


async def test_what_comes_between_two_polls_calls(browser: Browser, lenient: LiveService) -> None:
    async with opened(browser, lenient.url, lenient.is_own) as adas, coras_desk(browser, lenient) as (coras, cora):
        reference = await ask(adas.request)
        await post(coras.request, "/desk", f"/desk/conversations/{reference}/accept")
        await expect(cora.locator(".mine__item")).to_contain_text(reference)
        await polls(cora, 2)
        await asked(cora)
        between = asyncio.Event()

        async def hold(route: Route) -> None:
            await between.wait()
            await route.continue_()

        async with cora.expect_request(POLL):
            await cora.route(POLL, hold)
        await say(adas, "/chat", "/chat/messages", TEXT)
        between.set()
        await expect(cora.locator(".mine__unread")).to_have_text("2 new")
        assert await asked(cora) == ONE_CALL
        await cora.unroute_all(behavior="wait")
        await post(coras.request, "/desk", f"/desk/conversations/{reference}/end")


async def test_a_poll_asked_before_a_conversation_was_taken(browser: Browser, lenient: LiveService) -> None:
    """Its answer, which comes when the conversation is open, knows nothing of it."""
    async with opened(browser, lenient.url, lenient.is_own) as adas, coras_desk(browser, lenient) as (coras, cora):
        reference = await ask(adas.request)
        is_open = asyncio.Event()

        async def hold(route: Route) -> None:
            answer = await route.fetch()
            await is_open.wait()
            await route.fulfill(response=answer)

        async with cora.expect_request(POLL):
            await cora.route(POLL, hold)
        await cora.get_by_role("button", name="Take next").click()
        await expect(cora.locator(".composer__reference")).to_have_text(reference)
        async with cora.expect_response(POLL):
            is_open.set()
        await cora.unroute_all(behavior="wait")
        await polls(cora, 1)
        await write(cora, ANSWER)
        ada = await adas.new_page()
        await ada.goto("/chat")
        await expect_once(ada, ANSWER)
        await post(coras.request, "/desk", f"/desk/conversations/{reference}/end")
