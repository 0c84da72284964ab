"""Pages of a browser that are watched while a test uses them, and what every page must hold to.

A script that fails, an error in the console, a request to another host: each fails the test that opened the page.
`check_page` asks axe-core for violations of WCAG 2.2 AA and looks for sideways scrolling at 320 px, and for a workspace
that scrolls as a whole.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    Route,
    WebSocket,
    expect,
)

from tests.forks import ROOT
from tests.waiting import until

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
NARROW = 320
PATIENCE_MS = 15_000
CLOSING_SECONDS = 10
REMARKS = ("Failed to load resource", "WebSocket connection to")
PARTS_OF_A_PAGE = {"stylesheet", "script", "font", "image"}

expect.set_options(timeout=PATIENCE_MS)

IsOwn = Callable[[str], bool]


@asynccontextmanager
async def opened(browser: Browser, url: str, is_own: IsOwn, **options: Any) -> AsyncIterator[BrowserContext]:
    """A browser that has seen nothing yet, whose pages are watched."""
    context = await browser.new_context(base_url=url, locale="en-GB", **options)
    context.set_default_timeout(PATIENCE_MS)
    problems: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # That an answer was a refusal is the browser's own remark, and may be what the test is about.
        if message.type == "error" and not message.text.startswith(REMARKS):
            problems.append(f"console: {message.text}")

    def receive(response: Response) -> None:
        if response.status >= 400 and response.request.resource_type in PARTS_OF_A_PAGE:
            problems.append(f"missing: {response.url}")

    def look(request: Request) -> None:
        if not is_own(request.url):
            problems.append(f"elsewhere: {request.url}")

    context.on("weberror", lambda error: problems.append(f"script: {error.error.message}"))
    context.on("console", hear)
    context.on("request", look)
    context.on("response", receive)
    try:
        yield context
    finally:
        # Chromium does not always report the end of a window whose page is just being replaced; it goes with the browser.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await context.close()
    assert problems == [], problems


def socket_paths(page: Page) -> list[str]:
    """The paths of the sockets that the page opens from now on."""
    paths: list[str] = []

    def note(socket: WebSocket) -> None:
        paths.append("/" + socket.url.split("/", 3)[3])

    page.on("websocket", note)
    return paths


async def open_before(script: str, page: Page, address: str) -> Route:
    """Opens a page of which one script is still on its way; it arrives with `continue_()` of what this answers."""
    arriving = await hold_first(page, re.compile(rf"/js/{script}\.js$"))
    await page.goto(address, wait_until="commit")
    return await arriving


async def hold_first(page: Page, address: str | re.Pattern[str]) -> Awaitable[Route]:
    """The first request to there, once it is made; it goes on when the route does."""
    held: asyncio.Future[Route] = asyncio.get_running_loop().create_future()

    def hold(route: Route) -> None:
        held.set_result(route)

    await page.route(address, hold, times=1)
    return asyncio.wait_for(held, PATIENCE_MS / 1000)


async def check_page(page: Page) -> None:
    """No violation of WCAG 2.2 AA, and nothing that makes a narrow window scroll sideways."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("rules => axe.run(rules)", RULES)
    places = [
        f"{violation['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
    assert places == [], f"{page.url}: {places}"
    # Where the body is as high as the window, its parts scroll and the page does not.
    below = await page.evaluate(
        "Math.abs(document.body.offsetHeight - innerHeight) < 2 ? document.documentElement.scrollHeight - innerHeight : 0"
    )
    assert below <= 0, f"{page.url} goes on {below} px below the window that it fills"
    await check_narrow(page)


async def check_narrow(page: Page) -> None:
    size = page.viewport_size
    assert size is not None
    await page.set_viewport_size({"width": NARROW, "height": 700})
    width = await page.evaluate("document.documentElement.scrollWidth")
    await page.set_viewport_size(size)

    async def is_wide_again() -> bool:
        return bool(await page.evaluate("innerWidth") == size["width"])

    # A press that begins on the narrow page and ends on the wide one is no click.
    await until(is_wide_again, what="the window of before")
    assert width <= NARROW, f"{page.url} is {width} px wide in a window of {NARROW}"
