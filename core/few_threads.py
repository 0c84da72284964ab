"""Heavy work in a few threads of its own, so that a flood of it takes neither the service's processors nor its memory.

So many do it, so many wait for them, and who comes on top of those is told when to come again. What is begun goes on when
whoever asked for it is gone, and keeps its place until it ends.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from core.errors import RateLimited

Result = TypeVar("Result")


class FewThreads:
    def __init__(self, name: str, threads: int, most_waiting: int, busy: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + most_waiting
        self._busy = busy
        self._taken = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Raises RateLimited when too many wait."""
        if self._taken >= self._most:
            raise RateLimited(2, self._busy)
        self._taken += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # The thread goes on when whoever waits for it is gone, so only its own end frees its place.
        future.add_done_callback(self._free)
        return await asyncio.shield(future)

    def close(self, *, wait: bool = True) -> None:
        self._threads.shutdown(wait=wait, cancel_futures=True)

    def _free(self, future: "asyncio.Future[Result]") -> None:
        self._taken -= 1
        if not future.cancelled():
            future.exception()
