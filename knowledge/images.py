"""The pictures of articles: made anew when they are sent, stored under a name made from their content, shown to whom they belong.

A picture belongs to the articles that show it. Whoever may read one of those, in a version that was published, may see
it; for everybody else it does not exist. Staff see all of them, since they write the articles.
"""

import asyncio
import contextlib
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import NotFound, Refusal
from knowledge.markdown import IMAGES, images_in
from knowledge.tables import article, article_image, article_version, image
from knowledge.words import FOR_ANYONE, FOR_STAFF, Audiences

ROOT = Path(__file__).parent.parent
MOST_SENT_BYTES = 8_000_000
REMAKE_LIMIT_S = 30.0

WHY = {
    "unreadable": "This file cannot be read as a picture. Send a PNG, JPEG, WebP or GIF.",
    "pixels": "This picture has more than 50 million pixels. Make it smaller and send it again.",
    "moves": "This picture moves. Send one that stands still: moving pictures distract from the text.",
    "detail": "This picture holds too much detail to be shown quickly. Make it smaller and send it again.",
    "slow": "It took too long to read this picture. Save it in another format or make it smaller, and send it again.",
}


class UnusableImage(Refusal):
    code: ClassVar[str] = "unusable_image"
    status: ClassVar[int] = 422
    message: ClassVar[str] = WHY["unreadable"]


class ImageInUse(Refusal):
    code: ClassVar[str] = "image_in_use"
    status: ClassVar[int] = 409
    message: ClassVar[str] = (
        "An article shows this picture, or showed it in an earlier version. Only a picture that no article shows can be removed."
    )


@dataclass(frozen=True, slots=True)
class Remade:
    """A picture as it will be shown."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture in the editors' list."""

    name: str
    alt: str
    size: int
    created_at: datetime
    shown_in: tuple[str, ...]
    """The slugs of the articles of which any version shows it."""

    @property
    def markdown(self) -> str:
        return f"![{markdown_words(self.alt)}]({IMAGES}{self.name})"


def markdown_words(words: str) -> str:
    """Words that stay what they are between the square brackets of a picture."""
    return "".join(f"\\{character}" if character in "\\`*_[]<>&!~" else character for character in words)


async def remake(content: bytes) -> Remade:
    """Make a picture anew in a process of its own, which is killed when it takes too long. Raises UnusableImage."""
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "knowledge.image_worker"),
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # Ctrl-C goes to a whole group; a picture that is being stored must not be lost to it.
        start_new_session=True,
    )
    try:
        answer, _ = await asyncio.wait_for(worker.communicate(content), REMAKE_LIMIT_S)
    except TimeoutError:
        raise UnusableImage(WHY["slow"]) from None
    finally:
        if worker.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()
    head, _, made = answer.partition(b"\n")
    if not made:
        # An end without an answer is one by a limit.
        raise UnusableImage(WHY.get(head.decode(), WHY["slow"]))
    width, height = (int(part) for part in head.split())
    return Remade(f"{hashlib.sha256(made).hexdigest()[:32]}-{width}x{height}.webp", made)


async def store(connection: AsyncConnection, made: Remade, alt: str, by: str, now: datetime) -> bool:
    """Returns whether it is new: the same picture sent again is there already."""
    values = {"name": made.name, "alt": alt, "content": made.content, "added_by": by, "created_at": now}
    try:
        async with connection.begin_nested():
            await connection.execute(insert(image).values(**values))
    except IntegrityError:
        return False
    return True


async def note_images(connection: AsyncConnection, article_id: int, version: int, html: str) -> None:
    """Remember which pictures a version shows; in the transaction that writes the version."""
    await note_images_of_all(connection, [(article_id, version, html)])


async def note_images_of_all(connection: AsyncConnection, versions: Sequence[tuple[int, int, str]]) -> None:
    rows = [
        {"name": name, "article_id": article_id, "version": version}
        for article_id, version, html in versions
        for name in images_in(html)
    ]
    if rows:
        await connection.execute(insert(article_image), rows)


async def read_image(connection: AsyncConnection, name: str, audiences: Audiences) -> tuple[bytes, bool]:
    """A picture, and whether everybody may see it. Raises NotFound, also for what these readers may not see.

    One statement, whatever becomes of it, so that its time does not tell what is there.
    """
    for_anyone = _is_shown_to(FOR_ANYONE).label("for_anyone")
    query = select(image.c.content, for_anyone).where(image.c.name == name)
    if audiences != FOR_STAFF:
        query = query.where(_is_shown_to(audiences))
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound
    return bytes(row.content), bool(row.for_anyone)


def _is_shown_to(audiences: Audiences) -> ColumnElement[bool]:
    """By the rule for reading a version (knowledge.reading): its own audience and that of the article as it is now."""
    current = article_version.alias()
    shown = (
        select(literal(1))
        .select_from(article_image)
        .join(article, article.c.id == article_image.c.article_id)
        .join(current, and_(current.c.article_id == article.c.id, current.c.version == article.c.published_version))
        .join(
            article_version,
            and_(
                article_version.c.article_id == article_image.c.article_id,
                article_version.c.version == article_image.c.version,
            ),
        )
        .where(article_image.c.name == image.c.name, article_version.c.published_at.is_not(None))
        .where(article_version.c.audience.in_(audiences), current.c.audience.in_(audiences))
    )
    return exists(shown)


async def list_images(connection: AsyncConnection, page: int, size: int) -> tuple[list[StoredImage], int]:
    """One page of them, the newest first, and how many there are."""
    total = int(await connection.scalar(select(func.count()).select_from(image)) or 0)
    columns = (image.c.name, image.c.alt, func.length(image.c.content).label("size"), image.c.created_at)
    rows = (
        await connection.execute(
            select(*columns).order_by(image.c.id.desc()).limit(size).offset((page - 1) * size),
        )
    ).all()
    shown = await _shown_in(connection, [row.name for row in rows])
    return [StoredImage(row.name, row.alt, row.size, row.created_at, shown.get(row.name, ())) for row in rows], total


async def find_image(connection: AsyncConnection, name: str) -> StoredImage | None:
    columns = (image.c.name, image.c.alt, func.length(image.c.content).label("size"), image.c.created_at)
    row = (await connection.execute(select(*columns).where(image.c.name == name))).one_or_none()
    if row is None:
        return None
    shown = await _shown_in(connection, [name])
    return StoredImage(row.name, row.alt, row.size, row.created_at, shown.get(name, ()))


async def missing_images(connection: AsyncConnection, names: Sequence[str]) -> list[str]:
    """Those of these names under which there is no picture."""
    if not names:
        return []
    known = {row.name for row in await connection.execute(select(image.c.name).where(image.c.name.in_(names)))}
    return [name for name in names if name not in known]


async def remove(connection: AsyncConnection, name: str) -> None:
    """Forget a picture that no version shows. Raises NotFound and ImageInUse."""
    used: Any = select(literal(1)).where(article_image.c.name == name).limit(1)
    if await connection.scalar(used) is not None:
        raise ImageInUse
    if (await connection.execute(delete(image).where(image.c.name == name))).rowcount != 1:
        raise NotFound


async def _shown_in(connection: AsyncConnection, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    query = (
        select(article_image.c.name, article.c.slug)
        .join(article, article.c.id == article_image.c.article_id)
        .where(article_image.c.name.in_(names))
        .distinct()
        .order_by(article_image.c.name, article.c.slug)
    )
    shown: dict[str, tuple[str, ...]] = {}
    for row in await connection.execute(query):
        shown[row.name] = (*shown.get(row.name, ()), row.slug)
    return shown
