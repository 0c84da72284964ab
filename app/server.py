"""uvicorn, run by us: the socket, the signals, the drain and the limits are here; requests are the app's.

On SIGTERM or Ctrl-C the app first says goodbye to everyone (`on_drain`: readiness 503, `reconnect` frames, sockets closed
with 1012), then uvicorn stops; the whole takes 12 s at most, whoever stalls. uvicorn alone would close every socket
70 ms after the signal, while handlers still write. Client addresses and query strings are never logged.
"""

import asyncio
import contextlib
import errno
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.types import ASGIApp

from app.guard import GuardedRequests
from app.memory import collect_less_often
from app.sockets import GuardedSocket
from core.errors import StartError
from core.settings import Settings

log = structlog.get_logger("server")

# A closed terminal (SIGHUP) ends a single process with the same goodbye.
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
DRAIN_WITHIN_S = 5.0
STOP_WITHIN_S = 11.0
GIVE_UP_AFTER_S = 14.0
# `make` passes a signal on that its child got from the terminal's group as well: together they are one.
SAME_SIGNAL_S = 1.0
# SQLite's writer gives the interpreter away at each row and would get it back five milliseconds later from a busy loop; and so
# would the loop from a thread that works beside it.
THREADS_WAIT_S = 0.0005
UNACKNOWLEDGED_MS = 15_000
# What the kernel may keep for one connection; left to itself it keeps megabytes for a peer that does not read. What it
# takes in is also what one flood can make us read in one go while everybody else waits.
KERNEL_SENDS, KERNEL_TAKES = 256 * 1024, 64 * 1024
LARGEST_FRAME = 64 * 1024
# A socket whose peer says nothing, not even a pong, is closed with 4003 after both. A moment after the heartbeat, which takes
# the ping along.
PING_EVERY_S, PING_ANSWERED_WITHIN_S = 25.5, 9.0
# Longer than a proxy keeps a connection that nobody uses (60 s, or two minutes): whoever closes first must be the one who
# writes, or what is posted at that moment is lost with the connection.
KEEP_ALIVE_S = 130
FILES_FOR_OTHERS = 512
# How uvicorn logs text that is not UTF-8, and a socket that the edge refuses before the upgrade.
FAULTS_OF_CLIENTS = frozenset(
    {"Invalid UTF-8 sequence received from client.", "ASGI callable returned without completing handshake."}
)
MOST_FILES = 65_536


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a child of `app.processes` gets: the listening socket, and a pipe to say on that it is ready."""

    socket_fd: int
    ready_fd: int


def bind(host: str, port: int) -> socket.socket:
    """Take the port before anything else is begun, so that a taken one is one line and no half-started service."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_SENDS)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_TAKES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Accepted sockets inherit it: a peer that acknowledges nothing for so long is gone.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
        listener.bind(address)
    except OSError as error:
        raise StartError(_bind_problem(error, host, port)) from None
    return listener


def _bind_problem(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken. Set PORT to another number."
    if error.errno == errno.EACCES:
        return f"Port {port} needs rights that this user does not have. Set PORT to a number from 1024."
    return f"HOST {host} is not an address of this machine. Set HOST to 127.0.0.1 or to one of its addresses."


async def serve(
    app: ASGIApp,
    settings: Settings,
    *,
    on_drain: Callable[[], Awaitable[None]],
    listener: socket.socket | None = None,
    inherited: Inherited | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return. A port that is taken is a StartError."""
    if inherited is not None:
        listener = socket.socket(fileno=inherited.socket_fd)
    elif listener is None:
        listener = bind(settings.host, settings.port)
    server = DrainingServer(_config(app, settings), on_drain, inherited.ready_fd if inherited else None)
    with server.signals():
        await server.serve(sockets=[listener])


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which stops only after the app has said goodbye."""

    def __init__(self, config: uvicorn.Config, on_drain: Callable[[], Awaitable[None]], ready_fd: int | None) -> None:
        super().__init__(config)
        self._on_drain = on_drain
        self._ready_fd = ready_fd
        self._asked_at: float | None = None
        self._drain: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: uvicorn's own handlers would skip the drain and end with the signal's status."""
        yield

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.ask_to_stop)
        try:
            yield
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)

    def ask_to_stop(self) -> None:
        """The first time drains; asked again after a second, it stops without waiting for anyone."""
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            asyncio.get_running_loop().call_later(GIVE_UP_AFTER_S, self._give_up)
            self._drain = asyncio.create_task(self._drain_then_exit(), name="drain")
        elif now - self._asked_at > SAME_SIGNAL_S:
            self.force_exit = True
            self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        collect_less_often()
        sys.setswitchinterval(THREADS_WAIT_S)
        if self._ready_fd is not None:
            os.write(self._ready_fd, b"1")
            os.close(self._ready_fd)
            self._ready_fd = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._asked_at is not None:
            left_s = self._asked_at + STOP_WITHIN_S - time.monotonic()
            self.config.timeout_graceful_shutdown = max(1, int(left_s))
        await super().shutdown(sockets)

    async def _drain_then_exit(self) -> None:
        log.info("draining", connections=len(self.server_state.connections))
        try:
            if self.started:
                await asyncio.wait_for(self._on_drain(), DRAIN_WITHIN_S)
        except TimeoutError:
            log.warning("drain_cut_short", after_s=DRAIN_WITHIN_S)
        except Exception as problem:  # noqa: BLE001  # whatever the goodbye meets, the server must still stop
            log.error("drain_failed", problem=type(problem).__name__)
        finally:
            self.should_exit = True

    def _give_up(self) -> None:
        log.error("stop_overran", after_s=GIVE_UP_AFTER_S)
        os._exit(70)


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    # Its lines carry addresses, paths and queries. Errors stay, and reach the log through the root logger.
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel(logging.ERROR)
    logger.addFilter(_is_ours)
    GuardedRequests.most_connections = _most_connections()
    return uvicorn.Config(
        app,
        http=GuardedRequests,
        ws=GuardedSocket,
        timeout_keep_alive=KEEP_ALIVE_S,
        ws_max_size=LARGEST_FRAME,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PING_ANSWERED_WITHIN_S,
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=int(STOP_WITHIN_S),
        workers=1,
    )


def _is_ours(record: logging.LogRecord) -> bool:
    """False for what a client did: a line for each of it, one even with a traceback, would let anybody fill the log."""
    return record.msg not in FAULTS_OF_CLIENTS


def _most_connections() -> int:
    """As many as there are file descriptors for, after asking for what this user may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return max((wanted if soft == resource.RLIM_INFINITY else soft) - FILES_FOR_OTHERS, FILES_FOR_OTHERS)
