"""A visitor who has gone quiet: when the desk says so, asking whether they are still there, and when ending is offered.

Nothing here ends a conversation, after however long, and nothing else does by itself: its advisor or the visitor ends it, or
it goes back into the line when its advisor is lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import select, update

from chat.conversations import Conversation
from chat.events import SYSTEM_AUTHOR, Entry
from chat.log import Log
from chat.tables import conversation
from chat.words import Kind, Status
from core.clock import Clock
from core.db import Database
from core.errors import AssignmentLost, Ended, Refusal
from core.people import SignedIn

QUIET_AFTER = timedelta(minutes=5)
NUDGE_EVERY = timedelta(minutes=5)
END_OFFERED_AFTER = timedelta(minutes=15)

STILL_THERE = "Your advisor asks whether you are still there."


class NotQuiet(Refusal):
    code: ClassVar[str] = "not_quiet"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "They can be asked once in five minutes, when they have not written for five minutes."


@dataclass(frozen=True, slots=True)
class Quiet:
    """`since` is the advisor's last word, which has no answer; `nudged_at` is when they were asked after it."""

    since: datetime
    nudged_at: datetime | None

    def minutes(self, now: datetime) -> int:
        return (now - self.since) // timedelta(minutes=1)

    def may_nudge(self, now: datetime) -> bool:
        return now - self.since >= QUIET_AFTER and (self.nudged_at is None or now - self.nudged_at >= NUDGE_EVERY)

    def may_end(self, now: datetime) -> bool:
        return now - self.since >= END_OFFERED_AFTER


def quiet_of(found: Conversation) -> Quiet | None:
    """None while it is the advisor's turn, and for a question, whose answer is read later."""
    said, heard = found.advisor_last_at, found.visitor_last_at
    if found.status is not Status.ACTIVE or found.question_at is not None or said is None:
        return None
    if heard is not None and heard >= said:
        return None
    nudged = found.nudged_at if found.nudged_at is not None and found.nudged_at >= said else None
    return Quiet(said, nudged)


class Nudges:
    def __init__(self, db: Database, log: Log, clock: Clock) -> None:
        self._db = db
        self._log = log
        self._clock = clock

    async def nudge(self, found: Conversation, person: SignedIn) -> None:
        """Ask the visitor, in a line of the service's own. Raises Ended, AssignmentLost, NotQuiet."""
        now = self._clock()
        columns = conversation.c
        query = select(columns.status, columns.advisor_id, columns.nudged_at, columns.visitor_last_at)
        async with self._db.write() as connection:
            row = (await connection.execute(query.where(columns.id == found.id).with_for_update())).one()
            if row.status != Status.ACTIVE:
                raise Ended
            if row.advisor_id != person.account_id:
                raise AssignmentLost
            quiet = quiet_of(found)
            has_answered = row.visitor_last_at is not None and row.visitor_last_at != found.visitor_last_at
            is_asked = row.nudged_at is not None and now - row.nudged_at < NUDGE_EVERY
            if quiet is None or has_answered or is_asked or not quiet.may_nudge(now):
                raise NotQuiet
            await connection.execute(update(conversation).where(columns.id == found.id).values(nudged_at=now))
            asked = Entry(Kind.MESSAGE, SYSTEM_AUTHOR, STILL_THERE, {"nudge": True})
            events = await self._log.append(connection, found.id, asked)
        self._log.announce(events)
