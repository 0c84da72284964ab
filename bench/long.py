"""Row `long`: a conversation of 10,000 events is opened, beside one of 210, whose last 200 are the same.

Through the door: GET /chat, and `hello` with the place at which the page ends. In Chromium: until the last of 200 events
is in the page and painted. Then everything from the beginning, as a client that lost its place asks for it: that costs
what it holds, but comes in stretches, so that the process grows by little. The ratio of long to short is the measure of
"nothing grows with what is not shown".
"""

from __future__ import annotations

import asyncio
import http.client
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import async_playwright

from bench.processes import ProcessError, resident_kib
from bench.report import Bar, Options, Report, progress, spread, within
from bench.solo import Solo
from bench.websocket import WebSocketClient
from tests.chromium import find_chromium

EVENTS, FEW = 10_000, 210
ASKED_A_ROUND = 20
CATCH_UP_WITHIN_S = 60.0
MOST_GROWTH = 1.5
COLUMNS = ("conversation", "GET /chat ms", "hello ms", "drawn in Chromium ms", "everything again s", "grown by MiB")


# A promise, since the page's own policy forbids the polling that Playwright would do.
DRAWN = """
() => new Promise((resolve) => {
  const look = () => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    if (!paint || document.readyState === 'loading') return requestAnimationFrame(look);
    resolve(Math.max(paint.startTime, performance.getEntriesByType('navigation')[0].domInteractive));
  };
  look();
})
"""


@dataclass
class Talk:
    events: int
    token: str = ""
    reference: str = ""
    page_ms: list[float] = field(default_factory=list)
    hello_ms: list[float] = field(default_factory=list)
    drawn_ms: list[float] = field(default_factory=list)
    all_s: list[float] = field(default_factory=list)
    grown_mib: list[float] = field(default_factory=list)


def run(folder: Path, options: Options) -> Report:
    solo, talks = Solo(folder, "run"), [Talk(EVENTS), Talk(FEW)]
    try:
        solo.start()
        for talk in talks:
            seeded = solo.seed(1, talk.events - 3)[0]
            talk.token, talk.reference = seeded.token, seeded.reference
        for number in range(options.rounds):
            _ask_in_turn(solo, talks)
            for talk in talks:
                asyncio.run(_measure(solo, talk))
                progress(
                    f"round {number + 1}: {talk.events:,} events: {talk.page_ms[-1]:.1f} ms, {talk.drawn_ms[-1]:.0f} ms"
                )
    finally:
        solo.stop()
    long, short = talks
    grown = statistics.median(long.page_ms) / statistics.median(short.page_ms)
    return Report(
        title=f"a conversation of {EVENTS:,} events and one of {FEW} (dutyline run); median of {options.rounds} rounds",
        columns=COLUMNS,
        lines=[_line(talk) for talk in talks],
        bars=[
            within("200 of 10,000 at the door", statistics.median(long.page_ms), 300, "ms"),
            within("200 of 10,000 drawn in Chromium", statistics.median(long.drawn_ms), 300, "ms"),
            Bar(
                f"growth of the page with what it does not show: {grown:.2f} of {MOST_GROWTH}", MOST_GROWTH / grown, 1.0
            ),
            within("memory while 10,000 are sent again", max(long.grown_mib), 32, "MiB"),
        ],
        notes=["in Chromium: from the request to the last of 200 events laid out, of ten looks after a first one"],
    )


def _ask_in_turn(solo: Solo, talks: Sequence[Talk]) -> None:
    """Page by page: a machine that is faster in one second than in the next would else be taken for growth."""
    taken_ms = [[_ask(solo, talk) for talk in talks] for _ in range(ASKED_A_ROUND)]
    for talk, each_ms in zip(talks, zip(*taken_ms, strict=True), strict=True):
        talk.page_ms.append(statistics.median(each_ms))


async def _measure(solo: Solo, talk: Talk) -> None:
    talk.hello_ms.append(1e3 * await _hello(solo, talk, talk.events))
    talk.drawn_ms.append(await _draw(solo, talk))
    before = resident_kib([solo.pid])[solo.pid]
    talk.all_s.append(await _hello(solo, talk, 0))
    talk.grown_mib.append(max(0, resident_kib([solo.pid])[solo.pid] - before) / 1024)


def _ask(solo: Solo, talk: Talk) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", solo.port, timeout=10)
    try:
        connection.connect()
        begun = time.perf_counter()
        connection.request("GET", "/chat", headers={"Cookie": f"visitor={talk.token}"})
        answer = connection.getresponse()
        body = answer.read()
        taken = 1e3 * (time.perf_counter() - begun)
    finally:
        connection.close()
    if answer.status != 200 or body.count(b"data-seq=") < min(talk.events, 200):
        raise ProcessError(f"GET /chat answered {answer.status} with {body.count(b'data-seq=')} events")
    return taken


async def _hello(solo: Solo, talk: Talk, after: int) -> float:
    """Seconds from the greeting to *caught up*."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    seen = 0

    def hear(payload: bytes) -> None:
        nonlocal seen
        seen += b'"type":"event"' in payload[:20]
        if b'"caught_up"' in payload[:24] and not done.done():
            done.set_result(None)

    def lose(reason: str) -> None:
        if not done.done():
            done.set_exception(ProcessError(reason))

    socket = WebSocketClient(hear, lose)
    headers = solo.headers | {"Cookie": f"visitor={talk.token}"}
    await socket.open(f"ws://127.0.0.1:{solo.port}/chat/socket", headers)
    begun = time.perf_counter()
    socket.send_text(f'{{"type":"hello","after":{{"{talk.reference}":{after}}}}}'.encode())
    async with asyncio.timeout(CATCH_UP_WITHIN_S):
        await done
    taken = time.perf_counter() - begun
    socket.close()
    if seen != talk.events - after:
        raise ProcessError(f"{seen} events came after {after}, not {talk.events - after}")
    return taken


async def _draw(solo: Solo, talk: Talk) -> float:
    """Milliseconds until the last event is laid out, in the browser's own clock; the first look fills its cache."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            context = await browser.new_context()
            await context.add_cookies([{"name": "visitor", "value": talk.token, "url": solo.base_url}])
            tab = await context.new_page()
            taken: list[float] = []
            for _ in range(11):
                await tab.goto(f"{solo.base_url}/chat", wait_until="commit")
                taken.append(float(await tab.evaluate(DRAWN)))
            return statistics.median(taken[1:])
        finally:
            await browser.close()


def _line(talk: Talk) -> tuple[str, ...]:
    return (
        f"{talk.events:,} events",
        spread(talk.page_ms, 1),
        spread(talk.hello_ms, 1),
        spread(talk.drawn_ms),
        spread(talk.all_s, 2),
        spread(talk.grown_mib, 1),
    )
