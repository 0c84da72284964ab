"""Look-ups that come together are asked for together.

One query runs at a time; whatever is asked for meanwhile goes into the next one. A single look-up is asked for at once. So a
crowd that comes back after a restart costs a few queries, not one each, and takes one connection to the database, not all of
them. A database that answers at once would be asked for a few each time: where that is said, a crowd is let gather a moment.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key")
Found = TypeVar("Found")

MOST_AT_ONCE = 128
CROWD = 3
CROWDS_GATHER_S = 0.01


class Gathered(Generic[Key, Found]):
    """`ask` takes a list of keys and returns what was found for each, in the same order."""

    def __init__(self, ask: Callable[[list[Key]], Awaitable[Sequence[Found]]], *, crowds_gather_s: float = 0.0) -> None:
        """`crowds_gather_s`: how long the next query waits after one that three or more asked for, unless as many wait already
        as it can take."""
        self._ask = ask
        self._crowds_gather_s = crowds_gather_s
        self._waiting: list[tuple[Key, asyncio.Future[Found]]] = []
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Found:
        """What `ask` finds for this key, asked after this call; raises what it raises."""
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="gathered")
        return await answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._answer([one for one in batch if not one[1].done()])
                if self._crowds_gather_s and len(batch) >= CROWD and len(self._waiting) < MOST_AT_ONCE:
                    # Also when nobody waits yet: those who were answered ask for the next thing in a moment.
                    await asyncio.sleep(self._crowds_gather_s)
        finally:
            self._task = None
            for _, answer in self._waiting:
                answer.cancel()
            self._waiting = []

    async def _answer(self, batch: list[tuple[Key, asyncio.Future[Found]]]) -> None:
        try:
            found = await self._ask([key for key, _ in batch])
            for (_, answer), one in zip(batch, found, strict=True):
                if not answer.done():
                    answer.set_result(one)
        except Exception as problem:  # noqa: BLE001  # whatever it is, it belongs to those who asked
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(problem)
        finally:
            # Cancelled from outside: nobody waits for what does not come.
            for _, answer in batch:
                answer.cancel()
            # What it failed at leads back to this frame.
            batch.clear()
