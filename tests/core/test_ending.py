"""A task that forgets that it was cancelled is asked again, until it ends."""

import asyncio
from contextlib import suppress

import pytest

from core.ending import ASK_AGAIN_S, end_all, to_the_end, together


async def deaf(times: int) -> None:
    """Goes on as if nothing had happened, so many times."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


async def test_a_deaf_task_ends() -> None:
    task = asyncio.create_task(deaf(2))
    await asyncio.wait((task,), timeout=0)
    async with asyncio.timeout(5):
        await end_all((task,))
    assert task.cancelled()


async def test_none_outlives_the_one_that_fails() -> None:
    ended: list[str] = []

    async def lasts() -> None:
        try:
            await deaf(1)
        finally:
            ended.append("lasts")

    async def fails() -> None:
        raise ValueError("gone")

    async with asyncio.timeout(5):
        with pytest.raises(ValueError, match="gone"):
            await together(lasts, fails)
    assert ended == ["lasts"]


async def test_nobody_is_left_behind_when_the_one_who_ends_them_is_asked_again() -> None:
    """A worker ends its tasks while it is cancelled each moment itself; the last of them is slow and deaf."""
    child = asyncio.create_task(deaf(3))

    async def parent() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await end_all((child,))

    task = asyncio.create_task(parent())
    await asyncio.wait((task,), timeout=0)
    async with asyncio.timeout(5):
        await end_all((task,))
    assert child.done()
    assert task.cancelled()


async def test_what_must_be_done_is_done_though_we_are_cancelled() -> None:
    done: list[str] = []

    async def close() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(3 * ASK_AGAIN_S):
                await asyncio.Event().wait()
        done.append("closed")

    async def service() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await to_the_end(close())

    task = asyncio.create_task(service())
    await asyncio.wait((task,), timeout=0)
    async with asyncio.timeout(5):
        await end_all((task,))
    assert done == ["closed"]
    assert task.cancelled()
