"""What the workspace shows: who waits, what is mine, and one conversation with everything that helps to answer it.

Reads only. Nothing of a conversation that waits is shown but its urgency: who takes it sees the rest.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from chat.conversations import Conversation, Conversations
from chat.drafts import Drafts
from chat.entries import entry_views
from chat.events import Event
from chat.identifiers import LABELS
from chat.log import Log
from chat.redaction import REDACTABLE
from chat.stretch import read_stretch
from chat.tables import conversation
from chat.words import Kind, Side, Status
from core.clock import Clock, from_ms
from core.db import Database
from core.errors import NotFound
from core.people import SignedIn
from triage import words
from triage.company import Company
from triage.guidance import Guidance
from triage.hours import Opening
from triage.notices import INVITED, Notices
from triage.offers import Offered, Offers
from triage.presence import Presences
from triage.queue import Line, Queue
from triage.surroundings import enquiry_in_words, kept_for
from triage.words import Urgency
from triage.wrap_up import WrapUps

MASKS = tuple(f"[{label}]" for label in LABELS.values())


class DeskViews:
    def __init__(
        self,
        db: Database,
        log: Log,
        drafts: Drafts,
        conversations: Conversations,
        queue: Queue,
        opening: Opening,
        presences: Presences,
        guidance: Guidance,
        wrap_ups: WrapUps,
        clock: Clock,
        epoch: str,
        offers: Offers,
        notices: Notices,
        company: Company,
    ) -> None:
        self._db = db
        self._log = log
        self._drafts = drafts
        self._conversations = conversations
        self._queue = queue
        self._opening = opening
        self._presences = presences
        self._guidance = guidance
        self._wrap_ups = wrap_ups
        self._clock = clock
        self._epoch = epoch
        self._offers = offers
        self._notices = notices
        self._company = company

    async def desk(self, person: SignedIn) -> dict[str, Any]:
        """The left column, and nothing open beside it."""
        mine = await self._conversations.of_account(person.account_id)
        on_duty = await self._presences.of(person.account_id)
        held = sum(found.advisor_id == person.account_id for found in mine)
        unseen = await self._notices.unseen(person.account_id)
        return {
            "me": {
                "name": person.name,
                "presence": on_duty.state,
                "capacity": on_duty.capacity,
                "capacity_max": await self._presences.ceiling(),
                "active": held,
            },
            "epoch": self._epoch,
            "offer": _offer(await self._offers.open_of(person.account_id)),
            # An invitation has a card of its own.
            "notices": [one.as_view() for one in unseen if one.kind != INVITED],
            "noticed": [one.id for one in unseen],
            "invitations": await self._company.invitations_to(person),
            "mine": await self._mine(mine),
            "waiting": self._waiting(await self._queue.read(), (await self._opening.state()).open),
            "questions": await self._questions(),
            "to_wrap_up": await self._wrap_ups.missing(person),
            "message": None,
            "conversation": None,
            "part": "",
        }

    async def workspace(self, person: SignedIn, found: Conversation, q: str = "") -> dict[str, Any]:
        """The middle and the right column as well."""
        stretch = await read_stretch(self._log, found.id, found.last_seq)
        marked = await self._log.read_kinds(found.id, Kind.NOTE, Kind.ARTICLE)
        # The question that began it all stays part of what is suggested for.
        question = await self._log.read(found.id, limit=1) if stretch.earlier else []
        part = await self._company.part_of(person, found)
        draft = await self._drafts.of(found.id, person.account_id)
        return {
            **await self.desk(person),
            "conversation": self._head(found, can_write=part in ("advisor", "joined"), is_mine=part == "advisor"),
            "part": part,
            **await self._company.around(person, found, part),
            "events": entry_views(stretch.events, for_visitor=False),
            "earlier": stretch.earlier,
            "seen_seq": found.visitor_read,
            "draft": draft,
            "is_draft_masked": any(mask in draft for mask in MASKS),
            "message_id": str(uuid4()),
            "is_noted": False,
            "errors": {},
            "hold": None,
            **self._about(found),
            "read_while_waiting": await self._guidance.read_while_waiting(found.id),
            "suggestions": await self._guidance.for_desk(found, [*question, *marked, *stretch.events]),
            "q": q,
            "found": self._guidance.find(q, person.account_id) if q.strip() else None,
            "notes": _notes(marked),
        }

    async def earlier(self, found: Conversation, before: int) -> dict[str, Any]:
        """What was said before the stretch that another page shows."""
        stretch = await read_stretch(self._log, found.id, found.last_seq, before)
        return {
            "conversation": {"reference": found.reference, "nickname": found.nickname},
            "events": entry_views(stretch.events, for_visitor=False),
            "seen_seq": found.visitor_read,
            "earlier": stretch.earlier,
        }

    async def closed(self, person: SignedIn, found: Conversation) -> dict[str, Any]:
        """A conversation after its end, for those who may still read it."""
        stretch = await read_stretch(self._log, found.id, found.last_seq)
        head = self._head(found, can_write=False, is_mine=found.advisor_id == person.account_id)
        destroyed_at = found.ended_at + await kept_for(self._db, found.status) if found.ended_at else None
        wrapped_up = found.advisor_id != person.account_id or await self._wrap_ups.is_done(found.id)
        return {
            "conversation": {**head, "destroyed_at": destroyed_at, "wrapped_up": wrapped_up},
            "reading": None,
            "events": entry_views(stretch.events, for_visitor=False),
            "seen_seq": found.visitor_read,
            "earlier": stretch.earlier,
            **self._about(found),
        }

    async def to_redact(self, person: SignedIn, found: Conversation, seq: int) -> dict[str, Any]:
        """One message or note that its advisor may remove. Raises NotFound."""
        is_mine = found.advisor_id == person.account_id
        events = await self._log.read(found.id, seq - 1, limit=1) if is_mine and seq > 0 else []
        shown = [one for one in entry_views(events, for_visitor=False) if one.seq == seq]
        if not shown or shown[0].kind not in REDACTABLE or shown[0].data.get("redacted"):
            raise NotFound
        return {"conversation": self._head(found, can_write=True, is_mine=True), "entry": shown[0], "errors": {}}

    def _head(self, found: Conversation, *, can_write: bool, is_mine: bool) -> dict[str, Any]:
        return {
            "reference": found.reference,
            "nickname": found.nickname,
            "status": found.status,
            "urgency": found.urgency,
            "last_seq": found.last_seq,
            "sector": words.SECTORS.get(found.sector, found.sector),
            "area": words.AREAS.get(found.area, found.area),
            "started_at": found.claimed_at or found.created_at,
            "ended_at": found.ended_at,
            "can_write": can_write,
            "role": "advisor" if is_mine else "supervisor",
        }

    def _about(self, found: Conversation) -> dict[str, Any]:
        flags = [words.RISK_FLAGS[flag] for flag in found.risk_flags if flag in words.RISK_FLAGS]
        return {"enquiry": enquiry_in_words(found), "flags": flags}

    async def _mine(self, mine: Sequence[Conversation]) -> list[dict[str, Any]]:
        unread = await self._log.read_many({found.id: found.advisor_read for found in mine}) if mine else {}
        return [
            {
                "reference": found.reference,
                "nickname": found.nickname,
                "topic": words.TOPICS.get(found.topic, found.topic),
                "urgency": found.urgency,
                "unread": sum(_is_visitors_word(event) for event in unread.get(found.id, ())),
                "last_word": _since(found.visitor_last_at, self._clock()),
                "last_seq": found.last_seq,
            }
            for found in mine
        ]

    def _waiting(self, line: Line, is_open: bool) -> dict[str, Any]:
        by_urgency = Counter(place.urgency for place in line.places)
        longest = timedelta(seconds=line.longest_wait_s(self._clock()))
        return {
            "total": len(line.places),
            "emergency": by_urgency[Urgency.EMERGENCY],
            "same_day": by_urgency[Urgency.SAME_DAY],
            "routine": by_urgency[Urgency.ROUTINE],
            "longest": _span_words(longest) if line.places else None,
            "online": line.online,
            "open": is_open,
        }

    async def _questions(self) -> list[str]:
        """References of questions that were left, the oldest first."""
        query = select(conversation.c.reference).where(conversation.c.status == Status.QUESTION)
        async with self._db.read() as connection:
            rows = await connection.execute(query.order_by(conversation.c.sort_key, conversation.c.id).limit(20))
            return [row.reference for row in rows]


def _offer(held_out: Offered | None) -> dict[str, Any] | None:
    return held_out.as_view() if held_out else None


def _is_visitors_word(event: Event) -> bool:
    return event.kind is Kind.MESSAGE and event.author.kind is Side.VISITOR


def _notes(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [
        {"seq": event.seq, "author_name": event.author.name, "at": from_ms(event.at_ms), "text": event.text}
        for event in events
        if event.kind is Kind.NOTE
    ]


def _since(last: datetime | None, now: datetime) -> str:
    if last is None:
        return ""
    return f"{_span_words(now - last)} since their last word"


def _span_words(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    if minutes < 1:
        return "Less than a minute"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{minutes // 60} hours"
