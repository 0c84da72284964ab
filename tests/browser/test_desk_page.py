"""Cora's page while she works: drafts, notes, what the columns say, who is writing."""

import asyncio
import time
from contextlib import suppress

import pytest
from playwright.async_api import Browser, Locator, Route, expect

from tests.browser.meeting import CONNECTED, Meeting, ask, expect_line, expect_once, meeting, post, sign_in
from tests.browser.pages import check_page, hold_first, opened
from tests.browser.people import without_reload, write
from tests.browser.stage import DESK_WINDOW
from tests.live import LiveService
from tests.waiting import TooLateError, until

pytestmark = pytest.mark.browser

DRAFT = "I would begin with what he wants from"
NAMING = "His name is Bernard Oyelaran."
EMPTY = {"text": ""}
MASKED = "His name is [name]."


async def test_draft_is_kept_on_the_server(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        await met.cora.locator("#text").press_sequentially(DRAFT)
        await expect(met.cora.locator('[data-slot="draft"]')).to_have_text("Draft saved")
        await check_page(met.cora)
        async with opened(browser, lenient.url, lenient.is_own, viewport=DESK_WINDOW) as elsewhere:
            await sign_in(elsewhere.request)
            other = await elsewhere.new_page()
            await other.goto(met.path)
            await expect(other.locator("#text")).to_have_value(DRAFT)
        await met.cora.get_by_role("button", name="Send", exact=True).click()
        await expect_once(met.ada, DRAFT)
        await met.cora.reload()
        await expect(met.cora.locator("#text")).to_have_value("")


async def test_draft_is_kept_as_the_page_goes(browser: Browser, lenient: LiveService) -> None:
    """The second after the last key has not passed."""
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        await met.cora.fill("#text", DRAFT)
        await met.cora.goto("/account")
        await met.cora.goto(met.path)
        await expect(met.cora.locator("#text")).to_have_value(DRAFT)


async def test_draft_goes_ahead_of_the_next_page(browser: Browser, lenient: LiveService) -> None:
    """Which may be this one again, and would come without it."""
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        # The second after the last key never passes.
        await met.cora.clock.install()
        await met.cora.clock.pause_at(time.time() + 60)
        was_ahead = False

        async def is_kept() -> bool:
            return DRAFT in await (await met.cora.context.request.get(met.path)).text()

        async def hold_back(route: Route) -> None:
            nonlocal was_ahead
            with suppress(TooLateError):
                await until(is_kept, within_s=12)
                was_ahead = True
            await route.continue_()

        await met.cora.route("**/account", hold_back)
        await met.cora.fill("#text", DRAFT)
        await met.cora.goto("/account")
        assert was_ahead


async def test_what_was_said_does_not_come_back_as_a_draft(browser: Browser, lenient: LiveService) -> None:
    """Kept as she reaches for the button, it may be stored after the message."""
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        held = await hold_first(met.cora, "**/draft")
        await met.cora.fill("#text", DRAFT)
        await met.cora.get_by_role("button", name="Send", exact=True).click()
        late = await held
        await expect(met.ada.locator(".entry--other", has_text=DRAFT)).to_be_visible()
        await expect(met.cora.locator(".entry--own[data-seq]", has_text=DRAFT)).to_be_visible()
        async with met.cora.expect_response(
            lambda one: one.url.endswith("/draft") and one.request.post_data_json == EMPTY
        ):
            await late.continue_()
        await met.cora.reload()
        await expect_line(met.cora, CONNECTED)
        await expect(met.cora.locator("#text")).to_have_value("")


async def test_draft_that_cannot_be_saved_says_so(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        await met.cora.context.set_offline(True)
        await met.cora.fill("#text", DRAFT)
        await expect(met.cora.locator('[data-slot="draft"]')).to_have_text("Draft not saved yet")
        await met.cora.context.set_offline(False)
        await expect(met.cora.locator('[data-slot="draft"]')).to_have_text("Draft saved")


async def test_switching_keeps_what_is_written(browser: Browser, lenient: LiveService) -> None:
    """Word for word, though what is stored of it names nobody."""
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        second = await ask(bens.request)
        await post(met.cora.context.request, "/desk", f"/desk/conversations/{second}/accept")
        try:
            await met.cora.reload()
            await expect_line(met.cora, CONNECTED)
            async with without_reload(met.cora):
                await met.cora.fill("#text", NAMING)
                await met.cora.locator(".mine__link", has_text=second).click()
                await expect(met.cora.locator(".composer__reference")).to_have_text(second)
                await expect(met.cora.locator("#text")).to_have_value("")
                await expect_line(met.cora, CONNECTED)
                await met.cora.locator(".mine__link", has_text=met.reference).click()
                await expect(met.cora.locator("#text")).to_have_value(NAMING)
                await expect(met.cora.locator('[data-slot="draft"]')).to_have_text("Draft saved")
        finally:
            await post(met.cora.context.request, "/desk", f"/desk/conversations/{second}/end")


async def test_note_that_names_somebody_is_held(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        async with without_reload(met.cora):
            await met.cora.fill("#note", NAMING)
            await met.cora.get_by_role("button", name="Add note").click()
            panel = met.cora.locator(".context__note .hold")
            await expect(panel).to_be_focused()
            await expect(panel.locator("mark").first).to_have_text("Bernard Oyelaran")
            await check_page(met.cora)
            await panel.get_by_role("button", name="Change the note").click()
            await expect(met.cora.locator("#note")).to_be_focused()
            await met.cora.get_by_role("button", name="Add note").click()
            await met.cora.get_by_role("button", name="Add with these words hidden").click()
            await expect(met.cora.locator(".notes__text")).to_have_text(MASKED)
            await expect(met.cora.locator("#note")).to_have_value("")
            await met.cora.fill("#note", NAMING)
            await met.cora.get_by_role("button", name="Add note").click()
            await met.cora.get_by_role("button", name="Add as it is").click()
            await expect(met.cora.locator(".notes__text").last).to_have_text(NAMING)
        await expect(met.ada.locator(".log")).not_to_contain_text("His name")


async def test_hold_by_keyboard(browser: Browser, lenient: LiveService) -> None:
    """The panel has the focus; its buttons come next, in the order of their weight."""
    async with meeting(lenient, browser) as met:
        await expect_line(met.ada, CONNECTED)
        await write(met.ada, NAMING)
        await expect(met.ada.locator(".hold")).to_be_focused()
        for name in ("Change the message", "Send with these words hidden", "Send as it is"):
            await met.ada.keyboard.press("Tab")
            await expect(met.ada.get_by_role("button", name=name)).to_be_focused()
        await check_page(met.ada)
        await met.ada.keyboard.press("Shift+Tab")
        await met.ada.keyboard.press("Enter")
        await expect_once(met.cora, MASKED)
        await expect(met.ada.locator("#text")).to_be_focused()


async def test_left_column_follows(browser: Browser, lenient: LiveService) -> None:
    """What is to be wrapped up, and questions that were left, without loading the page anew."""
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        await expect_line(met.cora, CONNECTED)
        async with without_reload(met.cora):
            left = await ask(bens.request)
            await expect(met.cora.locator('[data-slot="waiting"]')).to_have_text("1")
            await post(bens.request, "/chat", "/chat/question")
            await expect(met.cora.get_by_role("button", name=f"Take {left}")).to_be_visible()
            await met.ada.locator("summary", has_text="End the conversation").click()
            await check_page(met.ada)
            await met.ada.get_by_role("button", name="End it now").click()
            await expect(
                met.cora.locator('[data-slot="to-wrap-up"]').get_by_role("link", name=met.reference)
            ).to_be_visible()
        await post(bens.request, "/chat", "/chat/leave")


async def test_left_column_is_drawn_when_the_server_answers_again(browser: Browser, lenient: LiveService) -> None:
    """No other frame comes that would have it drawn."""
    cuts, is_cut = 0, True

    async def cut(route: Route) -> None:
        nonlocal cuts
        cuts += is_cut
        await (route.abort() if is_cut else route.continue_())

    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        await expect_line(met.cora, CONNECTED)
        await met.cora.route(f"{lenient.url}/desk", cut)
        left = await ask(bens.request)
        await until(lambda: cuts >= 1, what="that what draws the question is cut")
        await post(bens.request, "/chat", "/chat/question")
        await expect(met.cora.locator('[data-slot="waiting"]')).to_have_text("0")
        await until(lambda: cuts >= 2, what="that what draws it as left is cut")
        is_cut = False
        await expect(met.cora.get_by_role("button", name=f"Take {left}")).to_be_visible()
        await post(bens.request, "/chat", "/chat/leave")


async def test_an_older_left_column_does_not_come_last(browser: Browser, lenient: LiveService) -> None:
    """What the server said while the question still waited arrives after the question was left."""
    asked, others, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold_the_first(route: Route) -> None:
        if asked.is_set():
            others.set()
            await route.continue_()
            return
        answer = await route.fetch()
        asked.set()
        await go_on.wait()
        await route.fulfill(response=answer)

    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        await expect_line(met.cora, CONNECTED)
        await met.cora.route(f"{lenient.url}/desk", hold_the_first)
        left = await ask(bens.request)
        await asked.wait()
        await post(bens.request, "/chat", "/chat/question")
        await expect(met.cora.locator('[data-slot="waiting"]')).to_have_text("0")
        with pytest.raises(TimeoutError):
            # Longer than from one drawing to the next. A second page could overtake the first.
            await asyncio.wait_for(others.wait(), 5)
        go_on.set()
        await asyncio.wait_for(others.wait(), 15)
        await expect(met.cora.get_by_role("button", name=f"Take {left}")).to_be_visible()
        await expect(met.cora.locator('[data-slot="waiting"]')).to_have_text("0")
        await post(bens.request, "/chat", "/chat/leave")


async def test_who_writes_is_shown_for_five_seconds(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser, clock=True) as met:
        await expect_line(met.ada, CONNECTED)
        await expect_line(met.cora, CONNECTED)
        await met.cora.locator("#text").press_sequentially("I")
        await expect(typing(met)).to_have_text("Cora Hughes is writing")
        await met.ada.clock.fast_forward(5_000)
        await expect(typing(met)).to_have_text("")


def typing(met: Meeting) -> Locator:
    return met.ada.locator('[data-slot="typing"]')
