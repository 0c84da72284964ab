"""The stage, once a worker on each engine."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser

from tests.browser.stage import Stage, at_second, two_web_processes
from tests.conftest import Launch
from tests.engines import PostgresServer, RedisServer
from tests.live import READY_WITHIN_S, LiveService
from tests.waiting import until


@pytest.fixture(scope="session")
async def sqlite_stage(browser: Browser) -> AsyncIterator[Stage]:
    """`dutyline run`."""
    with tempfile.TemporaryDirectory(prefix="dl-") as folder, LiveService(Path(folder)) as service:
        await found_guidance(service)
        yield Stage(service, browser, browser)


@pytest.fixture(scope="session")
async def postgres_stage(
    browser: Browser, launch: Launch, postgres: PostgresServer, redis_server: RedisServer
) -> AsyncIterator[Stage]:
    database = postgres.create_database(f"stage_{uuid4().hex}")
    with (
        tempfile.TemporaryDirectory(prefix="dl-") as folder,
        two_web_processes(Path(folder), database, redis_server.url(1)) as service,
    ):
        await found_guidance(service)
        async with at_second(launch, service) as desk:
            yield Stage(service, browser, desk)


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest) -> Stage:
    """Each engine in turn."""
    name = "sqlite_stage" if request.param == "sqlite" else "postgres_stage"
    found: Stage = request.getfixturevalue(name)
    return found


@pytest.fixture(scope="session")
def lenient() -> Iterator[LiveService]:
    """`dutyline run` without rate limits, for tests in which one person does a lot."""
    with (
        tempfile.TemporaryDirectory(prefix="dl-") as folder,
        LiveService(Path(folder), environment={"RATE_LIMITS": "off"}) as service,
    ):
        yield service


async def found_guidance(service: LiveService) -> None:
    """A service that has just started answers before it has read its guidance."""
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=READY_WITHIN_S) as anybody:

        async def is_there() -> bool:
            return "topics__item" in (await anybody.get("/guidance")).text

        await until(is_there, READY_WITHIN_S, "the guidance to be read")
