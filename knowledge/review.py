"""A draft's way to readers: a colleague looks at it, and a second person publishes it, now or at a moment.

Whoever wrote the newest text publishes it alone only with a reason, which stays in the history and in the audit. Each step
names the version that was looked at; when the draft is another one by now, nothing is done. All of it happens in the
caller's transaction, with the article's row locked.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Row, and_, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit import AuditLog
from core.errors import Refusal
from knowledge import articles
from knowledge.colleagues import is_editor
from knowledge.tables import article, article_step, article_version, draft_progress
from knowledge.versions import StaleEdit
from knowledge.words import Status, Step


class DraftChanged(StaleEdit):
    code: ClassVar[str] = "draft_changed"
    message: ClassVar[str] = (
        "Another version was saved while you looked at this one, so nothing was done. The page now shows the newer "
        "version: look at it and decide again."
    )


class OwnText(Refusal):
    code: ClassVar[str] = "own_text"
    status: ClassVar[int] = 409
    message: ClassVar[str] = (
        "You wrote this version, so somebody else publishes it. If it cannot wait for a colleague, say why."
    )


class NotInReview(Refusal):
    code: ClassVar[str] = "not_in_review"
    status: ClassVar[int] = 409
    message: ClassVar[str] = (
        "This draft is not in review any longer. Somebody decided about it, or its author took it back."
    )


class NoColleague(Refusal):
    code: ClassVar[str] = "no_colleague"
    status: ClassVar[int] = 422
    message: ClassVar[str] = "Choose a colleague who is an editor, or anybody."


class AlreadyScheduled(Refusal):
    code: ClassVar[str] = "already_scheduled"
    status: ClassVar[int] = 409
    message: ClassVar[str] = (
        "A colleague has scheduled this version for another moment meanwhile. It is shown below; cancel it first if it "
        "is wrong."
    )


@dataclass(frozen=True, slots=True)
class Deed:
    """Who does something to which version of an article, when, and in which words."""

    slug: str
    version: int
    by: str
    at: datetime
    words: str = ""


class Review:
    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    async def send(self, connection: AsyncConnection, deed: Deed, reviewer_id: str | None) -> None:
        """Ask a colleague, or anybody, to look at the draft. Sent again, it is asked again."""
        row = await self._draft(connection, deed)
        if reviewer_id is not None and (reviewer_id == deed.by or not await is_editor(connection, reviewer_id)):
            raise NoColleague
        progress = await _progress(connection, row)
        if progress and progress.status == Status.SCHEDULED:
            raise AlreadyScheduled
        same = progress and (progress.by_id, progress.reviewer_id) == (deed.by, reviewer_id)
        if same and await _said(connection, row.id, deed.version, Step.SENT_TO_REVIEW, deed.words):
            # The same form, sent twice.
            return
        await _set_progress(connection, row.id, deed, status=Status.IN_REVIEW, reviewer_id=reviewer_id)
        await _add_step(connection, row.id, deed, Step.SENT_TO_REVIEW, reviewer_id=reviewer_id)
        await self._record(connection, deed, "article_sent_to_review", to=reviewer_id)

    async def send_back(self, connection: AsyncConnection, deed: Deed) -> None:
        """The reviewer's comment goes to the author, and the draft is one again."""
        row = await self._draft(connection, deed)
        progress = await _progress(connection, row)
        if progress is None or progress.status != Status.IN_REVIEW:
            if await _said(connection, row.id, deed.version, Step.SENT_BACK, deed.words):
                return
            raise NotInReview
        await _clear(connection, row.id)
        await _add_step(connection, row.id, deed, Step.SENT_BACK)
        await self._record(connection, deed, "article_sent_back")

    async def cancel(self, connection: AsyncConnection, deed: Deed) -> None:
        """Out of review, or no longer scheduled: the draft stays. Cancelled twice, it is cancelled once."""
        row = await self._draft(connection, deed)
        progress = await _progress(connection, row)
        if progress is None:
            return
        in_review = progress.status == Status.IN_REVIEW
        await _clear(connection, row.id)
        await _add_step(connection, row.id, deed, Step.TAKEN_BACK if in_review else Step.SCHEDULE_ENDED)
        await self._record(connection, deed, "article_taken_back" if in_review else "article_schedule_ended")

    async def schedule(self, connection: AsyncConnection, deed: Deed, publish_at: datetime) -> None:
        """Readers get it at that moment. A second person's decision, like publishing; alone it takes a reason."""
        row = await self._draft(connection, deed)
        progress = await _progress(connection, row)
        if progress and progress.status == Status.SCHEDULED:
            if progress.publish_at == publish_at:
                return
            raise AlreadyScheduled
        alone = await self._is_alone(connection, row, deed)
        await _set_progress(connection, row.id, deed, status=Status.SCHEDULED, publish_at=publish_at)
        kind = Step.SCHEDULED_ALONE if alone else Step.SCHEDULED
        await _add_step(connection, row.id, deed, kind, publish_at=publish_at)
        await self._record(
            connection, deed, "article_scheduled", publish_at=publish_at.isoformat(), **_why(deed, alone=alone)
        )

    async def publish(self, connection: AsyncConnection, deed: Deed) -> int | None:
        """Readers get it now: the counter, or None when the same form was sent twice. Raises OwnText without a reason."""
        row = await articles.lock(connection, deed.slug)
        if row.draft_version is None and row.published_version == deed.version and row.status == Status.PUBLISHED:
            return None
        row = await self._draft(connection, deed)
        alone = await self._is_alone(connection, row, deed)
        counter = await articles.publish(
            connection, self._audit, deed.slug, deed.version, deed.by, deed.at, **_why(deed, alone=alone)
        )
        await _add_step(connection, row.id, deed, Step.PUBLISHED_ALONE if alone else Step.PUBLISHED)
        return counter

    async def publish_due(self, connection: AsyncConnection, article_id: int, at: datetime) -> int | None:
        """What was scheduled for now or before, if it still is: the counter."""
        row = (
            await connection.execute(select(article).where(article.c.id == article_id).with_for_update())
        ).one_or_none()
        progress = row and await _progress(connection, row)
        if row is None or not progress or progress.status != Status.SCHEDULED or progress.publish_at > at:
            return None
        deed = Deed(row.slug, progress.version, progress.by_id, at)
        counter = await articles.publish(
            connection, self._audit, row.slug, progress.version, progress.by_id, at, scheduled=True
        )
        await _add_step(connection, row.id, deed, Step.PUBLISHED, publish_at=progress.publish_at)
        return counter

    async def follow(self, connection: AsyncConnection, deed: Deed) -> bool:
        """After a newer version was saved: a review goes on with it; a schedule ends, because that text was not looked at.

        Returns whether a schedule ended.
        """
        row = await articles.lock(connection, deed.slug)
        query = select(draft_progress).where(draft_progress.c.article_id == row.id)
        progress = (await connection.execute(query)).one_or_none()
        if progress is None or progress.version == row.draft_version:
            return False
        if progress.status == Status.IN_REVIEW:
            await connection.execute(
                draft_progress.update().where(draft_progress.c.article_id == row.id).values(version=deed.version)
            )
            return False
        await _clear(connection, row.id)
        saved = replace(deed, words="Another version was saved, and nobody had looked at that one.")
        await _add_step(connection, row.id, saved, Step.SCHEDULE_ENDED)
        await self._record(connection, deed, "article_schedule_ended")
        return True

    async def withdraw(self, connection: AsyncConnection, deed: Deed) -> int:
        """Take it from readers; `deed.words` is what they see in its place."""
        row = await articles.lock(connection, deed.slug)
        counter = await articles.withdraw(connection, self._audit, deed.slug, deed.words, deed.by, deed.at)
        await _add_step(connection, row.id, replace(deed, version=row.published_version), Step.WITHDRAWN)
        return counter

    async def _draft(self, connection: AsyncConnection, deed: Deed) -> Row[Any]:
        row = await articles.lock(connection, deed.slug)
        if row.draft_version is None:
            raise articles.NothingToPublish
        if row.draft_version != deed.version:
            raise DraftChanged(row.draft_version)
        return row

    async def _is_alone(self, connection: AsyncConnection, row: Row[Any], deed: Deed) -> bool:
        """Whether the writer lets readers have the text alone. Raises OwnText when they do not say why."""
        alone = await author_of(connection, row.id, deed.version) == deed.by
        if alone and not deed.words:
            raise OwnText
        return alone

    async def _record(self, connection: AsyncConnection, deed: Deed, action: str, **data: Any) -> None:
        await self._audit.append(
            connection, deed.at, deed.by, action, f"article:{deed.slug}"[:128], version=deed.version, **data
        )


def _why(deed: Deed, *, alone: bool) -> dict[str, str | bool]:
    """What the audit keeps of somebody who lets readers have their own text."""
    return {"alone": True, "reason": deed.words} if alone else {}


async def author_of(connection: AsyncConnection, article_id: int, version: int) -> str | None:
    query = select(article_version.c.author_id)
    query = query.where(article_version.c.article_id == article_id, article_version.c.version == version)
    return await connection.scalar(query)


async def _progress(connection: AsyncConnection, row: Row[Any]) -> Row[Any] | None:
    """Where this article's draft is on its way; what was said of an older draft counts for nothing."""
    mine = and_(draft_progress.c.article_id == row.id, draft_progress.c.version == row.draft_version)
    return (await connection.execute(select(draft_progress).where(mine))).one_or_none()


async def _set_progress(connection: AsyncConnection, article_id: int, deed: Deed, **values: Any) -> None:
    # The article's row is locked: nobody puts another row between the two statements.
    await _clear(connection, article_id)
    row = {"article_id": article_id, "version": deed.version, "by_id": deed.by, "at": deed.at}
    await connection.execute(insert(draft_progress).values(**row, **values))


async def _clear(connection: AsyncConnection, article_id: int) -> None:
    await connection.execute(delete(draft_progress).where(draft_progress.c.article_id == article_id))


async def _add_step(
    connection: AsyncConnection,
    article_id: int,
    deed: Deed,
    kind: Step,
    *,
    reviewer_id: str | None = None,
    publish_at: datetime | None = None,
) -> None:
    row = {"article_id": article_id, "version": deed.version, "kind": kind, "by_id": deed.by, "at": deed.at}
    await connection.execute(
        insert(article_step).values(**row, words=deed.words, reviewer_id=reviewer_id, publish_at=publish_at)
    )


async def _said(connection: AsyncConnection, article_id: int, version: int, kind: Step, words: str) -> bool:
    """Whether the last thing that happened to the article is this."""
    query = select(article_step).where(article_step.c.article_id == article_id)
    last = (await connection.execute(query.order_by(article_step.c.id.desc()).limit(1))).one_or_none()
    return last is not None and (last.version, last.kind, last.words) == (version, kind, words)
