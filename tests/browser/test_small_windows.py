"""What must be in sight in a window of 320 by 640, and what tells things apart where the system's colours replace ours."""

import pytest
from playwright.async_api import Browser, Locator, ViewportSize, expect

from tests.browser.meeting import CONNECTED, ask, expect_line, meeting, post, sign_in
from tests.browser.pages import check_page, opened
from tests.browser.stage import DESK_WINDOW
from tests.live import LiveService

pytestmark = pytest.mark.browser

SMALL: ViewportSize = {"width": 320, "height": 640}
NAMING = "His name is Bernard Oyelaran, he lives at 14 Rosebery Avenue and his number is 07700 900123. "
SCROLLED = "frame => { frame.scrollLeft = 200; return frame.scrollLeft }"


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


async def test_a_report_can_be_read(browser: Browser, lenient: LiveService) -> None:
    async with opened(browser, lenient.url, lenient.is_own, viewport=SMALL) as sues:
        await sign_in(sues.request, "supervisor@example.org")
        sue = await sues.new_page()
        await sue.goto("/supervise/reports?from=2026-11-01&to=2026-11-29&by=day")
        for width in (320, 768):
            await sue.set_viewport_size({"width": width, "height": 640})
            label = await sue.locator(".chart__text").first.bounding_box()
            assert label is not None
            assert label["height"] > 12, f"{label} in a window of {width}"
        frame = sue.locator(".table-frame").first
        assert await frame.evaluate(SCROLLED) > 0
        around, row = await frame.bounding_box(), await frame.locator("tbody th").first.bounding_box()
        assert around is not None
        assert row is not None
        assert around["x"] <= row["x"] < around["x"] + 2, "what the row is about stays"
        await check_page(sue)


async def test_what_is_chosen_is_told_in_the_systems_colours(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        another = await ask(met.cora.context.request)
        await post(met.cora.context.request, "/desk", f"/desk/conversations/{another}/accept")
        async with opened(browser, lenient.url, lenient.is_own, viewport=DESK_WINDOW, forced_colors="active") as coras:
            await sign_in(coras.request)
            cora = await coras.new_page()
            await cora.goto(met.path)
            await expect(cora.locator(".mine__link")).to_have_count(2)
            await expect_apart(
                cora.locator(".mine__link[aria-current]"),
                cora.locator(".mine__link:not([aria-current])"),
                "borderLeftColor",
            )
            await expect_apart(
                cora.locator('.duty__state[aria-pressed="true"]'),
                cora.locator('.duty__state[aria-pressed="false"]').first,
                "backgroundColor",
            )
        await post(met.cora.context.request, "/desk", f"/desk/conversations/{another}/end")


async def expect_whole(part: Locator) -> None:
    """All of it is in the window, and nothing lies over its middle."""
    await expect(part).to_be_in_viewport(ratio=0.99)
    assert await part.evaluate(
        """part => {
          const { left, top, width, height } = part.getBoundingClientRect()
          return part.contains(document.elementFromPoint(left + width / 2, top + height / 2))
        }"""
    ), f"something lies over {part}"


async def expect_apart(one: Locator, other: Locator, how: str) -> None:
    style = f"element => getComputedStyle(element).{how}"
    assert await one.evaluate(style) != await other.evaluate(style), how
