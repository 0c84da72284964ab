"""The page on which a draft goes on its way to readers: sent to a colleague, sent back, published now or at a moment.

Every form carries the version that was looked at. What cannot be done any longer is said on the page as it is now, with
everything that was typed.
"""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import Empty, Refusal
from core.forms import field
from core.text import check_text
from core.web import account, posted, render, see_other
from knowledge.asked import slug_of
from knowledge.colleagues import other_editors
from knowledge.edited import posted_number, read_edited, read_steps
from knowledge.history_pages import compare_texts
from knowledge.library import Library
from knowledge.moment import check_moment
from knowledge.review import Deed, NoColleague, OwnText, Review
from knowledge.versions import read_version

MOST_WORDS = 2_000
STEPS_SHOWN = 12
FIELDS = ("reviewer", "note", "comment", "when", "day", "time", "reason")

DONE = {
    "saved": "The draft is saved. Decide here what becomes of it.",
    "unchanged": "Nothing had changed, so no new version was made. Decide here what becomes of the draft.",
    "unscheduled": "The draft is saved. The earlier version was scheduled; that is cancelled, because the text changed.",
    "sent": "The draft is in review. It stands in your colleague's work list.",
    "sent_back": "The draft is sent back, and its author sees your comment.",
    "scheduled": "The draft is scheduled. It is published by itself at that moment.",
    "cancelled": "Done. The draft stays a draft until it is sent to review, scheduled or published.",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """Publish now, or at a moment; with the reason of whoever does it alone."""

    publish_at: datetime | None
    reason: str


class ReviewPages:
    def __init__(self, db: Database, audit: AuditLog, library: Library, clock: Clock) -> None:
        self._db = db
        self._review = Review(audit)
        self._library = library
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """GET /editor/{slug}/review"""
        return await self._page(request, message=DONE.get(request.query_params.get("done", "")))

    async def send(self, request: Request) -> Response:
        """POST /editor/{slug}/review: ask a colleague, or anybody, to look at the draft."""
        form = posted(request)
        note, errors = _words(form, "note", needed="")
        if errors:
            return await self._page(request, errors=errors)
        try:
            async with self._db.write() as connection:
                await self._review.send(connection, self._deed(request, note), field(form, "reviewer") or None)
        except NoColleague as refusal:
            return await self._page(request, errors={"reviewer": refusal.text})
        except Refusal as refusal:
            return await self._refused(request, refusal)
        return self._done(request, "sent")

    async def send_back(self, request: Request) -> Response:
        """POST /editor/{slug}/send-back, with a comment for the author."""
        comment, errors = _words(posted(request), "comment", needed="Say what should change. The author reads it.")
        if errors:
            return await self._page(request, errors=errors)
        try:
            async with self._db.write() as connection:
                await self._review.send_back(connection, self._deed(request, comment))
        except Refusal as refusal:
            return await self._refused(request, refusal)
        return self._done(request, "sent_back")

    async def cancel(self, request: Request) -> Response:
        """POST /editor/{slug}/cancel: out of review, or off the schedule."""
        try:
            async with self._db.write() as connection:
                await self._review.cancel(connection, self._deed(request))
        except Refusal as refusal:
            return await self._refused(request, refusal)
        return self._done(request, "cancelled")

    async def publish(self, request: Request) -> Response:
        """POST /editor/{slug}/publish: the version that was looked at, now or at a moment; alone with a reason."""
        checked = _decision(posted(request), self._clock())
        if isinstance(checked, dict):
            return await self._page(request, errors=checked)
        deed = self._deed(request, checked.reason)
        try:
            async with self._db.write() as connection:
                if checked.publish_at is not None:
                    await self._review.schedule(connection, deed, checked.publish_at)
                else:
                    counter = await self._review.publish(connection, deed)
        except OwnText as refusal:
            return await self._page(request, errors={"reason": refusal.text}, status=refusal.status)
        except Refusal as refusal:
            return await self._refused(request, refusal)
        if checked.publish_at is not None:
            return self._done(request, "scheduled")
        if counter is not None:
            self._library.announce(counter)
            await self._library.refresh()
        return see_other(f"/editor/{deed.slug}?done=published")

    def _deed(self, request: Request, words: str = "") -> Deed:
        version = posted_number(posted(request), "version")
        return Deed(slug_of(request), version, account(request).account_id, self._clock(), words)

    def _done(self, request: Request, done: str) -> Response:
        return see_other(f"/editor/{slug_of(request)}/review?done={done}")

    async def _refused(self, request: Request, refusal: Refusal) -> Response:
        """What changed meanwhile is said on the page as it is now; whatever else is refused has no page here."""
        if refusal.status != 409:
            raise refusal
        return await self._page(request, problem=refusal.text, status=409)

    async def _page(
        self,
        request: Request,
        *,
        message: str | None = None,
        problem: str | None = None,
        errors: dict[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        me = account(request).account_id
        async with self._db.read() as connection:
            edited, newest = await read_edited(connection, slug_of(request), self._library.today())
            published = edited.published_version
            readers_have = await read_version(connection, edited.slug, published) if published else None
            steps = await read_steps(connection, edited.article_id, STEPS_SHOWN)
            colleagues = await other_editors(connection, me)
        form = posted(request) if request.method == "POST" else FormData()
        return render(
            request,
            "editor/review.html",
            status=422 if errors and status == 200 else status,
            article=edited,
            text=newest.text,
            html=Markup(newest.html),  # noqa: S704  # Rendered and cleaned when it was saved.
            compared=await compare_texts(readers_have.text, newest.text) if readers_have else None,
            steps=steps,
            colleagues=colleagues,
            is_own=edited.author_id == me,
            values={name: field(form, name) for name in FIELDS},
            today=self._library.today().isoformat(),
            message=message,
            problem=problem,
            errors=errors or {},
        )


def _words(form: FormData, name: str, *, needed: str) -> tuple[str, dict[str, str]]:
    """What was written into a field, or what is wrong with it; empty is wrong where it is `needed`."""
    try:
        return check_text(field(form, name), MOST_WORDS), {}
    except Empty:
        return "", {name: needed} if needed else {}
    except Refusal as refusal:
        return "", {name: refusal.text}


def _decision(form: FormData, now: datetime) -> Decision | dict[str, str]:
    reason, errors = _words(form, "reason", needed="")
    day, time = field(form, "day"), field(form, "time")
    if field(form, "when") != "later":
        if day.strip():
            errors["when"] = "You entered a day and chose now. Choose one of the two, or empty the day."
        return errors or Decision(None, reason)
    moment = check_moment(day, time, now)
    if isinstance(moment, dict):
        return errors | moment
    return errors or Decision(moment, reason)
