"""Writing in Chromium, under the real content security policy."""

import asyncio

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.pages import check_page, open_before, opened
from tests.live import DEMO_PASSWORD, LiveService

pytestmark = pytest.mark.browser


async def sign_in(page: Page, email: str = "editor@example.org") -> None:
    await page.goto("/sign-in?next=/editor")
    await page.get_by_label("Email").fill(email)
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


async def test_what_was_typed_before_the_scripts_were_there_is_previewed_and_not_left_without_a_question(
    page: Page,
) -> None:
    await sign_in(page)
    script = await open_before("editor", page, "/editor/new")
    await page.get_by_label("Text, in Markdown").fill("Ask what he **wants**.")
    await script.continue_()
    preview = page.get_by_role("region", name="The text as readers see it")
    await expect(preview.locator("strong")).to_have_text("wants")
    async with page.expect_event("dialog") as asking:
        leaving = asyncio.create_task(page.reload())
    await (await asking.value).accept()
    await leaving


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
    for path in ("/editor", "/editor/clares-law", "/editor/clares-law/history", "/editor/clares-law/review"):
        await page.goto(path)
        await check_page(page)


async def test_a_narrow_page_does_not_scroll_sideways(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    for path in ("/guidance", "/guidance/clares-law", "/guidance/orders-at-a-glance"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


async def test_the_keys_write_plain_markdown_and_are_one_stop_for_the_keyboard(page: Page) -> None:
    await sign_in(page)
    await page.goto("/editor/new")
    text, keys = page.get_by_label("Text, in Markdown"), page.get_by_role("toolbar", name="Formatting")
    await text.fill("police")
    await text.press("ControlOrMeta+A")
    await text.press("ControlOrMeta+B")
    await expect(text).to_have_value("**police**")
    await text.press("ControlOrMeta+Z")
    await expect(text).to_have_value("police")
    await keys.get_by_role("button", name="Bold").focus()
    await page.keyboard.press("End")
    await expect(keys.get_by_role("button", name="Warning")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await expect(keys.get_by_role("button", name="Italic")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(text).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(keys.get_by_role("button", name="Italic")).to_be_focused()
    preview = page.get_by_role("region", name="The text as readers see it")
    for key, shown in (
        ("Heading", "h2"),
        ("List", "ul li"),
        ("Steps", ".callout--steps ol li"),
        ("Link", "p"),
        ("Table", "table td"),
        ("Check before use", ".callout--check"),
        ("Warning", ".callout--warning"),
    ):
        await text.fill("")
        await keys.get_by_role("button", name=key).click()
        await expect(preview.locator(shown).first).to_be_visible()
        await expect(text).to_be_focused()
    await check_page(page)


async def test_who_else_has_it_open_is_said_while_the_page_is_open(browser: Browser, demo: LiveService) -> None:
    async with opened(browser, demo.url, demo.is_own) as eves, opened(browser, demo.url, demo.is_own) as nias:
        eve, nia = await eves.new_page(), await nias.new_page()
        await sign_in(eve)
        await eve.clock.install()
        await eve.goto("/editor/clares-law")
        others = eve.locator('[data-slot="others"]')
        await expect(others).to_be_empty()
        await sign_in(nia, "editor2@example.org")
        await nia.goto("/editor/clares-law")
        await expect(nia.locator('[data-slot="others"]')).to_contain_text("Eve Martin has this open, since")
        await check_page(nia)
        await eve.clock.fast_forward(31_000)
        await expect(others).to_contain_text("Nia Owen has this open, since")
