"""The editor's pages: the work list, writing with a preview, withdrawing.

Each form does one thing in one transaction. Whatever cannot be stored comes back with everything that was typed; when
somebody else saved in between, both texts are on the page. Saving never reaches readers: the review page does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import Empty, Refusal, TooLong
from core.forms import field, fields
from core.limits import Limiter
from core.text import check_text
from core.web import account, posted, posted_json, render, see_other
from knowledge import presence, versions
from knowledge.asked import slug_of
from knowledge.edited import EditedArticle, StepTaken, posted_number, read_edited, read_sent_back
from knowledge.forms import ArticleForm, article_form, form_values
from knowledge.front_matter import FIELDS as KNOWN_FIELDS
from knowledge.library import Library
from knowledge.previews import preview_of
from knowledge.review import Deed, Review
from knowledge.versions import ArticleText, NewVersion, StaleEdit
from knowledge.words import AUDIENCE_WORDS, Audience, Freshness, Language, Status
from knowledge.worklist import ON_A_PAGE, read_work_list

MOST_REASON = 1_000
FIELDS = (*KNOWN_FIELDS, "markdown")
FIELD_WORDS = {
    "title": "Title",
    "summary": "Summary",
    "audience": "Who may read it",
    "tags": "Topics",
    "owner": "Owner",
    "last_checked": "Last checked",
    "review_by": "Review by",
    "sources": "Sources",
    "asked": "Questions that it answers",
    "language": "Language",
    "translation_of": "Other language of",
}

DONE = {
    "saved": "The draft is saved. Readers do not see it before it is published.",
    "unscheduled": "The draft is saved. The earlier version was scheduled; that is cancelled, because the text changed.",
    "unchanged": "Nothing had changed, so no new version was made.",
    "published": "The article is published.",
    "withdrawn": "The article is withdrawn. Readers see your reason in its place.",
    "restored": "The earlier text is the draft now. Look at it, then review and publish it.",
    "restored_unscheduled": "The earlier text is the draft now. What was scheduled is cancelled, because the text changed.",
}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else's newer text."""

    author_name: str
    at: datetime
    began_at: int
    """The version on which both were written, or 0."""
    version: int
    text: ArticleText
    fields: list[tuple[str, str, str]]
    """What stands in a field of theirs and of ours, where that is not the same."""


@dataclass(frozen=True, slots=True)
class Filter:
    q: str
    status: str


NOTHING = Markup("")
NEW_ARTICLE = EditedArticle(0, "", "", Status.DRAFT, 0, None, None, Freshness.CURRENT, None, "")
AUDIENCE_OPTIONS = [Option(audience, AUDIENCE_WORDS[audience]) for audience in Audience]
LANGUAGE_OPTIONS = [Option(Language.ENGLISH, "English"), Option(Language.WELSH, "Welsh (Cymraeg)")]
STATUS_OPTIONS = [
    Option(Status.PUBLISHED, "Published"),
    Option(Status.DRAFT, "With a draft"),
    Option(Status.IN_REVIEW, "In review"),
    Option(Status.SCHEDULED, "Scheduled"),
    Option(Status.WITHDRAWN, "Withdrawn"),
]


class EditorPages:
    def __init__(self, db: Database, audit: AuditLog, library: Library, previews: Limiter, clock: Clock) -> None:
        self._db = db
        self._review = Review(audit)
        self._previews = previews
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
                account(request).account_id,
                self._clock(),
                self._library.today(),
                words,
                Status(status) if status in set(Status) else None,
                page,
            )
        return render(
            request,
            "editor/list.html",
            cards=work.cards,
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
        return await self._edit_page(request, NEW_ARTICLE, values)

    async def create(self, request: Request) -> Response:
        """POST /editor/new"""
        form, values = posted(request), _values(posted(request))
        if field(form, "action") == "preview":
            return await self._preview_page(request, NEW_ARTICLE, values)
        checked = article_form(values)
        text, html, errors = await self._check(checked)
        if text is None:
            return await self._edit_page(request, NEW_ARTICLE, values, errors=errors, status=422)
        new = NewVersion(checked.slug.data, text, html, account(request).account_id, self._clock())
        try:
            async with self._db.write() as connection:
                await versions.create(connection, new)
        except versions.SlugTaken as taken:
            if await self._is_there(new):
                return self._saved(request, new.slug, "saved")
            return await self._edit_page(request, NEW_ARTICLE, values, errors={"slug": taken.text}, status=422)
        return self._saved(request, new.slug, "saved")

    async def edit(self, request: Request) -> Response:
        """GET /editor/{slug}"""
        async with self._db.read() as connection:
            edited, newest = await read_edited(connection, slug_of(request), self._library.today())
        message = DONE.get(request.query_params.get("done", ""))
        values = form_values(newest.text, newest.slug)
        preview = await self._preview_of(newest.html, values)
        return await self._edit_page(request, edited, values, preview=preview, message=message)

    async def save(self, request: Request) -> Response:
        """POST /editor/{slug}: a further version, as the draft."""
        slug, form = slug_of(request), posted(request)
        values = _values(form) | {"slug": slug}
        async with self._db.read() as connection:
            edited, newest = await read_edited(connection, slug, self._library.today())
        base = posted_number(form, "base_version")
        if field(form, "action") == "preview":
            return await self._preview_page(request, edited, values, base=base)
        checked = article_form(values)
        text, html, errors = await self._check(checked, newest.text.more)
        if text is None:
            return await self._edit_page(request, edited, values, errors=errors, status=422, base=base)
        by, now = account(request).account_id, self._clock()
        try:
            async with self._db.write() as connection:
                saved = await versions.save(connection, NewVersion(slug, text, html, by, now), base)
                deed = Deed(slug, saved.version, by, now)
                unscheduled = saved.is_new and await self._review.follow(connection, deed)
        except StaleEdit:
            return await self._conflict_page(request, slug, values, (text, html), base)
        done = "unscheduled" if unscheduled else "saved" if saved.is_new else "unchanged"
        if field(form, "action") == "continue":
            async with self._db.write() as connection:
                await presence.leave_page(connection, edited.article_id, by)
        return self._saved(request, slug, done)

    async def withdraw(self, request: Request) -> Response:
        """POST /editor/{slug}/withdraw, with the reason that readers will see."""
        slug = slug_of(request)
        try:
            reason = check_text(field(posted(request), "reason"), MOST_REASON)
        except (Empty, TooLong) as refusal:
            async with self._db.read() as connection:
                edited, newest = await read_edited(connection, slug, self._library.today())
            advice = (
                "Enter the reason. Readers see it in place of the article."
                if isinstance(refusal, Empty)
                else refusal.text
            )
            values = form_values(newest.text, slug) | {"reason": field(posted(request), "reason")}
            return await self._edit_page(request, edited, values, errors={"reason": advice}, status=422)
        deed = Deed(slug, 0, account(request).account_id, self._clock(), reason)
        async with self._db.write() as connection:
            counter = await self._review.withdraw(connection, deed)
        self._library.announce(counter)
        await self._library.refresh()
        return see_other(f"/editor/{slug}?done=withdrawn")

    async def here(self, request: Request) -> Response:
        """POST /editor/{slug}/here: the page is still open. Who else has it open, in words."""
        me, now = account(request).account_id, self._clock()
        async with self._db.read() as connection:
            edited, _ = await read_edited(connection, slug_of(request), self._library.today())
        async with self._db.write() as connection:
            await presence.open_page(connection, edited.article_id, me, now, presence.RENEWED)
            others = await presence.others(connection, edited.article_id, me, now)
        told = {"sentences": [one.sentence for one in others], "version": edited.version}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    async def preview(self, request: Request) -> Response:
        """POST /editor/preview: the text as readers will see it, by the renderer that saving uses."""
        self._previews.check(account(request).account_id)
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

    async def _is_there(self, new: NewVersion) -> bool:
        """Whether the same form was sent twice: the article is there, as its writer sent it."""
        async with self._db.read() as connection:
            newest = await versions.read_version(connection, new.slug)
        return (newest.text, newest.author_id) == (new.text, new.author_id)

    def _saved(self, request: Request, slug: str, done: str) -> Response:
        """The next page says what was done: the same again, or where it is decided what becomes of the draft."""
        goes_on = field(posted(request), "action") == "continue"
        return see_other(f"/editor/{slug}/review?done={done}" if goes_on else f"/editor/{slug}?done={done}")

    async def _edit_page(
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
        others, sent_back = await self._opened(request, edited)
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
            others=others,
            sent_back=sent_back,
            conflict=conflict,
            errors=errors or {},
            message=message,
        )

    async def _opened(
        self, request: Request, edited: EditedArticle
    ) -> tuple[list[presence.OpenElsewhere], StepTaken | None]:
        """This editor has it open now; who else has, and what a reviewer said."""
        if not edited.slug:
            return [], None
        me, now = account(request).account_id, self._clock()
        async with self._db.write() as connection:
            await presence.open_page(connection, edited.article_id, me, now)
            others = await presence.others(connection, edited.article_id, me, now)
            return others, await read_sent_back(connection, edited)

    async def _preview_page(
        self, request: Request, edited: EditedArticle, values: dict[str, str], base: int | None = None
    ) -> Response:
        """The preview for those without scripts: nothing is saved, nothing is lost."""
        try:
            html = await self._library.renderer.render(values["markdown"])
        except Refusal as refusal:
            return await self._edit_page(
                request, edited, values, errors={"markdown": refusal.text}, base=base, status=422
            )
        preview = await self._preview_of(html, values)
        return await self._edit_page(request, edited, values, preview=preview, base=base)

    async def _conflict_page(
        self, request: Request, slug: str, values: dict[str, str], written: tuple[ArticleText, str], base: int
    ) -> Response:
        """Both texts. Saving again is on top of theirs."""
        text, html = written
        async with self._db.read() as connection:
            edited, newest = await read_edited(connection, slug, self._library.today())
        theirs, ours = form_values(newest.text), form_values(text)
        fields = [
            (words, theirs[name], ours[name]) for name, words in FIELD_WORDS.items() if theirs[name] != ours[name]
        ]
        conflict = Conflict(edited.author_name, newest.created_at, base, newest.version, newest.text, fields)
        preview = await self._preview_of(html, values)
        return await self._edit_page(request, edited, values, preview=preview, conflict=conflict, status=409)


def _next_sentence(edited: EditedArticle) -> str:
    """What the buttons will do, before they are pressed."""
    then = "“Save and continue” leads on to where it is sent to a colleague, scheduled or published."
    if edited.progress and edited.progress.status == Status.SCHEDULED:
        return f"Saving another text cancels the schedule, because nobody has looked at that text. {then}"
    if edited.progress:
        return f"The draft is in review. Saving another text shows the reviewer that one. {then}"
    if edited.status == Status.WITHDRAWN:
        return f"Readers see why it was withdrawn. Publishing a draft brings the article back. {then}"
    if edited.published_version is None:
        return f"“Save draft” keeps a draft that no reader sees. {then}"
    return f"“Save draft” keeps a draft; readers still see version {edited.published_version}. {then}"


def _values(form: FormData) -> dict[str, str]:
    """What was posted, for checking and for showing again."""
    values = {name: field(form, name) for name in FIELDS}
    return values | {"tags": " ".join(fields(form, "tags"))}
