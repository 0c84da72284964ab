"""How the server starts and stops, whoever is connected to it: tried against a real process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.app.tiny_client import UPGRADE, TinyService, close_code, masked, read_all, running
from tests.forks import ROOT
from tests.waiting import until, wait_until


def test_stop_does_not_wait_for_a_stalled_reader(service: TinyService) -> None:
    with service.upgrade("/torrent"):
        started = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=15) == 0
        assert time.monotonic() - started < 12


def test_stop_does_not_wait_for_a_handler_that_never_answers(service: TinyService) -> None:
    with service.connect() as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert service.is_up()
        started = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=15) == 0
        assert time.monotonic() - started < 12


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (UPGRADE.format(path="/echo").encode(), b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"),
        (b"GET /pid HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
    ],
    ids=["socket", "page"],
)
def test_a_first_request_that_comes_while_it_stops_is_answered(tmp_path: Path, request_: bytes, answer: bytes) -> None:
    """It was accepted before, and says something only now: a page is given still, and a socket comes back at once."""
    with running(tmp_path, "--patient") as service, service.connect() as client:
        # The connection after it was served, so this one is accepted as well.
        assert service.is_up()
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not service.is_up(), what="that nobody else is accepted")
        client.sendall(request_)
        assert read_all(client).startswith(answer)
        assert service.process.wait(timeout=15) == 0


def test_stop_while_a_peer_has_not_read_the_answer_to_its_close(service: TinyService) -> None:
    """The others are closed in order all the same, and the process ends by itself."""
    with service.upgrade("/together") as client, service.upgrade("/echo") as other:
        client.sendall(masked(0x81, b"3000000 3000000"))
        assert client.recv(1)
        client.sendall(masked(0x88))
        wait_until(lambda: "together ended" in service.log.read_text(), what="the close to arrive")
        service.process.send_signal(signal.SIGTERM)
        assert b"goodbye" in read_all(other)
        assert service.process.wait(timeout=15) == 0


async def test_goodbye_comes_before_the_close(service: TinyService) -> None:
    async with connect(f"{service.url}/echo", proxy=None) as client:
        await client.send("hello")
        assert await client.recv() == "hello"
        service.process.send_signal(signal.SIGTERM)
        assert await client.recv() == "goodbye"
        assert await close_code(client) == 1012
    await until(lambda: service.process.poll() == 0)


def test_two_signals_at_once_are_one(service: TinyService) -> None:
    """`make` passes on a signal that its child got from the group as well."""
    with service.upgrade("/echo"):
        service.process.send_signal(signal.SIGTERM)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=12) == 0
    assert '"draining"' in service.log.read_text()


def test_port_that_is_taken_is_one_line(service: TinyService, tmp_path: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "tests.app.tiny_service"],
        env={**os.environ, "PORT": str(service.port), "DATA_DIR": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert second.returncode == 2
    assert second.stderr == f"Port {service.port} on 127.0.0.1 is taken. Set PORT to another number.\n"
