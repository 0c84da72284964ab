"""Hints while Redis goes and comes back: what was missed is noticed at once, and nothing is missed after it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from redis import Redis

from core.signals import Signals, open_redis
from tests.engines import RedisServer, free_port
from tests.faults.proxy import Proxy
from tests.waiting import until

pytestmark = pytest.mark.faults


@contextlib.asynccontextmanager
async def listening(url: str) -> AsyncIterator[Signals]:
    redis = open_redis(url)
    signals = Signals(redis, "test")
    running = asyncio.create_task(signals.run())
    try:
        await until(lambda: signals.healthy, what="the own probe")
        yield signals
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await redis.aclose()


async def test_a_process_knows_at_once_that_hints_are_lost(own_redis: RedisServer) -> None:
    async with listening(own_redis.url()) as signals:
        own_redis.kill()
        await until(lambda: not signals.healthy, within_s=2, what="the doubt")
        own_redis.start()
        await until(lambda: signals.healthy, within_s=10, what="the own probe again")


async def test_the_first_hint_over_an_old_connection_arrives(own_redis: RedisServer) -> None:
    async with listening(own_redis.url()) as here, listening(own_redis.url()) as there:
        # More connections in the pool than the next probe would find out to be dead.
        await asyncio.gather(here.redis.ping(), here.redis.ping())
        gaps: list[bool] = []
        heard: list[object] = []
        there.on_gap(lambda: gaps.append(True))
        there.on("line", heard.append)
        own_redis.kill()
        own_redis.start()
        await until(lambda: gaps, what="the other process to listen again")
        here.send("line", 1)
        await until(lambda: heard, within_s=2, what="the hint")


@pytest.mark.parametrize("name_moves", ["before", "after"])
async def test_after_a_failover_hints_go_by_the_new_primary(own_redis: RedisServer, name_moves: str) -> None:
    """The old one stays up as a replica, and ends no connection; its name may still lead to it for a while."""
    heard: list[object] = []
    with RedisServer() as new:
        async with Proxy(own_redis.port) as name, listening(f"redis://127.0.0.1:{name.port}") as here:
            made = name.links_made
            if name_moves == "before":
                name.turn_to(new.port)
            with Redis.from_url(own_redis.url()) as client:
                client.replicaof("127.0.0.1", free_port())
            if name_moves == "after":
                await until(lambda: name.links_made > made, what="another connection to the old one")
                name.turn_to(new.port)
            async with listening(new.url()) as there:
                there.on("line", heard.append)

                def is_heard() -> bool:
                    here.send("line", 1)
                    return bool(heard)

                await until(is_heard, within_s=12, what="a hint by the new primary")
                await until(lambda: here.takes_writes, within_s=8, what="the end of the trouble")


async def test_what_is_said_while_redis_hangs_goes_out_when_it_answers(own_redis: RedisServer) -> None:
    heard: list[object] = []
    async with (
        Proxy(own_redis.port) as between,
        listening(own_redis.url()) as there,
        listening(f"redis://127.0.0.1:{between.port}") as here,
    ):
        there.on("line", heard.append)
        between.stall()
        here.send("line", 1)
        await until(lambda: not here.healthy, within_s=2, what="the doubt")
        made = between.links_made
        here.send("line", 2)
        await until(lambda: between.links_made >= made + 2, what="two more tries in vain")
        between.resume()
        await until(lambda: ["line", 2] in heard, within_s=3, what="the hint that waited")
        await until(lambda: here.healthy, within_s=8, what="the own probe again")
