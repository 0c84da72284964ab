"""What stands around a visitor's conversation: the enquiry in words, the place in the line, guidance, what comes after.

The pages of a conversation belong to chat, which knows none of these; this is what it is given for them.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from starlette.requests import Request

from chat.conversations import Conversation
from chat.log import Log
from chat.words import Kind, Status
from core.db import Database
from core.tables import setting
from triage import words
from triage.feedback import NO_FEEDBACK, Feedbacks
from triage.guidance import Guidance
from triage.queue import Queue
from triage.ticket import Tickets
from triage.waiting_words import place_sentence

DEFAULT_RETENTION = timedelta(hours=24)
ANSWER_KEPT = timedelta(days=14)
"""At least: who left a question comes back for its answer when they can."""


def enquiry_in_words(found: Conversation) -> list[tuple[str, str]]:
    """Questions and answers, without the question itself, which is the first message."""
    flags = [words.RISK_FLAGS.get(flag) or words.NO_RISK_FLAGS.get(flag, flag) for flag in found.risk_flags]
    danger = words.DANGER.get(found.immediate_danger, found.immediate_danger)
    if found.called_999:
        danger = f"{danger}. {words.CALLED_999.get(found.called_999, '')}"
    return [
        ("Immediate danger", danger),
        ("Field of work", words.SECTORS.get(found.sector, found.sector)),
        ("Area", words.AREAS.get(found.area, found.area)),
        ("Topic", words.TOPICS.get(found.topic, found.topic)),
        ("Needs to act", words.DEADLINES.get(found.deadline, found.deadline)),
        ("What applies", "; ".join(flags)),
        ("Language", words.LANGUAGES.get(found.language, found.language)),
    ]


class Surroundings:
    def __init__(
        self,
        db: Database,
        log: Log,
        queue: Queue,
        guidance: Guidance,
        tickets: Tickets,
        feedbacks: Feedbacks,
    ) -> None:
        self._db = db
        self._log = log
        self._queue = queue
        self._guidance = guidance
        self._tickets = tickets
        self._feedbacks = feedbacks

    def enquiry(self, found: Conversation) -> list[tuple[str, str]]:
        return enquiry_in_words(found)

    async def waiting(self, found: Conversation, request: Request) -> dict[str, Any]:
        """The waiting room: place, wait, guidance, and the code while it may be shown."""
        line = await self._queue.line()
        position = await self._queue.position(found.id)
        place = place_sentence(position, line.wait(position), requeued=found.requeues > 0)
        return {
            "queue": {"position": position, "sentence": place},
            "resume_code": self._tickets.resume_code(request, found.reference),
            "articles": await self._guidance.for_visitor(found, await self._log.read(found.id)),
            "can_leave_question": found.status is Status.WAITING,
            "can_leave": True,
            "was_with_advisor": found.requeues > 0,
            "line_message": await self._queue.notice(),
            "kept_because": await self._kept_because(found),
        }

    async def _kept_because(self, found: Conversation) -> str | None:
        """Why it is a question now, unless the visitor left it as one."""
        if found.status is not Status.QUESTION:
            return None
        queued = await self._log.read_kinds(found.id, Kind.QUEUED)
        return queued[-1].text if queued and queued[-1].data.get("closed") else None

    async def ended(self, found: Conversation) -> dict[str, Any]:
        return {
            "destroyed_at": await self.destroyed_at(found),
            "was_question": found.question_at is not None,
            "feedback_given": await self._feedbacks.given(found.id),
            "feedback": NO_FEEDBACK,
            "errors": {},
        }

    async def destroyed_at(self, found: Conversation) -> datetime | None:
        """When the text of an ended conversation is destroyed."""
        return found.ended_at + await kept_for(self._db, found.status) if found.ended_at else None


async def kept_for(db: Database, status: Status) -> timedelta:
    """How long the text of a conversation that is over is kept. An answer is there long enough to be found."""
    kept = await retention(db)
    return max(kept, ANSWER_KEPT) if status is Status.ANSWERED else kept


async def retention(db: Database) -> timedelta:
    """How long the text is kept after the end, as an admin set it."""
    async with db.read() as connection:
        query = select(setting.c.value).where(setting.c.name == "retention_hours")
        value = (await connection.execute(query)).scalar_one_or_none()
    return timedelta(hours=int(value)) if value and value.isdecimal() else DEFAULT_RETENTION


def retention_words(span: timedelta) -> str:
    hours = round(span / timedelta(hours=1))
    if hours == 0:
        return "when it ends"
    return f"{hours // 24} days after it ends" if hours > 48 and hours % 24 == 0 else f"{hours} hours after it ends"
