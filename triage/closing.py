"""Closing time: nobody who waits is dropped in silence.

Those who wait when the service closes keep their place while an advisor is online, for half an hour at most. Then each is
told, and what they asked becomes a question that is answered when the service is open again; supervisors are told how many.
"""

from datetime import datetime

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.events import SYSTEM_AUTHOR, Entry
from chat.log import Log
from chat.tables import conversation
from chat.words import SYSTEM, Kind, Status
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from triage.hours import Opening, OpenState, load_timetable, opening_at, opening_words
from triage.notices import Notices
from triage.one_by_one import Found, one_by_one
from triage.presence import count_online
from triage.times import Times

logger = structlog.get_logger()

MOST_AT_ONCE = 200


class Closing:
    def __init__(
        self,
        db: Database,
        log: Log,
        opening: Opening,
        notices: Notices,
        audit: AuditLog,
        clock: Clock,
        times: Times | None = None,
    ) -> None:
        self._db = db
        self._log = log
        self._opening = opening
        self._notices = notices
        self._audit = audit
        self._clock = clock
        self._times = times or Times()

    async def tick(self) -> int:
        """When it is closed and nobody will take them any longer, tell those who wait. How many there were."""
        if (await self._opening.state()).open:
            return 0
        now = self._clock()
        async with self._db.read() as connection:
            waiting = select(conversation.c.id, conversation.c.reference).where(conversation.c.status == Status.WAITING)
            rows = (await connection.execute(waiting.order_by(conversation.c.sort_key).limit(MOST_AT_ONCE))).all()
            if not rows or await self._closed_for_all(connection, now) is None:
                return 0
        kept: list[str] = []

        async def keep(row: Found) -> bool:
            is_kept = await self._keep(row.id, row.reference, now)
            kept.extend([row.reference] * is_kept)
            return is_kept

        try:
            await one_by_one(rows, keep)
        finally:
            # Also where the rest must wait: the next look finds these no more.
            if kept:
                await self._tell_supervisors(len(kept))
                logger.info("line_closed_with_waiting", count=len(kept))
        return len(kept)

    async def _closed_for_all(self, connection: AsyncConnection, now: datetime) -> OpenState | None:
        """How it is closed, as it is stored; None while those who wait may still be taken."""
        state = opening_at(await load_timetable(connection, now), now)
        is_late = state.closed_since is not None and now - state.closed_since >= self._times.after_closing
        if state.open or (not is_late and await count_online(connection, now)):
            return None
        return state

    async def _keep(self, conversation_id: int, reference: str, now: datetime) -> bool:
        """One conversation out of the line, unless it was opened again, or somebody took it or left it meanwhile."""
        async with self._db.write() as connection:
            state = await self._closed_for_all(connection, now)
            if state is None:
                return False
            done = await connection.execute(
                update(conversation)
                .where(conversation.c.id == conversation_id, conversation.c.status == Status.WAITING)
                .values(status=Status.QUESTION, question_at=now)
            )
            if done.rowcount != 1:
                return False
            entry = Entry(Kind.QUEUED, SYSTEM_AUTHOR, closing_words(state, now), {"question": True, "closed": True})
            events = await self._log.append(connection, conversation_id, entry)
            await self._audit.append(connection, now, SYSTEM, "closed_unanswered", f"conversation:{reference}")
        self._log.announce(events)
        return True

    async def _tell_supervisors(self, kept: int) -> None:
        async with self._db.write() as connection:
            told = await self._notices.tell_supervisors(connection, "closed_with_waiting", count=kept)
        self._notices.told(*told)


def closing_words(state: OpenState, now: datetime) -> str:
    opens = f" We open {opening_words(state.opens_at, now)}." if state.opens_at else ""
    return (
        "We have closed, and no advisor could take your conversation today. What you asked is kept as a question and "
        f"will be answered when we are open.{opens} Read the answer with your reference and code. "
        "If anyone is in immediate danger, call 999."
    )
