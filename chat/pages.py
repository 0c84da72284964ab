"""The visitor's own pages: the conversation in each of its states, what is said by form, the transcript, coming back.

The cookie `visitor` is all that opens them. What stands around a conversation (the line, guidance, the enquiry in words)
is told by `Surroundings`, since it belongs to other parts.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from chat.conversations import Conversation, Conversations
from chat.entries import COMES_OR_GOES, entry_views, names_of_present
from chat.events import Event
from chat.fanout import Fanout
from chat.log import PAGE, Log, Receipt
from chat.posting import answer_saying, named_in
from chat.references import parse_reference
from chat.saying import Said, Saying
from chat.stretch import parse_before, read_stretch
from chat.transcripts import Press, Transcript, as_text
from chat.viewer import Viewer
from chat.words import VISITOR, Kind, Side, Status
from core.clock import Clock
from core.db import Database
from core.edge import content_policy
from core.errors import Ended, NotFound, RateLimited, Refusal
from core.forms import field
from core.limits import Limiter, Throttle, network_of
from core.text import MESSAGE_CHARACTERS
from core.web import (
    VISITOR_COOKIE,
    clear_cookie,
    posted,
    render,
    resume_first,
    say_when,
    see_other,
    set_cookie,
    site,
)

OF_ANOTHER = (
    "You wrote this in a conversation that this browser has left since, so it was not sent. "
    "Open that one with its reference and code, or send this here if it belongs here."
)
BEING_ANSWERED = "An advisor is answering your question. You need not stay: come back with your reference and code."

RESUMES_PER_SECOND, RESUMES_BURST = 1.0, 60.0
"""From one address, behind which may be a whole police force."""

MESSAGES_PER_SECOND, MESSAGES_BURST = 5.0, 60.0
"""As on a socket."""


class Surroundings(Protocol):
    """What other parts know of a conversation, as context for its pages."""

    def enquiry(self, conversation: Conversation) -> list[tuple[str, str]]: ...

    async def waiting(self, conversation: Conversation, request: Request) -> dict[str, Any]: ...

    async def ended(self, conversation: Conversation) -> dict[str, Any]: ...


class VisitorPages:
    def __init__(
        self,
        db: Database,
        conversations: Conversations,
        log: Log,
        saying: Saying,
        fanout: Fanout,
        surroundings: Surroundings,
        press: Press,
        throttle: Throttle,
        clock: Clock,
        epoch: str,
        *,
        rate_limits: bool,
    ) -> None:
        self._db = db
        self._conversations = conversations
        self._log = log
        self._saying = saying
        self._fanout = fanout
        self._surroundings = surroundings
        self._press = press
        self._throttle = throttle
        self._clock = clock
        self._epoch = epoch
        self._resumes = Limiter(RESUMES_PER_SECOND, RESUMES_BURST, enabled=rate_limits)
        self._one_whole_log = asyncio.Lock()
        """A long one takes many megabytes: what several ask for at once is read one after the other."""
        self._messages = Limiter(MESSAGES_PER_SECOND, MESSAGES_BURST, enabled=rate_limits)

    async def viewer(self, connection: HTTPConnection) -> Viewer | None:
        """The visitor behind a request or a socket."""
        token = connection.cookies.get(VISITOR_COOKIE, "")
        name = await self._conversations.name_of_visitor(token)
        if name is None:
            return None
        return Viewer(Side.VISITOR, VISITOR, name, "", partial(self._conversations.heads_of_visitor, token))

    async def show(self, request: Request) -> Response:
        found = await self._found(request)
        if found is None:
            return see_other("/resume")
        if request.query_params.get("part") == "log":
            return await self._frame(request, found)
        if (before := parse_before(request.query_params.get("before"))) is not None:
            return await self._earlier(request, found, before)
        return await self._page(request, found)

    async def _frame(self, request: Request, found: Conversation) -> Response:
        """The log alone, which loads itself again beside the form of a page without scripts."""
        stretch = await read_stretch(self._log, found.id, found.last_seq)
        response = render(
            request,
            "public/chat_frame.html",
            status_word=found.status,
            events=entry_views(stretch.events, for_visitor=True),
            seen_seq=found.advisor_read,
            earlier=stretch.earlier,
        )
        response.headers["Content-Security-Policy"] = content_policy(site(request).settings, framed_by="'self'")
        return response

    async def _earlier(self, request: Request, found: Conversation, before: int) -> Response:
        stretch = await read_stretch(self._log, found.id, found.last_seq, before)
        return render(
            request,
            "public/earlier.html",
            events=entry_views(stretch.events, for_visitor=True),
            seen_seq=found.advisor_read,
            earlier=stretch.earlier,
        )

    async def _page(
        self,
        request: Request,
        found: Conversation,
        *,
        status: int = 200,
        errors: dict[str, str] | None = None,
        refused: Said | None = None,
    ) -> Response:
        if found.status in (Status.WAITING, Status.QUESTION) and not errors:
            context = await self._surroundings.waiting(found, request)
            return render(
                request,
                "public/waiting.html",
                status=status,
                conversation=_shown(found),
                epoch=self._epoch,
                enquiry=self._surroundings.enquiry(found),
                **context,
            )
        if not found.is_open:
            return await self.show_ended(request, found)
        stretch = await read_stretch(self._log, found.id, found.last_seq)
        comings = await self._log.read_kinds(found.id, *COMES_OR_GOES)
        return render(
            request,
            "public/chat.html",
            status=status,
            conversation=_shown(found, comings),
            epoch=self._epoch,
            events=entry_views(stretch.events, for_visitor=True),
            earlier=stretch.earlier,
            seen_seq=found.advisor_read,
            draft=refused.text if refused else "",
            message_id=str(refused.client_id if refused else uuid.uuid4()),
            enquiry=self._surroundings.enquiry(found),
            errors=errors or {},
            notice=BEING_ANSWERED if found.status is Status.ACTIVE and found.question_at is not None else None,
            max_characters=MESSAGE_CHARACTERS,
        )

    async def show_ended(self, request: Request, found: Conversation, *, status: int = 200, **changes: Any) -> Response:
        """What comes after the end; `changes` replace parts of the context, such as the errors of the feedback form."""
        context = await self._surroundings.ended(found) | {"unsent": ""} | changes
        events = await self._log.read_kinds(found.id, Kind.ARTICLE, *COMES_OR_GOES)
        answer = []
        if found.status is Status.ANSWERED:
            answer = entry_views(await self._log.read(found.id, max(found.last_seq - PAGE, 0)), for_visitor=True)
        articles = [event.data for event in entry_views(events, for_visitor=True) if event.kind == "article"]
        shown = _shown(found, events)
        return render(
            request, "public/ended.html", status=status, conversation=shown, answer=answer, articles=articles, **context
        )

    async def say(self, request: Request) -> Response:
        found = await self._conversations.of_visitor(request.cookies.get(VISITOR_COOKIE, ""))
        if found is None:
            return resume_first(request)

        async def store(said: Said) -> Receipt:
            named = named_in(request)
            if named and parse_reference(named) != found.reference:
                raise NotFound(OF_ANOTHER)
            self._messages.check(found.reference)
            return await self._saying.say(found.id, found.visitor, said)

        return await answer_saying(
            request,
            store,
            lambda refusal, said: self._refused(request, refusal, said),
            done="/chat",
        )

    async def _refused(self, request: Request, refusal: Refusal, said: Said) -> Response:
        """The page again, with the reason at the box and the text still in it."""
        found = await self._found(request)
        if found is None:
            raise refusal
        if not found.is_open:
            return await self.show_ended(request, found, status=refusal.status, unsent=said.text)
        return await self._page(request, found, status=refusal.status, errors={"text": refusal.text}, refused=said)

    async def leave(self, request: Request) -> Response:
        found = await self._found(request)
        if found is None:
            return resume_first(request)
        if found.is_open:
            try:
                await self._conversations.end(found, found.visitor, self._clock())
            except Ended:
                # An advisor took it at this moment: then the visitor leaves a conversation, no longer the line.
                found = await self._found(request)
                if found is not None and found.is_open:
                    await self._conversations.end(found, found.visitor, self._clock())
        return see_other("/chat")

    async def forget(self, request: Request) -> Response:
        """Exit and clear: nothing of this is left in the browser, and no copy of its cookie or open page goes on."""
        # While the database is away the browser is cleared all the same.
        with contextlib.suppress(Refusal):
            if (found := await self._found(request)) is not None:
                await self._conversations.forget_device(found, request.cookies[VISITOR_COOKIE])
                self._fanout.access_changed(found.id)
        response = see_other("/")
        clear_cookie(request, response, VISITOR_COOKIE)
        response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return response

    async def transcript(self, request: Request) -> Response:
        found, events = await self._record(request)
        if found is None:
            return see_other("/resume")
        context = await self._surroundings.ended(found)
        views = entry_views(events, for_visitor=True)
        return render(
            request,
            "public/transcript.html",
            conversation=_shown(found, events),
            enquiry=self._surroundings.enquiry(found),
            events=views,
            articles=[event.data for event in views if event.kind == "article"],
            destroyed_at=context.get("destroyed_at"),
        )

    async def transcript_text(self, request: Request) -> Response:
        record = await self._transcript(request)
        if record is None:
            return see_other("/resume")
        return _file(as_text(record).encode(), "text/plain; charset=utf-8", record, "txt")

    async def transcript_pdf(self, request: Request) -> Response:
        record = await self._transcript(request)
        if record is None:
            return see_other("/resume")
        return _file(await self._press.as_pdf(record), "application/pdf", record, "pdf")

    async def show_resume(self, request: Request) -> Response:
        return _resume_page(request, {})

    async def resume(self, request: Request) -> Response:
        reference, code = field(posted(request), "reference"), field(posted(request), "resume_code")
        errors = {}
        if not reference.strip():
            errors["reference"] = "Enter the reference, for example QK7F-4PDX."
        if not code.strip():
            errors["resume_code"] = "Enter the code that was shown with it."
        if errors:
            return _resume_page(request, errors, reference, 422)
        # However the reference is written, its tries are counted together.
        network = network_of(request)
        keys = (f"resume:{parse_reference(reference)}", f"resume-from:{network}")
        now = self._clock()
        try:
            self._resumes.check(network)
            async with self._db.write() as connection:
                # Many may share an address with one who guesses: a reference is tried once, whatever they did.
                guessed = await self._throttle.has_failed(connection, keys[0])
                await self._throttle.check(connection, now, *(keys if guessed else keys[:1]))
                token = await self._conversations.resume(connection, reference, code)
                await (
                    self._throttle.succeeded(connection, *keys[:1])
                    if token
                    else self._throttle.failed(connection, now, *keys)
                )
        except RateLimited as refusal:
            page = _resume_page(request, {"resume_code": refusal.text}, reference, 429, refusal.retry_after_s)
            return say_when(page, refusal)
        if token is None:
            return _resume_page(
                request, {"resume_code": "Reference and code do not fit together. Check both."}, reference, 422
            )
        found = await self._conversations.of_visitor(token)
        if found is not None:
            self._fanout.access_changed(found.id)
        response = see_other("/chat")
        set_cookie(request, response, VISITOR_COOKIE, token)
        return response

    async def _found(self, request: Request) -> Conversation | None:
        return await self._conversations.of_visitor(request.cookies.get(VISITOR_COOKIE, ""))

    async def _record(self, request: Request) -> tuple[Conversation | None, list[Any]]:
        found = await self._found(request)
        if found is None:
            return None, []
        events: list[Event] = []
        async with self._one_whole_log:
            # In pieces, between which others have their turn.
            while page := await self._log.read(found.id, events[-1].seq if events else 0):
                events += page
        return found, [event for event in events if not event.hidden_from_visitor]

    async def _transcript(self, request: Request) -> Transcript | None:
        found, events = await self._record(request)
        if found is None:
            return None
        return Transcript(
            "Dutyline", found.reference, found.created_at, found.ended_at, self._surroundings.enquiry(found), events
        )


def _shown(found: Conversation, comings: Iterable[Event] = ()) -> dict[str, Any]:
    """`comings`: who came and went, by the log."""
    names = names_of_present(comings)
    return {
        "reference": found.reference,
        "status": found.status,
        "last_seq": found.last_seq,
        "nickname": found.nickname,
        "advisor_name": _advisor_name(names),
        "present": names,
        "started_at": found.created_at,
        "ended_at": found.ended_at,
    }


def _advisor_name(names: list[str]) -> str | None:
    """Whom the visitor talks with, all of them."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or None


def _resume_page(
    request: Request, errors: dict[str, str], reference: str = "", status: int = 200, wait_s: int | None = None
) -> Response:
    return render(request, "public/resume.html", status=status, reference=reference, errors=errors, wait_seconds=wait_s)


def _file(content: bytes, media_type: str, record: Transcript, ending: str) -> Response:
    name = f"transcript-{record.reference}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)
