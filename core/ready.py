"""Ready answers: pages that are the same for everybody, sent again whole until what they show changes.

This stands before everything else, so that what it sends has passed all of it once: the security headers are in it. A
page says of itself that it may be kept, and how to see that it still holds (`keep_while`); even then it is made anew
after a second. Whoever is signed in or has a conversation, and every address with a query, passes by.
"""

import gzip
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.assets import takes_gzip

Holds = Callable[[], bool]

MOST_ANSWERS = 512
KEPT_S = 1.0
LEAST_COMPRESSED = 1_000
PERSONAL_COOKIES = (b"session=", b"visitor=")
# What a search led to is counted by the page itself.
FROM_A_SEARCH = b"q="
SENT_AGAIN = frozenset({b"cache-control", b"content-location", b"etag", b"expires", b"vary"})
"""What says that nothing changed (RFC 9110, 15.4.5); the browser keeps all other headers with the page it has, which is
why the ETag is theirs as well."""


def keep_while(request: Request, holds: Holds) -> None:
    """The answer to this request is the same for everybody for as long as `holds` says so."""
    request.state.holds = holds


@dataclass(frozen=True, slots=True)
class Variant:
    """The answer in one coding of its content."""

    etag: bytes
    start: Message
    body: Message
    unchanged: Message


@dataclass(frozen=True, slots=True)
class Ready:
    plain: Variant
    zipped: Variant
    holds: Holds
    until: float

    def still_holds(self) -> bool:
        return time.monotonic() < self.until and self.holds()

    async def send_to(self, asked: "Asked", send: Send) -> None:
        chosen, other = (self.zipped, self.plain) if asked.may_be_zipped else (self.plain, self.zipped)
        if asked.known:
            # Of the one that is known: a cache takes no word for another (RFC 9111, 4.3.4).
            for one in (chosen, other):
                if _has(asked.known, one.etag):
                    await send(one.unchanged)
                    await send(EMPTY)
                    return
        await send(chosen.start)
        await send(chosen.body)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request decides about a ready answer."""

    known: bytes
    may_be_zipped: bool


EMPTY: Message = {"type": "http.response.body", "body": b""}


class ReadyAnswers:
    """Plain ASGI around the whole service; at most 512 answers, those not asked for the longest forgotten first."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.encode() for host in hosts)
        self._ready: OrderedDict[str, Ready] = OrderedDict()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """No coroutine of its own around what is not answered here: a socket would keep it for as long as it lives."""
        asked = self._asked(scope)
        return self._app(scope, receive, send) if asked is None else self._answer(scope, receive, asked, send)

    async def _answer(self, scope: Scope, receive: Receive, asked: Asked, send: Send) -> None:
        ready = self._ready.get(scope["path"])
        if ready is None or not ready.still_holds():
            await self._make(scope, receive, asked, send)
        else:
            await ready.send_to(asked, send)

    def _asked(self, scope: Scope) -> Asked | None:
        """None for whatever must be answered by the page itself."""
        if scope["type"] != "http" or scope["query_string"] or scope["method"] not in ("GET", "HEAD"):
            return None
        hosts, known, may_be_zipped = 0, b"", False
        for name, value in scope["headers"]:
            if name == b"host":
                hosts += 1
                if value.lower() not in self._hosts:
                    return None
            elif name == b"if-none-match":
                known = value
            elif name == b"accept-encoding":
                may_be_zipped = takes_gzip(value)
            elif (name == b"cookie" and any(one in value for one in PERSONAL_COOKIES)) or (
                name == b"referer" and FROM_A_SEARCH in value
            ):
                return None
        return Asked(known, may_be_zipped) if hosts == 1 else None

    async def _make(self, scope: Scope, receive: Receive, asked: Asked, send: Send) -> None:
        """Let the page answer; keep the answer when it says so, else pass it on as it comes."""
        self._ready.pop(scope["path"], None)
        scope.setdefault("state", {})
        held: list[Message] = []

        async def take(message: Message) -> None:
            is_start = message["type"] == "http.response.start"
            if ("holds" in scope["state"] and message["status"] == 200) if is_start else _is_whole(held, message):
                held.append(message)
                return
            for one in held:
                await send(one)
            held.clear()
            await send(message)

        given = scope["headers"]
        await self._app({**scope, "headers": [pair for pair in given if pair[0] != b"if-none-match"]}, receive, take)
        if len(held) != 2:
            return
        ready = _ready(held[0], held[1], scope["state"]["holds"])
        if scope["method"] == "GET":
            self._ready[scope["path"]] = ready
            if len(self._ready) > MOST_ANSWERS:
                self._ready.popitem(last=False)
        await ready.send_to(asked, send)


def _is_whole(held: list[Message], message: Message) -> bool:
    """Whether this is all there is after a start that is held back."""
    return len(held) == 1 and not message.get("more_body")


def _ready(start: Message, body: Message, holds: Holds) -> Ready:
    plain: bytes = body.get("body", b"")
    headers: list[tuple[bytes, bytes]] = [pair for pair in start["headers"] if pair[0].lower() != b"vary"]
    vary = b", ".join([b"Accept-Encoding", *(value for name, value in start["headers"] if name.lower() == b"vary")])
    headers.append((b"vary", vary))
    etag = _etag(headers)
    zipped = gzip.compress(plain, 6, mtime=0) if len(plain) >= LEAST_COMPRESSED else None
    return Ready(
        plain=_variant(headers, etag, plain, ()),
        zipped=_variant(headers, etag, plain, ())
        if zipped is None
        else _variant(headers, etag[:-1] + b'-gzip"', zipped, ((b"content-encoding", b"gzip"),)),
        holds=holds,
        until=time.monotonic() + KEPT_S,
    )


def _etag(headers: list[tuple[bytes, bytes]]) -> bytes:
    """The page's own with the headers in it: when only they change, such as what a page may load, they must be sent again."""
    etag = next((value for name, value in headers if name.lower() == b"etag"), b'""')
    told = blake2b(b"\n".join(name + b":" + value for name, value in headers), digest_size=4).hexdigest().encode()
    return etag[:-1] + b"-" + told + b'"'


def _variant(
    headers: list[tuple[bytes, bytes]], etag: bytes, body: bytes, more: tuple[tuple[bytes, bytes], ...]
) -> Variant:
    replaced = {b"etag": etag, b"content-length": b"%d" % len(body)}
    own = [(name, replaced.get(name.lower(), value)) for name, value in headers]
    return Variant(
        etag=etag,
        start={"type": "http.response.start", "status": 200, "headers": [*own, *more]},
        body={"type": "http.response.body", "body": body},
        unchanged={
            "type": "http.response.start",
            "status": 304,
            "headers": [pair for pair in own if pair[0].lower() in SENT_AGAIN],
        },
    )


def _has(sent: bytes, etag: bytes) -> bool:
    return sent == etag or any(one.strip().removeprefix(b"W/") in (etag, b"*") for one in sent.split(b","))
