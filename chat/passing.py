"""What passes and is never stored: that somebody types, and how far they have read.

It goes to every process without a name; each that follows the conversation knows what its authors are called, or looks
it up in the log.
"""

import asyncio
import time
from collections import OrderedDict

from chat.fanout import Fanout, Feed
from chat.frames import frame
from chat.log import Log
from chat.viewer import Head, Viewer
from chat.words import Side
from core.errors import NotFound, Unavailable
from core.signals import Hint, Signals
from core.troubles import troubles

TYPING_EVERY_S = 1.0


class Passing:
    """Of all conversations that sessions of this process follow. `run` looks up names until cancelled."""

    def __init__(self, log: Log, fanout: Fanout, signals: Signals) -> None:
        self._log = log
        self._fanout = fanout
        self._signals = signals
        self._typed: OrderedDict[tuple[int, str], float] = OrderedDict()
        self._nameless: dict[tuple[int, str, str], Hint] = {}
        """What passed of authors whose names are not known here yet, the newest of a kind."""
        self._wake = asyncio.Event()
        signals.on("passing", self._hinted)

    def typing(self, head: Head, viewer: Viewer) -> None:
        """To everybody else in the conversation, at most once a second for each who types; not of a colleague on the side."""
        if head.is_aside:
            return
        now, who = time.monotonic(), (head.id, viewer.key)
        while self._typed and now - next(iter(self._typed.values())) >= TYPING_EVERY_S:
            self._typed.popitem(last=False)
        if who not in self._typed:
            self._typed[who] = now
            self._pass_on(head.id, "typing", viewer)

    def read(self, conversation_id: int, viewer: Viewer, seq: int) -> None:
        """A read mark, to everybody else in the conversation."""
        self._pass_on(conversation_id, "read", viewer, seq)

    def mark(self, conversation_id: int, side: Side) -> int:
        """How far this side is known to have read; 0 when nobody here follows the conversation."""
        feed = self._fanout.feed(conversation_id)
        return feed.marks[side][0] if feed and side in feed.marks else 0

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            nameless, self._nameless = self._nameless, {}
            try:
                for (conversation_id, _, key), hint in nameless.items():
                    if (feed := self._fanout.feed(conversation_id)) is not None:
                        await self._name(feed, conversation_id, key)
                        self._hinted(hint)
            except (Unavailable, NotFound):
                # The next key or mark asks again.
                troubles.note("names_not_read")

    async def _name(self, feed: Feed, conversation_id: int, key: str) -> None:
        if key not in feed.names:
            feed.names |= await self._log.names(conversation_id)
            feed.names.setdefault(key, "")

    def _pass_on(self, conversation_id: int, what: str, viewer: Viewer, seq: int = 0) -> None:
        if (feed := self._fanout.feed(conversation_id)) is not None:
            feed.names.setdefault(viewer.key, viewer.name)
        values = conversation_id, what, viewer.side, viewer.key, seq
        self._hinted(["passing", *values])
        self._signals.send("passing", *values)

    def _hinted(self, hint: Hint) -> None:
        _, conversation_id, what, side, key, seq = hint
        feed = self._fanout.feed(conversation_id)
        if feed is None:
            return
        if key not in feed.names:
            self._nameless[conversation_id, what, key] = hint
            self._wake.set()
            return
        if what == "read":
            if seq <= self.mark(conversation_id, side):
                return
            feed.marks[side] = seq, key
            text = feed.read_frame(side)
        else:
            text = frame(what, conversation=feed.reference, author={"kind": side, "name": feed.names[key]})
        self._fanout.push(conversation_id, f"{what}:{side}", text, but=key)
