"""Presence leases: whether an advisor who says that they are online is really there.

Each web process renews, in one statement, the leases of the desks whose socket is open with it, for it notices when one
falls silent. A stream or a poll that is open proves nothing: there, as at a desk without scripts, each request renews. A
desk that is closed cleanly has a short grace, so that loading a page again is no absence; signing out ends them at once.
They lie in the database, so that a Redis that forgets everything makes nobody disappear.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.fanout import Fanout
from chat.session import Session
from core.clock import Clock
from core.db import Database, Instant
from core.errors import Refusal, Unavailable
from core.troubles import troubles
from staff.tables import account, session
from triage.tables import presence_lease
from triage.times import Times

LOOK_S = 1.0

# Only for whoever is signed in, so that a desk which does not know yet that it was signed out renews nothing.
RENEW = text(
    "INSERT INTO presence_lease (account_id, process, until)"
    " SELECT a.id, :process, :until FROM account a WHERE a.id = :account_id"
    " AND EXISTS (SELECT 1 FROM session s WHERE s.account_id = a.id AND s.until > :now)"
    " ON CONFLICT (account_id, process) DO UPDATE SET until = excluded.until"
).bindparams(bindparam("until", type_=Instant), bindparam("now", type_=Instant))


class Leases:
    """This process's leases. `run` keeps them until cancelled."""

    def __init__(self, db: Database, fanout: Fanout, process: str, clock: Clock, times: Times | None = None) -> None:
        self._db = db
        self._fanout = fanout
        self._process = process
        self._clock = clock
        self._times = times or Times()
        self._until: dict[str, datetime] = {}
        """What this process last wrote, so that it writes no more than it must."""
        self._desks: dict[str, list[Session]] = {}
        self._asked: set[str] = set()
        self._left: dict[str, timedelta] = {}
        """Whose last desk here has closed, and how long they may take to come back."""
        self._wake = asyncio.Event()

    def requested(self, account_id: str) -> None:
        """Their desk asked for something: they are there, for a while, whether or not a socket says so next."""
        enough = self._clock() + self._times.lease - self._times.closest
        known = self._until.get(account_id)
        if account_id not in self._desks and (known is None or known < enough):
            self._asked.add(account_id)
            self._wake.set()

    async def signed_out(self, account_id: str) -> None:
        """A sign-in of theirs has ended; when it was the last, so has their presence, at once."""
        now = self._clock()
        still_in = exists().where(session.c.account_id == account_id, session.c.until > now)
        mine = update(presence_lease).where(presence_lease.c.account_id == account_id, presence_lease.c.until > now)
        self._until.pop(account_id, None)
        async with self._db.write() as connection:
            await connection.execute(mine.where(~still_in).values(until=now))

    async def run(self) -> None:
        while True:
            try:
                await self.renew()
            except Unavailable:
                troubles.note("leases_not_renewed")
            await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                await self._wake.wait()
        except TimeoutError:
            # Nobody asked for a page; desks may have come and gone.
            return

    async def renew(self) -> None:
        """Write what is due: whose lease is a heartbeat old, who came, who left."""
        self._wake.clear()
        now = self._clock()
        before, self._desks = self._desks, self._open_desks()
        desks, come = self._desks.keys(), self._desks.keys() - before.keys()
        self._left |= {one: self._grace(before[one]) for one in before.keys() - desks}
        left = {one: grace for one, grace in self._left.items() if one not in desks}
        asked = self._asked - desks
        self._left, self._asked = {}, set()
        due = now + self._times.lease - self._times.heartbeat
        renewed = asked | {one for one in desks if one in come or self._until.get(one, now) <= due}
        until = dict.fromkeys(renewed, now + self._times.lease)
        self._until |= until
        try:
            await self._write(until, {one: now + left[one] for one in left if one not in until}, now)
        except Refusal:
            # Nothing is known to be written: all of it is due again at the next look.
            self._until = {one: known for one, known in self._until.items() if one not in until}
            self._asked |= asked
            self._left = left | self._left
            raise
        self._until = {one: known for one, known in self._until.items() if known > now and one not in left}

    def _open_desks(self) -> dict[str, list[Session]]:
        """Those whose silence would be noticed, by account."""
        desks: dict[str, list[Session]] = {}
        for one in self._fanout.staff():
            if one.is_watched:
                desks.setdefault(one.viewer.key, []).append(one)
        return desks

    def _grace(self, closed: Sequence[Session]) -> timedelta:
        is_silent = all(one.went_silent for one in closed)
        return self._times.silent_grace if is_silent else self._times.grace

    async def _write(self, until: Mapping[str, datetime], left: Mapping[str, datetime], now: datetime) -> None:
        if until:
            # In one order everywhere, so that two processes that write the same rows do not wait in a circle.
            rows = [
                {"account_id": one, "process": self._process, "until": until[one], "now": now} for one in sorted(until)
            ]
            async with self._db.write() as connection:
                await connection.execute(RENEW, rows)
        here = presence_lease.c.process == self._process
        for end in sorted(set(left.values())):
            gone = [one for one in left if left[one] == end]
            await self._shorten(end, presence_lease.c.account_id.in_(gone), here)

    async def _shorten(self, until: datetime, *where: ColumnElement[bool]) -> None:
        longer = update(presence_lease).where(*where, presence_lease.c.until > until)
        async with self._db.write() as connection:
            await connection.execute(longer.values(until=until))


def has_lease(now: datetime) -> Any:
    """What holds for the row of an account that somebody is there for."""
    return exists().where(presence_lease.c.account_id == account.c.id, presence_lease.c.until > now)


async def is_there(connection: AsyncConnection, account_id: str, now: datetime) -> bool:
    query = select(account.c.id).where(account.c.id == account_id, has_lease(now))
    return (await connection.execute(query)).one_or_none() is not None
