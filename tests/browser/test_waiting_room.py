"""The waiting room of two visitors while an advisor works: places move, an early close is told, and so is a lost advisor."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.meeting import ask, post, sign_in
from tests.browser.pages import PATIENCE_MS, check_page, opened
from tests.browser.people import KEEP_AUDIO, sound_has_begun, without_reload
from tests.live import LiveService
from triage.times import Times

pytestmark = pytest.mark.browser

PLACE, NOTICE = '[data-slot="place"]', '[data-slot="line-message"]'
SHORT = "We are short of staff today."
LINE_CLOSED = f"{SHORT} The line is closed to new enquiries. You keep your place"


@asynccontextmanager
async def people(service: LiveService, browser: Browser, count: int) -> AsyncIterator[list[BrowserContext]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(opened(browser, service.url, service.is_own)) for _ in range(count)]


async def in_line(context: BrowserContext) -> tuple[Page, str]:
    reference = await ask(context.request)
    page = await context.new_page()
    await page.goto("/chat")
    await expect(page.locator('[data-slot="connection"]')).to_have_text("Connected")
    return page, reference


@asynccontextmanager
async def on_duty(coras: BrowserContext) -> AsyncIterator[None]:
    """While one is here, closing moves nobody."""
    await post(coras.request, "/desk", "/desk/presence", state="online")
    try:
        yield
    finally:
        await post(coras.request, "/desk", "/desk/presence", state="away")


@asynccontextmanager
async def closed_early(sues: BrowserContext) -> AsyncIterator[None]:
    await post(sues.request, "/supervise", "/supervise/line", open="no", message=SHORT)
    try:
        yield
    finally:
        await post(sues.request, "/supervise", "/supervise/line", open="yes", message="")


async def test_the_place_moves_and_an_early_close_is_told(browser: Browser, lenient: LiveService) -> None:
    async with people(lenient, browser, 4) as (adas, bens, coras, sues):
        await sign_in(coras.request)
        await sign_in(sues.request, "supervisor@example.org")
        ada, first = await in_line(adas)
        ben, second = await in_line(bens)
        await expect(ada.locator(PLACE)).to_contain_text("You are next.")
        await expect(ben.locator(PLACE)).to_contain_text("You are 2nd in the line.")
        await expect(ben.locator(NOTICE)).to_be_hidden()
        async with on_duty(coras), without_reload(ben):
            await ben.locator(".reader__summary").first.click()
            async with closed_early(sues):
                await expect(ben.locator(NOTICE)).to_contain_text(LINE_CLOSED)
                await post(coras.request, "/desk", f"/desk/conversations/{first}/accept")
                await expect(ben.locator(PLACE)).to_contain_text("You are next.")
                await expect(ben.locator("details.reader").first).to_have_attribute("open", "")
                await look_at(ben)
                await check_page(ben)
            await expect(ben.locator(NOTICE)).to_be_hidden()
        await expect(ada.locator(".chat__title")).to_contain_text("With")
        await post(coras.request, "/desk", f"/desk/conversations/{first}/end")
        await ben.locator("summary", has_text="Leave the line").click()
        await ben.get_by_role("button", name="Leave now").click()
        await expect(ben.locator("h1")).to_have_text("You left the line")
        assert second in await ben.locator("main").inner_text()


async def test_closing_with_nobody_here_is_told_beside_what_is_read(browser: Browser, lenient: LiveService) -> None:
    async with people(lenient, browser, 2) as (adas, sues):
        ada, _ = await in_line(adas)
        await sign_in(sues.request, "supervisor@example.org")
        async with without_reload(ada):
            await ada.locator(".reader__summary").first.click()
            await ada.get_by_role("button", name="Leave it as a question instead").focus()
            async with closed_early(sues):
                # A service that has just started first gives every desk the time to say that it is there.
                patience_ms = Times().freeze.total_seconds() * 1000 + PATIENCE_MS
                await expect(ada.locator("h1")).to_have_text("Your question is with us", timeout=patience_ms)
                await expect(ada.locator("h1")).to_be_focused()
                await expect(ada.locator('[data-slot="kept-because"]')).to_contain_text("no advisor could take")
                await expect(ada.locator(PLACE)).to_have_count(0)
                await expect(ada).to_have_title(re.compile("^Your question is with us"))
                await expect(ada.get_by_role("button", name="Leave it as a question instead")).to_have_count(0)
                await expect(ada.locator("details.reader").first).to_have_attribute("open", "")
                await look_at(ada, "kept")
                await check_page(ada)
        await post(adas.request, "/chat", "/chat/leave")


async def test_only_an_advisor_is_told_by_a_sound(browser: Browser, lenient: LiveService) -> None:
    """Ada is met; Ben leaves the line in another window."""
    async with people(lenient, browser, 3) as (adas, bens, coras):
        await sign_in(coras.request)
        ada, reference = await in_line(adas)
        ben, _ = await in_line(bens)
        told = {page: await sounds_of(page) for page in (ada, ben)}
        await post(coras.request, "/desk", f"/desk/conversations/{reference}/accept")
        await expect(ada.locator(".chat__title")).to_contain_text("With")
        await post(bens.request, "/chat", "/chat/leave")
        await expect(ben.locator("h1")).to_have_text("You left the line")
        assert told == {ada: ["An advisor is here"], ben: []}
        await post(coras.request, "/desk", f"/desk/conversations/{reference}/end")


async def sounds_of(page: Page) -> list[str]:
    """The title of the page at each sound, once sounds are asked for."""
    titles: list[str] = []

    def note(title: str) -> None:
        titles.append(title)

    await page.expose_function("tell", note)
    await page.evaluate(
        """() => {
          const start = OscillatorNode.prototype.start
          OscillatorNode.prototype.start = function (when) {
            if (when < this.context.currentTime + 0.1) tell(document.title)
            return start.call(this, when)
          }
        }"""
    )
    await page.evaluate(f"() => {{ {KEEP_AUDIO} }}")
    await page.get_by_label("sound").check()
    # That alone plays it, so that one knows it.
    await sound_has_begun(page)
    titles.clear()
    return titles


async def test_the_advisor_sees_what_was_read(browser: Browser, lenient: LiveService) -> None:
    async with people(lenient, browser, 2) as (adas, coras):
        ada, reference = await in_line(adas)
        await sign_in(coras.request)
        title = (await ada.locator(".reader__title").first.inner_text()).strip()
        async with ada.expect_response("**/chat/opened") as told:
            await ada.locator(".reader__summary").first.click()
        assert (await told.value).status == 204
        path = f"/desk/conversations/{reference}"
        await post(coras.request, "/desk", f"{path}/accept")
        cora = await coras.new_page()
        await cora.goto(path)
        await expect(cora.locator(".context__read").first).to_contain_text(title)
        await post(coras.request, path, f"{path}/end")


async def test_without_scripts_the_same_words_are_on_the_page(browser: Browser, lenient: LiveService) -> None:
    async with (
        opened(browser, lenient.url, lenient.is_own, java_script_enabled=False) as adas,
        people(lenient, browser, 2) as (coras, sues),
    ):
        await ask(adas.request)
        await sign_in(coras.request)
        await sign_in(sues.request, "supervisor@example.org")
        ada = await adas.new_page()
        await ada.goto("/chat")
        await expect(ada.locator(PLACE)).to_have_text(re.compile(r"^You are next\. "))
        await expect(ada.locator(NOTICE)).to_be_hidden()
        async with on_duty(coras), closed_early(sues):
            await ada.reload()
            await expect(ada.locator(NOTICE)).to_contain_text(LINE_CLOSED)
        await ada.get_by_role("button", name="Leave it as a question instead").click()
        await expect(ada.locator("h1")).to_have_text("Your question is with us")


async def look_at(page: Page, name: str = "waiting") -> None:
    """Pictures for people, where they are asked for."""
    folder, size = os.environ.get("PICTURES"), page.viewport_size
    if not folder or size is None:
        return
    for width in (320, 768, 1440):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    await page.set_viewport_size(size)
