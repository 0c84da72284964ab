"""Rendering within limits: texts go to a few processes of their own, and one that takes too long is killed.

The processes start when there is something to render, stay for a while, and end with this one. The event loop never
parses Markdown.
"""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

import structlog

from core.errors import TooLong, Unavailable
from knowledge.markdown import MOST_OUTPUT_BYTES, MOST_SOURCE_BYTES, REFUSALS, TooComplex
from knowledge.render_worker import HTML

logger = structlog.get_logger()

ROOT = Path(__file__).parent.parent
START_LIMIT_S = 15.0
IDLE_S = 60.0


class _WorkerLostError(Exception):
    """The process is gone; whether the text or the machine was the reason is not known."""


class Renderer:
    """At most `most` rendering processes. Belongs to one event loop; `close` ends them."""

    def __init__(self, *, limit_s: float = 1.0, most: int = min(4, os.cpu_count() or 1)) -> None:
        self._limit_s = limit_s
        self._places = asyncio.Semaphore(most)
        self._idle: list[Process] = []
        self._all: set[Process] = set()
        self._retire: asyncio.TimerHandle | None = None

    async def render(self, source: str) -> str:
        """The article as HTML. Raises TooLong, TooComplex when it takes more than the limit, and what else is in REFUSALS."""
        encoded = source.encode()
        if len(encoded) > MOST_SOURCE_BYTES:
            raise TooLong(
                f"The text has {len(encoded):,} bytes; the most is {MOST_SOURCE_BYTES:,}. Split it into two articles."
            )
        async with self._places:
            worker = self._idle.pop() if self._idle else await self._start()
            try:
                answer = await asyncio.wait_for(_ask(worker, encoded), self._limit_s)
            except (TimeoutError, _WorkerLostError):
                await self._end(worker)
                raise TooComplex from None
            except BaseException:
                await self._end(worker)
                raise
            self._keep(worker)
        rest = answer[1:].decode()
        if answer[:1] != HTML:
            raise REFUSALS[rest]
        return rest

    async def close(self) -> None:
        if self._retire is not None:
            self._retire.cancel()
        for worker in list(self._all):
            await self._end(worker)
        self._idle.clear()

    async def _start(self) -> Process:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "knowledge.render_worker"),
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=2 * MOST_OUTPUT_BYTES,
            # Ctrl-C goes to a whole group; a text that is being saved must not be lost to it.
            start_new_session=True,
        )
        self._all.add(worker)
        try:
            await asyncio.wait_for(_read_frame(worker), START_LIMIT_S)
        except (TimeoutError, _WorkerLostError):
            await self._end(worker)
            logger.error("renderer_not_started")
            raise Unavailable from None
        except BaseException:
            await self._end(worker)
            raise
        return worker

    async def _end(self, worker: Process) -> None:
        self._all.discard(worker)
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        # Reading to the end lets the transport close, which a killed process alone does not.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await worker.communicate()

    def _keep(self, worker: Process) -> None:
        self._idle.append(worker)
        if self._retire is not None:
            self._retire.cancel()
        self._retire = asyncio.get_running_loop().call_later(IDLE_S, self._retire_idle)

    def _retire_idle(self) -> None:
        """Let the processes end by themselves: each leaves when its input does."""
        for worker in self._idle:
            self._all.discard(worker)
            if worker.stdin is not None:
                worker.stdin.close()
        self._idle.clear()


async def _ask(worker: Process, source: bytes) -> bytes:
    assert worker.stdin is not None
    try:
        worker.stdin.write(len(source).to_bytes(4) + source)
        await worker.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        raise _WorkerLostError from None
    return await _read_frame(worker)


async def _read_frame(worker: Process) -> bytes:
    assert worker.stdout is not None
    try:
        length = int.from_bytes(await worker.stdout.readexactly(4))
        return await worker.stdout.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionResetError):
        raise _WorkerLostError from None
