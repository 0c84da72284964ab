"""The long-running tasks of one process: each is kept running, and all end together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import structlog

from core.ending import end_all

logger = structlog.get_logger()

AGAIN_AFTER_S = 1.0

Task = Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def running(tasks: Mapping[str, Task]) -> AsyncIterator[None]:
    """Run the tasks while the block lasts. One that crashes is logged by kind and started again."""
    kept = [asyncio.create_task(_keep(name, task), name=name) for name, task in tasks.items()]
    try:
        yield
    finally:
        await end_all(kept)


async def _keep(name: str, task: Task) -> None:
    while True:
        try:
            await task()
        except Exception as problem:  # noqa: BLE001  # whatever it was, the task must go on
            logger.error("task_crashed", task=name, kind=type(problem).__name__)
        await asyncio.sleep(AGAIN_AFTER_S)
