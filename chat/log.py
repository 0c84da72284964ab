"""The log of conversations: the only place that numbers and stores what is said.

Group commit: callers put their message into the writer's queue and wait. The writer takes all that wait, locks those
conversations, checks rights and state inside the transaction, answers ids that are known, numbers and stores the rest,
commits, and only then answers. While one commit runs the next batch gathers; nothing waits on purpose.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import structlog
from sqlalchemy import Row, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.events import Author, Entry, Event, is_of, open_event
from chat.keys import ConversationKeys
from chat.quick import AlreadyThere, Beliefs, Stretch, quick_rows
from chat.rows import LogRow, LogRows, new_row
from chat.tables import conversation, event, participant
from chat.waiting import Patience, Receipt, Waiting
from chat.words import OPEN, VISITOR, Kind, Part, Side, Status
from core.clock import Clock, to_ms
from core.contest import until_uncontested
from core.db import Database
from core.errors import AssignmentLost, Contested, Ended, IdConflict, NotAllowed, NotFound, Refusal, Unavailable
from core.gather import CROWDS_GATHER_S, Gathered

__all__ = ["Log", "OnStored", "Receipt"]

logger = structlog.get_logger()

MOST_WAITING = 2_000
MOST_IN_BATCH = 256
PAGE = 200

OnStored = Callable[[Sequence[Event]], None]


class Log:
    """One writer a process. `run` must be running for `say` to be answered."""

    def __init__(self, db: Database, keys: ConversationKeys, clock: Clock) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock
        self._rows = LogRows(db)
        self._quick = quick_rows(db)
        self._beliefs = Beliefs(keys)
        self._queue: deque[Waiting] = deque()
        self._patience = Patience()
        self._wake = asyncio.Event()
        self._on_stored: list[OnStored] = []
        self._pages = Gathered(self._read_pages, crowds_gather_s=CROWDS_GATHER_S)
        self.committed = 0
        """Messages stored by this writer since it began."""

    @property
    def waiting(self) -> int:
        """Messages that wait for the next commit."""
        return len(self._queue)

    def believed_status(self, conversation_id: int) -> str | None:
        """The status as this process last knew it; a hint of what to leave out, and never a ground to decide on."""
        belief = self._beliefs.of.get(conversation_id)
        return belief.status if belief else None

    def on_stored(self, listener: OnStored) -> None:
        """Call `listener` with the events of each commit of this process, after it."""
        self._on_stored.append(listener)

    def say(
        self, conversation_id: int, author: Author, text: str, client_id: uuid.UUID, kind: Kind = Kind.MESSAGE
    ) -> asyncio.Future[Receipt]:
        """Begin to store a message or a note; what is given first is stored first.

        The receipt means that it is committed; `Unavailable` means that it may or may not be.
        """
        if len(self._queue) >= MOST_WAITING:
            raise Unavailable
        answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        waiting = Waiting(conversation_id, Entry(kind, author, text, client_id=client_id), answer)
        self._queue.append(waiting)
        self._wake.set()
        self._patience.begin(waiting)
        return answer

    async def run(self) -> None:
        """Commit what waits until cancelled; a batch that is cut is answered by nobody and sent again by its clients."""
        # What waits since before a failure waits for nobody else to speak.
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._answer(await self._answer_quickly(self._next_batch()))

    def _next_batch(self) -> list[Waiting]:
        """What has waited longest, without what nobody waits for any more."""
        batch: list[Waiting] = []
        for _ in range(min(len(self._queue), MOST_IN_BATCH)):
            one = self._queue.popleft()
            if one.answer.done():
                self._patience.end(one)
            else:
                batch.append(one)
        return batch

    async def append(self, connection: AsyncConnection, conversation_id: int, *entries: Entry) -> list[Event]:
        """Number and store entries inside the caller's own transaction; `announce` them after its commit."""
        return await self.append_each(connection, {conversation_id: entries})

    async def append_each(
        self,
        connection: AsyncConnection,
        entries: Mapping[int, Sequence[Entry]],
        locked: Mapping[int, Row[Any]] | None = None,
    ) -> list[Event]:
        """The same for several conversations. `locked`: id, last_seq and wrapped_key of whoever has locked them already."""
        rows = await self._rows.lock(connection, sorted(entries)) if locked is None else locked
        if len(rows) != len(entries):
            raise NotFound
        events = [event for one, row in rows.items() for event in self._number(one, row.last_seq, entries[one])]
        await self._store(connection, rows, events)
        for conversation_id in entries:
            self._beliefs.drop(conversation_id)
        return events

    def announce(self, events: Sequence[Event]) -> None:
        """Tell this process's sockets, and the other processes, that these events are committed."""
        for listener in self._on_stored:
            listener(events)

    async def read(self, conversation_id: int, after: int = 0, limit: int = PAGE) -> list[Event]:
        return (await self.read_many({conversation_id: after}, limit)).get(conversation_id, [])

    async def read_page(self, conversation_id: int, after: int) -> list[Event]:
        """The next page after this cursor; asked for together with what other readers want at this moment."""
        return self._open(await self._pages.get((conversation_id, after)))

    async def read_many(
        self, cursors: dict[int, int], limit: int = PAGE, *, news: bool = False
    ) -> dict[int, list[Event]]:
        """At most `limit` events after the cursor of each conversation, in order; of an erased one, none.

        `news` is what people look at who wait for it now: it is read past all other reading.
        """
        rows = await self._read_rows(cursors, limit, news=news)
        return {one: events for one, found in rows.items() if (events := self._open(found))}

    async def _read_rows(self, cursors: dict[int, int], limit: int, *, news: bool = False) -> dict[int, list[LogRow]]:
        rows = await self._rows.after(cursors, limit, news=news)
        found: dict[int, list[LogRow]] = {}
        for row in rows:
            found.setdefault(row.conversation_id, []).append(row)
        return found

    async def _read_pages(self, wanted: list[tuple[int, int]]) -> list[list[LogRow]]:
        """Rows, still sealed: whoever asked opens them in its own turn. One cursor for each conversation a query."""
        found: dict[tuple[int, int], list[LogRow]] = {}
        while left := {one: after for one, after in wanted if (one, after) not in found}:
            rows = await self._read_rows(left, PAGE)
            found |= {(one, after): rows.get(one, []) for one, after in left.items()}
        return [found[one] for one in wanted]

    def _open(self, rows: Sequence[LogRow]) -> list[Event]:
        """The events of rows of one conversation; of an erased one, none."""
        if not rows or rows[0].wrapped_key is None:
            return []
        key = self._keys.get(rows[0].conversation_id, rows[0].wrapped_key)
        events = [open_event(row, key) for row in rows]
        self._beliefs.move_on(events)
        return events

    async def read_kinds(self, conversation_id: int, *kinds: Kind) -> list[Event]:
        """Every event of these kinds, in order; they are few, however long the conversation."""
        query = (
            select(event, conversation.c.wrapped_key)
            .join(conversation, conversation.c.id == event.c.conversation_id)
            .where(event.c.conversation_id == conversation_id, event.c.kind.in_(kinds))
            .where(conversation.c.wrapped_key.is_not(None))
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query.order_by(event.c.seq))).all()
        return [open_event(row, self._keys.get(conversation_id, row.wrapped_key)) for row in rows]

    async def has(self, conversation_id: int, author: Author, client_id: uuid.UUID) -> bool:
        """Whether something of this author is in the log under this id."""
        async with self._db.read() as connection:
            return bool(await self._rows.known(connection, [(conversation_id, author.key, client_id.hex)]))

    async def names(self, conversation_id: int) -> dict[str, str]:
        """What the visitor and everybody who joined are called, by their keys as authors."""
        authors = [one.author for one in await self.read(conversation_id, limit=1)]
        authors += [one.author for one in await self.read_kinds(conversation_id, Kind.JOINED)]
        return {author.key: author.name for author in authors}

    async def tops(self, conversation_ids: Sequence[int]) -> dict[int, int]:
        """The number of the last event of each conversation."""
        async with self._db.read() as connection:
            return await self._rows.tops(connection, conversation_ids)

    # The short way: chat/quick.py.

    async def _answer_quickly(self, batch: list[Waiting]) -> list[Waiting]:
        """Store those whose belief turns out to be true. The others, who must be looked at more closely."""
        quick: dict[int, list[Waiting]] = {}
        rest: list[Waiting] = []
        keys: set[tuple[int, str, str]] = set()
        for one in batch:
            if one.key not in keys and self._beliefs.allow(one.conversation_id, one.entry.author):
                keys.add(one.key)
                quick.setdefault(one.conversation_id, []).append(one)
            else:
                rest.append(one)
        if not quick:
            return rest
        stored = await self._put(quick)
        for conversation_id, said in quick.items():
            if conversation_id not in stored:
                self._beliefs.drop(conversation_id)
                rest += [one for one in said if not one.answer.done()]
        return rest

    async def _put(self, quick: dict[int, list[Waiting]]) -> set[int]:
        """The conversations that are stored, and answered."""
        try:
            stretches, events = self._stretch(quick)
            stored = await self._quick.put(stretches)
        except (AlreadyThere, Contested):
            # One of them was said before, or somebody stood in the way: the long way finds out which, and tries again.
            return set()
        except Unavailable as refusal:
            for one in chain.from_iterable(quick.values()):
                self._patience.settle(one, refusal)
            return set()
        except Exception as problem:  # noqa: BLE001  # the long way answers each by itself
            logger.error("batch_not_quick", kind=type(problem).__name__, size=len(quick))
            return set()
        if stored:
            events = [event for event in events if event.conversation_id in stored]
            self.committed += len(events)
            # The others first: they have further to go.
            self.announce(events)
        for stretch in stretches:
            if stretch.conversation_id in stored:
                stretch.belief.last_seq = stretch.rows[-1].seq
                for one, row in zip(quick[stretch.conversation_id], stretch.rows, strict=True):
                    self._patience.settle(one, Receipt(row.seq, row.at_ms, again=False))
        return stored

    def _stretch(self, quick: dict[int, list[Waiting]]) -> tuple[list[Stretch], list[Event]]:
        """What each conversation gets, numbered and sealed."""
        stretches: list[Stretch] = []
        events: list[Event] = []
        for conversation_id, said in quick.items():
            belief = self._beliefs.of[conversation_id]
            numbered = self._number(conversation_id, belief.last_seq, [one.entry for one in said])
            stretches.append(Stretch(conversation_id, belief, [new_row(event, belief.key) for event in numbered]))
            events += numbered
        return stretches, events

    # The long way.

    async def _answer(self, batch: list[Waiting]) -> None:
        if not batch:
            return
        commit = partial(self._commit, batch)
        try:
            try:
                outcomes, events, repeated = await until_uncontested(commit)
            except IntegrityError:
                # Another process stored one of these ids between our look and our insert: now it can be seen.
                outcomes, events, repeated = await until_uncontested(commit)
        except Refusal as refusal:
            for one in batch:
                self._patience.settle(one, refusal)
        except Exception as problem:  # noqa: BLE001  # every caller must get an answer
            logger.error("batch_failed", kind=type(problem).__name__, size=len(batch))
            if len(batch) == 1:
                self._patience.settle(batch[0], Unavailable())
                return
            # Each by itself, so that one that can be neither opened nor sealed keeps no other from being stored.
            for one in batch:
                await self._answer([one])
        else:
            for one, outcome in outcomes:
                self._patience.settle(one, outcome)
            self.committed += len(events)
            if repeated or events:
                # Who stored what is repeated may have told nobody: killed after its commit, or the reply was cut.
                self.announce([*sorted(repeated, key=lambda event: event.seq), *events])

    async def _commit(
        self, batch: list[Waiting]
    ) -> tuple[list[tuple[Waiting, Receipt | Refusal]], list[Event], list[Event]]:
        """What each is to be told, once this has returned: even a refusal may rest on what was stored beside it.

        Then what is new, and what was stored before and said again.
        """
        async with self._db.write() as connection:
            rows = await self._rows.lock(connection, sorted({one.conversation_id for one in batch}))
            known = await self._known(connection, batch, rows)
            brought_in = await self._brought_in(connection, batch, rows)
            outcomes: list[tuple[Waiting, Receipt | Refusal]] = []
            events: list[Event] = []
            repeated: list[Event] = []
            tops = {row.id: row.last_seq for row in rows.values()}
            for one in batch:
                before = known.get(one.key)
                refusal = _refusal_of(one, rows.get(one.conversation_id), before, brought_in, self._keys)
                if refusal is not None:
                    outcomes.append((one, refusal))
                elif before is not None:
                    outcomes.append((one, Receipt(before.seq, before.at_ms, again=True)))
                    if before not in events:
                        repeated.append(before)
                else:
                    event = self._number(one.conversation_id, tops[one.conversation_id], [one.entry])[0]
                    tops[one.conversation_id], known[one.key] = event.seq, event
                    events.append(event)
                    outcomes.append((one, Receipt(event.seq, event.at_ms, again=False)))
            if events:
                await self._store(connection, rows, events)
        for row in rows.values():
            self._beliefs.keep(row, tops[row.id])
        return outcomes, events, repeated

    async def _known(
        self, connection: AsyncConnection, batch: list[Waiting], rows: dict[int, Row[Any]]
    ) -> dict[tuple[int, str, str], Event]:
        wrapped = {row.id: row.wrapped_key for row in rows.values() if row.wrapped_key is not None}
        keys = [one.key for one in batch if one.conversation_id in wrapped]
        known = {}
        for row in await self._rows.known(connection, keys) if keys else ():
            event = open_event(row, self._keys.get(row.conversation_id, wrapped[row.conversation_id]))
            known[row.conversation_id, row.author, row.client_id] = event
        return known

    async def _brought_in(
        self, connection: AsyncConnection, batch: list[Waiting], rows: dict[int, Row[Any]]
    ) -> dict[tuple[int, str], str]:
        """The part of staff who write without being the advisor, by (conversation, account)."""
        others = {
            (one.conversation_id, one.entry.author.key)
            for one in batch
            if one.entry.author.key != VISITOR
            and (row := rows.get(one.conversation_id)) is not None
            and row.advisor_id != one.entry.author.key
        }
        if not others:
            return {}
        query = select(participant.c.conversation_id, participant.c.account_id, participant.c.part).where(
            participant.c.conversation_id.in_({pair[0] for pair in others}), participant.c.until.is_(None)
        )
        found: dict[tuple[int, str], str] = {}
        for conversation_id, account_id, part in await connection.execute(query):
            pair = (conversation_id, account_id)
            if pair in others and found.get(pair) != Part.JOINED:
                found[pair] = part
        return found

    def _number(self, conversation_id: int, last_seq: int, entries: Iterable[Entry]) -> list[Event]:
        at_ms = to_ms(self._clock())
        return [
            Event(conversation_id, last_seq + step, one.kind, one.author, at_ms, one.client_id, one.text, one.data)
            for step, one in enumerate(entries, start=1)
        ]

    async def _store(self, connection: AsyncConnection, rows: Mapping[int, Row[Any]], events: Sequence[Event]) -> None:
        keys = {row.id: self._keys.get(row.id, row.wrapped_key) for row in rows.values() if row.wrapped_key is not None}
        await self._rows.store(connection, [new_row(event, keys[event.conversation_id]) for event in events])


def _refusal_of(
    one: Waiting,
    row: Row[Any] | None,
    before: Event | None,
    brought_in: dict[tuple[int, str], str],
    keys: ConversationKeys,
) -> Refusal | None:
    """Why this message may not be written, decided on the locked row; None when it may."""
    if row is None or row.wrapped_key is None:
        return NotFound()
    if before is not None:
        return None if is_of(before, one.entry, keys.get(row.id, row.wrapped_key)) else IdConflict()
    author = one.entry.author
    is_note = one.entry.kind is Kind.NOTE
    if author.kind is not Side.VISITOR and row.advisor_id != author.key:
        part = brought_in.get((one.conversation_id, author.key))
        if part is None or (part != Part.JOINED and not is_note):
            return AssignmentLost() if part is None else NotAllowed("You advise on the side here: write it as a note.")
    if row.status not in OPEN and not (is_note and row.status in (Status.ENDED, Status.ANSWERED)):
        return Ended()
    return None
