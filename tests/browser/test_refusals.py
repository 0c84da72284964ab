"""Pages of what was refused can be read and used like any other, and what was entered goes on from there."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages import check_page
from tests.browser.people import answer, sign_in
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser


async def test_pages_that_are_not_there_or_not_theirs(stage: Stage) -> None:
    async with stage.visitor() as strangers, stage.staff() as coras:
        stranger, cora = await strangers.new_page(), await coras.new_page()
        await stranger.goto("/nothing-here")
        await is_told(stranger, 404)
        await sign_in(cora, "advisor@example.org", "/desk")
        await cora.goto("/editor")
        await is_told(cora, 403)


async def test_a_page_that_lay_open_too_long(stage: Stage) -> None:
    async with stage.visitor() as adas:
        ada = await adas.new_page()
        await ada.goto("/")
        await ada.get_by_role("button", name="Ask an advisor").click()
        await answer(ada, "immediate_danger", "no")
        await ada.locator('[name="csrf_token"]').evaluate_all("all => all.forEach(one => { one.value = 'old' })")
        await ada.get_by_role("button", name="Continue").click()
        await is_told(ada, 403)
        await ada.get_by_role("button", name="Send it again").click()
        await expect(ada.locator('[name="sector"]:not([type="hidden"])').first).to_be_visible()


async def is_told(page: Page, status: int) -> None:
    await expect(page.locator("main")).to_contain_text(f"({status})")
    await check_page(page)
