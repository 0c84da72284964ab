"""What the workspace shows around one conversation: colleagues who could be asked, who is in it, its quiet, saved replies.

Reads only.
"""

from typing import Any

from sqlalchemy import select

from chat.conversations import Conversation
from chat.tables import participant
from chat.words import Status
from core.clock import Clock
from core.db import Database
from core.people import SignedIn
from triage import words
from triage.invitations import Guest, Invitations, Purpose
from triage.quiet import quiet_of
from triage.replies import Replies
from triage.transfers import Colleague, Transfers

ASKED_TO = {Purpose.CONSULT: "to advise you", Purpose.JOIN: "to join the conversation"}
PARTS = {"joined": "has joined", "consulted": "reads along and writes notes", "invited": "is asked to come"}


class Company:
    def __init__(
        self, db: Database, transfers: Transfers, invitations: Invitations, replies: Replies, clock: Clock
    ) -> None:
        self._db = db
        self._transfers = transfers
        self._invitations = invitations
        self._replies = replies
        self._clock = clock

    async def invitations_to(self, person: SignedIn) -> list[dict[str, Any]]:
        """What they are asked to come to."""
        return [
            {"reference": one.reference, "name": one.name, "purpose": one.purpose, "at": one.made_at}
            for one in await self._invitations.of(person.account_id)
        ]

    async def part_of(self, person: SignedIn, found: Conversation) -> str:
        """advisor, joined or consulted; empty for whoever may not write anything any longer."""
        if found.status is not Status.ACTIVE:
            return ""
        if found.advisor_id == person.account_id:
            return "advisor"
        query = (
            select(participant.c.part)
            .where(participant.c.conversation_id == found.id, participant.c.account_id == person.account_id)
            .where(participant.c.until.is_(None))
        )
        async with self._db.read() as connection:
            return (await connection.execute(query.limit(1))).scalar_one_or_none() or ""

    async def around(self, person: SignedIn, found: Conversation, part: str) -> dict[str, Any]:
        guests = await self._invitations.guests(found.id)
        is_advisor = part == "advisor"
        return {
            "guests": [_guest(one) for one in guests],
            "colleagues": await self._colleagues(person, guests) if is_advisor else [],
            "urgencies": list(words.URGENCIES.items()),
            "quiet": self._quiet(found) if is_advisor else None,
            "replies": await self._replies_for(person, found) if part in ("advisor", "joined") else [],
        }

    async def _colleagues(self, person: SignedIn, guests: Any) -> list[dict[str, Any]]:
        """Who could take over: a colleague who is in it already stands first."""
        here = {one.account_id for one in guests if one.part == "joined"}
        present = await self._transfers.colleagues(person.account_id)
        listed = [_colleague(one, is_here=one.account_id in here) for one in present]
        return sorted(listed, key=lambda one: not one["is_here"])

    def _quiet(self, found: Conversation) -> dict[str, Any] | None:
        """The server draws it when it is due; a script goes on counting from `since`."""
        quiet, now = quiet_of(found), self._clock()
        if quiet is None:
            return None
        return {
            "since": quiet.since,
            "minutes": quiet.minutes(now),
            "nudged_at": quiet.nudged_at,
            "may_nudge": quiet.may_nudge(now),
            "may_end": quiet.may_end(now),
        }

    async def _replies_for(self, person: SignedIn, found: Conversation) -> list[dict[str, str]]:
        replies = await self._replies.filled(person, found)
        return [{"shortcut": one.shortcut, "title": one.name, "text": one.text} for one in replies]


def _guest(one: Guest) -> dict[str, Any]:
    return {"id": one.account_id, "name": one.name, "part": one.part, "words": PARTS[one.part]}


def _colleague(one: Colleague, *, is_here: bool) -> dict[str, Any]:
    room = f"room for {one.room}" if one.room else "no room"
    state = words.PRESENCES[one.presence].lower()
    return {
        "id": one.account_id,
        "name": one.name,
        "words": f"takes over: has joined, {room}" if is_here else f"{state}, {room}",
        "has_room": one.room > 0,
        "is_here": is_here,
    }
