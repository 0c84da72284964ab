"""Reference program: a relay that stores nothing.

What the wire, the web stack and Redis cost without a database: Starlette on uvicorn,
msgspec, one Redis channel and one subscriber a process, pipelined publishes. It has
no access checks and keeps no promise; it only marks how fast the rest could be.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from bench.serving import serve

CHANNEL = "bench-no-store:"


class Say(msgspec.Struct, tag="say"):
    conversation: str
    id: str
    text: str
    confirm: bool = False


class Ping(msgspec.Struct, tag="ping"):
    pass


class Author(msgspec.Struct):
    kind: str
    name: str


class Ack(msgspec.Struct, tag="ack"):
    conversation: str
    id: str
    seq: int
    at: datetime
    again: bool = False
    t: str = "ack"


class Event(msgspec.Struct, tag="event"):
    """As long on the wire as an event of the service, so that both carry the same bytes."""

    conversation: str
    seq: int
    kind: str
    author: Author
    at: datetime
    id: str
    text: str
    data: None = None
    t: str = "event"


class Relay:
    """The conversations of one process, and its line to the other processes."""

    def __init__(self, redis: Redis, process: int, processes: int) -> None:
        self._redis = redis
        self._own_channel = f"{CHANNEL}{process}"
        self._other_channels = [f"{CHANNEL}{n}" for n in range(processes) if n != process]
        self._members: dict[str, set[WebSocket]] = defaultdict(set)
        self._waiting: list[tuple[bytes, WebSocket, bytes]] = []
        self._work = asyncio.Event()

    async def converse(self, socket: WebSocket) -> None:
        conversation = socket.path_params["conversation"]
        await socket.accept(subprotocol=next(iter(socket.scope["subprotocols"]), None))
        members = self._members[conversation]
        members.add(socket)
        decode, encode = msgspec.json.Decoder(Say | Ping).decode, msgspec.json.encode
        author, seq = Author("visitor", "Visitor"), 0
        try:
            while (message := await socket.receive())["type"] == "websocket.receive":
                said = decode(message["text"])
                if isinstance(said, Ping):
                    continue
                seq, at = seq + 1, datetime.now(UTC)
                event = encode(Event(conversation, seq, "message", author, at, said.id, said.text))
                for other in members - {socket}:
                    await _send(other, event)
                self._waiting.append((event, socket, encode(Ack(conversation, said.id, seq, at))))
                self._work.set()
        finally:
            members.discard(socket)

    async def publish(self) -> None:
        """Publish all that waits in one pipeline, then acknowledge; meanwhile the next batch gathers."""
        while True:
            await self._work.wait()
            self._work.clear()
            batch, self._waiting = self._waiting, []
            pipeline = self._redis.pipeline(transaction=False)
            for event, _, _ in batch:
                for channel in self._other_channels:
                    pipeline.publish(channel, event)
            await pipeline.execute()
            for _, socket, ack in batch:
                await _send(socket, ack)

    async def subscribe(self) -> None:
        decode = msgspec.json.Decoder(Event).decode
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscriber:
            await subscriber.subscribe(self._own_channel)
            async for message in subscriber.listen():
                event: bytes = message["data"]
                for socket in tuple(self._members[decode(event).conversation]):
                    await _send(socket, event)


async def _send(socket: WebSocket, payload: bytes) -> None:
    # A socket that closed in between is discarded by its own task.
    with contextlib.suppress(RuntimeError):
        await socket.send({"type": "websocket.send", "text": payload.decode()})


def create_app(redis_url: str, process: int, processes: int) -> Starlette:
    relays: list[Relay] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with Redis.from_url(redis_url, protocol=2) as redis:
            relay = Relay(redis, process, processes)
            relays.append(relay)
            tasks = [asyncio.create_task(relay.publish()), asyncio.create_task(relay.subscribe())]
            yield
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def converse(socket: WebSocket) -> None:
        await relays[0].converse(socket)

    return Starlette(routes=[WebSocketRoute("/ws/{conversation}", converse)], lifespan=lifespan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--process", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    options = parser.parse_args()
    serve(create_app(options.redis, options.process, options.processes), options.port)


if __name__ == "__main__":
    main()
