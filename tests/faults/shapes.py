"""The two shapes in which the service is broken: one process on SQLite, and three web processes and a worker on PostgreSQL.

Everything is started in the workshop and stopped with its logs read; between the service and PostgreSQL lies a link that
can be cut.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.demo import PEOPLE, open_round_the_clock
from core.db import Database
from core.people import Role
from core.sqlite import sqlite_url
from tests.engines import PostgresServer, RedisServer
from tests.faults.cast import SignIn, Store
from tests.faults.proxy import Proxy
from tests.faults.workshop import Workshop
from tests.live import DEMO_PASSWORD, LiveService

PASSWORD = "correct horse battery staple"
NO_REDIS = "redis://127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class OnSqlite:
    service: LiveService
    advisors: list[SignIn]
    store: Store
    data: Path

    @property
    def database_file(self) -> Path:
        return self.data / "dutyline.db"


@dataclass(frozen=True, slots=True)
class OnPostgres:
    service: LiveService
    store: Store
    postgres: PostgresServer
    redis: RedisServer
    link: Proxy

    async def hire(self, count: int) -> list[SignIn]:
        """Advisors, all at once: each account costs a process."""
        return list(await asyncio.gather(*(asyncio.to_thread(_hire, self.service, number) for number in range(count))))


@contextlib.asynccontextmanager
async def on_sqlite(
    folder: Path, workshop: Workshop, environment: Mapping[str, str] | None = None
) -> AsyncIterator[OnSqlite]:
    service = LiveService(folder, environment={"RATE_LIMITS": "off", **(environment or {})})
    advisors = [SignIn(person.email, DEMO_PASSWORD) for person in PEOPLE if person.role is Role.ADVISOR]
    data = folder / "data"
    async with running(service, workshop):
        yield OnSqlite(service, advisors, Store(sqlite_url(data), data / "master.keys"), data)


@contextlib.asynccontextmanager
async def on_postgres(
    folder: Path,
    workshop: Workshop,
    *,
    postgres: PostgresServer | None = None,
    redis: RedisServer | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[OnPostgres]:
    """`environment` may replace what the service is told of its engines."""
    postgres, redis = postgres or PostgresServer(), redis or RedisServer()
    try:
        database_url = await workshop.do(postgres.start)
        redis_url = await workshop.do(redis.start)
        async with Proxy(postgres.port) as link:
            told = {
                "DATABASE_URL": database_url.replace(f":{postgres.port}/", f":{link.port}/"),
                "REDIS_URL": redis_url,
                "RATE_LIMITS": "off",
            }
            service = LiveService(folder, web=3, workers=1, environment=told | dict(environment or {}))
            async with running(service, workshop):
                database = Database(database_url)
                await open_round_the_clock(database)
                await database.close()
                store = Store(database_url, folder / "master.keys")
                yield OnPostgres(service, store, postgres, redis, link)
            service.check_no_secret_in(postgres.log_text() + redis.log_text())
    finally:
        await workshop.do(redis.stop)
        await workshop.do(postgres.stop)


@contextlib.asynccontextmanager
async def running(service: LiveService, workshop: Workshop) -> AsyncIterator[None]:
    """The service, started and stopped in the workshop, so that the proxies go on in the meantime."""
    await workshop.do(service.__enter__)
    try:
        yield
    except BaseException as problem:
        await workshop.do(service.__exit__, type(problem), problem, problem.__traceback__)
        raise
    await workshop.do(service.__exit__, None, None, None)


def _hire(service: LiveService, number: int) -> SignIn:
    sign_in = SignIn(f"advisor{number}@example.org", PASSWORD)
    words = ("account", "add", sign_in.email, "--name", f"Cora {number}", "--role", "advisor")
    done = service.command(*words, stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    service.secret_texts |= {sign_in.email, sign_in.password}
    return sign_in
