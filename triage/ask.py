"""The pages of the enquiry: one question a page or all at once, and the start of a conversation.

Every answer travels in the form until the end; nothing is stored before all of them hold. 999 comes before anything else,
and whoever is not here because of their work is shown who can help instead.
"""

from uuid import uuid4

from sqlalchemy import update
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat.conversations import Conversations, NewConversation, Opened, Start
from chat.holding import Held, Holds, is_confirmed
from chat.log import Log
from chat.tables import conversation
from chat.words import VISITOR, Status
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import Refusal
from core.forms import field
from core.limits import Limiter, network_of
from core.once import OnceRendered
from core.web import posted, posted_json, render, see_other
from triage.ask_views import (
    Sent,
    all_page,
    carried,
    check_page,
    emergency_page,
    invalid_page,
    question_of,
    refused_page,
    show_held,
    signpost_page,
    step_page,
)
from triage.enquiry import (
    NO_ANSWERS,
    QUESTIONS,
    Enquiry,
    check_answers,
    check_enquiry,
    read_answers,
    read_answers_of_json,
)
from triage.guidance import Guidance
from triage.hours import Opening
from triage.public_words import line_words
from triage.sent_again import parse_form_id, start_of
from triage.ticket import Tickets
from triage.urgency import sort_key
from triage.words import CALLED_999, SIGNPOSTS


class AskPages:
    def __init__(
        self,
        db: Database,
        conversations: Conversations,
        log: Log,
        holds: Holds,
        audit: AuditLog,
        opening: Opening,
        tickets: Tickets,
        limiter: Limiter,
        clock: Clock,
        guidance: Guidance,
    ) -> None:
        self._db = db
        self._conversations = conversations
        self._log = log
        self._holds = holds
        self._audit = audit
        self._opening = opening
        self._tickets = tickets
        self._limiter = limiter
        self._clock = clock
        self._guidance = guidance
        self._once = OnceRendered()

    async def ask(self, request: Request) -> Response:
        """GET /ask."""
        leaving = request.query_params.get("leave") == "1"
        if not leaving and not (await self._opening.state()).open:
            return await self._closed(request, None)
        sent = Sent(dict(NO_ANSWERS), leaving=leaving)
        own = (str(sent.form_id),)
        if request.query_params.get("all") == "1":
            return self._once.answer(request, ("all", leaving), own, lambda: all_page(request, sent, {}))
        return self._once.answer(request, ("first", leaving), own, lambda: step_page(request, QUESTIONS[0], sent))

    async def answer(self, request: Request) -> Response:
        """POST /ask: one step, or everything at once."""
        sent = _read(request)
        if sent.step in PAGES and not (sent.step == "check" and sent.go in ("", "send")):
            return _walk(request, sent)
        return await self._submit(request, sent)

    async def _submit(self, request: Request, sent: Sent) -> Response:
        first = _before_anything(request, sent)
        if first is not None:
            return first
        checked = check_enquiry(sent.answers, sent.unstorable)
        if not isinstance(checked, Enquiry):
            return invalid_page(request, sent, checked)
        texts = {"question": checked.question, "nickname": checked.nickname}
        start = start_of(request, sent.form_id, checked, leaving=sent.leaving)
        try:
            if start is not None and (before := await self._conversations.opened_with(start)) is not None:
                return self._started(request, before)
            if not sent.leaving and not (await self._opening.state()).open:
                return await self._closed(request, sent)
            self._holds.check(sent.form_id.hex, texts, confirm=sent.confirm, own_names=("nickname",))
            self._limiter.check(network_of(request))
            opened = await self._open(checked, start, leaving=sent.leaving)
        except Held as held:
            return show_held(request, sent, held)
        except Refusal as refusal:
            return refused_page(request, refusal)
        self._holds.stored(sent.form_id.hex, list(texts.values()), confirm=sent.confirm)
        return self._started(request, opened)

    async def _open(self, enquiry: Enquiry, start: Start | None, *, leaving: bool) -> Opened:
        now = self._clock()
        new = NewConversation(
            urgency=enquiry.urgency,
            sort_key=sort_key(now, enquiry.urgency),
            sector=enquiry.sector,
            area=enquiry.area,
            topic=enquiry.topic,
            deadline=enquiry.deadline,
            immediate_danger=enquiry.immediate_danger,
            called_999=enquiry.called_999,
            risk_flags=enquiry.risk_flags,
            language=enquiry.language,
            nickname=enquiry.nickname,
            question=enquiry.question,
            start=start,
        )
        async with self._db.write() as connection:
            opened = await self._conversations.open(connection, new, now)
            if not opened.events:
                return opened
            if leaving:
                # In the transaction that opens it: it never stood in the line.
                mine = conversation.c.id == opened.id
                await connection.execute(
                    update(conversation).where(mine).values(status=Status.QUESTION, question_at=now)
                )
            subject = f"conversation:{opened.reference}"
            await self._audit.append(
                connection, now, VISITOR, "open", subject, urgency=enquiry.urgency, question=leaving
            )
        self._log.announce(opened.events)
        return opened

    def _started(self, request: Request, opened: Opened) -> Response:
        response: Response
        if posted_json(request) is not None:
            body = {"conversation": opened.reference, "resume_code": opened.resume_code, "next": "/chat"}
            response = JSONResponse(body, 201, headers={"Cache-Control": "no-store"})
        else:
            response = see_other("/chat")
        self._tickets.hand_out(request, response, opened)
        return response

    async def _closed(self, request: Request, sent: Sent | None) -> Response:
        """Nobody can be joined now. What was typed goes along into a question, for whoever wants that."""
        state = await self._opening.state()
        line = line_words(state, await self._opening.timetable(), None, self._clock())
        if posted_json(request) is not None:
            body = {"code": "closed", "message": line.sentence}
            return JSONResponse(body, 409, headers={"Cache-Control": "no-store"})
        kept = {**carried(sent), "leave": "1"} if sent else None
        return render(
            request,
            "public/closed.html",
            status=409 if sent else 200,
            line=line,
            opens_at=state.opens_at,
            can_leave_question=True,
            kept=kept,
            articles=await self._guidance.most_read(),
        )


PAGES = frozenset({*(question.name for question in QUESTIONS), "called_999", "check"})


def _read(request: Request) -> Sent:
    document = posted_json(request)
    if document is not None:
        return Sent(
            read_answers_of_json(document),
            leaving=document.get("leave") in (True, "1"),
            confirm=is_confirmed(request),
            form_id=parse_form_id(document.get("enquiry_id")) or uuid4(),
        )
    form = posted(request)
    return Sent(
        read_answers(form),
        field(form, "step"),
        field(form, "go"),
        leaving=field(form, "leave") == "1",
        confirm=is_confirmed(request),
        form_id=parse_form_id(field(form, "enquiry_id")) or uuid4(),
        unstorable=form.unstorable,
    )


def _walk(request: Request, sent: Sent) -> Response:
    """From one page to the next."""
    if sent.go.startswith("change:"):
        return step_page(request, question_of(sent.go.removeprefix("change:")), sent)
    here = 0 if sent.step == "called_999" else question_of(sent.step).number - 1
    if sent.go == "back":
        return step_page(request, QUESTIONS[here if sent.step == "called_999" else max(here - 1, 0)], sent)
    if sent.step == "immediate_danger":
        # Answered anew, so 999 is asked anew.
        sent.answers["called_999"] = ""
    errors = check_answers(sent.answers, sent.unstorable)
    first = _before_anything(request, sent)
    if first is not None:
        return first
    if sent.step in errors:
        return step_page(request, question_of(sent.step), sent, {sent.step: errors[sent.step]}, 422)
    following = next((question for question in QUESTIONS if question.name in errors), None)
    return step_page(request, following, sent) if following else check_page(request, sent, {})


def _before_anything(request: Request, sent: Sent) -> Response | None:
    """The 999 page, or the page with other services; None when the enquiry goes on. Neither stores anything."""
    danger, called = sent.answers["immediate_danger"], sent.answers["called_999"]
    if danger in ("yes", "unsure") and called not in CALLED_999:
        wrong = bool(called) or sent.step == "called_999"
        return emergency_page(request, sent, str(danger), wrong=wrong)
    if (sector := sent.answers["sector"]) in SIGNPOSTS:
        return signpost_page(request, str(sector))
    return None
