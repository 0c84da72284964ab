"""The socket, `advice.v1`: reads frames, asks the log, writes what the session owes. Nothing of value lives here.

Two tasks per socket: one reads, one writes, and the first to end ends both; what is said outlives them (chat/speaking.py).
Every write has ten seconds; a client that does not read is let go. Close codes are those of docs/protocol.md.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import structlog
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from chat.fanout import Fanout
from chat.frames import (
    SUBPROTOCOL,
    Frame,
    Hello,
    Ping,
    Read,
    Say,
    Typing,
    error_frame,
    frame,
    id_in,
    is_too_old,
    parse_text,
)
from chat.intake import NO_ACCESS, NOT_THE_PROTOCOL, OLD_SCRIPT, OUR_FAULT, SIGN_IN, TOO_SLOW, Closing, Intake
from chat.passing import Passing
from chat.reading import ReadMarks
from chat.saying import Saying
from chat.session import HEARTBEAT_S, IT_IS_OVER, Session, TooSlow
from chat.speaking import Speaking
from chat.tabs import Tabs
from chat.viewer import Viewer
from core.ending import end_all
from core.errors import BadFrame, InvalidText, NotAllowed, RateLimited, Refusal, TextOnly
from core.limits import Limiter, TurnedAway, cookie_of
from core.waking import Wake
from core.web import VISITOR_COOKIE
from core.wheel import later

logger = structlog.get_logger()

HELLO_WITHIN_S = 10
WRITE_WITHIN_S = 10
STRETCH_CHARACTERS = 64 * 1024
ARRIVALS_PER_SECOND, ARRIVALS_BURST = 2.0, 40.0
"""How often one browser may open a socket; many may share an address, and all come back at once after a restart."""

TEXTS = "websocket.texts"
"""The extension of our own server that writes many text frames at once, and offers a text before it is queued."""

FORGOTTEN: dict[str, Any] = {"headers": (), "subprotocols": (), "state": None, "raw_path": b"", "query_string": b""}
"""What of its request a socket does not keep."""

FindViewer = Callable[[HTTPConnection], Awaitable[Viewer | None]]


class Sockets:
    """The sockets of this process. One of these serves visitors and desks alike; the viewer makes the difference."""

    def __init__(
        self,
        fanout: Fanout,
        passing: Passing,
        saying: Saying,
        reads: ReadMarks,
        tabs: Tabs,
        epoch: str,
        *,
        rate_limits: bool,
    ) -> None:
        self._fanout = fanout
        self._passing = passing
        self._saying = saying
        self._reads = reads
        self._tabs = tabs
        self._epoch = epoch
        self._rate_limits = rate_limits
        self._arrivals = Limiter(ARRIVALS_PER_SECOND, ARRIVALS_BURST, enabled=rate_limits)
        self.turned_away = TurnedAway()
        """For the server: whoever comes again too soon need not be asked in."""
        self._kept: set[asyncio.Task[None]] = set()
        """Tasks for what was said and has no answer yet."""

    def endpoint(self, find_viewer: FindViewer) -> Callable[[WebSocket], Awaitable[None]]:
        async def serve(websocket: WebSocket) -> None:
            try:
                # Asked of a connection of its own, which is let go: a socket keeps what it was asked for.
                asked = HTTPConnection(websocket.scope)
                self._arrivals.check(asked.cookies.get(VISITOR_COOKIE) or asked.headers.get("cookie", ""))
                del asked
            except RateLimited as refusal:
                # Before the upgrade, where it costs least; a browser takes it for a line that was cut, and backs off.
                self.turned_away.note(cookie_of(websocket.scope["headers"]), refusal.retry_after_s)
                await websocket.send_denial_response(Response(None, 429, {"Retry-After": str(refusal.retry_after_s)}))
                return
            if SUBPROTOCOL not in websocket.scope.get("subprotocols", ()):
                await websocket.accept()
                await websocket.close(NOT_THE_PROTOCOL)
                return
            await websocket.accept(SUBPROTOCOL)
            await self._serve(websocket, find_viewer)

        return serve

    async def _serve(self, websocket: WebSocket, find_viewer: FindViewer) -> None:
        code = OUR_FAULT
        try:
            viewer = await find_viewer(HTTPConnection(websocket.scope))
            # Who it is is known now; an idle socket keeps neither cookie nor headers.
            websocket.scope.update(FORGOTTEN)
            if viewer is None:
                code = SIGN_IN
                return
            code = await self._converse(websocket, Session(self._fanout, viewer, self._epoch))
        except (WebSocketDisconnect, Closing) as end:
            code = end.code if isinstance(end, Closing) else 0
        except NotAllowed:
            code = NO_ACCESS
        except Refusal as refusal:
            logger.warning("socket_refused", code=refusal.code)
        finally:
            if code:
                await _close(websocket, code)

    async def _converse(self, websocket: WebSocket, session: Session) -> int:
        """Serve the session until it ends; the close code, or 0 when the client is gone."""
        session.is_watched = True
        self._fanout.enter(session)
        speaking = Speaking(session, self._saying, self._kept)
        reader = asyncio.create_task(self._read(websocket, session, speaking))
        writer = asyncio.create_task(_write(websocket, session, speaking))
        try:
            # asyncio.wait would keep a kilobyte for as long as the socket lives.
            ended = Wake()
            for task in (reader, writer):
                task.add_done_callback(lambda _: ended.set())
            await ended.wait()
            if not writer.done() and (code := reader.result()):
                # What the client did wrong was answered; let the answer out before the socket closes.
                session.close(code)
                await asyncio.wait((writer,), timeout=2)
            return writer.result() if writer.done() else reader.result()
        finally:
            session.went_silent = websocket.scope.get("went_silent", False)
            self._fanout.leave(session)
            self._tabs.leave(session)
            await end_all((reader, writer))

    async def _read(self, websocket: WebSocket, session: Session, speaking: Speaking) -> int:
        try:
            return await self._read_frames(websocket, session, speaking)
        except Closing as closing:
            return closing.code
        except TooSlow:
            return TOO_SLOW

    async def _read_frames(self, websocket: WebSocket, session: Session, speaking: Speaking) -> int:
        intake = Intake(enabled=self._rate_limits)
        at_once = AtOnce(intake, speaking)
        take_with: Callable[[AtOnce], None] | None = _texts_of(websocket).get("take_with")
        if take_with is not None:
            take_with(at_once)
        greeted = False
        while True:
            text: str | None = ""
            try:
                at_once.is_allowed = greeted
                try:
                    text = await _next_text(websocket, None if greeted else HELLO_WITHIN_S)
                finally:
                    at_once.is_allowed = False
                if text is None:
                    return 0
                intake.count()
                request = parse_text(text)
                if not greeted and not isinstance(request, Hello):
                    return NOT_THE_PROTOCOL
                if isinstance(request, Say):
                    await speaking.say(request)
                else:
                    await self._do(session, request)
                greeted = True
            except Refusal as refusal:
                session.reply(error_frame(refusal, id_in(text or "")))
                not_understood = isinstance(refusal, BadFrame | InvalidText | TextOnly)
                if isinstance(refusal, TextOnly) or (isinstance(refusal, BadFrame) and intake.is_too_bad()):
                    return NOT_THE_PROTOCOL
                if not greeted:
                    return NOT_THE_PROTOCOL if not_understood else OUR_FAULT
            # Frames that came together are read without waiting: what answers them must get its turn to be written.
            if session.is_owed_something():
                await asyncio.sleep(0)

    async def _do(self, session: Session, request: Frame) -> None:
        match request:
            case Ping():
                session.reply(frame("pong"))
            case Read():
                head = session.find(request.conversation)
                self._reads.moved(head, session.viewer, request.seq)
            case Typing():
                head = session.find(request.conversation)
                self._passing.typing(head, session.viewer)
            case Hello():
                if is_too_old(request.build):
                    raise Closing(OLD_SCRIPT)
                await session.greet(request)
                self._tabs.take(session)


class AtOnce:
    """Takes a message past the reader, who need not be woken for it.

    Everything else is left to the reader, and what comes behind it too.
    """

    __slots__ = ("_intake", "_speaking", "is_allowed")

    def __init__(self, intake: Intake, speaking: Speaking) -> None:
        self._intake = intake
        self._speaking = speaking
        self.is_allowed = False
        """Only while the reader waits for the next text."""

    def __call__(self, text: str) -> bool:
        """Whether that was done."""
        if not self.is_allowed or not self._intake.has_room:
            return False
        try:
            request = parse_text(text)
        except Refusal:
            return False
        if not isinstance(request, Say) or not self._speaking.say_at_once(request):
            return False
        self._intake.count()
        return True


def _texts_of(websocket: WebSocket) -> dict[str, Any]:
    """What our own server does beyond the standard; nothing of another's."""
    found: dict[str, Any] = websocket.scope.get("extensions", {}).get(TEXTS, {})
    return found


async def _next_text(websocket: WebSocket, within_s: float | None) -> str | None:
    """The next frame's text; None when the client is gone. Raises TextOnly for a binary one."""
    if within_s is None:
        message = await websocket.receive()
    else:
        try:
            async with asyncio.timeout(within_s):
                message = await websocket.receive()
        except TimeoutError:
            raise Closing(NOT_THE_PROTOCOL) from None
    if message["type"] == "websocket.disconnect":
        return None
    text: str | None = message.get("text")
    if text is None:
        raise TextOnly
    return text


async def _write(websocket: WebSocket, session: Session, speaking: Speaking) -> int:
    beat = Beat(session)
    send = _sender(websocket)
    try:
        while True:
            while texts := await session.take():
                await send(texts)
            if session.close_code is not None:
                if session.close_code == IT_IS_OVER and await speaking.settle():
                    # Nobody comes back after this code to ask what became of it.
                    continue
                return session.close_code
            # Other frames do not put it off: a line that is busy with typing may have lost an event.
            if beat.is_due:
                session.reply(session.heartbeat())
                beat.begin()
            else:
                await session.stir()
    except (TimeoutError, TooSlow):
        return TOO_SLOW
    except (WebSocketDisconnect, RuntimeError):
        # The client went away between two frames; the reader knows it too.
        return 0
    finally:
        beat.end()


class Beat:
    """When the next heartbeat is due. One timer for each, and none for what is written between."""

    __slots__ = ("_due", "_session", "is_due")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.begin()

    def begin(self) -> None:
        self.is_due = False
        self._due = later(HEARTBEAT_S, self._strike)

    def end(self) -> None:
        self._due.cancel()

    def _strike(self) -> None:
        self.is_due = True
        self._session.nudge()


def _sender(websocket: WebSocket) -> Callable[[list[str]], Awaitable[None]]:
    """How frames are written: each stretch of them has ten seconds, which a reader that stalls does not meet.

    Our own server takes many frames at once and says whether that would wait (app/sockets.py); another takes one by one.
    """
    is_ready: Callable[[], bool] | None = _texts_of(websocket).get("is_ready")

    async def send_together(texts: list[str]) -> None:
        assert is_ready is not None
        for some in _stretches(texts):
            message = {"type": "websocket.send", "texts": some}
            if is_ready():
                await websocket.send(message)
            else:
                async with asyncio.timeout(WRITE_WITHIN_S):
                    await websocket.send(message)

    async def send_each(texts: list[str]) -> None:
        for text in texts:
            async with asyncio.timeout(WRITE_WITHIN_S):
                await websocket.send({"type": "websocket.send", "text": text})

    return send_each if is_ready is None else send_together


def _stretches(texts: list[str]) -> Iterator[list[str]]:
    """The frames in stretches of about 64 KiB, so that no slow reader makes us hold more."""
    stretch: list[str] = []
    characters = 0
    for text in texts:
        stretch.append(text)
        characters += len(text)
        if characters > STRETCH_CHARACTERS:
            yield stretch
            stretch, characters = [], 0
    if stretch:
        yield stretch


async def _close(websocket: WebSocket, code: int) -> None:
    with contextlib.suppress(RuntimeError, TimeoutError, WebSocketDisconnect):
        async with asyncio.timeout(2):
            await websocket.close(code)
