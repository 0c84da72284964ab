"""The same frames without a socket: a stream of server-sent events, and a long poll; reading and typing by POST.

Both carry the session that the socket carries, so order, gaps and resets are the same. A stream ends by itself after a
minute, since proxies cut what lasts longer, and that of a desk after half of one, since only by coming back does it show
that somebody is there; the client comes back with its place. Neither holds more than a quarter of a megabyte for a client
that reads slowly, and neither begins in a process that is going away.
"""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import structlog
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from chat.fanout import Fanout
from chat.frames import Hello
from chat.passing import Passing
from chat.reading import ReadMarks
from chat.session import Session
from chat.viewer import Head, Viewer
from chat.words import Side
from core.errors import BadFrame, NotFound, Refusal, SignInFirst, Unavailable
from core.forms import decode_object, field, is_storable
from core.limits import Limiter
from core.web import posted, posted_json

logger = structlog.get_logger()

EVENT_STREAM, JSON = "text/event-stream", "application/json"
NOT_KEPT = {"Cache-Control": "no-store"}
STREAM_S = {Side.VISITOR: 60.0, Side.ADVISOR: 25.0}
STREAM_JITTER = 1 / 6
KEEP_ALIVE_S = 15.0
LONGEST_WAIT_S = 25.0
MOST_HELD = 256 * 1024
POLLS_PER_SECOND, POLLS_BURST = 20.0, 200.0
MOST_PLACES = 50
EPOCH_FOLLOWS = "@"
"""In the id of an event, after the places."""

FindViewer = Callable[[HTTPConnection], Awaitable[Viewer | None]]

NOT_NEWS = frozenset({"welcome", "caught_up"})
OF_THE_LINE = frozenset({"queue", "desk", "suggestions"})
LINE_WAIT_S = 5.0


class Streams:
    """`/chat/events`, `/chat/poll`, `/chat/read`, `/chat/typing`, and the same under `/desk`."""

    def __init__(
        self,
        fanout: Fanout,
        passing: Passing,
        reads: ReadMarks,
        epoch: str,
        find_viewer: FindViewer,
        *,
        rate_limits: bool,
    ) -> None:
        self._fanout = fanout
        self._passing = passing
        self._reads = reads
        self._epoch = epoch
        self._find_viewer = find_viewer
        self._polls = Limiter(POLLS_PER_SECOND, POLLS_BURST, enabled=rate_limits)

    async def events(self, request: Request) -> Response:
        if self._fanout.is_draining:
            return _come_back()
        viewer = await self._find_viewer(request)
        if viewer is None:
            raise SignInFirst
        headers = NOT_KEPT | {"X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return Response(media_type=EVENT_STREAM, headers=headers)
        session = Session(self._fanout, viewer, self._epoch)
        hello = await self._hello(request, viewer)
        return StreamingResponse(self._stream(session, hello), media_type=EVENT_STREAM, headers=headers)

    async def _stream(self, session: Session, hello: Hello) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        until = loop.time() + STREAM_S[session.viewer.side] * random.uniform(1 - STREAM_JITTER, 1 + STREAM_JITTER)
        beat_at = loop.time() + KEEP_ALIVE_S
        self._fanout.enter(session)
        try:
            await session.greet(hello)
            yield "retry: 1000\n\n"
            while session.close_code is None and (left := until - loop.time()) > 0:
                async for text in session.owed():
                    yield f"id: {session.place()}{EPOCH_FOLLOWS}{self._epoch}\ndata: {text}\n\n"
                # Other frames do not put it off: a line that is busy with typing may have lost an event.
                if loop.time() >= beat_at or not await session.rest(min(beat_at - loop.time(), left)):
                    yield f"data: {session.heartbeat()}\n\n"
                    beat_at = loop.time() + KEEP_ALIVE_S
            async for text in session.owed():
                yield f"id: {session.place()}{EPOCH_FOLLOWS}{self._epoch}\ndata: {text}\n\n"
        except Refusal as refusal:
            # The answer has begun, so it can only end here; the client comes back with its place.
            logger.warning("stream_refused", code=refusal.code)
        finally:
            self._fanout.leave(session)

    async def poll(self, request: Request) -> Response:
        if self._fanout.is_draining:
            return _come_back()
        viewer = await self._find_viewer(request)
        if viewer is None:
            raise SignInFirst
        session = Session(self._fanout, viewer, self._epoch)
        hello = await self._hello(request, viewer)
        wait_s = _seconds(request.query_params.get("wait", "")) if request.method == "GET" else 0.0
        self._fanout.enter(session)
        rest = None
        try:
            await session.greet(hello)
            self._polls.check(session.owner)
            frames, rest = await _collect(session, wait_s)
        finally:
            if rest is None:
                self._fanout.leave(session)
        if rest is not None:
            return LongAnswer(_as_list(frames, rest), done=lambda: self._fanout.leave(session))
        return Response(b"[%b]" % ",".join(frames).encode(), media_type=JSON, headers=NOT_KEPT)

    async def read(self, request: Request) -> Response:
        viewer, head, document = await self._posted_about(request)
        seq = document.get("seq")
        if isinstance(seq, str) and seq.isascii() and seq.isdigit() and len(seq) < 10:
            seq = int(seq)
        if not isinstance(seq, int) or isinstance(seq, bool) or seq < 0:
            raise BadFrame
        self._reads.moved(head, viewer, seq)
        return Response(status_code=204)

    async def typing(self, request: Request) -> Response:
        viewer, head, _ = await self._posted_about(request)
        self._passing.typing(head, viewer)
        return Response(status_code=204)

    async def _posted_about(self, request: Request) -> tuple[Viewer, Head, dict[str, object]]:
        """Who posts, and about which conversation: the one named, or the only one there is."""
        viewer = await self._find_viewer(request)
        if viewer is None:
            raise SignInFirst
        form = posted(request)
        document: dict[str, object] = posted_json(request) or {name: field(form, name) for name in form}
        session = Session(self._fanout, viewer, self._epoch)
        heads = await viewer.heads()
        session.know(heads)
        name = document.get("conversation")
        if isinstance(name, str) and name:
            return viewer, session.find(name), document
        if len(heads) != 1:
            raise NotFound
        return viewer, heads[0], document

    async def _hello(self, request: Request, viewer: Viewer) -> Hello:
        """`after` is a number for the only conversation, else `reference:seq` with commas, or the map of a `hello`.

        The id of an event says in which database it was numbered.
        """
        text, epoch = request.query_params.get("after", ""), request.query_params.get("epoch")
        if last := request.headers.get("last-event-id"):
            text, _, numbered_in = last.partition(EPOCH_FOLLOWS)
            epoch = numbered_in or epoch
        after: dict[str, object] = {}
        if text.startswith("{"):
            after = _read_map(text)
        elif ":" in text:
            for part in text.split(",")[:MOST_PLACES]:
                reference, _, seq = part.partition(":")
                after[reference] = _number(seq)
        elif text:
            after = {head.reference: _number(text) for head in await viewer.heads()}
        return Hello(after=after, epoch=epoch)


class LongAnswer(StreamingResponse):
    """A list that is too long to be held; `done` is called however it ends, even when nobody ever read it."""

    def __init__(self, parts: AsyncIterator[str], done: Callable[[], None]) -> None:
        super().__init__(parts, media_type=JSON, headers=NOT_KEPT)
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._done()


async def _collect(session: Session, wait_s: float) -> tuple[list[str], AsyncIterator[str] | None]:
    """The frames that are owed, after waiting for the first piece of news at most so long; and what is left when they are many.

    Every new session is told the state of the line at once; that alone ends the wait only after five seconds.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    frames: list[str] = []
    size = 0
    while True:
        owed = session.owed()
        async for text in owed:
            frames.append(text)
            size += len(text)
            if size > MOST_HELD:
                return frames, owed
        kinds = {msgspec.json.decode(text, type=_Kind).type for text in frames} - NOT_NEWS
        patience_s = 0.0 if kinds - OF_THE_LINE else min(wait_s, LINE_WAIT_S) if kinds else wait_s
        left = began + patience_s - loop.time()
        if session.close_code is not None or left <= 0:
            return frames, None
        await session.rest(left)


async def _as_list(frames: list[str], rest: AsyncIterator[str]) -> AsyncIterator[str]:
    """One JSON list, written while it is read. Cut short by the database, it is a shorter list: its end says where to go on."""
    yield "[" + ",".join(frames)
    frames.clear()
    try:
        async for text in rest:
            yield "," + text
    except Refusal as refusal:
        logger.warning("poll_cut_short", code=refusal.code)
    yield "]"


class _Kind(msgspec.Struct):
    """Which frame it is; the rest is not decoded."""

    type: str


def _read_map(text: str) -> dict[str, object]:
    try:
        places = decode_object(text)
    except ValueError:
        raise BadFrame from None
    if not is_storable(places):
        raise BadFrame
    return places


def _number(text: str) -> object:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else text


def _seconds(text: str) -> float:
    """How long a poll may wait; as long as it can where nothing is said that could be read."""
    try:
        wanted = float(text)
    except ValueError:
        return LONGEST_WAIT_S
    return LONGEST_WAIT_S if math.isnan(wanted) else min(max(wanted, 0.0), LONGEST_WAIT_S)


def _come_back() -> Response:
    """This process is going away; the next one answers."""
    body = {"code": Unavailable.code, "message": Unavailable.message}
    return JSONResponse(body, 503, headers=NOT_KEPT | {"Retry-After": "2"})
