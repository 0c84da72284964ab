"""Sessions: who is signed in, and until when.

The cookie is 256 random bits, of which only the hash is stored. A session ends after half an hour without a request, after
twelve hours whatever happens, when its account is disabled, and when it is ended, which every process knows at once
by a hint and without it after five seconds.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import HTTPConnection

from core.clock import Clock, utc_now
from core.crypto import new_token, token_hash
from core.db import Database
from core.errors import Unavailable
from core.people import Role, SignedIn
from core.signals import Hint, Signals
from staff.tables import account, account_role, session

TOPIC = "session"

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
CACHE_FOR_S = 5.0
MOST_CACHED = 2_000
LONGEST_COOKIE = 100


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of an account's sessions, as a list shows it. `number` names it without being its token."""

    number: str
    created_at: datetime
    seen_at: datetime
    until: datetime


@dataclass(slots=True)
class _Known:
    """What was read a moment ago."""

    person: SignedIn
    seen_at: datetime
    read_at: float


class Sessions:
    """Starts, finds and ends sessions."""

    def __init__(self, database: Database, signals: Signals, cookie: str, clock: Clock = utc_now) -> None:
        self._database = database
        self._signals = signals
        self._cookie = cookie
        self._clock = clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        # Raised by each change, so that what was read before it is not kept after it.
        self._changes = 0
        self._listeners: list[Callable[[str], None]] = []
        signals.on(TOPIC, self._hear)
        signals.on_gap(self._forget_all)

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the account whose sessions or roles changed, so that its open sockets are checked again."""
        self._listeners.append(listener)

    async def start(self, connection: AsyncConnection, account_id: str) -> tuple[str, datetime]:
        """A new session inside the caller's transaction: its token and its end."""
        token, now = new_token(), self._clock()
        row = {"token_hash": token_hash(token), "account_id": account_id, "created_at": now, "seen_at": now}
        await connection.execute(delete(session).where(session.c.until < now))
        await connection.execute(insert(session).values(until=now + ABSOLUTE, **row))
        return token, now + ABSOLUTE

    async def identify(self, request: HTTPConnection) -> SignedIn | None:
        """The account behind a request or a socket, which counts as being active."""
        return await self.find(request.cookies.get(self._cookie, ""))

    async def find(self, token: str, *, active: bool = True) -> SignedIn | None:
        """The live session of this token. `active` is False for checks that nobody caused, such as a socket's."""
        if not token or len(token) > LONGEST_COOKIE:
            return None
        name, now = token_hash(token), self._clock()
        known = self._known.get(name)
        if known is None or time.monotonic() - known.read_at > CACHE_FOR_S:
            known = await self._read(name, token)
        if known is None or now >= known.person.until or now - known.seen_at >= IDLE:
            return None
        if active and now - known.seen_at >= SEEN_EVERY:
            await self._write_seen(name, known, now)
        return known.person

    def recall(self, token: str) -> SignedIn | None:
        """What `find` would answer where it would neither read nor write; None says nothing."""
        known, now = self._known.get(token_hash(token)), self._clock()
        if known is None or time.monotonic() - known.read_at > CACHE_FOR_S:
            return None
        return known.person if now < known.person.until and now - known.seen_at < SEEN_EVERY else None

    async def live(self, tokens: Set[str], *roles: Role) -> set[str]:
        """Those of these tokens whose sign-in holds, with one of these roles; asked of the database, whatever is remembered."""
        names, now = {token_hash(token): token for token in tokens}, self._clock()
        query = (
            select(session.c.token_hash, session.c.seen_at)
            .select_from(session.join(account).join(account_role))
            .where(session.c.token_hash.in_(names), session.c.until > now, ~account.c.disabled)
            .where(account_role.c.role.in_(roles))
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        live = {row.token_hash for row in rows if now - row.seen_at < IDLE}
        for name in names.keys() - live:
            self._known.pop(name, None)
        return {names[name] for name in live}

    async def end(self, token: str) -> None:
        async with self._database.write() as connection:
            account_id = await self.delete(connection, token_hash(token))
        if account_id is not None:
            self.changed(account_id)

    async def delete(self, connection: AsyncConnection, name: bytes) -> str | None:
        """End one session inside the caller's transaction, who calls `changed` with the account after the commit."""
        query = delete(session).where(session.c.token_hash == name).returning(session.c.account_id)
        account_id: str | None = (await connection.execute(query)).scalar_one_or_none()
        return account_id

    async def end_number(self, account_id: str, number: str) -> None:
        """End the session that `of_account` listed under this number."""
        async with self._database.write() as connection:
            await self.delete_number(connection, account_id, number)
        self.changed(account_id)

    async def delete_number(self, connection: AsyncConnection, account_id: str, number: str) -> bool:
        """The same inside the caller's transaction, who calls `changed` after the commit. False when there is none."""
        names = await connection.execute(select(session.c.token_hash).where(session.c.account_id == account_id))
        found = [name for name in names.scalars() if _number(name) == number]
        for name in found:
            await connection.execute(delete(session).where(session.c.token_hash == name))
        return bool(found)

    async def end_all(self, account_id: str, *, but: str = "") -> None:
        """End every session of the account but the one with the token `but`."""
        async with self._database.write() as connection:
            await self.delete_all(connection, account_id, but=but)
        self.changed(account_id)

    async def delete_all(self, connection: AsyncConnection, account_id: str, *, but: str = "") -> None:
        """The same inside the caller's transaction, who calls `changed` after the commit."""
        others = session.c.token_hash != token_hash(but)
        await connection.execute(delete(session).where(session.c.account_id == account_id, others))

    async def of_account(self, account_id: str) -> list[OpenSession]:
        now = self._clock()
        query = select(session).where(session.c.account_id == account_id, session.c.until > now)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(session.c.seen_at.desc()))).all()
        live = [row for row in rows if now - row.seen_at < IDLE]
        return [OpenSession(_number(row.token_hash), row.created_at, row.seen_at, row.until) for row in live]

    def changed(self, account_id: str) -> None:
        """Say everywhere that this account's sessions or roles are others now."""
        self._forget(account_id)
        self._signals.send(TOPIC, account_id)

    async def _read(self, name: bytes, token: str) -> _Known | None:
        before = self._changes
        query = (
            select(session.c.seen_at, session.c.until, account.c.id, account.c.name, account_role.c.role)
            .select_from(session.join(account).join(account_role))
            .where(session.c.token_hash == name, ~account.c.disabled)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        self._known.pop(name, None)
        if not rows:
            return None
        first, roles = rows[0], frozenset(Role(row.role) for row in rows)
        known = _Known(SignedIn(first.id, first.name, roles, token, first.until), first.seen_at, time.monotonic())
        if before == self._changes:
            self._known[name] = known
            if len(self._known) > MOST_CACHED:
                self._known.popitem(last=False)
        return known

    async def _write_seen(self, name: bytes, known: _Known, now: datetime) -> None:
        """At most once a minute. When nothing can be written, reading goes on and the half hour is counted from before."""
        try:
            async with self._database.write() as connection:
                await connection.execute(update(session).where(session.c.token_hash == name).values(seen_at=now))
        except Unavailable:
            return
        known.seen_at = now

    def _hear(self, hint: Hint) -> None:
        if len(hint) > 1 and isinstance(hint[1], str):
            self._forget(hint[1])

    def _forget(self, account_id: str) -> None:
        self._changes += 1
        for name in [name for name, known in self._known.items() if known.person.account_id == account_id]:
            del self._known[name]
        for listener in self._listeners:
            listener(account_id)

    def _forget_all(self) -> None:
        self._changes += 1
        self._known.clear()


def session_number(token: str) -> str:
    """The number under which `of_account` lists the session of this token."""
    return _number(token_hash(token))


def _number(name: bytes) -> str:
    """The start of the hash: enough to tell an account's sessions apart, no use to anybody else."""
    return name[:8].hex()
