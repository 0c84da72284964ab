"""Row `start`: how long `dutyline run` takes until it answers, and what it keeps in memory with its sample articles.

The first start makes keys, tables, accounts and articles and is shown beside it; the bar is for a warm start, on a data
folder that is there. Memory is resident memory of the process and all that it started, the private Redis included.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from bench.processes import ServerProcess, command_of, descendants, memory_kib, python
from bench.report import Options, Report, progress, spread, within
from bench.solo import Solo
from tests.engines import free_port

SETTLE_S = 8.0
COLUMNS = ("start", "ready s", "resident MiB", "of which")


@dataclass(frozen=True, slots=True)
class Start:
    ready_s: float
    resident_mib: float
    parts: dict[str, float]


def run(folder: Path, options: Options) -> Report:
    solo = Solo(folder, "run")
    try:
        first = _start(solo)
        warm = [_start(solo) for _ in range(options.rounds)]
    finally:
        solo.stop()
    bare = _bare(folder)
    progress(f"warm: {', '.join(f'{one.ready_s:.2f} s' for one in warm)}")
    resident = [one.resident_mib for one in warm]
    return Report(
        title=f"dutyline run: from the command to /readyz 200, then {SETTLE_S:.0f} s later; {options.rounds} warm starts",
        columns=COLUMNS,
        lines=[
            ("first, on an empty folder", f"{first.ready_s:.2f}", f"{first.resident_mib:.0f}", _shown(first)),
            ("warm", spread([one.ready_s for one in warm], 2), spread(resident), _shown(warm[-1])),
            ("echo (uvicorn, Starlette)", "", f"{bare:.0f}", ""),
        ],
        bars=[
            within("ready, warm", statistics.median(one.ready_s for one in warm), 2, "s"),
            within("resident, with its Redis", statistics.median(resident), 250, "MiB"),
        ],
        notes=[
            "memory in MiB: `own` is private to the process, `files` are the pages of programs and data that it maps"
        ],
    )


def _start(solo: Solo) -> Start:
    ready_s = solo.start()
    solo.rest(SETTLE_S)
    parts: dict[str, float] = {}
    resident = 0.0
    for pid in descendants(solo.pid):
        memory = memory_kib(pid)
        name = "Redis" if "redis" in command_of(pid) or "valkey" in command_of(pid) else "service"
        resident += memory["VmRSS"] / 1024
        parts[f"{name} own"] = parts.get(f"{name} own", 0) + memory["RssAnon"] / 1024
        parts[f"{name} files"] = parts.get(f"{name} files", 0) + memory["RssFile"] / 1024
    solo.stop()
    return Start(ready_s, resident, parts)


def _shown(start: Start) -> str:
    return ", ".join(f"{name} {mib:.0f}" for name, mib in start.parts.items())


def _bare(folder: Path) -> float:
    port = free_port()
    echo = ServerProcess("echo", python("-m", "bench.echo", "--port", str(port)), port, folder / "echo.log", {})
    try:
        echo.wait_until_listening()
        return memory_kib(echo.pid)["VmRSS"] / 1024
    finally:
        echo.stop()
