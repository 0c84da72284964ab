"""Suggestions while people talk: after each message, the three articles that fit, to whoever looks at that desk.

Each process serves its own sessions. Messages that arrive while suggestions are being made are taken together next time,
so that a burst costs one look and nothing queues up.
"""

import asyncio
from collections.abc import Sequence

import structlog

from chat.conversations import Conversations
from chat.events import Event
from chat.fanout import Fanout
from chat.frames import frame
from chat.log import Log
from chat.words import Kind, Side, Status
from core.errors import NotFound, Unavailable
from core.signals import Hint, Signals
from triage.guidance import Guidance

logger = structlog.get_logger()

MOST_EVENTS = 500
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
            for conversation_id in self._fanout.waiting_for(moved):
                try:
                    await self._suggest(conversation_id)
                except (NotFound, Unavailable):
                    logger.warning("not_suggested", conversation=conversation_id)

    async def _suggest(self, conversation_id: int) -> None:
        found = await self._conversations.by_id(conversation_id)
        if found is None or not found.is_open:
            return
        events = await self._log.read(conversation_id, limit=MOST_EVENTS)
        if found.status is Status.ACTIVE:
            articles, side = await self._guidance.for_desk(found, events), Side.ADVISOR
        else:
            articles, side = await self._guidance.for_visitor(found, events), Side.VISITOR
        text = frame("suggestions", conversation=found.reference, articles=[one.as_frame() for one in articles])
        self._fanout.push(conversation_id, "suggestions", text, to=side)
