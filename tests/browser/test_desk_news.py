"""What comes to Cora's desk at once, late, or by a clock that was set: nothing is passed over, and the newest stays."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, WebSocketRoute, expect

from tests.browser.meeting import CONNECTED, ask, expect_line, meeting, post, sign_in
from tests.browser.pages import opened
from tests.live import LiveService

pytestmark = pytest.mark.browser

FIRST, SECOND = "Ask about the children.", "And about the dog."


async def listen_in(page: Page, change: Callable[[dict[str, Any]], None]) -> list[WebSocketRoute]:
    """Load the page again, with every frame that the service sends it changed on its way; its sockets, as they are opened."""
    sockets: list[WebSocketRoute] = []

    def route(socket: WebSocketRoute) -> None:
        sockets.append(socket)

        def pass_on(text: str | bytes) -> None:
            frame = json.loads(text)
            change(frame)
            socket.send(json.dumps(frame))

        socket.connect_to_server().on_message(pass_on)

    await page.route_web_socket("**/desk/socket", route)
    await page.reload()
    await expect_line(page, CONNECTED)
    return sockets


def as_it_is(_: dict[str, Any]) -> None: ...


async def test_two_notes_of_one_moment_are_two(browser: Browser, lenient: LiveService) -> None:
    """Stored together, they have one time."""
    async with meeting(lenient, browser) as met:
        desk = met.cora.context.request
        await post(desk, met.path, f"{met.path}/notes", text=FIRST)
        moments: list[str | None] = []

        def at_the_same_time(frame: dict[str, Any]) -> None:
            if frame.get("kind") == "note" and moments:
                frame["at"] = moments[0]

        await listen_in(met.cora, at_the_same_time)
        moments.append(await met.cora.locator(".notes time").get_attribute("datetime"))
        await post(desk, met.path, f"{met.path}/notes", text=SECOND)
        await expect(met.cora.locator(".notes__text")).to_have_text([FIRST, SECOND])


async def test_a_notice_that_is_told_late_is_told(browser: Browser, lenient: LiveService) -> None:
    """Its number is lower than that of one which was there before it."""

    def notice(number: int, text: str) -> dict[str, Any]:
        return {"id": number, "kind": "invited", "text": text, "conversation": None, "at": "2026-11-30T09:00:00Z"}

    async with meeting(lenient, browser) as met:
        socket = (await listen_in(met.cora, as_it_is))[-1]
        later = notice(1_000_002, SECOND)
        socket.send(json.dumps({"type": "notice", "notices": [later]}))
        said = met.cora.locator("[role=status]", has_text=SECOND)
        await expect(said).to_have_count(1)
        socket.send(json.dumps({"type": "notice", "notices": [notice(1_000_001, FIRST), later]}))
        await expect(met.cora.locator("[role=status]", has_text=FIRST)).to_have_count(1)


async def test_an_older_page_takes_no_offer_away(browser: Browser, lenient: LiveService) -> None:
    """It was drawn before the offer was made, and comes after it."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        asked.set()
        await go_on.wait()
        await route.fulfill(response=answer)

    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        socket = (await listen_in(met.cora, as_it_is))[-1]
        await met.cora.route(f"{lenient.url}/desk", hold, times=1)
        await ask(bens.request)
        await asked.wait()
        until_then = (datetime.now(UTC) + timedelta(seconds=25)).isoformat()
        enquiry = {"sentence": SECOND, "why": "It is next.", "urgency": "routine"}
        offer = {"type": "offer", "conversation": "QK7F-4PDX", "expires_at": until_then, "enquiry": enquiry}
        socket.send(json.dumps(offer))
        card = met.cora.locator('[data-slot="offer"]', has_text=SECOND)
        await expect(card).to_be_visible()
        async with met.cora.expect_event("requestfinished", lambda request: request.url == f"{lenient.url}/desk"):
            go_on.set()
        # Drawn from that page.
        await expect(met.cora.locator('[data-slot="waiting-routine"]')).to_have_text("1")
        await expect(card).to_be_visible()
        await post(bens.request, "/chat", "/chat/leave")


async def test_an_older_right_column_does_not_come_last(browser: Browser, lenient: LiveService) -> None:
    """What the server said while Sue was in it arrives after she has gone."""
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

    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as sues:
        await sign_in(sues.request, "supervisor@example.org")
        board = f"/supervise/conversations/{met.reference}"
        await expect_line(met.cora, CONNECTED)
        await met.cora.route(f"{lenient.url}{met.path}", hold_the_first)
        await post(sues.request, board, f"{board}/join")
        await asked.wait()
        await post(sues.request, met.path, f"{met.path}/leave")
        await expect(met.cora.locator(".entry--line", has_text=" left.")).to_be_visible()
        with pytest.raises(TimeoutError):
            # A second page could overtake the first.
            await asyncio.wait_for(others.wait(), 2)
        go_on.set()
        await asyncio.wait_for(others.wait(), 15)
        await expect(met.cora.locator(".guests")).to_have_count(0)


async def test_a_clock_that_is_set_back_stops_nothing(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        await expect_line(met.cora, CONNECTED)
        drawn = met.cora.locator('[data-slot="waiting-routine"]')
        for is_set_back in (False, True):
            if is_set_back:
                await met.cora.evaluate("() => { const now = Date.now; Date.now = () => now() - 180_000 }")
            await ask(bens.request)
            await expect(drawn).to_have_text("1")
            await post(bens.request, "/chat", "/chat/leave")
            await expect(drawn).to_have_text("0")
