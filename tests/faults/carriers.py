"""Three ways to carry the same frames, as static/js/transports.js does: a socket, an event stream or a long poll with POST.

Each says where its line is, hands every frame to it, and ends by raising `Lost` with a close code, or in order. None
decides whether to come back.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, Protocol

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

from tests.faults.history import Message
from tests.faults.ladder import Rung, Tempo
from tests.faults.talk import OPEN_WITHIN_S, Access

# A live socket that says nothing for so long is asked, and given up when it does not answer in the same time again.
ASK_AFTER_S = 4.0
# Passing frames are new to every poll and answer it at once; those must not make it a busy loop.
SHORTEST_POLL_S, QUIET_POLL_S = 0.3, 2.0
SIGN_IN, ABNORMAL = 4100, 1006


class Lost(Exception):
    """The connection went away; whatever was asked may or may not have happened."""

    def __init__(self, code: int = ABNORMAL) -> None:
        super().__init__(f"ended with {code}")
        self.code = code


class Line(Protocol):
    """Whose frames these are."""

    access: Access
    tempo: Tempo

    def after(self) -> dict[str, int]: ...

    @property
    def epoch(self) -> str: ...

    def hear(self, frame: dict[str, Any], raw: str, via: str) -> None: ...

    def no_answer(self, client_id: str) -> None: ...


class Carrier(Protocol):
    name: str
    greets_again: bool
    """Hello can be said again on the same connection."""
    ends: bool
    """The server ends it by plan after a while."""

    async def carry(self) -> None: ...

    async def greet(self) -> None: ...

    async def say(self, message: Message, times: int) -> None: ...

    def drop(self) -> None: ...


class Socket:
    name, greets_again, ends = "socket", True, False

    def __init__(self, line: Line, http: httpx.AsyncClient, port: int) -> None:
        self._line = line
        self._port = port
        self._wire: ClientConnection | None = None

    async def carry(self) -> None:
        access = self._line.access
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                self._wire = await connect(
                    f"{access.base_url.replace('http', 'ws', 1)}{access.side}/socket",
                    host="127.0.0.1",
                    port=self._port,
                    origin=Origin(access.base_url),
                    subprotocols=[Subprotocol("advice.v1")],
                    additional_headers={"Cookie": access.cookies},
                    compression=None,
                    ping_interval=None,
                    proxy=None,
                )
            await self.greet()
            await self._listen(self._wire)
        except (OSError, TimeoutError, WebSocketException) as problem:
            raise Lost((self._wire.close_code if self._wire else None) or ABNORMAL) from problem

    async def _listen(self, wire: ClientConnection) -> None:
        is_asked = False
        while True:
            try:
                async with asyncio.timeout(ASK_AFTER_S):
                    raw = str(await wire.recv())
            except TimeoutError:
                if is_asked:
                    raise
                is_asked = True
                await self._send(type="ping")
            else:
                is_asked = False
                self._line.hear(json.loads(raw), raw, self.name)

    async def greet(self) -> None:
        epoch = {"epoch": self._line.epoch} if self._line.epoch else {}
        await self._send(type="hello", after=self._line.after(), **epoch)

    async def say(self, message: Message, times: int) -> None:
        frame = {"type": "say", "conversation": message.conversation, "id": message.id, "text": message.text}
        for _ in range(times):
            await self._send(**frame, confirm=True)

    async def _send(self, **frame: Any) -> None:
        if self._wire is None:
            raise Lost
        try:
            await self._wire.send(json.dumps(frame))
        except (OSError, WebSocketException) as problem:
            raise Lost from problem

    def drop(self) -> None:
        if self._wire is not None:
            self._wire.transport.abort()
            self._wire = None


class _Poster:
    """Says by POST, and turns each answer into the frame that a socket would have brought."""

    name, greets_again, ends = "", False, False

    def __init__(self, line: Line, http: httpx.AsyncClient, port: int) -> None:
        self._line = line
        self._http = http
        self._port = port
        self._posts: set[asyncio.Task[None]] = set()

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}{path}"

    def _places(self, **more: object) -> dict[str, str]:
        """Where to go on: a plain number for a visitor's one conversation, else `reference:seq` with commas."""
        after = self._line.after()
        if self._line.access.is_visitor and len(after) == 1:
            text = str(*after.values())
        else:
            text = ",".join(f"{reference}:{seq}" for reference, seq in after.items())
        fields: Mapping[str, object] = {"after": text, "epoch": self._line.epoch, **more}
        return {name: str(value) for name, value in fields.items() if value != ""}

    async def greet(self) -> None:
        raise Lost

    async def say(self, message: Message, times: int) -> None:
        for _ in range(times):
            post = asyncio.create_task(self._post(message.conversation, message.id, message.text))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)

    async def _post(self, conversation: str, client_id: str, text: str) -> None:
        url = self._url(self._line.access.messages_path(conversation))
        try:
            answer = await self._http.post(url, json={"id": client_id, "text": text, "confirm": True})
            body = answer.json()
        except (httpx.HTTPError, ValueError):
            self._line.no_answer(client_id)
            return
        known = {"conversation": conversation, "id": client_id, "said": text}
        if answer.status_code in (200, 201):
            frame = {**body, "type": "ack", **known}
        else:
            frame = {"code": "unavailable", **body, "type": "error", **known}
        self._line.hear(frame, answer.text, f"{self.name} + POST")

    def drop(self) -> None:
        """What was posted goes on, as in a browser; its answer is true whenever it comes."""


class Stream(_Poster):
    name, ends = "stream", True

    async def carry(self) -> None:
        url, silence = self._url(f"{self._line.access.side}/events"), self._line.tempo.silence_s
        patience = httpx.Timeout(silence, connect=OPEN_WITHIN_S)
        try:
            async with self._http.stream("GET", url, params=self._places(), timeout=patience) as answer:
                _check(answer)
                async for line in answer.aiter_lines():
                    if line.startswith("data: "):
                        raw = line.removeprefix("data: ")
                        self._line.hear(json.loads(raw), raw, self.name)
        except httpx.HTTPError as problem:
            raise Lost from problem


class Poll(_Poster):
    name = "poll"

    async def carry(self) -> None:
        wait_s = 0
        while True:
            began = time.monotonic()
            frames = await self._ask(wait_s)
            for frame in frames:
                self._line.hear(frame, json.dumps(frame), self.name)
            if wait_s and time.monotonic() - began < SHORTEST_POLL_S:
                is_news = any(frame["type"] == "event" for frame in frames)
                await asyncio.sleep(SHORTEST_POLL_S if is_news else QUIET_POLL_S)
            wait_s = self._line.tempo.poll_wait_s

    async def _ask(self, wait_s: int) -> list[dict[str, Any]]:
        url = self._url(f"{self._line.access.side}/poll")
        patience = httpx.Timeout(wait_s + OPEN_WITHIN_S, connect=OPEN_WITHIN_S)
        try:
            answer = await self._http.get(url, params=self._places(wait=wait_s), timeout=patience)
            _check(answer)
            frames: list[dict[str, Any]] = answer.json()
        except (httpx.HTTPError, ValueError) as problem:
            raise Lost from problem
        return frames


def _check(answer: httpx.Response) -> None:
    if answer.status_code != 200:
        raise Lost(SIGN_IN if answer.status_code == 401 else ABNORMAL)


CARRIERS: dict[Rung, type[Socket] | type[Stream] | type[Poll]] = {
    Rung.SOCKET: Socket,
    Rung.STREAM: Stream,
    Rung.POLL: Poll,
}
