"""A service of seven routes behind the real `app.server`, for tests that break connections rather than pages.

`/pid` answers with the process id, `/said` with what was posted, `/echo` sends back what it gets, `/torrent` sends without end,
`/page` as well over plain HTTP, `/slow` never answers.
With `--web N` it is the real parent of N such processes. Times are shorter than in production: see `SHORTER`.
"""

import argparse
import asyncio
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app import guard, server
from app.logs import configure_logs
from app.processes import WebProcesses
from core.errors import StartError
from core.settings import read_settings

AWAY = "away"
"""While there is a file of this name among its data, it cannot start."""
SHORTER = {"REQUEST_HEAD_WITHIN_S": 1.0, "RESPONSE_READ_WITHIN_S": 1.0}
SHORTER_UNACKNOWLEDGED_MS = 3_000


async def pid(request: Request) -> Response:
    return PlainTextResponse(str(os.getpid()))


async def said(request: Request) -> Response:
    asked_for = [name for name in ("upgrade", "connection", "http2-settings", "x-empty") if name in request.headers]
    return PlainTextResponse(f"<{(await request.body()).decode()}> {asked_for}\n")


async def slow(request: Request) -> Response:
    await asyncio.Event().wait()
    return PlainTextResponse("never")


async def page(request: Request) -> Response:
    async def forever() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(32_768)
                # Sending to somebody who has gone does not wait, and so would never hear of the end.
                await asyncio.sleep(0)
        finally:
            print("page ended", file=sys.stderr, flush=True)

    return StreamingResponse(forever())


class Sockets:
    """The open sockets, so that the drain can say goodbye to them."""

    def __init__(self) -> None:
        self.open: set[WebSocket] = set()

    async def echo(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.open.add(websocket)
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnect:
            self.open.discard(websocket)
            if websocket.scope.get("went_silent"):
                print("went silent", file=sys.stderr, flush=True)

    async def torrent(self, websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_bytes(bytes(32_768))
        except WebSocketDisconnect:
            print("torrent ended", file=sys.stderr, flush=True)

    async def together(self, websocket: WebSocket) -> None:
        """For each number that comes, so many letters; all in one write."""
        await websocket.accept()
        try:
            while True:
                numbers = (await websocket.receive_text()).split()
                await websocket.send({"type": "websocket.send", "texts": ["é" * int(number) for number in numbers]})
        except WebSocketDisconnect:
            print("together ended", file=sys.stderr, flush=True)

    async def say_goodbye(self) -> None:
        for websocket in list(self.open):
            await websocket.send_text("goodbye")


async def serve(arguments: argparse.Namespace) -> None:
    if (Path(os.environ["DATA_DIR"]) / AWAY).exists():
        raise StartError("What it needs is away.")
    sockets = Sockets()
    app = Starlette(
        routes=[
            Route("/pid", pid),
            Route("/said", said, methods=["GET", "POST"]),
            Route("/slow", slow),
            Route("/page", page),
            WebSocketRoute("/echo", sockets.echo),
            WebSocketRoute("/torrent", sockets.torrent),
            WebSocketRoute("/together", sockets.together),
        ]
    )
    settings = read_settings(os.environ, demo=True)
    inherited = server.Inherited(arguments.socket_fd, arguments.ready_fd) if arguments.socket_fd else None
    await server.serve(app, settings, on_drain=sockets.say_goodbye, inherited=inherited)


def shorten_times() -> None:
    for name, value in SHORTER.items():
        setattr(guard, name, value)
    server.UNACKNOWLEDGED_MS = SHORTER_UNACKNOWLEDGED_MS


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--web", type=int, default=0)
    parser.add_argument("--socket-fd", type=int)
    parser.add_argument("--ready-fd", type=int)
    parser.add_argument("--files", type=int, help="how many files it may open")
    parser.add_argument("--ping-s", type=float, help="how long it waits before a ping")
    parser.add_argument("--answered-s", type=float, help="and how long for its answer")
    parser.add_argument("--patient", action="store_true", help="it waits longer for a first request")
    arguments = parser.parse_args()
    shorten_times()
    if arguments.ping_s:
        server.PING_EVERY_S, server.PING_ANSWERED_WITHIN_S = arguments.ping_s, arguments.answered_s
    if arguments.patient:
        guard.REQUEST_HEAD_WITHIN_S = guard.FIRST_REQUEST_AT_SHUTDOWN_WITHIN_S = 10.0
    if arguments.files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (arguments.files, arguments.files))
    configure_logs()
    try:
        if arguments.web:
            settings = read_settings(os.environ, demo=True)
            listener: socket.socket = server.bind(settings.host, settings.port)
            command = [sys.executable, "-m", "tests.app.tiny_service"]
            return asyncio.run(WebProcesses(command, arguments.web, listener).run())
        asyncio.run(serve(arguments))
    except StartError as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
