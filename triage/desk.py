"""The advisor's doors: presence, taking, saying, noting, sharing, ending, wrapping up.

Each is a plain form that a script may post as JSON; both go the same way and differ only in the answer. A conversation
that is not the advisor's does not exist for them; one that was theirs answers that it is with someone else now.
"""

import re
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from chat.conversations import Conversation, Conversations
from chat.drafts import Drafts
from chat.events import Entry
from chat.fanout import Fanout
from chat.log import Log
from chat.posting import answer_saying
from chat.saying import Said, Saying
from chat.stretch import parse_before
from chat.tables import conversation, participant
from chat.words import Kind, Status
from core.clock import Clock
from core.db import Database
from core.edge import content_policy
from core.errors import AssignmentLost, AtCapacity, Ended, NotAllowed, Refusal, TooLong
from core.people import SignedIn
from core.text import MESSAGE_CHARACTERS
from core.web import account, error_page, render, see_other, site, wants_json
from triage.claims import Claims
from triage.desk_requests import BadChoice, author_of, desk_path, done, sent_fields, to_write_in
from triage.desk_view import DeskViews
from triage.guidance import Guidance
from triage.presence import LEAST_CAPACITY, MOST_CAPACITY, Presences
from triage.queue import Queue
from triage.suggestions import Suggestions
from triage.words import Presence

PICKING = re.compile(r"(?<!\S)@\S{1,40}\Z")
"""What is being looked up in the list of guidance, at the end of a draft: no part of the message, nor anybody's profile."""

SAID = {
    "nobody": "Nobody is waiting.",
    "full": AtCapacity.message,
    "declined": "You passed it on. It keeps its place in the line.",
    "wrapped": "Wrapped up.",
    "transferred": "It is handed over.",
    "gone": "You left the conversation.",
}
"""What the last action led to, by the word in the address."""


class DeskPages:
    def __init__(
        self,
        db: Database,
        log: Log,
        saying: Saying,
        drafts: Drafts,
        conversations: Conversations,
        fanout: Fanout,
        queue: Queue,
        claims: Claims,
        presences: Presences,
        guidance: Guidance,
        suggestions: Suggestions,
        views: DeskViews,
        clock: Clock,
    ) -> None:
        self._db = db
        self._log = log
        self._saying = saying
        self._drafts = drafts
        self._conversations = conversations
        self._fanout = fanout
        self._queue = queue
        self._claims = claims
        self._presences = presences
        self._guidance = guidance
        self._suggestions = suggestions
        self._views = views
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """GET /desk; `?part=signs` is the frame of pages without scripts."""
        context = await self._views.desk(account(request))
        if request.query_params.get("part") == "signs":
            response = render(request, "desk/signs.html", **context, now=self._clock())
            response.headers["Content-Security-Policy"] = content_policy(site(request).settings, framed_by="'self'")
            return response
        context["message"] = SAID.get(request.query_params.get("said", ""))
        return render(request, "desk/desk.html", **context)

    async def show_conversation(self, request: Request) -> Response:
        """GET /desk/conversations/{reference}."""
        person = account(request)
        found = await self._conversations.access_staff(request.path_params["reference"], person)
        if (before := parse_before(request.query_params.get("before"))) is not None:
            return render(request, "desk/earlier.html", **await self._views.earlier(found, before))
        if "redact" in request.query_params:
            return await self._to_redact(request, person, found)
        if not found.is_open:
            return render(request, "desk/closed_conversation.html", **await self._views.closed(person, found))
        q = request.query_params.get("q", "")[:200]
        context = await self._views.workspace(person, found, q)
        context["is_noted"] = request.query_params.get("said") == "nothing-fits"
        return render(request, "desk/desk.html", **context)

    async def _to_redact(self, request: Request, person: SignedIn, found: Conversation) -> Response:
        """The question before a message is removed."""
        seq = request.query_params["redact"]
        context = await self._views.to_redact(person, found, int(seq) if seq.isdecimal() and len(seq) < 10 else 0)
        return render(request, "desk/redact.html", **context)

    async def presence(self, request: Request) -> Response:
        person, fields = account(request), sent_fields(request)
        state, capacity = fields.get("state"), fields.get("capacity")
        if state not in {None, "", *Presence} or (not state and not capacity):
            raise BadChoice
        on_duty = await self._presences.change(
            person.account_id, Presence(state) if state else None, _capacity(capacity)
        )
        self._queue.changed()
        return done(request, "/desk", state=on_duty.state, capacity=on_duty.capacity)

    async def take_next(self, request: Request) -> Response:
        try:
            claim = await self._claims.claim_next(account(request))
        except AtCapacity:
            if wants_json(request):
                raise
            return see_other("/desk?said=full")
        if claim is None:
            return done(request, "/desk?said=nobody", conversation=None, message=SAID["nobody"])
        return done(request, desk_path(claim.reference), conversation=claim.reference)

    async def accept(self, request: Request) -> Response:
        claim = await self._claims.claim(request.path_params["reference"], account(request))
        return done(request, desk_path(claim.reference), conversation=claim.reference, again=claim.again)

    async def decline(self, request: Request) -> Response:
        await self._claims.decline(request.path_params["reference"], account(request))
        return done(request, "/desk?said=declined")

    async def say(self, request: Request) -> Response:
        return await self._write(request, Kind.MESSAGE)

    async def note(self, request: Request) -> Response:
        return await self._write(request, Kind.NOTE)

    async def _write(self, request: Request, kind: Kind) -> Response:
        person = account(request)
        head = await self._conversations.access_to_write(request.path_params["reference"], person)

        async def refused(refusal: Refusal, said: Said) -> Response:
            return await self._kept(request, person, refusal, said, kind)

        return await answer_saying(
            request,
            lambda said: self._saying.say(head.id, author_of(person), said, kind),
            refused,
            done=desk_path(head.reference),
        )

    async def _kept(self, request: Request, person: SignedIn, refusal: Refusal, said: Said, kind: Kind) -> Response:
        """The workspace again, with the reason at the box and the text still in it; without a box, a page with both."""
        try:
            found = await to_write_in(self._conversations, request, person)
        except Refusal:
            return error_page(request, refusal.status, refusal.text, unsent=said.text)
        if kind is Kind.NOTE or not found.is_open:
            return error_page(request, refusal.status, refusal.text, unsent=said.text)
        context = await self._views.workspace(person, found)
        context |= {"errors": {"text": refusal.text}, "message_id": str(said.client_id)}
        context |= {"draft": said.text, "is_draft_masked": False}
        return render(request, "desk/desk.html", status=refusal.status, **context)

    async def share(self, request: Request) -> Response:
        """Give the visitor an article, as it is published now."""
        person, fields = account(request), sent_fields(request)
        found = await to_write_in(self._conversations, request, person)
        async with self._db.write() as connection:
            await _check_may_write(connection, found, person)
            article = await self._guidance.to_share(connection, fields.get("article", ""))
            entry = Entry(Kind.ARTICLE, author_of(person), data=self._guidance.pinned(article), client_id=_uuid(fields))
            try:
                async with connection.begin_nested():
                    events = await self._log.append(connection, found.id, entry)
                    await self._guidance.record_share(connection, article, found.id)
            except IntegrityError:
                # The same id again: it was given already.
                events = []
        self._log.announce(events)
        self._guidance.found_it(person.account_id)
        return done(
            request, desk_path(found.reference), article=article.slug, version=article.version, again=not events
        )

    async def dismiss(self, request: Request) -> Response:
        """Do not suggest this article here again."""
        person, fields = account(request), sent_fields(request)
        found = await to_write_in(self._conversations, request, person)
        slug = fields.get("article", "")
        if not 0 < len(slug) <= 120:
            raise BadChoice
        await self._guidance.put_aside(found, slug)
        self._suggestions.changed(found.id)
        return done(request, desk_path(found.reference))

    async def nothing_fits(self, request: Request) -> Response:
        """None of the articles that are `shown` helps here: for the editors, without anything that was said."""
        person, fields = account(request), sent_fields(request)
        found = await to_write_in(self._conversations, request, person)
        await self._guidance.nothing_fits(found, fields.get("shown", "").split())
        return done(request, f"{desk_path(found.reference)}?said=nothing-fits#context")

    async def draft(self, request: Request) -> Response:
        """Keep what is not sent yet, so that it is there on another screen or after a crash, or when it comes back."""
        person, text = account(request), sent_fields(request).get("text", "")
        if len(text) > 2 * MESSAGE_CHARACTERS:
            raise TooLong
        head = await self._conversations.access_to_write(request.path_params["reference"], person)
        await self._drafts.keep(head.id, person.account_id, PICKING.sub("", text))
        return Response(status_code=204)

    async def end(self, request: Request) -> Response:
        """End it; asked for twice, it has ended once."""
        person = account(request)
        found = await to_write_in(self._conversations, request, person)
        if found.is_open:
            if found.advisor_id != person.account_id:
                raise NotAllowed("The advisor ends the conversation. Leave it, or take it over first.")
            try:
                await self._conversations.end(found, author_of(person), self._clock())
            except Ended:
                found = await to_write_in(self._conversations, request, person)
                if found.is_open:
                    raise AssignmentLost from None
            self._fanout.account_changed(person.account_id)
        return done(request, f"{desk_path(found.reference)}/wrap-up", conversation=found.reference)


async def _check_may_write(connection: AsyncConnection, found: Conversation, person: SignedIn) -> None:
    """Decided on the locked row: between the page and now it may have gone to somebody else, or ended."""
    query = select(conversation.c.status, conversation.c.advisor_id).where(conversation.c.id == found.id)
    row = (await connection.execute(query.with_for_update())).one()
    if row.status != Status.ACTIVE:
        raise Ended
    if row.advisor_id == person.account_id:
        return
    here = select(participant.c.part).where(
        participant.c.conversation_id == found.id,
        participant.c.account_id == person.account_id,
        participant.c.until.is_(None),
    )
    parts = set((await connection.execute(here)).scalars())
    if not parts:
        raise AssignmentLost
    if "joined" not in parts:
        raise NotAllowed("You advise on the side here. The advisor gives guidance to the visitor.")


def _capacity(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 3 and LEAST_CAPACITY <= int(text) <= MOST_CAPACITY):
        raise BadChoice(f"Give a number from {LEAST_CAPACITY} to {MOST_CAPACITY}.")
    return int(text)


def _uuid(fields: dict[str, str]) -> UUID | None:
    try:
        return UUID(fields["id"]) if fields.get("id") else None
    except ValueError:
        raise BadChoice from None
