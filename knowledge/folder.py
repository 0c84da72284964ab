"""A folder of Markdown files: found, read and written, one file an article.

Every file gets one line of report, and whatever a file holds, reading it never fails otherwise. Nothing outside the
folder is read, nothing but `<slug>.md` is written.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select

from core.db import Database
from knowledge.front_matter import MOST_FILE_BYTES, ArticleFile, BadFile, format_file, parse_file
from knowledge.tables import article
from knowledge.versions import Version, published_of
from knowledge.words import Status

MOST_FILES = 100_000
ROWS = 500

Progress = Callable[[int, int], None]
"""Called with how many files are done, and of how many."""

T = TypeVar("T")


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one file."""

    file: str
    outcome: Outcome
    words: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    lines: tuple[Line, ...]
    counter: int | None = None
    """The guidance counter, when readers have something new."""

    @property
    def ok(self) -> bool:
        return not any(line.outcome is Outcome.PROBLEM for line in self.lines)

    def count(self, outcome: Outcome) -> int:
        return sum(line.outcome is outcome for line in self.lines)


async def export_folder(db: Database, folder: Path, progress: Progress | None = None) -> int:
    """Write every published article to `folder/<slug>.md`; returns how many. Files of other names are left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    done = 0
    async for chunk, total in _published(db):
        await asyncio.to_thread(_write_all, folder, chunk)
        done += len(chunk)
        if progress is not None:
            progress(done, total)
    return done


async def _published(db: Database) -> AsyncIterator[tuple[list[Version], int]]:
    async with db.read() as connection:
        query = select(article.c.slug).where(article.c.status == Status.PUBLISHED).order_by(article.c.slug)
        slugs = [row.slug for row in await connection.execute(query)]
    for chunk in in_chunks(slugs, ROWS):
        async with db.read() as connection:
            yield list((await published_of(connection, chunk)).values()), len(slugs)


def _write_all(folder: Path, versions: list[Version]) -> None:
    for version in versions:
        # Written beside and moved into place: a link of that name is replaced, never followed.
        whole, part = folder / f"{version.slug}.md", folder / f".{version.slug}.part"
        part.unlink(missing_ok=True)
        part.write_text(format_file(version.slug, version.text), encoding="utf-8")
        part.replace(whole)


def read_folder(folder: Path) -> tuple[list[tuple[str, ArticleFile]], list[Line]]:
    files: list[tuple[str, ArticleFile]] = []
    problems: list[Line] = []
    first_with: dict[str, str] = {}
    try:
        paths = _find_files(folder)
    except BadFile as problem:
        return [], [Line(str(folder), Outcome.PROBLEM, str(problem))]
    for path in paths:
        name = str(path.relative_to(folder)).encode("utf-8", "replace").decode()
        try:
            file = parse_file(_read_file(path, folder), path.stem)
            if file.slug in first_with:
                raise BadFile(f"slug: {first_with[file.slug]} has the same address, {file.slug}.")
            first_with[file.slug] = name
            files.append((name, file))
        except BadFile as problem:
            problems.append(Line(name, Outcome.PROBLEM, str(problem)))
    return files, problems


def _find_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BadFile("There is no such folder.")
    # Linked folders are not entered: they may lead anywhere, also back here.
    found = [
        Path(parent) / name
        for parent, _, names in os.walk(folder, followlinks=False)
        for name in names
        if name.endswith(".md") and not name.startswith(".")
    ]
    if not found:
        raise BadFile("The folder holds no file whose name ends in .md.")
    if len(found) > MOST_FILES:
        raise BadFile(f"The folder holds more than {MOST_FILES:,} files.")
    return sorted(found)


def _read_file(path: Path, folder: Path) -> bytes:
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BadFile("This is a link that leads out of the folder.")
        # Looked at before it is opened: a pipe would wait for ever, a device never end.
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BadFile("This is not a file.")
        if found.st_size > MOST_FILE_BYTES:
            raise BadFile(f"The file is larger than {MOST_FILE_BYTES // 1024} KB. Split it into two articles.")
        with path.open("rb") as file:
            return file.read(MOST_FILE_BYTES + 1)
    except (OSError, RuntimeError):
        raise BadFile("The file cannot be read.") from None


def by_file(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: line.file))


def in_chunks(items: Sequence[T], size: int) -> Iterable[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
