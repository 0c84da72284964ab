"""Row `browser`: the pages that a visitor meets, in Chromium on a slow line and a slow processor.

Chromium is the machine's own, without a window. Slow 4G: 1.6 Mbit/s down, 750 kbit/s up, 150 ms for a round trip; the
processor four times slower (both by the DevTools protocol). Each page is opened in a new context with an empty cache.
First paint is what the browser reports; interactive is the end of the last long task after it, or, where that is later,
the moment at which every module of the page has started; layout shift is the sum that the browser reports. Two seconds
of quiet end a look. As a reference the same is done with a page of one line.
"""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, async_playwright
from playwright.async_api import Error as BrowserError

from bench.processes import ProcessError, ServerProcess, python
from bench.report import Bar, Options, Report, progress, spread, within
from bench.solo import Solo
from tests.chromium import NoBrowserError, find_chromium
from tests.engines import free_port

MBIT_DOWN, MBIT_UP, ROUND_TRIP_MS, SLOWER = 1.6, 0.75, 150, 4
QUIET_MS = 2_000
INDEX_S = 8.0
COLUMNS = ("page", "first paint s", "interactive s", "layout shift", "KiB over the line", "requests")

# Runs before the page's own scripts. Buffered observers tell what happened before they were made.
OBSERVE = """
window.__seen = { shift: 0, busyUntil: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__seen.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    window.__seen.busyUntil = Math.max(window.__seen.busyUntil, entry.startTime + entry.duration);
  }
}).observe({ type: 'longtask', buffered: true });
"""
# A promise, since the pages' own policy forbids the polling that Playwright would do.
PAINTED = """
() => new Promise((resolve) => {
  const look = () => performance.getEntriesByName('first-contentful-paint').length ? resolve() : requestAnimationFrame(look);
  look();
})
"""
READ = """
() => {
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  const scripts = performance.getEntriesByType('resource').filter((one) => one.name.endsWith('.js'));
  const sent = [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')];
  return {
    paint: paint ? paint.startTime : null,
    loaded: Math.max(0, ...scripts.map((one) => one.responseEnd)),
    ready: performance.getEntriesByType('navigation')[0].domInteractive,
    busyUntil: window.__seen.busyUntil,
    shift: window.__seen.shift,
    bytes: sent.reduce((sum, one) => sum + one.transferSize, 0),
    requests: sent.length,
  };
}
"""


@dataclass(frozen=True, slots=True)
class Look:
    paint_s: float
    interactive_s: float
    shift: float
    kib: float
    requests: int


@dataclass
class Page:
    name: str
    url: str
    cookies: list[dict[str, str]] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)


def run(folder: Path, options: Options) -> Report:
    solo, port = Solo(folder, "run"), free_port()
    echo = ServerProcess("echo", python("-m", "bench.echo", "--port", str(port)), port, folder / "echo.log", {})
    try:
        echo.wait_until_listening()
        solo.start()
        solo.rest(INDEX_S)
        visitor = {"name": "visitor", "value": solo.seed(1, 40)[0].token, "url": solo.base_url}
        pages = [
            Page("/", f"{solo.base_url}/"),
            Page("/ask", f"{solo.base_url}/ask"),
            Page("/chat, 43 events", f"{solo.base_url}/chat", [visitor]),
        ]
        reference = Page("one line", f"http://127.0.0.1:{port}/")
        asyncio.run(_look_at_all([*pages, reference], options.rounds))
    except (BrowserError, NoBrowserError) as error:
        raise ProcessError(str(error)) from error
    finally:
        solo.stop()
        echo.stop()
    return Report(
        title=(
            f"Chromium on slow 4G ({MBIT_DOWN:g} Mbit/s down, {MBIT_UP:g} up, {ROUND_TRIP_MS} ms) and a processor "
            f"{SLOWER} times slower, nothing cached; median of {options.rounds} looks"
        ),
        columns=COLUMNS,
        lines=[_line(page) for page in (*pages, reference)],
        bars=[bar for page in pages for bar in _bars(page)],
    )


async def _look_at_all(pages: list[Page], rounds: int) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            for number in range(rounds):
                for page in pages:
                    page.looks.append(await _look(browser, page))
                    progress(f"round {number + 1}: {page.name}: {page.looks[-1]}")
        finally:
            await browser.close()


async def _look(browser: Browser, page: Page) -> Look:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    try:
        await context.add_init_script(OBSERVE)
        for cookie in page.cookies:
            await context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": cookie["url"]}])
        return _seen(await _open(context, page.url))
    finally:
        await context.close()


async def _open(context: BrowserContext, url: str) -> dict[str, Any]:
    tab = await context.new_page()
    tools = await context.new_cdp_session(tab)
    await tools.send("Network.enable")
    await tools.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": ROUND_TRIP_MS,
            "downloadThroughput": MBIT_DOWN * 1e6 / 8,
            "uploadThroughput": MBIT_UP * 1e6 / 8,
        },
    )
    await tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await tab.goto(url, wait_until="load")
    await tab.evaluate(PAINTED)
    await tab.wait_for_timeout(QUIET_MS)
    seen: dict[str, Any] = await tab.evaluate(READ)
    return seen


def _seen(found: dict[str, Any]) -> Look:
    if found["paint"] is None:
        raise ProcessError("the browser reports no first paint")
    interactive_ms = max(found["paint"], found["ready"], found["loaded"], found["busyUntil"])
    return Look(found["paint"] / 1e3, interactive_ms / 1e3, found["shift"], found["bytes"] / 1024, found["requests"])


def _bars(page: Page) -> list[Bar]:
    shift = max(look.shift for look in page.looks)
    return [
        within(f"{page.name}, first paint", statistics.median(look.paint_s for look in page.looks), 1.5, "s"),
        within(f"{page.name}, interactive", statistics.median(look.interactive_s for look in page.looks), 2.5, "s"),
        # What the browser's own measure takes for none that anybody sees.
        within(f"{page.name}, the most layout shift of any look", shift, 0.001, "of the window"),
    ]


def _line(page: Page) -> tuple[str, ...]:
    looks = page.looks
    return (
        page.name,
        spread([look.paint_s for look in looks], 2),
        spread([look.interactive_s for look in looks], 2),
        f"{max(look.shift for look in looks):.4f}",
        f"{statistics.median(look.kib for look in looks):.0f}",
        f"{statistics.median(look.requests for look in looks):.0f}",
    )
