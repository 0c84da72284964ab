"""Hints while Redis goes and comes back: what was missed is noticed at once, and nothing is missed after it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from core.signals import Signals, open_redis
from tests.engines import RedisServer
from tests.waiting import until

pytestmark = pytest.mark.faults


@pytest.fixture
def server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@contextlib.asynccontextmanager
async def listening(server: RedisServer) -> AsyncIterator[Signals]:
    redis = open_redis(server.url())
    signals = Signals(redis, "test")
    running = asyncio.create_task(signals.run())
    try:
        await until(lambda: signals.healthy, what="the own probe")
        yield signals
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await redis.aclose()


async def test_a_process_knows_at_once_that_hints_are_lost(server: RedisServer) -> None:
    async with listening(server) as signals:
        server.kill()
        await until(lambda: not signals.healthy, within_s=2, what="the doubt")
        server.start()
        await until(lambda: signals.healthy, within_s=10, what="the own probe again")


async def test_the_first_hint_over_an_old_connection_arrives(server: RedisServer) -> None:
    async with listening(server) as here, listening(server) as there:
        # More connections in the pool than the next probe would find out to be dead.
        await asyncio.gather(here.redis.ping(), here.redis.ping())
        gaps: list[bool] = []
        heard: list[object] = []
        there.on_gap(lambda: gaps.append(True))
        there.on("line", heard.append)
        server.kill()
        server.start()
        await until(lambda: gaps, what="the other process to listen again")
        here.send("line", 1)
        await until(lambda: heard, within_s=2, what="the hint")
