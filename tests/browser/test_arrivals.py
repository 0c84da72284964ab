"""What is said while the page of a conversation is on its way to the desk, whatever brings that page."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, BrowserContext, Page, WebSocket, expect

from tests.browser.meeting import CONNECTED, Meeting, ask, expect_line, expect_once, meeting, post, say
from tests.browser.pages import opened
from tests.browser.people import without_reload
from tests.live import LiveService
from tests.waiting import until

pytestmark = pytest.mark.browser

FIRST = "He has been told that she moved."
SECOND = "He is here at three."
# As on a slow line: the service has answered, and the answer waits to be let in.
SLOW_LINE = r"""
window.onTheirWay = []
const fetchAtOnce = window.fetch
window.fetch = async (...asked) => {
  const answer = await fetchAtOnce(...asked)
  if (window.isSlow && /\/desk\/conversations\/[^/]+$/.test(new URL(answer.url).pathname)) {
    await new Promise((letIn) => window.onTheirWay.push(letIn))
  }
  return answer
}
"""


class Heard:
    """What the sockets of a page were sent."""

    def __init__(self, page: Page) -> None:
        self.frames: list[str] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.frames.append(str(frame)))

    async def wait_for(self, text: str) -> None:
        await until(lambda: any(text in frame for frame in self.frames), what=f"the socket to bring {text!r}")


@asynccontextmanager
async def on_its_way(page: Page) -> AsyncIterator[None]:
    """The block begins when the page of a conversation waits to be let in."""
    yield
    await page.evaluate("isSlow = false, onTheirWay.splice(0).forEach((letIn) => letIn())")


async def ask_slowly(page: Page, act: Callable[[], Awaitable[object]]) -> None:
    await page.evaluate("isSlow = true")
    await act()

    async def is_held() -> bool:
        return bool(await page.evaluate("onTheirWay.length > 0"))

    await until(is_held, what="the page to be on its way")


async def listening(met: Meeting) -> Heard:
    heard = Heard(met.cora)
    await met.cora.add_init_script(SLOW_LINE)
    await met.cora.reload()
    await expect_line(met.cora, CONNECTED)
    return heard


async def is_complete(page: Page, reference: str, who: BrowserContext, heard: Heard, words: str) -> None:
    """What came meanwhile stands there, and what comes afterwards too, each once."""
    meanwhile, afterwards = f"{FIRST} {words}", f"{SECOND} {words}"
    async with on_its_way(page):
        await say(who, "/chat", "/chat/messages", meanwhile)
        await heard.wait_for(meanwhile)
    await expect(page.locator(".composer__reference")).to_have_text(reference)
    await expect_once(page, meanwhile)
    await say(who, "/chat", "/chat/messages", afterwards)
    await expect_once(page, meanwhile, afterwards)


async def test_nothing_is_missed_while_a_page_is_on_its_way(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        heard, cora = await listening(met), met.cora
        second = await ask(bens.request)
        async with without_reload(cora):
            await ask_slowly(cora, cora.get_by_role("button", name="Take next").click)
            await is_complete(cora, second, bens, heard, "Taken next.")
            await ask_slowly(cora, cora.locator(".mine__link", has_text=met.reference).click)
            await is_complete(cora, met.reference, met.ada.context, heard, "Chosen from the list.")
            await ask_slowly(cora, lambda: cora.evaluate("history.back()"))
            await is_complete(cora, second, bens, heard, "Gone back to.")
        await post(cora.context.request, "/desk", f"/desk/conversations/{second}/end")


async def test_a_page_that_does_not_come_leaves_the_one_that_is_open(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        cora = met.cora
        second = await ask(bens.request)
        await post(cora.context.request, "/desk", f"/desk/conversations/{second}/accept")
        link = cora.locator(".mine__link", has_text=second)
        async with without_reload(cora):
            await link.click()
            await expect(cora.locator(".composer__reference")).to_have_text(second)
            await cora.fill("#text", FIRST)
            await cora.context.set_offline(True)
            for leave in (
                cora.locator(".mine__link", has_text=met.reference).click,
                lambda: cora.evaluate("history.back()"),
            ):
                async with cora.expect_event("requestfailed", lambda one: one.url.endswith(met.path)):
                    await leave()
                await expect(cora.locator(".desk__message")).to_contain_text("What was open stays open")
                await expect(cora).to_have_url(re.compile(f"{second}$"))
            await expect(cora.locator("#text")).to_have_value(FIRST)
            await cora.context.set_offline(False)
            await expect_line(cora, CONNECTED)
            await cora.evaluate("history.back()")
            await expect(cora.locator(".composer__reference")).to_have_text(met.reference)
        await post(cora.context.request, "/desk", f"/desk/conversations/{second}/end")
