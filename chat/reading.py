"""Read marks: how far each side has read. They only move forward, are shown at once and stored a moment later.

A mark is a courtesy, not a promise: many are gathered into one write, and what a crash loses is set by the next.
"""

import asyncio
from dataclasses import dataclass

from sqlalchemy import bindparam, update

from chat.fanout import Fanout
from chat.passing import Passing
from chat.tables import conversation
from chat.viewer import Head, Viewer
from chat.words import Side
from core.db import Database
from core.errors import Unavailable
from core.troubles import troubles

GATHER_S = 0.3


@dataclass(frozen=True, slots=True)
class Mark:
    """How far somebody has read."""

    seq: int
    viewer: Viewer


class ReadMarks:
    def __init__(self, db: Database, fanout: Fanout, passing: Passing) -> None:
        self._db = db
        self._fanout = fanout
        self._passing = passing
        self._moved: dict[tuple[int, Side], Mark] = {}
        self._wake = asyncio.Event()

    def moved(self, head: Head, viewer: Viewer, seq: int) -> None:
        """This side has read up to `seq`; beyond what there is counts as all. Of a colleague on the side nobody is told."""
        if head.is_aside:
            return
        side = viewer.side
        seq = min(seq, max(self._fanout.top(head.id), head.last_seq))
        waiting = self._moved.get((head.id, side))
        if seq <= max(head.read_by(side), self._passing.mark(head.id, side), waiting.seq if waiting else 0):
            return
        self._moved[head.id, side] = Mark(seq, viewer)
        self._wake.set()
        self._passing.read(head.id, viewer, seq)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            moved, self._moved = self._moved, {}
            try:
                await self._store(moved)
            except Unavailable:
                troubles.note("read_marks_not_stored", count=len(moved))
                self._moved = moved | self._moved
                self._wake.set()
            else:
                # Once more, for whoever came since: too late for the first time, too early to find it stored.
                for (conversation_id, _), mark in moved.items():
                    self._passing.read(conversation_id, mark.viewer, mark.seq)

    async def _store(self, moved: dict[tuple[int, Side], Mark]) -> None:
        async with self._db.write() as connection:
            for side, column in (
                (Side.VISITOR, conversation.c.visitor_read),
                (Side.ADVISOR, conversation.c.advisor_read),
            ):
                marks = [{"of": one, "seq": moved[one, whose].seq} for one, whose in sorted(moved) if whose is side]
                if marks:
                    forward = update(conversation).where(
                        conversation.c.id == bindparam("of"), column < bindparam("seq")
                    )
                    await connection.execute(forward.values({column: bindparam("seq")}), marks)
