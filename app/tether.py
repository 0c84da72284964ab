"""Runs a command that ends when the process that started it ends, even by kill -9.

`tethered(command)` is the command line to start instead of `command`; the process id stays the command's own. On Linux
the kernel delivers the signal (PR_SET_PDEATHSIG); elsewhere a small watcher asks twice a second who its parent is.
This file runs alone, without the rest of the service, so that it costs some 20 ms and never fails on an import.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
WATCH_EVERY_S = 0.5
GRACE_S = 5.0


def tethered(
    command: Sequence[str], ending: signal.Signals = signal.SIGTERM, *, watched: bool = sys.platform != "linux"
) -> list[str]:
    """The same command, to be started by this process from a thread that lives as long as the process."""
    how = "watcher" if watched else "kernel"
    return [sys.executable, "-I", "-S", __file__, how, str(os.getpid()), str(int(ending)), *command]


def main(arguments: Sequence[str]) -> None:
    owner, ending, command = int(arguments[1]), int(arguments[2]), arguments[3:]
    tie(owner, ending, watched=arguments[0] == "watcher")
    os.execvp(command[0], list(command))  # noqa: S606  # there is no shell to start it through


def tie(owner: int, ending: int, *, watched: bool = sys.platform != "linux") -> None:
    """Let this process end when its parent, the owner, does."""
    if watched:
        _start_watcher(owner, ending)
    else:
        _ask_kernel(ending)
    # The owner may have gone before the tether was tied.
    if os.getppid() != owner:
        sys.exit(1)


def _ask_kernel(ending: int) -> None:
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, ending, 0, 0, 0) != 0:
        sys.exit(1)


def _start_watcher(owner: int, ending: int) -> None:
    """Leave a child behind that outlives nothing: it goes when the command goes, and ends it when the owner goes."""
    command = os.getpid()
    if os.fork() != 0:
        return
    os.closerange(0, 1024)
    while os.getppid() == command and _is_alive(owner):
        # A process of its own that does nothing else; systems other than Linux tell nobody of a parent's end.
        time.sleep(WATCH_EVERY_S)
    _end(command, ending)
    os._exit(0)


def _end(command: int, ending: int) -> None:
    for how in (ending, signal.SIGKILL):
        if os.getppid() != command:
            return
        os.kill(command, how)
        # It is not our child, so its end cannot be waited for.
        time.sleep(GRACE_S)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
