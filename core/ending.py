"""Ending tasks for certain.

On Python 3.11 `asyncio.wait_for` forgets a cancellation that arrives together with its result, and libraries below use it
on every call. A task that was cancelled once may therefore go on; here it is asked until it ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

ASK_AGAIN_S = 0.2


async def end_all(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """Cancel the tasks and wait until each has ended, however it ends."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=ASK_AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            # Taken, so that the loop does not complain of an exception that nobody looked at.
            task.exception()


async def together(*works: Callable[[], Awaitable[None]]) -> None:
    """Run these side by side until one fails or this is cancelled; none outlives the others."""
    tasks = [asyncio.ensure_future(_run(work)) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        await end_all(tasks)


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()
