"""`later`: the loop's `call_later` for what ten thousand connections wait for at once, to a tenth of a second.

The loop keeps its timers in a heap: of twenty thousand each one that is set, and each that is cancelled, walks through a
dozen places of memory that nothing has touched for seconds. Here one is put at the end of the list of its slot, and what is
cancelled stays there, empty, until the slot's turn.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context

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
        self._loop = loop
        self._slots: list[list[Due]] = [[] for _ in range(SLOTS)]
        self._waiting = 0
        self._is_turning = False
        self._struck = 0
        """The last tick whose slot was emptied, counted from the loop's own zero."""

    def later(self, delay_s: float, call: Callable[[], None]) -> Due:
        if not 0 <= delay_s <= MOST_S:
            raise ValueError(f"a delay from 0 to {MOST_S} s, not {delay_s}")
        # A slot that is overdue after the loop was held up would take this one along, a whole round early.
        self._empty_overdue()
        # The tick that has begun is not a whole one, so that nothing comes early.
        due, tick = Due(call), int((self._loop.time() + delay_s) / TICK_S + 1)
        self._slots[tick % SLOTS].append(due)
        self._waiting += 1
        if not self._is_turning:
            self._turn_on()
        return due

    def _turn_on(self) -> None:
        self._is_turning = True
        # In a context of its own: whoever asks first is not whom all others act for.
        self._loop.call_later(TICK_S, self._turn, context=Context())

    def _turn(self) -> None:
        self._is_turning = False
        self._empty_overdue()
        if self._waiting:
            self._turn_on()

    def _empty_overdue(self) -> None:
        now = int(self._loop.time() / TICK_S)
        if not self._waiting:
            self._struck = now
        for tick in range(self._struck + 1, min(now, self._struck + SLOTS) + 1):
            dues = self._slots[tick % SLOTS]
            if dues:
                self._slots[tick % SLOTS] = []
                self._waiting -= len(dues)
                for due in dues:
                    # Each in its own turn, so that one that fails is nobody else's trouble.
                    self._loop.call_soon(due.strike)
        self._struck = now


_wheels: dict[asyncio.AbstractEventLoop, Wheel] = {}


def later(delay_s: float, call: Callable[[], None]) -> Due:
    """Call it after so many seconds, 51 at most, and a tenth of a second later at most while the loop keeps up.

    Raises ValueError for a longer delay.
    """
    loop = asyncio.get_running_loop()
    wheel = _wheels.get(loop)
    if wheel is None:
        for one in [one for one in _wheels if one.is_closed()]:
            del _wheels[one]
        wheel = _wheels[loop] = Wheel(loop)
    return wheel.later(delay_s, call)
