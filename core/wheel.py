"""`later`: the loop's `call_later` for what ten thousand connections wait for at once, to a twentieth of a second.

The loop keeps its timers in a heap: of thirty thousand each one that is set, and each that is cancelled, walks through a
dozen places of memory that nothing has touched for seconds. Here one is put at the end of the list of its slot, and what is
cancelled stays there, empty, until the slot's turn.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from weakref import WeakKeyDictionary

TICK_S = 0.05
SLOTS = 1024
MOST_S = (SLOTS - 2) * TICK_S


class Due:
    """What `later` was asked for, as long as it can be cancelled."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self._call = None

    def strike(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


class Wheel:
    """Slots of a twentieth of a second in a ring. One timer of the loop goes round as long as anything waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._time, self._call_later, self._call_soon = loop.time, loop.call_later, loop.call_soon
        self._slots: list[list[Due]] = [[] for _ in range(SLOTS)]
        self._waiting = 0
        self._struck = 0
        """The last tick whose slot was emptied, counted from the loop's own zero."""

    def later(self, delay_s: float, call: Callable[[], None]) -> Due:
        if not 0 <= delay_s <= MOST_S:
            raise ValueError(f"a delay from 0 to {MOST_S} s, not {delay_s}")
        due = Due(call)
        if not self._waiting:
            self._struck = self._tick()
            self._turn_on()
        self._waiting += 1
        # The tick that has begun is not a whole one, so that nothing comes early.
        self._slots[int((self._time() + delay_s) / TICK_S + 1) % SLOTS].append(due)
        return due

    def _tick(self) -> int:
        return int(self._time() / TICK_S)

    def _turn_on(self) -> None:
        # In a context of its own: whoever asks first is not whom all others act for.
        self._call_later(TICK_S, self._strike, context=Context())

    def _strike(self) -> None:
        now = self._tick()
        for tick in range(self._struck + 1, now + 1):
            dues = self._slots[tick % SLOTS]
            if dues:
                self._slots[tick % SLOTS] = []
                self._waiting -= len(dues)
                for due in dues:
                    # Each in its own turn, so that one that fails is nobody else's trouble.
                    self._call_soon(due.strike)
        self._struck = now
        if self._waiting:
            self._turn_on()


_wheels: WeakKeyDictionary[asyncio.AbstractEventLoop, Wheel] = WeakKeyDictionary()


def later(delay_s: float, call: Callable[[], None]) -> Due:
    """Call it after so many seconds, 51 at most, and a twentieth of a second later at most while the loop keeps up.

    Raises ValueError for a longer delay.
    """
    loop = asyncio.get_running_loop()
    wheel = _wheels.get(loop)
    if wheel is None:
        wheel = _wheels[loop] = Wheel(loop)
    return wheel.later(delay_s, call)
