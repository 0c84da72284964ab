"""What an article was: its versions and what was done with them, any two compared, an earlier one restored."""

import asyncio
import re
from dataclasses import dataclass
from datetime import date

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import NotFound
from core.web import account, posted, render, see_other
from knowledge import articles
from knowledge.asked import slug_of
from knowledge.comparing import Comparison, Piece, compare, compare_line
from knowledge.edited import EditedArticle, posted_number, read_edited, read_steps
from knowledge.library import Library
from knowledge.review import Deed, Review
from knowledge.versions import ArticleText, read_version
from knowledge.words import AUDIENCE_WORDS, date_words
from knowledge.worklist import read_history

VIEWS = ("inline", "side")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that is not the same in both versions."""

    label: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    text: Comparison
    fields: list[FieldChange]

    @property
    def is_changed(self) -> bool:
        return self.text.is_changed or bool(self.fields)


class HistoryPages:
    def __init__(self, db: Database, audit: AuditLog, library: Library, clock: Clock) -> None:
        self._db = db
        self._review = Review(audit)
        self._library = library
        self._clock = clock

    async def history(self, request: Request) -> Response:
        """GET /editor/{slug}/history"""
        async with self._db.read() as connection:
            edited, _ = await read_edited(connection, slug_of(request), self._library.today())
            rows = await read_history(connection, edited.slug)
            steps = await read_steps(connection, edited.article_id)
        return render(request, "editor/history.html", article=edited, versions=rows, steps=steps)

    async def compare(self, request: Request) -> Response:
        """GET /editor/{slug}/compare: `from`, `to` versions, `view` inline or side; what readers have and the newest by
        themselves."""
        view = request.query_params.get("view", VIEWS[0])
        async with self._db.read() as connection:
            edited, newest = await read_edited(connection, slug_of(request), self._library.today())
            old = await read_version(connection, edited.slug, _asked(request, "from", _usual_from(edited)))
            new = await read_version(connection, edited.slug, _asked(request, "to", newest.version))
            rows = await read_history(connection, edited.slug)
        return render(
            request,
            "editor/compare.html",
            article=edited,
            versions=rows,
            old=old.version,
            new=new.version,
            view=view if view in VIEWS else VIEWS[0],
            compared=await compare_texts(old.text, new.text),
        )

    async def restore(self, request: Request) -> Response:
        """POST /editor/{slug}/restore: an earlier version becomes the draft."""
        slug, version = slug_of(request), posted_number(posted(request), "version")
        by, now = account(request).account_id, self._clock()
        async with self._db.write() as connection:
            saved = await articles.restore(connection, slug, version, by, now)
            unscheduled = await self._follow(connection, Deed(slug, saved.version, by, now), is_new=saved.is_new)
        return see_other(f"/editor/{slug}?done={'restored_unscheduled' if unscheduled else 'restored'}")

    async def _follow(self, connection: AsyncConnection, deed: Deed, *, is_new: bool) -> bool:
        return is_new and await self._review.follow(connection, deed)


async def compare_texts(old: ArticleText, new: ArticleText) -> Compared:
    """Beside the requests: two long texts take a tenth of a second."""
    return await asyncio.to_thread(_compare_texts, old, new)


def _compare_texts(old: ArticleText, new: ArticleText) -> Compared:
    before, after = _field_words(old), _field_words(new)
    changes = [
        FieldChange(label, compare_line(before[label], after[label]))
        for label in before
        if before[label] != after[label]
    ]
    return Compared(compare(old.markdown, new.markdown), changes)


def _field_words(text: ArticleText) -> dict[str, str]:
    more = msgspec.json.decode(text.more, type=dict[str, object])
    return {
        "Title": text.title,
        "Summary": text.summary,
        "Who may read it": AUDIENCE_WORDS[text.audience],
        "Topics": ", ".join(text.tags),
        "Owner": text.owner,
        "Last checked": _day_words(text.last_checked),
        "Review by": _day_words(text.review_by),
        "Sources": "\n".join(text.sources),
        "Other fields of its file": "\n".join(f"{name}: {value}" for name, value in sorted(more.items())),
    }


def _day_words(day: date | None) -> str:
    return date_words(day) if day else ""


def _usual_from(edited: EditedArticle) -> int:
    """What the newest version is compared with: what readers have, else the version before it."""
    published = edited.published_version
    return published if published and published != edited.version else max(1, edited.version - 1)


def _asked(request: Request, name: str, usual: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return usual
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise NotFound
    return int(text)
