"""What happens between a command and the service it starts: folder, keys, database, Redis, then web and worker.

Everything that can be refused is refused before the first request, in one line (StartError). Whatever was started is
stopped in the opposite order, however the service ends.
"""

import asyncio
import contextlib
import errno
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path

import uvloop

from app import demo
from app.connections import check_room
from app.data_dir import hold_data_dir
from app.embedded import EmbeddedRedis, choose_socket
from app.main import create_app
from app.memory import keep_few_heaps
from app.migrations import check_migrated, migrate
from app.offline import database_url, staff_of, write_privately
from app.processes import WebProcesses
from app.server import Inherited, bind, serve
from app.worker import close_all, run_worker
from core.assets import Assets
from core.audit import AuditLog
from core.crypto import KeyRing, Signer, make_key_file, new_master_key
from core.db import Database
from core.ending import end_all, to_the_end
from core.errors import StartError
from core.settings import Settings
from core.signals import open_redis


def run_demo(settings: Settings) -> int:
    """`dutyline run`: makes what is missing, then web and worker together."""
    write_privately()
    keep_few_heaps()
    Assets().check_built()
    with _full_disk_explained(), hold_data_dir(settings.data_dir):
        settings.data_dir.chmod(0o700)
        listener, settings = _listen(settings)
        make_key_file(settings.master_keys_file, new_master_key() + "\n")
        make_key_file(settings.secret_key_file, secrets.token_urlsafe(48) + "\n")
        _check_keys(settings)
        password = demo.demo_password(settings)
        migrate(database_url(settings))
        return in_loop(_run_demo(settings, listener, password))


def run_web(settings: Settings) -> int:
    """`dutyline web`: never makes a key, an account or a table."""
    write_privately()
    keep_few_heaps()
    _check_before_web(settings)
    with _full_disk_explained(), _own_redis_folder(settings):
        asyncio.run(_refuse_demo_accounts(settings))
        listener, settings = _listen(settings)
        return in_loop(_run_web(settings, listener))


def run_web_process(settings: Settings, inherited: Inherited) -> int:
    """One of several web processes; its parent has checked everything."""
    keep_few_heaps()
    return in_loop(_serve(settings, None, inherited))


def run_worker_alone(settings: Settings) -> int:
    """`dutyline worker`."""
    write_privately()
    keep_few_heaps()
    _check_keys(settings)
    check_migrated(database_url(settings))
    asyncio.run(_refuse_demo_accounts(settings))
    if settings.redis_url is None:
        settings = replace(settings, redis_url=f"unix://{choose_socket(settings.data_dir)}")
    return in_loop(_until_stopped(settings))


async def _run_demo(settings: Settings, listener: socket.socket, password: str) -> int:
    async with _redis(settings) as settings:
        await _fill(settings, password)
        sys.stdout.write(demo.welcome(settings, password))
        sys.stdout.flush()
        worker = asyncio.create_task(run_worker(settings), name="worker")
        web = asyncio.create_task(_web(settings, listener), name="web")
        try:
            await asyncio.wait({worker, web}, return_when=asyncio.FIRST_COMPLETED)
            # A worker that ends by itself has failed; the service does not go on without it.
            if worker.done():
                worker.result()
            return await web
        finally:
            await end_all((worker, web))


async def _run_web(settings: Settings, listener: socket.socket) -> int:
    async with _redis(settings) as settings:
        return await _web(settings, listener)


async def _web(settings: Settings, listener: socket.socket) -> int:
    if settings.web_concurrency == 1:
        return await _serve(settings, listener, None)
    command = [sys.executable, "-m", "app.cli", "web-process", *(["--demo"] if settings.demo else [])]
    os.environ |= {"REDIS_URL": settings.redis_url or "", "BASE_URL": settings.base_url}
    return await WebProcesses(command, settings.web_concurrency, listener).run()


async def _serve(settings: Settings, listener: socket.socket | None, inherited: Inherited | None) -> int:
    assert settings.redis_url is not None
    database, redis = Database(database_url(settings)), open_redis(settings.redis_url)
    try:
        app = create_app(settings, database, redis)
        await serve(app, settings, on_drain=app.state.drain, listener=listener, inherited=inherited)
    finally:
        await to_the_end(close_all(redis, database))
    return 0


async def _until_stopped(settings: Settings) -> int:
    worker = asyncio.create_task(run_worker(settings), name="worker")
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, worker.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await worker
    return 0


async def _fill(settings: Settings, password: str) -> None:
    database = Database(database_url(settings))
    try:
        async with staff_of(settings, database) as staff:
            await demo.make_demo_accounts(staff.accounts, staff.passwords, password)
        await demo.open_round_the_clock(database)
        audit = AuditLog(Signer.from_file(settings.secret_key_file))
        await demo.save_sample_replies(database)
        await demo.publish_sample_guidance(database, audit)
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[Settings]:
    """The settings with a Redis in them: the one that is named, or our own."""
    if settings.redis_url is not None:
        yield settings
        return
    async with EmbeddedRedis(settings.data_dir) as own:
        yield replace(settings, redis_url=own.url)


def _check_before_web(settings: Settings) -> None:
    Assets().check_built()
    _check_keys(settings)
    check_migrated(database_url(settings))
    check_room(database_url(settings), settings.web_concurrency)


def _check_keys(settings: Settings) -> None:
    KeyRing.from_file(settings.master_keys_file)
    Signer.from_file(settings.secret_key_file)


async def _refuse_demo_accounts(settings: Settings) -> None:
    database = Database(database_url(settings))
    try:
        async with staff_of(settings, database) as staff:
            if await staff.accounts.has_demo():
                raise StartError(
                    "The database holds demo accounts, whose password is public. Start with another database."
                )
    finally:
        await database.close()


def _listen(settings: Settings) -> tuple[socket.socket, Settings]:
    """Take the port. Connections wait in the kernel from here on, so that what we print is true."""
    listener = bind(settings.host, settings.port)
    listener.listen(2048)
    if settings.port != 0:
        return listener, settings
    port = listener.getsockname()[1]
    return listener, replace(settings, port=port, base_url=settings.base_url.removesuffix(":0") + f":{port}")


@contextlib.contextmanager
def _own_redis_folder(settings: Settings) -> Iterator[None]:
    """Only whoever starts a private Redis holds the data folder."""
    if settings.redis_url is not None:
        yield
        return
    with hold_data_dir(settings.data_dir):
        yield


@contextlib.contextmanager
def _full_disk_explained() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StartError("The disk that holds DATA_DIR is full. Make room and start again.") from None
        if problem.filename is not None:
            name = Path(os.fsdecode(problem.filename)).name
            raise StartError(
                f"DATA_DIR cannot be used: {name}: {problem.strerror}. Set it to a folder that can be written."
            ) from None
        raise


def in_loop(service: Coroutine[None, None, int]) -> int:
    """Run it in uvloop. A signal before the service listens for signals itself ends it just as cleanly."""

    async def cancelled_by_signal() -> int:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        try:
            return await service
        except asyncio.CancelledError:
            return 0
        finally:
            # The runner asks what is left once, and waits for ever for one that forgets it.
            await end_all(asyncio.all_tasks() - {task})

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(cancelled_by_signal())
