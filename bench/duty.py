"""A duty desk under load: 1,000 people wait and 100 advisors are on duty, on PostgreSQL, with two web processes and a worker.

The line is put into the database beforehand (`bench/seed_line.py`); everything that is measured goes through the doors.
Advisors speak HTTP on kept connections, each with a request under way or none, over a client that costs little.
"""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec

from bench.processes import ProcessError, ServerProcess, run_module
from bench.seed_line import SeededLine
from bench.solo import DUTYLINE, SEED_WITHIN_S, Solo, form_token
from tests.engines import PostgresServer, RedisServer, free_port

WAITING = 1_000
ADVISORS = 100


class Duty:
    """Two web processes under one name, as behind a proxy, and a worker if it is asked for."""

    def __init__(self, folder: Path, *, worker: bool) -> None:
        self.postgres, self.redis = PostgresServer(), RedisServer()
        self._folder = folder
        self._has_worker = worker
        self._processes: list[ServerProcess] = []
        self.ports: list[int] = []
        self.line = SeededLine([], [])

    def start(self, *words: str) -> None:
        """`words` go to bench.seed_line."""
        self.postgres.start()
        self.redis.start()
        self._folder.mkdir(exist_ok=True)
        database = self.postgres.create_database("duty")
        solo = Solo(self._folder, "web", {"DATABASE_URL": database, "REDIS_URL": self.redis.url(1)})
        self._solo = solo
        solo.migrate()
        self.line = self._seed(*words)
        self.ports = [solo.port, free_port()]
        for number, port in enumerate(self.ports):
            self._launch(f"web {number}", port, "web")
        for process in self._processes:
            process.wait_until_listening()
        if self._has_worker:
            self._launch("worker", 0, "worker")

    def _launch(self, name: str, port: int, command: str) -> None:
        log = self._folder / f"{name.replace(' ', '-')}.log"
        settings = self._solo.settings | ({"PORT": str(port)} if port else {})
        self._processes.append(ServerProcess(f"dutyline {name}", [str(DUTYLINE), command], port, log, settings))

    def _seed(self, *words: str) -> SeededLine:
        words = ("bench.seed_line", str(WAITING), str(ADVISORS), *words)
        printed = run_module(*words, env=self._solo.settings, timeout_s=SEED_WITHIN_S)
        # The router writes its own log before it.
        return msgspec.json.decode(printed.splitlines()[-1], type=SeededLine)

    @property
    def base_url(self) -> str:
        return self._solo.base_url

    @property
    def host(self) -> str:
        return self.base_url.removeprefix("http://")

    @property
    def parts(self) -> dict[str, list[int]]:
        web, worker = self._processes[:2], self._processes[2:]
        return {
            **{f"web {number}": [process.pid] for number, process in enumerate(web)},
            **({"worker": [process.pid for process in worker]} if worker else {}),
            "PostgreSQL": [self.postgres.pid],
            "Redis": [self.redis.pid],
        }

    def token_of(self, session: str) -> str:
        """What an advisor's desk carries in its forms."""
        request = urllib.request.Request(f"{self.base_url}/desk", headers={"Cookie": f"session={session}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            token = form_token(answer.read().decode())
        if token is None:
            raise ProcessError("GET /desk shows no form with a csrf_token")
        return token

    def stop(self) -> None:
        for process in self._processes:
            process.stop()
        self.redis.stop()
        self.postgres.stop()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    seconds: float


class AdvisorClient(asyncio.Protocol):
    """One advisor's kept connection. One request at a time."""

    def __init__(self, duty: Duty, session: str, csrf_token: str) -> None:
        self._head = (
            f"Host: {duty.host}\r\nOrigin: {duty.base_url}\r\nCookie: session={session}\r\nX-CSRF-Token: {csrf_token}\r\n"
            "Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        )
        self._transport: asyncio.Transport | None = None
        self._heard = b""
        self._answered: asyncio.Future[bytes] | None = None

    async def open(self, port: int) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", port)

    async def post(self, path: str) -> Answer:
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        begun = time.perf_counter()
        self._transport.write(f"POST {path} HTTP/1.1\r\n{self._head}".encode())
        answer = await self._answered
        seconds = time.perf_counter() - begun
        return Answer(int(answer[9:12]), answer.partition(b"\r\n\r\n")[2], seconds)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, rest = self._heard.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head.lower())
        if end and len(rest) >= (int(length[1]) if length else 0):
            answer, self._heard = self._heard, b""
            if self._answered is not None and not self._answered.done():
                self._answered.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(ProcessError(f"an advisor's connection ended ({error})"))
