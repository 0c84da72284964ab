"""Row `pages`: requests a second of one process, for pages that are asked for by everybody.

`dutyline run` with its sample articles, and beside it a page of one line from Starlette on uvicorn: what a request costs
there by itself. Thirty-two kept connections, one request under way on each.
"""

from __future__ import annotations

import http.client
import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.http_load import HttpMeasurement, HttpPlan
from bench.processes import ProcessError, ServerProcess, cpu_seconds, python, run_module
from bench.report import Options, Report, load_maker_notes, progress, reaching, spread
from bench.solo import Solo
from tests.engines import free_port

LOAD_TIMEOUT_S = 120.0
INDEX_WITHIN_S = 20.0
POLL_S = 0.2
COLUMNS = ("page", "requests/s", "p50 ms", "p99 ms", "CPU us each", "bytes each", "load maker, % of a core")


@dataclass
class Page:
    """What is asked for, and what was measured of it."""

    name: str
    path: str
    headers: dict[str, str]
    status: int = 200
    least: float | None = None
    rounds: list[HttpMeasurement] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


def run(folder: Path, options: Options) -> Report:
    solo, port = Solo(folder, "run"), free_port()
    echo = ServerProcess("echo", python("-m", "bench.echo", "--port", str(port)), port, folder / "echo.log", {})
    try:
        echo.wait_until_listening()
        solo.start()
        pages = _pages(solo)
        reference = Page("one line (Starlette, uvicorn)", "/", {})
        for number in range(options.rounds):
            for page in pages:
                _measure(page, solo.port, solo.pid, options)
            _measure(reference, echo.port, echo.pid, options)
            shown = ", ".join(f"{page.path} {page.rounds[-1].per_second:,.0f}" for page in (*pages, reference))
            progress(f"round {number + 1}: {shown}")
    finally:
        solo.stop()
        echo.stop()
    return Report(
        title=(
            "requests/s of one process (dutyline run), 32 connections, one request under way on each; "
            f"median of {options.rounds} rounds of {options.seconds:g} s"
        ),
        columns=COLUMNS,
        lines=[_line(page) for page in (*pages, reference)],
        bars=[
            reaching(page.name, statistics.median(one.per_second for one in page.rounds), page.least, "requests/s")
            for page in pages
            if page.least is not None
        ],
        notes=[
            note
            for page in (*pages, reference)
            for note in load_maker_notes(page.name, [one.load_maker_cpu_s / one.seconds for one in page.rounds])
        ],
    )


def _pages(solo: Solo) -> list[Page]:
    """With the validators that a browser has after its first visit."""
    article = f"/guidance/{_slug(solo)}"
    zipped = {"Accept-Encoding": "gzip"}
    pages = []
    for path in ("/", article):
        known = {"If-None-Match": _header(solo, path, "etag")}
        pages += [
            Page(f"{path}, whole", path, zipped, least=8_000),
            Page(f"{path}, unchanged (304)", path, zipped | known, 304, 8_000),
        ]
    cookie = _header(solo, "/ask", "set-cookie").split(";")[0]
    return [
        *pages,
        Page("/ask, somebody new", "/ask", {}, least=1_500),
        Page("/ask, with a cookie", "/ask", {"Cookie": cookie}, least=1_500),
    ]


def _slug(solo: Solo) -> str:
    """An article, once the guidance of the demo is indexed."""
    for _ in range(int(INDEX_WITHIN_S / POLL_S)):
        found = re.search(rb'href="/guidance/([a-z0-9-]+)"', _get(solo, "/guidance")[1])
        if found is not None:
            return found[1].decode()
        solo.rest(POLL_S)
    raise ProcessError(f"/guidance lists no article after {INDEX_WITHIN_S:.0f} s")


def _header(solo: Solo, path: str, name: str) -> str:
    value = _get(solo, path)[0].get(name)
    if value is None:
        raise ProcessError(f"GET {path} has no {name}")
    return value


def _get(solo: Solo, path: str) -> tuple[http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", solo.port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise ProcessError(f"GET {path} answered {answer.status}")
    return answer.headers, body


def _measure(page: Page, port: int, pid: int, options: Options) -> None:
    plan = HttpPlan(port, f"127.0.0.1:{port}", page.path, page.headers, page.status)
    plan.warm_up_s, plan.seconds = options.warm_up_s / 2, options.seconds
    before = cpu_seconds({"web": [pid]})["web"]
    printed = run_module("bench.http_load", stdin=msgspec.json.encode(plan), timeout_s=LOAD_TIMEOUT_S)
    measured = msgspec.json.decode(printed, type=HttpMeasurement)
    spent = cpu_seconds({"web": [pid]})["web"] - before
    page.rounds.append(measured)
    page.cpu_us.append(1e6 * spent / (measured.per_second * (plan.warm_up_s + measured.seconds)))


def _line(page: Page) -> tuple[str, ...]:
    rounds = page.rounds
    return (
        page.name,
        spread([one.per_second for one in rounds]),
        f"{statistics.median(one.p50_ms for one in rounds):.1f}",
        f"{statistics.median(one.p99_ms for one in rounds):.1f}",
        spread(page.cpu_us),
        f"{statistics.median(one.bytes_each for one in rounds):,.0f}",
        f"{max(one.load_maker_cpu_s / one.seconds for one in rounds):.0%}",
    )
