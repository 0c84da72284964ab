"""The wrap-up: what remains of a conversation in fixed words, pre-filled from its enquiry, and a short sealed summary.

The advisor who held the conversation writes it after the end, and may correct it until the text is destroyed. Levels of
risk are as the visitor reported them, never the service's own.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import delete, insert, select
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from wtforms import Field, Form, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import StopValidation

from chat.conversations import Conversation, Conversations
from chat.holding import Held, Holds, hold_page, is_confirmed
from chat.tables import conversation
from chat.words import Status
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import Empty, NotAllowed, Refusal
from core.people import SignedIn
from core.text import check_text
from core.web import account, posted, posted_json, render, see_other
from triage import words
from triage.enquiry import Answers, Errors, Option
from triage.tables import wrap_up
from triage.words import Words

SUMMARY_MOST = 500
OVER = (Status.ENDED, Status.ANSWERED)
MINUTES_MOST = 600


class StillOpen(Refusal):
    code: ClassVar[str] = "still_open"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "This conversation is still open. End it first."


@dataclass(frozen=True, slots=True)
class WrapUp:
    """Checked values, as they are stored."""

    outcome: str
    topics: tuple[str, ...]
    abuse_types: tuple[str, ...]
    risk_level: str
    serial: str
    safeguarding: str
    minutes_after: int
    summary: str


def prefilled(found: Conversation) -> Answers:
    """What the enquiry already says; the advisor corrects it."""
    stalking = "stalking" in found.risk_flags
    return {
        "outcome": "advised",
        "topics": [found.topic],
        "abuse_types": ["harassment_stalking"] if stalking else [],
        "risk_level": "not_known",
        "serial": "not_known",
        "safeguarding": "none",
        "minutes_after": "0",
        "summary": "",
    }


def _one_of(known: Words) -> Any:
    def check(form: Form, field: Field) -> None:
        if field.data not in known:
            raise StopValidation("Choose one of the answers that are offered.")

    return check


def _some_of(known: Words, least: str | None = None) -> Any:
    def check(form: Form, field: Field) -> None:
        field.data = list(dict.fromkeys(field.data or ()))
        if any(value not in known for value in field.data):
            raise StopValidation("Choose among the answers that are offered.")
        if least and not field.data:
            raise StopValidation(least)

    return check


def _check_minutes(form: Form, field: Field) -> None:
    text = (field.data or "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MINUTES_MOST):
        raise StopValidation(f"Give whole minutes, from 0 to {MINUTES_MOST}.")
    field.data = int(text)


def _check_summary(form: Form, field: Field) -> None:
    try:
        field.data = check_text(field.data or "", SUMMARY_MOST)
    except Empty:
        field.data = ""
    except Refusal:
        raise StopValidation(f"Shorten the summary to {SUMMARY_MOST} characters of plain text.") from None


class WrapUpForm(Form):
    outcome = RadioField(validate_choice=False, validators=[_one_of(words.OUTCOMES)])
    topics = SelectMultipleField(validate_choice=False, validators=[_some_of(words.TOPICS, "Tick at least one topic.")])
    abuse_types = SelectMultipleField(validate_choice=False, validators=[_some_of(words.ABUSE_TYPES)])
    risk_level = RadioField(validate_choice=False, validators=[_one_of(words.RISK_LEVELS)])
    serial = RadioField(validate_choice=False, validators=[_one_of(words.SERIAL)])
    safeguarding = RadioField(validate_choice=False, validators=[_one_of(words.SAFEGUARDING)])
    minutes_after = StringField(validators=[_check_minutes])
    summary = TextAreaField(validators=[_check_summary])


FIELDS = tuple(WrapUpForm()._fields)
MANY = frozenset({"topics", "abuse_types"})
LISTS = {
    "outcomes": words.OUTCOMES,
    "topics": words.TOPICS,
    "abuse_types": words.ABUSE_TYPES,
    "risk_levels": words.RISK_LEVELS,
    "serials": words.SERIAL,
    "safeguardings": words.SAFEGUARDING,
}


def options() -> dict[str, list[Option]]:
    """The lists of the page, by the names that its template uses."""
    return {name: [Option(value, label) for value, label in known.items()] for name, known in LISTS.items()}


def read_wrap_up(form: FormData, before: Answers) -> Answers:
    """What was posted; a list that is missing was emptied, a single answer that is missing stays what it was."""
    posted: Answers = {}
    for name in FIELDS:
        values = [value for value in form.getlist(name) if isinstance(value, str)]
        posted[name] = values if name in MANY else (values[0] if values else before[name])
    return posted


def check_wrap_up(answers: Answers) -> WrapUp | Errors:
    pairs: list[tuple[str, str | UploadFile]] = []
    for name, value in answers.items():
        pairs += [(name, one) for one in (value if isinstance(value, list) else [value])]
    form = WrapUpForm(FormData(pairs))
    if not form.validate():
        return {name: str(problems[0]) for name in FIELDS if (problems := form[name].errors)}
    data: dict[str, Any] = form.data
    return WrapUp(
        outcome=data["outcome"],
        topics=tuple(data["topics"]),
        abuse_types=tuple(data["abuse_types"]),
        risk_level=data["risk_level"],
        serial=data["serial"],
        safeguarding=data["safeguarding"],
        minutes_after=data["minutes_after"],
        summary=data["summary"],
    )


class WrapUps:
    def __init__(self, db: Database, conversations: Conversations, audit: AuditLog, clock: Clock) -> None:
        self._db = db
        self._conversations = conversations
        self._audit = audit
        self._clock = clock

    async def values(self, found: Conversation, person: SignedIn) -> Answers:
        """What was saved before, or what the enquiry says."""
        _check_may_wrap_up(found, person)
        async with self._db.read() as connection:
            row = (await connection.execute(select(wrap_up).where(wrap_up.c.conversation_id == found.id))).one_or_none()
            if row is None:
                return prefilled(found)
            summary = ""
            if row.sealed_summary is not None:
                summary = await self._conversations.unseal(connection, found.id, row.sealed_summary, "summary")
        saved: Answers = {
            name: getattr(row, name) for name in FIELDS if name not in MANY | {"minutes_after", "summary"}
        }
        lists: Answers = {name: getattr(row, name).split() for name in MANY}
        return saved | lists | {"minutes_after": str(row.minutes_after), "summary": summary}

    async def save(self, found: Conversation, person: SignedIn, new: WrapUp) -> None:
        _check_may_wrap_up(found, person)
        now = self._clock()
        async with self._db.write() as connection:
            # The row of the conversation stands for its wrap-up, which may not be there yet.
            mine = select(conversation.c.id).where(conversation.c.id == found.id).with_for_update()
            await connection.execute(mine)
            sealed = (
                await self._conversations.seal(connection, found.id, new.summary, "summary") if new.summary else None
            )
            await connection.execute(delete(wrap_up).where(wrap_up.c.conversation_id == found.id))
            await connection.execute(insert(wrap_up).values(_row(found, person, new, sealed, now)))
            subject = f"conversation:{found.reference}"
            await self._audit.append(connection, now, person.account_id, "wrap_up", subject, outcome=new.outcome)

    async def missing(self, person: SignedIn) -> list[str]:
        """References of conversations that ended with this advisor and are not wrapped up, the oldest first."""
        done = select(wrap_up.c.conversation_id)
        query = (
            select(conversation.c.reference)
            .where(conversation.c.advisor_id == person.account_id, conversation.c.status.in_(OVER))
            .where(conversation.c.wrapped_key.is_not(None), conversation.c.id.not_in(done))
            .order_by(conversation.c.ended_at)
        )
        async with self._db.read() as connection:
            return [row.reference for row in await connection.execute(query)]

    async def is_done(self, conversation_id: int) -> bool:
        query = select(wrap_up.c.conversation_id).where(wrap_up.c.conversation_id == conversation_id)
        async with self._db.read() as connection:
            return (await connection.execute(query)).one_or_none() is not None


def _check_may_wrap_up(found: Conversation, person: SignedIn) -> None:
    if found.advisor_id != person.account_id:
        raise NotAllowed("The advisor who held this conversation wraps it up.")
    if found.is_open:
        raise StillOpen


def _row(found: Conversation, person: SignedIn, new: WrapUp, sealed: bytes | None, now: datetime) -> dict[str, Any]:
    return {
        "conversation_id": found.id,
        "account_id": person.account_id,
        "outcome": new.outcome,
        "topics": " ".join(new.topics),
        "abuse_types": " ".join(new.abuse_types),
        "risk_level": new.risk_level,
        "serial": new.serial,
        "safeguarding": new.safeguarding,
        "minutes_after": new.minutes_after,
        "sealed_summary": sealed,
        "at": now,
    }


class WrapUpPages:
    """GET and POST /desk/conversations/{reference}/wrap-up."""

    def __init__(self, conversations: Conversations, wrap_ups: WrapUps, holds: Holds) -> None:
        self._conversations = conversations
        self._wrap_ups = wrap_ups
        self._holds = holds

    async def show(self, request: Request) -> Response:
        person = account(request)
        found = await self._conversations.access_staff(request.path_params["reference"], person)
        return _page(request, found, await self._wrap_ups.values(found, person), {})

    async def save(self, request: Request) -> Response:
        person, document = account(request), posted_json(request)
        found = await self._conversations.access_staff(request.path_params["reference"], person)
        before = await self._wrap_ups.values(found, person)
        answers = read_wrap_up(posted(request) if document is None else _form_of(document), before)
        checked = check_wrap_up(answers)
        if isinstance(checked, WrapUp):
            confirm, key = is_confirmed(request), f"wrap-up:{found.id}"
            try:
                self._holds.check(key, {"summary": checked.summary}, confirm=confirm)
            except Held as held:
                kept = {name: answer for name, answer in answers.items() if name != "summary"}
                return hold_page(request, held, action=request.url.path, kept=kept, most=SUMMARY_MOST)
            await self._wrap_ups.save(found, person, checked)
            self._holds.stored(key, [checked.summary], confirm=confirm)
            if document is None:
                return see_other("/desk?said=wrapped")
            return JSONResponse({"next": "/desk"}, headers={"Cache-Control": "no-store"})
        if document is None:
            return _page(request, found, answers, checked)
        return JSONResponse({"code": "invalid", "errors": checked}, 422, headers={"Cache-Control": "no-store"})


def _page(request: Request, found: Conversation, values: Answers, errors: Errors) -> Response:
    ended_at = found.ended_at or found.created_at
    shown = {
        "reference": found.reference,
        "nickname": found.nickname,
        "ended_at": ended_at,
        "minutes": int((ended_at - (found.claimed_at or found.created_at)).total_seconds()) // 60,
    }
    context: dict[str, Any] = {"conversation": shown, "values": values, "errors": errors, **options()}
    return render(request, "desk/wrap_up.html", status=422 if errors else 200, **context)


def _form_of(document: dict[str, Any]) -> FormData:
    pairs: list[tuple[str, str | UploadFile]] = []
    for name, value in document.items():
        pairs += [
            (name, str(one)) for one in (value if isinstance(value, list) else [value]) if isinstance(one, str | int)
        ]
    return FormData(pairs)
