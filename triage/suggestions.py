"""Suggestions while people talk: after each message, the three articles that fit, to whoever looks at that desk.

Each process serves its own sessions. Messages that arrive while suggestions are being made are taken together next time,
so that a burst costs one look and nothing queues up.
"""

import asyncio
import time
from collections.abc import Sequence

from chat.conversations import Conversations
from chat.events import Event
from chat.fanout import Fanout
from chat.frames import frame
from chat.log import Log
from chat.words import Kind, Side, Status
from core.errors import NotFound, Unavailable
from core.signals import Hint, Signals
from core.troubles import troubles
from triage.guidance import Guidance

LAST_EVENTS = 40
RESTS = 99
CHANGES_SUGGESTIONS = frozenset({Kind.MESSAGE, Kind.ARTICLE, Kind.JOINED})


class Suggestions:
    """`run` follows the conversations that have sessions here until cancelled."""

    def __init__(
        self, log: Log, fanout: Fanout, signals: Signals, conversations: Conversations, guidance: Guidance
    ) -> None:
        self._log = log
        self._fanout = fanout
        self._conversations = conversations
        self._guidance = guidance
        self._moved: set[int] = set()
        self._wake = asyncio.Event()
        log.on_stored(self._stored_here)
        signals.on("event", self._hinted)

    def changed(self, conversation_id: int) -> None:
        self._moved.add(conversation_id)
        self._wake.set()

    def _stored_here(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind in CHANGES_SUGGESTIONS:
                self.changed(event.conversation_id)

    def _hinted(self, hint: Hint) -> None:
        self.changed(hint[1])

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            moved, self._moved = self._moved, set()
            for conversation_id in filter(self._has_readers, self._fanout.waiting_for(moved)):
                began = time.monotonic()
                try:
                    await self._suggest(conversation_id)
                except (NotFound, Unavailable):
                    troubles.note("not_suggested", conversation=conversation_id)
                # Messages come first: however many there are, suggesting takes a hundredth of the time at most.
                await asyncio.sleep((time.monotonic() - began) * RESTS)

    def _has_readers(self, conversation_id: int) -> bool:
        """Whether somebody here may be shown suggestions, as far as is known without asking the database."""
        if self._fanout.sessions_of(conversation_id, Side.ADVISOR):
            return True
        return self._log.believed_status(conversation_id) != Status.ACTIVE

    async def _suggest(self, conversation_id: int) -> None:
        found = await self._conversations.by_id(conversation_id)
        if found is None or not found.is_open:
            return
        side = Side.ADVISOR if found.status is Status.ACTIVE else Side.VISITOR
        if not self._fanout.sessions_of(conversation_id, side):
            return
        events = await self._log.read(conversation_id, max(0, found.last_seq - LAST_EVENTS))
        if events and events[0].seq > 1:
            # The question that began it all stays part of what is suggested for.
            events = await self._log.read(conversation_id, limit=1) + events
        suggest = self._guidance.for_desk if side is Side.ADVISOR else self._guidance.for_visitor
        articles = await suggest(found, events)
        text = frame("suggestions", conversation=found.reference, articles=[one.as_frame() for one in articles])
        self._fanout.push(conversation_id, "suggestions", text, to=side)
