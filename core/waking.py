"""`Wake` and `Inbox`: asyncio's Event and Queue for things of which there are ten thousand.

An asyncio.Event that nobody waits for takes 700 bytes and an asyncio.Queue 3,000, because each keeps its own waiting
lines ready. These make one when somebody waits, and otherwise behave in the same way.
"""

import asyncio
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Wake:
    """An asyncio.Event."""

    __slots__ = ("_is_set", "_waiting")

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: list[asyncio.Future[None]] | None = None

    def is_set(self) -> bool:
        return self._is_set

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits, and has not been woken yet."""
        return self._waiting is not None

    def set(self) -> None:
        self._is_set = True
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            for one in waiting:
                if not one.done():
                    one.set_result(None)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> bool:
        """Return once it is set, or was set since."""
        if self._is_set:
            return True
        one: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = [one]
        else:
            self._waiting.append(one)
        await one
        return True


class Inbox(Generic[Item]):
    """An asyncio.Queue without a limit, for one reader."""

    __slots__ = ("_items", "_wake")

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._wake = Wake()

    def qsize(self) -> int:
        return len(self._items)

    def empty(self) -> bool:
        return not self._items

    @property
    def is_awaited(self) -> bool:
        """Whether its reader has nothing left to read and waits."""
        return not self._items and self._wake.is_awaited

    def put_nowait(self, item: Item) -> None:
        self._items.append(item)
        self._wake.set()

    def put_first(self, item: Item) -> None:
        """Before what waits already."""
        self._items.insert(0, item)
        self._wake.set()

    async def get(self) -> Item:
        while not self._items:
            self._wake.clear()
            await self._wake.wait()
        return self._items.pop(0)
