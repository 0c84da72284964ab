"""Several web processes on one port: a parent that takes the socket once, and never sees a request.

A child that dies is started again with backoff; one that cannot start before any of them could stops the parent with the
same status. SIGTERM reaches every child, and after 15 s whoever is left is killed. SIGHUP replaces them one at a time, each
by one that is ready. When the parent is killed, the children drain and go.
"""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from app.tether import tethered

log = structlog.get_logger("processes")

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0
STEADY_AFTER_S = 60.0
# What a process says with its status that started wrongly: no use in trying again (2: settings, 3: uvicorn's own).
CANNOT_START = frozenset({2, 3})


@dataclass(slots=True)
class Child:
    """One web process."""

    process: asyncio.subprocess.Process
    ready: asyncio.Event
    began: float


class WebProcesses:
    """`command` is what starts one child; it gets `--socket-fd N --ready-fd N` (see `app.server.Inherited`)."""

    def __init__(self, command: Sequence[str], count: int, listener: socket.socket) -> None:
        self._command = list(command)
        self._count = count
        self._listener = listener
        self._children: dict[int, Child] = {}
        self._stopping = asyncio.Event()
        self._replacing = asyncio.Lock()
        self._status = 0
        self._has_served = False
        """One of them was ready: whatever keeps the next one from starting, as a database that is away, may pass."""

    async def run(self) -> int:
        """Until SIGTERM or SIGINT. Returns the exit status."""
        self._listener.listen(2048)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        replacements: set[asyncio.Task[None]] = set()

        def replace_all() -> None:
            task = asyncio.create_task(self._replace_all())
            replacements.add(task)
            task.add_done_callback(replacements.discard)

        loop.add_signal_handler(signal.SIGHUP, replace_all)
        async with asyncio.TaskGroup() as group:
            for slot in range(self._count):
                group.create_task(self._keep(slot), name=f"web-{slot}")
        for task in replacements:
            task.cancel()
        return self._status

    async def _keep(self, slot: int) -> None:
        """Keep one slot filled until the service stops."""
        backoff_s = FIRST_BACKOFF_S
        ended: Child | None = None
        while not self._stopping.is_set():
            child = await self._fill(slot, ended, await self._start())
            await self._until_ended_or_stopping(child)
            # A replacement has taken the slot over: watch that one.
            while (current := self._children[slot]) is not child:
                child = current
                await self._until_ended_or_stopping(child)
            if self._stopping.is_set():
                await self._end(child)
                return
            status = child.process.returncode
            if status in CANNOT_START and not self._has_served:
                self._status = status or 0
                self._stopping.set()
                return
            if time.monotonic() - child.began > STEADY_AFTER_S:
                backoff_s = FIRST_BACKOFF_S
            log.error("web_process_died", slot=slot, status=status, again_after_s=backoff_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)
            ended = child

    async def _fill(self, slot: int, old: Child | None, new: Child) -> Child:
        """Who has the slot then: the new one, unless the old one was replaced or started again meanwhile. One is ended."""
        current = self._children.get(slot)
        if current is not None and current is not old:
            await self._end(new)
            return current
        self._children[slot] = new
        if old is not None:
            await self._end(old)
        return new

    async def _start(self) -> Child:
        ready_end, child_end = os.pipe()
        listening = self._listener.fileno()
        command = [*self._command, "--socket-fd", str(listening), "--ready-fd", str(child_end)]
        try:
            # Its own group: a Ctrl-C reaches it through us, once.
            process = await asyncio.create_subprocess_exec(
                *tethered(command, signal.SIGTERM), pass_fds=(listening, child_end), start_new_session=True
            )
        finally:
            os.close(child_end)
        child = Child(process, asyncio.Event(), time.monotonic())
        self._watch_pipe(ready_end, child)
        return child

    def _watch_pipe(self, ready_end: int, child: Child) -> None:
        loop = asyncio.get_running_loop()

        def read() -> None:
            loop.remove_reader(ready_end)
            if os.read(ready_end, 1):
                child.ready.set()
                self._has_served = True
            os.close(ready_end)

        loop.add_reader(ready_end, read)

    async def _until_ended_or_stopping(self, child: Child) -> None:
        waits = {asyncio.create_task(child.process.wait()), asyncio.create_task(self._stopping.wait())}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _replace_all(self) -> None:
        """One at a time; the old one goes when the new one is ready, and stays when it does not get there."""
        async with self._replacing:
            for slot in range(self._count):
                old, new = self._children[slot], await self._start()
                try:
                    await asyncio.wait_for(new.ready.wait(), READY_WITHIN_S)
                except TimeoutError:
                    log.error("replacement_not_ready", slot=slot)
                    await self._end(new)
                    return
                await self._fill(slot, old, new)
            log.info("web_processes_replaced", count=self._count)

    async def _end(self, child: Child) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.process.terminate()
        try:
            await asyncio.wait_for(child.process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            log.error("web_process_killed", pid=child.process.pid)
            child.process.kill()
            await child.process.wait()
