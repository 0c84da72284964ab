"""uvicorn's WebSocket, with a bound on what one connection may cost.

Stock uvicorn lets a peer that never reads hold a handler and the whole shutdown for ever, and queues pongs and empty
fragments without limit (each of it measured). Here each of these ends in a time or at a size that is written below. It
touches private names of uvicorn, whose minor version is therefore pinned, and tests/core/test_pitfalls.py fails when they
change.
"""

import asyncio
import contextlib
import struct
from collections.abc import Callable
from random import getrandbits
from typing import Any, cast

from uvicorn._types import ASGIReceiveEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.protocol import State

from core.waking import Inbox, Wake
from core.wheel import Due, later

MOST_UNREAD_BYTES = 256 * 1024
MOST_FRAGMENTS = 256
MOST_PINGS, PINGS_COUNTED_FOR_S = 100, 10.0
MOST_QUEUED_FRAMES = 1024
PARSED_AT_ONCE_BYTES = 4096
CLOSE_WITHIN_S = 2.0
UNREADABLE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NO_HEARTBEAT, TOO_MANY_FRAMES = 4003, 4004
TEXT_FRAME = 0x81
PING_HEAD = b"\x89\x04"
RIDES_AFTER = 0.95
"""Of the time until the next ping: it goes with a heartbeat, and not with each word before."""
_MIDDLE_HEAD, _LONG_HEAD = struct.Struct("!BBH").pack, struct.Struct("!BBQ").pack


class GuardedSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose peer may be slow or hostile: closing it takes 2 s at most, and it buffers 256 KiB at most."""

    _abort_timer: asyncio.TimerHandle | None = None
    _was_heard = False
    """Whether anything at all has arrived since the last ping."""
    ping_timer: Due | None  # type: ignore[assignment]  # uvicorn only ever cancels it, which a Due can as well
    pong_timer: Due | None  # type: ignore[assignment]  # uvicorn only ever cancels it, which a Due can as well
    _take: Callable[[str], bool] | None = None
    _offered = False

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # The same as uvicorn's own, in a seventh of their memory.
        self._inbox: Inbox[ASGIReceiveEvent] = Inbox()
        self.queue = cast("asyncio.Queue[ASGIReceiveEvent]", self._inbox)
        self.writable = cast(asyncio.Event, Wake())
        self.writable.set()
        self._ping_rides_from = 0.0
        """In the loop's time: texts that are written from then on take the ping along. 0 until the first were written."""

    def start_keepalive(self) -> None:
        """The handshake is over: what it needed is let go of, which is a fifth of what an idle socket would keep."""
        self.request.headers.clear()
        del self.request, self.response
        # Forty names one by one made its dictionary twice as large as they need.
        self.__dict__ = dict(self.__dict__)
        super().start_keepalive()
        self._ping_rides_from = 0.0

    def data_received(self, data: bytes) -> None:
        """A piece at a time: one read can hold ten thousand tiny frames, and whoever sends those is let go after a few."""
        self._was_heard = True
        for start in range(0, len(data), PARSED_AT_ONCE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + PARSED_AT_ONCE_BYTES])
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse_handshake()

    def _refuse_handshake(self) -> None:
        """What the library cannot read as an upgrade (too many or too long headers, a body) is no event, and uvicorn would wait
        for one for ever."""
        self.transport.write(b"".join(self.conn.data_to_send()) or UNREADABLE)
        self.close_sent = self.handshake_complete = True
        self.transport.close()
        self._abort_within(CLOSE_WITHIN_S)

    _pings = 0
    _pings_since = 0.0

    def handle_ping(self) -> None:
        if self.close_sent or self._pings_too_often():
            return
        # Pongs are written without flow control: a peer that pings and never reads would fill the memory.
        if self.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.transport.abort()
            return
        super().handle_ping()

    def handle_cont(self, event: Frame) -> None:
        # Empty fragments do not count against the size of a message.
        if len(self.frames) > MOST_FRAGMENTS:
            self.transport.abort()
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        # Reading pauses after each message, but one read of 256 KB can hold 40,000 tiny ones.
        if self.queue.qsize() > MOST_QUEUED_FRAMES:
            self.transport.abort()
            return
        if self._take is not None and self._offer_soon(self._take):
            return
        # What is not UTF-8 may come in one piece with the peer's own close, which is answered already.
        with contextlib.suppress(InvalidState):
            super().send_receive_event_to_app()

    def take_with(self, take: Callable[[str], bool]) -> None:
        """From now on offer a text that nothing waits before to `take`, which deals with it or says that it must be queued."""
        self._take = take

    def _offer_soon(self, take: Callable[[str], bool]) -> bool:
        """False when this text must be queued."""
        # Only while the reader waits: one that is about to read again would come upon the next text before this one.
        if self._offered or self.close_sent or self.curr_msg_data_type != "text" or not self._inbox.is_awaited:
            return False
        try:
            text = b"".join(self.frames).decode()
        except UnicodeDecodeError:
            return False
        self.frames, self._offered = [], True
        # Not within the reading of all sockets: between two of them the interpreter is given away, if a thread waits for it.
        self.loop.call_soon(self._offer, take, text)
        return True

    def _offer(self, take: Callable[[str], bool], text: str) -> None:
        self._offered = is_taken = False
        try:
            is_taken = take(text)
        finally:
            # Also what it failed at: the reader comes upon it again, and answers or ends with it. Nothing is dropped unseen.
            if not is_taken:
                self._inbox.put_first({"type": "websocket.receive", "text": text})

    def schedule_ping(self) -> None:
        assert self.ping_interval is not None
        delay_s = max(0.0, self.ping_interval - self.last_ping_rtt)
        self._ping_rides_from = self.loop.time() + RIDES_AFTER * delay_s
        self.ping_timer = later(delay_s, self.send_keepalive_ping)

    def send_keepalive_ping(self) -> None:
        if self.close_sent or self.transport.is_closing():
            self.ping_timer = None
            return
        self.transport.write(self._ping())

    def _ping(self) -> bytes:
        """As uvicorn makes it, without its machinery for frames, which costs ten times what a ping of 6 bytes needs. Its answer
        is waited for from now on."""
        self.ping_timer = None
        self._was_heard = False
        self.pending_ping_payload = getrandbits(32).to_bytes(4)
        self.ping_sent_at = self.loop.time()
        assert self.ping_timeout is not None
        self.pong_timer = later(self.ping_timeout, self.keepalive_timeout)
        return PING_HEAD + self.pending_ping_payload

    def _pings_too_often(self) -> bool:
        """A ping costs us more than it costs its sender, and nobody needs ten a second: who sends them is let go."""
        now = self.loop.time()
        if now - self._pings_since > PINGS_COUNTED_FOR_S:
            self._pings, self._pings_since = 0, now
        self._pings += 1
        if self._pings <= MOST_PINGS:
            return False
        self._fail(TOO_MANY_FRAMES, "too many pings")
        return True

    def _riding_ping(self) -> bytes:
        """The ping that what is written now takes along: an idle socket is written to once for its heartbeat and its ping."""
        if self.ping_timer is None or self.loop.time() < self._ping_rides_from:
            return b""
        self.ping_timer.cancel()
        if not self._ping_rides_from:
            # Heartbeats count from about now as well, and come a moment before.
            self.schedule_ping()
            return b""
        return self._ping()

    def keepalive_timeout(self) -> None:
        """The ping was not answered. Whoever said anything else meanwhile lives; whoever did not is let go."""
        self.pong_timer = self.pending_ping_payload = None
        if self.close_sent or self.transport.is_closing():
            return
        if self._was_heard:
            self.schedule_ping()
            return
        self._went_silent()
        self._fail(NO_HEARTBEAT, "no heartbeat")

    def _fail(self, code: int, reason: str) -> None:
        """Close without waiting for anybody: what the handler still writes goes nowhere."""
        self.conn.fail(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self._abort_within(CLOSE_WITHIN_S)

    def _went_silent(self) -> None:
        """Nothing was heard for some time before the end: whoever was there may have been gone as long."""
        cast(dict[str, Any], self.scope)["went_silent"] = True

    def shutdown(self) -> None:
        # The peer may have said goodbye just now, and not read the answer yet.
        with contextlib.suppress(InvalidState):
            super().shutdown()
        self._abort_within(CLOSE_WITHIN_S)

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._abort_within(CLOSE_WITHIN_S)

    async def send(self, message: Any) -> None:
        """One frame as uvicorn sends it, or with `texts` many in one write: a message costs two frames to its sender."""
        texts: list[str] | None = message.get("texts")
        if texts is None:
            await super().send(message)
            return
        await self.writable.wait()
        if self.disconnected or self.close_sent or not self.handshake_complete or self.conn.state is not State.OPEN:
            raise ClientDisconnected
        self.transport.write(_text_frames(texts) + self._riding_ping())

    async def run_asgi(self) -> None:
        texts: dict[object, object] = {"is_ready": self.writable.is_set, "take_with": self.take_with}
        self.scope["extensions"]["websocket.texts"] = texts
        try:
            await super().run_asgi()
        finally:
            # This leads back to us, and only a collection would end the two.
            texts.clear()
            self._take = None
        # After a close of ours the peer has uvicorn's time to read why, and to answer.
        handshake_s = self.close_timeout if self.close_timer is not None else 0.0
        self._abort_within(handshake_s + CLOSE_WITHIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, TimeoutError):
            # What was sent stayed without acknowledgement, for as long as the kernel waits.
            self._went_silent()
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        super().connection_lost(exc)

    def _abort_within(self, delay_s: float) -> None:
        """A transport that closes waits until its buffer is read; a peer that stalls would make that never."""
        if self.disconnected:
            return
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        self._abort_timer = self.loop.call_later(delay_s, self.transport.abort)


def _text_frames(texts: list[str]) -> bytes:
    """Whole, unmasked, uncompressed text frames (RFC 6455, 5.2), one after the other."""
    pieces: list[bytes] = []
    for text in texts:
        payload = text.encode()
        size = len(payload)
        if size < 126:
            head = bytes((TEXT_FRAME, size))
        elif size < 65_536:
            head = _MIDDLE_HEAD(TEXT_FRAME, 126, size)
        else:
            head = _LONG_HEAD(TEXT_FRAME, 127, size)
        pieces += (head, payload)
    return b"".join(pieces)
