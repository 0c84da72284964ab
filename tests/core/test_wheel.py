"""`later` calls what the loop's own `call_later` would call, a moment later at most."""

import asyncio
import time
from contextvars import ContextVar
from functools import partial

import pytest

from core import wheel
from core.wheel import MOST_S, TICK_S, later

whoever: ContextVar[str] = ContextVar("whoever", default="nobody")


async def struck(delay_s: float) -> float:
    """Wait so long; how long it was."""
    begun, over = time.monotonic(), asyncio.Event()
    later(delay_s, over.set)
    async with asyncio.timeout(5):
        await over.wait()
    return time.monotonic() - begun


@pytest.mark.parametrize("delay_s", [0.0, 0.01, TICK_S, 0.12, 0.3])
async def test_nothing_comes_early(delay_s: float) -> None:
    # The loop's clock has whole milliseconds.
    assert await struck(delay_s) >= delay_s - 0.002


def hold_up(seconds: float) -> None:
    """The loop: nobody else gets a turn."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


async def test_each_at_its_own_time() -> None:
    order: list[float] = []
    last = asyncio.Event()
    for delay_s in (1.2, 0.4, 0.8, 0.0):
        later(delay_s, partial(order.append, delay_s))
    later(1.6, last.set)
    async with asyncio.timeout(5):
        await last.wait()
    assert order == [0.0, 0.4, 0.8, 1.2]


async def test_what_is_cancelled_is_not_called() -> None:
    called: list[str] = []
    due = later(0.05, lambda: called.append("Ada"))
    later(0.05, lambda: called.append("Ben"))
    due.cancel()
    due.cancel()
    await struck(0.15)
    assert called == ["Ben"]


async def test_one_that_fails_is_nobody_elses_trouble(loop_troubles: list[Exception]) -> None:
    def fail() -> None:
        raise ValueError("this one")

    later(0.05, fail)
    await struck(0.05)
    assert [str(one) for one in loop_troubles] == ["this one"]


async def test_a_loop_that_was_held_up_misses_none() -> None:
    called: list[int] = []
    for number in range(10):
        later(number * TICK_S, partial(called.append, number))
    hold_up(0.3)
    await struck(10 * TICK_S)
    assert called == list(range(10))


async def test_what_is_asked_for_after_it_was_held_up_does_not_come_a_round_early() -> None:
    called: list[str] = []
    later(0.05, partial(called.append, "Ada"))
    hold_up(0.3)
    # Its slot is one of those that are overdue.
    late = later(MOST_S, partial(called.append, "Ben"))
    await struck(0.15)
    assert called == ["Ada"]
    late.cancel()


async def test_it_turns_again_after_it_stood_still() -> None:
    await struck(0.05)
    meanwhile = asyncio.Event()
    asyncio.get_running_loop().call_later(3 * TICK_S, meanwhile.set)
    await meanwhile.wait()
    assert await struck(0.1) >= 0.098


async def test_nobody_acts_for_whoever_asked_first() -> None:
    whoever.set("Ada")
    seen: list[str] = []
    over = asyncio.Event()

    def look() -> None:
        seen.append(whoever.get())
        over.set()

    later(0.05, look)
    async with asyncio.timeout(5):
        await over.wait()
    assert seen == ["nobody"]


@pytest.mark.parametrize("delay_s", [-0.1, MOST_S + 0.1, 3_600.0])
async def test_what_the_ring_does_not_hold_is_refused(delay_s: float) -> None:
    with pytest.raises(ValueError, match="a delay from 0 to"):
        later(delay_s, lambda: None)


def test_each_loop_has_its_own_and_leaves_nothing() -> None:
    before = len(wheel._wheels)
    for _ in range(3):
        asyncio.run(struck(0.05))
    assert len(wheel._wheels) <= before + 1
