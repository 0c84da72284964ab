"""A process of the state machine of the log: its parts and tasks, with connections of its own that may be cut at a commit."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import LiteralString

from sqlalchemy.ext.asyncio import AsyncConnection

from app.parts import Parts
from core.db import SILENT_S, Database, T
from core.errors import Unavailable
from core.settings import Settings
from core.signals import open_redis
from core.wire import Parameters, Rows, Wire


class CutDatabase(Database):
    """The link to the database, which may be cut at a COMMIT: before it arrives, or before its answer does."""

    commits_to_lose = 0
    answers_to_lose = 0

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with super().write() as connection:
            yield connection
            self.maybe_lose_commit()
        self.maybe_lose_answer()

    async def write_at_once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self.maybe_lose_commit()
        done = await super().write_at_once(work)
        self.maybe_lose_answer()
        return done

    def open_wire(self) -> Wire:
        wire = CutWire(self)
        self._wires.append(wire)
        return wire

    def maybe_lose_commit(self) -> None:
        if self.commits_to_lose:
            self.commits_to_lose -= 1
            raise Unavailable

    def maybe_lose_answer(self) -> None:
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            raise Unavailable


class CutWire(Wire):
    """The same on the short way of PostgreSQL."""

    def __init__(self, database: CutDatabase) -> None:
        super().__init__(database._connect, lambda: SILENT_S)
        self._database = database

    async def write(self, query: LiteralString, *each: Parameters) -> Rows:
        self._database.maybe_lose_commit()
        rows = await super().write(query, *each)
        self._database.maybe_lose_answer()
        return rows


class Process:
    """Killed, its tasks end where they are, and nobody cleans up behind them."""

    def __init__(self, settings: Settings, database_url: str, redis_url: str) -> None:
        self.settings = settings
        self.database = CutDatabase(database_url)
        self.redis = open_redis(redis_url)
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        # It asks the database for its epoch at once, and may have to wait for the writer in this loop.
        self.parts = parts = await asyncio.to_thread(Parts, self.settings, self.database, self.redis)
        runs = (parts.log.run, parts.fanout.run, parts.passing.run, parts.signals.run, parts.reads.run)
        self.tasks = [asyncio.create_task(run()) for run in runs]

    async def kill(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.redis.aclose()
        await self.database.close()
