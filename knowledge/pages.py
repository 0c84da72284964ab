"""The guidance for readers: list, search, article, its Markdown, and whether it helped.

What the public sees is the same for everybody and kept; whoever may see more gets pages of their own that nothing
keeps. An article that a reader may not see does not exist for them, on any of these pages.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from markupsafe import Markup
from sqlalchemy import insert
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from core.clock import Clock
from core.crypto import KeyRing
from core.db import Database
from core.errors import Empty, NotFound
from core.forms import field
from core.limits import Limiter, network_of
from core.ready import keep_while
from core.text import check_text
from core.web import posted, render, see_other, site
from knowledge.asked import Filter, chosen_audiences, filter_of, reader_behind, slug_of, version_of
from knowledge.feed import read_changes, write_feed
from knowledge.front_matter import format_file
from knowledge.library import Library
from knowledge.markdown import contents
from knowledge.reading import Card, PublishedArticle
from knowledge.search import clean_query
from knowledge.shared_pages import SharedPages
from knowledge.tables import article_feedback
from knowledge.views import ArticleView, ContentsLine, OtherLanguage, Pager, Teaser, TopicHeading, source_of
from knowledge.words import (
    AUDIENCE_WORDS,
    FOR_ANYONE,
    FOR_STAFF,
    Audiences,
    Status,
    tag_words,
)

ON_A_PAGE = 10
ON_A_SHELF = 50
MOST_COMMENT = 1_000
MOST_REFERER = 2_000

Rights = Callable[[Request], Awaitable[Audiences]]
"""Which audiences the reader behind a request belongs to."""

Mask = Callable[[str], str]
"""Puts a word such as [name] in the place of whatever seems to identify a person."""


class GuidancePages:
    def __init__(
        self,
        db: Database,
        library: Library,
        keyring: KeyRing,
        feedback_limit: Limiter,
        rights: Rights,
        mask: Mask,
        clock: Clock,
    ) -> None:
        self._db = db
        self._library = library
        self._keyring = keyring
        self._feedback_limit = feedback_limit
        self._rights = rights
        self._mask = mask
        self._clock = clock
        self._shared = SharedPages()

    async def index(self, request: Request) -> Response:
        """GET /guidance: search, or the articles of one topic, or the topics."""
        audiences = await self._rights(request)
        query = clean_query(request.query_params.get("q", ""))
        chosen = filter_of(request)
        if query:
            response = self._results(request, query, chosen, audiences)
            # What somebody looked for stays in nobody's cache.
            response.headers["Cache-Control"] = "no-store"
            return response
        return await self._answer(request, audiences, (chosen,), partial(self._shelf, request, chosen, audiences))

    async def article(self, request: Request) -> Response:
        """GET /guidance/{slug}: one article, or an earlier version of it."""
        slug, version = slug_of(request), version_of(request.query_params.get("version"))
        audiences = await self._rights(request)
        self._note_opened(request, slug, audiences)
        thanked = request.query_params.get("said") == "thanks"
        make = partial(self._article, request, slug, version, audiences, thanked)
        return await self._answer(request, audiences, (version, thanked), make)

    async def markdown(self, request: Request) -> Response:
        """GET /guidance/{slug}.md: the text as it was written, with what readers may know of it."""
        slug, version = slug_of(request), version_of(request.query_params.get("version"))
        audiences = await self._rights(request)

        async def make() -> Response:
            found = await self._find(slug, version, audiences)
            if found.status == Status.WITHDRAWN and version is None:
                raise NotFound("This article was withdrawn. Its page says why.")
            text = found.public_text
            if self._library.card(text.translation_of, audiences) is None:
                # Of an article that these readers may not see, not even the address is told.
                text = replace(text, translation_of="")
            response = PlainTextResponse(format_file(slug, text), media_type="text/markdown")
            response.headers["Cache-Control"] = "no-store"
            return response

        return await self._answer(request, audiences, (version,), make)

    async def feed(self, request: Request) -> Response:
        """GET /guidance/feed.atom: what changed in what everybody may read, whoever asks."""

        async def make() -> Response:
            async with self._db.read() as connection:
                entries = await read_changes(connection)
            where = site(request)
            service: Any = where.templates.globals["service"]
            written = write_feed(entries, where.settings.base_url, service.name)
            return Response(written, media_type="application/atom+xml")

        return await self._answer(request, FOR_ANYONE, (), make)

    async def helpful(self, request: Request) -> Response:
        """POST /guidance/{slug}/helpful: yes or no, and what is missing. The page is shared, so that the Origin decides."""
        slug, audiences, form = slug_of(request), await self._rights(request), posted(request)
        self._feedback_limit.check(network_of(request))
        said, version = field(form, "helpful"), version_of(field(form, "version") or None)
        if said not in ("yes", "no"):
            raise HTTPException(422, "Choose yes or no, so that we know whether the article helped.")
        found = await self._find(slug, version, audiences)
        sealed = self._seal(found, field(form, "comment"))
        values = {
            "article_id": found.article_id,
            "version": found.version,
            "helpful": said == "yes",
            "at": self._clock(),
        }
        async with self._db.write() as connection:
            await connection.execute(insert(article_feedback).values(sealed_comment=sealed, **values))
        shown = "" if found.is_current else f"version={found.version}&"
        return see_other(f"/guidance/{slug}?{shown}said=thanks#helpful")

    async def _answer(
        self, request: Request, audiences: Audiences, what: tuple[object, ...], make: Callable[[], Awaitable[Response]]
    ) -> Response:
        if audiences != FOR_ANYONE:
            return await make()
        counter, today = self._library.counter, self._library.today()
        keep_while(request, lambda: (self._library.counter, self._library.today()) == (counter, today))
        key = (request.url.path, what, counter, today)
        return await self._shared.answer(request, key, make)

    async def _find(self, slug: str, version: int | None, audiences: Audiences) -> PublishedArticle:
        if version is None:
            return await self._library.published(slug, audiences)
        return await self._library.version(slug, version, audiences)

    def _results(self, request: Request, query: str, chosen: Filter, audiences: Audiences) -> Response:
        offset, narrowed = (chosen.page - 1) * ON_A_PAGE, chosen_audiences(request, audiences)
        found = self._library.search(
            query, narrowed, tag=chosen.tag, language=chosen.language, limit=ON_A_PAGE, offset=offset
        )
        if chosen.page == 1:
            self._library.search_notes.searched(reader_behind(request), query, found.total)
        results = [self._teaser(hit.card, hit.snippet) for hit in found.hits]
        return self._list(
            request, audiences, chosen, results, found.total, ON_A_PAGE, q=query, suggestion=found.suggestion
        )

    async def _shelf(self, request: Request, chosen: Filter, audiences: Audiences) -> Response:
        cards = self._library.cards(chosen_audiences(request, audiences), chosen.tag, chosen.language)
        if chosen.tag is not None and not self._library.cards(audiences, chosen.tag):
            raise NotFound
        start = (chosen.page - 1) * ON_A_SHELF
        shown = [self._teaser(card) for card in cards[start : start + ON_A_SHELF]]
        return self._list(request, audiences, chosen, shown, len(cards), ON_A_SHELF)

    def _list(
        self,
        request: Request,
        audiences: Audiences,
        chosen: Filter,
        results: list[Teaser],
        total: int,
        size: int,
        *,
        q: str = "",
        suggestion: str | None = None,
    ) -> Response:
        page, tag = chosen.page, chosen.tag
        return render(
            request,
            "knowledge/index.html",
            shared=audiences == FOR_ANYONE,
            page_title="Guidance",
            q=q,
            topic=TopicHeading(tag, tag_words(tag)) if tag else None,
            language=chosen.language,
            has_languages=len(self._library.all_languages(audiences)) > 1,
            results=results,
            total=total,
            pager=Pager(page, page - 1 if page > 1 else None, page + 1 if page * size < total else None),
            topics=self._library.topics(audiences, chosen.language),
            suggestion=suggestion,
            audiences=AUDIENCE_WORDS if audiences == FOR_STAFF else {},
            audience="".join(chosen_audiences(request, audiences))
            if chosen_audiences(request, audiences) != audiences
            else "",
        )

    async def _article(
        self, request: Request, slug: str, version: int | None, audiences: Audiences, thanked: bool
    ) -> Response:
        found = await self._find(slug, version, audiences)
        is_shown = found.status != Status.WITHDRAWN or version is not None
        return render(
            request,
            "knowledge/article.html",
            shared=audiences == FOR_ANYONE,
            article=self._view(found, audiences, is_shown=is_shown),
            other_language=self._other_language(found, audiences),
            contents=[ContentsLine(line.id, line.text) for line in contents(found.html) if line.level == 2]
            if is_shown
            else [],
            sources=[source_of(line) for line in found.text.sources] if is_shown else [],
            related=[self._teaser(card) for card in self._library.related(slug, audiences)],
            thanked=thanked,
        )

    def _teaser(self, card: Card, excerpt: Markup | None = None) -> Teaser:
        freshness = card.freshness_on(self._library.today())
        shown = (card.version, card.checked_on, freshness, card.language)
        return Teaser(card.slug, card.title, card.summary, *shown, excerpt)

    def _view(self, found: PublishedArticle, audiences: Audiences, *, is_shown: bool) -> ArticleView:
        return ArticleView(
            slug=found.slug,
            title=found.title,
            summary=found.summary,
            version=found.version,
            checked_on=found.last_checked,
            review_on=found.review_by,
            freshness=found.freshness_on(self._library.today()),
            html=self._library.html_for(found, audiences) if is_shown else Markup(""),
            audience_words=AUDIENCE_WORDS[found.audience],
            withdrawn_reason=found.withdrawn_reason or None,
            is_current=found.is_current,
            is_shown=is_shown,
            language=found.language,
        )

    def _other_language(self, found: PublishedArticle, audiences: Audiences) -> OtherLanguage:
        language = found.language.other
        card = self._library.languages(found.slug, audiences).get(language)
        if card is None:
            return OtherLanguage(language)
        is_newer = bool(card.checked_on and found.last_checked and card.checked_on > found.last_checked)
        return OtherLanguage(language, card.slug, card.freshness_on(self._library.today()), is_newer)

    def _note_opened(self, request: Request, slug: str, audiences: Audiences) -> None:
        """Count what a search led to. The browser says where it comes from, within this site only."""
        came_from = urlsplit(request.headers.get("referer", ""))
        looked_for = clean_query(parse_qs(came_from.query[:MOST_REFERER]).get("q", [""])[0])
        if came_from.path == "/guidance" and looked_for and request.method == "GET":
            card = self._library.card(slug, audiences)
            if card is not None:
                self._library.search_notes.opened(reader_behind(request), looked_for)
                self._library.note_opened(card.article_id, card.version)

    def _seal(self, found: PublishedArticle, comment: str) -> bytes | None:
        try:
            text = check_text(comment, MOST_COMMENT)
        except Empty:
            return None
        # There is nobody to ask before it is stored, as there is in a conversation; so nothing of the kind is kept.
        return self._keyring.seal_alone(self._mask(text).encode(), comment_place(found.article_id))


def comment_place(article_id: int) -> bytes:
    """Where a sealed comment belongs; needed to open it."""
    return b"article_feedback:%d" % article_id
