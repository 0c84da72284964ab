"""What editors learn from searches: those that found nothing, and those after which nothing was opened.

A search waits in memory for a minute. What somebody types letter by letter becomes one search, and one that led to an
article is forgotten; only the others are stored, sealed, without who it was and with identifiers masked. They are kept for
90 days. The click may reach another process: it says so by a number that only tells who knows the search already.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.crypto import KeyRing, Signer
from core.db import Database
from core.signals import Hint, Signals
from knowledge.tables import search_log

KEPT = timedelta(days=90)
SETTLED = timedelta(seconds=60)
TYPING = timedelta(seconds=8)
MOST_WAITING = 1_000
"""Searches that wait to be written; more than these a minute are not counted."""
MOST_READ = 5_000

TOPIC = "search"
PLACE = b"search"


@dataclass(slots=True)
class _Waiting:
    reader: str
    query: str
    results: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Searched:
    """A search that led to nothing. `query` is as it was typed, with identifiers masked."""

    query: str
    results: int
    at: datetime


class SearchNotes:
    """Of one process. `mask` takes what may point to a person out of a text."""

    def __init__(
        self, db: Database, signals: Signals, keyring: KeyRing, signer: Signer, mask: Callable[[str], str], clock: Clock
    ) -> None:
        self._db = db
        self._signals = signals
        self._keyring = keyring
        self._signer = signer
        self._mask = mask
        self._clock = clock
        self._waiting: list[_Waiting] = []
        signals.on(TOPIC, self._opened_elsewhere)

    def searched(self, reader: str, query: str, results: int) -> None:
        """Somebody looked for this. What they typed a moment ago and only went on with is the same search."""
        now = self._clock()
        for one in reversed(self._waiting):
            if one.reader == reader and now - one.at <= TYPING and _goes_on(one.query, query):
                one.query, one.results, one.at = query, results, now
                return
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(_Waiting(reader, query, results, now))

    def opened(self, reader: str, query: str = "") -> None:
        """They opened what they found; without a query, whatever they looked for last."""
        number = self._number(reader, query)
        self._forget(number)
        self._signals.send(TOPIC, number)

    async def write(self) -> None:
        """Store those after which nothing was opened for a minute."""
        now = self._clock()
        settled = [one for one in self._waiting if now - one.at >= SETTLED]
        if not settled:
            return
        rows = [
            {
                "sealed_query": self._keyring.seal_alone(self._mask(one.query).encode(), PLACE),
                "results": one.results,
                "at": one.at,
            }
            for one in settled
        ]
        self._waiting = [one for one in self._waiting if now - one.at < SETTLED]
        async with self._db.write() as connection:
            await connection.execute(insert(search_log), rows)

    async def read(self) -> list[Searched]:
        """Those that are kept, the newest first."""
        query = select(search_log).where(search_log.c.at > self._clock() - KEPT).order_by(search_log.c.id.desc())
        async with self._db.read() as connection:
            rows = (await connection.execute(query.limit(MOST_READ))).all()
        found = ((row, self._keyring.maybe_open_alone(row.sealed_query, PLACE)) for row in rows)
        return [Searched(query.decode(), row.results, row.at) for row, query in found if query is not None]

    def _opened_elsewhere(self, hint: Hint) -> None:
        self._forget(hint[1])

    def _forget(self, number: int) -> None:
        # The number names the reader and what they looked for, or the reader alone.
        self._waiting = [
            one
            for one in self._waiting
            if number not in (self._number(one.reader, one.query), self._number(one.reader, ""))
        ]

    def _number(self, reader: str, query: str) -> int:
        return int.from_bytes(self._signer.mac("search", f"{reader}\0{query}".encode())[:6])


async def forget_old_searches(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(search_log).where(search_log.c.at <= now - KEPT))


def _goes_on(before: str, now: str) -> bool:
    """Whether one is the other with letters put on or taken off."""
    return now.startswith(before) or before.startswith(now)
