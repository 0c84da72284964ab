"""The line: who waits in which order, and telling those who look at it.

The database is the truth. Each web process reads the line once when it moved, and every four seconds in any case, and
tells its own visitors their place and its own advisors the state of the line, about once a second at most, and keeps the copy
in Redis what it should be (`triage.line_copy`).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from redis.exceptions import RedisError
from sqlalchemy import BigInteger, func, select, tuple_, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.events import Event
from chat.fanout import Fanout
from chat.frames import frame
from chat.log import Log
from chat.session import Session
from chat.tables import conversation
from chat.words import Kind, Side, Status
from core.clock import Clock, to_ms
from core.db import Database
from core.errors import Unavailable
from core.signals import Hint, Signals
from core.troubles import troubles
from staff.tables import account
from triage.hours import Opening
from triage.line_copy import LineCopy
from triage.offers import active_of, can_be_offered
from triage.presence import count_online
from triage.times import Times
from triage.wait import WINDOW, Pace, Range, measure_pace, wait_range
from triage.waiting_words import line_notice, place_sentence

POLL_S = 1.0
LATE_S = 6.0
"""Longer than between two looks while hints arrive: whoever asks for the line then looks for themselves."""
LEAST_GAP_S = 0.8
"""Between two looks: whoever waits sees a change within a second."""

DESK_GAP_S = 1.0
"""Desks are told of the line at most once a second (protocol)."""

PACE_KEPT = timedelta(seconds=10)
LEAST_REST_S = 0.05
MOST_LATELY = 1_000
MOST_READ = 2_000
"""Places beyond this are not counted; their position is not known."""

MOVES_THE_LINE = frozenset({Kind.QUEUED, Kind.JOINED, Kind.LEFT, Kind.TRANSFERRED, Kind.REQUEUED, Kind.ENDED})


class Place(NamedTuple):
    """One conversation that waits. A thousand of them are read at each move of the line: nothing is made of them before it is
    asked for."""

    conversation_id: int
    reference: str
    urgency: str
    waiting_since_ms: int
    sort_key: int
    requeues: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """The line as one query saw it. `positions` is by conversation id; 1 is next."""

    places: tuple[Place, ...] = ()
    online: int = 0
    pace: Pace | None = None
    positions: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))

    def position(self, conversation_id: int) -> int | None:
        return self.positions.get(conversation_id)

    def wait(self, position: int | None) -> Range | None:
        return wait_range(position, self.pace) if position else None

    @property
    def newcomer_wait(self) -> Range | None:
        """For somebody who would join now, behind all who wait."""
        return self.wait(len(self.places) + 1)

    def longest_wait_s(self, now: datetime) -> int:
        since_ms = min((place.waiting_since_ms for place in self.places), default=None)
        return 0 if since_ms is None else max(to_ms(now) - since_ms, 0) // 1000


class Queue:
    """This process's view of the line. `run` follows it until cancelled."""

    def __init__(
        self,
        db: Database,
        log: Log,
        fanout: Fanout,
        signals: Signals,
        opening: Opening,
        clock: Clock,
        times: Times | None = None,
    ) -> None:
        self._db = db
        self._fanout = fanout
        self._signals = signals
        self._opening = opening
        self._clock = clock
        self._times = times or Times()
        self._line = Line()
        self._read_at = float("-inf")
        self._desks_told_at = -DESK_GAP_S
        self._lately: tuple[datetime, _Lately] | None = None
        self._told: WeakKeyDictionary[Session, str] = WeakKeyDictionary()
        self._copy = LineCopy(signals)
        self._moved = asyncio.Event()
        log.on_stored(self._stored_here)
        signals.on("line", self._hinted)
        signals.on_gap(self._missed_hints)

    # What moves the line.

    def changed(self) -> None:
        """The line, or who is online, changed on this process: look again here and everywhere."""
        self._moved.set()
        self._signals.send("line")

    def _stored_here(self, events: Sequence[Event]) -> None:
        if any(event.kind in MOVES_THE_LINE for event in events):
            self.changed()

    def _hinted(self, hint: Hint) -> None:
        self._moved.set()

    def _missed_hints(self) -> None:
        self._moved.set()

    # Reading it.

    async def line(self) -> Line:
        """The line as of the last look; read now when the follower does not run or was late."""
        if time.monotonic() - self._read_at > LATE_S:
            await self.read()
        return self._line

    async def read(self) -> Line:
        """Read the line from the database."""
        now = self._clock()
        async with self._db.read() as connection:
            places = await _read_places(connection)
            online = await count_online(connection, now)
            slots, active = await _read_room(connection, now)
            if self._lately is None or not timedelta() <= now - self._lately[0] < PACE_KEPT:
                self._lately = (now, await _read_lately(connection, now - WINDOW))
        lately = self._lately[1]
        pace = measure_pace(lately.lengths, lately.waits, slots, active)
        positions = {place.conversation_id: number for number, place in enumerate(places, start=1)}
        self._line = Line(places, online, pace, MappingProxyType(positions))
        self._read_at = time.monotonic()
        return self._line

    async def notice(self) -> str | None:
        """What those who wait are told about the line itself, such as what closing time means for them."""
        return line_notice(await self._opening.state(), self._clock(), self._times.after_closing)

    async def position(self, conversation_id: int) -> int | None:
        """The rank of a conversation right now; None when it does not wait."""
        async with self._db.read() as connection:
            key = tuple_(conversation.c.sort_key, conversation.c.id)
            waits = conversation.c.status == Status.WAITING
            mine = select(conversation.c.sort_key).where(conversation.c.id == conversation_id, waits)
            sort_key = (await connection.execute(mine)).scalar_one_or_none()
            if sort_key is None:
                return None
            ahead = select(func.count()).select_from(conversation).where(waits, key < tuple_(sort_key, conversation_id))
            return int((await connection.execute(ahead)).scalar_one()) + 1

    # Telling it.

    async def run(self) -> None:
        while True:
            await self._signals.rest(self._moved, POLL_S)
            self._moved.clear()
            looked_at = time.monotonic()
            try:
                await self.read()
                await self._tell()
            except Unavailable:
                troubles.note("line_not_read")
            await self._mirror()
            # Counted from the look: a Redis that does not answer must not make places late.
            await asyncio.sleep(max(looked_at + LEAST_GAP_S - time.monotonic(), LEAST_REST_S))

    async def _tell(self) -> None:
        """Give each session of this process its frame when it is not the one it had."""
        await self._tell_desks()
        line = self._line
        notice = await self.notice() if line.places else None
        # From the line to the sessions: thousands look at conversations of which few wait.
        for position, place in enumerate(line.places, start=1):
            if visitors := self._fanout.sessions_of(place.conversation_id, Side.VISITOR):
                text = _queue_frame(line, position, notice)
                for session in visitors:
                    self._offer(session, f"queue:{place.conversation_id}", text)

    async def _tell_desks(self) -> None:
        desks, now = self._fanout.staff(), time.monotonic()
        if not desks:
            return
        if now < self._desks_told_at + DESK_GAP_S:
            # At the next look, which this makes sure of.
            self._moved.set()
            return
        self._desks_told_at = now
        mine = await self._count_mine({desk.viewer.key for desk in desks})
        line, longest = self._line, self._line.longest_wait_s(self._clock())
        for desk in desks:
            held, waiting = mine.get(desk.viewer.key, 0), len(line.places)
            text = frame("desk", waiting=waiting, longest_wait_s=longest, online=line.online, mine=held)
            self._offer(desk, "desk", text)

    def _offer(self, session: Session, slot: str, text: str) -> None:
        if self._told.get(session) != text:
            self._told[session] = text
            session.offer(slot, text)

    async def _count_mine(self, account_ids: set[str]) -> dict[str, int]:
        query = (
            select(conversation.c.advisor_id, func.count().label("held"))
            .where(conversation.c.status == Status.ACTIVE, conversation.c.advisor_id.in_(account_ids))
            .group_by(conversation.c.advisor_id)
        )
        async with self._db.read() as connection:
            return {row.advisor_id: row.held for row in await connection.execute(query)}

    async def _mirror(self) -> None:
        try:
            await self._copy.write({place.reference: place.sort_key for place in self._line.places})
        except (RedisError, OSError, TimeoutError):
            troubles.note("line_not_mirrored")


def _queue_frame(line: Line, position: int, notice: str | None) -> str:
    place, wait = line.places[position - 1], line.wait(position)
    return frame(
        "queue",
        conversation=place.reference,
        position=position,
        wait_minutes=wait,
        sentence=place_sentence(position, wait, requeued=place.requeues > 0),
        notice=notice,
    )


_columns: Any = conversation.c

PLACES = (
    select(
        _columns.id,
        _columns.reference,
        _columns.urgency,
        type_coerce(_columns.waiting_since, BigInteger),
        _columns.sort_key,
        _columns.requeues,
    )
    .where(_columns.status == Status.WAITING)
    .order_by(_columns.sort_key, _columns.id)
    .limit(MOST_READ)
)


async def _read_places(connection: AsyncConnection) -> tuple[Place, ...]:
    return tuple(map(Place._make, await connection.execute(PLACES)))


async def _read_room(connection: AsyncConnection, now: datetime) -> tuple[int, int]:
    """How many conversations those online hold at most, and hold now."""
    on_duty = select(account.c.capacity, active_of(account.c.id).label("active")).where(*can_be_offered(now))
    rows = (await connection.execute(on_duty)).all()
    return sum(row.capacity for row in rows), sum(min(row.active, row.capacity) for row in rows)


@dataclass(frozen=True, slots=True)
class _Lately:
    """What happened within the window, in minutes."""

    lengths: tuple[float, ...]
    waits: tuple[float, ...]


async def _read_lately(connection: AsyncConnection, since: datetime) -> _Lately:
    columns: Any = conversation.c
    ended = select(columns.claimed_at, columns.ended_at).where(
        columns.ended_at >= since, columns.claimed_at.is_not(None)
    )
    taken = select(columns.waiting_since, columns.first_claimed_at).where(
        columns.first_claimed_at >= since, columns.question_at.is_(None)
    )
    lengths = (await connection.execute(ended.limit(MOST_LATELY))).all()
    waits = (await connection.execute(taken.limit(MOST_LATELY))).all()
    return _Lately(tuple(_minutes(*row) for row in lengths), tuple(_minutes(*row) for row in waits))


def _minutes(start: datetime, end: datetime) -> float:
    return (end - start) / timedelta(minutes=1)
