"""Writing in Chromium, under the real content security policy."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages import check_page
from tests.live import DEMO_PASSWORD

pytestmark = pytest.mark.browser


async def sign_in(page: Page) -> None:
    await page.goto("/sign-in?next=/editor")
    await page.get_by_label("Email").fill("editor@example.org")
    await page.get_by_label("Password", exact=True).fill(DEMO_PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/editor*")


async def test_the_preview_follows_the_typing(page: Page) -> None:
    await sign_in(page)
    await page.goto("/editor/new")
    await page.get_by_label("Text, in Markdown").fill("::: warning\nStop <img src=x onerror=alert(1)> **now**\n:::")
    preview = page.get_by_role("region", name="The text as readers see it")
    await expect(preview.locator(".callout--warning strong").last).to_have_text("now")
    assert await preview.locator("img").count() == 0
    await page.get_by_label("Text, in Markdown").fill("|" + "a|" * 60 + "\n|" + "-|" * 60)
    await expect(page.get_by_text("The text is too complex")).to_be_visible()
    await check_page(page)


async def test_the_pages_of_readers_and_editors_are_accessible(page: Page) -> None:
    for path in (
        "/guidance",
        "/guidance?q=throat",
        "/guidance?q=xyzzy",
        "/guidance/clares-law",
        "/guidance/orders-at-a-glance",
    ):
        await page.goto(path)
        await check_page(page)
    await sign_in(page)
    for path in ("/editor", "/editor/clares-law", "/editor/clares-law/history"):
        await page.goto(path)
        await check_page(page)


async def test_a_narrow_page_does_not_scroll_sideways(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    for path in ("/guidance", "/guidance/clares-law", "/guidance/orders-at-a-glance"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
