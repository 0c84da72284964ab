"""What one session asks of the database, while everything else that it owes goes out.

Nobody waits for an answer to what they said because something else is being read, and nothing is read twice because
somebody was answered: a question that gives way stays asked, and its answer is there for whoever asks it again.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from core.waking import Wake

T = TypeVar("T")


class NotYet(Exception):
    """The answer is not known yet, and there is something else to do first."""


class Questions:
    """Those that are being asked, each by what it is about. `wake` is set when one is answered."""

    __slots__ = ("_tasks", "_wake")

    def __init__(self, wake: Wake) -> None:
        self._tasks: dict[int, asyncio.Task[Any]] = {}
        self._wake = wake

    def __contains__(self, about: int) -> bool:
        return about in self._tasks

    async def ask(
        self, about: int, question: Callable[[], Coroutine[Any, Any, T]], gives_way: Callable[[], object]
    ) -> T:
        """The answer. Raises what the question raises, and NotYet where it has none and gives way to something.

        Waits for `wake`, which must be set when it is to give way. NotYet too when it was let go of meanwhile.
        """
        task = self._tasks.get(about)
        if task is None:
            if gives_way():
                raise NotYet
            task = self._tasks[about] = asyncio.create_task(question(), name="asked")
            task.add_done_callback(self._answered)
        while not task.done():
            if gives_way():
                raise NotYet
            self._wake.clear()
            await self._wake.wait()
        if self._tasks.get(about) is not task:
            raise NotYet
        del self._tasks[about]
        answer: T = task.result()
        return answer

    def let_go(self, about: int) -> None:
        if (task := self._tasks.pop(about, None)) is not None:
            task.cancel()

    def let_go_of_all(self) -> None:
        for about in list(self._tasks):
            self.let_go(about)

    def _answered(self, task: "asyncio.Task[Any]") -> None:
        if not task.cancelled():
            # Known to have failed, whether anybody still wants to know or not.
            task.exception()
        self._wake.set()
