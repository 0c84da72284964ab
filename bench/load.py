"""The load maker: one client process that talks for all pairs and times every message.

It reads a plan (JSON) from standard input and prints its measurement (JSON). Each
sender has one message in flight: the next goes out when the last was acknowledged.
A message counts when it was acknowledged and also reached the other side.
An error, a held message or a lost connection ends the run: no figure hides a failure.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
import uuid
from typing import Any

import msgspec

from bench.maker import Failure, LoadError, own_cpu_seconds, percentile, run_plan, say
from bench.processes import cpu_seconds
from bench.websocket import WebSocketClient

HELLO_TIMEOUT_S = 60.0
DRAIN_TIMEOUT_S = 5.0
DRAIN_POLL_S = 0.05

# Plain lower-case words: nothing in them looks like a person, a number or a place.
SENTENCES = (
    (
        "he has begun to talk about what he did and i am not sure how to keep him with it "
        "without shaming him or letting it go by"
    ),
    (
        "the group starts next month and he says he will come but he blames her for "
        "everything so far and i doubt that he stays"
    ),
    (
        "what would you ask first when someone says that it was only an argument and that "
        "the neighbours made more of it than it was"
    ),
    (
        "we meet again tomorrow and i would like to be clear with him about limits while he "
        "still feels that change is open to him"
    ),
)


class Client(msgspec.Struct):
    """One socket: what it asks for on opening, and the conversations it waits to be caught up with."""

    url: str
    headers: dict[str, str]
    hello: dict[str, Any] | None = None
    expects: list[str] = []


class Plan(msgspec.Struct):
    senders: list[Client]
    receivers: list[Client]
    conversations: list[str]
    """One for each sender, in the same order."""
    parts: dict[str, list[int]]
    """Root processes of each part of the program, for its CPU time."""
    warm_up_s: float = 2.0
    seconds: float = 5.0
    text_length: int = 120
    offered_per_second: float = 0.0
    """Messages a second of all senders together, whatever was answered; 0 is as fast as answers come."""


class Measurement(msgspec.Struct):
    messages: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_s: dict[str, float]
    load_maker_cpu_s: float
    undelivered: int
    unacknowledged: int
    last_seq: dict[str, int]

    @property
    def per_second(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_us_per_message(self) -> float:
        return 1e6 * sum(self.cpu_s.values()) / max(self.messages, 1)

    @property
    def load_maker_us_per_message(self) -> float:
        return 1e6 * self.load_maker_cpu_s / max(self.messages, 1)


class Frame(msgspec.Struct):
    """The fields of any server frame that the load maker looks at."""

    type: str
    conversation: str | None = None
    id: str | None = None
    seq: int | None = None
    last_seq: Any = None
    code: str | None = None


class Message(msgspec.Struct):
    sent_at: float
    acknowledged: bool = False
    delivered: bool = False


class Sender:
    """One side of a pair; sends again each time its message was acknowledged."""

    def __init__(self, load: Load, conversation: str) -> None:
        self.load = load
        self.conversation = conversation
        self.socket = WebSocketClient(self.on_text, load.failure.note)
        head = f'{{"type":"say","conversation":"{conversation}","id":"'
        self._head = head.encode()
        self._tails = [f'","text":"{text}"}}'.encode() for text in load.texts]

    def say(self, due_at: float | None = None) -> None:
        """Send the next message; what is late counts from when it was due."""
        load = self.load
        if load.stopped:
            return
        identity = load.next_id()
        load.in_flight[identity] = Message(due_at or time.perf_counter())
        tail = self._tails[load.count % len(self._tails)]
        self.socket.send_text(self._head + identity.encode() + tail)

    def on_text(self, payload: bytes) -> None:
        frame = self.load.decode(payload)
        if frame.type == "ack":
            self.load.acknowledge(frame)
            if not self.load.plan.offered_per_second:
                self.say()
        elif frame.type != "event":
            self.load.note(frame)


class Load:
    """The state of one measurement."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.texts = [sentence.ljust(plan.text_length, ".")[: plan.text_length] for sentence in SENTENCES]
        self.decode = msgspec.json.Decoder(Frame).decode
        self.failure = Failure()
        self.caught_up: dict[str, asyncio.Event] = {}
        self.in_flight: dict[str, Message] = {}
        self.last_seq: dict[str, int] = {}
        self.latencies_ms: list[float] = []
        self.completed = 0
        self.count = 0
        self.stopped = False
        self._id_tail = str(uuid.uuid4())[8:]

    def next_id(self) -> str:
        self.count += 1
        return f"{self.count:08x}{self._id_tail}"

    def note(self, frame: Frame) -> None:
        """Take notice of a frame that is neither an acknowledgement nor an event."""
        if frame.type == "caught_up" and frame.conversation in self.caught_up:
            self.caught_up[frame.conversation].set()
        elif frame.type in ("error", "hold", "reset", "reconnect"):
            self.failure.note(f"the server answered {frame.type} {frame.code or ''}".strip())

    def acknowledge(self, frame: Frame) -> None:
        message = self.in_flight.get(frame.id or "")
        if message is None or message.acknowledged:
            self.failure.note("acknowledged twice, or never sent")
            return
        message.acknowledged = True
        if frame.conversation is not None and frame.seq is not None:
            self.last_seq[frame.conversation] = frame.seq
        if message.delivered:
            self._complete(frame.id)

    def receive(self, payload: bytes) -> None:
        """Handle a frame at the receiving side."""
        frame = self.decode(payload)
        if frame.type != "event":
            self.note(frame)
            return
        message = self.in_flight.get(frame.id or "")
        if message is None or message.delivered:
            # What was said before this run comes again after `hello`; it is nobody's measurement.
            return
        message.delivered = True
        self.latencies_ms.append(1e3 * (time.perf_counter() - message.sent_at))
        if message.acknowledged:
            self._complete(frame.id)

    def _complete(self, identity: str | None) -> None:
        self.completed += 1
        del self.in_flight[identity or ""]

    async def run(self) -> Measurement:
        senders = [Sender(self, conversation) for conversation in self.plan.conversations]
        receivers = [WebSocketClient(self.receive, self.failure.note) for _ in self.plan.receivers]
        sockets = [*receivers, *(sender.socket for sender in senders)]
        try:
            await self._open_all(receivers, self.plan.receivers)
            await self._open_all([sender.socket for sender in senders], self.plan.senders)
            offering = asyncio.create_task(self._offer(senders))
            try:
                await self.failure.wait(self.plan.warm_up_s)
                return await self._measure()
            finally:
                self.stopped = True
                offering.cancel()
        finally:
            for socket in sockets:
                socket.close()

    async def _offer(self, senders: list[Sender]) -> None:
        """Begin with one message of each sender, or have them speak at the offered rate, at moments that nobody arranged."""
        if not self.plan.offered_per_second:
            for sender in senders:
                sender.say()
            return
        await asyncio.to_thread(self._keep_time, senders, asyncio.get_running_loop())

    def _keep_time(self, senders: list[Sender], loop: asyncio.AbstractEventLoop) -> None:
        """In a thread of its own: the loop's clock knows only whole milliseconds, and would send in bursts, or too early."""
        # People who do not know of each other: a Poisson process, with the same moments for every program and round.
        moments, due_at = random.Random(500), time.perf_counter()
        for sender in itertools.cycle(senders):
            due_at += moments.expovariate(self.plan.offered_per_second)
            time.sleep(max(due_at - time.perf_counter(), 0))
            if self.stopped:
                return
            loop.call_soon_threadsafe(sender.say, due_at)

    async def _open_all(self, sockets: list[WebSocketClient], clients: list[Client]) -> None:
        """Open one after another: a storm of connections is another row's business."""
        for socket, client in zip(sockets, clients, strict=True):
            await socket.open(client.url, client.headers)
            if client.hello is None:
                continue
            self.caught_up = {conversation: asyncio.Event() for conversation in client.expects}
            socket.send_text(msgspec.json.encode(client.hello))
            for conversation, event in self.caught_up.items():
                await self._wait_for(event, conversation)

    async def _wait_for(self, event: asyncio.Event, conversation: str) -> None:
        waiting = asyncio.ensure_future(event.wait())
        await asyncio.wait(
            (waiting, self.failure.happened), timeout=HELLO_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if not waiting.done():
            waiting.cancel()
            self.failure.check()
            raise LoadError(f"not caught up with {conversation} after {HELLO_TIMEOUT_S:.0f} s")

    async def _measure(self) -> Measurement:
        before, own_before = cpu_seconds(self.plan.parts), own_cpu_seconds()
        self.latencies_ms.clear()
        self.completed = 0
        started = time.perf_counter()
        await self.failure.wait(self.plan.seconds)
        seconds = time.perf_counter() - started
        completed, latencies = self.completed, sorted(self.latencies_ms)
        own_after, after = own_cpu_seconds(), cpu_seconds(self.plan.parts)
        self.stopped = True
        await self._drain()
        left = self.in_flight.values()
        return Measurement(
            messages=completed,
            seconds=seconds,
            p50_ms=percentile(latencies, 0.50),
            p99_ms=percentile(latencies, 0.99),
            cpu_s={part: after[part] - before[part] for part in after},
            load_maker_cpu_s=own_after - own_before,
            undelivered=sum(1 for message in left if message.acknowledged),
            unacknowledged=sum(1 for message in left if not message.acknowledged),
            last_seq=self.last_seq,
        )

    async def _drain(self) -> None:
        """Let what is under way arrive, so that what is missing afterwards was lost."""
        deadline = time.perf_counter() + DRAIN_TIMEOUT_S
        while self.in_flight and time.perf_counter() < deadline:
            await self.failure.wait(DRAIN_POLL_S)


async def _measure(plan: Plan) -> None:
    say(await Load(plan).run())


if __name__ == "__main__":
    sys.exit(run_plan("load maker", sys.stdin.buffer.read(), Plan, _measure))
