"""Starts `tests.app.tiny_service` in processes of its own and talks to it over raw sockets."""

import base64
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.app.tiny_service import main
from tests.engines import free_port
from tests.forks import Fork
from tests.live import READY_WITHIN_S
from tests.waiting import wait_until

UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n\r\n"
)


class TinyService:
    """One running process of `tests.app.tiny_service`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.port = free_port()
        self.log = folder / f"tiny-{self.port}.log"
        environment = {**os.environ, "PORT": str(self.port), "DATA_DIR": str(folder)}
        self.process = Fork(main, arguments, environment, (Path(os.devnull), self.log, self.log))

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def upgrade(self, path: str) -> socket.socket:
        """A raw WebSocket that reads no more than its handshake."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect(("127.0.0.1", self.port))
        client.sendall(UPGRADE.format(path=path).encode())
        assert b" 101 " in client.recv(64)
        return client

    def get_pid(self) -> int:
        with self.connect() as client:
            client.sendall(b"GET /pid HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = read_all(client)
        return int(answer.rsplit(b"\r\n", 1)[1])

    def is_up(self) -> bool:
        try:
            return self.get_pid() > 0
        except (OSError, ValueError, IndexError):
            return False

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[TinyService]:
    service = TinyService(folder, *arguments)
    try:
        wait_until(service.is_up, READY_WITHIN_S, "the service to answer")
        yield service
    finally:
        service.process.kill()
        service.process.wait()
    assert "Traceback" not in service.log.read_text()


def read_all(client: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := client.recv(65_536):
            received += chunk
    except ConnectionError:
        return received
    return received


def masked(head: int, payload: bytes = b"") -> bytes:
    """A client's frame under the mask of four zeros, which leaves the payload as it is."""
    return bytes([head, 0x80 | len(payload)]) + bytes(4) + payload


async def close_code(client: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as closed:
        await client.recv()
    return closed.value.rcvd.code if closed.value.rcvd else None
