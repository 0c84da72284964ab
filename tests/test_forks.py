"""What the tests start goes with them, however they end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.forks import ROOT
from tests.waiting import wait_until

TESTS = """
import sys, time
from pathlib import Path
from tests.live import LiveService

if __name__ == "__main__":
    with LiveService(Path(sys.argv[1])):
        print("ready", flush=True)
        time.sleep(60)
"""


def test_nothing_outlives_tests_that_are_killed(tmp_path: Path, short_folder: Path) -> None:
    script = tmp_path / "tests_that_are_killed.py"
    script.write_text(TESTS)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(script), str(short_folder)], stdout=subprocess.PIPE, text=True, env=environment
    ) as tests:
        assert tests.stdout is not None
        assert tests.stdout.readline() == "ready\n"
        started = psutil.Process(tests.pid).children(recursive=True)
        assert "redis-server" in {one.name() for one in started}
        tests.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(is_there(one) for one in started), 20, "all that was started to end")


def is_there(process: psutil.Process) -> bool:
    """Whether it runs: one that has ended may wait for somebody to ask how."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
