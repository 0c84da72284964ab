"""The private Redis of `dutyline run`: private, alive while its owner is, and gone after it."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis

from app.data_dir import hold_data_dir
from app.embedded import EmbeddedRedis, answers, find_redis_binary
from core.errors import StartError
from tests.waiting import until, wait_until

OWNER = """
import asyncio, sys
from pathlib import Path
from app.embedded import EmbeddedRedis

async def main():
    redis = EmbeddedRedis(Path(sys.argv[1]))
    await redis.start()
    print(redis.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, as pytest's own may be too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="dl-") as name:
        yield Path(name)


async def test_answers_on_a_socket_of_its_own_only(folder: Path) -> None:
    async with EmbeddedRedis(folder) as redis:
        assert redis.socket == folder / "redis.sock"
        assert redis.socket.stat().st_mode & 0o777 == 0o700
        async with Redis.from_url(redis.url) as client:
            config = await client.config_get("*")
        assert config["port"] == "0"
        assert config["save"] == ""
        assert config["appendonly"] == "no"
        assert config["maxmemory-policy"] == "noeviction"
        assert config["maxmemory"] not in (None, "0")


async def test_stop_leaves_nothing(folder: Path) -> None:
    redis = EmbeddedRedis(folder)
    await redis.start()
    pid = redis.pid
    assert pid is not None
    await redis.stop()
    assert not psutil.pid_exists(pid)
    assert not redis.socket.exists()


async def test_comes_back_when_it_dies(folder: Path) -> None:
    async with EmbeddedRedis(folder) as redis:
        first = redis.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: redis.pid != first)
        await until(lambda: answers(redis.socket))


def test_ends_when_its_owner_is_killed(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        redis = int(owner.stdout.readline())
        assert psutil.pid_exists(redis)
        owner.kill()
    wait_until(lambda: is_gone(redis), what="the end of Redis")


@pytest.mark.parametrize("frozen", [False, True], ids=["answering", "frozen"])
async def test_stops_the_leftover_of_a_dead_owner(folder: Path, frozen: bool) -> None:
    command = [str(find_redis_binary()), "--port", "0", "--unixsocket", str(folder / "redis.sock"), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as leftover:
        await until(lambda: answers(folder / "redis.sock"))
        if frozen:
            leftover.send_signal(signal.SIGSTOP)
        async with EmbeddedRedis(folder) as redis:
            await until(lambda: answers(redis.socket))
            assert redis.pid != leftover.pid
            await until(lambda: leftover.poll() is not None, what="the end of the leftover")


async def test_a_stale_socket_file_does_not_matter(folder: Path) -> None:
    (folder / "redis.sock").touch()
    async with EmbeddedRedis(folder) as redis:
        await until(lambda: answers(redis.socket))


async def test_a_long_data_folder_gets_a_short_socket(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    async with EmbeddedRedis(deep) as redis:
        await until(lambda: answers(redis.socket))
        assert redis.socket.parent.stat().st_mode & 0o777 == 0o700
    assert not redis.socket.parent.exists()


async def test_the_wheel_serves_where_the_system_has_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    async with EmbeddedRedis(folder) as redis:
        await until(lambda: answers(redis.socket))


async def test_a_binary_that_ends_at_once_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    false = folder / "redis-server"
    false.write_text("#!/bin/sh\nexit 1\n")
    false.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    with pytest.raises(StartError, match="does not answer"):
        await asyncio.wait_for(EmbeddedRedis(folder).start(), timeout=6)


def test_one_service_holds_a_data_folder(folder: Path) -> None:
    with hold_data_dir(folder), pytest.raises(StartError, match="already runs"), hold_data_dir(folder):
        pass
    with hold_data_dir(folder):
        assert (folder / "lock").exists()


TETHERING_OWNER = """
import subprocess, sys
from app.tether import tethered

print(subprocess.Popen(tethered(["sleep", "60"], watched=sys.argv[1] == "watcher")).pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("tie", ["kernel", "watcher"])
def test_a_tethered_command_ends_with_its_owner(tie: str) -> None:
    """Both ways: Linux's own, and the one for systems without it."""
    command = [sys.executable, "-c", TETHERING_OWNER, tie]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        tied = int(owner.stdout.readline())
        wait_until(lambda: psutil.Process(tied).name() == "sleep", what="the command to be running")
        owner.kill()
    wait_until(lambda: is_gone(tied), what="the end of the command")


def is_gone(process: int) -> bool:
    """Ended, whether or not anyone has waited for it."""
    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
