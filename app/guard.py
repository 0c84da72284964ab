"""uvicorn's two protocol classes, with a bound on what one connection may cost.

Stock uvicorn lets a peer that never reads hold a handler and the whole shutdown for ever, queues pongs and empty
fragments without limit, and waits for half a request head without end (each of it measured). Here each of
these ends in a time or at a size that is written below. It touches private names of uvicorn, whose minor version is
therefore pinned, and tests/app/test_server_guard.py fails when they change.
"""

import asyncio
import contextlib
import struct
import sys
from collections.abc import Callable
from random import getrandbits
from typing import Any, cast

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn._types import ASGIReceiveEvent
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.protocol import State

from app.upgrades import without_upgrade
from core.limits import TurnedAway, cookie_of
from core.waking import Inbox, Wake

MOST_UNREAD_BYTES = 256 * 1024
MOST_FRAGMENTS = 256
MOST_PINGS, PINGS_COUNTED_FOR_S = 100, 10.0
MOST_QUEUED_FRAMES = 1024
PARSED_AT_ONCE_BYTES = 4096
CLOSE_WITHIN_S = 2.0
MOST_HEAD_BYTES = 64 * 1024
MOST_PIPELINED = 16
REQUEST_HEAD_WITHIN_S = 20.0
REQUEST_BODY_WITHIN_S = 120.0
RESPONSE_READ_WITHIN_S = 15.0
RESPONSE_AT_SHUTDOWN_WITHIN_S = 5.0
FIRST_REQUEST_AT_SHUTDOWN_WITHIN_S = 0.5
NO_HEARTBEAT, TOO_MANY_FRAMES = 4003, 4004
TEXT_FRAME = 0x81
PING_HEAD = b"\x89\x04"
_MIDDLE_HEAD, _LONG_HEAD = struct.Struct("!BBH").pack, struct.Struct("!BBQ").pack
OVERLOADED = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
TOO_SOON = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: %d\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class GuardedSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose peer may be slow or hostile: closing it takes 2 s at most, and it buffers 256 KiB at most."""

    _abort_timer: asyncio.TimerHandle | None = None
    _was_heard = False
    """Whether anything at all has arrived since the last ping."""
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

    def start_keepalive(self) -> None:
        """The handshake is over: what it needed is let go of, which is a fifth of what an idle socket would keep."""
        self.request.headers.clear()
        del self.request, self.response
        # Forty names one by one made its dictionary twice as large as they need.
        self.__dict__ = dict(self.__dict__)
        super().start_keepalive()

    def data_received(self, data: bytes) -> None:
        """A piece at a time: one read can hold ten thousand tiny frames, and whoever sends those is let go after a few."""
        self._was_heard = True
        for start in range(0, len(data), PARSED_AT_ONCE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + PARSED_AT_ONCE_BYTES])

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

    def send_keepalive_ping(self) -> None:
        """As uvicorn does it, without its machinery for frames, which costs ten times what a ping of 6 bytes needs."""
        self.ping_timer = None
        if self.close_sent or self.transport.is_closing():
            return
        self._was_heard = False
        self.pending_ping_payload = getrandbits(32).to_bytes(4)
        self.ping_sent_at = self.loop.time()
        self.transport.write(PING_HEAD + self.pending_ping_payload)
        assert self.ping_timeout is not None
        self.pong_timer = self.loop.call_later(self.ping_timeout, self.keepalive_timeout)

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

    def keepalive_timeout(self) -> None:
        """The ping was not answered. Whoever said anything else meanwhile lives; whoever did not is let go."""
        self.pong_timer = self.pending_ping_payload = None
        if self.close_sent or self.transport.is_closing():
            return
        if self._was_heard:
            self.schedule_ping()
            return
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
        self.transport.write(_text_frames(texts))

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


class GuardedRequests(HttpToolsProtocol):
    """HTTP whose requests must arrive in time, and whose connections are counted before anything is read."""

    most_connections: int = 10_000

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0
        self._stopping = False
        self._parsed_to: int | None = None
        """Where the parser stopped, behind the head of a request whose upgrade is not taken."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        if len(self.connections) > self.most_connections:
            self.transport.write(OVERLOADED)
            self.transport.close()
            return
        self._expect(REQUEST_HEAD_WITHIN_S)

    def data_received(self, data: bytes) -> None:
        # Bytes that are not yet a request end uvicorn's keep-alive timer, so ours begins with them.
        cycle = cast(RequestResponseCycle | None, self.cycle)
        if self._deadline is None and (cycle is None or cycle.response_complete):
            self._expect(REQUEST_HEAD_WITHIN_S)
        self._parse(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.write(TOO_LARGE)
                self.transport.close()

    def _parse(self, data: bytes) -> None:
        """An upgrade that is not taken is ignored (RFC 9110, 7.8), but the parser skips the body of who asks for one, and
        what came with it: head and body are given to it once more, without the upgrade."""
        super().data_received(data)
        while self._parsed_to is not None and not self.transport.is_closing():
            method, version = self.parser.get_method(), self.parser.get_http_version()
            data, self._parsed_to = data[self._parsed_to :], None
            # After `Connection: close` the old one takes nothing more.
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            super().data_received(without_upgrade(method, self.url, version, self.headers))
            super().data_received(data)

    def _unsupported_upgrade_warning(self) -> None:
        """Called where the parser's exception is caught, which alone says how far it came."""
        if self._is_ignored_upgrade():
            self._parsed_to = cast(HttpParserUpgrade, sys.exception()).args[0]

    def _is_ignored_upgrade(self) -> bool:
        """Whether the request asks for another protocol than that of a socket. CONNECT asks for a tunnel, and has no body."""
        return self.parser.should_upgrade() and not self._should_upgrade() and self.parser.get_method() != b"CONNECT"

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        self._expect(REQUEST_BODY_WITHIN_S)
        if len(self.pipeline) >= MOST_PIPELINED:
            # One read can hold a thousand requests, and each answer lets the next read in: they would pile up for ever.
            self.transport.abort()
            return
        if self._is_ignored_upgrade():
            return
        super().on_headers_complete()
        if self._stopping:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        if self._is_ignored_upgrade():
            return
        self._expect_nothing()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._expect_nothing()
        turned_away: TurnedAway | None = self.app_state.get("turned_away")
        if turned_away is not None and (left_s := turned_away.left_s(cookie_of(self.headers))):
            # Asking them in costs three times as much, which whoever comes again at once takes from everybody.
            self.transport.write(TOO_SOON % left_s)
            self.transport.close()
            self._expect(CLOSE_WITHIN_S)
            return
        super().handle_websocket_upgrade()
        # The socket has its own protocol now. Parser and protocol hold each other, so that only a collection would end
        # them; the parser is in use until this call returns.
        self.loop.call_soon(self._let_go)

    def _let_go(self) -> None:
        del self.parser, self.scope, self.headers

    def pause_writing(self) -> None:
        # A page or a stream that is not read: what waits here is bounded, and so is how long.
        super().pause_writing()
        self._unread = self.loop.call_later(RESPONSE_READ_WITHIN_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._forget_unread()
        super().resume_writing()

    def shutdown(self) -> None:
        if cast(RequestResponseCycle | None, self.cycle) is None:
            # Accepted a moment ago: the request may be on its way, and gets its answer.
            self._stopping = True
            self._expect(FIRST_REQUEST_AT_SHUTDOWN_WITHIN_S)
            return
        super().shutdown()
        self._expect(RESPONSE_AT_SHUTDOWN_WITHIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        self._forget_unread()
        self.pipeline.clear()
        super().connection_lost(exc)

    def _expect(self, within_s: float) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(within_s, self.transport.abort)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
