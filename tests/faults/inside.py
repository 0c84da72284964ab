"""Web processes of the service inside the test's own process, so that a test can plant a fault in their code.

Each has its own port, database pool and Redis client, as processes have; they share nothing but the database and Redis.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn

from app.main import create_app
from app.server import DrainingServer, bind
from core.crypto import make_key_file, new_master_key, new_token
from core.db import Database
from core.settings import Settings, read_settings
from core.signals import open_redis
from tests.engines import free_port
from tests.waiting import until


def settings_inside(folder: Path, database_url: str, redis_url: str) -> Settings:
    """What all processes of one service share; the port is in the public name only."""
    keys, secret = folder / "master.keys", folder / "secret.key"
    make_key_file(keys, new_master_key() + "\n")
    make_key_file(secret, new_token() + "\n")
    return read_settings(
        {
            "PORT": str(free_port()),
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "MASTER_KEYS_FILE": str(keys),
            "SECRET_KEY_FILE": str(secret),
            "RATE_LIMITS": "off",
        }
    )


@contextlib.asynccontextmanager
async def serving(settings: Settings, port: int) -> AsyncIterator[None]:
    """One web process on this port, until the block ends."""
    assert settings.database_url is not None
    assert settings.redis_url is not None
    database, redis = Database(settings.database_url), open_redis(settings.redis_url)
    # It asks the database for its epoch at once, and the proxy in between lives in this loop.
    app = await asyncio.to_thread(create_app, settings, database, redis)
    config = uvicorn.Config(app, ws="websockets-sansio", interface="asgi3", log_config=None, access_log=False)
    server = DrainingServer(config, app.drain, None)
    listener = bind("127.0.0.1", port)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started, what="the service to listen")
        yield
    finally:
        server.should_exit = True
        await running
        await redis.aclose()
        await database.close()
