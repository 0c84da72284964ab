"""The words that mean the same to the search, as editors change them: a line of names for one thing, with commas.

A name stands in one line only, so that what means the same as what is never a riddle. Each change moves the guidance
counter, and every process follows that within a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit import AuditLog
from core.errors import Empty, NotFound, Refusal, TooLong
from core.tables import setting
from core.text import check_line
from knowledge.articles import count_change
from knowledge.tables import synonym
from knowledge.terms import content_stems
from knowledge.vocabulary import SEED

MOST_LINE = 500
MOST_NAME = 60
MOST_LINES = 1_000
SEEDED = "synonyms_seeded"


class BadLine(Refusal):
    code: ClassVar[str] = "invalid"
    status: ClassVar[int] = 422
    message: ClassVar[str] = "Write at least two names for the same thing, with commas between them."


class ChangedMeanwhile(Refusal):
    """`words` is what the line says now."""

    code: ClassVar[str] = "conflict"
    status: ClassVar[int] = 409

    def __init__(self, words: str) -> None:
        super().__init__(
            f"Somebody else changed this line meanwhile. It now says: {words}. Yours is below; save again to put it there."
        )
        self.words = words


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    words: str


async def lines(connection: AsyncConnection) -> list[Line]:
    rows = await connection.execute(select(synonym.c.id, synonym.c.words))
    return sorted((Line(row.id, row.words) for row in rows), key=lambda line: line.words.lower())


async def groups(connection: AsyncConnection) -> Sequence[str]:
    """What the search follows: the editors' lines, and those of the start until there are any."""
    found = [line.words for line in await lines(connection)]
    return found or ([] if await _was_seeded(connection) else SEED)


async def seed(connection: AsyncConnection) -> None:
    """Put in the lines of the start, once: an editor who deletes the last one wants none."""
    if await _was_seeded(connection):
        return
    await connection.execute(insert(setting).values(name=SEEDED, value="yes"))
    if await connection.scalar(select(synonym.c.id).limit(1)) is None:
        await connection.execute(insert(synonym), [{"words": words} for words in SEED])


async def add(connection: AsyncConnection, audit: AuditLog, typed: str, by: str, now: datetime) -> int:
    """Raises BadLine. Returns the guidance counter."""
    known = await lines(connection)
    if len(known) >= MOST_LINES:
        raise BadLine(f"There are {MOST_LINES:,} lines already. Delete some that nobody needs.")
    words = _checked(typed, known)
    number = await connection.scalar(insert(synonym).values(words=words).returning(synonym.c.id))
    await audit.append(connection, now, by, "synonym_added", f"synonym:{number}", words=words)
    return await count_change(connection)


async def change(
    connection: AsyncConnection, audit: AuditLog, number: int, typed: str, before: str, by: str, now: datetime
) -> int:
    """`before` is what the editor saw. Raises BadLine, ChangedMeanwhile, NotFound."""
    known = await lines(connection)
    current = await _locked(connection, number)
    words = _checked(typed, [line for line in known if line.id != number])
    if current != before:
        raise ChangedMeanwhile(current)
    try:
        async with connection.begin_nested():
            await connection.execute(update(synonym).where(synonym.c.id == number).values(words=words))
    except IntegrityError:
        raise BadLine("The same line stands in the list already.") from None
    await audit.append(connection, now, by, "synonym_changed", f"synonym:{number}", before=current, words=words)
    return await count_change(connection)


async def remove(connection: AsyncConnection, audit: AuditLog, number: int, by: str, now: datetime) -> int:
    """Raises NotFound."""
    words = await _locked(connection, number)
    await connection.execute(delete(synonym).where(synonym.c.id == number))
    await audit.append(connection, now, by, "synonym_deleted", f"synonym:{number}", words=words)
    return await count_change(connection)


async def _locked(connection: AsyncConnection, number: int) -> str:
    words = await connection.scalar(select(synonym.c.words).where(synonym.c.id == number).with_for_update())
    if words is None:
        raise NotFound("This line is not there any more. Somebody else deleted it.")
    return str(words)


async def _was_seeded(connection: AsyncConnection) -> bool:
    return await connection.scalar(select(setting.c.value).where(setting.c.name == SEEDED)) is not None


def _checked(typed: str, others: Sequence[Line]) -> str:
    """The line as it is stored. Raises BadLine, which says what is wrong with it."""
    try:
        line = check_line(typed, MOST_LINE)
    except Empty:
        raise BadLine from None
    except TooLong:
        raise BadLine(
            f"The line is longer than {MOST_LINE} characters. Keep the names that people really use."
        ) from None
    except Refusal as refusal:
        raise BadLine(refusal.text) from None
    names = {content_stems(name): " ".join(name.split()) for name in reversed(line.split(",")) if name.strip()}
    names = dict(reversed(names.items()))
    for stems, name in names.items():
        if not stems:
            raise BadLine(f"“{name}” holds no letter or digit, so that nobody can look for it.")
        if len(name) > MOST_NAME:
            raise BadLine(f"“{name[:MOST_NAME]}…” is longer than {MOST_NAME} characters. Use the words people type.")
        for other in others:
            if stems in {content_stems(each) for each in other.words.split(",")}:
                raise BadLine(f"“{name}” stands in another line already: {other.words}. Put the names together there.")
    if len(names) < 2:
        raise BadLine
    return ", ".join(names.values())
