"""`make faults ROOT=1`: links that are down and a disk that is full, under the same clients and the same checker.

Left out unless asked for; asked for without the right to do it, it fails and says why.
"""

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.engines import PostgresServer, RedisServer
from tests.faults.breakages import hold
from tests.faults.cables import Cable, fill, refuse_without_root, small_disk
from tests.faults.cast import Company
from tests.faults.nemesis import Fault
from tests.faults.play import Plan, rage
from tests.faults.proxy import Proxy
from tests.faults.shapes import on_postgres, on_sqlite
from tests.faults.workshop import Workshop

pytestmark = [pytest.mark.faults, pytest.mark.root]

RAGE_S = 30.0
DISK_MB = 24


@pytest.fixture(autouse=True)
def root() -> None:
    refuse_without_root()


@pytest.fixture
def cables() -> Iterator[tuple[Cable, Cable]]:
    with Cable(1) as to_postgres, Cable(2) as to_redis:
        yield to_postgres, to_redis


async def test_links_that_are_down(
    fault_seed: int, cables: tuple[Cable, Cable], short_folder: Path, workshop: Workshop
) -> None:
    """Between every process and PostgreSQL, and between every process and Redis."""
    to_postgres, to_redis = cables
    postgres, redis = PostgresServer(), RedisServer()
    for engine, cable in ((postgres, to_postgres), (redis, to_redis)):
        engine.address, engine.network = cable.far, cable.name
    directly = {"DATABASE_URL": postgres.url()}
    async with on_postgres(short_folder, workshop, postgres=postgres, redis=redis, environment=directly) as shape:

        def faults(company: Company, proxies: Sequence[Proxy]) -> Mapping[str, Fault]:
            return {"link to PostgreSQL down": _down(to_postgres, 6, 20), "link to Redis down": _down(to_redis, 6, 15)}

        run = await rage(Plan(RAGE_S, fault_seed), shape.service, await shape.hire(3), faults, workshop, shape.store)
    # Nobody waits in the dark: what cannot be stored now is answered as unavailable in time.
    assert not [message for message in run.messages if any(answer.code == "no answer" for answer in message.answers)]


def _down(cable: Cable, least_s: float, most_s: float) -> Fault:
    async def down(rng: random.Random) -> None:
        await asyncio.to_thread(cable.down)
        try:
            await hold(rng, least_s, most_s)
        finally:
            await asyncio.to_thread(cable.up)

    return down


async def test_a_disk_that_is_full(fault_seed: int, short_folder: Path, workshop: Workshop) -> None:
    data = short_folder / "data"
    with small_disk(data, DISK_MB):
        async with on_sqlite(short_folder, workshop) as shape:

            def faults(company: Company, proxies: Sequence[Proxy]) -> Mapping[str, Fault]:
                return {"disk full": _full(data)}

            await rage(Plan(RAGE_S, fault_seed), shape.service, shape.advisors, faults, workshop, shape.store)


def _full(folder: Path) -> Fault:
    async def full(rng: random.Random) -> None:
        filler = await asyncio.to_thread(fill, folder)
        try:
            await hold(rng, 3, 8)
        finally:
            filler.unlink()

    return full
