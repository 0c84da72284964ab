"""Waiting in tests: always for a condition, never for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

MS = 0.001
POLL_S = 10 * MS


class TooLateError(AssertionError):
    """What a test waited for did not come about in its time."""


def wait_until(condition: Callable[[], object], within_s: float = 10.0, what: str = "the condition") -> None:
    """Return as soon as the condition holds."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise TooLateError(f"{what} did not hold within {within_s} s")
        time.sleep(POLL_S)


async def until(
    condition: Callable[[], Awaitable[object] | object], within_s: float = 10.0, what: str = "the condition"
) -> None:
    """The same without holding the loop; the condition may be a coroutine function."""
    end = time.monotonic() + within_s
    while True:
        holds = condition()
        if inspect.isawaitable(holds):
            holds = await holds
        if holds:
            return
        if time.monotonic() > end:
            raise TooLateError(f"{what} did not hold within {within_s} s")
        await asyncio.sleep(POLL_S)
