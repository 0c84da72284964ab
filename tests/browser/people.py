"""What Ada, Cora and Eve do in their browsers, one step of the story each."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from playwright.async_api import Locator, Page, expect

from tests.browser.pages import check_page
from tests.live import DEMO_PASSWORD
from tests.waiting import until

QUESTION = "How do I prepare a first supervision session with somebody who denies everything?"
ANSWERS = (
    ("sector", "probation"),
    ("area", "cleveland"),
    ("topic", "recognising_risk"),
    ("deadline", "days"),
    ("risk_flags", "none"),
    ("question", QUESTION),
)
"""After the question about danger, in the order of the pages."""

STORED = re.compile(r"^(sent|read)$")
MESSAGES = '.entry[data-kind="message"] [data-slot="text"]'

Look = Callable[[Page], Awaitable[None]]


async def look_away(_page: Page) -> None:
    """For steps that another test has looked at."""


@asynccontextmanager
async def without_reload(page: Page) -> AsyncIterator[None]:
    """The block happens on one page, which is never loaded anew."""
    await page.evaluate("window.isTheSamePage = true")
    yield
    assert await page.evaluate("window.isTheSamePage === true"), f"{page.url} was loaded anew"


async def answer(page: Page, name: str, value: str) -> None:
    field = page.locator(f'[name="{name}"]:not([type="hidden"])')
    kind = await field.first.evaluate("field => field.type")
    if kind in ("radio", "checkbox"):
        await page.locator(f'[name="{name}"][value="{value}"]').check()
    elif kind == "select-one":
        await field.select_option(value)
    else:
        await field.fill(value)


async def answer_questions(page: Page, look: Look = check_page) -> None:
    """One question a page, from the first page of the service to the page with all answers."""
    await page.goto("/")
    await look(page)
    await page.get_by_role("button", name="Ask an advisor").click()
    await expect(page.locator("h1")).to_contain_text("danger")
    await look(page)
    await answer(page, "immediate_danger", "no")
    for name, value in ANSWERS:
        await page.get_by_role("button", name="Continue").click()
        await expect(page.locator(f'[name="{name}"]:not([type="hidden"])').first).to_be_visible()
        await look(page)
        await answer(page, name, value)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator("h1")).to_have_text("Check your answers")
    await look(page)


async def join_line(page: Page) -> None:
    await page.fill("#nickname", "Ada")
    await page.check("#confirmed")
    await page.get_by_role("button", name="Join the line").click()
    await page.wait_for_url("**/chat")


async def sign_in(page: Page, email: str, first_page: str, look: Look = look_away) -> None:
    await page.goto("/sign-in")
    await look(page)
    await page.fill("#email", email)
    await page.fill("#password", DEMO_PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"**{first_page}")


KEEP_AUDIO = """
window.AudioContext = new Proxy(AudioContext, { construct: (Audio, how) => (window.audio = new Audio(...how)) })
"""
"""For a page whose sounds are listened to."""


async def sound_has_begun(page: Page) -> None:
    """The browser lets a page be heard only a while after it was asked to, and what was to be heard until then comes late."""
    await until(lambda: page.evaluate("window.audio?.resume().then(() => audio.state === 'running')"), what="the sound")


async def is_connected(page: Page) -> None:
    """From then on its scripts do what its keys and buttons ask for."""
    await expect(page.locator('[data-slot="connection"]')).to_contain_text("Connected")


async def go_online(page: Page) -> None:
    await is_connected(page)
    online = page.get_by_role("button", name="Online")
    await online.click()
    await expect(online).to_have_attribute("aria-pressed", "true")


async def take_next(page: Page) -> str:
    """The reference of the conversation that was taken."""
    await page.get_by_role("button", name="Take next").click()
    await expect(page.locator("#talk-title")).to_contain_text("Ada")
    return (await page.locator(".talk__reference").inner_text()).strip()


async def end_conversation(page: Page) -> None:
    """Asked once more before it is done."""
    await page.locator("#ending summary").click()
    await page.get_by_role("button", name="End the conversation").click()


async def write(page: Page, text: str) -> Locator:
    """Say something: its entry in the log."""
    await page.fill("#text", text)
    await page.get_by_role("button", name="Send", exact=True).click()
    return page.locator(".entry--own", has_text=text)


async def texts(page: Page) -> list[str]:
    """The messages on the page, from the oldest to the newest."""
    return [text.strip() for text in await page.locator(MESSAGES).all_inner_texts()]
