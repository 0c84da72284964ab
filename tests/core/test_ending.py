"""A task that forgets that it was cancelled is asked again, until it ends."""

import asyncio

import pytest

from core.ending import end_all, together


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
