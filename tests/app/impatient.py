"""`dutyline web` and `dutyline worker` with the times of the line made about twelve times shorter, for tests that lose things."""

import asyncio
import os
import signal
import sys
from datetime import timedelta

from app.logs import configure_logs
from app.main import create_app
from app.offline import database_url
from app.server import serve
from app.worker import run_worker
from core.db import Database
from core.settings import Settings, read_settings
from core.signals import open_redis
from triage.times import Times

IMPATIENT = Times(
    offer=timedelta(seconds=2.5),
    rest=timedelta(seconds=1),
    lease=timedelta(seconds=4),
    heartbeat=timedelta(seconds=1.2),
    grace=timedelta(seconds=3),
    silent_grace=timedelta(seconds=1),
    closest=timedelta(seconds=0.4),
    lost_after=timedelta(seconds=1),
    quiet=timedelta(seconds=5),
    longest_gap=timedelta(seconds=4),
)


async def serve_web(settings: Settings) -> None:
    assert settings.redis_url is not None
    database, redis = Database(database_url(settings)), open_redis(settings.redis_url)
    try:
        app = create_app(settings, database, redis, IMPATIENT)
        await serve(app, settings, on_drain=app.state.drain)
    finally:
        await redis.aclose()
        await database.close()


async def work(settings: Settings) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await run_worker(settings, IMPATIENT)
    except asyncio.CancelledError:
        return


def main() -> None:
    configure_logs()
    what = {"web": serve_web, "worker": work}[sys.argv[1]]
    asyncio.run(what(read_settings(os.environ)))
