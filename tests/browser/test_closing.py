"""What a page does when its connection is closed: the words for people, whether it comes back, and what was written."""

import json
import re

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from tests.browser.meeting import (
    CONNECTED,
    OFFLINE,
    Meeting,
    asks_on_leaving,
    expect_line,
    expect_once,
    meeting,
    words_of_the_line,
)
from tests.browser.pages import check_page
from tests.browser.people import end_conversation, write
from tests.live import LiveService
from tests.waiting import until

pytestmark = pytest.mark.browser

WRITTEN = "He says that she hits him."
ANSWER = "Begin with what he wants from the order."
HOUR_MS = 3_600_000
LONGEST_WAIT_MS = 31_000
LOAD_AGAIN = "This page is no longer connected. Load it again to go on. Load the page again"
CLOSED = {
    1002: LOAD_AGAIN,
    4100: "You are signed out. What you write is kept here. Sign in again (opens in a new tab)",
    4101: "This conversation goes on in another copy of this page. Use this page",
    4102: LOAD_AGAIN,
    4103: "The service was updated. Load the page again to go on. Load the page again",
    4104: "You no longer have access to this.",
    4199: LOAD_AGAIN,
}
COMES_BACK = (1001, 1011, 1012, 4000, 4001, 4002, 4003, 4005)


class Sockets:
    """The sockets of a page, in the hands of a test. They reach the service until `code` says how they end."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.opened: list[WebSocketRoute] = []
        self.code: int | None = None

    async def route(self, socket: WebSocketRoute) -> None:
        self.opened.append(socket)
        if self.code is None:
            socket.connect_to_server()
        else:
            await socket.close(code=self.code)

    async def begin(self) -> None:
        """The page loaded anew, with one socket that works."""
        self.code = None
        await self._page.reload()
        await expect_line(self._page, CONNECTED)
        self.opened = self.opened[-1:]

    async def has_opened(self, count: int) -> None:
        await until(lambda: len(self.opened) >= count, what="another socket")

    async def close(self, code: int) -> None:
        """This socket, and those that the page opens from now on."""
        self.code = code
        await self.opened[-1].close(code=code)


async def taken(page: Page) -> Sockets:
    sockets = Sockets(page)
    await page.route_web_socket("**/chat/socket", sockets.route)
    await sockets.begin()
    return sockets


async def test_closed_for_good(browser: Browser, lenient: LiveService) -> None:
    """Words for each code, and no way back for an hour; what was being written stays."""
    async with meeting(lenient, browser, clock=True) as met:
        sockets = await taken(met.ada)
        for code, words in CLOSED.items():
            await met.ada.fill("#text", WRITTEN)
            await sockets.close(code)
            await expect_line(met.ada, words)
            await met.ada.clock.fast_forward(HOUR_MS)
            assert len(sockets.opened) == 1, code
            await expect(met.ada.locator("#text")).to_have_value(WRITTEN)
            await check_page(met.ada)
            await sockets.begin()


async def test_comes_back(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser, clock=True) as met:
        sockets = await taken(met.ada)
        await met.ada.fill("#text", WRITTEN)
        for code in COMES_BACK:
            await sockets.close(code)
            sockets.code = None
            before = len(sockets.opened)
            await met.ada.clock.fast_forward(LONGEST_WAIT_MS)
            await sockets.has_opened(before + 1)
            await expect_line(met.ada, CONNECTED)
            await expect(met.ada.locator("#text")).to_have_value(WRITTEN)


@pytest.mark.parametrize("is_told", [False, True], ids=["4004", "reconnect"])
async def test_comes_back_no_sooner_than_it_may(browser: Browser, lenient: LiveService, is_told: bool) -> None:
    """After 30 s for too many frames, or when the server said; looking at the page does not bring it back sooner."""
    async with meeting(lenient, browser, clock=True) as met:
        sockets = await taken(met.ada)
        if is_told:
            sockets.opened[0].send(json.dumps({"type": "reconnect", "t": "reconnect", "after_ms": 30_000}))
        else:
            await sockets.close(4004)
            sockets.code = None
        await until(lambda: is_waiting(met.ada), what="the page to notice")
        await met.ada.clock.fast_forward(20_000)
        await come_back_to(met.ada)
        assert len(sockets.opened) == 1
        await met.ada.clock.fast_forward(12_000)
        await expect_line(met.ada, CONNECTED)


async def is_waiting(page: Page) -> bool:
    """Time passes here only when it is told to, a little each time."""
    await page.clock.run_for(500)
    return "Trying again" in await words_of_the_line(page).inner_text()


async def test_what_is_refused_for_now_waits_as_long_as_it_is_told_to(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser, clock=True) as met:
        sockets = await taken(met.ada)
        said: list[dict[str, str]] = []
        server = sockets.opened[0]

        def refuse_first(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["type"] == "say":
                said.append(frame)
                refusal = {
                    "type": "error",
                    "code": "rate_limited",
                    "message": "",
                    "id": frame["id"],
                    "retry_after_s": 7,
                }
                server.send(json.dumps(refusal))

        server.on_message(refuse_first)
        await write(met.ada, WRITTEN)
        await until(lambda: said, what="the first try")
        # Her time passes by itself too, while the machine is busy with other things.
        await met.ada.clock.fast_forward(4_000)
        assert len(said) == 1
        await met.ada.clock.fast_forward(3_500)
        await until(lambda: len(said) == 2, what="the second try")
        assert {one["id"] for one in said} == {said[0]["id"]}


async def test_page_is_taken_into_use_again(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        sockets = await taken(met.ada)
        await met.ada.fill("#text", WRITTEN)
        await sockets.close(4101)
        sockets.code = None
        await met.ada.get_by_role("button", name="Use this page").click()
        await expect_line(met.ada, CONNECTED)
        await met.ada.get_by_role("button", name="Send", exact=True).click()
        await expect_once(met.cora, WRITTEN)


async def test_signed_out_and_in_again_in_another_tab(browser: Browser, lenient: LiveService) -> None:
    """Cora's page goes on where it was, with the token of the new sign-in."""
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        await met.cora.fill("#text", WRITTEN)
        before = await met.cora.locator("main").get_attribute("data-csrf")
        other = await met.cora.context.new_page()
        await other.goto("/desk")
        await other.get_by_role("button", name="Sign out").click()
        await expect(words_of_the_line(met.cora)).to_contain_text("You are signed out.")
        async with met.cora.context.expect_page() as opening:
            await words_of_the_line(met.cora).get_by_role("link").click()
        sign_in = await opening.value
        await sign_in.fill("#email", "advisor@example.org")
        await sign_in.fill("#password", "correct horse battery")
        await sign_in.get_by_role("button", name="Sign in").click()
        await sign_in.wait_for_url(f"**{met.path}")
        await come_back_to(met.cora)
        await expect_line(met.cora, CONNECTED)
        await expect(met.cora.locator("#text")).to_have_value(WRITTEN)
        await met.cora.get_by_role("button", name="Send", exact=True).click()
        await expect_once(met.ada, WRITTEN)
        await expect(met.cora.locator("main")).not_to_have_attribute("data-csrf", before or "")
        await met.cora.fill("#note", "Sees him on Thursday.")
        await met.cora.get_by_role("button", name="Add note").click()
        await expect(met.cora.locator(".notes__text")).to_have_text("Sees him on Thursday.")


async def come_back_to(page: Page) -> None:
    """As when its tab is chosen; headless pages are always visible."""
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def test_what_is_written_at_the_end_can_be_copied(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser, permissions=["clipboard-read", "clipboard-write"]) as met:
        await expect_line(met.ada, CONNECTED)
        await met.ada.fill("#text", WRITTEN)
        await end_conversation(met.cora)
        await expect(met.ada.locator(".unsent__title")).to_have_text("This was not sent")
        await expect(met.ada.locator(".unsent__text")).to_have_value(WRITTEN)
        await expect(met.ada.locator(".unsent__text")).to_be_focused()
        await check_page(met.ada)
        assert await asks_on_leaving(met.ada)
        await met.ada.get_by_role("button", name="Copy the text").click()
        await expect(met.ada.locator('.unsent [data-slot="copied"]')).to_have_text("Copied")
        assert not await asks_on_leaving(met.ada)
        assert await met.ada.evaluate("navigator.clipboard.readText()") == WRITTEN


async def test_who_was_about_to_write_is_told_that_it_ended(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.ada, CONNECTED)
        await met.ada.locator("#text").focus()
        await end_conversation(met.cora)
        await expect(met.ada.locator(".chat__notice")).to_be_focused()
        await check_page(met.ada)


async def test_what_was_on_its_way_at_the_end_can_be_copied(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.ada, CONNECTED)
        await met.ada.context.set_offline(True)
        await expect_line(met.ada, OFFLINE)
        said = await write(met.ada, WRITTEN)
        await end_conversation(met.cora)
        await met.cora.wait_for_url("**/wrap-up")
        await met.ada.context.set_offline(False)
        await expect(said.locator('[data-slot="state"]')).to_contain_text("Not sent")
        await expect(said.get_by_role("button", name="Copy the text")).to_be_visible()
        assert await asks_on_leaving(met.ada)


async def test_leaving_asks_while_something_is_not_sent(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.ada, CONNECTED)
        assert not await asks_on_leaving(met.ada)
        await met.ada.locator("#text").press_sequentially(WRITTEN)
        assert await asks_on_leaving(met.ada)
        await met.ada.get_by_role("button", name="Send", exact=True).click()
        await expect(met.ada.locator('.entry--own[data-state="read"]', has_text=WRITTEN)).to_be_visible()
        assert not await asks_on_leaving(met.ada)
        kept = await met.ada.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
        assert kept == "[{},{}]"


async def test_read_in_the_last_moment(browser: Browser, lenient: LiveService) -> None:
    """Ada's mark is on its way half a second after the message; the end comes before."""
    async with meeting(lenient, browser) as met:
        await expect_line(met.ada, CONNECTED)
        await expect_line(met.cora, CONNECTED)
        await write(met.cora, ANSWER)
        await expect(met.ada.locator(".entry--other", has_text=ANSWER)).to_be_visible()
        await end_conversation(met.cora)
        await met.cora.wait_for_url("**/wrap-up")
        await expect(met.ada.locator(".chat__notice")).to_be_visible()
        await expect_read(met)


async def expect_read(met: Meeting) -> None:
    async def is_read() -> bool:
        page = await (await met.cora.context.request.get(met.path)).text()
        own = re.findall(r'data-kind="message"[^>]*data-state="(\w+)"', page)
        return bool(own[-1] == "read")

    await until(is_read, what="the mark to be stored")
