"""Hints between processes, over one Redis channel: what changed, never what it says.

`send` never waits and never fails: what is pending is gathered and published by one task, so that load makes batches.
A hint may be lost, doubled or late; whoever listens must be able to live without it and repair by polling the
database. After every new subscription, and whenever hints may have been missed, the gap listeners are called.
"""

import asyncio
import contextlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from core.ending import together

logger = structlog.get_logger()

REDIS_TIMEOUT_S = 0.5
PROBE_INTERVAL_S = 5.0
MOST_PENDING = 10_000

Hint = list[Any]
"""A topic, then numbers or short names: ["event", 17, 4, 6]."""


def open_redis(url: str) -> "Redis":
    """A client that fails at once: no retries (they repeat what is not idempotent), half a second for an answer."""
    return Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        protocol=2,
        decode_responses=False,
        max_connections=32,
    )


class Signals:
    """This process's end of the channel."""

    def __init__(self, redis: "Redis", prefix: str) -> None:
        self.redis = redis
        self.prefix = prefix
        self.node = secrets.token_hex(8)
        self._channel = f"{prefix}:hints"
        self._pending: deque[Hint] = deque()
        self._wake = asyncio.Event()
        self._listeners: dict[str, list[Callable[[Hint], None]]] = {}
        self._gap_listeners: list[Callable[[], None]] = []
        self._heard = 0.0
        self._in_doubt = False
        self._complained = 0.0

    @property
    def healthy(self) -> bool:
        """Whether our own probe came back within two intervals, and nothing has failed since."""
        return not self._in_doubt and time.monotonic() - self._heard < 2 * PROBE_INTERVAL_S + REDIS_TIMEOUT_S

    def on(self, topic: str, listener: Callable[[Hint], None]) -> None:
        """Call `listener` with each hint of this topic that another process sends."""
        self._listeners.setdefault(topic, []).append(listener)

    def on_gap(self, listener: Callable[[], None]) -> None:
        self._gap_listeners.append(listener)

    def send(self, topic: str, *values: int | str) -> None:
        """Tell the other processes. Nothing is promised."""
        if len(self._pending) < MOST_PENDING:
            self._pending.append([topic, *values])
            self._wake.set()

    async def run(self) -> None:
        """Publish, listen and probe until cancelled."""
        await together(self._publish_pending, self._listen, self._probe)

    async def _publish_pending(self) -> None:
        encoder = msgspec.msgpack.Encoder()
        # One of its own: to ask the pool for one, and that one whether it still lives, would double what a hint costs.
        connection = self.redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py leaves this one without annotations
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                batch = list(self._pending)
                self._pending.clear()
                try:
                    await self._publish(connection, encoder.encode([self.node, batch]))
                except (TimeoutError, RedisError, OSError):
                    self._complain("hints_not_published")
        finally:
            await connection.disconnect(nowait=True)

    async def _publish(self, connection: AbstractConnection, batch: bytes) -> None:
        may_have_gone = connection.is_connected
        try:
            await connection.send_command("PUBLISH", self._channel, batch)
            await connection.read_response()
        except RedisConnectionError:
            if not may_have_gone:
                raise
            # It was there the last time; that a hint comes twice does no harm.
            await connection.disconnect(nowait=True)
            await connection.send_command("PUBLISH", self._channel, batch)
            await connection.read_response()

    async def _listen(self) -> None:
        while True:
            pubsub = self.redis.pubsub()
            try:
                await pubsub.subscribe(self._channel)
                await self._receive(pubsub)
            except (TimeoutError, RedisError, OSError, msgspec.MsgspecError):
                self._complain("hints_not_received")
            finally:
                with contextlib.suppress(RedisError, OSError, asyncio.TimeoutError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves this one without annotations
            await self._pause(1.0)

    async def _receive(self, pubsub: PubSub) -> None:
        """Pass on what arrives. Returns when nothing of our own, not even the probe, was heard for two intervals."""
        decoder = msgspec.msgpack.Decoder(tuple[str, list[Hint]])
        loop = asyncio.get_running_loop()
        try:
            # One for all that comes: one for each message was a quarter of what it takes to hear it.
            async with asyncio.timeout(2 * PROBE_INTERVAL_S) as silence:
                while True:
                    message = await pubsub.get_message(timeout=None)
                    if message is None:
                        continue
                    if message["type"] == "subscribe":
                        # The client reconnects in silence; a second confirmation is the only sign that hints were lost.
                        for listener in self._gap_listeners:
                            listener()
                    elif message["type"] == "message":
                        node, batch = decoder.decode(message["data"])
                        if node == self.node:
                            self._heard = time.monotonic()
                            self._in_doubt = False
                            silence.reschedule(loop.time() + 2 * PROBE_INTERVAL_S)
                        else:
                            self._dispatch(batch)
        except TimeoutError:
            return

    def _dispatch(self, batch: list[Hint]) -> None:
        for hint in batch:
            for listener in self._listeners.get(hint[0], ()):
                listener(hint)

    async def _probe(self) -> None:
        while True:
            self.send("probe")
            await self._pause(PROBE_INTERVAL_S)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _complain(self, event: str) -> None:
        """Hints may have been lost. Say it once in ten seconds, however often it happens."""
        self._in_doubt = True
        now = time.monotonic()
        if now - self._complained > 10:
            self._complained = now
            logger.warning(event)
