"""Redis that is not there, that refuses, or that only one process does not hear: everything goes on, and messages come soon.

Nothing is sped up here: the promise is in seconds.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from redis import Redis

from app.demo import open_round_the_clock
from core.db import Database
from core.troubles import troubles
from tests.engines import RedisServer, free_port
from tests.faults.boxes import Network
from tests.faults.cast import Company, ask, new_mark, read_stored
from tests.faults.checker import check, describe
from tests.faults.clients import Client
from tests.faults.history import Message
from tests.faults.inside import serving, settings_inside
from tests.faults.ladder import BRISK, Rung
from tests.faults.proxy import Proxy
from tests.faults.refusing import REFUSALS, Refusal
from tests.faults.shapes import NO_REDIS
from tests.plain_http import NO_TLS
from tests.waiting import until

pytestmark = pytest.mark.faults

# How late a busy machine may be. A process that believes in its hints looks every four seconds only.
SPARE_S = 1.0
WITHOUT_REDIS_S = 2.0 + SPARE_S
DEAF_S = 5.0 + SPARE_S


@asynccontextmanager
async def two_processes(
    folder: Path, database_url: str, first_redis: str, second_redis: str
) -> AsyncIterator[tuple[Company, list[Client]]]:
    """Ada speaks at the first; by every transport she has a screen at the second."""
    database = Database(database_url)
    await open_round_the_clock(database)
    await database.close()
    settings, other_port = settings_inside(folder, database_url, first_redis), free_port()
    other = replace(settings, redis_url=second_redis)
    async with serving(settings, settings.port), serving(other, other_port):
        role = await asyncio.to_thread(ask, settings.base_url, "Ada", new_mark(random.Random(1)))
        company = Company(settings.base_url, {Network.OPEN: [settings.port]}, [role], random.Random(1), tempo=BRISK)
        screens = [company.join(role, f"Ada by {rung.name.lower()}", [other_port], rung) for rung in Rung]
        for client in [*company.clients, *screens]:
            client.start(talking=False)
        await until(lambda: all(place.caught_up.is_set() for one in screens for place in one.places.values()))
        try:
            yield company, screens
            stored = await read_stored(database_url, folder / "master.keys", role.marks)
            await company.settle(stored)
            findings = check(company.leave(stored))
            assert not findings, describe(findings)
        finally:
            await company.stop()


async def latest_of(company: Company, screens: list[Client], messages: int) -> float:
    """Say so many, one after the other: how long after its acknowledgement the latest came to a screen elsewhere."""
    (ada,) = company.clients
    (conversation,) = company.marks
    latest = 0.0
    for _ in range(messages):
        message = await ada.say(conversation)
        assert message.acknowledged_at is not None
        for screen in screens:
            latest = max(latest, await _shown_at(screen, message) - message.acknowledged_at)
    return latest


async def _shown_at(client: Client, message: Message) -> float:
    shown_at = client.screens[0].shown_at
    await until(lambda: message.text in shown_at, within_s=30, what="the message elsewhere")
    return shown_at[message.text]


async def test_redis_was_never_there(tmp_path: Path, postgres_url: str) -> None:
    async with two_processes(tmp_path, postgres_url, NO_REDIS, NO_REDIS) as (company, screens):
        assert await latest_of(company, screens, 5) <= WITHOUT_REDIS_S


async def test_one_process_is_deaf_to_redis(tmp_path: Path, postgres_url: str, own_redis: RedisServer) -> None:
    """Its connections stay open and nothing comes; those it makes anew are whole, if it makes any."""
    async with Proxy(own_redis.port) as link:
        deaf_url = own_redis.url().replace(f":{own_redis.port}/", f":{link.port}/")
        async with two_processes(tmp_path, postgres_url, own_redis.url(), deaf_url) as (company, screens):
            made = link.links_made
            link.swallow()
            assert await latest_of(company, screens, 3) <= DEAF_S
            await until(lambda: link.links_made > made, within_s=12, what="another subscription")


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_redis_refuses_what_is_written(
    tmp_path: Path, postgres_url: str, own_redis: RedisServer, refusal: Refusal
) -> None:
    before = troubles.counts["redis_takes_nothing"]
    with Redis.from_url(own_redis.url(), decode_responses=True, socket_timeout=None) as client:
        async with two_processes(tmp_path, postgres_url, own_redis.url(), own_redis.url()) as (company, screens):
            await until(lambda: is_well(company), what="the own probes")
            refuses = refusal(client, own_redis)
            await asyncio.to_thread(refuses.__enter__)
            # By each of the two; the one that is asked may have found out twice before the other did.
            await until(lambda: troubles.counts["redis_takes_nothing"] >= before + 2, what="the refusal")
            await until(lambda: is_degraded(company), within_s=12, what="the trouble")
            assert await latest_of(company, screens, 3) <= WITHOUT_REDIS_S
            ben = await asyncio.to_thread(ask, company.base_url, "Ben", new_mark(random.Random(2)))
            await asyncio.to_thread(refuses.__exit__, None, None, None)
            await until(lambda: is_copied(client, {*company.marks, *ben.marks}), what="the whole line in Redis")
            await until(lambda: is_well(company), within_s=12, what="the end of the trouble")


async def readiness(company: Company) -> tuple[int, str]:
    async with httpx.AsyncClient(base_url=company.base_url, verify=NO_TLS, trust_env=False) as client:
        answer = await client.get("/readyz")
        return answer.status_code, answer.json()["redis"]


async def is_well(company: Company) -> bool:
    return await readiness(company) == (200, "ok")


async def is_degraded(company: Company) -> bool:
    return await readiness(company) == (200, "degraded")


def is_copied(client: Redis, references: set[str]) -> bool:
    """Whether the copy of the line holds these."""
    return any(references <= set(client.zrange(key, 0, -1)) for key in client.keys("*:line"))
