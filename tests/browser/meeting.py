"""A conversation that has begun, without the pages that lead to it: Ada's window and Cora's, side by side.

The enquiry is posted and the conversation taken as an outside client would; only what comes after is looked at.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import APIRequestContext, Browser, BrowserContext, Locator, Page, expect

from tests.browser.pages import PATIENCE_MS, opened
from tests.browser.people import ANSWERS
from tests.browser.stage import DESK_WINDOW
from tests.live import DEMO_PASSWORD, LiveService

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
REFERENCE = re.compile(r'data-reference="([0-9A-Z-]+)"')
CONNECTED = "Connected"
SLOW = "Slow network: still working"
RETRIES = 2
"""Of a client that comes upon a connection which the server closes at that moment, as browsers try again."""
RECONNECTING = "Connection lost. Trying again. What you write is kept."
OFFLINE = "Offline: your message will be sent when you are back"


@dataclass(frozen=True, slots=True)
class Meeting:
    ada: Page
    cora: Page
    reference: str

    @property
    def path(self) -> str:
        """Of the workspace."""
        return f"/desk/conversations/{self.reference}"


@asynccontextmanager
async def meeting(
    service: LiveService, browser: Browser, *, front: Browser | None = None, clock: bool = False, **options: Any
) -> AsyncIterator[Meeting]:
    """`front` is Ada's browser; with `clock` the time of her page is in the test's hands."""
    async with (
        opened(front or browser, service.url, service.is_own, **options) as adas,
        opened(browser, service.url, service.is_own, viewport=DESK_WINDOW) as coras,
    ):
        reference = await ask(adas.request)
        await sign_in(coras.request)
        path = f"/desk/conversations/{reference}"
        await post(coras.request, "/desk", f"{path}/accept")
        ada, cora = await adas.new_page(), await coras.new_page()
        if clock:
            await ada.clock.install()
        await ada.goto("/chat")
        await cora.goto(path)
        try:
            yield Meeting(ada, cora, reference)
        finally:
            # Others need the place, and the front of the line.
            await post(coras.request, "/desk", f"{path}/end")


async def ask(visitor: APIRequestContext) -> str:
    """Join the line: the reference."""
    fields = dict(ANSWERS) | {"immediate_danger": "no", "nickname": "Ada", "language": "en", "confirmed": "yes"}
    answer = await post(visitor, "/ask?all=1", "/ask", **fields)
    found = REFERENCE.search(answer)
    assert found is not None, answer
    return found[1]


async def sign_in(staff: APIRequestContext, email: str = "advisor@example.org") -> None:
    await post(staff, "/sign-in", "/sign-in", email=email, password=DEMO_PASSWORD)


async def post(who: APIRequestContext, page: str, path: str, **fields: str) -> str:
    """Send a form with the token that stands on this page: the page that answers it."""
    token = TOKEN.search(await (await who.get(page, max_retries=RETRIES)).text())
    assert token is not None, f"{page} has no form"
    answer = await who.post(path, form={"csrf_token": token[1]} | fields)
    assert answer.ok, f"{path} answered {answer.status}"
    return await answer.text()


async def say(who: BrowserContext, page: str, path: str, *texts: str) -> None:
    """Post messages as a page without scripts does."""
    for text in texts:
        await post(who.request, page, path, text=text)


def words_of_the_line(page: Page) -> Locator:
    return page.locator('[data-slot="connection"]')


async def expect_line(page: Page, words: str, within_s: float = PATIENCE_MS / 1000) -> None:
    await expect(words_of_the_line(page)).to_have_text(words, timeout=within_s * 1000)


async def expect_once(page: Page, *texts: str) -> None:
    """Each of these is in the log once, in this order."""
    await expect(page.locator(".entry", has_text=texts[-1])).to_have_count(1)
    found = [text.strip() for text in await page.locator(".entry__text").all_inner_texts()]
    assert [text for text in found if text in texts] == list(texts)


async def asks_on_leaving(page: Page) -> bool:
    """Whether the browser asks; the page stays either way."""
    is_asking: object = await page.evaluate("!dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    return is_asking is True
