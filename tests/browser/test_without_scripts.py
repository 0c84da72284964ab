"""Ada's browser runs no script. She misses nothing of the story but the sound of it; Cora does not notice."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages import check_narrow
from tests.browser.people import (
    ANSWERS,
    QUESTION,
    answer_questions,
    go_online,
    join_line,
    sign_in,
    take_next,
    texts,
    without_reload,
    write,
)
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser

REPLY = "Do not ask him to prove anything yet."
NAMING = "Her name is Bernadette Oyelaran and she lives at 14 Rosebery Avenue."
LATER = "He is here at three."


async def test_the_story_without_scripts(stage: Stage) -> None:
    async with stage.visitor(java_script_enabled=False) as adas, stage.staff() as coras:
        ada, cora = await adas.new_page(), await coras.new_page()
        await answer_questions(ada, check_narrow)
        await change_an_answer(ada)
        await join_line(ada)
        await expect(ada.locator(".place")).to_contain_text("You are next.")
        await expect(ada.locator(".waiting__line")).to_be_hidden()
        await check_narrow(ada)
        await sign_in(cora, "advisor@example.org", "/desk")
        await go_online(cora)
        await take_next(cora)
        async with without_reload(cora):
            await they_talk(ada, cora)
        await ada_ends(ada, cora)
        await ada_goes(ada)


async def change_an_answer(ada: Page) -> None:
    """Back to a question and forth again: the other answers are still there."""
    await ada.get_by_role("button", name="Change").last.click()
    await expect(ada.locator("#question")).to_have_value(QUESTION)
    await ada.get_by_role("button", name="Back").click()
    await expect(ada.locator('[name="risk_flags"][value="none"]')).to_be_checked()
    await ada.get_by_role("button", name="Continue").click()
    await expect(ada.locator(".govuk-summary-list__row")).to_have_count(len(ANSWERS) + 1)


async def they_talk(ada: Page, cora: Page) -> None:
    """The log beside her form loads itself again; what she is typing stays."""
    await ada.get_by_role("link", name="Check now").click()
    await expect(ada.locator(".chat__title")).to_have_text("With Cora Hughes")
    log = ada.frame_locator(".chat__frame")
    await ada.fill("#text", LATER)
    await write(cora, REPLY)
    await expect(log.locator(".entry--other", has_text=REPLY)).to_be_visible()
    await expect(ada.locator("#text")).to_have_value(LATER)
    await ada_is_held_up(ada)
    await write(ada, LATER)
    await expect(cora.locator(".entry--other", has_text=LATER)).to_be_visible()
    await expect(log.locator(".entry--own", has_text=LATER)).to_have_count(1)
    assert NAMING not in await texts(cora)
    await check_narrow(ada)
    await cora.locator(".suggestion").first.get_by_role("button", name="Share").click()
    await expect(log.locator(".share__title")).to_be_visible()


async def ada_is_held_up(ada: Page) -> None:
    """What names somebody is shown to her before it goes anywhere."""
    await write(ada, NAMING)
    await expect(ada.locator("h1")).to_contain_text("may identify a person")
    await check_narrow(ada)
    await ada.get_by_role("button", name="Send with these words hidden").click()
    await ada.wait_for_url("**/chat")
    own = ada.frame_locator(".chat__frame").locator(".entry--own")
    await expect(own.last).to_contain_text("[")
    await expect(own.last).not_to_contain_text("Bernadette")


async def ada_ends(ada: Page, cora: Page) -> None:
    await ada.locator("summary", has_text="End the conversation").click()
    await ada.get_by_role("button", name="End it now").click()
    await expect(ada.locator("h1")).to_have_text("The conversation has ended")
    await expect(cora.locator(".talk__closed")).to_contain_text("ended")
    await cora.get_by_role("link", name="Wrap up").first.click()
    await cora.get_by_role("button", name="Save the wrap-up").click()
    await expect(cora.locator(".desk__message")).to_have_text("Wrapped up.")


async def ada_goes(ada: Page) -> None:
    await ada.get_by_role("button", name="Send").click()
    await expect(ada.locator(".govuk-error-summary")).to_be_visible()
    await ada.locator('[name="helpful"][value="4"]').check()
    await ada.get_by_role("button", name="Send").click()
    await expect(ada.locator("main")).to_contain_text("Thank you.")
    await ada.get_by_role("link", name="Read and print it").click()
    await expect(ada.locator(".record")).to_contain_text(REPLY)
    await ada.get_by_role("link", name="Back to the conversation").click()
    await ada.get_by_role("button", name="Exit and clear").click()
    await ada.goto("/chat")
    await expect(ada).to_have_url("/resume")
