"""A small TCP proxy that can be told to misbehave: the network between two parts, in the hands of the nemesis.

It passes bytes on until it is told otherwise. What it breaks stays within its own connections; it knows nothing of what
it carries but the words it was told to watch for. What misbehaves all the time is a box of its own (boxes.py).
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from enum import Enum
from typing import Self

CHUNK = 65_536
CONNECT_WITHIN_S = 5.0


class Way(Enum):
    """Which way bytes go."""

    FORTH = "from client to server"
    BACK = "from server to client"


class Box:
    """What stands on the way of one connection and changes what goes through: this one changes nothing."""

    chunk = CHUNK
    """How much is read at a time."""
    receive_buffer = 0
    """Of the connection to the server, in bytes; 0 is the kernel's own."""

    def begin(self, link: "Link") -> None:
        """The connection is made."""

    async def sift(self, link: "Link", way: Way, data: bytes) -> bytes:
        """What of these bytes goes on, now."""
        return data

    async def end(self, link: "Link") -> None:
        """One side has ended; what was held back may still go on."""


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy: "Proxy", box: Box, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._box = box
        self._writers = {Way.FORTH: server, Way.BACK: client}
        self.is_deaf = False
        """Bytes are taken and thrown away, as by a box that has lost its state."""

    async def carry(self, reader: asyncio.StreamReader, way: Way) -> None:
        while data := await reader.read(self._box.chunk):
            await self._proxy.is_open.wait()
            if self._proxy.cuts(way, data):
                self.cut()
                return
            if not self.is_deaf:
                await self.write(way, await self._box.sift(self, way, data))

    async def write(self, way: Way, data: bytes) -> None:
        writer = self._writers[way]
        if data and not writer.is_closing():
            writer.write(data)
            await writer.drain()

    def finish(self) -> None:
        """No more of it: what was written is let out."""
        for writer in self._writers.values():
            writer.close()

    def cut(self) -> None:
        """End both sides at once, unsent bytes and all."""
        for writer in self._writers.values():
            writer.transport.abort()


class Proxy:
    """`async with Proxy(port) as proxy`: clients connect to `proxy.port` and reach `port`."""

    def __init__(self, server_port: int, make_box: Callable[[], Box] = Box) -> None:
        self._server_port = server_port
        self._make_box = make_box
        self._server: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watched: tuple[Way, bytes] | None = None
        self._cuts_left = 0
        self.links_made = 0
        self.is_open = asyncio.Event()
        """Cleared, bytes wait in the proxy and in the kernels on both sides."""
        self.is_open.set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.resume()
        self.cut()
        await asyncio.gather(*self._tasks)
        await self._server.wait_closed()

    def cut(self) -> None:
        """End every connection."""
        for link in list(self._links):
            link.cut()

    def turn_to(self, server_port: int) -> None:
        """Those that come from now on reach another port, as a name does after a failover."""
        self._server_port = server_port

    def stall(self) -> None:
        """Hold everything back until `resume`, in both directions; nobody is told."""
        self.is_open.clear()

    def resume(self) -> None:
        self.is_open.set()

    def swallow(self) -> None:
        """Every connection that exists now goes deaf. Those that come later are whole."""
        for link in self._links:
            link.is_deaf = True

    def cut_at(self, way: Way, words: bytes, times: int) -> None:
        """End the next `times` connections that carry these words, instead of passing them on."""
        self._watched, self._cuts_left = (way, words), times

    def cuts(self, way: Way, data: bytes) -> bool:
        """Whether this is what was watched for; counts it."""
        if self._cuts_left == 0 or self._watched is None or way is not self._watched[0] or self._watched[1] not in data:
            return False
        self._cuts_left -= 1
        return True

    @property
    def cuts_left(self) -> int:
        """How many of the connections that `cut_at` asked for are still to come."""
        return self._cuts_left

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._link(reader, writer)
        finally:
            # What was written is let out: closing is not cutting.
            writer.close()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        box = self._make_box()
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                from_server, to_server = await self._connect(box)
        except (OSError, TimeoutError):
            return
        link = Link(self, box, writer, to_server)
        self._links.add(link)
        self.links_made += 1
        box.begin(link)
        ways = [
            asyncio.create_task(link.carry(reader, Way.FORTH)),
            asyncio.create_task(link.carry(from_server, Way.BACK)),
        ]
        try:
            # Half a connection is none.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            with contextlib.suppress(OSError):
                await box.end(link)
        finally:
            self._links.discard(link)
            to_server.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _connect(self, box: Box) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        wire = socket.socket()
        wire.setblocking(False)
        if box.receive_buffer:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, box.receive_buffer)
        try:
            await asyncio.get_running_loop().sock_connect(wire, ("127.0.0.1", self._server_port))
        except BaseException:
            wire.close()
            raise
        return await asyncio.open_connection(sock=wire, limit=box.chunk)
