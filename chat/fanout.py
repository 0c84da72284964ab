"""Fan-out: which live sessions of this process want which conversation, and how they learn that it moved.

There is no queue of messages per session: a commit or a hint marks sessions dirty, and each reads what lies after its
own cursor, from the last events kept here or from the database. A lost hint is repaired by the poll: every second, or
every four while hints are known to arrive, the numbers of all conversations with sessions are compared, and desks look
which conversations are theirs: whoever handed one over may have died before it could say so.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chat.events import Event, event_frame, hidden_frame
from chat.frames import frame
from chat.log import Log
from chat.viewer import Head
from chat.words import Kind, Side
from core.ending import together
from core.errors import Unavailable
from core.signals import POLLS_WHILE_HEALTHY, Hint, Signals
from core.troubles import troubles

if TYPE_CHECKING:
    from chat.session import Session

MOST_RECENT = 64
POLL_S = 1.0
VISITORS_LOOK_EVERY = 4
"""In seconds while hints are lost: whether somebody took the conversation up on another device."""
VISITORS_LOOK_WHILE_HEALTHY = 64
"""In polls, each time another part of them: a look of all at once would make everybody wait."""

GOING_AWAY, POSITION_LOST = 1012, 4002

BACK_PER_SECOND = 1_000
"""As many as one process takes over without making others wait (docs/performance.md, `connections`)."""
LEAST_SPREAD_MS, MOST_SPREAD_MS = 500, 3_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """One event as text, once for staff and once for the visitor."""

    seq: int
    staff: str
    visitor: str
    ends: bool


@dataclass(slots=True)
class Feed:
    """What this process knows of one conversation that it holds sessions of."""

    reference: str
    top: int
    recent: list[Rendered] = field(default_factory=list)
    """The last events, 64 at most; a list, since an empty deque takes ten times its memory."""
    sessions: "set[Session]" = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    """What the authors seen so far are called, so that no name has to travel with a hint."""
    marks: dict[str, tuple[int, str]] = field(default_factory=dict)
    """How far each side is known here to have read, and by whom: (number, author key)."""

    def render(self, event: Event) -> Rendered:
        self.names[event.author.key] = event.author.name
        if event.kind is Kind.REDACTED:
            # What is kept here may still hold the text.
            self.recent.clear()
        staff = event_frame(self.reference, event)
        visitor = hidden_frame(self.reference, event.seq) if event.hidden_from_visitor else staff
        # An advisor who leaves was brought in and goes; the conversation goes on.
        left = event.kind is Kind.LEFT and event.author.kind is not Side.ADVISOR
        return Rendered(event.seq, staff, visitor, ends=left or event.kind is Kind.ENDED)

    def read_frame(self, side: str) -> str:
        """What tells of a side's mark."""
        seq, key = self.marks[side]
        return frame("read", conversation=self.reference, author={"kind": side, "name": self.names[key]}, seq=seq)


class Fanout:
    """All live sessions of this process. `run` keeps them fed until cancelled."""

    def __init__(self, log: Log, signals: Signals) -> None:
        self._log = log
        self._signals = signals
        self._feeds: dict[int, Feed] = {}
        self._sessions: set[Session] = set()
        self._staff: set[Session] = set()
        self._wanted: dict[int, int] = {}
        self._wake = asyncio.Event()
        self._recheck_all = False
        self._is_behind = False
        """The database could not be asked when it should have been: the next poll looks, healthy hints or not."""
        self.withdrawals = 0
        """How often somebody was heard to have lost access to something: who asked before and is told after asks again."""
        self._spread_ms = LEAST_SPREAD_MS
        self.is_draining = False
        self._left = asyncio.Event()
        log.on_stored(self._stored_here)
        signals.on("event", self._hinted)
        signals.on("account", self._account_hinted)
        signals.on("access", self._access_hinted)
        signals.on_gap(self._missed_hints)

    # Sessions come and go.

    def enter(self, session: "Session") -> None:
        self._sessions.add(session)
        if session.viewer.side is Side.ADVISOR:
            self._staff.add(session)
        if self.is_draining:
            self._dismiss(session)

    def leave(self, session: "Session") -> None:
        self._sessions.discard(session)
        self._staff.discard(session)
        self._left.set()
        session.ask_no_more()
        for conversation_id in list(session.cursors):
            self.unsubscribe(session, conversation_id)

    def subscribe(self, session: "Session", head: Head) -> None:
        """From now on the session is told when the conversation moves. Subscribe first, then read: nothing falls between.

        Only marks are not read after `head`: those that have moved since are told at once.
        """
        feed = self._feeds.get(head.id)
        if feed is None:
            feed = self._feeds[head.id] = Feed(head.reference, head.last_seq)
        if head.last_seq > feed.top:
            self._move(head.id, feed, head.last_seq)
        feed.sessions.add(session)
        for side, (seq, key) in feed.marks.items():
            if seq > head.read_by(side) and key != session.viewer.key:
                session.offer(f"read:{side}:{head.id}", feed.read_frame(side))

    def unsubscribe(self, session: "Session", conversation_id: int) -> None:
        feed = self._feeds.get(conversation_id)
        if feed is not None:
            feed.sessions.discard(session)
            if not feed.sessions:
                del self._feeds[conversation_id]

    def sessions(self) -> "list[Session]":
        return list(self._sessions)

    def staff(self) -> "list[Session]":
        return list(self._staff)

    def waiting_for(self, conversation_ids: Iterable[int]) -> set[int]:
        """Those of these conversations that have a session here."""
        return {known for known in conversation_ids if known in self._feeds}

    def sessions_of(self, conversation_id: int, side: Side) -> "list[Session]":
        """Those of this side that look at the conversation here."""
        feed = self._feeds.get(conversation_id)
        return [session for session in feed.sessions if session.viewer.side is side] if feed else []

    def feed(self, conversation_id: int) -> Feed | None:
        """What is known here of a conversation that a session here follows."""
        return self._feeds.get(conversation_id)

    # What a session reads.

    def top(self, conversation_id: int) -> int:
        feed = self._feeds.get(conversation_id)
        return feed.top if feed else 0

    def recent(self, conversation_id: int, cursor: int) -> Sequence[Rendered] | None:
        """The next events after `cursor` from what is kept here; None when only the log knows them."""
        feed = self._feeds.get(conversation_id)
        if feed is None or cursor >= feed.top:
            return ()
        kept = feed.recent
        if not kept or not kept[0].seq <= cursor + 1 <= kept[-1].seq:
            return None
        return [kept[place] for place in range(cursor + 1 - kept[0].seq, len(kept))]

    async def after(self, conversation_id: int, cursor: int) -> Sequence[Rendered]:
        """The next events after `cursor`, without a gap; empty when there is none."""
        kept = self.recent(conversation_id, cursor)
        if kept is not None:
            return kept
        feed = self._feeds[conversation_id]
        return [feed.render(event) for event in await self._log.read_page(conversation_id, cursor)]

    async def read_through(self, conversation_id: int, cursor: int) -> Sequence[Rendered]:
        """The next events from the database itself: what a session that has just come must see, hinted or not."""
        events = await self._log.read_page(conversation_id, cursor)
        feed = self._feeds.get(conversation_id)
        if feed is None:
            return ()
        if events and events[-1].seq > feed.top:
            self._move(conversation_id, feed, events[-1].seq)
        return [feed.render(event) for event in events]

    # What moves a conversation.

    def _stored_here(self, events: Sequence[Event]) -> None:
        moved: dict[int, tuple[int, int]] = {}
        for event in events:
            first, _ = moved.get(event.conversation_id, (event.seq, 0))
            moved[event.conversation_id] = (first, event.seq)
        for conversation_id, (first, last) in moved.items():
            self._signals.send("event", conversation_id, first, last)
        # In the next turn, so that the hint goes out before, and whoever said it finds event and receipt in one piece.
        asyncio.get_running_loop().call_soon(self._keep, events)

    def _keep(self, events: Sequence[Event]) -> None:
        """Render what somebody here listens to, and wake them."""
        for event in events:
            feed = self._feeds.get(event.conversation_id)
            if feed is None:
                continue
            if not feed.recent or feed.recent[-1].seq + 1 == event.seq:
                feed.recent.append(feed.render(event))
                if len(feed.recent) > MOST_RECENT:
                    del feed.recent[0]
            elif event.seq > feed.recent[-1].seq:
                feed.recent.clear()
                feed.recent.append(feed.render(event))
            self._move(event.conversation_id, feed, event.seq)

    def _move(self, conversation_id: int, feed: Feed, top: int) -> None:
        feed.top = max(feed.top, top)
        for session in feed.sessions:
            session.touch(conversation_id)

    def _hinted(self, hint: Hint) -> None:
        _, conversation_id, _, last = hint
        feed = self._feeds.get(conversation_id)
        if feed is not None and last > feed.top:
            self._wanted[conversation_id] = last
            self._wake.set()

    def _missed_hints(self) -> None:
        self._recheck_all = True
        self._wake.set()
        for session in self._sessions:
            session.look_again()

    def _look_again(self, count: int) -> None:
        """Without a hint, a conversation may have come to a desk or left it, or been taken up on another device."""
        for session in self._staff:
            session.look_again()
        if self._signals.healthy:
            turn = count // POLLS_WHILE_HEALTHY % VISITORS_LOOK_WHILE_HEALTHY
            looking = [one for one in self._sessions if hash(one) % VISITORS_LOOK_WHILE_HEALTHY == turn]
        else:
            looking = [*self._sessions] if count % VISITORS_LOOK_EVERY == 0 else []
        for session in looking:
            session.look_again()

    async def run(self) -> None:
        await together(self._fetch_hinted, self._poll)

    async def _fetch_hinted(self) -> None:
        """Read what hints told of, all conversations in one query; while it runs the next hints gather."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                if self._recheck_all:
                    self._recheck_all = False
                    await self._compare_tops()
                wanted, self._wanted = self._wanted, {}
                cursors = {
                    one: feed.top
                    for one in wanted
                    if (feed := self._feeds.get(one)) is not None and wanted[one] > feed.top
                }
                if cursors:
                    found = await self._log.read_many(cursors, news=True)
                    for events in found.values():
                        self._keep(events)
                    # What a page did not hold is read next; what is not there at all is left to the poll.
                    for one in found.keys() & self._feeds.keys():
                        self._hinted(["event", one, 0, wanted[one]])
            except Unavailable:
                self._is_behind = True
                troubles.note("hinted_events_not_read")

    async def _poll(self) -> None:
        """Repair what hints missed, whether Redis is there or not."""
        count = 0
        while True:
            await asyncio.sleep(POLL_S)
            count += 1
            if self._sessions and (self._is_behind or not self._signals.healthy or count % POLLS_WHILE_HEALTHY == 0):
                try:
                    self._is_behind = False
                    self._look_again(count)
                    await self._compare_tops()
                except Unavailable:
                    self._is_behind = True
                    troubles.note("poll_failed")

    async def _compare_tops(self) -> None:
        before = {one: feed.top for one, feed in self._feeds.items()}
        if not before:
            return
        tops = await self._log.tops(list(before))
        for conversation_id, known in before.items():
            feed, top = self._feeds.get(conversation_id), tops.get(conversation_id, 0)
            if feed is not None and top > feed.top:
                self._move(conversation_id, feed, top)
            elif feed is not None and top < known:
                # The database is older than what was sent from it: it was put back from a backup.
                feed.top = top
                feed.recent.clear()
                for session in feed.sessions:
                    session.close(POSITION_LOST)

    # What is never stored. The newest of a kind replaces the one before.

    def push(
        self, conversation_id: int, slot: str, text: str, *, to: Side | None = None, but: str | None = None
    ) -> None:
        """Give a frame to this process's sessions of a conversation: to one side, or to all but one author."""
        feed = self._feeds.get(conversation_id)
        for session in list(feed.sessions) if feed else ():
            if (to is None or session.viewer.side is to) and session.viewer.key != but:
                session.offer(f"{slot}:{conversation_id}", text)

    # What an account may see changed.

    def account_changed(self, account_id: str) -> None:
        """An account gained or lost a conversation: its sessions look again, here and elsewhere."""
        self._account_hinted(["account", account_id])
        self._signals.send("account", account_id)

    def _account_hinted(self, hint: Hint) -> None:
        for session in self._staff:
            if session.viewer.key == hint[1]:
                session.look_again()

    def access_changed(self, conversation_id: int) -> None:
        """Who may see this conversation changed: its sessions look again, here and elsewhere."""
        self._access_hinted(["access", conversation_id])
        self._signals.send("access", conversation_id)

    def _access_hinted(self, hint: Hint) -> None:
        self.withdrawals += 1
        if (feed := self._feeds.get(hint[1])) is not None:
            for session in feed.sessions:
                session.look_again()

    async def close_unless(self, live: Callable[[set[str]], Awaitable[set[str]]]) -> None:
        """Close the sessions of staff whose sign-in has ended. `live` answers which of these tokens still hold."""
        if tokens := {session.viewer.token for session in self._staff}:
            # Who comes while it is asked was asked for at the door, and is not among those who are gone.
            gone = tokens - await live(tokens)
            for session in self.staff():
                if session.viewer.token in gone:
                    session.close(4100)

    async def drain(self) -> None:
        """This process is going away: say when to come back, and close."""
        self.is_draining, self._spread_ms = True, spread_ms(len(self._sessions))
        started = time.monotonic()
        everybody = self.sessions()
        for number, session in enumerate(everybody):
            self._dismiss(session)
            if number % 100 == 99 and time.monotonic() - started < 2:
                # Those who were told get their turn to be written to.
                await asyncio.sleep(0)
        async with asyncio.timeout(3):
            while self._sessions:
                self._left.clear()
                await self._left.wait()

    def _dismiss(self, session: "Session") -> None:
        session.offer("reconnect", frame("reconnect", after_ms=random.randrange(self._spread_ms)))
        session.close(GOING_AWAY)


def spread_ms(sessions: int) -> int:
    """The time over which these come back elsewhere. No longer than their number needs: the next process may go soon after."""
    return min(max(LEAST_SPREAD_MS, 1_000 * sessions // BACK_PER_SECOND), MOST_SPREAD_MS)
