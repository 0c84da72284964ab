"""What every load maker has in common: a plan on standard input, a measurement on standard output, one process of its own.

Whatever goes wrong ends the run with its reason: no figure hides a failure.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import uvloop

from bench.websocket import WebSocketError

PlanT = TypeVar("PlanT", bound=msgspec.Struct)


class LoadError(Exception):
    """The program under test did not do what the load maker relies on."""


class Failure:
    """The first thing that went wrong, if anything did."""

    def __init__(self) -> None:
        self.happened: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def note(self, reason: str) -> None:
        if not self.happened.done():
            self.happened.set_result(reason)

    def check(self) -> None:
        if self.happened.done():
            raise LoadError(self.happened.result())

    async def wait(self, seconds: float) -> None:
        """For so long, or until something goes wrong, which is raised."""
        await asyncio.wait((self.happened,), timeout=seconds)
        self.check()


def run_plan(name: str, line: bytes, plan_type: type[PlanT], measure: Callable[[PlanT], Awaitable[None]]) -> int:
    """Measure what the plan asks for; the exit status."""
    plan = msgspec.json.decode(line, type=plan_type)

    async def run() -> None:
        await measure(plan)

    # A collection would stop the clock's reader for milliseconds; a run of seconds needs none.
    gc.disable()
    try:
        uvloop.run(run())
    except (LoadError, WebSocketError, OSError, TimeoutError, msgspec.MsgspecError) as error:
        print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def say(what: msgspec.Struct) -> None:
    """One line for whoever started this process."""
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.flush()


def own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")
