"""The public pages that belong to nobody's conversation: the first page, other services, plain texts; leaving a question.

The first page is the same for everybody and is rendered only when something on it changes; browsers ask whether what
they have still holds and are answered without a body.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import update
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from chat.conversations import Conversations
from chat.events import SYSTEM_AUTHOR, Entry
from chat.log import Log
from chat.tables import conversation
from chat.words import Kind, Status
from core.clock import LONDON, Clock
from core.db import Database
from core.errors import AlreadyTaken, NotFound, SignInFirst
from core.forms import field
from core.ready import keep_while
from core.web import VISITOR_COOKIE, posted, posted_json, render, resume_first, see_other
from triage.ask_views import signpost_page
from triage.guidance import Guidance
from triage.hours import Opening, hours_of_week
from triage.public_words import LineWords, line_words
from triage.queue import Queue
from triage.signposts import PLACES
from triage.surroundings import retention, retention_words
from triage.texts import TEXTS

SETTING_KEPT_S = 5.0
LOOK_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class HomeState:
    """Everything that shows on the first page: another state is another page."""

    line: LineWords
    hours: tuple[tuple[str, str], ...]
    retention: str
    guidance: int
    day: str
    language: str


@dataclass(frozen=True, slots=True)
class Rendered:
    state: HomeState
    body: bytes
    etag: str


class PublicPages:
    def __init__(
        self,
        db: Database,
        log: Log,
        conversations: Conversations,
        queue: Queue,
        opening: Opening,
        guidance: Guidance,
        clock: Clock,
    ) -> None:
        self._db = db
        self._log = log
        self._conversations = conversations
        self._queue = queue
        self._opening = opening
        self._guidance = guidance
        self._clock = clock
        self._home: dict[str, Rendered] = {}
        self._retention: tuple[float, timedelta] | None = None

    async def home(self, request: Request) -> Response:
        """GET /."""
        state = await self._state(request)
        kept = self._home.get(state.language)
        if kept is None or kept.state != state:
            kept = self._home[state.language] = await self._render(request, state)
        keep_while(request, partial(self._holds, state, self._clock()))
        headers = {"ETag": kept.etag, "Cache-Control": "public, no-cache"}
        if request.headers.get("if-none-match") == kept.etag:
            return Response(status_code=304, headers=headers)
        return HTMLResponse(kept.body, headers=headers)

    def _holds(self, state: HomeState, since: datetime) -> bool:
        """Whether what was seen then needs no second look: the line and the hours are looked at once a second."""
        return state.guidance == self._guidance.counter and timedelta() <= self._clock() - since < LOOK_AGAIN

    async def _state(self, request: Request) -> HomeState:
        now = self._clock()
        timetable = await self._opening.timetable()
        wait = (await self._queue.line()).newcomer_wait
        today = now.astimezone(LONDON).date()
        return HomeState(
            line=line_words(await self._opening.state(), timetable, wait, now),
            hours=tuple(hours_of_week(timetable, today)),
            retention=retention_words(await self._kept_for()),
            guidance=self._guidance.counter,
            day=today.isoformat(),
            language=str(getattr(request.state, "lang", "en")),
        )

    async def _render(self, request: Request, state: HomeState) -> Rendered:
        page = render(
            request,
            "public/home.html",
            shared=True,
            line=state.line,
            hours=state.hours,
            most_read=await self._guidance.most_read(),
            retention_words=state.retention,
        )
        body = bytes(page.body)
        return Rendered(state, body, f'"{hashlib.sha256(body).hexdigest()[:24]}"')

    async def _kept_for(self) -> timedelta:
        now = time.monotonic()
        if self._retention is None or now - self._retention[0] > SETTING_KEPT_S:
            self._retention = (now, await retention(self._db))
        return self._retention[1]

    async def signpost(self, request: Request) -> Response:
        """GET /signpost/{kind}: services for those whom this one is not for."""
        kind = request.path_params["kind"]
        if kind not in PLACES:
            raise HTTPException(404)
        return signpost_page(request, kind)

    async def text(self, request: Request) -> Response:
        """GET /accessibility, /confidentiality, /cookies."""
        text = TEXTS[request.url.path.removeprefix("/")]
        return render(request, "public/page.html", heading=text.heading, body=text.body, updated_on=text.updated_on)

    async def leave_question(self, request: Request) -> Response:
        """POST /chat/question: out of the line, to be answered later."""
        found = await self._conversations.of_visitor(request.cookies.get(VISITOR_COOKIE, ""))
        if found is None:
            return resume_first(request)
        if found.status is Status.QUESTION:
            return see_other("/chat")
        async with self._db.write() as connection:
            left = await connection.execute(
                update(conversation)
                .where(conversation.c.id == found.id, conversation.c.status == Status.WAITING)
                .values(status=Status.QUESTION, question_at=self._clock())
            )
            if left.rowcount != 1:
                raise AlreadyTaken("An advisor is with you already, or the conversation is over. Load the page again.")
            queued = Entry(Kind.QUEUED, SYSTEM_AUTHOR, "Left as a question.", {"question": True})
            events = await self._log.append(connection, found.id, queued)
        self._log.announce(events)
        return see_other("/chat")

    async def opened(self, request: Request) -> Response:
        """POST /chat/opened: an article was opened in the waiting room; the advisor will see which."""
        found = await self._conversations.of_visitor(request.cookies.get(VISITOR_COOKIE, ""))
        slug = (posted_json(request) or {}).get("article") or field(posted(request), "article")
        if found is None and posted_json(request) is not None:
            raise SignInFirst
        if found is None or not found.is_open or not isinstance(slug, str):
            raise NotFound
        await self._guidance.record_reading(found, slug)
        return Response(status_code=204)
