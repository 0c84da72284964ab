"""The command `dutyline`.

What stands in the way of a start is one line on stderr and exit status 2; a refused change is one line and status 1. No
traceback is ever shown: it may quote what somebody wrote. The parser of the other commands (`app.command_line`) is not
imported for those that serve: they would keep it for as long as they run.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import structlog

from app.logs import configure_logs, places
from core.errors import Refusal, StartError
from core.settings import read_settings


def run() -> int:
    settings = read_settings(os.environ, demo=True)
    from app.run import run_demo

    return run_demo(settings)


def web() -> int:
    settings = read_settings(os.environ)
    from app.run import run_web

    return run_web(settings)


def web_process(socket_fd: int, ready_fd: int, *, demo: bool) -> int:
    from app.run import run_web_process
    from app.server import Inherited

    return run_web_process(read_settings(os.environ, demo=demo), Inherited(socket_fd, ready_fd))


def worker() -> int:
    settings = read_settings(os.environ)
    from app.run import run_worker_alone

    return run_worker_alone(settings)


SERVICES: dict[str, Callable[[], int]] = {"run": run, "web": web, "worker": worker}


def main() -> None:
    configure_logs()
    # Until the service listens for it itself; the blocks that are open are left as on Ctrl-C.
    signal.signal(signal.SIGTERM, _leave)
    try:
        service = SERVICES.get(sys.argv[1]) if len(sys.argv) == 2 else None
        if service is not None:
            sys.exit(service())
        _run_command()
    except StartError as problem:
        _stop(str(problem), 2)
    except Refusal as refusal:
        _stop(refusal.text, 1)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    except BrokenPipeError:
        os._exit(0)
    except Exception as problem:  # noqa: BLE001  # the last place before the terminal: it would show a traceback
        _crash(problem)


def _run_command() -> None:
    from app.command_line import cli

    cli()


def _leave(_number: int, _frame: object) -> NoReturn:
    sys.exit(0)


def _stop(line: str, status: int) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(status)


def _crash(problem: BaseException) -> None:
    """One line for people, and the places in the code, without a word of what was handled, for whoever repairs it."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    if isinstance(problem, StartError):
        _stop(str(problem), 2)
    structlog.get_logger().critical("crash", problem=type(problem).__name__, at=places(problem.__traceback__))
    _stop("Dutyline stopped: something unforeseen happened. The line above says where.", 1)


if __name__ == "__main__":
    main()
