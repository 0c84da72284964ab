"""What one socket takes in: how many frames, how many bad ones, and what was said and has no answer yet."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from core.errors import RateLimited
from core.limits import TokenBucket

FRAMES_PER_SECOND, FRAMES_BURST = 5.0, 60.0
REFUSED_BEFORE_CLOSING = 60
BAD_FRAMES_A_MINUTE = 5
TOO_MANY_FRAMES = 4004

MOST_UNDER_WAY = 16
"""More than anybody has conversations."""


class Closing(Exception):
    """The socket must be closed with this code."""

    def __init__(self, code: int) -> None:
        self.code = code


class Intake:
    """How many frames, and how many bad ones, a socket may send."""

    __slots__ = ("_bad", "_bucket", "_enabled", "_refused")

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._bucket = TokenBucket(FRAMES_PER_SECOND, FRAMES_BURST)
        self._refused = 0
        self._bad: list[float] = []

    def count(self) -> None:
        wait_s = self._bucket.take() if self._enabled else 0
        if wait_s:
            self._refused += 1
            if self._refused > REFUSED_BEFORE_CLOSING:
                raise Closing(TOO_MANY_FRAMES)
            raise RateLimited(int(wait_s) + 1)

    def is_too_bad(self) -> bool:
        """Count a frame that was not understood; true at the fifth in a minute."""
        now = time.monotonic()
        self._bad = [*(at for at in self._bad if now - at < 60), now]
        return len(self._bad) >= BAD_FRAMES_A_MINUTE


class UnderWay:
    """What was said and has no answer yet, a task for each conversation.

    What waits for the database holds up nothing but what is said after it in the same conversation, and is stored, or not,
    whatever becomes of the socket.
    """

    __slots__ = ("_kept", "_tasks")

    def __init__(self, kept: set["asyncio.Task[None]"]) -> None:
        """`kept` holds the tasks of every socket until they end; the loop itself does not."""
        self._kept = kept
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, conversation: str, say: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin it when what was said there before is answered. `say` answers for what goes wrong."""
        while (before := self._before(conversation)) is not None:
            await asyncio.wait((before,))
        task = self._tasks[conversation] = asyncio.create_task(say(), name="say")
        self._kept.add(task)

        def end(_: "asyncio.Task[None]") -> None:
            self._kept.discard(task)
            del self._tasks[conversation]

        task.add_done_callback(end)

    def _before(self, conversation: str) -> "asyncio.Task[None] | None":
        """What must be answered first."""
        if len(self._tasks) >= MOST_UNDER_WAY:
            return next(iter(self._tasks.values()))
        return self._tasks.get(conversation)
