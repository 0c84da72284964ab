"""The editor's pages: the work list, writing with a preview, publishing, withdrawing, restoring, history.

Each form does one thing in one transaction. Whatever cannot be stored comes back with everything that was typed; when
somebody else saved in between, both texts are on the page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import Empty, NotFound, Refusal, TooLong
from core.forms import field, fields
from core.text import check_text
from core.web import account, posted, posted_json, render, see_other
from knowledge import articles, versions
from knowledge.forms import ArticleForm, article_form, form_values
from knowledge.front_matter import FIELDS as KNOWN_FIELDS
from knowledge.library import Library
from knowledge.previews import preview_of
from knowledge.reading import freshness
from knowledge.tables import article
from knowledge.versions import ArticleText, NewVersion, StaleEdit, Version
from knowledge.words import AUDIENCE_WORDS, SLUG, Audience, Freshness, Language, Status
from knowledge.worklist import ON_A_PAGE, author_name, read_history, read_work_list

MOST_REASON = 1_000
FIELDS = (*KNOWN_FIELDS, "markdown")

DONE = {
    "saved": "The draft is saved. Readers do not see it before it is published.",
    "unchanged": "Nothing had changed, so no new version was made.",
    "published": "The article is published.",
    "withdrawn": "The article is withdrawn. Readers see your reason in its place.",
    "restored": "The earlier text is the draft now. Look at it and publish it.",
}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class EditedArticle:
    """The article in the head of the editing page."""

    slug: str
    title: str
    status: Status
    version: int
    draft_version: int | None
    published_version: int | None
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else's newer text."""

    author_name: str
    at: datetime
    text: ArticleText


@dataclass(frozen=True, slots=True)
class Filter:
    q: str
    status: str


NOTHING = Markup("")
NEW_ARTICLE = EditedArticle("", "", Status.DRAFT, 0, None, None, Freshness.CURRENT)
AUDIENCE_OPTIONS = [Option(audience, AUDIENCE_WORDS[audience]) for audience in Audience]
LANGUAGE_OPTIONS = [Option(Language.ENGLISH, "English"), Option(Language.WELSH, "Welsh (Cymraeg)")]
STATUS_OPTIONS = [
    Option(Status.PUBLISHED, "Published"),
    Option(Status.DRAFT, "With a draft"),
    Option(Status.WITHDRAWN, "Withdrawn"),
]


class EditorPages:
    def __init__(self, db: Database, audit: AuditLog, library: Library, clock: Clock) -> None:
        self._db = db
        self._audit = audit
        self._library = library
        self._clock = clock

    async def work_list(self, request: Request) -> Response:
        """GET /editor"""
        words, status = request.query_params.get("q", "")[:200], request.query_params.get("status", "")
        text = request.query_params.get("page", "1")
        page = int(text) if re.fullmatch(r"[1-9][0-9]{0,4}", text) else 1
        async with self._db.read() as connection:
            work = await read_work_list(
                connection,
                self._clock(),
                self._library.today(),
                words,
                Status(status) if status in set(Status) else None,
                page,
            )
        return render(
            request,
            "editor/list.html",
            due=work.due,
            drafts=work.drafts,
            rows=work.rows,
            total=work.total,
            page=page,
            has_more=page * ON_A_PAGE < work.total,
            filter=Filter(words, status),
            statuses=STATUS_OPTIONS,
            message=DONE.get(request.query_params.get("done", "")),
        )

    async def new(self, request: Request) -> Response:
        """GET /editor/new"""
        values = dict.fromkeys(FIELDS, "") | {"audience": str(Audience.PUBLIC), "language": str(Language.ENGLISH)}
        return self._edit_page(request, NEW_ARTICLE, values)

    async def create(self, request: Request) -> Response:
        """POST /editor/new"""
        form, values = posted(request), _values(posted(request))
        if field(form, "action") == "preview":
            return await self._preview_page(request, NEW_ARTICLE, values)
        checked = article_form(values)
        text, html, errors = await self._check(checked)
        if text is None:
            return self._edit_page(request, NEW_ARTICLE, values, errors=errors, status=422)
        new = NewVersion(checked.slug.data, text, html, account(request).account_id, self._clock())
        try:
            async with self._db.write() as connection:
                await versions.create(connection, new)
                counter = await self._maybe_publish(request, connection, new.slug, 1)
        except versions.SlugTaken as taken:
            return self._edit_page(request, NEW_ARTICLE, values, errors={"slug": taken.text}, status=422)
        return await self._done(new.slug, "saved", counter)

    async def edit(self, request: Request) -> Response:
        """GET /editor/{slug}"""
        edited, newest = await self._read(_slug(request))
        message = DONE.get(request.query_params.get("done", ""))
        values = form_values(newest.text, newest.slug)
        preview = await self._preview_of(newest.html, values)
        return self._edit_page(request, edited, values, preview=preview, message=message)

    async def save(self, request: Request) -> Response:
        """POST /editor/{slug}: a further version, as a draft or published at once."""
        slug, form = _slug(request), posted(request)
        values = _values(form) | {"slug": slug}
        edited, newest = await self._read(slug)
        if field(form, "action") == "preview":
            return await self._preview_page(request, edited, values, base=_number(form, "base_version"))
        checked = article_form(values)
        text, html, errors = await self._check(checked, newest.text.more)
        base = _number(form, "base_version")
        if text is None:
            return self._edit_page(request, edited, values, errors=errors, status=422, base=base)
        new = NewVersion(slug, text, html, account(request).account_id, self._clock())
        try:
            async with self._db.write() as connection:
                saved = await versions.save(connection, new, base)
                counter = await self._maybe_publish(request, connection, slug, saved.version)
        except StaleEdit:
            return await self._conflict_page(request, slug, values, html)
        return await self._done(slug, "saved" if saved.is_new else "unchanged", counter)

    async def publish(self, request: Request) -> Response:
        """POST /editor/{slug}/publish: the draft that was looked at. With a text in the form, that text is saved first."""
        slug, form = _slug(request), posted(request)
        if "markdown" in form:
            return await self.save(request)
        async with self._db.write() as connection:
            counter = await self._publish(request, connection, slug, _number(form, "version"))
        return await self._done(slug, "published", counter)

    async def withdraw(self, request: Request) -> Response:
        """POST /editor/{slug}/withdraw, with the reason that readers will see."""
        slug = _slug(request)
        try:
            reason = check_text(field(posted(request), "reason"), MOST_REASON)
        except (Empty, TooLong) as refusal:
            edited, newest = await self._read(slug)
            advice = (
                "Enter the reason. Readers see it in place of the article."
                if isinstance(refusal, Empty)
                else refusal.text
            )
            values = form_values(newest.text, slug)
            return self._edit_page(request, edited, values, errors={"reason": advice}, status=422)
        async with self._db.write() as connection:
            by = account(request).account_id
            counter = await articles.withdraw(connection, self._audit, slug, reason, by, self._clock())
        return await self._done(slug, "withdrawn", counter)

    async def restore(self, request: Request) -> Response:
        """POST /editor/{slug}/restore: an earlier version becomes the draft."""
        slug, version = _slug(request), _number(posted(request), "version")
        async with self._db.write() as connection:
            await articles.restore(connection, slug, version, account(request).account_id, self._clock())
        return await self._done(slug, "restored", None)

    async def history(self, request: Request) -> Response:
        """GET /editor/{slug}/history"""
        slug = _slug(request)
        edited, _ = await self._read(slug)
        async with self._db.read() as connection:
            rows = await read_history(connection, slug)
        return render(request, "editor/history.html", article=edited, versions=rows)

    async def preview(self, request: Request) -> Response:
        """POST /editor/preview: the text as readers will see it, by the renderer that saving uses."""
        sent = posted_json(request)
        given = sent if sent is not None else dict(posted(request))
        values = {name: given.get(name, "") for name in ("markdown", "audience", "language")}
        markdown = values["markdown"]
        if not isinstance(markdown, str) or (sent is not None and "markdown" not in sent):
            raise Empty
        html = await self._library.renderer.render(markdown) if markdown.strip() else ""
        return JSONResponse({"html": await self._preview_of(html, values)}, headers={"Cache-Control": "no-store"})

    async def _preview_of(self, html: str, values: Mapping[str, Any]) -> Markup:
        """A rendered text as its readers will see it, with what is wrong with its links and pictures above it."""
        return await preview_of(self._db, self._library, html, values["audience"], values["language"])

    async def _check(self, form: ArticleForm, more: str = "{}") -> tuple[ArticleText | None, str, dict[str, str]]:
        """The text and its HTML, or what is wrong."""
        if not form.validate():
            return None, "", form.problems()
        text = form.text(more)
        try:
            return text, await self._library.renderer.render(text.markdown), {}
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            return None, "", {"markdown": refusal.text}

    async def _maybe_publish(
        self, request: Request, connection: AsyncConnection, slug: str, version: int
    ) -> int | None:
        """Publish what was just saved, in the same transaction, when the form asks for it."""
        wanted = field(posted(request), "action") == "publish" or request.url.path.endswith("/publish")
        if not wanted:
            return None
        try:
            return await self._publish(request, connection, slug, version)
        except articles.NothingToPublish:
            return None

    async def _publish(self, request: Request, connection: AsyncConnection, slug: str, version: int) -> int:
        by = account(request).account_id
        return await articles.publish(connection, self._audit, slug, version, by, self._clock())

    async def _done(self, slug: str, done: str, counter: int | None) -> Response:
        """After the commit: everybody is told, and the next page says what was done."""
        if counter is not None:
            self._library.announce(counter)
            await self._library.refresh()
            done = "published" if done in ("saved", "unchanged") else done
        return see_other(f"/editor/{slug}?done={done}")

    async def _read(self, slug: str) -> tuple[EditedArticle, Version]:
        async with self._db.read() as connection:
            row = (await connection.execute(select(article).where(article.c.slug == slug))).one_or_none()
            if row is None:
                raise NotFound
            newest = await versions.read_version(connection, slug)
        edited = EditedArticle(
            slug=slug,
            title=newest.text.title,
            status=Status(row.status),
            version=newest.version,
            draft_version=row.draft_version,
            published_version=row.published_version,
            freshness=freshness(Status(row.status), newest.text.review_by, self._library.today()),
        )
        return edited, newest

    def _edit_page(
        self,
        request: Request,
        edited: EditedArticle,
        values: dict[str, str],
        *,
        preview: Markup = NOTHING,
        errors: dict[str, str] | None = None,
        message: str | None = None,
        conflict: Conflict | None = None,
        base: int | None = None,
        status: int = 200,
    ) -> Response:
        return render(
            request,
            "editor/edit.html",
            status=status,
            article=edited,
            values=values,
            base_version=edited.version if base is None else base,
            preview=preview,
            audiences=AUDIENCE_OPTIONS,
            languages=LANGUAGE_OPTIONS,
            next_sentence=_next_sentence(edited),
            conflict=conflict,
            errors=errors or {},
            message=message,
        )

    async def _preview_page(
        self, request: Request, edited: EditedArticle, values: dict[str, str], base: int | None = None
    ) -> Response:
        """The preview for those without scripts: nothing is saved, nothing is lost."""
        try:
            html = await self._library.renderer.render(values["markdown"])
        except Refusal as refusal:
            return self._edit_page(request, edited, values, errors={"markdown": refusal.text}, base=base, status=422)
        preview = await self._preview_of(html, values)
        return self._edit_page(request, edited, values, preview=preview, base=base)

    async def _conflict_page(self, request: Request, slug: str, values: dict[str, str], html: str) -> Response:
        """Both texts. Saving again is on top of theirs."""
        edited, newest = await self._read(slug)
        async with self._db.read() as connection:
            conflict = Conflict(await author_name(connection, newest.author_id), newest.created_at, newest.text)
        preview = await self._preview_of(html, values)
        return self._edit_page(request, edited, values, preview=preview, conflict=conflict, status=409)


def _next_sentence(edited: EditedArticle) -> str:
    """What the buttons will do, before they are pressed."""
    if edited.status == Status.WITHDRAWN:
        return "Readers see why it was withdrawn. Publishing brings the article back."
    if edited.published_version is None:
        return "Saving keeps a draft that no reader sees. Publishing shows it to readers at once."
    return (
        f"Saving keeps a draft; readers still see version {edited.published_version}. Publishing shows yours at once."
    )


def _values(form: FormData) -> dict[str, str]:
    """What was posted, for checking and for showing again."""
    values = {name: field(form, name) for name in FIELDS}
    return values | {"tags": " ".join(fields(form, "tags"))}


def _number(form: FormData, name: str) -> int:
    text = field(form, name)
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _slug(request: Request) -> str:
    slug = str(request.path_params["slug"])
    if not SLUG.fullmatch(slug) or len(slug) > 120:
        raise NotFound
    return slug
