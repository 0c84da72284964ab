"""Reference program: a socket that says everything again, and a page of one line.

What uvicorn and Starlette cost by themselves: no sign-in, no database, no heartbeats, nothing remembered. It only marks
what a connection and a request could cost at the least on this machine.
"""

from __future__ import annotations

import argparse

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from bench.serving import serve


async def converse(socket: WebSocket) -> None:
    await socket.accept(subprotocol=next(iter(socket.scope["subprotocols"]), None))
    while (message := await socket.receive())["type"] == "websocket.receive":
        await socket.send_text(message["text"])


async def page(request: Request) -> Response:
    return HTMLResponse("<!DOCTYPE html><title>One line</title><p>One line</p>")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    serve(Starlette(routes=[WebSocketRoute("/socket", converse), Route("/", page)]), options.port)


if __name__ == "__main__":
    main()
