"""Counts by day that stand for nobody: how many, of what, in which group. No text, no conversation, no account.

They are gathered in memory and added up in the database a moment later, so that nobody waits for them; what a crash
loses is the last few seconds.
"""

import asyncio
from collections import Counter
from datetime import date

from sqlalchemy import BigInteger, Date, String, bindparam, text

from core.clock import LONDON, Clock
from core.db import Database
from core.errors import Unavailable
from core.troubles import troubles

GATHER_S = 5.0

ADD = text(
    "INSERT INTO daily_count (day, measure, grouping, count) VALUES (:day, :measure, :grouping, :count)"
    " ON CONFLICT (day, measure, grouping) DO UPDATE SET count = daily_count.count + excluded.count"
).bindparams(
    bindparam("day", type_=Date()),
    bindparam("measure", type_=String()),
    bindparam("grouping", type_=String()),
    bindparam("count", type_=BigInteger()),
)


class DailyCounts:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._more: Counter[tuple[date, str, str]] = Counter()
        self._wake = asyncio.Event()

    def add(self, measure: str, grouping: str, number: int = 1) -> None:
        """So many more today, by the clocks of the country."""
        self._more[self._clock().astimezone(LONDON).date(), measure, grouping] += number
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            try:
                await self.write()
            except Unavailable:
                troubles.note("counts_not_stored", count=len(self._more))
                self._wake.set()

    async def write(self) -> None:
        """Store what was gathered. After `Unavailable` it may or may not be stored; then it is counted once too few."""
        more, self._more = self._more, Counter()
        rows = [
            {"day": day, "measure": measure, "grouping": grouping, "count": number}
            for (day, measure, grouping), number in sorted(more.items())
        ]
        if rows:
            async with self._db.write() as connection:
                await connection.execute(ADD, rows)
