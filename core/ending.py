"""Ending tasks for certain.

On Python 3.11 `asyncio.wait_for` forgets a cancellation that arrives together with its result, and libraries below use it
on every call. A task that was cancelled once may therefore go on; here it is asked until it ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeVar

T = TypeVar("T")

ASK_AGAIN_S = 0.2


async def end_all(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """Cancel the tasks and wait until each has ended, however it ends.

    Whoever calls this may be cancelled meanwhile, as they are when their own end is asked for again: they go on waiting, so
    that no task is left behind, and are cancelled afterwards.
    """
    pending = {task for task in tasks if not task.done()}
    is_cancelled = False
    while pending:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=ASK_AGAIN_S)
        except asyncio.CancelledError:
            is_cancelled = True
        pending = {task for task in pending if not task.done()}
    for task in tasks:
        if not task.cancelled():
            # Taken, so that the loop does not complain of an exception that nobody looked at.
            task.exception()
    if is_cancelled:
        raise asyncio.CancelledError


async def to_the_end(work: Awaitable[T]) -> T:
    """What must be done although we are ending: being cancelled meanwhile, however often, is put off until it is done.

    Whoever was cancelled is so afterwards, whatever became of the work.
    """
    task = asyncio.ensure_future(work)
    is_cancelled = False
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            is_cancelled = True
    if is_cancelled:
        # Looked at, though nobody is left to be told: an exception that nobody has seen is logged, with all its words.
        if not task.cancelled():
            task.exception()
        raise asyncio.CancelledError
    return task.result()


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
