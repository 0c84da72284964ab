"""What can break, part by part: each function gives the faults of one part under the names that the table shows.

How long a fault holds is drawn from the nemesis's own random numbers, so that a seed gives the same schedule again.
"""

import asyncio
import contextlib
import os
import random
import resource
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import psycopg
from redis import Redis
from redis.exceptions import RedisError

from tests.engines import PostgresServer, RedisServer
from tests.faults.nemesis import Fault
from tests.faults.proxy import Proxy, Way
from tests.faults.talk import Talker
from tests.faults.workshop import Workshop
from tests.live import LiveService
from tests.waiting import until

# A CommandComplete message of PostgreSQL, and the query that asks for it.
COMMIT_REPLY = b"COMMIT\0"
COMMIT_QUERY = b"COMMIT\0"
# Less than any database holds, more than the log of a run.
MOST_BYTES = 64 * 1024


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """It and its children stand still.

    It stops first and goes on last: whoever stands begins no other, and keeps even one that ends meanwhile.
    """
    parent = psutil.Process(pid)
    parent.suspend()
    children: list[psutil.Process] = []
    try:
        children = parent.children(recursive=True)
        for one in children:
            one.suspend()
        yield
    finally:
        for one in (*reversed(children), parent):
            one.resume()


async def hold(rng: random.Random, least_s: float, most_s: float) -> None:
    """Let it stay broken: part of the schedule (see nemesis.py)."""
    await asyncio.sleep(rng.uniform(least_s, most_s))


def of_service(service: LiveService, names: Sequence[str], workshop: Workshop) -> dict[str, Fault]:
    """Its processes: killed, restarted in order, frozen."""

    async def kill(rng: random.Random) -> None:
        name = rng.choice(names)
        await workshop.do(service.kill, name)
        await workshop.do(service.start, name)
        await workshop.do(service.wait_ready, name)

    async def restart_all(rng: random.Random) -> None:
        for name in names:
            await workshop.do(service.stop, name)
            await workshop.do(service.start, name)
            await workshop.do(service.wait_ready, name)

    async def freeze(rng: random.Random) -> None:
        name = rng.choice(names)
        service.pause(name)
        try:
            await hold(rng, 1, 3)
        finally:
            service.resume(name)

    return {"process killed": kill, "rolling restart": restart_all, "process frozen": freeze}


def of_network(proxies: Sequence[Proxy], clients: Sequence[Talker]) -> dict[str, Fault]:
    """Between clients and the service."""

    def some(rng: random.Random) -> list[Proxy]:
        return rng.sample(proxies, max(1, len(proxies) // 2))

    async def cut(rng: random.Random) -> None:
        for _ in range(3):
            for proxy in some(rng):
                proxy.cut()
            await hold(rng, 0.1, 0.4)

    async def stall(rng: random.Random) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for proxy in some(rng):
                proxy.stall()
                stack.callback(proxy.resume)
            await hold(rng, 1, 3)

    async def swallow(rng: random.Random) -> None:
        """What is deaf stays deaf: the clients have to find out by themselves."""
        for proxy in some(rng):
            proxy.swallow()
        await hold(rng, 0.2, 0.5)

    async def offline(rng: random.Random) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for client in rng.sample(clients, max(1, len(clients) // 3)):
                client.go_offline()
                stack.callback(client.go_online)
            await hold(rng, 1, 3)

    return {
        "connections cut": cut,
        "network stalled": stall,
        "frames swallowed": swallow,
        "clients offline": offline,
    }


def of_redis(server: RedisServer, workshop: Workshop, *, is_long: bool) -> dict[str, Fault]:
    async def kill(rng: random.Random) -> None:
        await workshop.do(server.kill)
        await hold(rng, 0.5, 2)
        await workshop.do(server.start)

    async def flush(rng: random.Random) -> None:
        for _ in range(3):
            await workshop.do(_flush, Redis.from_url(server.url()))
            await hold(rng, 0.1, 0.3)

    async def freeze(rng: random.Random) -> None:
        server.pause()
        try:
            await hold(rng, 3, 5)
        finally:
            server.resume()

    async def freeze_long(rng: random.Random) -> None:
        server.pause()
        try:
            await hold(rng, 60, 60)
        finally:
            server.resume()

    faults: dict[str, Fault] = {"Redis killed": kill, "Redis flushed": flush, "Redis frozen": freeze}
    return faults | ({"Redis frozen for 60 s": freeze_long} if is_long else {})


def of_private_redis(service: LiveService, data_dir: Path, workshop: Workshop) -> dict[str, Fault]:
    """The Redis that `dutyline run` starts, and starts again."""

    def pids() -> list[int]:
        found: list[int] = []
        for one in psutil.Process(service.parts["run"].pid).children(recursive=True):
            # Whoever ends while we look is not the one that serves.
            with contextlib.suppress(psutil.NoSuchProcess):
                if "redis" in one.name() or "valkey" in one.name():
                    found.append(one.pid)
        return found

    def client() -> Redis:
        return Redis(unix_socket_path=str(data_dir / "redis.sock"))

    async def kill(rng: random.Random) -> None:
        killed = pids()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: pids() and not set(pids()) & set(killed), what="another Redis")

    async def flush(rng: random.Random) -> None:
        for _ in range(3):
            await workshop.do(_flush, client())
            await hold(rng, 0.1, 0.3)

    async def freeze(rng: random.Random) -> None:
        with contextlib.ExitStack() as frost:
            for pid in pids():
                frost.enter_context(frozen(pid))
            await hold(rng, 3, 5)

    return {"Redis killed": kill, "Redis flushed": flush, "Redis frozen": freeze}


@contextlib.contextmanager
def without_room(pid: int, most_bytes: int = 0) -> Iterator[None]:
    """No file of the process may be written to beyond so many bytes: what a full disk does, without one."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def of_sqlite(service: LiveService, path: Path, workshop: Workshop) -> dict[str, Fault]:
    async def lock(rng: random.Random) -> None:
        """Another process is writing and does not come to an end."""
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            await workshop.do(other.execute, "BEGIN IMMEDIATE")
            await hold(rng, 2, 7)
        finally:
            other.close()

    async def fill(rng: random.Random) -> None:
        with without_room(service.parts["run"].pid, MOST_BYTES):
            await hold(rng, 2, 5)

    return {"database locked": lock, "disk full": fill}


def of_postgres(server: PostgresServer, workshop: Workshop, *, is_long: bool) -> dict[str, Fault]:
    """The server itself."""

    async def crash(rng: random.Random) -> None:
        await workshop.do(server.stop_immediately)
        await hold(rng, 0.2, 2)
        await workshop.do(server.start)

    async def stop_long(rng: random.Random) -> None:
        await workshop.do(server.stop_immediately)
        await hold(rng, 30, 30)
        await workshop.do(server.start)

    async def terminate(rng: random.Random) -> None:
        for _ in range(5):
            await workshop.do(_terminate_backends, server.url())
            await hold(rng, 0.05, 0.3)

    async def lock(rng: random.Random) -> None:
        async with await psycopg.AsyncConnection.connect(server.url()) as connection:
            await connection.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
            await hold(rng, 2, 6)

    faults: dict[str, Fault] = {"PostgreSQL crashed": crash, "backends terminated": terminate, "table locked": lock}
    return faults | ({"PostgreSQL away for 30 s": stop_long} if is_long else {})


def of_link(proxy: Proxy) -> dict[str, Fault]:
    """What lies between the service and PostgreSQL."""

    async def stall(rng: random.Random) -> None:
        proxy.stall()
        try:
            await hold(rng, 2, 6)
        finally:
            proxy.resume()

    async def cut_reply(rng: random.Random) -> None:
        await _cut(proxy, Way.BACK, COMMIT_REPLY)

    async def cut_commit(rng: random.Random) -> None:
        await _cut(proxy, Way.FORTH, COMMIT_QUERY)

    return {"database stalled": stall, "COMMIT's reply cut": cut_reply, "COMMIT cut": cut_commit}


async def _cut(proxy: Proxy, way: Way, words: bytes) -> None:
    proxy.cut_at(way, words, times=12)
    await until(lambda: proxy.cuts_left == 0, within_s=20, what="twelve commits to be cut")


def _flush(client: Redis) -> None:
    """A Redis that is just coming back has nothing to flush."""
    try:
        client.flushall()
    except RedisError:
        return
    finally:
        client.close()


def _terminate_backends(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
