"""What one session asks of the database, while the answers that it owes go out.

Nobody waits for an answer to what they said because something else is being read, and nothing is read twice because
somebody was answered: a question that gives way stays asked. What it finds while nobody waits for it is let go of: by the
time it could be sent, it may not be true any more.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, TypeVar

from core.waking import Wake

T = TypeVar("T")


class NotYet(Exception):
    """It is not known yet, and there is something else to do first."""


class LetGo(NotYet):
    """Nor will it be: it was let go of while it was waited for."""


class Questions:
    """Those that are being asked, each by what it is about. `wake` is set when one is answered."""

    __slots__ = ("_awaited", "_tasks", "_wake")

    def __init__(self, wake: Wake) -> None:
        self._tasks: dict[int, asyncio.Task[Any]] = {}
        self._awaited: int | None = None
        self._wake = wake

    def __iter__(self) -> Iterator[int]:
        return iter(self._tasks)

    def __contains__(self, about: int) -> bool:
        return about in self._tasks

    async def ask(
        self, about: int, question: Callable[[], Coroutine[Any, Any, T]], gives_way: Callable[[], object]
    ) -> T:
        """What is found. Raises what the question raises; NotYet where it is not there and gives way to something; LetGo.

        For one caller at a time, which waits for `wake`: that must be set whenever it is to give way.
        """
        task = self._tasks.get(about)
        if task is None:
            if gives_way():
                raise NotYet
            task = self._tasks[about] = asyncio.create_task(question(), name="asked")
            task.add_done_callback(partial(self._answered, about))
        self._awaited = about
        try:
            while self._tasks.get(about) is task and not task.done():
                if gives_way():
                    raise NotYet
                self._wake.clear()
                await self._wake.wait()
        finally:
            self._awaited = None
        if self._tasks.get(about) is not task:
            raise LetGo
        del self._tasks[about]
        found: T = task.result()
        return found

    def let_go(self, about: int) -> None:
        if (task := self._tasks.pop(about, None)) is not None:
            task.cancel()

    def let_go_of_all(self) -> None:
        for about in list(self._tasks):
            self.let_go(about)

    def _answered(self, about: int, task: "asyncio.Task[Any]") -> None:
        if not task.cancelled():
            # Known to have failed, whether anybody still wants to know or not.
            task.exception()
        if self._awaited != about and self._tasks.get(about) is task:
            del self._tasks[about]
        self._wake.set()
