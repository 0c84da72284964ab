"""How often something may be tried: in memory for floods, in the database for what must not be guessed.

Addresses are never kept: a limiter's key is a keyed hash that changes with each start of the process.
"""

import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from core.crypto import Signer
from core.db import Instant
from core.errors import RateLimited
from core.tables import throttle

MOST_KEYS = 50_000
FREE_TRIES = 5
LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=24)


def network_of(request: Request) -> str:
    """What a try is counted under: an IPv4 address, or the /64 that one IPv6 customer gets."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


FIRST_FAILURE = text(
    "INSERT INTO throttle (key, failures, blocked_until, seen) VALUES (:key, 0, :at, :at) ON CONFLICT (key) DO NOTHING"
).bindparams(bindparam("at", type_=Instant))


class TokenBucket:
    """`burst` at once, then `per_second`; one of these a socket."""

    __slots__ = ("_burst", "_level", "_per_second", "_seen")

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._level = burst
        self._seen = time.monotonic()

    @property
    def has_room(self) -> bool:
        """Whether a try would be allowed now."""
        now = time.monotonic()
        self._level = min(self._burst, self._level + (now - self._seen) * self._per_second)
        self._seen = now
        return self._level >= 1

    def take(self) -> float:
        """Seconds to wait before this try would be allowed; 0 when it is."""
        if self.has_room:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._per_second


def cookie_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The raw cookie header of a request, by which those who come back are known before anything is read of it."""
    return next((value for name, value in headers if name == b"cookie"), b"")


class Limiter:
    """One bucket for each key, the least used forgotten first."""

    def __init__(self, per_second: float, burst: float, *, enabled: bool = True) -> None:
        self._rate = (per_second, burst)
        self._enabled = enabled
        self._salt = Signer(secrets.token_bytes(32))
        self._buckets: OrderedDict[bytes, TokenBucket] = OrderedDict()

    def check(self, key: str) -> None:
        """Count one try; raises RateLimited."""
        if not self._enabled:
            return
        name = self._salt.mac("limit", key.encode())
        bucket = self._buckets.pop(name, None) or TokenBucket(*self._rate)
        self._buckets[name] = bucket
        if len(self._buckets) > MOST_KEYS:
            self._buckets.popitem(last=False)
        wait_s = bucket.take()
        if wait_s:
            raise RateLimited(int(wait_s) + 1)


class TurnedAway:
    """Who was just refused, and until when: they can be refused again where it costs least.

    Keys are not kept, only their digests; the oldest are forgotten first.
    """

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def note(self, key: bytes, for_s: float) -> None:
        self._until[sha256(key).digest()] = time.monotonic() + for_s
        if len(self._until) > MOST_KEYS:
            self._until.popitem(last=False)

    def left_s(self, key: bytes) -> int:
        """Whole seconds until they may come again; 0 when they may."""
        if not self._until:
            return 0
        name = sha256(key).digest()
        left = self._until.get(name, 0.0) - time.monotonic()
        if left > 0:
            return int(left) + 1
        self._until.pop(name, None)
        return 0


class Throttle:
    """Failures by key, in the database: after five, each doubles the wait, up to 15 minutes. Never a lock-out for good."""

    def __init__(self, signer: Signer, *, enabled: bool = True) -> None:
        self._signer = signer
        self._enabled = enabled

    async def check(self, connection: AsyncConnection, now: datetime, *keys: str) -> None:
        """Raises RateLimited while any of the keys is blocked."""
        if not self._enabled:
            return
        names = [self._name(key) for key in keys]
        rows = await connection.execute(select(throttle.c.blocked_until).where(throttle.c.key.in_(names)))
        until = max((row.blocked_until for row in rows), default=now)
        if until > now:
            raise RateLimited(int((until - now).total_seconds()) + 1)

    async def has_failed(self, connection: AsyncConnection, key: str) -> bool:
        """Whether a try under this key has failed since it was last forgotten."""
        query = select(throttle.c.failures).where(throttle.c.key == self._name(key))
        return (await connection.execute(query)).scalar_one_or_none() is not None

    async def failed(self, connection: AsyncConnection, now: datetime, *keys: str) -> None:
        for name in sorted(self._name(key) for key in keys):
            # Made first, so that two first failures at once wait for each other at the same row.
            await connection.execute(FIRST_FAILURE, {"key": name, "at": now})
            query = select(throttle.c.failures, throttle.c.seen).where(throttle.c.key == name).with_for_update()
            row = (await connection.execute(query)).one()
            failures = 1 if now - row.seen > FORGET_AFTER else row.failures + 1
            wait = (
                min(timedelta(seconds=2.0 ** min(failures - FREE_TRIES, 12)), LONGEST_WAIT)
                if failures > FREE_TRIES
                else timedelta()
            )
            values = {"failures": failures, "blocked_until": now + wait, "seen": now}
            await connection.execute(update(throttle).where(throttle.c.key == name).values(**values))

    async def succeeded(self, connection: AsyncConnection, *keys: str) -> None:
        await connection.execute(delete(throttle).where(throttle.c.key.in_([self._name(key) for key in keys])))

    def _name(self, key: str) -> bytes:
        return self._signer.mac("throttle", key.encode("utf-8", "replace"))
