"""The whole service as one ASGI app: the route table, who may enter what, and what runs beside the requests."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.pages import make_templates
from app.parts import Parts
from app.tasks import running
from core.assets import Assets
from core.db import Database
from core.doors import PUBLIC, SIGNED_IN, Door, roles
from core.edge import Edge
from core.errors import Refusal
from core.people import Role
from core.settings import Settings
from core.web import Site, refuse, refuse_http

LARGEST_BODY = 2_000_000
CHECK_SIGN_INS_S = 4.0
SPREAD_MS = 3_000

GET, POST, BOTH = ("GET",), ("POST",), ("GET", "POST")
DESK = roles(Role.ADVISOR, Role.SUPERVISOR)
ADVISOR = roles(Role.ADVISOR)
EDITOR = roles(Role.EDITOR)


def doors(parts: Parts) -> list[Door]:
    """Every page and form, and who may enter. What is not here does not exist."""
    ask, visitor, sign_in, health = parts.ask, parts.visitor, parts.sign_in, parts.health
    ours, desk_streams = parts.visitor_streams, parts.desk_streams
    return [
        Door("/healthz", health.alive, PUBLIC),
        Door("/readyz", health.ready, PUBLIC),
        Door("/metrics", health.metrics, PUBLIC),
        Door("/ask", ask.ask, PUBLIC),
        Door("/ask", ask.answer, PUBLIC, POST),
        Door("/chat", visitor.show, PUBLIC),
        Door("/chat/messages", visitor.say, PUBLIC, POST),
        Door("/chat/events", ours.events, PUBLIC),
        Door("/chat/poll", ours.poll, PUBLIC),
        Door("/chat/read", ours.read, PUBLIC, POST),
        Door("/chat/typing", ours.typing, PUBLIC, POST),
        Door("/chat/leave", visitor.leave, PUBLIC, POST),
        Door("/chat/forget", visitor.forget, PUBLIC, POST),
        Door("/chat/transcript", visitor.transcript, PUBLIC),
        Door("/chat/transcript.txt", visitor.transcript_text, PUBLIC),
        Door("/chat/transcript.pdf", visitor.transcript_pdf, PUBLIC),
        Door("/resume", visitor.show_resume, PUBLIC),
        Door("/resume", visitor.resume, PUBLIC, POST),
        Door("/sign-in", sign_in.show_sign_in, PUBLIC),
        Door("/sign-in", sign_in.sign_in, PUBLIC, POST),
        Door("/sign-out", sign_in.sign_out, SIGNED_IN, POST),
        Door("/desk/events", desk_streams.events, DESK),
        Door("/desk/poll", desk_streams.poll, DESK),
        Door("/desk/read", desk_streams.read, DESK, POST),
        Door("/desk/typing", desk_streams.typing, DESK, POST),
    ]


def create_app(settings: Settings, database: Database, redis: Redis) -> "Service":
    assets = Assets()
    assets.check_built()
    return Service(settings, Parts(settings, database, redis), assets)


class Service:
    """The ASGI app, and `drain` for the server that runs it."""

    def __init__(self, settings: Settings, parts: Parts, assets: Assets) -> None:
        self.parts = parts
        sockets: list[BaseRoute] = [
            WebSocketRoute("/chat/socket", parts.sockets.endpoint(parts.visitor.viewer)),
            WebSocketRoute("/desk/socket", parts.sockets.endpoint(parts.desk_viewer)),
        ]
        self.doors = doors(parts)
        pages = [door.route() for door in self.doors]
        self._starlette = Starlette(
            routes=[*pages, *sockets, Mount("/static", assets)],
            exception_handlers={HTTPException: _http_problem, Refusal: _refusal},
            lifespan=self._lifespan,
            max_body_size=LARGEST_BODY,
        )
        self._starlette.router.redirect_slashes = False
        self.state = self._starlette.state
        self.state.site = Site(settings, parts.signer, make_templates(assets), assets.url)
        self.state.identify = parts.sessions.identify
        self.state.drain = self.drain
        self._app: ASGIApp = Edge(self._starlette, settings, lambda: parts.fanout.is_draining)
        self._checks: set[asyncio.Task[None]] = set()
        parts.sessions.on_change(lambda account_id: self._check_soon())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def drain(self) -> None:
        """Going away: no new sockets, and everybody is told when to come back."""
        with contextlib.suppress(TimeoutError):
            await self.parts.fanout.drain(lambda: random.randrange(SPREAD_MS))

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        parts = self.parts
        tasks = {
            "log": parts.log.run,
            "fanout": parts.fanout.run,
            "reads": parts.reads.run,
            "signals": parts.signals.run,
            "queue": parts.queue.run,
            "sign-ins": self._check_sign_ins,
        }
        async with running(tasks):
            yield
        parts.passwords.close()

    async def _check_sign_ins(self) -> None:
        """Sockets of ended sign-ins close within five seconds, also when no hint of it arrives."""
        while True:
            await asyncio.sleep(CHECK_SIGN_INS_S)
            await self._close_ended()

    async def _close_ended(self) -> None:
        async def live(tokens: set[str]) -> set[str]:
            return {token for token in tokens if await self.parts.sessions.find(token, active=False) is not None}

        with contextlib.suppress(Refusal):
            await self.parts.fanout.close_unless(live)

    def _check_soon(self) -> None:
        task = asyncio.get_running_loop().create_task(self._close_ended())
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)


async def _http_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    return refuse_http(request, problem)


async def _refusal(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Refusal)
    return refuse(request, problem)
