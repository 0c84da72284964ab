"""How often: floods are slowed in memory, guesses in the database."""

import asyncio
import secrets
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from core.crypto import Signer
from core.db import Database
from core.errors import RateLimited
from core.limits import FREE_TRIES, LONGEST_WAIT, MOST_KEYS, Limiter, Throttle, TokenBucket
from core.tables import throttle

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def test_bucket_gives_a_burst_and_then_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    bucket = TokenBucket(per_second=2, burst=3)
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]
    now_s += 0.5
    assert bucket.take() == 0
    now_s += 3_600
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]


def test_limiter_counts_each_key_alone() -> None:
    limiter = Limiter(per_second=0.1, burst=2)
    for key in ("one", "one", "other"):
        limiter.check(key)
    with pytest.raises(RateLimited) as refused:
        limiter.check("one")
    assert 1 <= refused.value.retry_after_s <= 11
    limiter.check("other")


def test_limiter_can_be_off() -> None:
    limiter = Limiter(per_second=0.1, burst=1, enabled=False)
    for _ in range(100):
        limiter.check("one")


def test_limiter_forgets_the_oldest_and_stays_bounded() -> None:
    limiter = Limiter(per_second=0.001, burst=1)
    limiter.check("oldest")
    for number in range(MOST_KEYS):
        limiter.check(f"key {number}")
    limiter.check("oldest")
    with pytest.raises(RateLimited):
        limiter.check(f"key {MOST_KEYS - 1}")


def guard() -> Throttle:
    return Throttle(Signer(secrets.token_bytes(32)))


async def fail(guard: Throttle, database: Database, now: datetime, *keys: str) -> None:
    async with database.write() as connection:
        await guard.failed(connection, now, *keys)


async def wait_of(guard: Throttle, database: Database, now: datetime, *keys: str) -> int:
    """Seconds until the next try is let through; 0 when it is now."""
    try:
        async with database.read() as connection:
            await guard.check(connection, now, *keys)
    except RateLimited as refused:
        return refused.retry_after_s
    return 0


async def test_wait_doubles_up_to_a_quarter_of_an_hour(database: Database) -> None:
    guess, now, waits = guard(), NOW, []
    for _ in range(20):
        await fail(guess, database, now, "key")
        waits.append(await wait_of(guess, database, now, "key"))
        now += timedelta(seconds=waits[-1])
    assert waits[:FREE_TRIES] == [0] * FREE_TRIES
    assert all(later == min(2 * earlier - 1, 901) for earlier, later in pairwise(waits[FREE_TRIES:]))
    assert max(waits) == LONGEST_WAIT.total_seconds() + 1


async def test_any_blocked_key_blocks(database: Database) -> None:
    guess = guard()
    for _ in range(FREE_TRIES + 1):
        await fail(guess, database, NOW, "account")
    assert await wait_of(guess, database, NOW, "address", "account") > 0
    assert await wait_of(guess, database, NOW, "address") == 0


async def test_success_and_a_day_without_tries_clear_it(database: Database) -> None:
    guess = guard()
    for _ in range(FREE_TRIES + 4):
        await fail(guess, database, NOW, "one", "other")
    async with database.write() as connection:
        await guess.succeeded(connection, "one")
    assert await wait_of(guess, database, NOW, "one") == 0
    later = NOW + timedelta(hours=25)
    await fail(guess, database, later, "other")
    assert await wait_of(guess, database, later, "other") == 0


async def test_what_is_counted_is_not_stored(database: Database) -> None:
    await fail(guard(), database, NOW, "account:cora@example.org")
    async with database.read() as connection:
        (key,) = (await connection.execute(select(throttle.c.key))).scalars()
    assert len(key) == 32
    assert b"cora" not in key


async def test_failures_at_once_are_all_counted(database: Database) -> None:
    """Also the first ones, which have no row yet to wait for each other at."""
    guess = guard()
    await asyncio.gather(*(fail(guess, database, NOW, *keys) for keys in [("one", "other"), ("other", "one")] * 4))
    async with database.read() as connection:
        assert (await connection.execute(select(throttle.c.failures))).scalars().all() == [8, 8]
