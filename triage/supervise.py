"""The supervisor's doors: the board, closing and opening the line, and what is done with one conversation.

Everything is a plain form; the board is the page itself, loaded again by a script. What a supervisor writes is held back like
what anybody writes when it seems to identify a person.
"""

from collections.abc import Mapping

from sqlalchemy import delete, insert
from starlette.requests import Request
from starlette.responses import Response

from chat.conversations import Conversation, Conversations
from chat.entries import entry_views
from chat.holding import Holds
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import NotFound, Refusal
from core.people import Role, SignedIn
from core.tables import setting
from core.text import MESSAGE_CHARACTERS, check_text
from core.web import account, error_page, render, wants_json
from triage.board import Board
from triage.colleague_pages import REASON_MOST, checked_reason, checked_regrade
from triage.desk_requests import BadChoice, desk_path, done, sent_fields, unless_held
from triage.hours import Opening
from triage.notices import Notices
from triage.queue import Queue
from triage.supervising import Supervision
from triage.surroundings import enquiry_in_words
from triage.transfers import Transfers

MESSAGE_MOST = 200
SAID = {
    "open": "The line is open.",
    "closed": "The line is closed to new enquiries. Those who wait keep their place.",
    "advised": "Your advice stands beside the conversation. The visitor does not see it.",
    "regraded": "The urgency is changed.",
    "reassigned": "The conversation is with somebody else now.",
}


class SupervisePages:
    def __init__(
        self,
        db: Database,
        board: Board,
        opening: Opening,
        queue: Queue,
        conversations: Conversations,
        supervision: Supervision,
        transfers: Transfers,
        notices: Notices,
        holds: Holds,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._db = db
        self._board = board
        self._opening = opening
        self._queue = queue
        self._conversations = conversations
        self._supervision = supervision
        self._transfers = transfers
        self._notices = notices
        self._holds = holds
        self._audit = audit
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """GET /supervise."""
        context = await self._board.show()
        context["notices"] = await self._notices.unseen(account(request).account_id)
        context["message"] = SAID.get(request.query_params.get("said", ""))
        return render(request, "supervise/board.html", **context)

    async def line(self, request: Request) -> Response:
        """POST /supervise/line: `open` yes or no, with a `message` that the public reads."""
        fields = sent_fields(request)
        opens, message = fields.get("open", ""), fields.get("message", "").strip()
        if opens not in ("yes", "no"):
            raise BadChoice("Choose whether the line is open.")
        try:
            message = check_text(message, MESSAGE_MOST) if message else ""
        except Refusal as refusal:
            if wants_json(request):
                raise
            return error_page(request, refusal.status, refusal.text, unsent=message)

        async def change() -> Response:
            await self._change_line(account(request), opens, message)
            return done(request, f"/supervise?said={'open' if opens == 'yes' else 'closed'}", open=opens == "yes")

        return await unless_held(self._holds, request, {"message": message}, {"open": opens}, change, most=MESSAGE_MOST)

    async def _change_line(self, person: SignedIn, opens: str, message: str) -> None:
        async with self._db.write() as connection:
            for name, value in (("line_open", opens), ("line_message", message)):
                await connection.execute(delete(setting).where(setting.c.name == name))
                await connection.execute(insert(setting).values(name=name, value=value))
            await self._audit.append(connection, self._clock(), person.account_id, "line", "line", open=opens == "yes")
        self._opening.forget()
        self._queue.changed()

    async def show_conversation(self, request: Request) -> Response:
        """GET /supervise/conversations/{reference}: what is known without reading; with a reason that holds, the log."""
        return await self._conversation(request, await self._find(request))

    async def _conversation(
        self,
        request: Request,
        found: Conversation,
        errors: Mapping[str, str] | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> Response:
        """`errors` and `typed` are of the form on it that was not right, by the ids of its fields."""
        person = account(request)
        before = request.query_params.get("after", "")
        after = int(before) if before.isascii() and before.isdigit() and len(before) < 10 else 0
        read = await self._supervision.transcript(found.reference, person, after)
        return render(
            request,
            "supervise/conversation.html",
            status=422 if errors else 200,
            conversation=found,
            advisor=await self._board.name_of(found.advisor_id),
            enquiry=enquiry_in_words(found),
            events=entry_views(read.events, for_visitor=False) if read else None,
            more_after=read.events[-1].seq if read and read.events and read.events[-1].seq < found.last_seq else None,
            until=read.until if read else None,
            colleagues=[one for one in await self._transfers.colleagues(found.advisor_id or "") if one.room],
            is_advisor=person.has(Role.ADVISOR),
            message=SAID.get(request.query_params.get("said", "")),
            errors=errors or {},
            typed={
                **dict.fromkeys(("read-reason", "advice", "grade-reason"), ""),
                "urgency": found.urgency,
                **(typed or {}),
            },
        )

    async def join(self, request: Request) -> Response:
        """POST .../join: openly; the workspace follows."""
        found = await self._find(request)
        await self._supervision.join(found.reference, account(request))
        return done(request, desk_path(found.reference), conversation=found.reference)

    async def advise(self, request: Request) -> Response:
        """POST .../advise: `text`, to the advisor only."""
        found, person = await self._find(request), account(request)
        text = sent_fields(request).get("text", "")
        try:
            checked = check_text(text, MESSAGE_CHARACTERS)
        except Refusal as refusal:
            if wants_json(request):
                raise
            return await self._conversation(request, found, {"advice": refusal.text}, {"advice": text})

        async def advise() -> Response:
            await self._supervision.advise(found.reference, person, checked)
            return done(request, f"{_path(found)}?said=advised")

        return await unless_held(self._holds, request, {"text": checked}, {}, advise, most=MESSAGE_CHARACTERS)

    async def regrade(self, request: Request) -> Response:
        """POST .../regrade: `urgency`, `reason`."""
        found, person = await self._find(request), account(request)
        fields = sent_fields(request)
        try:
            urgency, reason = checked_regrade(fields)
        except Refusal as refusal:
            if wants_json(request):
                raise
            typed = {"grade-reason": fields.get("reason", ""), "urgency": fields.get("urgency", "")}
            return await self._conversation(request, found, {"grade-reason": refusal.text}, typed)

        async def regrade() -> Response:
            await self._supervision.regrade(found.id, person, urgency, reason)
            return done(request, f"{_path(found)}?said=regraded")

        return await unless_held(
            self._holds, request, {"reason": reason}, {"urgency": urgency}, regrade, most=REASON_MOST
        )

    async def reassign(self, request: Request) -> Response:
        """POST .../reassign: `to` an advisor's id, or `queue`. `epoch` is of the page that it was decided on."""
        found, fields = await self._find(request), sent_fields(request)
        to, epoch = fields.get("to", ""), fields.get("epoch") or str(found.claim_epoch)
        if not 0 < len(to) <= 64 or not (epoch.isascii() and epoch.isdigit() and len(epoch) < 10):
            raise BadChoice("Choose who goes on with the conversation, or the line.")
        await self._transfers.reassign(found.id, account(request), to, int(epoch))
        return done(request, f"{_path(found)}?said=reassigned")

    async def read(self, request: Request) -> Response:
        """POST .../read: `reason`; opens the conversation to this account for half an hour."""
        found, person = await self._find(request), account(request)
        written = sent_fields(request).get("reason", "")
        try:
            reason = checked_reason({"reason": written})
        except Refusal as refusal:
            if wants_json(request):
                raise
            return await self._conversation(request, found, {"read-reason": refusal.text}, {"read-reason": written})

        async def read() -> Response:
            await self._supervision.open_transcript(found.reference, person, reason)
            return done(request, _path(found))

        return await unless_held(self._holds, request, {"reason": reason}, {}, read, most=REASON_MOST)

    async def _find(self, request: Request) -> Conversation:
        found = await self._conversations.by_reference(request.path_params["reference"])
        if found is None:
            raise NotFound
        return found


def _path(found: Conversation) -> str:
    return f"/supervise/conversations/{found.reference}"
