"""A real Redis that is there and refuses: full, unable to save, another's replica, or still loading."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from redis import Redis

from tests.engines import RedisServer, free_port
from tests.waiting import wait_until

LOADS_S = 10.0
BALLAST = 400
BALLAST_BYTES = 200_000


@contextmanager
def full(client: Redis, server: RedisServer) -> Iterator[None]:
    client.config_set("maxmemory", 1)
    yield
    client.config_set("maxmemory", 0)


@contextmanager
def cannot_save(client: Redis, server: RedisServer) -> Iterator[None]:
    """A folder stands where its file should: after one failed save it refuses to write (MISCONF)."""
    assert server.folder is not None
    (server.folder / "taken").mkdir()
    client.config_set("save", "3600 1")
    client.config_set("dbfilename", "taken")
    _save(client, "err")
    yield
    client.config_set("dbfilename", "free.rdb")
    _save(client, "ok")
    client.config_set("save", "")


def _save(client: Redis, outcome: str) -> None:
    client.bgsave()
    wait_until(
        lambda: client.info("persistence")["rdb_last_bgsave_status"] == outcome, what=f"a save that is {outcome}"
    )


@contextmanager
def replica(client: Redis, server: RedisServer) -> Iterator[None]:
    """Of a primary that cannot be reached."""
    client.replicaof("127.0.0.1", free_port())
    yield
    client.replicaof("NO", "ONE")


@contextmanager
def loading(client: Redis, server: RedisServer) -> Iterator[None]:
    """It reads its own data anew, takes long over it, and only now and then looks at its clients meanwhile."""
    client.config_set("rdbcompression", "no")
    for number in range(BALLAST):
        client.set(f"ballast:{number}", "-" * BALLAST_BYTES)
    client.config_set("key-load-delay", round(LOADS_S / BALLAST * 1e6))
    reloading = threading.Thread(target=client.execute_command, args=("DEBUG", "RELOAD"))
    reloading.start()
    yield
    reloading.join()


REFUSALS = (full, cannot_save, replica, loading)
Refusal = Callable[[Redis, RedisServer], AbstractContextManager[None]]
