"""What editors learn, as pages: what is missing, and how an article was used and judged. Nobody else may see them."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from core.clock import Clock
from core.crypto import KeyRing
from core.db import Database
from core.web import render
from knowledge.asked import slug_of
from knowledge.learned import (
    MOST_SHOWN,
    read_article_use,
    read_comments,
    read_judged,
    read_no_guidance,
    read_withdrawn,
    together,
)
from knowledge.search_notes import SearchNotes
from knowledge.words import tag_words

LEARNED_FOR = timedelta(days=90)


class GapPages:
    def __init__(self, db: Database, keyring: KeyRing, notes: SearchNotes, clock: Clock) -> None:
        self._db = db
        self._notes = notes
        self._keyring = keyring
        self._clock = clock

    async def gaps(self, request: Request) -> Response:
        """GET /editor/gaps"""
        since, searches = self._clock() - LEARNED_FOR, together(await self._notes.read())
        async with self._db.read() as connection:
            no_guidance = await read_no_guidance(connection, since)
            judged = await read_judged(connection, since)
            withdrawn = await read_withdrawn(connection)
        nothing_found = [search for search in searches if not search.results]
        not_opened = [search for search in searches if search.results]
        return render(
            request,
            "editor/gaps.html",
            days=LEARNED_FOR.days,
            nothing_found=nothing_found[:MOST_SHOWN],
            not_opened=not_opened[:MOST_SHOWN],
            no_guidance=no_guidance,
            tag_words=tag_words,
            judged=judged,
            withdrawn=withdrawn,
        )

    async def feedback(self, request: Request) -> Response:
        """GET /editor/{slug}/feedback"""
        slug = slug_of(request)
        async with self._db.read() as connection:
            article_id, title, versions = await read_article_use(connection, slug)
            comments = await read_comments(connection, article_id, self._keyring)
        return render(
            request, "editor/feedback.html", slug=slug, article_title=title, versions=versions, comments=comments
        )
