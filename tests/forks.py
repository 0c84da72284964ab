"""Starts our programs out of a process that has read their code already.

Reading the code is 1.5 s of each start on a slow core, and the tests start some hundreds of processes. What is started
here has everything else of its own, as from a shell: process id, environment, folder, streams, signals, exit status.
What is to be started from nothing is given `from_nothing`.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from app.tether import tie

ROOT = Path(__file__).parents[1]
# typer reads its last only when it parses a command.
READ_AHEAD = [
    "tests.forks",
    "app.run",
    "app.demo",
    "app.command_line",
    "app.commands",
    "app.doctor",
    "alembic.command",
    "typer._adapters",
]
Program = Callable[[], int | None]

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(READ_AHEAD)


class Fork:
    """A running process, with as much of `subprocess.Popen` as is used. It ends when the tests do."""

    def __init__(
        self, program: Program, words: Sequence[str], environment: Mapping[str, str], streams: tuple[Path, Path, Path]
    ) -> None:
        """`program` is a function of a module; `streams` are its input, and where its output and errors are added."""
        self.args = [program.__module__, *words]
        self._process = context.Process(target=_become, args=(program, words, dict(environment), streams), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status, or the signal that ended it as a negative number; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    program: Program, words: Sequence[str], environment: Mapping[str, str], stdin: str, within_s: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as `subprocess.run` does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        streams = folder / "in", folder / "out", folder / "err"
        streams[0].write_text(stdin)
        fork = Fork(program, words, environment, streams)
        try:
            status = fork.wait(within_s)
        except BaseException:
            fork.kill()
            raise
        return subprocess.CompletedProcess(fork.args, status, streams[1].read_text(), streams[2].read_text())


def from_nothing() -> NoReturn:
    """`dutyline` as a shell starts it."""
    dutyline = str(Path(sys.executable).with_name("dutyline"))
    os.execv(dutyline, [dutyline, *sys.argv[1:]])


def _become(
    program: Program, words: Sequence[str], environment: Mapping[str, str], streams: tuple[Path, Path, Path]
) -> None:
    tie(os.getppid(), signal.SIGTERM)
    source, output, errors = streams
    adding = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, opened in enumerate((os.open(source, os.O_RDONLY), os.open(output, adding), os.open(errors, adding))):
        os.dup2(opened, number)
    # With what keeps the process alive that we were forked from: it is to go with the tests, and then we do.
    os.closerange(3, 1024)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115  # as long as it runs
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = ["dutyline", *words]
    sys.exit(program())
