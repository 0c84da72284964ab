"""An article as editors see it: what readers have, the newest text, where the draft is, and what was done with it."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import FormData

from core.clock import LONDON
from core.errors import NotFound
from core.forms import field
from knowledge.colleagues import account, author_name
from knowledge.reading import freshness
from knowledge.tables import article, article_step, draft_progress
from knowledge.versions import Version, read_version
from knowledge.words import Freshness, Status, Step, date_words


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a draft is on its way to readers."""

    status: Status
    by_name: str
    reviewer_id: str | None
    reviewer_name: str | None
    publish_at: datetime | None
    at: datetime

    @property
    def sentence(self) -> str:
        if self.publish_at is not None:
            return f"{self.by_name} scheduled it for {moment_words(self.publish_at)}."
        return f"{self.by_name} sent it to {self.reviewer_name or 'anybody'} for review on {moment_words(self.at)}."


@dataclass(frozen=True, slots=True)
class EditedArticle:
    """The article in the head of an editor's page."""

    article_id: int
    slug: str
    title: str
    status: Status
    version: int
    draft_version: int | None
    published_version: int | None
    freshness: Freshness
    author_id: str | None
    """Who wrote the newest version."""
    author_name: str
    progress: Progress | None = None

    @property
    def statuses(self) -> list[Status]:
        """What readers have and, beside it, where the draft is."""
        way = self.progress.status if self.progress else None
        return statuses(self.status, self.published_version, self.draft_version, way)


@dataclass(frozen=True, slots=True)
class StepTaken:
    kind: Step
    version: int
    by_name: str
    reviewer_name: str | None
    publish_at: datetime | None
    words: str
    at: datetime

    @property
    def sentence(self) -> str:
        who, version = self.by_name, f"version {self.version}"
        moment = moment_words(self.publish_at) if self.publish_at else ""
        if self.kind is Step.PUBLISHED and moment:
            return f"Version {self.version} was published as {who} had scheduled it."
        return {
            Step.SENT_TO_REVIEW: f"{who} sent {version} to {self.reviewer_name or 'anybody'} for review.",
            Step.SENT_BACK: f"{who} sent {version} back to its author.",
            Step.TAKEN_BACK: f"{who} took {version} out of review.",
            Step.SCHEDULED: f"{who} scheduled {version} for {moment}.",
            Step.SCHEDULED_ALONE: f"{who} scheduled {version} for {moment}, without a second person.",
            Step.SCHEDULE_ENDED: f"{who} ended the schedule. Version {self.version} is a draft.",
            Step.PUBLISHED: f"{who} published {version}.",
            Step.PUBLISHED_ALONE: f"{who} published {version} without a second person.",
            Step.WITHDRAWN: f"{who} withdrew {version}.",
        }[self.kind]


def statuses(
    status: Status, published_version: int | None, draft_version: int | None, progress: Status | None
) -> list[Status]:
    """What readers have and, beside it, where the draft is."""
    for_readers = [status] if published_version is not None else []
    return [*for_readers, progress or Status.DRAFT] if draft_version is not None else for_readers


async def read_edited(connection: AsyncConnection, slug: str, day: date) -> tuple[EditedArticle, Version]:
    """The article and its newest version. Raises NotFound."""
    row = (await connection.execute(select(article).where(article.c.slug == slug))).one_or_none()
    if row is None:
        raise NotFound
    newest = await read_version(connection, slug)
    edited = EditedArticle(
        article_id=row.id,
        slug=slug,
        title=newest.text.title,
        status=Status(row.status),
        version=newest.version,
        draft_version=row.draft_version,
        published_version=row.published_version,
        freshness=freshness(Status(row.status), newest.text.review_by, day),
        author_id=newest.author_id,
        author_name=await author_name(connection, newest.author_id),
        progress=await _read_progress(connection, row),
    )
    return edited, newest


async def read_steps(connection: AsyncConnection, article_id: int, limit: int = 200) -> list[StepTaken]:
    """What was done with an article, the newest first."""
    reviewer = account.alias()
    query = (
        select(article_step, account.c.name.label("by_name"), reviewer.c.name.label("reviewer_name"))
        .outerjoin(account, account.c.id == article_step.c.by_id)
        .outerjoin(reviewer, reviewer.c.id == article_step.c.reviewer_id)
        .where(article_step.c.article_id == article_id)
        .order_by(article_step.c.id.desc())
        .limit(limit)
    )
    return [
        StepTaken(
            kind=Step(row.kind),
            version=row.version,
            by_name=row.by_name or "The service",
            reviewer_name=row.reviewer_name,
            publish_at=row.publish_at,
            words=row.words,
            at=row.at,
        )
        for row in await connection.execute(query)
    ]


async def read_sent_back(connection: AsyncConnection, edited: EditedArticle) -> StepTaken | None:
    """The reviewer's comment, until the draft is on its way again."""
    last = await read_steps(connection, edited.article_id, limit=1)
    waits = edited.draft_version is not None and edited.progress is None
    return last[0] if waits and last and last[0].kind is Step.SENT_BACK else None


async def _read_progress(connection: AsyncConnection, row: Any) -> Progress | None:
    reviewer = account.alias()
    query = (
        select(draft_progress, account.c.name.label("by_name"), reviewer.c.name.label("reviewer_name"))
        .outerjoin(account, account.c.id == draft_progress.c.by_id)
        .outerjoin(reviewer, reviewer.c.id == draft_progress.c.reviewer_id)
        .where(and_(draft_progress.c.article_id == row.id, draft_progress.c.version == row.draft_version))
    )
    found = (await connection.execute(query)).one_or_none()
    if found is None:
        return None
    return Progress(
        Status(found.status), found.by_name, found.reviewer_id, found.reviewer_name, found.publish_at, found.at
    )


def moment_words(moment: datetime) -> str:
    """1 December 2026, 09:00"""
    local = moment.astimezone(LONDON)
    return f"{date_words(local.date())}, {local:%H:%M}"


def posted_number(form: FormData, name: str) -> int:
    """A version's number; 0, which no version has, for whatever is none."""
    text = field(form, name)
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
