"""What becomes of a message is what the service answers, however late the desk hears of it."""

import re

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from tests.browser.meeting import CONNECTED, Meeting, expect_line, expect_once, meeting, post
from tests.browser.people import write
from tests.live import LiveService
from tests.waiting import until

pytestmark = pytest.mark.browser

ANSWER = "Begin with what he wants from the order."
SAVED_AFTER_MS = 1_500
STORED = re.compile("^(sent|read)$")


class Ears:
    """The socket of Cora's desk: what she says goes on, and what the service says is not let in while she is deaf."""

    def __init__(self) -> None:
        self.is_deaf = False
        self.unheard: list[str] = []
        self._socket: WebSocketRoute | None = None

    def route(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        server = socket.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            if self.is_deaf:
                self.unheard.append(str(frame))
            else:
                socket.send(frame)

        server.on_message(pass_on)

    async def open(self) -> None:
        """The line is cut, and the next one is whole."""
        assert self._socket is not None
        self.is_deaf = False
        await self._socket.close(code=1012)


async def ears_of(met: Meeting) -> Ears:
    ears = Ears()
    await met.cora.route_web_socket("**/desk/socket", ears.route)
    await met.cora.reload()
    await expect_line(met.cora, CONNECTED)
    return ears


async def test_what_was_stored_before_the_end_is_not_called_unsent(browser: Browser, lenient: LiveService) -> None:
    """Its answer is lost, and when the line is back the conversation is over."""
    async with meeting(lenient, browser) as met:
        ears = await ears_of(met)
        ears.is_deaf = True
        said = await write(met.cora, ANSWER)
        await expect_once(met.ada, ANSWER)
        await post(met.ada.context.request, "/chat", "/chat/leave")
        await ears.open()
        await expect(met.cora.locator(".talk__closed")).to_be_visible()
        await expect(said).to_have_attribute("data-state", STORED)
        await expect(said.get_by_role("button", name="Copy the text")).to_be_hidden()


async def test_what_was_refused_is_kept_as_the_draft(browser: Browser, lenient: LiveService) -> None:
    """It is with somebody else by the time it is sent; the page says so, and it is there when it comes back."""
    async with meeting(lenient, browser) as met:
        ears, cora = await ears_of(met), met.cora
        await cora.clock.install()
        await cora.fill("#text", ANSWER)
        await cora.clock.fast_forward(SAVED_AFTER_MS)
        await expect(cora.locator('[data-slot="draft"]')).to_have_text("Draft saved")
        ears.is_deaf = True
        await post(cora.context.request, met.path, f"{met.path}/transfer", to="queue")
        said = await write(cora, ANSWER)
        await until(lambda: is_refused(ears), what="the refusal")
        saved = drafts_of(cora)
        await cora.clock.fast_forward(SAVED_AFTER_MS)
        await ears.open()
        await expect(said.locator('[data-slot="state"]')).to_contain_text("Not sent")
        await expect(said.get_by_role("button", name="Copy the text")).to_be_visible()
        assert saved == []
        await post(cora.context.request, "/desk", f"{met.path}/accept")
        again = await cora.context.new_page()
        await again.goto(met.path)
        await expect(again.locator("#text")).to_have_value(ANSWER)


def drafts_of(page: Page) -> list[str | None]:
    """What the page saves from now on."""
    saved: list[str | None] = []
    page.on("request", lambda request: saved.append(request.post_data) if request.url.endswith("/draft") else None)
    return saved


def is_refused(ears: Ears) -> bool:
    return any('"assignment_lost"' in frame and '"id"' in frame for frame in ears.unheard)
