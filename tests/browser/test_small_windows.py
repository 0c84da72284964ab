"""What must be in sight in a window of 320 by 640."""

import pytest
from playwright.async_api import Browser, Locator, ViewportSize, expect

from tests.browser.meeting import CONNECTED, ask, expect_line, meeting, post
from tests.browser.pages import check_page, opened
from tests.live import LiveService

pytestmark = pytest.mark.browser

SMALL: ViewportSize = {"width": 320, "height": 640}
NAMING = "His name is Bernard Oyelaran, he lives at 14 Rosebery Avenue and his number is 07700 900123. "


async def test_what_may_be_done_about_a_hold_is_in_sight(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        for page in (met.ada, met.cora):
            await expect_line(page, CONNECTED)
            await page.set_viewport_size(SMALL)
            await page.fill("#text", NAMING * 3)
            await page.get_by_role("button", name="Send", exact=True).click()
            await expect(page.locator(".hold")).to_be_focused()
            for name in ("Change the message", "Send with these words hidden", "Send as it is"):
                await expect_whole(page.get_by_role("button", name=name))
            await expect_whole(page.locator("#text"))
            await expect(page.locator(".hold mark").first).to_be_in_viewport(ratio=1)
            await check_page(page)
            await page.get_by_role("button", name="Change the message").click()


async def test_the_code_comes_straight_after_the_place(browser: Browser, lenient: LiveService) -> None:
    async with opened(browser, lenient.url, lenient.is_own, viewport=SMALL) as adas:
        await ask(adas.request)
        ada = await adas.new_page()
        await ada.goto("/chat")
        await expect(ada.locator("#ticket-code")).to_be_in_viewport(ratio=0.99)
        await check_page(ada)
        await post(adas.request, "/chat", "/chat/leave")


async def expect_whole(part: Locator) -> None:
    """All of it is in the window, and nothing lies over its middle."""
    await expect(part).to_be_in_viewport(ratio=0.99)
    assert await part.evaluate(
        """part => {
          const { left, top, width, height } = part.getBoundingClientRect()
          return part.contains(document.elementFromPoint(left + width / 2, top + height / 2))
        }"""
    ), f"something lies over {part}"
