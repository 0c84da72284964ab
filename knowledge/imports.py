"""Articles into the service from a folder: all or nothing.

Nothing is written when one of the files is bad, and no editor's decision is undone: an unpublished draft and a withdrawn
article stand against the import. A file that says what the article says already makes no new version. Of another
site's files those that cannot be taken are left out, and the others are stored all or not at all.
"""

import asyncio
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit import AuditLog
from core.db import Database
from core.errors import Refusal
from knowledge import synonyms
from knowledge.articles import count_change
from knowledge.folder import (
    RENDERING,
    ROWS,
    STORING,
    FoundFile,
    Line,
    Outcome,
    Progress,
    Report,
    by_file,
    in_chunks,
    read_folder,
)
from knowledge.foreign import IMPORTED_FROM, Foreign, read_foreign
from knowledge.front_matter import ArticleFile
from knowledge.images import note_images_of_all
from knowledge.rendering import Renderer
from knowledge.tables import article, article_version
from knowledge.versions import ArticleText, NewVersion, Version, newest_of, published_of
from knowledge.words import Status

_CHANGE_WORDS = {"markdown": "text", "more": "other front matter"}


@dataclass(frozen=True, slots=True)
class _Plan:
    """One file that is to be written on top of what the service has."""

    name: str
    file: ArticleFile
    newest: Version | None
    html: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def is_written(self) -> bool:
        """Whether the text is there already, as a draft that only has to be published."""
        return self.newest is not None and self.newest.text == self.file.text

    @property
    def version(self) -> int:
        newest = self.newest.version if self.newest else 0
        return newest if self.is_written else newest + 1

    def line(self) -> Line:
        """What this file does, or would do."""
        if self.newest is None:
            return Line(self.name, Outcome.NEW, self.file.slug, self.remarks)
        changed = [
            field for field, word in _CHANGES if getattr(self.newest.text, field) != getattr(self.file.text, field)
        ]
        what = ", ".join(dict.fromkeys(word for field, word in _CHANGES if field in changed)) or "publishes the draft"
        return Line(self.name, Outcome.CHANGED, f"{self.file.slug}: {what}", self.remarks)


_CHANGES = tuple((field.name, _CHANGE_WORDS.get(field.name, field.name)) for field in fields(ArticleText))


@dataclass(frozen=True, slots=True)
class Importer:
    db: Database
    audit: AuditLog
    renderer: Renderer

    async def import_folder(
        self,
        folder: Path,
        *,
        now: datetime,
        publish: bool = True,
        dry_run: bool = False,
        author: str | None = None,
        progress: Progress | None = None,
        foreign: Foreign | None = None,
    ) -> Report:
        """Read every file under the folder and store what is new or changed, published or as drafts; or only say so."""
        if foreign is None:
            files, unfit = await asyncio.to_thread(read_folder, folder, progress)
        else:
            files, unfit = await asyncio.to_thread(read_foreign, folder, foreign, progress)
        refuse = Outcome.PROBLEM if foreign is None else Outcome.LEFT_OUT
        plans, unchanged, conflicts = await self._compare(files, publish=publish, foreign=foreign is not None)
        rendered, refused = await self._render(plans, progress)
        unfit += [Line(name, refuse, why) for name, why in (*conflicts, *refused)]
        stopped = any(line.outcome is Outcome.PROBLEM for line in unfit)
        counter = None
        if not stopped and rendered and not dry_run:
            try:
                counter = await self._store(rendered, now=now, publish=publish, author=author, progress=progress)
            except _EditedMeanwhile as edited:
                stopped, unfit = True, unfit + edited.lines
        if stopped:
            wrong = {line.file for line in unfit}
            others = [
                Line(found.name, Outcome.UNCHANGED, "Not imported, because of the other files.")
                for found in files
                if found.name not in wrong
            ]
            return Report(by_file(unfit + others))
        return Report(by_file([plan.line() for plan in rendered] + unchanged + unfit), counter)

    async def _compare(
        self, files: list[FoundFile], *, publish: bool, foreign: bool
    ) -> tuple[list[_Plan], list[Line], list[tuple[str, str]]]:
        plans: list[_Plan] = []
        unchanged: list[Line] = []
        conflicts: list[tuple[str, str]] = []
        for chunk in in_chunks(files, ROWS):
            slugs = [found.file.slug for found in chunk]
            async with self.db.read() as connection:
                newest = await newest_of(connection, slugs)
                current = await published_of(connection, slugs) if publish else newest
                withdrawn = await _withdrawn_of(connection, slugs)
            for found in chunk:
                known = current.get(found.file.slug)
                if known is not None and known.text == found.file.text:
                    unchanged.append(Line(found.name, Outcome.UNCHANGED, found.file.slug, found.remarks))
                    continue
                plan = _Plan(found.name, found.file, newest.get(found.file.slug), remarks=found.remarks)
                conflict = _conflict(plan, withdrawn, foreign=foreign)
                if conflict:
                    conflicts.append((found.name, conflict))
                else:
                    plans.append(plan)
        return plans, unchanged, conflicts

    async def _render(self, plans: list[_Plan], progress: Progress | None) -> tuple[list[_Plan], list[tuple[str, str]]]:
        done = 0

        async def render(plan: _Plan) -> _Plan | tuple[str, str]:
            nonlocal done
            try:
                html = await self.renderer.render(plan.file.text.markdown)
            except Refusal as refusal:
                return plan.name, refusal.text
            done += 1
            if progress is not None:
                progress(RENDERING, done, len(plans))
            return replace(plan, html=html)

        results: list[_Plan | tuple[str, str]] = []
        for chunk in in_chunks(plans, ROWS):
            results += await asyncio.gather(*(render(plan) for plan in chunk))
        rendered = [result for result in results if isinstance(result, _Plan)]
        return rendered, [result for result in results if isinstance(result, tuple)]

    async def _store(
        self, plans: list[_Plan], *, now: datetime, publish: bool, author: str | None, progress: Progress | None
    ) -> int | None:
        if progress is not None:
            progress(STORING, 0, len(plans))
        async with self.db.write() as connection:
            # Counted first: the counter's row is the lock that every publication takes, so that none comes in between.
            counter = await count_change(connection) if publish else None
            stale = await _changed_since(connection, plans)
            if stale:
                raise _EditedMeanwhile(stale)
            await synonyms.seed(connection)
            ids = await _insert_articles(connection, plans, now)
            await _insert_versions(connection, plans, ids, now, author, publish=publish)
            await _point(connection, plans, ids, now, counter)
            await self.audit.append(
                connection,
                now,
                author or "system",
                "guidance_imported",
                "guidance",
                articles=len(plans),
                published=publish,
            )
        return counter


class _EditedMeanwhile(Exception):  # Nothing is in error; the import only has to be done again.
    def __init__(self, lines: list[Line]) -> None:
        super().__init__()
        self.lines = lines


def _conflict(plan: _Plan, withdrawn: set[str], *, foreign: bool) -> str:
    """Why this file must not replace what an editor decided; empty when nothing stands against it."""
    newest = plan.newest
    if foreign and newest and _origin(newest.text) != _origin(plan.file.text):
        return f"Another article has its address, {plan.file.slug}, and did not come from this file."
    if plan.file.slug in withdrawn:
        return "This article was withdrawn. Restore it in the editor before importing another text."
    if newest and newest.published_at is None and newest.author_id and not plan.is_written:
        return f"An editor's draft is waiting (version {newest.version}). Publish it, or restore the published text, first."
    return ""


def _origin(text: ArticleText) -> object:
    """The path, at another site, from which an article came; None for our own."""
    return msgspec.json.decode(text.more, type=dict[str, object]).get(IMPORTED_FROM)


async def _withdrawn_of(connection: AsyncConnection, slugs: list[str]) -> set[str]:
    query = select(article.c.slug).where(article.c.slug.in_(slugs), article.c.status == Status.WITHDRAWN)
    return {row.slug for row in await connection.execute(query)}


async def _changed_since(connection: AsyncConnection, plans: list[_Plan]) -> list[Line]:
    """The files whose article somebody saved after we compared it."""
    lines: list[Line] = []
    for chunk in in_chunks(plans, ROWS):
        newest = await newest_of(connection, [plan.file.slug for plan in chunk])
        for plan in chunk:
            now, then = newest.get(plan.file.slug), plan.newest
            if (now and now.version) != (then and then.version):
                lines.append(
                    Line(plan.name, Outcome.PROBLEM, "Somebody saved this article during the import. Import again.")
                )
    return lines


async def _insert_articles(connection: AsyncConnection, plans: list[_Plan], now: datetime) -> dict[str, int]:
    """The ids of all these articles, by slug; those that are new are made."""
    rows = [
        {
            "slug": plan.file.slug,
            "status": Status.DRAFT,
            "draft_version": 1,
            "created_at": now,
            "updated_at": now,
            "changed": 0,
        }
        for plan in plans
        if plan.newest is None
    ]
    ids = {plan.file.slug: plan.newest.article_id for plan in plans if plan.newest is not None}
    for chunk in in_chunks(rows, ROWS):
        await connection.execute(insert(article), chunk)
        slugs = [str(row["slug"]) for row in chunk]
        made = await connection.execute(select(article.c.slug, article.c.id).where(article.c.slug.in_(slugs)))
        ids |= {row.slug: row.id for row in made}
    return ids


async def _insert_versions(
    connection: AsyncConnection,
    plans: list[_Plan],
    ids: dict[str, int],
    now: datetime,
    author: str | None,
    *,
    publish: bool,
) -> None:
    published_at = now if publish else None
    for chunk in in_chunks(plans, ROWS):
        written = [plan for plan in chunk if not plan.is_written]
        rows = [
            NewVersion(plan.file.slug, plan.file.text, plan.html, author, now, published_at).row(
                ids[plan.file.slug], plan.version
            )
            for plan in written
        ]
        if rows:
            await connection.execute(insert(article_version), rows)
            await note_images_of_all(connection, [(ids[each.file.slug], each.version, each.html) for each in written])
        for plan in chunk:
            if plan.is_written and publish:
                await connection.execute(
                    update(article_version)
                    .where(
                        article_version.c.article_id == ids[plan.file.slug], article_version.c.version == plan.version
                    )
                    .where(article_version.c.published_at.is_(None))
                    .values(published_at=now)
                )


async def _point(
    connection: AsyncConnection, plans: list[_Plan], ids: dict[str, int], now: datetime, counter: int | None
) -> None:
    """Move the pointers of the articles; `counter` says that the new versions are published."""
    by_version: dict[int, list[int]] = {}
    for plan in plans:
        by_version.setdefault(plan.version, []).append(ids[plan.file.slug])
    for version, article_ids in by_version.items():
        values = (
            {"draft_version": version}
            if counter is None
            else {
                "status": Status.PUBLISHED,
                "published_version": version,
                "draft_version": None,
                "withdrawn_at": None,
                "withdrawn_reason": None,
                "changed": counter,
            }
        )
        for chunk in in_chunks(article_ids, ROWS):
            await connection.execute(update(article).where(article.c.id.in_(chunk)).values(updated_at=now, **values))
