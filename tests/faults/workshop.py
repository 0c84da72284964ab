"""Where processes are started, stopped and waited for while the clients talk on in the event loop.

One thread for the whole run: on Linux a tethered process ends with the thread that started it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

Done = TypeVar("Done")


class Workshop:
    """Does one thing at a time. Everything it started must have ended before it closes."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="workshop")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    async def do(self, work: Callable[..., Done], *arguments: Any) -> Done:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
