"""The checks that the other tests rely on see what is wrong."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.pages import check_narrow, check_page, opened
from tests.live import LiveService

pytestmark = pytest.mark.browser

SAYS: dict[str, Callable[[Any], str]] = {
    "weberror": lambda one: str(one.error.message),
    "console": lambda one: str(one.text),
    "request": lambda one: str(one.url),
    "response": lambda one: str(one.url),
}


async def test_violation_is_seen(page: Page) -> None:
    await page.goto("/")
    await check_page(page)
    await page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    with pytest.raises(AssertionError, match="image-alt"):
        await check_page(page)


async def test_sideways_scrolling_is_seen(page: Page) -> None:
    await page.goto("/")
    await page.evaluate("document.querySelector('h1').style.width = '400px'")
    with pytest.raises(AssertionError, match="px wide in a window of 320"):
        await check_narrow(page)


@pytest.mark.parametrize(
    ("mistake", "event", "words"),
    [
        ("setTimeout(() => { throw new Error('fallen over') })", "weberror", "script: fallen over"),
        ("console.error('said so')", "console", "console: said so"),
        ("fetch('http://localhost:9/').catch(() => null)", "console", "console: .*Content Security Policy"),
        ("document.body.setAttribute('style', 'color: red')", "console", "console: .*Content Security Policy"),
        ("import('/static/js/nothing.js').catch(() => null)", "response", "missing: .*/static/js/nothing.js"),
        ("location.assign('http://localhost:9/')", "request", "elsewhere: http://localhost:9/"),
    ],
)
async def test_mistake_of_a_page_fails_its_test(
    browser: Browser, demo: LiveService, mistake: str, event: str, words: str
) -> None:
    with pytest.raises(AssertionError, match=words):
        await make(browser, demo, mistake, event, words)


async def make(browser: Browser, demo: LiveService, mistake: str, event: str, words: str) -> None:
    async with opened(browser, demo.url, demo.is_own) as context:
        page = await context.new_page()
        await page.goto("/", wait_until="networkidle")
        # The page asks for other things too.
        what = words.partition(": ")[2]
        async with context.expect_event(event, lambda one: re.search(what, SAYS[event](one)) is not None):
            await page.evaluate(f"() => {{ {mistake} }}")
