"""The outermost layer: what every request and every socket meets before anything else.

Host and Origin are checked here, for sockets as for forms, so that no route can forget it. Every answer leaves with the
security headers. Whatever escapes the pages becomes one calm page and one log line without a word of what was sent.
"""

import secrets
import traceback
from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import ForeignForm
from core.settings import Settings
from core.troubles import troubles

logger = structlog.get_logger()

UNSAFE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
FOREIGN = "foreign_origin"
"""Forms of other sites, and sockets that no page of ours opened: every socket, where BASE_URL is not the address in use."""

Tell = Callable[[Scope, ForeignForm], Response]
"""How a refusal is told: as a page, or as JSON to who asks for that."""


class Edge:
    """Plain ASGI, so that sockets pass through it as well."""

    def __init__(self, app: ASGIApp, settings: Settings, is_draining: Callable[[], bool], tell: Tell) -> None:
        self._app = app
        self._tell = tell
        self._settings = settings
        self._is_draining = is_draining
        self._headers = _security_headers(settings)
        self._hosts, self._origins = settings.hosts, settings.origins

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            return self._http(scope, receive, send)
        if scope["type"] == "websocket":
            return self._websocket(scope, receive, send)
        return self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["reference"] = reference = secrets.token_hex(4)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in self._headers if pair[0] not in present)]
            await send(message)

        try:
            refused = self._refused(scope)
            await (self._app if refused is None else refused)(scope, receive, send_with_headers)
        except ClientDisconnect:
            # Nobody is left to be answered; what was not read was not acted on.
            return
        except Exception as problem:  # noqa: BLE001  # the last stop: nothing may leave with a traceback
            _log_crash(problem, reference)
            if not started:
                response = PlainTextResponse(
                    f"Something went wrong on our side. Try again in a moment. Reference: {reference}", 500
                )
                await response(scope, receive, send_with_headers)

    def _refused(self, scope: Scope) -> Response | None:
        if not self._is_our_host(scope) and not (_is_probe(scope) and len(_values(scope, b"host")) == 1):
            return PlainTextResponse("This is not an address of the service. Check the Host header and BASE_URL.", 400)
        if scope["method"] in UNSAFE_METHODS and not self._is_same_site(scope):
            troubles.note(FOREIGN)
            return self._tell(scope, ForeignForm())
        return None

    def _is_our_host(self, scope: Scope) -> bool:
        hosts = _values(scope, b"host")
        return len(hosts) == 1 and hosts[0] in self._hosts

    def _is_same_site(self, scope: Scope) -> bool:
        """What the browser says of where a form comes from. Whoever sends neither header is no browser."""
        origins, sites = _values(scope, b"origin"), _values(scope, b"sec-fetch-site")
        if "cross-site" in sites:
            return False
        if origins:
            return all(origin in self._origins for origin in origins)
        return all(site in ("same-origin", "none") for site in sites)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        origins = _values(scope, b"origin")
        if len(origins) != 1 or origins[0] not in self._origins or not self._is_our_host(scope):
            troubles.note(FOREIGN)
            await _deny(send, 403, [])
        elif self._is_draining():
            await _deny(send, 503, [(b"retry-after", b"2")])
        else:
            try:
                await self._app(scope, receive, send)
            except Exception as problem:  # noqa: BLE001  # the server would log what somebody wrote with its traceback
                _log_crash(problem, secrets.token_hex(4))


def _values(scope: Scope, header: bytes) -> list[str]:
    return [value.decode("latin-1").lower() for name, value in scope["headers"] if name == header]


async def _deny(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send(
        {"type": "websocket.http.response.start", "status": status, "headers": [(b"content-length", b"0"), *headers]}
    )
    await send({"type": "websocket.http.response.body", "body": b""})


def _is_probe(scope: Scope) -> bool:
    """Load balancers ask for health and readiness by address."""
    return scope["path"] in ("/healthz", "/readyz", "/metrics")


def _log_crash(problem: Exception, reference: str) -> None:
    """Where it happened and what kind it was. Never the exception's own text: it may quote what somebody wrote."""
    frames = traceback.extract_tb(problem.__traceback__)[-6:]
    where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    logger.error("crash", kind=type(problem).__name__, where=where, reference=reference)


def content_policy(settings: Settings, *, framed_by: str = "'none'") -> str:
    """What a page may load and do. Within itself it may show those of our pages that say so with `framed_by`."""
    # 'self' covers sockets only in newer browsers. The policy's grammar has no IPv6 addresses.
    named = sorted(origin for origin in settings.origins if "[" not in origin)
    sockets = " ".join(origin.replace("http", "ws", 1) for origin in named)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        f"connect-src 'self' {sockets}; form-action 'self'; base-uri 'none'; frame-src 'self'; "
        f"frame-ancestors {framed_by}; require-trusted-types-for 'script'; trusted-types dutyline"
    )


def _security_headers(settings: Settings) -> list[tuple[bytes, bytes]]:
    headers = {
        "content-security-policy": content_policy(settings),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    }
    if settings.https:
        headers["strict-transport-security"] = "max-age=31536000"
    return [(name.encode(), value.encode()) for name, value in headers.items()]
