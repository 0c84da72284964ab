"""The database was put back from a backup while people talked: what their pages hold of the log is of another one."""

import re

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from tests.browser.meeting import CONNECTED, expect_line, expect_once, meeting
from tests.browser.people import without_reload, write
from tests.live import LiveService

pytestmark = pytest.mark.browser

NEW_EPOCH, FOREIGN_EPOCH = "1" * 32, "0" * 32
SAID = "Begin with what he wants from the order."
SAID_ELSEWHERE = "What only the database of before has held."
ON_ITS_WAY = "He is here at three."
WRITTEN = "He has been told that she moved."


class Database:
    """What a page takes for the database: one that holds another text, until it is put back under a new epoch."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._socket: WebSocketRoute | None = None
        self._is_back = False
        self.is_away = False

    def connect(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        server = socket.connect_to_server()
        is_back = self._is_back

        def hear(frame: str | bytes) -> None:
            if is_back:
                frame = str(frame).replace(self._epoch, FOREIGN_EPOCH).replace(NEW_EPOCH, self._epoch)
            if is_back or not self.is_away:
                server.send(frame)

        def say(frame: str | bytes) -> None:
            text = str(frame)
            socket.send(text.replace(self._epoch, NEW_EPOCH) if is_back else text.replace(SAID, SAID_ELSEWHERE))

        socket.on_message(hear)
        server.on_message(say)

    async def put_back(self) -> None:
        assert self._socket is not None
        self._is_back = True
        await self._socket.close(code=1012)


async def of_before(page: Page, socket: str) -> Database:
    database = Database(await page.locator("main").get_attribute("data-epoch") or "")
    await page.route_web_socket(f"**{socket}", database.connect)
    await page.reload()
    await expect_line(page, CONNECTED)
    return database


@pytest.mark.parametrize(("whose", "socket"), [("visitor", "/chat/socket"), ("advisor", "/desk/socket")])
async def test_both_go_on_in_the_database_that_was_put_back(
    browser: Browser, lenient: LiveService, whose: str, socket: str
) -> None:
    async with meeting(lenient, browser) as met:
        here, there = (met.ada, met.cora) if whose == "visitor" else (met.cora, met.ada)
        await expect_line(there, CONNECTED)
        database = await of_before(here, socket)
        await write(there, SAID)
        await goes_on(here, database)
        for page in (met.ada, met.cora):
            await expect_once(page, SAID, ON_ITS_WAY, WRITTEN)


async def goes_on(page: Page, database: Database) -> None:
    """What was on its way is sent, what was being written stays, and the log is the one that there is now."""
    await expect(page.locator(".log")).to_contain_text(SAID_ELSEWHERE)
    async with without_reload(page):
        database.is_away = True
        on_its_way = await write(page, ON_ITS_WAY)
        await page.fill("#text", WRITTEN)
        await database.put_back()
        await expect(on_its_way).to_have_attribute("data-state", re.compile("^(sent|read)$"))
        await expect(page.locator(".log")).to_contain_text(SAID)
        await expect(page.locator(".log")).not_to_contain_text(SAID_ELSEWHERE)
        await expect(page.locator("#text")).to_have_value(WRITTEN)
        await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator('.entry--own[data-state="sending"]')).to_have_count(0)
