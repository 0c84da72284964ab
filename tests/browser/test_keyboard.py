"""The main steps without a mouse: the enquiry, the conversation on both sides, the end."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.people import QUESTION, STORED, is_connected, sign_in, without_reload
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser

MOST_TABS = 80
SHOWN_FOCUS = """element => {
  const isDrawn = (style) => style.outlineStyle !== 'none' || style.boxShadow !== 'none'
  // Radios and checkboxes are drawn by their labels.
  const label = element.nextElementSibling
  return isDrawn(getComputedStyle(element)) || (label !== null && isDrawn(getComputedStyle(label, '::before')))
}"""
HELLO = "Good morning Ada. What do you know about him so far?"
REPLY = "That he has been on a course before."


async def tab_to(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Press Tab until it has the focus, and see that it shows."""
    await expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        if await wanted.evaluate("element => element === document.activeElement"):
            assert await wanted.evaluate(SHOWN_FOCUS), f"the focus on {wanted} cannot be seen"
            return
        await page.keyboard.press(key)
    raise AssertionError(f"{wanted} was not reached in {MOST_TABS} steps")


async def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    await tab_to(page, wanted)
    await page.keyboard.press(key)


async def test_the_story_by_keyboard(stage: Stage) -> None:
    async with stage.visitor() as adas, stage.staff() as coras:
        ada, cora = await adas.new_page(), await coras.new_page()
        await ada_asks(ada)
        await sign_in(cora, "advisor@example.org", "/desk")
        await cora_takes(cora)
        await expect(ada.locator(".chat__title")).to_have_text("With Cora Hughes")
        async with without_reload(ada):
            await they_talk(ada, cora)
            await press(cora, cora.locator("#ending summary"))
            await press(cora, cora.get_by_role("button", name="End the conversation"))
            await cora.wait_for_url("**/wrap-up")
            await press(cora, cora.get_by_role("button", name="Save the wrap-up"))
            await cora.wait_for_url("**/desk?said=wrapped")
            await expect(ada.locator(".chat__notice")).to_be_visible()
        await press(ada, ada.get_by_role("link", name="Transcript and what happens now"))
        await expect(ada.locator("h1")).to_have_text("The conversation has ended")
        await press(ada, ada.get_by_role("link", name="Read and print it"))
        await expect(ada.locator(".record")).to_contain_text(REPLY)


async def ada_asks(ada: Page) -> None:
    await ada.goto("/")
    await press(ada, ada.get_by_role("button", name="Ask an advisor"))
    await tick(ada, "immediate_danger", "no")
    await tick(ada, "sector", "probation")
    await tab_to(ada, ada.locator("#area"))
    await ada.keyboard.type("Cleve")
    await go_on(ada)
    await tick(ada, "topic", "recognising_risk")
    await tick(ada, "deadline", "none")
    await tick(ada, "risk_flags", "none")
    await tab_to(ada, ada.locator("#question"))
    await ada.keyboard.type(QUESTION)
    await go_on(ada)
    await tab_to(ada, ada.locator("#nickname"))
    await ada.keyboard.type("Ada")
    await press(ada, ada.locator("#confirmed"), "Space")
    await press(ada, ada.get_by_role("button", name="Join the line"))
    await ada.wait_for_url("**/chat")
    await press(ada, ada.locator(".reader__summary").first)
    await expect(ada.locator(".reader__body").first).to_be_visible()


async def tick(ada: Page, name: str, value: str) -> None:
    """Into the group, down to the answer, and on."""
    wanted = ada.locator(f'[name="{name}"][value="{value}"]')
    await expect(wanted).to_be_visible()
    if await wanted.get_attribute("type") == "radio":
        await tab_to(ada, ada.locator(f'[name="{name}"]').first)
        await ada.keyboard.press("Space")
        await tab_to(ada, wanted, "ArrowDown")
    else:
        await press(ada, wanted, "Space")
    await expect(wanted).to_be_checked()
    await go_on(ada)


async def go_on(ada: Page) -> None:
    heading = await ada.locator("h1").inner_text()
    await press(ada, ada.get_by_role("button", name="Continue"))
    await expect(ada.locator("h1")).not_to_have_text(heading)
    await expect(ada.locator("h1")).to_be_focused()


async def cora_takes(cora: Page) -> None:
    await is_connected(cora)
    online = cora.get_by_role("button", name="Online")
    await press(cora, online, "Space")
    await expect(online).to_have_attribute("aria-pressed", "true")
    await cora.keyboard.press("Alt+KeyN")
    await expect(cora.locator("#talk-title")).to_contain_text("Ada")
    await expect(cora.locator("#text")).to_be_focused()


async def they_talk(ada: Page, cora: Page) -> None:
    await cora.keyboard.type(HELLO)
    await cora.keyboard.press("Control+Enter")
    await expect(ada.locator(".entry--other", has_text=HELLO)).to_be_visible()
    await tab_to(ada, ada.locator("#text"))
    await ada.keyboard.type(REPLY)
    await ada.keyboard.press("Control+Enter")
    await expect(ada.locator(".entry--own", has_text=REPLY)).to_have_attribute("data-state", STORED)
    await expect(cora.locator(".entry--other", has_text=REPLY)).to_be_visible()
    await cora.keyboard.press("Alt+KeyS")
    await expect(ada.locator(".share__title a")).to_have_attribute("href", re.compile(r"\?version=\d+$"))
    await expect(ada.locator(".share__title [data-slot=title]")).to_have_attribute("lang", "en")
    await cora.keyboard.press("Alt+KeyO")
    await expect(cora.locator("#note")).to_be_focused()
    await cora.keyboard.type("Sees him on Thursday.")
    await press(cora, cora.get_by_role("button", name="Add note"))
    await expect(cora.locator(".notes__text")).to_have_text("Sees him on Thursday.")
    await expect(ada.locator("#conversation")).not_to_contain_text("Thursday")
