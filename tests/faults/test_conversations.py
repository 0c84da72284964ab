"""Conversations while one part after the other breaks: what was acknowledged is stored once, in order, and everybody sees it.

`make test` gives each engine a short run under a new seed; `make faults` a long one. A run prints its seed and what
happened; `--seed N` gives its schedule again.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults import breakages
from tests.faults.cast import Company
from tests.faults.nemesis import Fault
from tests.faults.play import Plan, rage
from tests.faults.proxy import Proxy
from tests.faults.report import longest_gaps
from tests.faults.shapes import on_postgres, on_sqlite
from tests.faults.workshop import Workshop

# A long run strikes with every fault, some of which last half a minute and more.
pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

# A client that is sent away by one process is with another one in this time.
AWAY_WITHIN_S = 5.0


async def test_one_process_on_sqlite(plan: Plan, short_folder: Path, workshop: Workshop) -> None:
    async with on_sqlite(short_folder, workshop) as shape:

        def faults(company: Company, proxies: Sequence[Proxy]) -> dict[str, Fault]:
            return (
                breakages.of_service(shape.service, ["run"], workshop)
                | breakages.of_network(proxies, company.clients)
                | breakages.of_private_redis(shape.service, shape.data, workshop)
                | breakages.of_sqlite(shape.service, shape.database_file, workshop)
            )

        await rage(plan, shape.service, shape.advisors, faults, workshop, shape.store)


async def test_three_processes_on_postgres(plan: Plan, short_folder: Path, workshop: Workshop) -> None:
    async with on_postgres(short_folder, workshop) as shape:

        def faults(company: Company, proxies: Sequence[Proxy]) -> dict[str, Fault]:
            return (
                breakages.of_service(shape.service, list(shape.service.parts), workshop)
                | breakages.of_network(proxies, company.clients)
                | breakages.of_redis(shape.redis, workshop, is_long=plan.is_long)
                | breakages.of_postgres(shape.postgres, workshop, is_long=plan.is_long)
                | breakages.of_link(shape.link)
            )

        run = await rage(plan, shape.service, await shape.hire(3), faults, workshop, shape.store)
    if plan.is_long:
        # A promise about time, for a machine that has some: a short run shares its cores with other tests.
        assert longest_gaps(run)["rolling restart"] <= AWAY_WITHIN_S
