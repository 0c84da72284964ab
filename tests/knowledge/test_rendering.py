"""Rendering in processes of its own: quick, bounded, and never the end of the service."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.errors import TooLong
from knowledge.markdown import TooComplex
from knowledge.rendering import Renderer


@pytest.fixture
async def own() -> AsyncIterator[Renderer]:
    renderer = Renderer(limit_s=10.0, most=2)
    yield renderer
    await renderer.close()


async def test_many_texts_at_once(own: Renderer) -> None:
    rendered = await asyncio.gather(*(own.render(f"## Part {number}") for number in range(50)))
    assert [f">Part {number}<" in html for number, html in enumerate(rendered)] == [True] * 50


async def test_a_text_over_the_time_limit_is_too_complex_and_the_next_one_works() -> None:
    renderer = Renderer(limit_s=0.02, most=1)
    with pytest.raises(TooComplex):
        await renderer.render("![" * 30_000)
    patient = Renderer(limit_s=10.0, most=1)
    assert await patient.render("ok") == "<p>ok</p>\n"
    await renderer.close()
    await patient.close()


async def test_more_than_64_kb_is_refused_before_it_is_read(own: Renderer) -> None:
    with pytest.raises(TooLong):
        await own.render("é" * 40_000)


async def test_a_refused_text_costs_no_process(own: Renderer) -> None:
    wide = "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n|a|\n"
    for _ in range(3):
        with pytest.raises(TooComplex):
            await own.render(wide)
    assert await own.render("still here") == "<p>still here</p>\n"


async def test_whoever_gives_up_leaves_nothing_behind(own: Renderer) -> None:
    task = asyncio.create_task(own.render("![" * 30_000))
    await asyncio.wait({task}, timeout=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await own.render("ok") == "<p>ok</p>\n"
