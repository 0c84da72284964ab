"""A folder of Markdown files: found, read and written, one file an article.

Every file gets one line of report, and whatever a file holds, reading it never fails otherwise. Nothing outside the
folder is read, nothing but `<slug>.md` is written.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select

from core.db import Database
from knowledge.front_matter import ArticleFile, BadFile, format_file, parse_file
from knowledge.tables import article
from knowledge.tree import Reader, find_files, shown_name
from knowledge.versions import Version, published_of
from knowledge.words import Status

ENDINGS = (".md",)
ROWS = 500

READING, RENDERING, STORING, WRITING = "Reading", "Rendering", "Storing", "Writing"

Progress = Callable[[str, int, int], None]
"""Called with what is being done, to how many files it is done, and of how many."""

T = TypeVar("T")


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    LEFT_OUT = "left out"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one file."""

    file: str
    outcome: Outcome
    words: str = ""
    remarks: tuple[str, ...] = ()
    """What is not as it was in the file."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """An article that was read, and the path it was read from."""

    name: str
    file: ArticleFile
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    lines: tuple[Line, ...]
    counter: int | None = None
    """The guidance counter, when readers have something new."""

    @property
    def ok(self) -> bool:
        """Whether all is well; that some files of another site were left out is, unless nothing else is there."""
        outcomes = {line.outcome for line in self.lines}
        return Outcome.PROBLEM not in outcomes and outcomes != {Outcome.LEFT_OUT}

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
            progress(WRITING, done, total)
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


def read_folder(folder: Path, progress: Progress | None = None) -> tuple[list[FoundFile], list[Line]]:
    """Every article of the folder in the service's own form, and a line for whatever is none."""
    files: list[FoundFile] = []
    first_with: dict[str, str] = {}
    try:
        found = find_files(folder, ENDINGS)
    except BadFile as problem:
        return [], [Line(str(folder), Outcome.PROBLEM, str(problem))]
    problems = [Line(refused.name, Outcome.PROBLEM, refused.why) for refused in found.refused]
    reader = Reader(folder)
    for done, path in enumerate(found.paths, 1):
        name = shown_name(path, folder)
        try:
            file = parse_file(reader.read(path), path.stem)
            if file.slug in first_with:
                raise BadFile(f"slug: {first_with[file.slug]} has the same address, {file.slug}.")
            first_with[file.slug] = name
            files.append(FoundFile(name, file))
        except BadFile as problem:
            problems.append(Line(name, Outcome.PROBLEM, str(problem)))
        if progress is not None:
            progress(READING, done, len(found.paths))
    return files, problems


def by_file(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: line.file))


def in_chunks(items: Sequence[T], size: int) -> Iterable[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
