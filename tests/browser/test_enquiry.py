"""What becomes of a half-answered enquiry when its page is left, loaded again or gone back in."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from playwright.async_api import Browser, Dialog, Error, Page, expect

from tests.browser.pages import check_page, opened
from tests.browser.people import QUESTION, answer
from tests.live import LiveService

pytestmark = pytest.mark.browser


async def test_whoever_comes_back_finds_the_question_and_the_answers(browser: Browser, lenient: LiveService) -> None:
    async with asking(browser, lenient) as ada:
        await answer_up_to_topic(ada)
        await answer(ada, "topic", "recognising_risk")
        await leave_and_come_back(ada)
        await expect_question(ada, 4)
        await expect(ada.locator('[name="topic"][value="recognising_risk"]')).to_be_checked()
        await go_on(ada, 5)
        await ada.go_back()
        await expect_question(ada, 4)
        await ada.go_back()
        await expect_question(ada, 3)
        await expect(ada.locator("#area")).to_have_value("cleveland")
        await check_page(ada)


async def test_what_is_being_written_is_there_on_coming_back(browser: Browser, lenient: LiveService) -> None:
    async with asking(browser, lenient) as ada:
        await answer_up_to_topic(ada)
        for number, (name, value) in enumerate(
            (("topic", "recognising_risk"), ("deadline", "days"), ("risk_flags", "none")), 5
        ):
            await answer(ada, name, value)
            await go_on(ada, number)
        await answer(ada, "question", QUESTION)
        await leave_and_come_back(ada)
        await expect_question(ada, 7)
        await expect(ada.locator("#question")).to_have_value(QUESTION)
        await ada.get_by_role("button", name="Continue").click()
        await expect(ada.locator("h1")).to_have_text("Check your answers")
        await leave_and_come_back(ada)
        await expect(ada.locator("h1")).to_have_text("Check your answers")
        await expect(ada.locator(".ask__answer").last).to_have_text(QUESTION)


async def test_leaving_is_asked_about_once_something_is_answered(browser: Browser, lenient: LiveService) -> None:
    async with asking(browser, lenient) as ada:
        await expect_question(ada, 1)
        await ada.locator(".site-header__name").click()
        await ada.wait_for_url(lenient.url + "/")
        await ada.go_back()
        await answer(ada, "immediate_danger", "no")
        await go_on(ada, 2)
        async with ada.expect_event("dialog") as asked:
            leaving = asyncio.create_task(ada.reload())
        dialog = await asked.value
        assert dialog.type == "beforeunload"
        await dialog.dismiss()
        with suppress(Error):
            await leaving
        await expect_question(ada, 2)


async def test_whoever_leaves_in_haste_is_not_asked_and_leaves_nothing(browser: Browser, lenient: LiveService) -> None:
    async with asking(browser, lenient) as ada:
        await answer_up_to_topic(ada)
        asked = questions_of(ada)
        kept = ada.locator('[data-slot="kept"]')
        await expect(kept).to_have_value(re.compile("cleveland"))
        await ada.evaluate("document.body.classList.add('govuk-exit-this-page-hide-content')")
        await ada.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))")
        await expect(kept).to_have_value("")
        await ada.goto("/guidance")
        assert asked == []


async def test_whoever_calls_is_not_asked(browser: Browser, lenient: LiveService) -> None:
    # Without the watch on other addresses, of which a telephone number is one.
    context = await browser.new_context(base_url=lenient.url)
    ada = await context.new_page()
    asked = questions_of(ada)
    await ada.goto("/ask")
    await expect(ada.locator("body.js-enabled")).to_be_visible()
    await answer(ada, "immediate_danger", "yes")
    await ada.get_by_role("button", name="Continue").click()
    async with ada.expect_request("tel:999"):
        await ada.locator(".emergency__number").click()
    await expect(ada.locator("h1")).to_contain_text("999")
    assert asked == []
    await context.close()


async def test_nothing_of_it_is_in_the_browsers_storage(browser: Browser, lenient: LiveService) -> None:
    async with asking(browser, lenient) as ada:
        await answer_up_to_topic(ada)
        stored = "JSON.stringify([localStorage, sessionStorage, history.state, location.href])"
        assert "cleveland" not in await ada.evaluate(stored)


@asynccontextmanager
async def asking(browser: Browser, service: LiveService) -> AsyncIterator[Page]:
    """Ada at the first question."""
    async with opened(browser, service.url, service.is_own) as adas:
        ada = await adas.new_page()
        await ada.goto("/ask")
        await expect(ada.locator("body.js-enabled")).to_be_visible()
        yield ada


async def answer_up_to_topic(ada: Page) -> None:
    for number, (name, value) in enumerate(
        (("immediate_danger", "no"), ("sector", "probation"), ("area", "cleveland")), 2
    ):
        await answer(ada, name, value)
        await go_on(ada, number)


def questions_of(ada: Page) -> list[Dialog]:
    """What the browser asks her from now on."""
    asked: list[Dialog] = []

    def hear(dialog: Dialog) -> None:
        asked.append(dialog)

    ada.on("dialog", hear)
    return asked


async def go_on(ada: Page, number: int) -> None:
    await ada.get_by_role("button", name="Continue").click()
    await expect_question(ada, number)


async def expect_question(ada: Page, number: int) -> None:
    await expect(ada.locator(".ask__progress")).to_have_text(f"Question {number} of 7")


async def leave_and_come_back(ada: Page) -> None:
    """The browser asks, and she says yes. It keeps no whole pages here, only what their fields held."""
    ada.once("dialog", lambda dialog: dialog.accept())
    await ada.goto("/guidance")
    await ada.go_back()
