"""Sue's board goes on by itself, wherever she is in it."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.meeting import ask, meeting, post, sign_in
from tests.browser.pages import opened
from tests.browser.stage import DESK_WINDOW
from tests.live import LiveService

pytestmark = pytest.mark.browser


async def test_the_table_that_is_being_read_goes_on(browser: Browser, lenient: LiveService) -> None:
    """And keeps the focus: in the table's frame, and on the link to a conversation."""
    async with (
        meeting(lenient, browser),
        opened(browser, lenient.url, lenient.is_own) as bens,
        opened(browser, lenient.url, lenient.is_own) as bees,
        opened(browser, lenient.url, lenient.is_own, viewport=DESK_WINDOW) as sues,
    ):
        await sign_in(sues.request, "supervisor@example.org")
        first = await ask(bens.request)
        sue = await sues.new_page()
        await sue.goto("/supervise")
        frame = sue.locator('.table-frame[aria-labelledby="waiting-title"]')
        await frame.focus()
        second = await ask(bees.request)
        await expect(frame).to_contain_text(second)
        await expect(frame).to_be_focused()
        await frame.get_by_role("link", name=first).focus()
        await post(bees.request, "/chat", "/chat/leave")
        await expect(frame).not_to_contain_text(second)
        await expect(frame.get_by_role("link", name=first)).to_be_focused()
        await post(bens.request, "/chat", "/chat/leave")
