"""`make bench`: measure the rows that are asked for and print each bar with its reference.

Ratios within one run count. A bar that is a time is also held against how slow the machine was before and after its row.
A missed bar is printed, not punished: the exit status is 1 only when a program could not be run.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from bench import (
    browser,
    claims,
    connections,
    guard,
    hostile,
    imports,
    library,
    line,
    long,
    messages,
    pages,
    positions,
    publishing,
    search,
    start,
)
from bench.processes import ProcessError
from bench.report import Options, Report, print_machine, print_report, progress
from tests.engines import find_postgres_binaries, find_redis_binary

ROWS: dict[str, Callable[[Path, Options], Report]] = {
    "messages": messages.run,
    "offered": messages.run_offered,
    "alone": messages.run_alone,
    "many": messages.run_many,
    "connections": connections.run,
    "pages": pages.run,
    "guard": guard.run,
    "start": start.run,
    "browser": browser.run,
    "long": long.run,
    "hostile": hostile.run,
    "line": line.run,
    "claims": claims.run,
    "positions": positions.run,
    "search": search.run,
    "library": library.run,
    "import": imports.run,
    "publishing": publishing.run,
}


def main() -> int:
    options = _parse_arguments()
    signal.signal(signal.SIGTERM, _leave)
    print_machine(f"{_version_of(find_postgres_binaries() / 'postgres')}, {_version_of(find_redis_binary())}")
    measured = Options(options.rounds, options.seconds, options.warm_up, options.both_ways)
    failed = False
    before = _slowness()
    for name in options.rows:
        folder = Path(tempfile.mkdtemp(prefix=f"dutyline-bench-{name}-"))
        try:
            report = ROWS[name](folder, measured)
        finally:
            if not options.keep_logs:
                shutil.rmtree(folder, ignore_errors=True)
        after = _slowness()
        print_report(report, (before + after) / 2)
        before = after
        if options.keep_logs:
            print(f"logs: {folder}")
        failed = failed or report.failed
    return 1 if failed else 0


def _slowness() -> float:
    """1 where it cannot be told: a row that was measured is printed all the same."""
    try:
        with tempfile.TemporaryDirectory(prefix="dutyline-bench-speed-") as folder:
            return messages.slowness(Path(folder))
    except (ProcessError, OSError, subprocess.SubprocessError) as error:
        progress(f"how slow the machine is could not be measured: {type(error).__name__}: {error}")
        return 1.0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS), help="what to measure")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, interleaved; the median counts (3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured seconds of each program a round (5)")
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds before the clock starts (2)")
    parser.add_argument("--both-ways", action="store_true", help="put half the senders on each web process")
    parser.add_argument("--keep-logs", action="store_true", help="keep the programs' logs and say where")
    return parser.parse_args()


def _version_of(binary: Path) -> str:
    shown = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=True).stdout.split()
    number = next((word.removeprefix("v=") for word in shown if word.removeprefix("v=")[:1].isdigit()), "")
    return f"{binary.name} {number}"


def _leave(signal_number: int, frame: FrameType | None) -> None:
    """Turn SIGTERM into an ordinary exit, so that every `finally` ends what it started."""
    sys.exit(128 + signal_number)


if __name__ == "__main__":
    sys.exit(main())
