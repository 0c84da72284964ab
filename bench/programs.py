"""The programs under test: how each is started, and where the load maker finds its sockets.

Every program gets the same machine, the same PostgreSQL and Redis (its own database
in each), two web processes, and the same client. Programs that wait for their turn
stay up, idle.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.load import Client, Measurement, Plan
from bench.processes import ServerProcess, python, run_command
from tests.engines import PostgresServer, RedisServer, free_port

WEB_PROCESSES = 2


class Engines:
    """The private PostgreSQL and Redis that all programs of one run share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = PostgresServer()
        self.redis = RedisServer()
        self._redis_databases = 0

    def start(self) -> None:
        self.postgres.start()
        self.redis.start()

    def stop(self) -> None:
        self.redis.stop()
        self.postgres.stop()

    def new_redis_url(self) -> str:
        self._redis_databases += 1
        return self.redis.url(self._redis_databases)

    def parts(self, web: Sequence[ServerProcess]) -> dict[str, list[int]]:
        return {
            "web": [process.pid for process in web],
            "postgresql": [self.postgres.pid],
            "redis": [self.redis.pid],
        }


@dataclass(frozen=True, slots=True)
class Pairs:
    """How many pairs talk. One way, every sender is on the first process and every receiver on the
    second; both ways, every other pair is turned round, so that the processes share the work."""

    count: int
    both_ways: bool = False
    processes: int = WEB_PROCESSES

    def sender_process(self, number: int) -> int:
        return number % self.processes if self.both_ways else 0

    def receiver_process(self, number: int) -> int:
        return (self.sender_process(number) + 1) % self.processes


class Program(Protocol):
    """A chat under test. `start` may be slow; `plan` is asked before each measurement."""

    name: str

    def start(self, engines: Engines, pairs: Pairs) -> None: ...

    def plan(self) -> Plan: ...

    def remember(self, measurement: Measurement) -> None: ...

    def stop(self) -> None: ...


class ReferenceProgram:
    """What the references have in common: a socket path for each side of each pair."""

    name = ""

    def __init__(self) -> None:
        self._engines: Engines | None = None
        self._pairs = Pairs(0)
        self._processes: list[ServerProcess] = []

    def start(self, engines: Engines, pairs: Pairs) -> None:
        self._engines, self._pairs = engines, pairs
        self._launch(engines)
        for process in self._processes:
            process.wait_until_listening()

    def _launch(self, engines: Engines) -> None:
        raise NotImplementedError

    def _path(self, conversation: str, side: str) -> str:
        raise NotImplementedError

    def plan(self) -> Plan:
        assert self._engines is not None
        pairs, web = self._pairs, self._processes
        conversations = [f"pair-{number}" for number in range(pairs.count)]
        return Plan(
            senders=[
                self._client(web[pairs.sender_process(number)], name, "visitor")
                for number, name in enumerate(conversations)
            ],
            receivers=[
                self._client(web[pairs.receiver_process(number)], name, "advisor")
                for number, name in enumerate(conversations)
            ],
            conversations=conversations,
            parts=self._engines.parts(self._processes),
        )

    def _client(self, process: ServerProcess, conversation: str, side: str) -> Client:
        return Client(
            url=f"ws://127.0.0.1:{process.port}{self._path(conversation, side)}",
            headers={"Origin": f"http://127.0.0.1:{process.port}", "Sec-WebSocket-Protocol": "advice.v1"},
        )

    def remember(self, measurement: Measurement) -> None:
        """Nothing: the references keep no place in a conversation."""

    def stop(self) -> None:
        for process in self._processes:
            process.stop()


class NoStore(ReferenceProgram):
    name = "no store (relay through Redis)"

    def _launch(self, engines: Engines) -> None:
        redis_url = engines.new_redis_url()
        for number in range(WEB_PROCESSES):
            port = free_port()
            command = python(
                "-m", "bench.no_store", "--port", str(port), "--redis", redis_url,
                "--process", str(number), "--processes", str(WEB_PROCESSES),
            )  # fmt: skip
            log = engines.folder / f"no-store-{number}.log"
            self._processes.append(ServerProcess(f"no store {number}", command, port, log, {}))

    def _path(self, conversation: str, side: str) -> str:
        return f"/ws/{conversation}"


class ChannelsChat(ReferenceProgram):
    """Django Channels on uvicorn; `layer` is pubsub or default, the database PostgreSQL, or SQLite and then one process."""

    def __init__(self, layer: str, *, sqlite: bool = False) -> None:
        super().__init__()
        self.layer = layer
        self._sqlite = sqlite
        self.name = f"Django Channels ({'pub/sub' if layer == 'pubsub' else layer} layer{', SQLite' if sqlite else ''})"

    def _launch(self, engines: Engines) -> None:
        env = {
            "DJANGO_SETTINGS_MODULE": "bench.channels_app.settings",
            "DATABASE_URL": f"sqlite:///{engines.folder / 'channels.db'}"
            if self._sqlite
            else engines.postgres.create_database(f"channels_{self.layer}"),
            "REDIS_URL": engines.new_redis_url(),
            "SECRET_KEY": secrets.token_urlsafe(32),
            "BENCH_LAYER": self.layer,
        }
        run_command("django migrate", python("-m", "django", "migrate", "--run-syncdb", "-v", "0"), env)
        for number in range(self._pairs.processes):
            port = free_port()
            command = python(
                "-m", "uvicorn", "bench.channels_app.asgi:application", "--port", str(port), "--lifespan", "off",
                "--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio",
                "--log-level", "warning", "--no-access-log", "--no-use-colors",
            )  # fmt: skip
            log = engines.folder / f"channels-{self.layer}-{number}{'-sqlite' if self._sqlite else ''}.log"
            self._processes.append(ServerProcess(f"{self.name} {number}", command, port, log, env))

    def _path(self, conversation: str, side: str) -> str:
        return f"/ws/{conversation}/{side}"
