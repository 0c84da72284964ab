"""Who uses the service in these tests, by the doors that anybody has: HTTP and a plain WebSocket client.

Ada asks, Cora answers. A `Line` is one socket: it sends frames and waits for the frame a test is about.
"""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from chat.stream import OF_THE_LINE
from core.people import Role, SignedIn
from tests.chat.house import House, WebProcess
from tests.plain_http import NO_TLS
from tests.waiting import MS, until

PATIENCE_S = 20_000 * MS
SUBPROTOCOL = "advice.v1"

ENQUIRY: dict[str, Any] = {
    "immediate_danger": "no",
    "sector": "probation",
    "area": "cleveland",
    "topic": "recognising_risk",
    "deadline": "days",
    "risk_flags": "none",
    "question": "How do I prepare a first supervision session?",
    "nickname": "Ada",
    "language": "en",
    "confirmed": "yes",
}

Frame = dict[str, Any]


class Line:
    """One socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[Frame] = []
        """Every frame so far, in the order of arrival."""

    async def send(self, kind: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def send_raw(self, data: str | bytes) -> None:
        await self.connection.send(data)

    async def receive(self) -> Frame:
        async with asyncio.timeout(PATIENCE_S):
            frame: Frame = json.loads(await self.connection.recv())
        self.seen.append(frame)
        return frame

    async def expect(self, frame_type: str, /, **fields: Any) -> Frame:
        """The next frame of this kind with these fields; what comes before it is kept in `seen`."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame = await self.receive()
                if frame["type"] == frame_type and all(frame.get(name) == value for name, value in fields.items()):
                    return frame

    async def hello(self, **fields: Any) -> Frame:
        """Say hello, and the welcome."""
        await self.send("hello", **fields)
        return await self.expect("welcome")

    async def say(self, reference: str, text: str, given_id: uuid.UUID | None = None, **fields: Any) -> Frame:
        """Say something: the ack, hold or error that answers it."""
        given = str(given_id or uuid.uuid4())
        await self.send("say", conversation=reference, id=given, text=text, **fields)
        while True:
            frame = await self.receive()
            if frame.get("id") == given and frame["type"] in ("ack", "hold", "error"):
                return frame

    async def quiet(self) -> None:
        """Wait until everything sent so far was dealt with, but for what was said, which is answered when it is stored."""
        await self.send("ping")
        await self.expect("pong")

    async def closed(self) -> int | None:
        """Read to the end: the close code."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await self.receive()
        except ConnectionClosed:
            return self.connection.close_code

    def events(self) -> list[Frame]:
        return [frame for frame in self.seen if frame["type"] == "event"]

    def numbers(self) -> list[int]:
        return [frame["seq"] for frame in self.events()]


class Person:
    """A browser of one person, at one of the web processes."""

    socket_path = "/chat/socket"

    def __init__(self, house: House, at: WebProcess | None = None) -> None:
        self.house = house
        self.at = at or house.first
        host = house.origin.removeprefix("http://")
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.at.port}",
            headers={"Host": host, "Origin": house.origin},
            timeout=40,
            trust_env=False,
            verify=NO_TLS,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.http.aclose()

    def move_to(self, process: WebProcess) -> None:
        """From now on this person's requests meet another process."""
        self.at = process
        self.http.base_url = httpx.URL(f"http://127.0.0.1:{process.port}")

    @property
    def cookies(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies.jar)

    async def form_token(self) -> str:
        return token_of((await self.http.get("/resume")).text)

    async def post(self, path: str, fields: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """A form, with the token of a page of ours."""
        token = await self.form_token()
        return await self.http.post(path, data={"csrf_token": token, **(fields or {})}, headers=headers)

    async def post_json(self, path: str, document: Any, **headers: str) -> httpx.Response:
        token = await self.form_token()
        return await self.http.post(path, json=document, headers={"X-CSRF-Token": token, **headers})

    async def poll(self, **query: Any) -> list[Frame]:
        """The frames of a poll, but for those of the line, which may come at any time."""
        answer = await self.http.get("/chat/poll", params={"wait": 0, **query})
        assert answer.status_code == 200, answer.text
        frames: list[Frame] = answer.json()
        return [frame for frame in frames if frame["type"] not in OF_THE_LINE]

    @asynccontextmanager
    async def line(
        self,
        *,
        origin: str | None = "",
        subprotocol: str | None = SUBPROTOCOL,
        path: str = "",
        cookies: str | None = None,
        compression: str | None = None,
    ) -> AsyncIterator[Line]:
        """A socket. An empty origin is our own; None sends none. `compression` is offered."""
        cookie = self.cookies if cookies is None else cookies
        chosen = self.house.origin if origin == "" else origin
        async with connect(
            f"ws{self.house.origin.removeprefix('http')}{path or self.socket_path}",
            host="127.0.0.1",
            port=self.at.port,
            origin=Origin(chosen) if chosen is not None else None,
            subprotocols=[Subprotocol(subprotocol)] if subprotocol else None,
            additional_headers={"Cookie": cookie} if cookie else None,
            compression=compression,
            proxy=None,
            open_timeout=PATIENCE_S,
            close_timeout=1,
        ) as connection:
            yield Line(connection)


class Ada(Person):
    """A visitor. `reference` is hers once she has asked."""

    reference = ""

    async def ask(self, **changes: Any) -> str:
        answer = await self.post("/ask", {**ENQUIRY, **changes})
        assert answer.status_code == 303, answer.text
        welcome = (await self.poll())[0]
        self.reference = str(welcome["conversations"][0]["conversation"])
        return self.reference

    async def ask_and_read_code(self) -> tuple[str, str]:
        """Ask, and the reference and code that the waiting room shows once."""
        await self.ask()
        found = re.search(r'id="ticket-code">([^<]+)<', (await self.http.get("/chat")).text)
        assert found is not None
        return self.reference, found.group(1)

    async def say(self, text: str, given_id: uuid.UUID | None = None) -> httpx.Response:
        return await self.post_json("/chat/messages", {"id": str(given_id or uuid.uuid4()), "text": text})

    async def sees_mark(self, side: str, seq: int) -> None:
        """Wait until this side has read so far."""

        async def is_there() -> bool:
            return bool((await self.poll())[0]["conversations"][0]["read"][side] == seq)

        await until(is_there, what="the mark")

    async def log(self) -> list[Frame]:
        """Her conversation as a client that holds nothing gets it."""
        return [frame for frame in await self.poll() if frame["type"] == "event"]


class Cora(Person):
    """An advisor."""

    socket_path = "/desk/socket"
    person: SignedIn

    @classmethod
    async def hired(cls, house: House, name: str = "Cora", at: WebProcess | None = None, *roles: Role) -> "Cora":
        cora = cls(house, at)
        account_id, token = await house.hire(name, *(roles or (Role.ADVISOR,)))
        cora.http.cookies.set("session", token)
        person = await house.first.parts.sessions.find(token)
        assert person is not None
        assert person.account_id == account_id
        cora.person = person
        return cora

    def path(self, reference: str, what: str = "") -> str:
        return f"/desk/conversations/{reference}{what}"

    async def form_token(self) -> str:
        return token_of((await self.http.get("/desk")).text)

    async def take(self, reference: str) -> None:
        answer = await self.post(self.path(reference, "/accept"))
        assert answer.status_code == 303, answer.text

    async def say(self, reference: str, text: str, given_id: uuid.UUID | None = None) -> httpx.Response:
        document = {"id": str(given_id or uuid.uuid4()), "text": text}
        return await self.post_json(self.path(reference, "/messages"), document)

    async def note(self, reference: str, text: str) -> None:
        answer = await self.post(self.path(reference, "/notes"), {"text": text})
        assert answer.status_code == 303, answer.text

    async def end(self, reference: str) -> None:
        answer = await self.post(self.path(reference, "/end"))
        assert answer.status_code == 303, answer.text


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None, page
    return found.group(1)
