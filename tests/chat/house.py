"""Dutyline's web processes inside the test: the real app behind the real server, one or two of them on one database and Redis.

Both stand under one BASE_URL, as behind a proxy: whoever talks to the second says the first one's host and origin.
"""

import asyncio
import base64
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import insert

import app.parts
import chat.socket
from app.main import Service, create_app
from app.parts import Parts
from app.server import DrainingServer, _config, bind
from core.clock import utc_now
from core.db import Database
from core.people import Role
from core.settings import Settings, read_settings
from core.signals import open_redis
from core.sqlite import sqlite_url
from core.tables import setting
from staff.tables import account, account_role


@dataclass
class WebProcess:
    """One of them: where it listens, and its parts for looking inside."""

    port: int
    service: Service
    server: DrainingServer
    done: asyncio.Task[None]
    database: Database

    @property
    def parts(self) -> Parts:
        return self.service.parts


@dataclass
class House:
    """What the tests of one service share."""

    settings: Settings
    database: Database
    processes: list[WebProcess] = field(default_factory=list)

    @property
    def first(self) -> WebProcess:
        return self.processes[0]

    @property
    def origin(self) -> str:
        return self.settings.base_url

    async def open_round_the_clock(self) -> None:
        async with self.database.write() as connection:
            await connection.execute(insert(setting).values(name="always_open", value="yes"))

    async def hire(self, name: str, *roles: Role) -> tuple[str, str]:
        """An account and its sign-in: (account id, session token)."""
        account_id = secrets.token_hex(8)
        now = utc_now()
        async with self.database.write() as connection:
            row = {"id": account_id, "email": f"{account_id}@example.org", "name": name, "created_at": now}
            await connection.execute(insert(account).values(presence="online", capacity=6, **row))
            for role in roles:
                await connection.execute(insert(account_role).values(account_id=account_id, role=role))
            token, _ = await self.first.parts.sessions.start(connection, account_id)
        return account_id, token


@asynccontextmanager
async def shared(folder: Path, migrated: Path, redis_url: str) -> AsyncIterator[House]:
    """A house on SQLite for a whole file: for what depends neither on the engine nor on who else is there.

    Each test asks anew, and all from one address, so that what an address may do in a while is no limit here.
    """
    shutil.copy(migrated, folder / "dutyline.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.parts, "ENQUIRIES_BURST", 10_000.0)
        patch.setattr(chat.socket, "ARRIVALS_BURST", 10_000.0)
        async with opened(folder, sqlite_url(folder), redis_url) as house:
            yield house


@asynccontextmanager
async def opened(
    folder: Path, database_url: str, redis_url: str, *, processes: int = 1, environment: Mapping[str, str] | None = None
) -> AsyncIterator[House]:
    """A house that is open round the clock."""
    listeners = [bind("127.0.0.1", 0) for _ in range(processes)]
    port = listeners[0].getsockname()[1]
    settings = read_settings(
        {
            "BASE_URL": f"http://127.0.0.1:{port}",
            "DATA_DIR": str(folder),
            "MASTER_KEYS_FILE": _key_file(folder / "master.keys"),
            "SECRET_KEY_FILE": _key_file(folder / "secret.key"),
            **(environment or {}),
        }
    )
    database = Database(database_url)
    house = House(settings, database)
    await house.open_round_the_clock()
    try:
        for listener in listeners:
            house.processes.append(await _start(settings, database_url, redis_url, listener))
        yield house
    finally:
        for process in house.processes:
            await stop(process)
        await database.close()


async def _start(settings: Settings, database_url: str, redis_url: str, listener: socket.socket) -> WebProcess:
    database, redis = Database(database_url), open_redis(redis_url)
    # It asks the database for its epoch at once, and a proxy in between may live in this loop.
    service = await asyncio.to_thread(create_app, settings, database, redis)
    server = DrainingServer(_config(service, settings), service.drain, None)

    async def serve() -> None:
        try:
            await server.serve(sockets=[listener])
        finally:
            await redis.aclose()
            await database.close()
            listener.close()

    done = asyncio.create_task(serve())
    process = WebProcess(listener.getsockname()[1], service, server, done, database)
    while not server.started:
        assert not done.done(), "the server ended by itself"
        await asyncio.sleep(0)
    return process


async def stop(process: WebProcess) -> None:
    process.server.should_exit = True
    await process.done


def _key_file(path: Path) -> str:
    path.write_text(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    path.chmod(0o600)
    return str(path)
