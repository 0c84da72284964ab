"""`Wake` and `Inbox` do what asyncio's Event and Queue do."""

import asyncio

import pytest

from core.gather import Gathered
from core.waking import Inbox, Wake


async def test_all_who_wait_are_woken_at_once() -> None:
    wake = Wake()
    waiting = [asyncio.create_task(wake.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    wake.set()
    wake.clear()
    assert await asyncio.gather(*waiting) == [True, True, True]
    assert not wake.is_set()


async def test_what_is_set_is_not_waited_for() -> None:
    wake = Wake()
    wake.set()
    assert await wake.wait()


async def test_one_who_gave_up_is_not_woken() -> None:
    wake = Wake()
    impatient, patient = asyncio.create_task(wake.wait()), asyncio.create_task(wake.wait())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    wake.set()
    assert await patient
    assert impatient.cancelled()


async def test_an_inbox_keeps_the_order_and_waits_for_the_next() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put_nowait(1)
    inbox.put_nowait(2)
    assert (inbox.qsize(), await inbox.get(), await inbox.get(), inbox.empty()) == (2, 1, 2, True)
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_nowait(3)
    assert await reader == 3


async def test_what_is_asked_meanwhile_is_asked_together() -> None:
    asked: list[list[int]] = []
    go_on = asyncio.Event()

    async def double(keys: list[int]) -> list[int]:
        asked.append(keys)
        await go_on.wait()
        return [2 * key for key in keys]

    gathered = Gathered(double)
    first = asyncio.create_task(gathered.get(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(gathered.get(key)) for key in (2, 3, 2)]
    await asyncio.sleep(0)
    go_on.set()
    assert [await one for one in (first, *others)] == [2, 4, 6, 4]
    assert asked == [[1], [2, 3, 2]]


async def test_a_crowd_is_let_gather_and_one_alone_is_not() -> None:
    asked: list[list[int]] = []

    async def same(keys: list[int]) -> list[int]:
        asked.append(keys)
        return keys

    gathered = Gathered(same, crowds_gather_s=0.2)

    # Those who were answered come again, each a turn of the loop after the other.
    async def come_again(turns: int) -> None:
        await gathered.get(turns)
        for _ in range(turns):
            await asyncio.sleep(0)
        await gathered.get(turns)

    await asyncio.gather(*(come_again(turns) for turns in range(5)))
    assert [len(keys) for keys in asked] == [5, 5]
    # And who comes while nobody else does is asked for at once.
    alone = Gathered(same, crowds_gather_s=3_600)
    async with asyncio.timeout(5):
        assert [await alone.get(key) for key in (1, 2, 3)] == [1, 2, 3]


async def test_each_who_asked_learns_that_it_failed_and_the_next_may_ask_again() -> None:
    fails = True

    async def ask(keys: list[int]) -> list[int]:
        if fails:
            raise ValueError
        return keys

    gathered = Gathered(ask)
    outcomes = await asyncio.gather(gathered.get(1), gathered.get(2), return_exceptions=True)
    assert [type(one) for one in outcomes] == [ValueError, ValueError]
    fails = False
    assert await gathered.get(3) == 3


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    go_on = asyncio.Event()

    async def ask(keys: list[int]) -> list[int]:
        await go_on.wait()
        return keys

    gathered = Gathered(ask)
    one, other = asyncio.create_task(gathered.get(1)), asyncio.create_task(gathered.get(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    one.cancel()
    go_on.set()
    assert await other == 2
    with pytest.raises(asyncio.CancelledError):
        await one


async def test_what_is_put_first_comes_before_what_waits() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put_nowait(2)
    inbox.put_first(1)
    assert [await inbox.get(), await inbox.get()] == [1, 2]
    getting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_first(3)
    assert await getting == 3
