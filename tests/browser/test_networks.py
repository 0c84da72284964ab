"""Ada on the networks of her work: each thing she says arrives once, and the page says how it is in words."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, Request, expect

from tests.browser.meeting import CONNECTED, OFFLINE, RECONNECTING, SLOW, Meeting, expect_line, expect_once, meeting
from tests.browser.people import write
from tests.conftest import Launch
from tests.faults.boxes import Buffers, Cuts, Refuses, Swallows
from tests.faults.proxy import Box, Link, Proxy
from tests.live import LiveService
from tests.waiting import until

pytestmark = pytest.mark.browser

FIRST = "He has been told that she moved."
SECOND = "He is here at three."
ANSWER = "Begin with what he wants from the order."
NOT_SENT = "Your message was not sent. You can try again."
MINUTE_MS = 60_000
AGAIN_MS = 10_500
REMEMBERED = "sessionStorage.getItem('transport')"


class Shut(Box):
    """Nothing answers there."""

    def begin(self, link: Link) -> None:
        link.cut()


@asynccontextmanager
async def behind(
    service: LiveService, launch: Launch, make_box: Callable[[], Box]
) -> AsyncIterator[tuple[Browser, Proxy]]:
    """A browser whose every connection goes through such a box."""
    async with Proxy(service.port(), make_box) as proxy:
        browser = await launch(f"--host-resolver-rules=MAP 127.0.0.1:{service.port()} 127.0.0.1:{proxy.port}")
        yield browser, proxy
        await browser.close()


async def is_seen_writing(met: Meeting) -> None:
    # Nobody is told later that somebody has been writing.
    await expect_line(met.cora, CONNECTED)
    await met.ada.locator("#text").press_sequentially("He")
    await expect(met.cora.locator('[data-slot="typing"]')).to_have_text("Ada is writing")


async def they_talk(met: Meeting) -> None:
    """A word from each side arrives once, and each sees that the other has read it."""
    said = await write(met.ada, FIRST)
    await expect(met.cora.locator(".entry--other", has_text=FIRST)).to_be_visible()
    await expect(said).to_have_attribute("data-state", "read")
    await expect(await write(met.cora, ANSWER)).to_have_attribute("data-state", "read")
    await expect(met.ada.locator(".entry--other", has_text=ANSWER)).to_be_visible()
    await write(met.ada, SECOND)
    await expect(met.cora.locator(".entry--other", has_text=SECOND)).to_be_visible()
    await expect(met.ada.locator('.entry--own[data-state="sending"]')).to_have_count(0)
    for page in (met.ada, met.cora):
        await expect_once(page, FIRST, ANSWER, SECOND)


@pytest.mark.parametrize(
    ("make_box", "transport"),
    [(Refuses, "stream"), (Swallows, "stream"), (lambda: Buffers(30), "poll")],
    ids=["refuses upgrades", "swallows frames", "buffers responses"],
)
async def test_what_works_is_found_and_remembered(
    browser: Browser, lenient: LiveService, launch: Launch, make_box: Callable[[], Box], transport: str
) -> None:
    async with (
        behind(lenient, launch, make_box) as (front, _),
        meeting(lenient, browser, front=front) as met,
    ):
        await expect_line(met.ada, SLOW)
        await is_seen_writing(met)
        await they_talk(met)
        assert await met.ada.evaluate(REMEMBERED) == transport
        assert await met.ada.evaluate("[sessionStorage.length, localStorage.length]") == [1, 0]


async def test_after_the_server_was_away_what_worked_last_is_tried_first(
    browser: Browser, lenient: LiveService, launch: Launch
) -> None:
    boxes: list[Callable[[], Box]] = [lambda: Buffers(30)]

    def make_box() -> Box:
        return boxes[0]()

    async with (
        behind(lenient, launch, make_box) as (front, proxy),
        meeting(lenient, browser, front=front) as met,
    ):
        await expect_line(met.ada, SLOW)
        better, failed = list[str](), list[str]()

        def is_second_failure(request: Request) -> bool:
            failed.append(request.url)
            return sum("/chat/poll" in url for url in failed) == 2

        met.ada.on("websocket", lambda socket: better.append(socket.url))
        met.ada.on("request", lambda request: better.append(request.url) if "/chat/events" in request.url else None)
        async with met.ada.expect_event("requestfailed", is_second_failure):
            boxes[0] = Shut
            proxy.cut()
            await expect_line(met.ada, RECONNECTING)
        boxes[0] = Box
        # She may have been told to wait for up to half a minute before she tries again.
        await expect_line(met.ada, SLOW, within_s=40)
        await they_talk(met)
        assert better == []


async def test_connections_that_are_cut_again_and_again(browser: Browser, lenient: LiveService, launch: Launch) -> None:
    async with (
        behind(lenient, launch, lambda: Cuts(3)) as (front, _),
        meeting(lenient, browser, front=front) as met,
    ):
        await they_talk(met)
        await expect_line(met.ada, SLOW)


async def test_better_transport_is_tried_after_ten_minutes(
    browser: Browser, lenient: LiveService, launch: Launch
) -> None:
    boxes: list[Callable[[], Box]] = [Refuses]

    def make_box() -> Box:
        return boxes[0]()

    async with (
        behind(lenient, launch, make_box) as (front, _),
        meeting(lenient, browser, front=front, clock=True) as met,
    ):
        await expect_line(met.ada, SLOW)
        boxes[0] = Box
        await met.ada.clock.fast_forward(9 * MINUTE_MS)
        await expect_line(met.ada, SLOW)
        await met.ada.clock.fast_forward(MINUTE_MS + 1000)
        await expect_line(met.ada, CONNECTED)
        assert await met.ada.evaluate(REMEMBERED) is None
        await they_talk(met)


async def test_offline_and_back(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.ada, CONNECTED)
        await met.ada.context.set_offline(True)
        await expect_line(met.ada, OFFLINE)
        said = [await write(met.ada, text) for text in (FIRST, SECOND)]
        await write(met.cora, ANSWER)
        await met.ada.context.set_offline(False)
        await expect_line(met.ada, CONNECTED)
        for one in said:
            await expect(one).to_have_attribute("data-state", "read")
        await expect_once(met.cora, FIRST, SECOND)
        await expect_once(met.ada, FIRST, SECOND)
        await expect_once(met.ada, ANSWER)


async def test_after_a_minute_it_can_be_tried_again(browser: Browser, lenient: LiveService, launch: Launch) -> None:
    async with (
        behind(lenient, launch, Box) as (front, proxy),
        meeting(lenient, browser, front=front, clock=True) as met,
    ):
        await expect_line(met.ada, CONNECTED)
        announced = await announcements(met.ada)
        proxy.stall()
        said = await write(met.ada, FIRST)
        await expect(said.locator('[data-slot="state"]')).to_have_text("Sending")
        await met.ada.clock.fast_forward(MINUTE_MS)
        await expect(said.locator('[data-slot="state"]')).to_have_text("Not sent")
        again = said.get_by_role("button", name="Try again")
        await expect(again).to_be_visible()
        await again.focus()
        await met.ada.keyboard.press("Enter")
        await expect(said.locator('[data-slot="state"]')).to_have_text("Sending")
        await expect(met.ada.locator(".log")).to_be_focused()
        await met.ada.clock.fast_forward(MINUTE_MS)
        await expect(again).to_be_visible()
        await until(lambda: announced == [NOT_SENT, NOT_SENT], what="the second failure to be announced")
        await again.click()
        proxy.resume()
        await expect(said).to_have_attribute("data-state", "read")
        await expect_once(met.cora, FIRST)


async def test_a_line_that_went_deaf_is_noticed_while_a_message_waits(
    browser: Browser, lenient: LiveService, launch: Launch
) -> None:
    """By itself: whatever is said again and again is not taken for a sign of life."""
    async with (
        behind(lenient, launch, Box) as (front, proxy),
        meeting(lenient, browser, front=front, clock=True) as met,
    ):
        await expect_line(met.ada, CONNECTED)
        proxy.swallow()
        said = await write(met.ada, FIRST)
        await expect(said.locator('[data-slot="state"]')).to_have_text("Sending")
        # The message goes out again; what is asked then has no answer either.
        for _ in range(2):
            await met.ada.clock.fast_forward(AGAIN_MS)
        await expect(said).to_have_attribute("data-state", "read")
        await expect_once(met.cora, FIRST)


async def announcements(page: Page) -> list[str]:
    """What the page gives to screen readers from now on."""
    sentences: list[str] = []

    def note(sentence: str) -> None:
        sentences.append(sentence)

    await page.expose_function("announced", note)
    await page.locator("main > .govuk-visually-hidden[role=status]").evaluate(
        """region => new MutationObserver(() => region.textContent && announced(region.textContent))
          .observe(region, { childList: true })"""
    )
    return sentences


async def test_one_at_a_time_in_order(browser: Browser, lenient: LiveService, launch: Launch) -> None:
    async with (
        behind(lenient, launch, Box) as (front, proxy),
        meeting(lenient, browser, front=front) as met,
    ):
        await expect_line(met.ada, CONNECTED)
        proxy.stall()
        texts = [f"Thought {number}." for number in range(1, 6)]
        for text in texts:
            await write(met.ada, text)
        await expect(met.ada.locator('.entry--own[data-state="sending"]')).to_have_count(len(texts))
        said = said_by(met.ada)
        proxy.cut()
        proxy.resume()
        await expect(met.cora.locator(".entry--other", has_text=texts[-1])).to_be_visible()
        await expect(met.ada.locator('.entry--own[data-state="sending"]')).to_have_count(0)
        for page in (met.ada, met.cora):
            await expect_once(page, *texts)
        assert said == texts


def said_by(page: Page) -> list[str]:
    """What the page says on the sockets that it opens from now on."""
    texts: list[str] = []

    def note(sent: str | bytes) -> None:
        frame = json.loads(sent)
        if frame["type"] == "say":
            texts.append(frame["text"])

    page.on("websocket", lambda socket: socket.on("framesent", note))
    return texts


async def test_machine_that_slept(browser: Browser, lenient: LiveService, launch: Launch) -> None:
    """Its socket is dead and nobody said so; what was missed is there at once when it wakes."""
    async with (
        behind(lenient, launch, Box) as (front, proxy),
        meeting(lenient, browser, front=front, clock=True) as met,
    ):
        await expect_line(met.ada, CONNECTED)
        proxy.swallow()
        await write(met.cora, ANSWER)
        await expect_once(met.cora, ANSWER)
        assert ANSWER not in await log_of(met.ada)
        await met.ada.clock.fast_forward(30 * MINUTE_MS)
        await expect_once(met.ada, ANSWER)
        await expect_line(met.ada, CONNECTED)


async def log_of(page: Page) -> str:
    return await page.locator(".log").inner_text()
