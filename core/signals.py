"""Hints between processes, over one Redis channel: what changed, never what it says.

`send` never waits and never fails: what is pending is gathered and published by one task, so that load makes batches. While
Redis is away the newest hints are kept until it is back.
A hint may be lost, doubled or late; whoever listens must be able to live without it and repair by polling the
database. After every new subscription, and whenever hints may have been missed, the gap listeners are called.
"""

import asyncio
import contextlib
import math
import secrets
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisError

from core.ending import together
from core.troubles import troubles

REDIS_TIMEOUT_S = 0.5
PROBE_INTERVAL_S = 5.0
PROBE_KEPT_S = 60
MOST_PENDING = 10_000
POLLS_WHILE_HEALTHY = 4
"""Whoever has gone deaf without knowing it must still show a message within five seconds, at a poll a second."""
AGAIN_AFTER_S = 0.25
# Answers and hints come by one way under the third version of the protocol only; each wait has a limit of its own.
CHANNEL_CONNECTION = {"protocol": 3, "socket_timeout": None}

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
        self._sender = self.node.encode()
        """What our own batches begin with, so that they are known without being read."""
        self._channel = f"{prefix}:hints"
        self._probe_key = f"{prefix}:probe"
        self._connection: AbstractConnection | None = None
        self.takes_writes = True
        """Whether Redis took the last thing that was written there: not when it is full, loads, or is another's replica."""
        self._pending: deque[Hint] = deque(maxlen=MOST_PENDING)
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._listeners: dict[str, list[Callable[[Hint], None]]] = {}
        self._gap_listeners: list[Callable[[], None]] = []
        self._heard = float("-inf")
        self._in_doubt = False

    @property
    def healthy(self) -> bool:
        """Whether our own probe came back within two intervals, and nothing has failed since."""
        return not self._in_doubt and time.monotonic() - self._heard < 2 * PROBE_INTERVAL_S + REDIS_TIMEOUT_S

    def on(self, topic: str, listener: Callable[[Hint], None]) -> None:
        """Call `listener` with each hint of this topic that another process sends."""
        self._listeners.setdefault(topic, []).append(listener)

    def on_gap(self, listener: Callable[[], None]) -> None:
        self._gap_listeners.append(listener)

    async def rest(self, heard: asyncio.Event, poll_s: float) -> None:
        """Until something is heard, or the database may know better: after one poll, or after several while hints arrive."""
        for _ in range(POLLS_WHILE_HEALTHY):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(poll_s):
                    await heard.wait()
            if heard.is_set() or not self.healthy:
                return

    def send(self, topic: str, *values: int | str) -> None:
        """Tell the other processes. Nothing is promised."""
        self._pending.append([topic, *values])
        self._wake.set()

    async def run(self) -> None:
        """Publish, listen and probe until cancelled."""
        await together(self._stay_connected, self._probe)

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._talk()
            except (TimeoutError, RedisError, OSError, msgspec.MsgspecError):
                # Hints may have been lost.
                self._in_doubt = True
                troubles.note("hints_interrupted")
            # A Redis that refuses at once would be asked without end.
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _talk(self) -> None:
        """Publish and listen by one connection until it fails."""
        pool = self.redis.connection_pool
        # Not one of the pool's: it hears as long as it lives, and a hint that waits for a free one comes late.
        connection: AbstractConnection = pool.connection_class(**pool.connection_kwargs | CHANNEL_CONNECTION)
        try:
            async with asyncio.timeout(2 * REDIS_TIMEOUT_S):
                await connection.connect()  # type: ignore[no-untyped-call]  # redis-py leaves this one without annotations
                await connection.send_command("SUBSCRIBE", self._channel)
            self._connection = connection
            await together(partial(self._publish, connection), partial(self._hear, connection))
        finally:
            await connection.disconnect(nowait=True)

    async def _publish(self, connection: AbstractConnection) -> None:
        """Publish what is pending; while one batch is on its way the next gathers."""
        encoder = msgspec.msgpack.Encoder()
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._answered.clear()
            batch = self._sender + encoder.encode(list(self._pending))
            self._pending.clear()
            # Nothing of it is sent twice: what was lost is found by whoever polls.
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                await connection.send_packed_command(
                    connection.pack_command("PUBLISH", self._channel, batch), check_health=False
                )
                await self._answered.wait()

    async def _hear(self, connection: AbstractConnection) -> None:
        """Pass on what arrives: first that we are subscribed, then the hints of all, and answers to our own."""
        decoder = msgspec.msgpack.Decoder(list[Hint])
        while True:
            words = await connection.read_response(timeout=math.inf, push_request=True)
            if not isinstance(words, list):
                self._answered.set()
            elif words[0] == b"subscribe":
                # Since the last time hints may have been lost.
                for listener in self._gap_listeners:
                    listener()
            elif words[0] == b"message":
                batch: bytes = words[2]
                if batch.startswith(self._sender):
                    self._heard = time.monotonic()
                    self._in_doubt = False
                else:
                    self._dispatch(decoder.decode(batch[len(self._sender) :]))

    def _dispatch(self, batch: list[Hint]) -> None:
        for hint in batch:
            for listener in self._listeners.get(hint[0], ()):
                listener(hint)

    async def _probe(self) -> None:
        was_replica = False
        while True:
            self.send("probe")
            try:
                await self.redis.set(self._probe_key, b"", ex=PROBE_KEPT_S)
            except (TimeoutError, RedisError, OSError) as problem:
                self.takes_writes, is_replica = False, isinstance(problem, ReadOnlyError)
                troubles.note("redis_takes_nothing", kind=type(problem).__name__)
            else:
                self.takes_writes, is_replica = True, False
            if is_replica or was_replica:
                await self._leave()
            was_replica = is_replica
            await asyncio.sleep(PROBE_INTERVAL_S)

    async def _leave(self) -> None:
        """Connect anew: after a failover this is the old primary, and the other processes may be at the new one by now.

        Also once it takes writes again: the name may have moved since the last time.
        """
        with contextlib.suppress(TimeoutError, RedisError, OSError):
            if self._connection is not None:
                await self._connection.disconnect(nowait=True)
            await self.redis.connection_pool.disconnect(inuse_connections=False)
