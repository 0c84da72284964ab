"""Starting and stopping the real `dutyline run`, as `make run` does."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.forks import ROOT, from_nothing
from tests.live import DEMO_PASSWORD, LiveService
from tests.waiting import wait_until


@pytest.fixture
def service(short_folder: Path) -> Iterator[LiveService]:
    with LiveService(short_folder, program=from_nothing) as service:
        yield service


def test_stop_is_clean_and_leaves_no_process(service: LiveService) -> None:
    children = psutil.Process(service.parts["run"].pid).children(recursive=True)
    assert "redis-server" in {child.name() for child in children}
    assert service.stop("run") == 0
    assert [child for child in children if child.is_running()] == []
    assert not (service.folder / "data" / "redis.sock").exists()


def test_killed_service_leaves_no_redis_and_starts_again(service: LiveService) -> None:
    children = psutil.Process(service.parts["run"].pid).children(recursive=True)
    service.kill("run")
    wait_until(lambda: not any(child.is_running() for child in children), what="the end of its children")
    service.start("run")
    service.wait_ready("run")


def test_second_service_on_the_same_data_is_one_line(service: LiveService) -> None:
    second = service.command("run")
    assert second.returncode == 2
    assert "already runs" in second.stderr
    assert second.stderr.count("\n") == 1


def test_taken_port_is_one_line(service: LiveService, tmp_path: Path) -> None:
    second = LiveService(tmp_path, environment={"PORT": str(service.port())}).command("run")
    assert second.returncode == 2
    assert second.stderr == f"Port {service.port()} on 127.0.0.1 is taken. Set PORT to another number.\n"


def test_interrupt_is_a_clean_end(service: LiveService) -> None:
    process = service.parts["run"].process
    assert process is not None
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0


DEAF = """
import asyncio
from app.run import in_loop

async def deaf():
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()

async def service():
    left_behind = asyncio.create_task(deaf())
    await asyncio.wait((left_behind,), timeout=0)
    return 0

raise SystemExit(in_loop(service()))
"""


def test_a_task_that_forgets_its_end_does_not_hold_the_process() -> None:
    """As a library leaves one now and then: the loop's own end would wait for it for ever."""
    assert subprocess.run([sys.executable, "-c", DEAF], cwd=ROOT, timeout=20, check=False).returncode == 0


def test_says_where_it_listens_and_the_password(service: LiveService) -> None:
    text = service.log_text()
    assert service.url in text
    assert DEMO_PASSWORD in text


def test_web_names_what_is_missing(tmp_path: Path) -> None:
    service = LiveService(tmp_path)
    ended: subprocess.CompletedProcess[str] = service.command("web")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
