"""The advisor's doors to colleagues and to the record: hand over, ask somebody in, grade anew, remove a message."""

from starlette.requests import Request
from starlette.responses import Response

from chat.conversations import Conversation, Conversations
from chat.events import Entry, Event
from chat.holding import Holds
from chat.keys import ConversationKeys
from chat.log import Log
from chat.redaction import redact
from chat.words import Kind, Status
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import AssignmentLost, Empty, Ended, NotAllowed, NotFound, Refusal
from core.people import SignedIn
from core.text import check_text
from core.web import account, error_page, wants_json
from triage.desk_requests import BadChoice, author_of, desk_path, done, sent_fields, to_write_in, unless_held
from triage.invitations import Invitations, Purpose
from triage.quiet import Nudges
from triage.supervising import Supervision
from triage.transfers import Transfers, lock_conversation
from triage.words import Urgency

NOTE_MOST = 1_000
REASON_MOST = 300


class ColleaguePages:
    def __init__(
        self,
        db: Database,
        log: Log,
        keys: ConversationKeys,
        conversations: Conversations,
        transfers: Transfers,
        invitations: Invitations,
        supervision: Supervision,
        nudges: Nudges,
        holds: Holds,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._db = db
        self._log = log
        self._keys = keys
        self._conversations = conversations
        self._transfers = transfers
        self._invitations = invitations
        self._supervision = supervision
        self._nudges = nudges
        self._holds = holds
        self._audit = audit
        self._clock = clock

    async def transfer(self, request: Request) -> Response:
        """POST .../transfer: `to` an advisor's id or `queue`, with a `note` for whoever goes on."""
        person, fields = account(request), sent_fields(request)
        found = await self._own(request, person)
        to, note = fields.get("to", ""), fields.get("note", "")
        if not 0 < len(to) <= 64:
            raise BadChoice("Choose who goes on with the conversation, or the line.")
        try:
            note = check_text(note, NOTE_MOST) if note.strip() else ""

            async def hand_over() -> Response:
                await self._transfers.hand_over(found.id, person, to, note)
                return done(request, "/desk?said=transferred", conversation=None)

            return await unless_held(self._holds, request, {"note": note}, {"to": to}, hand_over, most=NOTE_MOST)
        except Refusal as refusal:
            if wants_json(request):
                raise
            return error_page(request, refusal.status, refusal.text, unsent=note)

    async def invite(self, request: Request) -> Response:
        """POST .../invite: `to` an advisor's id, `purpose` consult or join."""
        person, fields = account(request), sent_fields(request)
        found = await self._own(request, person)
        if fields.get("purpose") not in set(Purpose) or not 0 < len(fields.get("to", "")) <= 64:
            raise BadChoice("Choose a colleague, and whether they advise you or join the conversation.")
        await self._invitations.invite(found.id, person, fields["to"], Purpose(fields["purpose"]))
        return done(request, desk_path(found.reference))

    async def accept(self, request: Request) -> Response:
        """POST /desk/invitations/{reference}/accept."""
        reference = request.path_params["reference"]
        await self._invitations.accept(reference, account(request))
        return done(request, desk_path(reference), conversation=reference)

    async def decline(self, request: Request) -> Response:
        """POST /desk/invitations/{reference}/decline."""
        await self._invitations.decline(request.path_params["reference"], account(request))
        return done(request, "/desk")

    async def let_go(self, request: Request) -> Response:
        """POST .../guests/{account_id}/dismiss: a colleague who was brought in or asked."""
        person = account(request)
        found = await self._own(request, person)
        await self._invitations.dismiss(found.id, person, request.path_params["account_id"])
        return done(request, desk_path(found.reference))

    async def leave(self, request: Request) -> Response:
        """POST .../leave: whoever was brought in goes."""
        person = account(request)
        found = await to_write_in(self._conversations, request, person)
        if found.advisor_id == person.account_id:
            raise BadChoice("You are the advisor of this conversation. Hand it over, or end it.")
        await self._invitations.leave(found.id, person)
        return done(request, "/desk?said=gone", conversation=None)

    async def regrade(self, request: Request) -> Response:
        """POST .../regrade: `urgency` and `reason`, by the advisor who has it."""
        person = account(request)
        found = await self._own(request, person)
        urgency, reason = checked_regrade(sent_fields(request))

        async def regrade() -> Response:
            await self._supervision.regrade(found.id, person, urgency, reason, own=True)
            return done(request, desk_path(found.reference))

        return await unless_held(
            self._holds, request, {"reason": reason}, {"urgency": urgency}, regrade, most=REASON_MOST
        )

    async def nudge(self, request: Request) -> Response:
        """POST .../nudge: ask a visitor who has gone quiet whether they are still there."""
        person = account(request)
        found = await self._own(request, person)
        await self._nudges.nudge(found, person)
        return done(request, desk_path(found.reference))

    async def redact(self, request: Request) -> Response:
        """POST .../redact: the text of one message or note is removed for good; that it was, and why, stays on record."""
        person, fields = account(request), sent_fields(request)
        found = await self._own(request, person)
        seq, reason = fields.get("seq", ""), checked_reason(fields)
        if not (seq.isascii() and seq.isdigit() and 0 < len(seq) < 10):
            raise NotFound

        async def remove() -> Response:
            events = await self._remove(found, int(seq), person, reason)
            return done(request, desk_path(found.reference), again=not events)

        return await unless_held(self._holds, request, {"reason": reason}, {"seq": seq}, remove, most=REASON_MOST)

    async def _remove(self, found: Conversation, seq: int, person: SignedIn, reason: str) -> list[Event]:
        """The events of it; none when it was removed before."""
        async with self._db.write() as connection:
            row = await lock_conversation(connection, found.id)
            if row.status not in (Status.ACTIVE, Status.ENDED, Status.ANSWERED):
                raise Ended
            if row.advisor_id != person.account_id:
                raise AssignmentLost
            author = author_of(person)
            events = await redact(connection, self._log, self._keys, found.id, seq, author)
            if events:
                why = Entry(Kind.NOTE, author, f"Removed a message: {reason}", {"redacted": seq})
                events += await self._log.append(connection, found.id, why)
                subject = f"conversation:{found.reference}"
                await self._audit.append(connection, self._clock(), person.account_id, "redact", subject, seq=seq)
        self._log.announce(events)
        return events

    async def _own(self, request: Request, person: SignedIn) -> Conversation:
        """One that is this advisor's to give away or to change. Raises NotAllowed for colleagues who were brought in."""
        found = await to_write_in(self._conversations, request, person)
        if found.advisor_id != person.account_id:
            raise NotAllowed("Only the advisor of this conversation may do that.")
        return found


def checked_regrade(fields: dict[str, str]) -> tuple[Urgency, str]:
    if fields.get("urgency") not in set(Urgency):
        raise BadChoice("Choose an urgency: emergency, same day or routine.")
    return Urgency(fields["urgency"]), checked_reason(fields)


def checked_reason(fields: dict[str, str]) -> str:
    try:
        return check_text(fields.get("reason", ""), REASON_MOST)
    except Empty:
        raise BadChoice("Say why. It is kept on record.") from None
