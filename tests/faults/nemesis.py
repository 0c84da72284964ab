"""The nemesis: breaks one thing after the other, in an order that a seed decides, and waits until all are served again.

A fault is a coroutine function that strikes, holds and heals. The pauses of this package are here and in the faults: how
long something stays broken, and a moment of calm between two faults. They are the schedule, not a way to wait for
anything; what has to come about is always waited for as a condition, with a bound.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

from tests.faults.history import Injected
from tests.waiting import TooLateError, until

Fault = Callable[[random.Random], Awaitable[None]]

CALM_S = (0.2, 0.6)
RECOVERED_WITHIN_S = 45.0


class Nemesis:
    """`unserved(since)` names those who got nothing through yet that they began after that moment."""

    def __init__(self, faults: Mapping[str, Fault], rng: random.Random, unserved: Callable[[float], list[str]]) -> None:
        self._faults = faults
        self._rng = rng
        self._unserved = unserved
        self.injected: list[Injected] = []

    async def rage(self, seconds: float, *, spare_none: bool = False) -> None:
        """Strike until the time is over. The last fault is healed and recovered from like every other.

        With `spare_none` until each fault has struck as well, however long that takes.
        """
        began = time.monotonic()
        await self._until_served(began, "before any fault")
        names = self._schedule()
        struck: set[str] = set()
        while time.monotonic() < began + seconds or (spare_none and struck != self._faults.keys()):
            name = next(names)
            await self._strike(name)
            struck.add(name)
            await asyncio.sleep(self._rng.uniform(*CALM_S))

    def _schedule(self) -> Iterator[str]:
        """Every fault once in a random order, then all again in another."""
        while True:
            names = sorted(self._faults)
            self._rng.shuffle(names)
            yield from names

    async def _strike(self, name: str) -> None:
        began = time.monotonic()
        await self._faults[name](self._rng)
        healed = time.monotonic()
        await self._until_served(healed, f"after {name}")
        recovered = time.monotonic()
        self.injected.append(Injected(name, began, recovered))
        print(
            f"{name}: broken for {healed - began:.1f} s, everybody served {recovered - healed:.1f} s later", flush=True
        )

    async def _until_served(self, since: float, when: str) -> None:
        try:
            await until(lambda: not self._unserved(since), RECOVERED_WITHIN_S, what=f"everybody to be served {when}")
        except TooLateError as problem:
            problem.add_note(f"not served: {', '.join(self._unserved(since))}")
            raise
