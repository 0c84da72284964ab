"""What readers have: which version of an article is published, and which article is withdrawn.

Each change moves the pointer, counts one on the guidance counter and writes the audit row in the caller's transaction.
Every process follows the counter, so that what is committed here is found and shown everywhere within a second.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit import AuditLog
from core.errors import NotFound, Refusal
from core.tables import setting
from knowledge.tables import article, article_version, draft_progress
from knowledge.versions import NewVersion, Saved, StaleEdit, read_version, save
from knowledge.words import Status

COUNTER = "guidance_counter"
READ_COUNTER = select(setting.c.value).where(setting.c.name == COUNTER)


class NothingToPublish(Refusal):
    code: ClassVar[str] = "nothing_to_publish"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "There is no draft to publish. Readers already have the newest version."


class NotPublished(Refusal):
    code: ClassVar[str] = "not_published"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "This article is not published, so it cannot be withdrawn."


async def publish(
    connection: AsyncConnection,
    audit: AuditLog,
    slug: str,
    version: int,
    by: str,
    now: datetime,
    **told: str | bool,
) -> int:
    """Give readers the draft. `version` is what the editor looked at; raises StaleEdit when the draft is another one.

    `told` is what else the audit keeps of it.
    """
    row = await lock(connection, slug)
    if row.draft_version is None:
        raise NothingToPublish
    if row.draft_version != version:
        raise StaleEdit(row.draft_version)
    counter = await count_change(connection)
    values = {"status": Status.PUBLISHED, "published_version": version, "draft_version": None, "withdrawn_at": None}
    await connection.execute(
        update(article)
        .where(article.c.id == row.id)
        .values(**values, withdrawn_reason=None, changed=counter, updated_at=now)
    )
    await connection.execute(
        update(article_version)
        .where(article_version.c.article_id == row.id, article_version.c.version == version)
        .where(article_version.c.published_at.is_(None))
        .values(published_at=now)
    )
    await connection.execute(delete(draft_progress).where(draft_progress.c.article_id == row.id))
    await audit.append(connection, now, by, "article_published", f"article:{slug}"[:128], version=version, **told)
    return counter


async def withdraw(connection: AsyncConnection, audit: AuditLog, slug: str, reason: str, by: str, now: datetime) -> int:
    """Take a published article from readers; they see the reason in its place."""
    row = await lock(connection, slug)
    if row.status != Status.PUBLISHED:
        raise NotPublished
    counter = await count_change(connection)
    values = {"status": Status.WITHDRAWN, "withdrawn_at": now, "withdrawn_reason": reason}
    await connection.execute(
        update(article).where(article.c.id == row.id).values(**values, changed=counter, updated_at=now)
    )
    await audit.append(connection, now, by, "article_withdrawn", f"article:{slug}"[:128], version=row.published_version)
    return counter


async def restore(connection: AsyncConnection, slug: str, version: int, by: str | None, now: datetime) -> Saved:
    """Make an earlier text the draft again, as a new version; readers keep what they have until it is published."""
    row = await lock(connection, slug)
    earlier = await read_version(connection, slug, version)
    newest = await read_version(connection, slug)
    saved = await save(connection, NewVersion(slug, earlier.text, earlier.html, by, now), newest.version)
    if not saved.is_new and row.status == Status.WITHDRAWN and row.draft_version is None:
        # The newest text is the one that was withdrawn: it becomes a draft, to be looked at and published again. What was
        # decided about it when it was a draft before is over.
        await connection.execute(delete(draft_progress).where(draft_progress.c.article_id == row.id))
        await connection.execute(
            update(article).where(article.c.id == row.id).values(draft_version=saved.version, updated_at=now)
        )
    return saved


async def current_counter(connection: AsyncConnection) -> int:
    value = await connection.scalar(READ_COUNTER)
    return int(value) if value else 0


async def count_change(connection: AsyncConnection) -> int:
    """The next value of the counter. Its row stays locked until the commit, so that values become visible in order."""
    query = select(setting.c.value).where(setting.c.name == COUNTER).with_for_update()
    value = await connection.scalar(query)
    if value is None:
        try:
            async with connection.begin_nested():
                await connection.execute(insert(setting).values(name=COUNTER, value="0"))
        except IntegrityError:
            # The first two publications of all, at the same time: the other one made the row.
            value = await connection.scalar(query)
    counter = int(value or 0) + 1
    await connection.execute(update(setting).where(setting.c.name == COUNTER).values(value=str(counter)))
    return counter


async def lock(connection: AsyncConnection, slug: str) -> Row[Any]:
    """The article's row, held until the transaction ends. Raises NotFound."""
    row = (await connection.execute(select(article).where(article.c.slug == slug).with_for_update())).one_or_none()
    if row is None:
        raise NotFound
    return row
