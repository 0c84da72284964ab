"""The pages of the enquiry: one question a page or all at once, and the start of a conversation.

Every answer travels in the form until the end; nothing is stored before all of them hold. 999 comes before anything else,
and whoever is not here because of their work is shown who can help instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import update
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat.conversations import Conversations, NewConversation, Opened
from chat.log import Log
from chat.tables import conversation
from chat.words import VISITOR, Status
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import RateLimited, Refusal
from core.forms import field
from core.limits import Limiter
from core.web import error_page, posted, posted_json, refuse, render, see_other
from triage.enquiry import (
    CALLED_999_QUESTION,
    LANGUAGE_OPTIONS,
    NO_ANSWERS,
    QUESTION_MOST,
    QUESTIONS,
    Answers,
    Enquiry,
    Errors,
    Question,
    answer_in_words,
    check_answers,
    check_enquiry,
    read_answers,
    read_answers_of_json,
)
from triage.hours import Opening
from triage.public_words import line_words
from triage.signposts import PLACES
from triage.ticket import Tickets
from triage.urgency import sort_key
from triage.words import CALLED_999, SIGNPOSTS

YES = frozenset({"yes", "true", "1"})
LAST_PAGE = frozenset({"nickname", "language", "confirmed"})
"""The fields that stand on the page with all answers."""


class Finding(Protocol):
    """What looks like it identifies a person, by its place in the text."""

    @property
    def kind(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def text(self) -> str: ...


FindIdentifiers = Callable[[str], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Sent:
    """One POST: the answers so far, and what the person wants to do with them."""

    answers: Answers
    step: str = ""
    go: str = ""
    leaving: bool = False
    """To leave a question for when the service is open, instead of joining the line."""
    confirm: bool = False
    """The hold was seen and the text is sent as it is."""


class AskPages:
    def __init__(
        self,
        db: Database,
        conversations: Conversations,
        log: Log,
        audit: AuditLog,
        opening: Opening,
        tickets: Tickets,
        limiter: Limiter,
        clock: Clock,
        find_identifiers: FindIdentifiers,
    ) -> None:
        self._db = db
        self._conversations = conversations
        self._log = log
        self._audit = audit
        self._opening = opening
        self._tickets = tickets
        self._limiter = limiter
        self._clock = clock
        self._find_identifiers = find_identifiers

    async def ask(self, request: Request) -> Response:
        """GET /ask."""
        leaving = request.query_params.get("leave") == "1"
        if not leaving and not (await self._opening.state()).open:
            return await self._closed(request, None)
        sent = Sent(dict(NO_ANSWERS), leaving=leaving)
        return (
            _all_page(request, sent, {})
            if request.query_params.get("all") == "1"
            else _step_page(request, QUESTIONS[0], sent)
        )

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
        checked = check_enquiry(sent.answers)
        if not isinstance(checked, Enquiry):
            return _invalid(request, sent, checked)
        if not sent.leaving and not (await self._opening.state()).open:
            return await self._closed(request, sent)
        findings = () if sent.confirm else self._find_identifiers(checked.question)
        if findings:
            return _hold(request, sent, checked.question, findings)
        try:
            self._limiter.check(request.client.host if request.client else "")
            opened = await self._open(checked, leaving=sent.leaving)
        except Refusal as refusal:
            return _keep(request, refusal)
        return self._started(request, opened)

    async def _open(self, enquiry: Enquiry, *, leaving: bool) -> Opened:
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
        )
        async with self._db.write() as connection:
            opened = await self._conversations.open(connection, new, now)
            if leaving:
                # In the transaction that opens it: it never stood in the line.
                mine = conversation.c.id == opened.id
                await connection.execute(update(conversation).where(mine).values(status=Status.QUESTION))
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
        kept = {**sent.answers, "leave": "1"} if sent else None
        return render(
            request,
            "public/closed.html",
            status=409 if sent else 200,
            line=line,
            opens_at=state.opens_at,
            can_leave_question=True,
            kept=kept,
            articles=[],
        )


PAGES = frozenset({*(question.name for question in QUESTIONS), "called_999", "check"})


def _read(request: Request) -> Sent:
    document = posted_json(request)
    if document is not None:
        return Sent(
            read_answers_of_json(document),
            leaving=document.get("leave") in (True, "1"),
            confirm=document.get("confirm") is True or document.get("confirm") in YES,
        )
    form = posted(request)
    return Sent(
        read_answers(form),
        field(form, "step"),
        field(form, "go"),
        leaving=field(form, "leave") == "1",
        confirm=field(form, "confirm") in YES,
    )


def _walk(request: Request, sent: Sent) -> Response:
    """From one page to the next."""
    if sent.go.startswith("change:"):
        return _step_page(request, _question(sent.go.removeprefix("change:")), sent)
    here = 0 if sent.step == "called_999" else _question(sent.step).number - 1
    if sent.go == "back":
        return _step_page(request, QUESTIONS[here if sent.step == "called_999" else max(here - 1, 0)], sent)
    if sent.step == "immediate_danger":
        # Answered anew, so 999 is asked anew.
        sent.answers["called_999"] = ""
    errors = check_answers(sent.answers)
    first = _before_anything(request, sent)
    if first is not None:
        return first
    if sent.step in errors:
        return _step_page(request, _question(sent.step), sent, {sent.step: errors[sent.step]}, 422)
    following = next((question for question in QUESTIONS if question.name in errors), None)
    return _step_page(request, following, sent) if following else _check_page(request, sent, {})


def _before_anything(request: Request, sent: Sent) -> Response | None:
    """The 999 page, or the page with other services; None when the enquiry goes on. Neither stores anything."""
    danger, called = sent.answers["immediate_danger"], sent.answers["called_999"]
    if danger in ("yes", "unsure") and called not in CALLED_999:
        wrong = bool(called) or sent.step == "called_999"
        return _emergency_page(request, sent, str(danger), wrong=wrong)
    if (sector := sent.answers["sector"]) in SIGNPOSTS:
        return signpost_page(request, str(sector))
    return None


def _question(name: str) -> Question:
    return next((question for question in QUESTIONS if question.name == name), QUESTIONS[0])


def _carried(sent: Sent) -> dict[str, object]:
    """The answers, and what else goes along as hidden fields."""
    return {**sent.answers, "leave": "1"} if sent.leaving else {**sent.answers}


def _step_page(
    request: Request, question: Question, sent: Sent, errors: Errors | None = None, status: int = 200
) -> Response:
    value = sent.answers[question.name]
    return render(
        request,
        "public/ask_step.html",
        status=status,
        step=question,
        value=value,
        answers=_carried(sent),
        errors=errors or {},
    )


def _check_page(request: Request, sent: Sent, errors: Errors) -> Response:
    rows = [
        {"name": question.name, "question": question.title, "answer": answer_in_words(question, sent.answers)}
        for question in QUESTIONS
    ]
    return render(
        request,
        "public/ask_check.html",
        status=422 if errors else 200,
        rows=rows,
        answers=_carried(sent),
        languages=LANGUAGE_OPTIONS,
        errors=errors,
    )


def _all_page(request: Request, sent: Sent, errors: Errors) -> Response:
    return render(
        request,
        "public/ask_all.html",
        status=422 if errors else 200,
        steps=QUESTIONS,
        called_999_step=CALLED_999_QUESTION,
        answers=sent.answers,
        leaving=sent.leaving,
        languages=LANGUAGE_OPTIONS,
        errors=errors,
    )


def _invalid(request: Request, sent: Sent, errors: Errors) -> Response:
    if posted_json(request) is not None:
        body = {"code": "invalid", "message": "Something needs to be corrected.", "errors": errors}
        return JSONResponse(body, 422, headers={"Cache-Control": "no-store"})
    if sent.step == "check" and LAST_PAGE.issuperset(errors):
        return _check_page(request, sent, errors)
    return _all_page(request, sent, errors)


def _emergency_page(request: Request, sent: Sent, danger: str, *, wrong: bool) -> Response:
    if posted_json(request) is not None:
        body = {"code": "call_999", "message": "If anyone is in danger now, call 999. Then send `called_999`."}
        return JSONResponse(body, 422 if wrong else 200, headers={"Cache-Control": "no-store"})
    errors = {"called_999": "Say whether 999 has been called or is not needed."} if wrong else {}
    return render(
        request,
        "public/emergency.html",
        status=422 if wrong else 200,
        danger=danger,
        answers=_carried(sent),
        errors=errors,
        back=bool(sent.step),
    )


def signpost_page(request: Request, kind: str) -> Response:
    if posted_json(request) is not None:
        body = {"code": "signpost", "message": "This chat is for professionals. Others can help you.", "kind": kind}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})
    return render(request, "public/signpost.html", kind=kind, places=PLACES[kind])


def _hold(request: Request, sent: Sent, question: str, findings: Sequence[Finding]) -> Response:
    """Nothing was stored: the person decides about what seems to identify somebody."""
    if posted_json(request) is not None:
        found = [{"kind": one.kind, "start": one.start, "end": one.end, "text": one.text} for one in findings]
        body = {"code": "hold", "message": "This may identify a person. Nothing was stored.", "findings": found}
        return JSONResponse(body, 409, headers={"Cache-Control": "no-store"})
    kept = {name: answer for name, answer in _carried(sent).items() if name != "question"}
    return render(
        request,
        "public/hold.html",
        status=409,
        action="/ask",
        field="question",
        text=question,
        parts=_marked(question, findings),
        findings=findings,
        masked=_masked(question, findings),
        kept=kept,
    )


def _marked(text: str, findings: Sequence[Finding]) -> list[tuple[str, str | None]]:
    """The text cut into what is marked, with the words for it, and what is not."""
    parts: list[tuple[str, str | None]] = []
    done = 0
    for one in sorted(findings, key=lambda found: found.start):
        if one.start < done:
            continue
        parts += [(text[done : one.start], None), (text[one.start : one.end], one.label)]
        done = one.end
    return [*parts, (text[done:], None)]


def _masked(text: str, findings: Sequence[Finding]) -> str:
    masked = "".join(f"[{label}]" if label else part for part, label in _marked(text, findings))
    return masked[:QUESTION_MOST]


def _keep(request: Request, refusal: Refusal) -> Response:
    """Refused after everything was typed: the page offers to send it again."""
    if posted_json(request) is not None:
        return refuse(request, refusal)
    response = error_page(request, refusal.status, refusal.text, kept=posted(request))
    if isinstance(refusal, RateLimited):
        response.headers["Retry-After"] = str(refusal.retry_after_s)
    return response
