"""A conversation that grows: what came earlier is a link away, and the page stays light."""

import asyncio
import re

import pytest
from playwright.async_api import APIRequestContext, Browser, CDPSession, Page, expect

from tests.browser.meeting import (
    CONNECTED,
    RETRIES,
    SLOW,
    TOKEN,
    Meeting,
    ask,
    expect_line,
    meeting,
    post,
    words_of_the_line,
)
from tests.browser.pages import PATIENCE_MS, check_page, opened
from tests.live import LiveService
from tests.waiting import until

pytestmark = pytest.mark.browser

STRETCH = 200
MOST_SHOWN = 400
BEFORE_THE_TALK = 3
"""The question, the line, the advisor."""
LIVE = re.compile(f"{CONNECTED}|{SLOW}")
ENTRIES = '.entry[data-seq]:not([data-seq=""])'


async def talk_much(visitor: APIRequestContext, first: int, last: int) -> None:
    """Numbered messages, in order."""
    token = TOKEN.search(await (await visitor.get("/chat", max_retries=RETRIES)).text())
    assert token is not None
    for number in range(first, last + 1):
        content = {"id": f"00000000-0000-4000-8000-{number:012}", "text": f"Thought {number}."}
        answer = await visitor.post(
            "/chat/messages", data=content, headers={"X-CSRF-Token": token[1]}, max_retries=RETRIES
        )
        assert answer.status == 201, answer.status


async def test_earlier_messages_without_scripts(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser, java_script_enabled=False) as met:
        await talk_much(met.ada.context.request, 1, 210)
        await met.ada.reload()
        log = met.ada.frame_locator(".chat__frame")
        await expect(log.locator(ENTRIES)).to_have_count(STRETCH)
        await log.get_by_role("link", name="Show earlier messages").click()
        await expect(met.ada.locator("h1")).to_have_text("Earlier messages")
        await expect(met.ada.locator(ENTRIES)).to_have_count(210 + BEFORE_THE_TALK - STRETCH)
        await expect(met.ada.get_by_role("link", name="Show earlier messages")).to_have_count(0)
        await met.ada.get_by_role("link", name="Back to the newest messages").first.click()
        await expect(met.ada.locator("h1")).to_have_text("With Cora Hughes")


async def test_earlier_messages_come_in_place(browser: Browser, lenient: LiveService) -> None:
    """What is read stays where it is; each entry and each day stands there once."""
    async with meeting(lenient, browser) as met:
        await talk_much(met.ada.context.request, 1, 210)
        await asyncio.gather(met.ada.reload(), met.cora.reload())
        # What has been read says so no longer, and takes less room.
        await expect(met.ada.locator(".entry--own").last).to_have_attribute("data-state", "read")
        for page in (met.ada, met.cora):
            # Whichever way it is connected by.
            await expect(words_of_the_line(page)).to_have_text(LIVE)
            await expect(page.locator(ENTRIES)).to_have_count(STRETCH)
            link = page.get_by_role("link", name="Show earlier messages")
            await link.focus()
            first = page.locator(ENTRIES).first
            seq = await first.get_attribute("data-seq")
            before = await first.evaluate("entry => entry.getBoundingClientRect().top")
            await page.keyboard.press("Enter")
            await expect(page.locator(ENTRIES)).to_have_count(210 + BEFORE_THE_TALK)
            kept = page.locator(f'.entry[data-seq="{seq}"]')
            after = await kept.evaluate("entry => entry.getBoundingClientRect().top")
            assert abs(after - before) < 40
            await expect(link).to_be_hidden()
            await expect(page.locator(".log")).to_be_focused()
            await expect(page.locator('.entry[data-kind="day"]')).to_have_count(1)
            assert await numbers(page) == list(range(1, 210 + BEFORE_THE_TALK + 1))
            await check_page(page)


async def numbers(page: Page) -> list[int]:
    return [int(await entry.get_attribute("data-seq") or 0) for entry in await page.locator(ENTRIES).all()]


async def test_page_of_a_long_talk_stays_light(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        await talk_much(met.ada.context.request, 1, MOST_SHOWN + 20)
        last = met.cora.locator(".entry", has_text=f"Thought {MOST_SHOWN + 20}.")
        # Nobody talks as fast: on a busy machine the page is behind for a while.
        await expect(last).to_be_visible(timeout=60_000)
        await until(lambda: is_light(met), what="the oldest entries to go")
        shown = await numbers(met.cora)
        assert shown == list(range(shown[0], MOST_SHOWN + 20 + BEFORE_THE_TALK + 1))
        await expect(met.cora.locator('.entry[data-kind="day"]')).to_have_count(1)
        await met.cora.get_by_role("link", name="Show earlier messages").click()
        await expect(met.cora.locator(f'[data-seq="{shown[0] - 1}"]')).to_have_count(1)


async def test_what_comes_together_is_laid_out_together(browser: Browser, lenient: LiveService) -> None:
    """Cora's page was held up: it does not lay out the whole log once for each of the messages that it finds then."""
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        tools = await met.cora.context.new_cdp_session(met.cora)
        await tools.send("Performance.enable")
        await tools.send("Debugger.enable")
        is_held = asyncio.Event()
        tools.on("Debugger.paused", lambda _: is_held.set())
        await tools.send("Debugger.pause")
        await talk_much(met.ada.context.request, 1, 1)
        await asyncio.wait_for(is_held.wait(), PATIENCE_MS / 1000)
        await talk_much(met.ada.context.request, 2, 101)
        before = await layouts(tools)
        await tools.send("Debugger.resume")
        await tools.send("Debugger.disable")
        await expect(met.cora.locator(".entry", has_text="Thought 101.")).to_be_visible()
        assert await layouts(tools) - before < 50
        assert await numbers(met.cora) == list(range(1, 101 + BEFORE_THE_TALK + 1))


async def layouts(tools: CDPSession) -> int:
    metrics = (await tools.send("Performance.getMetrics"))["metrics"]
    return int(next(one["value"] for one in metrics if one["name"] == "LayoutCount"))


async def test_desk_lets_go_of_the_conversations_that_were_left(browser: Browser, lenient: LiveService) -> None:
    """A shift long Cora goes from one to the other; of each that she left nothing stays."""
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        second = await ask(bens.request)
        await post(met.cora.context.request, "/desk", f"/desk/conversations/{second}/accept")
        try:
            await talk_much(met.ada.context.request, 1, 30)
            await met.cora.reload()
            await expect_line(met.cora, CONNECTED)
            await go_between(met.cora, second, met.reference, times=2)
            most = await nodes_held(met.cora) + 2 * await met.cora.locator(".log *").count()
            await go_between(met.cora, second, met.reference, times=6)
            # What nobody holds any more may take the collector more than one round.
            await until(lambda: holds_at_most(met.cora, most), what="the logs that were left to be let go")
        finally:
            await post(met.cora.context.request, "/desk", f"/desk/conversations/{second}/end")


async def holds_at_most(page: Page, most: int) -> bool:
    return await nodes_held(page) < most


async def go_between(page: Page, *references: str, times: int) -> None:
    for reference in references * times:
        await page.locator(".mine__link", has_text=reference).click()
        await expect(page.locator(".composer__reference")).to_have_text(reference)


async def nodes_held(page: Page) -> int:
    """Those of the page, and those that a script keeps from being forgotten."""
    tools = await page.context.new_cdp_session(page)
    await tools.send("HeapProfiler.enable")
    await tools.send("HeapProfiler.collectGarbage")
    counted = await tools.send("Memory.getDOMCounters")
    await tools.detach()
    return int(counted["nodes"])


async def is_light(met: Meeting) -> bool:
    return await met.cora.locator(".entry").count() <= MOST_SHOWN
