"""Row `library`: how fast the guidance is found in a small and in a large library, and how it is built, saved and imported.

One `dutyline web` on SQLite for each size, with made articles as long as the samples (`bench/seed_articles.py`). The index is
timed from the service's first answer, and it goes on answering meanwhile; searches are whole pages at the door, one at a
time, with the questions of `questions.tsv`. Suggestions are timed in a process of their own that builds the same index: a
question and three messages, a topic and two flags. `python -m bench.library FOLDER` is that process.
"""

from __future__ import annotations

import asyncio
import http.client
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import msgspec

from bench.processes import ProcessError, memory_kib, run_command, run_module
from bench.report import Options, Report, progress, reaching, within
from bench.search import read_questions
from bench.seed_articles import seed_articles, sentences_of_samples, versions
from bench.solo import DUTYLINE, Solo
from core.db import Database
from core.sqlite import sqlite_url
from knowledge.front_matter import format_file
from knowledge.index import Index
from knowledge.suggest import Case, suggest
from knowledge.words import FOR_STAFF

SMALL, LARGE = 1_000, 50_000
IMPORTED = 1_000
SENTENCES_OF_A_FILE = 40
BUILT_WITHIN_S = 180.0
POLL_S = 0.1
PROCESS_TIMEOUT_S = 300.0
COLUMNS = (
    "articles",
    "index s",
    "answers meanwhile, p99 ms",
    "search page p50 / p99 ms",
    "suggestions p50 / p99 ms",
    "resident MiB",
)


class Suggesting(msgspec.Struct):
    """What the process that suggests has measured."""

    index_s: float
    times_ms: list[float]


@dataclass(frozen=True, slots=True)
class Measured:
    index_s: float
    meanwhile_ms: list[float]
    search_ms: list[float]
    suggest_ms: list[float]
    alone_s: float
    resident_mib: float


def run(folder: Path, options: Options) -> Report:
    questions = [one.text for one in read_questions()]
    measured = {count: _measure(folder / str(count), count, questions) for count in (SMALL, LARGE)}
    imported = _import(folder)
    small, large = measured[SMALL], measured[LARGE]
    return Report(
        title="The guidance as a library: index, search, suggestions, import; one round",
        columns=COLUMNS,
        lines=[_line(count, one) for count, one in measured.items()],
        bars=[
            within(f"index of {SMALL:,}", small.index_s, 1, "s"),
            within(f"index of {LARGE:,}, in the background", large.index_s, 60, "s"),
            within(f"search page at {LARGE:,}, p99", _p99(large.search_ms), 20, "ms"),
            within(f"suggestions at {SMALL:,}, p99", _p99(small.suggest_ms), 5, "ms"),
            within(f"suggestions at {LARGE:,}, p99", _p99(large.suggest_ms), 15, "ms"),
            reaching("import", imported, 300, "articles/s"),
            within("answers while the index is built, p99", _p99(large.meanwhile_ms), 250, "ms"),
        ],
        notes=[f"index alone, in a process that serves nobody: {small.alone_s:.2f} s and {large.alone_s:.1f} s"],
    )


def _measure(folder: Path, count: int, questions: list[str]) -> Measured:
    folder.mkdir()
    solo = Solo(folder)
    solo.migrate()
    asyncio.run(_seed(folder / "data", count))
    progress(f"{count:,} articles made")
    # The last that is for anyone is found when the index is whole.
    last = list(versions(count, sentences_of_samples()))[-2]
    meanwhile: list[float] = []
    try:
        solo.start()
        # The index is begun with the first answer, not with the process.
        begun = time.perf_counter()
        while last.slug.encode() not in _page(solo, f"/guidance?q={quote(last.text.title)}", meanwhile):
            if time.perf_counter() - begun > BUILT_WITHIN_S:
                raise ProcessError(f"the index of {count:,} is not there after {BUILT_WITHIN_S:.0f} s")
            solo.rest(POLL_S)
        index_s = time.perf_counter() - begun
        progress(f"indexed after {index_s:.1f} s")
        search_ms: list[float] = []
        for text in questions:
            _page(solo, f"/guidance?q={quote(text)}", search_ms)
        resident = memory_kib(solo.pid)["VmRSS"] / 1024
    finally:
        solo.stop()
    printed = run_module("bench.library", str(folder / "data"), timeout_s=PROCESS_TIMEOUT_S)
    suggesting = msgspec.json.decode(printed, type=Suggesting)
    return Measured(index_s, meanwhile, search_ms, suggesting.times_ms, suggesting.index_s, resident)


async def _seed(data: Path, count: int) -> None:
    database = Database(sqlite_url(data))
    try:
        await seed_articles(database, count)
    finally:
        await database.close()


def _page(solo: Solo, path: str, times_ms: list[float]) -> bytes:
    """A page, and how long it took from the request to the last byte."""
    connection = http.client.HTTPConnection("127.0.0.1", solo.port, timeout=10)
    connection.connect()
    try:
        begun = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        times_ms.append(1e3 * (time.perf_counter() - begun))
    finally:
        connection.close()
    if answer.status != 200:
        raise ProcessError(f"GET {path} answered {answer.status}")
    return body


def _import(folder: Path) -> float:
    """Articles a second of `dutyline guidance import` into an empty service, its own start included."""
    home, files = folder / "import", folder / "files"
    home.mkdir()
    files.mkdir()
    solo = Solo(home)
    solo.migrate()
    markdown = [sentence for sentence in sentences_of_samples() if "{" not in sentence]
    for number, one in enumerate(versions(IMPORTED, markdown)):
        body = "\n\n".join(markdown[number % 500 : number % 500 + SENTENCES_OF_A_FILE])
        (files / f"{one.slug}.md").write_text(format_file(one.slug, replace(one.text, markdown=body)))
    begun = time.perf_counter()
    run_command("dutyline guidance import", [str(DUTYLINE), "guidance", "import", str(files)], solo.settings)
    return IMPORTED / (time.perf_counter() - begun)


def _line(count: int, one: Measured) -> tuple[str, ...]:
    return (
        f"{count:,}",
        f"{one.index_s:.1f}",
        f"{_p99(one.meanwhile_ms):.0f}",
        f"{statistics.median(one.search_ms):.1f} / {_p99(one.search_ms):.1f}",
        f"{statistics.median(one.suggest_ms):.1f} / {_p99(one.suggest_ms):.1f}",
        f"{one.resident_mib:.0f}",
    )


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[int(0.99 * len(times))]


async def _suggest(data: Path) -> Suggesting:
    database, index = Database(sqlite_url(data)), Index()
    try:
        begun = time.perf_counter()
        await index.refresh(database)
        taken = time.perf_counter() - begun
    finally:
        await database.close()
    texts = [one.text for one in read_questions()]
    times: list[float] = []
    for talk in zip(texts, texts[1:], texts[2:], texts[3:], strict=False):
        case = Case("recognising_risk", ("strangulation", "stalking"), talk[0], talk[1:])
        begun = time.perf_counter()
        suggest(index, case, FOR_STAFF)
        times.append(1e3 * (time.perf_counter() - begun))
    return Suggesting(taken, times)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_suggest(Path(sys.argv[1])))))
    sys.exit(0)
