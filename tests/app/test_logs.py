"""A log that is full, or that nobody reads: the service goes on without its lines, and counts them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.engines import RedisServer
from tests.live import LiveService
from tests.waiting import wait_until

TOKEN = "a token that only this test knows"


@pytest.fixture
def full_disk(short_folder: Path) -> Path:
    link = short_folder / "web-0.log"
    link.symlink_to("/dev/full")
    return link


@pytest.fixture
def pipe_that_nobody_reads(short_folder: Path) -> Iterator[Path]:
    pipe = short_folder / "web-0.log"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(held, b"-" * 4096)
    yield pipe
    os.close(held)


@pytest.mark.parametrize("log", ["full_disk", "pipe_that_nobody_reads"])
def test_a_log_that_takes_nothing_holds_nobody_up(
    log: str, request: pytest.FixtureRequest, short_folder: Path, own_redis: RedisServer
) -> None:
    path: Path = request.getfixturevalue(log)
    settings = {"REDIS_URL": own_redis.url(), "METRICS_TOKEN": TOKEN}
    with LiveService(short_folder, web=1, environment=settings) as service:
        # The process has it open; whoever looks at the logs at the end is not to read it.
        path.unlink()
        own_redis.kill()
        wait_until(lambda: _metric(service, "dutyline_hints_heard") == 0, what="the service to miss Redis")
        wait_until(lambda: _metric(service, "dutyline_log_lines_dropped") > 0, what="a line that is dropped")
        assert _metric(service, 'dutyline_troubles_total{event="hints_interrupted"}') > 0
        own_redis.start()
        wait_until(lambda: _metric(service, "dutyline_hints_heard") == 1, what="the service to hear Redis again")
        assert service.stop("web-0") == 0


def _metric(service: LiveService, name: str) -> float:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    text = httpx.get(f"{service.url}/metrics", headers=headers, timeout=40).raise_for_status().text
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))
