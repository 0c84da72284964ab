"""Several web processes behind one parent: they come back, are replaced without a gap, and never outlive it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.app.tiny_client import TinyService, running
from tests.app.tiny_service import AWAY
from tests.waiting import wait_until


@pytest.fixture
def service(tmp_path: Path) -> Iterator[TinyService]:
    with running(tmp_path, "--web", "2") as service:
        both(service)
        yield service


def pids(service: TinyService) -> set[int]:
    """The processes that answer, as a few requests see them."""
    return {service.get_pid() for _ in range(20)}


def both(service: TinyService) -> set[int]:
    """The two that answer; on a busy machine one alone may for a while."""
    seen = set[int]()

    def are_seen() -> bool:
        seen.update(pids(service))
        return len(seen) == 2

    wait_until(are_seen, what="two web processes")
    return seen


def test_killed_process_is_started_again(service: TinyService) -> None:
    before = both(service)
    victim = before.pop()
    psutil.Process(victim).kill()
    wait_until(lambda: len(pids(service) - {victim}) == 2, what="a second process")


def test_one_that_cannot_be_started_again_yet_ends_no_other(service: TinyService, tmp_path: Path) -> None:
    """A process dies while the database is away, and its successor does not get beyond the start."""
    victim, other = both(service)
    (tmp_path / AWAY).touch()
    psutil.Process(victim).kill()
    wait_until(lambda: '"status": 2' in service.log.read_text(), within_s=20, what="a start that fails")
    assert pids(service) == {other}
    (tmp_path / AWAY).unlink()
    wait_until(lambda: len(pids(service) - {victim}) == 2, within_s=20, what="a second process")
    assert other in pids(service)


def test_what_cannot_start_at_all_says_so_and_ends(tmp_path: Path) -> None:
    (tmp_path / AWAY).touch()
    service = TinyService(tmp_path, "--web", "2")
    assert service.process.wait(timeout=20) == 2
    assert "What it needs is away." in service.log.read_text()


def test_all_are_replaced_while_someone_always_answers(service: TinyService) -> None:
    before = both(service)
    service.process.send_signal(signal.SIGHUP)
    wait_until(
        lambda: len(pids(service) - before) == 2 and not pids(service) & before, within_s=30, what="two new ones"
    )


def test_one_that_ends_while_all_are_replaced_is_started_again_once(service: TinyService) -> None:
    before = both(service)
    psutil.Process(min(before)).kill()
    service.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "web_processes_replaced" in service.log.read_text(), within_s=30, what="the new ones")
    wait_until(lambda: len(psutil.Process(service.process.pid).children()) == 2, what="two, no more")
    assert not pids(service) & before


def test_stop_ends_all(service: TinyService) -> None:
    children = both(service)
    with service.upgrade("/torrent"):
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=15) == 0
    assert not any(psutil.pid_exists(child) for child in children)


def test_all_end_when_the_parent_is_killed(service: TinyService) -> None:
    children = both(service)
    service.process.kill()
    wait_until(lambda: not any(is_running(child) for child in children), within_s=12, what="the end of the children")


def is_running(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
