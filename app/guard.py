"""uvicorn's HTTP, with a bound on what one connection may cost.

Stock uvicorn lets a peer that never reads an answer hold the whole shutdown for ever, and waits for half a request head
without end (both measured). Here each of these ends in a time or at a size that is written below. It touches private names of
uvicorn, whose minor version is therefore pinned, and tests/core/test_pitfalls.py fails when they change.
"""

import asyncio
import sys
from typing import Any, cast

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from app.sockets import CLOSE_WITHIN_S
from app.upgrades import without_upgrade
from core.limits import TurnedAway, cookie_of

MOST_HEAD_BYTES = 64 * 1024
MOST_PIPELINED = 16
REQUEST_HEAD_WITHIN_S = 20.0
REQUEST_BODY_WITHIN_S = 120.0
RESPONSE_READ_WITHIN_S = 15.0
RESPONSE_AT_SHUTDOWN_WITHIN_S = 5.0
FIRST_REQUEST_AT_SHUTDOWN_WITHIN_S = 0.5
OVERLOADED_S, LEAVING_S = 5, 1
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
TOO_SOON = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: %d\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


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
            self.transport.write(UNAVAILABLE % OVERLOADED_S)
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
        if self._stopping and not self._should_upgrade():
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        if self._is_ignored_upgrade():
            return
        self._expect_nothing()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._expect_nothing()
        if self._stopping:
            self._refuse(UNAVAILABLE % LEAVING_S)
            return
        turned_away: TurnedAway | None = self.app_state.get("turned_away")
        if turned_away is not None and (left_s := turned_away.left_s(cookie_of(self.headers))):
            # Asking them in costs three times as much, which whoever comes again at once takes from everybody.
            self._refuse(TOO_SOON % left_s)
            return
        super().handle_websocket_upgrade()
        # The socket has its own protocol now. Parser and protocol hold each other, so that only a collection would end
        # them; the parser is in use until this call returns.
        self.loop.call_soon(self._let_go)

    def _refuse(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.transport.close()
        self._expect(CLOSE_WITHIN_S)

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
