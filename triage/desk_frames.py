"""What a desk is told of itself: the offer that is held out to it, that it ended, and notices.

Hints tell when to look; every four seconds this process looks anyway, every second while hints do not arrive, for the
accounts whose desks are open here, and when a desk has just come. What is sent is always what the database holds.
"""

import asyncio
from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

from chat.fanout import Fanout
from chat.frames import frame
from chat.session import Session
from core.db import Database
from core.errors import Unavailable
from core.signals import Hint, Signals
from core.troubles import troubles
from triage import notices, offers
from triage.notices import Notice, read_unseen
from triage.offers import Offered, read_open, read_outcomes

POLL_S = 1.0
LEAST_GAP_S = 0.05
"""Hints that come together are one look."""


class DeskFrames:
    """`run` keeps the desks of this process told until cancelled."""

    def __init__(self, db: Database, fanout: Fanout, signals: Signals) -> None:
        self._db = db
        self._fanout = fanout
        self._signals = signals
        self._held_out: WeakKeyDictionary[Session, Offered] = WeakKeyDictionary()
        self._noticed: WeakKeyDictionary[Session, tuple[int, ...]] = WeakKeyDictionary()
        self._wake = asyncio.Event()
        for topic in (offers.TOPIC, notices.TOPIC):
            signals.on(topic, self._hinted)
        signals.on_gap(self._wake.set)

    def look(self) -> None:
        """Something changed on this process."""
        self._wake.set()

    def _hinted(self, hint: Hint) -> None:
        self._wake.set()

    async def run(self) -> None:
        while True:
            try:
                await self.tell()
            except Unavailable:
                troubles.note("desks_not_told")
            await asyncio.sleep(LEAST_GAP_S)
            await self._signals.rest(self._wake, POLL_S)

    async def tell(self) -> None:
        """Look once, and give each desk what it does not have yet."""
        self._wake.clear()
        desks = self._fanout.staff()
        if not desks:
            return
        accounts = {one.viewer.key for one in desks}
        async with self._db.read() as connection:
            open_now = await read_open(connection, accounts)
            over = {held.id for held in self._held_out.values()} - {held.id for held in open_now.values()}
            outcomes = await read_outcomes(connection, over) if over else {}
            unseen = await read_unseen(connection, accounts)
        for desk in desks:
            self._tell_offer(desk, open_now.get(desk.viewer.key), outcomes)
            self._tell_notices(desk, unseen.get(desk.viewer.key, ()))

    def _tell_offer(self, desk: Session, now: Offered | None, outcomes: Mapping[int, str]) -> None:
        before = self._held_out.get(desk)
        if before is not None and (now is None or now.id != before.id):
            del self._held_out[desk]
            outcome = outcomes.get(before.id, offers.Outcome.WITHDRAWN)
            ended = frame("offer_ended", conversation=before.reference, outcome=outcome)
            desk.offer(f"offer_ended:{before.id}", ended)
        if now is not None and (before is None or now.id != before.id):
            self._held_out[desk] = now
            desk.offer("offer", now.as_frame())

    def _tell_notices(self, desk: Session, unseen: Sequence[Notice]) -> None:
        numbers = tuple(one.id for one in unseen)
        if self._noticed.get(desk, ()) != numbers:
            self._noticed[desk] = numbers
            desk.offer("notice", frame("notice", notices=[one.as_frame() for one in unseen]))
