"""Conversations while one part after the other breaks: what was acknowledged is stored once, in order, and everybody sees it.

`make test` gives each engine a short run under a new seed; `make faults` a long one. A run prints its seed and what
happened; `--fault-seed N` gives its schedule again.
"""

import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.demo import PEOPLE, open_round_the_clock
from core.db import Database, sqlite_url
from core.people import Role
from tests.engines import PostgresServer, RedisServer
from tests.faults import breakages
from tests.faults.cast import Company, SignIn, engage, read_stored
from tests.faults.checker import check, describe, slowest, table
from tests.faults.history import Shown
from tests.faults.nemesis import Fault, Nemesis
from tests.faults.proxy import Proxy
from tests.faults.workshop import Workshop
from tests.live import DEMO_PASSWORD, LiveService

pytestmark = pytest.mark.faults

CONVERSATIONS_EACH = 4
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: how long, under which seed."""

    seconds: float
    seed: int


@pytest.fixture
def plan(fault_seconds: float, fault_seed: int) -> Plan:
    return Plan(fault_seconds, fault_seed)


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with Workshop() as workshop:
        yield workshop


async def test_one_process_on_sqlite(plan: Plan, short_folder: Path, workshop: Workshop) -> None:
    service = LiveService(short_folder, environment={"RATE_LIMITS": "off"})
    data = short_folder / "data"
    advisors = [SignIn(person.email, DEMO_PASSWORD) for person in PEOPLE if person.role is Role.ADVISOR]

    def faults(company: Company, proxies: Sequence[Proxy]) -> dict[str, Fault]:
        return (
            breakages.of_service(service, ["run"], workshop)
            | breakages.of_network(proxies, company.clients)
            | breakages.of_private_redis(service, data, workshop)
            | breakages.of_sqlite(data / "dutyline.db", workshop)
        )

    async with _running(service, workshop):
        await _rage(plan, service, advisors, faults, workshop, Store(sqlite_url(data), data / "master.keys"))


async def test_three_processes_on_postgres(plan: Plan, short_folder: Path, workshop: Workshop) -> None:
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
                    | breakages.of_redis(redis, workshop)
                    | breakages.of_postgres(postgres, link, workshop)
                )

            async with _running(service, workshop):
                await _open_round_the_clock(database_url)
                advisors = [await workshop.do(_hire, service, number) for number in range(3)]
                await _rage(
                    plan, service, advisors, faults, workshop, Store(database_url, short_folder / "master.keys")
                )
    finally:
        await workshop.do(redis.stop)
        await workshop.do(postgres.stop)


@dataclass(frozen=True, slots=True)
class Store:
    """Where the logs are read when all is over, past every proxy."""

    url: str
    master_keys_file: Path

    async def read(self, company: Company) -> Mapping[str, Sequence[Shown]]:
        return await read_stored(self.url, self.master_keys_file, company.marks)


async def _rage(
    plan: Plan,
    service: LiveService,
    advisors: Sequence[SignIn],
    faults: Callable[[Company, Sequence[Proxy]], Mapping[str, Fault]],
    workshop: Workshop,
    store: Store,
) -> None:
    """Open the conversations, break things while everybody talks, heal, compare."""
    rng = random.Random(plan.seed)
    cast = await workshop.do(engage, service.url, advisors, CONVERSATIONS_EACH, rng)
    async with contextlib.AsyncExitStack() as stack:
        ports = [part.port for part in service.parts.values() if part.port is not None]
        proxies = [await stack.enter_async_context(Proxy(port)) for port in ports]
        company = Company(service.url, [proxy.port for proxy in proxies], cast, rng)
        service.secret_texts.update(company.marks.values())
        stack.push_async_callback(company.stop)
        nemesis = Nemesis(faults(company, proxies), rng, company.served)
        company.start()
        try:
            await nemesis.rage(plan.seconds)
            await company.finish_talking()
        finally:
            stored = await store.read(company)
            tops = {reference: len(lines) for reference, lines in stored.items()}
            await company.settle(tops)
            company.look_again()
            await company.settle(tops)
            run = company.leave(stored, nemesis.injected)
            findings = check(run)
            print(f"\nseed {plan.seed}\n{table(run, findings)}\n{slowest(run)}")
        assert not findings, f"seed {plan.seed}\n{describe(findings)}"


@contextlib.asynccontextmanager
async def _running(service: LiveService, workshop: Workshop) -> AsyncIterator[None]:
    """The service, started and stopped in the workshop, so that the proxies go on in the meantime."""
    await workshop.do(service.__enter__)
    try:
        yield
    except BaseException as problem:
        await workshop.do(service.__exit__, type(problem), problem, problem.__traceback__)
        raise
    await workshop.do(service.__exit__, None, None, None)


async def _open_round_the_clock(database_url: str) -> None:
    database = Database(database_url)
    await open_round_the_clock(database)
    await database.close()


def _hire(service: LiveService, number: int) -> SignIn:
    sign_in = SignIn(f"advisor{number}@example.org", PASSWORD)
    words = ("account", "add", sign_in.email, "--name", f"Cora {number}", "--role", "advisor")
    done = service.command(*words, stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    return sign_in
