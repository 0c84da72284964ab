"""What visitors say afterwards: one number, whether it changes what they do, and a comment under the conversation's key.

Only the visitor of a conversation that has ended may say it; saying it again replaces what was said.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import delete, insert, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat.conversations import Conversation, Conversations
from chat.holding import Held, Holds, hold_page, is_confirmed
from chat.tables import conversation
from chat.words import Status
from core.clock import Clock
from core.db import Database
from core.errors import Empty, Refusal
from core.forms import field
from core.text import check_text
from core.web import VISITOR_COOKIE, posted, posted_json, resume_first, see_other
from triage.tables import feedback
from triage.words import PRACTICE
from triage.wrap_up import StillOpen

COMMENT_MOST = 1_000
NO_FEEDBACK = {"helpful": "", "will_change_practice": "", "comment": ""}

Values = dict[str, str]
Errors = dict[str, str]


@dataclass(frozen=True, slots=True)
class Feedback:
    helpful: int
    will_change_practice: str | None
    comment: str


class ShowEnded(Protocol):
    """The page after the end, with parts of its context replaced."""

    async def __call__(
        self, request: Request, found: Conversation, *, status: int = 200, **changes: Any
    ) -> Response: ...


def check_feedback(values: Values) -> Feedback | Errors:
    errors: Errors = {}
    if values["helpful"] not in {"1", "2", "3", "4", "5"}:
        errors["helpful"] = "Choose a number from 1 to 5."
    if values["will_change_practice"] not in {"", *PRACTICE}:
        errors["will_change_practice"] = "Choose one of the answers that are offered."
    comment = ""
    try:
        comment = check_text(values["comment"], COMMENT_MOST)
    except Empty:
        comment = ""
    except Refusal:
        errors["comment"] = f"Shorten the comment to {COMMENT_MOST:,} characters of plain text."
    return errors or Feedback(int(values["helpful"]), values["will_change_practice"] or None, comment)


class Feedbacks:
    def __init__(self, db: Database, conversations: Conversations, clock: Clock) -> None:
        self._db = db
        self._conversations = conversations
        self._clock = clock

    async def given(self, conversation_id: int) -> bool:
        query = select(feedback.c.conversation_id).where(feedback.c.conversation_id == conversation_id)
        async with self._db.read() as connection:
            return (await connection.execute(query)).one_or_none() is not None

    async def save(self, found: Conversation, new: Feedback) -> None:
        async with self._db.write() as connection:
            await connection.execute(select(conversation.c.id).where(conversation.c.id == found.id).with_for_update())
            sealed = None
            if new.comment:
                sealed = await self._conversations.seal(connection, found.id, new.comment, "feedback")
            await connection.execute(delete(feedback).where(feedback.c.conversation_id == found.id))
            await connection.execute(
                insert(feedback).values(
                    conversation_id=found.id,
                    helpful=new.helpful,
                    will_change_practice=new.will_change_practice,
                    sealed_comment=sealed,
                    at=self._clock(),
                )
            )


class FeedbackPages:
    """POST /chat/feedback. The form stands on the page after the end, which `show_ended` draws."""

    def __init__(self, conversations: Conversations, feedbacks: Feedbacks, holds: Holds, show_ended: ShowEnded) -> None:
        self._conversations = conversations
        self._feedbacks = feedbacks
        self._holds = holds
        self._show_ended = show_ended

    async def give(self, request: Request) -> Response:
        found = await self._conversations.of_visitor(request.cookies.get(VISITOR_COOKIE, ""))
        document = posted_json(request)
        if found is None:
            return resume_first(request)
        if found.status not in (Status.ENDED, Status.ANSWERED, Status.LEFT):
            raise StillOpen
        form = posted(request)
        values = {name: str(document.get(name) or "") if document else field(form, name) for name in NO_FEEDBACK}
        checked = check_feedback(values)
        if not isinstance(checked, Feedback):
            if document is not None:
                return JSONResponse({"code": "invalid", "errors": checked}, 422, headers={"Cache-Control": "no-store"})
            return await self._show_ended(request, found, status=422, feedback=values, errors=checked)
        confirm, key = is_confirmed(request), f"feedback:{found.id}"
        try:
            self._holds.check(key, {"comment": checked.comment}, confirm=confirm)
        except Held as held:
            kept = {name: value for name, value in values.items() if name != "comment"}
            return hold_page(request, held, action=request.url.path, kept=kept, most=COMMENT_MOST)
        await self._feedbacks.save(found, checked)
        self._holds.stored(key, [checked.comment], confirm=confirm)
        return see_other("/chat") if document is None else JSONResponse({"saved": True}, 201)
