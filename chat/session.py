"""One live connection, whatever carries it: what it has seen, what it is owed.

A session holds a cursor for each conversation and yields frames: events in order after the cursor, the newest of each
passing thing, heartbeats. Socket, stream and poll all carry the same session, so all keep the same promises.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence, Set
from functools import partial
from typing import Any, TypeVar

from chat.asking import LetGo, NotYet, Questions
from chat.fanout import POSITION_LOST, Fanout, Rendered
from chat.frames import MOST_ID_CHARACTERS, Hello, frame
from chat.references import parse_reference
from chat.viewer import Head, Viewer
from chat.words import Side
from core.errors import NotFound, Refusal
from core.waking import Wake
from core.wheel import later

HEARTBEAT_S = 25
MOST_REPLIES = 64
MOST_OTHERS = MOST_REPLIES // 2
"""Of the conversations that a hello names beside those that its viewer has, so many are looked for and answered."""
NOT_YOURS, IT_IS_OVER = 4104, 4105
LOST = "This conversation is no longer with you."
MOST_TAKEN, MOST_TAKEN_CHARACTERS = 200, 64 * 1024
"""Of the frames, and of all their characters, that wait at a time for a client to read them."""
LOOK_AGAIN_S = 5.0
LOOK = 0
"""The question which conversations there are, among those about one conversation, which go by its id."""

T = TypeVar("T")


class TooSlow(Exception):
    """The client leaves too many answers unread."""


class Session:
    def __init__(self, fanout: Fanout, viewer: Viewer, epoch: str) -> None:
        self.viewer = viewer
        self.cursors: dict[int, int] = {}
        self.tab: str | None = None
        self.owner = viewer.key
        """Who this is, unlike any other: the account, or the conversation of a visitor."""
        self.close_code: int | None = None
        self.is_watched = False
        """It ends when nothing is heard any more, as a socket does; of a stream or a poll nothing is heard while it is open."""
        self.went_silent = False
        """It ended because nothing was heard any more, not because it was closed."""
        self._fanout = fanout
        self._epoch = epoch
        self._heads: dict[int, Head] = {}
        self._told: dict[int, bool] = {}
        self._dirty: set[int] = set()
        self._slots: dict[str, str] = {}
        self._replies: list[str] = []
        self._taken: dict[int, tuple[int, int]] = {}
        """Which of the frames that were taken last are events: (conversation, number) by their place."""
        self._shown: dict[int, int] | None = None
        """How far the client has seen, while it is given frame by frame what was taken at once."""
        self._looks_wanted = self._looks_begun = self._looks_done = 0
        self._over: set[int] = set()
        self._is_greeted = False
        self._unhurried = 0
        """So many of the replies answer a hello and nothing else: they go out with what is read then, in one piece."""
        self._held = 0
        self._room = 0
        self._wake = Wake()
        self._questions = Questions(self._wake)

    # What others tell the session. None of these wait.

    def touch(self, conversation_id: int) -> None:
        self._dirty.add(conversation_id)
        self._wake.set()

    def offer(self, slot: str, text: str) -> None:
        """A passing frame; a newer one in the same slot replaces it unsent."""
        self._slots[slot] = text
        self._wake.set()

    def reply(self, text: str) -> None:
        if len(self._replies) >= MOST_REPLIES:
            raise TooSlow
        self._replies.append(text)
        self._wake.set()

    def look_again(self) -> None:
        """The conversations that this viewer may see may have changed."""
        self._looks_wanted += 1
        self._wake.set()

    def close(self, code: int) -> None:
        """Send what is owed in passing, then end with this code."""
        self.close_code = self.close_code or code
        self._wake.set()

    def ask_no_more(self) -> None:
        """Let go of what the database is being asked."""
        self._questions.let_go_of_all()

    # What the client asks.

    def find(self, reference: str) -> Head:
        """The conversation of this name, if this session may see it."""
        for head in self._heads.values():
            # As the server writes it, which programs repeat.
            if head.reference == reference:
                return head
        known = parse_reference(reference)
        for head in self._heads.values():
            if head.reference == known:
                return head
        raise NotFound

    async def find_to_write(self, reference: str) -> Head:
        """The same, and what was this viewer's once: what is sent again there gets its answer, what is new its refusal."""
        try:
            return self.find(reference)
        except NotFound:
            head = await self.viewer.once(reference) if self.viewer.once is not None else None
            if head is None:
                raise
            return head

    def know(self, heads: Sequence[Head]) -> None:
        """Be able to find these, without following them."""
        self._heads = {head.id: head for head in heads}

    def place(self) -> str:
        """Where the client is, as it may say it when it comes back."""
        seen = self.cursors if self._shown is None else self._shown
        return ",".join(f"{head.reference}:{seen.get(head.id, 0)}" for head in self._heads.values())

    async def greet(self, hello: Hello) -> None:
        """Take up the client's cursors; what it may not continue is reset, what it may not see does not exist."""
        withdrawals = self._fanout.withdrawals
        after = {parse_reference(name) or name: seq for name, seq in (hello.after or {}).items()}
        heads = await self._heads_for(after)
        if withdrawals != self._fanout.withdrawals:
            # Perhaps of one of these, which this session does not follow yet.
            self.look_again()
        self.tab = self.tab or (None if hello.tab is None else str(hello.tab))
        if self.viewer.side is Side.VISITOR and heads:
            self.owner = heads[0].reference
        same_epoch = hello.epoch is None or hello.epoch == self._epoch
        self._is_greeted = True
        # What was asked before is not gone on with: the client may have been told what there was then, or stood elsewhere.
        self.ask_no_more()
        self._dirty.clear()
        self._let_go(keep=set())
        if self.viewer.side is Side.VISITOR and not heads:
            self.close(NOT_YOURS)
            return
        is_answering = bool(self._replies)
        self.reply(self._welcome(heads))
        for head in heads:
            cursor = after.pop(head.reference, 0)
            # Known first, so that whoever leaves in the middle of this is followed by nothing.
            self._heads[head.id], self.cursors[head.id] = head, 0
            self._fanout.subscribe(self, head)
            top = self._fanout.top(head.id)
            fits = (
                isinstance(cursor, int)
                and not isinstance(cursor, bool)
                and 0 <= cursor <= top
                and (same_epoch or cursor == 0)
            )
            if not fits:
                self.reply(frame("reset", conversation=head.reference))
            self.cursors[head.id] = cursor if fits else 0
            self._told[head.id] = not fits
            if fits:
                self.touch(head.id)
            else:
                # The page is loaded again; until then nothing is sent that the client could not place.
                self._fanout.unsubscribe(self, head.id)
        for name in list(after)[:MOST_OTHERS]:
            named = {"conversation": name[:MOST_ID_CHARACTERS]}
            self.reply(frame("error", code=NotFound.code, message=NotFound.message, **named))
        self._unhurried = 0 if is_answering else len(self._replies)

    async def _heads_for(self, after: Collection[str]) -> Sequence[Head]:
        """The conversations to follow, and of those that the client followed what has ended meanwhile: to its end."""
        heads = await self.viewer.heads()
        others = {name for name in after if parse_reference(name)} - {head.reference for head in heads}
        if self.viewer.still is None or not others:
            return heads
        return [*heads, *await self.viewer.still(set(sorted(others)[:MOST_OTHERS]))]

    # What the client is sent.

    async def take(self) -> list[str]:
        """The next frames that this client is owed, in order: a page of events at most. Empty when there is none left."""
        texts: list[str] = []
        self._taken.clear()
        self._room = MOST_TAKEN_CHARACTERS
        while not texts and self.is_owed_something():
            texts += self._replies
            self._replies.clear()
            self._held, self._unhurried = (len(texts) if len(texts) == self._unhurried else 0), 0
            try:
                if self._is_looking:
                    await self._look(texts)
                if self._passes:
                    texts += self._slots.values()
                    self._slots.clear()
                while self._dirty and len(texts) < MOST_TAKEN and self._room > 0:
                    await self._catch_up(self._pop_dirty(), texts)
            except NotYet:
                continue
            except Refusal:
                if not (texts or self._replies):
                    raise
        return texts

    async def owed(self) -> AsyncIterator[str]:
        """Every frame that this client is owed now, one by one, in order; ends when there is none left."""
        while True:
            shown = dict(self.cursors)
            texts = await self.take()
            if not texts:
                return
            self._shown = shown
            for place, text in enumerate(texts):
                if place in self._taken:
                    conversation_id, seq = self._taken[place]
                    shown[conversation_id] = seq
                yield text
            self._shown = None

    async def rest(self, most_s: float) -> bool:
        """Wait until something is owed or the session closes; False when nothing happened for so long."""
        try:
            async with asyncio.timeout(most_s):
                await self.stir()
        except TimeoutError:
            return False
        return True

    async def stir(self) -> None:
        """Wait until something is owed, the session closes or is nudged."""
        if self.close_code is None and not self.is_owed_something():
            self._wake.clear()
            await self._wake.wait()

    def is_owed_something(self) -> bool:
        return bool(self._is_looking or self._replies or self._passes or self._dirty)

    def nudge(self) -> None:
        """Let whoever waits look up, though nothing is owed."""
        self._wake.set()

    def heartbeat(self) -> str:
        """What there is, so that a client that missed something notices."""
        return frame("heartbeat", last_seq={head.reference: self._fanout.top(head.id) for head in self._heads.values()})

    @property
    def _passes(self) -> bool:
        """Something in passing that may be sent: after the welcome like all else, or as the last word."""
        return bool(self._slots) and (self._is_greeted or self.close_code is not None)

    @property
    def _is_looking(self) -> bool:
        # Before the first hello it is not known what the client has: nothing is followed yet.
        return self._is_greeted and self._looks_done < self._looks_wanted

    def _pop_dirty(self) -> int:
        """The next one to catch up with: before any other the one that is being read."""
        for being_read in self._questions:
            if being_read in self._dirty:
                self._dirty.discard(being_read)
                return being_read
        return self._dirty.pop()

    async def _catch_up(self, conversation_id: int, texts: list[str]) -> None:
        """Add the next page of one conversation, and come back to it when there is more."""
        head = self._heads.get(conversation_id)
        if head is None or conversation_id not in self.cursors:
            return
        before = cursor = self.cursors[conversation_id]
        top, events = await self._next_events(conversation_id, cursor, texts)
        for_visitor = self.viewer.side is Side.VISITOR
        for one in events:
            if one.seq != cursor + 1:
                break
            cursor = one.seq
            if one.ends:
                self._over.add(conversation_id)
            self._taken[len(texts)] = (conversation_id, cursor)
            texts.append(one.visitor if for_visitor else one.staff)
            self._room -= len(texts[-1])
            if self._room <= 0:
                break
        if cursor == before < top:
            # There was more, and none of it follows what was sent: the client must begin anew.
            self.close(POSITION_LOST)
            return
        self.cursors[conversation_id] = cursor
        if cursor < self._fanout.top(conversation_id):
            self._dirty.add(conversation_id)
            return
        if not self._told[conversation_id]:
            self._told[conversation_id] = True
            texts.append(frame("caught_up", conversation=head.reference, last_seq=cursor))
        if for_visitor and (self._over or head.status not in ("waiting", "active", "question")):
            self.close(IT_IS_OVER)

    async def _next_events(
        self, conversation_id: int, cursor: int, texts: Sequence[str]
    ) -> tuple[int, Sequence[Rendered]]:
        """How far the conversation has come, and its events after `cursor`: what is kept here, or what is read."""
        if self._told[conversation_id] and conversation_id not in self._questions:
            kept = self._fanout.recent(conversation_id, cursor)
            if kept is not None:
                return self._fanout.top(conversation_id), kept
        try:
            return await self._ask(conversation_id, partial(self._read, conversation_id, cursor), texts)
        except LetGo:
            # By a hello: that begins elsewhere, or not at all.
            raise
        except (NotYet, Refusal):
            self._dirty.add(conversation_id)
            raise

    async def _read(self, conversation_id: int, cursor: int) -> tuple[int, Sequence[Rendered]]:
        # Before: by the time that it is read, more may have come, which was not to be found.
        top = self._fanout.top(conversation_id)
        read = self._fanout.after if self._told[conversation_id] else self._fanout.read_through
        return top, await read(conversation_id, cursor)

    async def _look(self, texts: list[str]) -> None:
        """Take up conversations that came, let go of those that went."""
        try:
            heads, kept = await self._ask(LOOK, self._find_heads, texts)
        except Refusal:
            # The database is away: what was visible stays until it can be asked.
            self._looks_done = self._looks_begun
            later(LOOK_AGAIN_S, self.look_again)
            return
        self._looks_done = self._looks_begun
        if self.viewer.side is Side.VISITOR and not heads:
            # The conversation was taken up on another device, or erased.
            self._let_go(keep=set())
            self.close(NOT_YOURS)
            return
        for head in self._let_go(keep=kept):
            if head.id not in self._over:
                self.offer(
                    f"lost:{head.id}", frame("error", code="assignment_lost", message=LOST, conversation=head.reference)
                )
        for head in heads:
            is_new = head.id not in self._heads
            self._heads[head.id] = head
            if is_new:
                self.cursors[head.id], self._told[head.id] = 0, False
                self._fanout.subscribe(self, head)
                self.touch(head.id)

    async def _find_heads(self) -> tuple[Sequence[Head], Set[int]]:
        """The conversations there are, and the ids of all that this viewer may go on seeing."""
        # Whatever moves from now on may not be in the answer.
        self._looks_begun = self._looks_wanted
        heads = await self.viewer.heads()
        kept = {head.id for head in heads}
        gone = self._heads.keys() - kept
        if gone and self.viewer.still is not None:
            # What has ended under this viewer's hands stays, so that its end is seen.
            kept |= {head.id for head in await self.viewer.still({self._heads[one].reference for one in gone})}
        return heads, kept

    async def _ask(self, about: int, question: Callable[[], Coroutine[Any, Any, T]], texts: Sequence[str]) -> T:
        # Not even begun while there is something to send: it would only be kept for a client that does not read.
        return await self._questions.ask(about, question, lambda: len(texts) > self._held or self._replies)

    def _let_go(self, keep: Set[int]) -> list[Head]:
        gone = [head for head in self._heads.values() if head.id not in keep]
        for head in gone:
            self._questions.let_go(head.id)
            self._fanout.unsubscribe(self, head.id)
            del self._heads[head.id]
            self.cursors.pop(head.id, None)
            self._told.pop(head.id, None)
        return gone

    def _welcome(self, heads: Sequence[Head]) -> str:
        conversations: list[dict[str, Any]] = [
            {
                "conversation": head.reference,
                "status": head.status,
                "last_seq": head.last_seq,
                "read": {"visitor": head.visitor_read, "advisor": head.advisor_read},
            }
            for head in heads
        ]
        you = {"kind": self.viewer.side, "name": self.viewer.name}
        return frame("welcome", you=you, epoch=self._epoch, conversations=conversations, heartbeat=HEARTBEAT_S)
