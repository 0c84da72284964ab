"""What every test may ask for: engines of its own, a fresh migrated database, a running demo, a browser.

The engines and the browser start once for each worker, when the first test asks. Nothing is shared between workers.
"""

import asyncio
import gc
import os
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest
from playwright.async_api import Browser, Page, async_playwright
from redis import Redis

from app.migrations import migrate
from core.db import Database
from core.sqlite import sqlite_url
from tests.browser.pages import opened
from tests.chromium import find_chromium
from tests.engines import PostgresServer, RedisServer
from tests.litter import collect_litter
from tests.live import LiveService

MIGRATED = "migrated"
MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 << 30


def _write_to_memory() -> None:
    """Let every temporary folder, of the tests and of what they start, lie in memory where there is room for it.

    A database made from a template is some 1,700 files: 0.4 s on a disk, 0.01 s here. What is killed loses no file on
    either; losses of the disk itself have mounts of their own.
    """
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


_write_to_memory()

# A machine that is busy for a moment, or reads every module for the first time, is not what a property is checked for.
hypothesis.settings.register_profile("whole", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("whole")

Launch = Callable[..., Awaitable[Browser]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fault-seconds", type=float, default=30.0, help="how long each run of faults lasts, one on each database"
    )
    earlier = "the schedule of an earlier run of faults; a new one without it"
    parser.addoption("--seed", "--fault-seed", dest="fault_seed", type=int, help=earlier)
    parser.addoption("--fault-root", action="store_true", help="also break what only root can break")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What needs root is left out unless asked for, and then never skipped."""
    if not config.getoption("--fault-root"):
        left_out = [item for item in items if item.get_closest_marker("root")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Look for garbage less often, and never among the tests themselves: a fifth of a run's work was that."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture
def no_litter() -> None:
    """Nothing that another test left says anything during this one."""
    collect_litter()


@pytest.fixture
async def loop_troubles(no_litter: None) -> AsyncIterator[list[Exception]]:
    """What calls of the loop fail with during the test."""
    loop, troubles = asyncio.get_running_loop(), list[Exception]()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: troubles.append(context["exception"]))
    yield troubles
    loop.set_exception_handler(before)


@pytest.fixture(scope="session")
def fault_seconds(pytestconfig: pytest.Config) -> float:
    return float(pytestconfig.getoption("--fault-seconds"))


def pytest_configure(config: pytest.Config) -> None:
    """One seed for all workers, who are told what is set here."""
    if config.option.fault_seed is None:
        config.option.fault_seed = random.getrandbits(32)


def pytest_report_header(config: pytest.Config) -> str:
    return f"fault seed: {config.option.fault_seed}"


@pytest.fixture(scope="session")
def fault_seed(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.option.fault_seed)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket, which pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="dl-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Not durable, so that a fresh database costs little. Tests of durability start a server of their own."""
    with PostgresServer(fsync="off", synchronous_commit="off", full_page_writes="off", shared_buffers="64MB") as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """One of this test's own, to be stopped: nobody else is to wait for it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """One of this test's own, to be broken."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """An empty Redis."""
    with Redis.from_url(redis_server.url()) as client:
        client.flushall()
    return redis_server.url()


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    migrate(sqlite_url(folder))
    return folder / "dutyline.db"


@pytest.fixture(scope="session")
def _migrated_postgres(postgres: PostgresServer) -> str:
    migrate(postgres.create_database(MIGRATED))
    return MIGRATED


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database of the test's own, once on each engine."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("_migrated_sqlite"), tmp_path / "dutyline.db")
        yield sqlite_url(tmp_path)
        return
    yield request.getfixturevalue("postgres_url")


@pytest.fixture
def postgres_url(postgres: PostgresServer, _migrated_postgres: str) -> Iterator[str]:
    """The same on PostgreSQL alone."""
    name = f"test_{uuid4().hex}"
    yield postgres.create_database(name, like=_migrated_postgres)
    postgres.drop_database(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def demo() -> Iterator[LiveService]:
    """`dutyline run`, started once for the tests that do not change what others rely on."""
    with tempfile.TemporaryDirectory(prefix="dl-") as folder, LiveService(Path(folder)) as service:
        yield service


@pytest.fixture(scope="session")
async def launch() -> AsyncIterator[Launch]:
    """Starts a browser; the words are options of its command line."""
    async with async_playwright() as playwright:

        async def launch(*words: str) -> Browser:
            # Chromium's sandbox cannot be set up by root; the pages are our own.
            sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
            return await playwright.chromium.launch(executable_path=find_chromium(), args=[*sandbox, *words])

        yield launch


@pytest.fixture(scope="session")
async def browser(launch: Launch) -> AsyncIterator[Browser]:
    browser = await launch()
    yield browser
    await browser.close()


@pytest.fixture
async def page(browser: Browser, demo: LiveService) -> AsyncIterator[Page]:
    """A page of a browser that has seen nothing yet. A script that fails, or a request to another host, fails the test."""
    async with opened(browser, demo.url, demo.is_own) as context:
        yield await context.new_page()
