"""Server processes of a benchmark: started in their own session, measured, and always ended.

CPU time is read from /proc for a process and all that descend from it, so that
PostgreSQL's backends, which leave their parent's process group, are counted too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.05
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class ProcessError(Exception):
    """A program under test did not start, or a command for it failed."""


class ServerProcess:
    """One listening program with its own session, log file and port."""

    def __init__(self, name: str, command: Sequence[str], port: int, log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.port = port
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env={**os.environ, **env},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_listening(self) -> None:
        for _ in range(int(START_TIMEOUT_S / POLL_S)):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            try:
                self._process.wait(POLL_S)
            except subprocess.TimeoutExpired:
                continue
            break
        raise ProcessError(f"{self.name} does not listen:\n{end_of_log(self.log)}")

    def rest(self, seconds: float) -> None:
        """Let it work for so long; at once when it ends by itself, which is an error."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        raise ProcessError(f"{self.name} ended by itself:\n{end_of_log(self.log)}")

    def stop(self) -> None:
        """End the whole session, in order if it can be, by force if it must be."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def end_of_log(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:] if log.exists() else ""


def run_command(name: str, command: Sequence[str], env: Mapping[str, str], stdin: str = "") -> str:
    """Run a command of a program under test to its end and return what it printed."""
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **env},
        timeout=START_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise ProcessError(f"{name} failed with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def run_module(*words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, timeout_s: float) -> bytes:
    """Run `python -m` with these words to its end and return what it printed."""
    done = subprocess.run(
        python("-m", *words),
        input=stdin,
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        timeout=timeout_s,
    )
    if done.returncode != 0:
        raise ProcessError(done.stderr.decode(errors="replace").strip()[-2000:])
    return done.stdout


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def cpu_seconds(parts: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """CPU time so far of each part: its root processes, their descendants, and those already reaped."""
    parents, ticks = _read_process_table()
    roots = {pid: part for part, pids in parts.items() for pid in pids}
    totals = dict.fromkeys(parts, 0.0)
    for pid, spent in ticks.items():
        ancestor: int | None = pid
        while ancestor is not None and ancestor not in roots:
            ancestor = parents.get(ancestor)
        if ancestor is not None:
            totals[roots[ancestor]] += spent / TICKS_PER_S
    return totals


def resident_kib(pids: Iterable[int]) -> dict[int, int]:
    """Resident memory of each process, shared pages counted in full."""
    return {pid: memory_kib(pid)["VmRSS"] for pid in pids}


def memory_kib(pid: int) -> dict[str, int]:
    """What /proc says of a process's memory: VmRSS, RssAnon, RssFile and others."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if " kB" in rest}


def descendants(pid: int) -> list[int]:
    """The process and all that it started."""
    parents, _ = _read_process_table()
    found = [pid]
    for one in found:
        found.extend(child for child, parent in parents.items() if parent == one)
    return found


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()


def _read_process_table() -> tuple[dict[int, int], dict[int, int]]:
    """Return each process's parent, and its ticks together with those of its reaped children."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            # The process ended between the listing and the reading; its parent has its time.
            continue
        # The command's name may hold blanks and brackets; the fields begin after its last bracket.
        fields = stat.rpartition(")")[2].split()
        parents[int(entry.name)] = int(fields[1])
        ticks[int(entry.name)] = sum(int(field) for field in fields[11:15])
    return parents, ticks
