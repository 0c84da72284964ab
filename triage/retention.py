"""Retention: what was said is destroyed when its time is over; what counts without content stays.

A conversation's key goes first, and with it every text sealed under it, wherever a copy lies; its events, drafts and
summaries go in the same transaction.
"""

from datetime import datetime

from sqlalchemy import and_, delete, or_, select, update

from chat.tables import conversation, draft, event
from chat.words import SYSTEM, Status
from core.audit import AuditLog
from core.db import Database
from triage.surroundings import ANSWER_KEPT, retention
from triage.tables import dismissal, feedback, wrap_up

MOST_AT_ONCE = 100
OVER = (Status.ENDED, Status.LEFT, Status.ANSWERED)


async def erase_overdue(db: Database, audit: AuditLog, now: datetime) -> int:
    """Erase conversations whose text has had its time, a hundred at most; how many there were."""
    kept = await retention(db)
    is_answered = conversation.c.status == Status.ANSWERED
    had_its_time = or_(
        and_(~is_answered, conversation.c.ended_at < now - kept),
        and_(is_answered, conversation.c.ended_at < now - max(kept, ANSWER_KEPT)),
    )
    async with db.write() as connection:
        overdue = (
            select(conversation.c.id, conversation.c.reference)
            .where(conversation.c.status.in_(OVER), had_its_time)
            .order_by(conversation.c.id)
            .limit(MOST_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        rows = (await connection.execute(overdue)).all()
        if not rows:
            return 0
        ids = [row.id for row in rows]
        await connection.execute(
            update(conversation)
            .where(conversation.c.id.in_(ids))
            .values(
                status=Status.ERASED,
                closed_as=conversation.c.status,
                wrapped_key=None,
                sealed_nickname=None,
                visitor_token_hash=None,
                resume_code_hash=None,
                enquiry_hash=None,
            )
        )
        for table in (event, draft, dismissal):
            await connection.execute(delete(table).where(table.c.conversation_id.in_(ids)))
        await connection.execute(update(wrap_up).where(wrap_up.c.conversation_id.in_(ids)).values(sealed_summary=None))
        await connection.execute(
            update(feedback).where(feedback.c.conversation_id.in_(ids)).values(sealed_comment=None)
        )
        for row in rows:
            await audit.append(connection, now, SYSTEM, "erase", f"conversation:{row.reference}", why="retention")
    return len(rows)
