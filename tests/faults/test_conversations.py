"""Conversations while one part after the other breaks: what was acknowledged is stored once, in order, and everybody sees it.

`make test` gives each engine a short run under a new seed; `make faults` a long one. A run prints its seed and what
happened; `--fault-seed N` gives its schedule again.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.demo import PEOPLE, open_round_the_clock
from core.db import Database, sqlite_url
from core.people import Role
from tests.engines import PostgresServer, RedisServer
from tests.faults import breakages
from tests.faults.cast import Company, SignIn
from tests.faults.nemesis import Fault
from tests.faults.play import Plan, Store, rage, running
from tests.faults.proxy import Proxy
from tests.faults.report import longest_gaps
from tests.faults.workshop import Workshop
from tests.live import DEMO_PASSWORD, LiveService

pytestmark = pytest.mark.faults

PASSWORD = "correct horse battery staple"
# A client that is sent away by one process is with another one in this time.
AWAY_WITHIN_S = 5.0


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with Workshop() as workshop:
        yield workshop


async def test_one_process_on_sqlite(
    fault_seconds: float, fault_seed: int, short_folder: Path, workshop: Workshop
) -> None:
    service = LiveService(short_folder, environment={"RATE_LIMITS": "off"})
    data = short_folder / "data"
    advisors = [SignIn(person.email, DEMO_PASSWORD) for person in PEOPLE if person.role is Role.ADVISOR]

    def faults(company: Company, proxies: Sequence[Proxy]) -> dict[str, Fault]:
        return (
            breakages.of_service(service, ["run"], workshop)
            | breakages.of_network(proxies, company.clients)
            | breakages.of_private_redis(service, data, workshop)
            | breakages.of_sqlite(service, data / "dutyline.db", workshop)
        )

    async with running(service, workshop):
        store = Store(sqlite_url(data), data / "master.keys")
        await rage(Plan(fault_seconds, fault_seed), service, advisors, faults, workshop, store)


async def test_three_processes_on_postgres(
    fault_seconds: float, fault_seed: int, short_folder: Path, workshop: Workshop
) -> None:
    plan = Plan(fault_seconds, fault_seed)
    postgres, redis = PostgresServer(), RedisServer()
    try:
        database_url = await workshop.do(postgres.start)
        redis_url = await workshop.do(redis.start)
        async with Proxy(postgres.port) as link:
            environment = {
                "DATABASE_URL": database_url.replace(f":{postgres.port}/", f":{link.port}/"),
                "REDIS_URL": redis_url,
                "RATE_LIMITS": "off",
            }
            service = LiveService(short_folder, web=3, workers=1, environment=environment)

            def faults(company: Company, proxies: Sequence[Proxy]) -> dict[str, Fault]:
                return (
                    breakages.of_service(service, list(service.parts), workshop)
                    | breakages.of_network(proxies, company.clients)
                    | breakages.of_redis(redis, workshop, is_long=plan.is_long)
                    | breakages.of_postgres(postgres, workshop, is_long=plan.is_long)
                    | breakages.of_link(link)
                )

            async with running(service, workshop):
                await _open_round_the_clock(database_url)
                advisors = [await workshop.do(_hire, service, number) for number in range(3)]
                store = Store(database_url, short_folder / "master.keys")
                run = await rage(plan, service, advisors, faults, workshop, store)
            assert longest_gaps(run).get("rolling restart", 0) <= AWAY_WITHIN_S
            service.check_no_secret_in(postgres.log_text() + redis.log_text())
    finally:
        await workshop.do(redis.stop)
        await workshop.do(postgres.stop)


async def _open_round_the_clock(database_url: str) -> None:
    database = Database(database_url)
    await open_round_the_clock(database)
    await database.close()


def _hire(service: LiveService, number: int) -> SignIn:
    sign_in = SignIn(f"advisor{number}@example.org", PASSWORD)
    words = ("account", "add", sign_in.email, "--name", f"Cora {number}", "--role", "advisor")
    done = service.command(*words, stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    service.secret_texts |= {sign_in.email, sign_in.password}
    return sign_in
