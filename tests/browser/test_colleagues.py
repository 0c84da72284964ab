"""Cora and Dev share a conversation: asked in, seen to join, handed over and back, advised on the side; offers in two tabs."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.meeting import CONNECTED, Meeting, ask, expect_line, expect_once, meeting, post, sign_in
from tests.browser.pages import check_page, opened
from tests.browser.people import without_reload, write
from tests.browser.stage import DESK_WINDOW
from tests.live import LiveService

pytestmark = pytest.mark.browser

HELLO = "Hello Ada, I know these orders well."
ADVICE = "Ask what the licence says about contact."


@asynccontextmanager
async def devs_desk(browser: Browser, service: LiveService, **options: Any) -> AsyncIterator[BrowserContext]:
    """Dev is online, and goes home at the end."""
    async with opened(browser, service.url, service.is_own, viewport=DESK_WINDOW, **options) as devs:
        await sign_in(devs.request, "advisor2@example.org")
        await post(devs.request, "/desk", "/desk/presence", state="busy")
        try:
            yield devs
        finally:
            await post(devs.request, "/desk", "/desk/presence", state="away")


async def ask_in(met: Meeting, purpose: str) -> None:
    """By the keyboard, as far as it goes."""
    await met.cora.reload()
    await expect_line(met.cora, CONNECTED)
    await met.cora.keyboard.press("Alt+C")
    await expect(met.cora.locator("#invite-to")).to_be_focused()
    await met.cora.locator(f'#ask-in [value="{purpose}"]').check()
    await met.cora.locator("#ask-in").get_by_role("button", name="Ask", exact=True).click()
    await expect(met.cora.locator(".guests")).to_contain_text("is asked to come")


async def hand_over(page: Page, name: str) -> None:
    await page.keyboard.press("Alt+H")
    await page.locator("#hand-over label", has_text=name).locator("input").check()
    await page.fill("#transfer-note", "They know the orders.")
    await page.locator("#hand-over").get_by_role("button", name="Hand over").click()


def ends_it(page: Page) -> Locator:
    return page.locator("#ending summary", has_text="End")


async def test_a_colleague_joins_takes_over_and_gives_back(browser: Browser, lenient: LiveService) -> None:
    async with devs_desk(browser, lenient) as devs:
        dev = await devs.new_page()
        await dev.goto("/desk")
        async with meeting(lenient, browser) as met, without_reload(dev):
            await ask_in(met, "join")
            await expect(dev.locator(".invite")).to_contain_text(f"asks you to join {met.reference}")
            await expect(dev).to_have_title(re.compile(r"^\([1-9]\) "))
            await check_page(dev)
            await dev.keyboard.press("Alt+I")
            await write(dev, HELLO)
            await expect_once(met.ada, HELLO)
            await expect(met.ada.locator(".entry--line", has_text="Dev Patel joined.")).to_be_visible()
            await expect(met.ada.locator(".chat__title")).to_have_text("With Cora Hughes and Dev Patel")
            await expect(met.cora.locator(".guests")).to_contain_text("has joined")
            await expect(ends_it(dev)).to_have_count(0)
            await check_page(met.cora)

            await met.cora.fill("#text", "One thing more")
            await hand_over(met.cora, "takes over")
            await expect(met.cora.locator(".desk__message")).to_have_text("It is handed over.")
            await expect(met.cora.locator("#text")).to_have_count(0)
            await expect(ends_it(dev)).to_be_visible()
            await expect(dev.locator(".notes")).to_contain_text("They know the orders.")
            line = met.ada.locator(".entry--line", has_text="Cora Hughes handed the conversation over to Dev Patel.")
            await expect(line).to_be_visible()
            await expect(met.ada.locator(".chat__title")).to_have_text("With Dev Patel")

            await dev.reload()
            await expect_line(dev, CONNECTED)
            await dev.evaluate("window.isTheSamePage = true")
            await hand_over(dev, "Cora Hughes")
            await expect(met.cora.locator(".notices")).to_contain_text("handed")
            await met.cora.locator(".notices a").click()
            await expect(met.cora.locator("#text")).to_have_value("One thing more")
            # The page came anew: before it is connected, its keys do nothing.
            await expect_line(met.cora, CONNECTED)
            await met.cora.keyboard.press("Alt+D")
            await expect(met.cora.locator(".notices")).to_have_count(0)


async def test_the_title_names_who_is_there(browser: Browser, lenient: LiveService) -> None:
    """The advisor first, then who was brought in, until they go; and nobody while it waits."""
    async with (
        opened(browser, lenient.url, lenient.is_own) as sues,
        devs_desk(browser, lenient) as devs,
        meeting(lenient, browser) as met,
        without_reload(met.ada),
    ):
        await sign_in(sues.request, "supervisor@example.org")
        title, cora = met.ada.locator(".chat__title"), met.cora.context.request
        board = f"/supervise/conversations/{met.reference}"
        await post(sues.request, board, f"{board}/join")
        await expect(met.ada.locator(".entry--line", has_text="joined.")).to_have_count(2)
        await expect(title).to_have_text(re.compile("^With Cora Hughes and "))
        await post(sues.request, met.path, f"{met.path}/leave")
        await expect(met.ada.locator(".entry--line", has_text="left.")).to_have_count(1)
        await expect(title).to_have_text("With Cora Hughes")

        await post(cora, met.path, f"{met.path}/transfer", to="queue")
        await expect(title).not_to_contain_text("With")
        await post(devs.request, "/desk", f"{met.path}/accept")
        await expect(title).to_have_text("With Dev Patel")
        await post(devs.request, met.path, f"{met.path}/transfer", to="queue")
        await post(cora, "/desk", f"{met.path}/accept")
        await expect(title).to_have_text("With Cora Hughes")


async def test_who_advises_writes_notes_and_is_not_seen(browser: Browser, lenient: LiveService) -> None:
    async with devs_desk(browser, lenient) as devs, meeting(lenient, browser) as met:
        dev = await devs.new_page()
        await dev.goto("/desk")
        await ask_in(met, "consult")
        await dev.get_by_role("button", name="Come").click()
        await expect(dev.locator("#text")).to_have_count(0)
        await expect(dev.locator(".composer--note")).to_contain_text("does not see you or this")
        await check_page(dev)
        await dev.fill("#note", ADVICE)
        await dev.get_by_role("button", name="Add note").click()
        await expect(met.cora.locator(".notes")).to_contain_text(ADVICE)
        await write(met.cora, "Let me ask you something.")
        await expect_once(met.ada, "Let me ask you something.")
        await expect(met.ada.locator("body")).not_to_contain_text("Dev Patel")
        await expect(met.ada.locator("body")).not_to_contain_text(ADVICE)
        await met.cora.get_by_role("button", name="Let go Dev Patel").click()
        await expect(met.cora.locator(".guests")).to_have_count(0)
        await expect(dev.locator(".composer--note")).to_have_count(0)


async def test_a_half_written_note_does_not_run_on_to_the_visitor(browser: Browser, lenient: LiveService) -> None:
    """Dev is writing one as the conversation becomes his."""
    async with devs_desk(browser, lenient) as devs, meeting(lenient, browser) as met:
        dev = await devs.new_page()
        await dev.goto("/desk")
        await ask_in(met, "consult")
        await dev.get_by_role("button", name="Come").click()
        await dev.locator("#note").press_sequentially("He must not")
        await hand_over(met.cora, "Dev Patel")
        await expect(dev.locator("#text")).to_be_visible()
        await dev.keyboard.type(" know.")
        await expect(dev.locator("#note")).to_have_value("He must not know.")
        await expect(dev.locator("#text")).to_have_value("")
        await post(devs.request, met.path, f"{met.path}/transfer", to="queue")
        await post(met.cora.context.request, "/desk", f"{met.path}/accept")


async def test_who_comes_on_duty_can_be_asked_at_once(browser: Browser, lenient: LiveService) -> None:
    async with devs_desk(browser, lenient) as devs, meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        async with without_reload(met.cora):
            await post(devs.request, "/desk", "/desk/presence", state="online")
            await expect(met.cora.locator("#invite-to option", has_text="Dev Patel")).to_contain_text("online")


async def test_a_held_reason_is_decided_on_a_page_of_its_own(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        await met.cora.locator("#regrade summary").click()
        await met.cora.select_option("#regrade-urgency", "emergency")
        await met.cora.fill("#regrade-reason", "His number is 07700 900842.")
        await met.cora.get_by_role("button", name="Change", exact=True).click()
        await expect(met.cora.locator("mark").first).to_have_text("07700 900842")
        await check_page(met.cora)
        await met.cora.get_by_role("button", name="Send with these words hidden").click()
        await expect(met.cora.locator("#talk-title")).to_contain_text("Emergency")


async def test_asked_without_scripts(browser: Browser, lenient: LiveService) -> None:
    async with devs_desk(browser, lenient, java_script_enabled=False) as devs, meeting(lenient, browser) as met:
        dev = await devs.new_page()
        await dev.goto("/desk")
        await ask_in(met, "join")
        await dev.reload()
        await dev.get_by_role("button", name="Come").click()
        await dev.fill("#text", HELLO)
        await dev.get_by_role("button", name="Send", exact=True).click()
        await expect_once(met.ada, HELLO)
        await dev.locator("#ending summary").click()
        await dev.get_by_role("button", name="Leave the conversation").click()
        await expect(dev.locator(".desk__message")).to_have_text("You left the conversation.")
        await expect(met.ada.locator(".entry--line", has_text="Dev Patel left.")).to_be_visible()


async def test_a_saved_reply_by_the_keyboard(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        await met.cora.keyboard.press("Alt+R")
        await expect(met.cora.locator("#picker")).to_be_visible()
        await met.cora.keyboard.type("wel")
        await met.cora.keyboard.press("Enter")
        await expect(met.cora.locator("#text")).to_have_value(re.compile("^Hello Ada, this is Cora Hughes."))
        await met.cora.goto("/desk/replies")
        await check_page(met.cora)


async def test_a_message_is_removed_before_both(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        text = "He drives the red van from number nine."
        await met.ada.fill("#text", text)
        await met.ada.get_by_role("button", name="Send", exact=True).click()
        entry = met.cora.locator(".entry", has_text=text)
        await entry.hover()
        await entry.get_by_role("link", name="Remove this message").click()
        await expect(met.cora.locator("blockquote")).to_contain_text(text)
        await check_page(met.cora)
        await met.cora.fill("#reason", "It told where he lives.")
        await met.cora.get_by_role("button", name="Remove it").click()
        for page in (met.ada, met.cora):
            await expect(page.locator(".entry__text", has_text="This message was removed.")).to_have_count(1)
            await expect(page.locator("body")).not_to_contain_text(text)


async def test_the_desk_says_that_they_are_quiet(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await write(met.cora, "What does the order say?")
        await expect(met.cora.locator('[data-slot="quiet"]')).to_be_hidden()
        now = await met.cora.evaluate("Date.now()")
        later = await met.cora.context.new_page()
        await later.clock.install(time=(now / 1000) + 6 * 60)
        await later.goto(met.path)
        await later.clock.run_for(11_000)
        await expect(later.locator('[data-slot="quiet-words"]')).to_have_text("They have not written for 6 minutes.")
        await expect(later.get_by_role("button", name="Ask whether they are still there")).to_be_visible()
        await later.clock.run_for(10 * 60_000)
        await expect(later.locator('[data-slot="quiet-end"]')).to_be_visible()


async def test_an_offer_answered_in_one_tab_is_gone_from_the_other(browser: Browser, lenient: LiveService) -> None:
    async with (
        opened(browser, lenient.url, lenient.is_own) as adas,
        opened(browser, lenient.url, lenient.is_own, viewport=DESK_WINDOW) as coras,
    ):
        await sign_in(coras.request)
        await post(coras.request, "/desk", "/desk/presence", state="online")
        one, other = await coras.new_page(), await coras.new_page()
        for page in (one, other):
            await page.goto("/desk")
            await expect_line(page, CONNECTED)
        reference = await ask(adas.request)
        for page in (one, other):
            await expect(page.locator(".offer")).to_contain_text("Routine, ")
            await expect(page).to_have_title(re.compile(r"^\([1-9]\) "))
        await check_page(other)
        await one.bring_to_front()
        await one.keyboard.press("Alt+A")
        await expect(one.locator("#talk-title")).to_contain_text(reference)
        await expect(other.locator(".offer")).to_have_count(0)
        await expect(other.locator(".mine__item")).to_contain_text(reference)
        await a_slip_of_a_key_ends_nothing(one)
        await one.keyboard.press("Alt+E")
        await one.keyboard.press("Enter")
        await one.wait_for_url("**/wrap-up")
        await post(coras.request, "/desk", "/desk/presence", state="away")


async def a_slip_of_a_key_ends_nothing(page: Page) -> None:
    await page.keyboard.press("Alt+E")
    await expect(page.get_by_role("button", name="End the conversation")).to_be_focused()
    await check_page(page)
    await page.keyboard.press("Escape")
    await expect(page.locator("#text")).to_be_focused()
    await expect(page.locator("#ending[open]")).to_have_count(0)
    await expect_line(page, CONNECTED)


async def test_the_sheet_lists_the_keys_and_keeps_the_choices(browser: Browser, lenient: LiveService) -> None:
    async with opened(browser, lenient.url, lenient.is_own, viewport=DESK_WINDOW) as coras:
        await sign_in(coras.request)
        page = await coras.new_page()
        await page.goto("/desk")
        await expect_line(page, CONNECTED)
        await page.keyboard.press("?")
        sheet = page.get_by_role("dialog")
        for does in ("Accept the offer", "Hand over", "Saved replies", "Wrap up", "Next of my conversations"):
            await expect(sheet).to_contain_text(does)
        await check_page(page)
        await sheet.get_by_label("Play a sound when something new comes").check()
        await page.reload()
        await expect_line(page, CONNECTED)
        await page.keyboard.press("?")
        await expect(sheet.get_by_label("Play a sound when something new comes")).to_be_checked()
        await sheet.get_by_label("Use these keys").uncheck()
        await page.keyboard.press("Escape")
        await page.keyboard.press("?")
        await expect(sheet).to_have_count(0)


async def test_keys_do_nothing_behind_the_open_sheet(browser: Browser, lenient: LiveService) -> None:
    async with (
        opened(browser, lenient.url, lenient.is_own) as adas,
        opened(browser, lenient.url, lenient.is_own, viewport=DESK_WINDOW) as coras,
    ):
        reference = await ask(adas.request)
        await sign_in(coras.request)
        page = await coras.new_page()
        taken: list[str] = []
        page.on("request", lambda request: taken.append(request.url) if request.url.endswith("/next") else None)
        await page.goto("/desk")
        await expect_line(page, CONNECTED)
        await page.keyboard.press("?")
        sheet = page.get_by_role("dialog")
        await expect(sheet).to_be_visible()
        await page.keyboard.press("Alt+KeyN")
        await page.keyboard.press("Escape")
        await expect(sheet).to_have_count(0)
        assert taken == []
        await page.keyboard.press("Alt+KeyN")
        await expect(page.locator(".talk__reference")).to_have_text(reference)
        assert len(taken) == 1
        await post(coras.request, "/desk", f"/desk/conversations/{reference}/end")
