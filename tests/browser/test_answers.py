"""What becomes of a message is what the service answers, however late the desk hears of it."""

import re

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from tests.browser.meeting import CONNECTED, Meeting, expect_line, expect_once, meeting, post
from tests.browser.people import write
from tests.live import LiveService
from tests.waiting import until

pytestmark = pytest.mark.browser

ANSWER = "Begin with what he wants from the order."
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


async def test_what_was_not_stored_can_be_copied(browser: Browser, lenient: LiveService) -> None:
    """It is with somebody else by the time it is sent."""
    async with meeting(lenient, browser) as met:
        ears = await ears_of(met)
        ears.is_deaf = True
        await post(met.cora.context.request, met.path, f"{met.path}/transfer", to="queue")
        said = await write(met.cora, ANSWER)
        await until(lambda: is_refused(ears), what="the refusal")
        await ears.open()
        await expect(said.locator('[data-slot="state"]')).to_contain_text("Not sent")
        await expect(said.get_by_role("button", name="Copy the text")).to_be_visible()
        await post(met.cora.context.request, "/desk", f"{met.path}/accept")


def is_refused(ears: Ears) -> bool:
    return any('"assignment_lost"' in frame and '"id"' in frame for frame in ears.unheard)
