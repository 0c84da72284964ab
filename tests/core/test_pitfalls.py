"""What the libraries below us do by default, and must not do here. docs/security.md lists each with its test.

A command repeated by the driver, answers that go to the wrong asker, reads that cannot become writes, connections
that are not given back, a commit whose answer was cut: tried against real servers, some of them behind a proxy.
"""

import asyncio
import gc
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from psycopg.pq import TransactionStatus
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import OperationalError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from core.clock import utc_now
from core.db import TURN_WITHIN_S, Database
from core.errors import Unavailable
from core.signals import REDIS_TIMEOUT_S, open_redis
from core.sqlite import ClosedForCertain, sqlite_url
from core.tables import lease, setting
from tests.engines import PostgresServer, RedisServer
from tests.faults.proxy import Proxy, Way
from tests.forks import ROOT


@pytest.fixture
async def sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(request.getfixturevalue("_migrated_sqlite"), tmp_path / "dutyline.db")
    database = Database(sqlite_url(tmp_path))
    yield database
    await database.close()


@pytest.fixture
async def between(own_redis: RedisServer) -> AsyncIterator[Proxy]:
    async with Proxy(own_redis.port) as proxy:
        yield proxy


async def test_a_command_whose_answer_was_cut_is_not_run_again(own_redis: RedisServer, between: Proxy) -> None:
    direct, through = open_redis(own_redis.url()), open_redis(f"redis://127.0.0.1:{between.port}")
    try:
        between.cut_at(Way.BACK, b":1\r\n", times=5)
        with pytest.raises(RedisError):
            await through.incr("tries")
        assert await direct.get("tries") == b"1"
    finally:
        await through.aclose()
        await direct.aclose()


async def test_a_hint_whose_answer_was_cut_is_not_published_again(own_redis: RedisServer, between: Proxy) -> None:
    direct, through = open_redis(own_redis.url()), open_redis(f"redis://127.0.0.1:{between.port}")
    listener = direct.pubsub(ignore_subscribe_messages=True)
    try:
        await listener.subscribe("hints")
        await listener.get_message(timeout=1)
        between.cut_at(Way.BACK, b":1\r\n", times=5)
        with pytest.raises(RedisError):
            await through.publish("hints", "one")
        await direct.publish("hints", "two")
        heard = []
        while b"two" not in heard:
            message = await listener.get_message(timeout=5)
            assert message is not None
            heard.append(message["data"])
        assert heard == [b"one", b"two"]
    finally:
        await listener.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves this one without annotations
        await through.aclose()
        await direct.aclose()


async def test_a_redis_that_is_stopped_costs_half_a_second(own_redis: RedisServer) -> None:
    redis = open_redis(own_redis.url())
    try:
        await redis.ping()
        own_redis.pause()
        # What is asked twice takes twice as long.
        await is_refused_sooner(redis, 1.8 * REDIS_TIMEOUT_S)
    finally:
        own_redis.resume()
        await redis.aclose()


async def test_a_redis_that_is_not_there_costs_no_time() -> None:
    redis = open_redis("redis://127.0.0.1:1")
    await is_refused_sooner(redis, REDIS_TIMEOUT_S)
    await redis.aclose()


async def is_refused_sooner(redis: Redis, than_s: float) -> None:
    """By a timer of the same loop, which is as late as its answers on a busy machine."""
    asking = asyncio.ensure_future(redis.get("anything"))
    with pytest.raises(RedisError):
        await asyncio.wait_for(asking, than_s)


async def test_a_cancelled_command_mixes_up_no_answers(own_redis: RedisServer, between: Proxy) -> None:
    redis = open_redis(f"redis://127.0.0.1:{between.port}")
    try:
        await redis.mset({"mine": "mine", "other": "other"})
        for _ in range(20):
            between.stall()
            asking = asyncio.ensure_future(redis.get("mine"))
            for _ in range(3):
                await asyncio.sleep(0)
            asking.cancel()
            between.resume()
            await asyncio.gather(asking, return_exceptions=True)
            assert await redis.get("other") == b"other"
    finally:
        await redis.aclose()


async def test_a_read_opens_no_transaction_and_a_write_after_it_does(database: Database) -> None:
    """On PostgreSQL, where BEGIN and ROLLBACK are two ways there and back; one connection serves both in turn."""
    query = select(setting.c.value).where(setting.c.name == "count")

    async def write_and_fail() -> None:
        async with database.write() as connection:
            await connection.execute(insert(setting).values(name="count", value="0"))
            raise ZeroDivisionError

    for _ in range(3):
        async with database.read() as connection:
            assert (await connection.execute(query)).all() == []
            raw: Any = (await connection.get_raw_connection()).driver_connection
            assert database.is_sqlite or raw.info.transaction_status == TransactionStatus.IDLE
        with pytest.raises(ZeroDivisionError):
            await write_and_fail()


async def test_reading_and_then_writing_loses_no_update(database: Database) -> None:
    """On SQLite a transaction that began by reading could not write beside another: it begins as one that writes."""
    async with database.write() as connection:
        await connection.execute(insert(setting).values(name="count", value="0"))

    async def add_one() -> None:
        async with database.write() as connection:
            query = select(setting.c.value).where(setting.c.name == "count").with_for_update()
            value = int((await connection.execute(query)).scalar_one())
            await asyncio.sleep(0)
            await connection.execute(update(setting).where(setting.c.name == "count").values(value=str(value + 1)))

    await asyncio.gather(*(add_one() for _ in range(10)))
    async with database.read() as connection:
        assert (await connection.execute(select(setting.c.value).where(setting.c.name == "count"))).scalar_one() == "10"


async def test_sqlite_is_set_up_to_keep_what_it_acknowledged(database: Database) -> None:
    if not database.is_sqlite:
        async with database.read() as connection:
            assert (await connection.execute(text("SHOW synchronous_commit"))).scalar_one() in ("on", "off")
        return
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "trusted_schema": 0}
    async with database.write() as connection:
        for name, value in wanted.items():
            assert (await connection.execute(text(f"PRAGMA {name}"))).scalar_one() == value, name
    with pytest.raises(Unavailable) as refused:
        async with database.read() as connection:
            await connection.execute(insert(setting).values(name="written", value="by a reader"))
    assert isinstance(refused.value.__cause__, OperationalError)


async def test_every_connection_is_given_back(database: Database) -> None:
    """After refusals, crashes and cancellations in the middle of a query."""

    async def crash() -> None:
        async with database.write() as connection:
            await connection.execute(select(1))
            raise RuntimeError

    async def read() -> None:
        async with database.read() as connection:
            await connection.execute(select(setting))
            await asyncio.sleep(0)
            await connection.execute(select(setting))

    tasks = [asyncio.create_task(crash()) for _ in range(5)] + [asyncio.create_task(read()) for _ in range(30)]
    for step in range(10):
        await asyncio.sleep(0)
        tasks[5 + step * 2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for engine in (database._writer, database._reader):
        assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # the pools of both engines can tell
    async with asyncio.timeout(10):
        await read()


async def test_a_connection_with_a_cursor_is_closed_twice_in_silence(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "twice.db", factory=ClosedForCertain)
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    for _ in range(2):
        connection.close()
    with pytest.raises(sqlite3.ProgrammingError):
        cursor.fetchone()


async def test_a_cancelled_write_gives_its_lock_back_at_once(sqlite: Database) -> None:
    """SQLite keeps a closed connection, and its lock, for as long as anybody holds a cursor of it that was not read to its end.

    Here the cancelled task's own traceback does; the collector, which would find it in its time, is off.
    """
    loop = asyncio.get_running_loop()

    async def count() -> None:
        async with sqlite.write() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            await raw.create_function("interrupted", 0, lambda: loop.call_soon_threadsafe(task.cancel) is None)
            await connection.execute(text("SELECT interrupted() FROM lease UNION ALL SELECT interrupted() FROM lease"))

    async with sqlite.write() as connection:
        await connection.execute(insert(lease).values(name="any", holder="any", until=utc_now()))
    gc.disable()
    try:
        task = asyncio.create_task(count())
        with pytest.raises(asyncio.CancelledError) as held:
            await task
        async with asyncio.timeout(TURN_WITHIN_S / 2), sqlite.write() as connection:
            await connection.execute(insert(setting).values(name="written", value="by the next"))
        assert held.value is not None
    finally:
        gc.enable()


async def test_a_commit_whose_answer_is_cut_is_no_acknowledgement(postgres: PostgresServer) -> None:
    """It is stored all the same; whoever asked is told that it is not known, and asks again under the same name."""
    name = "cut_commit"
    url = postgres.create_database(name)
    async with Proxy(postgres.port) as proxy:
        through = Database(url.replace(f":{postgres.port}/", f":{proxy.port}/"))
        direct = Database(url)
        try:
            async with direct.write() as connection:
                await connection.execute(text("CREATE TABLE said (word text PRIMARY KEY)"))
            proxy.cut_at(Way.BACK, b"COMMIT", times=1)
            with pytest.raises(Unavailable):
                async with through.write() as connection:
                    await connection.execute(text("INSERT INTO said VALUES ('hello')"))
            assert proxy.cuts_left == 0
            async with direct.read() as connection:
                assert (await connection.execute(text("SELECT count(*) FROM said"))).scalar_one() == 1
            async with through.read() as connection:
                assert (await connection.execute(text("SELECT count(*) FROM said"))).scalar_one() == 1
        finally:
            await through.close()
            await direct.close()
    postgres.drop_database(name)


PRIVATE: dict[type, tuple[str, ...]] = {
    WebSocketsSansIOProtocol: (
        "data_received",
        "handle_ping",
        "handle_cont",
        "handle_pong",
        "handle_parser_exception",
        "keepalive_timeout",
        "run_asgi",
        "schedule_ping",
        "send_keepalive_ping",
        "send_receive_event_to_app",
        "shutdown",
        "start_keepalive",
        "stop_keepalive",
    ),
    HttpToolsProtocol: (
        "_should_upgrade",
        "_unsupported_upgrade_warning",
        "data_received",
        "handle_websocket_upgrade",
        "on_headers_complete",
        "on_message_begin",
        "on_message_complete",
        "pause_writing",
        "resume_writing",
        "shutdown",
    ),
}


@pytest.mark.parametrize("protocol", PRIVATE)
def test_the_server_still_has_what_the_guard_overrides(protocol: type) -> None:
    """The guard touches names that uvicorn promises nobody: its minor version is pinned, and these must be there."""
    for name in PRIVATE[protocol]:
        assert name in vars(protocol), name


def test_versions_are_those_that_the_pitfalls_were_measured_with() -> None:
    wanted = (ROOT / "pyproject.toml").read_text()
    assert re.search(r'"uvicorn>=0\.54,<0\.55"', wanted)
    assert version("uvicorn").startswith("0.54.")
    assert int(version("redis").split(".")[0]) >= 8
    assert tuple(map(int, version("starlette").split(".")[:2])) >= (1, 10)
