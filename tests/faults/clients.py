"""Simulated visitors and advisors: plain clients of docs/protocol.md that keep a history of what they were told.

A client has one unacknowledged message at a time in each conversation, sends it again under the same id after any doubt,
comes back with its place, and keeps the list that a page would show. It never looks into the service.
"""

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

from tests.faults.history import MARK, Answer, Heard, Message, Outcome, Screen, Shown

OPEN_WITHIN_S = 4.0
# The server answers within five seconds, if only with `unavailable`; what takes longer is not coming.
ANSWER_WITHIN_S = 7.0
# A live connection that says nothing for so long is asked, and given up when it does not answer in the same time again.
ASK_AFTER_S = 4.0
# A page waits from 0.5 s to 30 s; a run of seconds must have its clients back sooner.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 1.5
RETRY_AFTER_S = 0.2

DOUBTFUL = frozenset({"unavailable", "rate_limited"})
"""Codes that say nothing about whether the message is stored, or ask to try again."""
FOR_GOOD = frozenset({1002, 1007, 1009, *range(4100, 4106)})


@dataclass(frozen=True, slots=True)
class Access:
    """How somebody reaches the service: the same public name over any of these ports."""

    base_url: str
    path: str
    cookies: str
    ports: Sequence[int]


@dataclass(slots=True, eq=False)
class Place:
    """One conversation at one client: the rendered list, and where its place in it is."""

    screen: Screen
    mark: str
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)
    asked_again: bool = False
    """Hello was said twice on this connection, so that the server may repeat what was under way."""
    served: float = 0.0
    """When the last message was begun that got through."""

    @property
    def last(self) -> int:
        return len(self.screen.lines)


class Lost(Exception):
    """The connection went away; whatever was asked may or may not have happened."""


class Client:
    """One person at one screen, who talks in all their conversations until told to stop."""

    def __init__(self, name: str, access: Access, marks: dict[str, str], rng: random.Random, *, think_s: float) -> None:
        """`marks` names the conversations, with the word of each; `think_s` is the longest pause between messages."""
        self.name = name
        self.messages: list[Message] = []
        self.places = {
            conversation: Place(Screen(name, conversation, of_visitor=access.path.startswith("/chat")), mark)
            for conversation, mark in marks.items()
        }
        self._access = access
        self._rng = rng
        self._think_s = think_s
        self._marks_heard: set[str] = set()
        self._asked: dict[str, tuple[Message, asyncio.Future[Answer]]] = {}
        self._socket: ClientConnection | None = None
        self._online = asyncio.Event()
        self._online.set()
        self._quiet = asyncio.Event()
        self._failures = 0
        self._come_back_s = 0.0
        self._again: asyncio.Task[None] | None = None
        self._line: asyncio.Task[None] | None = None
        self._talk: list[asyncio.Task[None]] = []

    # What the run does with a client.

    def start(self, *, talking: bool = True) -> None:
        self._line = asyncio.create_task(self._stay_connected(), name=self.name)
        if talking:
            self._talk = [asyncio.create_task(self._keep_talking(place)) for place in self.places.values()]

    def hush(self) -> None:
        """Say nothing new; go on until every message is known to be stored or refused."""
        self._quiet.set()

    @property
    def is_quiet(self) -> bool:
        return all(task.done() for task in self._talk)

    async def stop(self) -> None:
        tasks = [task for task in (self._line, self._again, *self._talk) if task is not None]
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    def go_offline(self) -> None:
        """As in a tunnel: the connection is gone and none can be made."""
        self._online.clear()
        self._drop()

    def go_online(self) -> None:
        self._online.set()

    @property
    def screens(self) -> list[Screen]:
        return [place.screen for place in self.places.values()]

    @property
    def heard(self) -> Heard:
        return Heard(self.name, frozenset(self.places), frozenset(self._marks_heard))

    # The connection.

    async def _stay_connected(self) -> None:
        while True:
            await self._online.wait()
            try:
                await self._converse()
            except (OSError, TimeoutError, WebSocketException):
                self._failures += 1
            finally:
                self._drop()
                for place in self.places.values():
                    place.caught_up.clear()
                    place.asked_again = False
                for _, future in self._asked.values():
                    if not future.done():
                        future.set_result(Answer(Outcome.UNKNOWN, time.monotonic(), code="lost"))
            longest = min(FIRST_WAIT_S * 2**self._failures, LONGEST_WAIT_S)
            await asyncio.sleep(max(self._rng.uniform(0, longest), self._come_back_s))
            self._come_back_s = 0.0

    async def _converse(self) -> None:
        access = self._access
        async with asyncio.timeout(OPEN_WITHIN_S):
            socket = self._socket = await connect(
                f"{access.base_url.replace('http', 'ws', 1)}{access.path}",
                host="127.0.0.1",
                port=self._rng.choice(access.ports),
                origin=Origin(access.base_url),
                subprotocols=[Subprotocol("advice.v1")],
                additional_headers={"Cookie": access.cookies},
                compression=None,
                ping_interval=None,
                proxy=None,
            )
        await self._say_hello()
        is_asked = False
        while True:
            try:
                raw = await asyncio.wait_for(socket.recv(), ASK_AFTER_S)
            except TimeoutError:
                if is_asked:
                    raise
                is_asked = True
                await self._send(type="ping")
            except WebSocketException:
                self._note_close(socket.close_code)
                raise
            else:
                is_asked = False
                self._hear(str(raw))

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()
            self._socket = None

    def _note_close(self, code: int | None) -> None:
        if code in FOR_GOOD:
            self._notice(f"closed for good with {code}")

    def _notice(self, what: str) -> None:
        for place in self.places.values():
            place.screen.noticed.append(what)

    async def _send(self, **frame: Any) -> None:
        socket = self._socket
        if socket is None:
            raise Lost
        await socket.send(json.dumps(frame))

    async def _say_hello(self) -> None:
        await self._send(type="hello", after={name: place.last for name, place in self.places.items()})

    # What the server says.

    def _hear(self, raw: str) -> None:
        self._marks_heard.update(MARK.findall(raw))
        frame = json.loads(raw)
        match frame["type"]:
            case "welcome":
                self._failures = 0
            case "event":
                self._show(frame)
            case "caught_up":
                self._catch_up(frame)
            case "ack":
                self._answer(frame, Answer(Outcome.OK, time.monotonic(), seq=frame["seq"]))
            case "error":
                code = frame["code"]
                outcome = Outcome.UNKNOWN if code in DOUBTFUL else Outcome.FAIL
                self._answer(frame, Answer(outcome, time.monotonic(), code=code))
            case "reset":
                self._notice("reset, although nothing was restored")
            case "reconnect":
                self._come_back_s = frame["after_ms"] / 1000
            case "heartbeat":
                if any(seq > self.places[name].last for name, seq in frame["last_seq"].items() if name in self.places):
                    self._ask_again(*self.places.values())

    def _show(self, frame: dict[str, Any]) -> None:
        """Draw the event if it is the next one; drop what is there already, ask again when one is missing."""
        place = self.places.get(frame["conversation"])
        if place is None:
            self._notice(f"an event of {frame['conversation']}")
            return
        lines, seq = place.screen.lines, frame["seq"]
        author = frame.get("author", {}).get("kind", "")
        line = Shown(seq, frame["kind"], author, frame.get("id") or "", frame.get("text", ""))
        if seq == place.last + 1:
            lines.append(line)
            place.screen.shown_at[line.text] = time.monotonic()
        elif seq > place.last:
            place.screen.noticed.append(f"{seq} came after {place.last}")
            self._ask_again(place)
        elif lines[seq - 1] != line:
            place.screen.noticed.append(f"{seq} came again and was another one")
        elif not place.asked_again:
            place.screen.noticed.append(f"{seq} came again")

    def _catch_up(self, frame: dict[str, Any]) -> None:
        place = self.places.get(frame["conversation"])
        if place is None:
            self._notice(f"caught up with {frame['conversation']}")
        elif frame["last_seq"] > place.last:
            place.screen.noticed.append(f"caught up with {frame['last_seq']} at {place.last}")
            self._ask_again(place)
        else:
            place.caught_up.set()

    def _ask_again(self, *places: Place) -> None:
        if self._line is not None and not any(place.asked_again for place in places):
            for place in self.places.values():
                place.asked_again = True
            self._again = asyncio.create_task(self._hello_again())

    async def _hello_again(self) -> None:
        with contextlib.suppress(Lost, OSError, WebSocketException):
            await self._say_hello()

    def _answer(self, frame: dict[str, Any], answer: Answer) -> None:
        asked = self._asked.get(frame.get("id", ""))
        if asked is None:
            if answer.outcome is Outcome.OK:
                self._note_late(frame["id"], answer)
            elif answer.code == "assignment_lost":
                self._notice("lost the conversation")
            return
        message, future = asked
        if answer.outcome is Outcome.OK:
            message.answers.append(answer)
        if not future.done():
            future.set_result(answer)

    def _note_late(self, client_id: str, answer: Answer) -> None:
        """An acknowledgement that nobody waits for any more still has to be true."""
        for message in reversed(self.messages):
            if message.id == client_id:
                message.answers.append(answer)
                return
        self._notice("an acknowledgement of something never said")

    # What the person says.

    async def _keep_talking(self, place: Place) -> None:
        while not self._quiet.is_set():
            is_hasty = self._rng.random() < 0.05
            message = await self.say(place.screen.conversation, times=2 if is_hasty else 1)
            if not is_hasty:
                await self._vary(place, message)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), self._rng.uniform(0, self._think_s))

    async def say(self, conversation: str, times: int = 1) -> Message:
        """Say something new, until it is known to be stored."""
        place = self.places[conversation]
        # The text tells whose it is: two people of a conversation never say the same.
        verb = "asked" if place.screen.of_visitor else "advised"
        message = self._new_message(place, f"{place.mark} {verb} {{number}}")
        await self._get_through(message, times)
        if message.outcome is Outcome.OK:
            place.served = message.began
        else:
            self._notice(f"refused with {message.answers[-1].code}")
        return message

    async def say_again(self, message: Message) -> None:
        """The same under the same id, although it was answered."""
        await self._try(message)

    def _new_message(self, place: Place, text: str, client_id: str = "") -> Message:
        number = len(self.messages) + 1
        client_id = client_id or str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        conversation = place.screen.conversation
        message = Message(conversation, self.name, number, client_id, text.format(number=number), time.monotonic())
        self.messages.append(message)
        return message

    async def _vary(self, place: Place, message: Message) -> None:
        """Now and then: the same once more, the same id with another text, something that must be refused."""
        chance = self._rng.random()
        if chance < 0.10:
            await self.say_again(message)
        elif chance < 0.15:
            await self._get_through(
                self._new_message(place, f"{place.mark} {self.name} conflict {{number}}", message.id)
            )
        elif chance < 0.20:
            await self._get_through(
                self._new_message(place, f"{place.mark} {self.name} too long {{number}}" + " and on" * 600)
            )

    async def _get_through(self, message: Message, times: int = 1) -> None:
        """Try until the message is stored or refused, always under the same id."""
        while True:
            answer = await self._try(message, times)
            if answer.outcome is not Outcome.UNKNOWN:
                return
            await asyncio.sleep(RETRY_AFTER_S)
            self._after_doubt(message)

    def _after_doubt(self, message: Message) -> None:
        """Nothing: the id stays what it is. A client that gets this wrong is made of this one in a test."""

    async def _try(self, message: Message, times: int = 1) -> Answer:
        """Ask over the socket, once or in haste twice; every answer is in the message's history."""
        await self.places[message.conversation].caught_up.wait()
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[message.id] = (message, future)
        frame = {"type": "say", "conversation": message.conversation, "id": message.id, "text": message.text}
        try:
            for _ in range(times):
                await self._send(**frame, confirm=True)
            answer = await asyncio.wait_for(future, ANSWER_WITHIN_S)
        except TimeoutError:
            # It may be deaf; a new connection tells.
            self._drop()
            answer = Answer(Outcome.UNKNOWN, time.monotonic(), code="no answer")
        except (Lost, OSError, WebSocketException):
            answer = Answer(Outcome.UNKNOWN, time.monotonic(), code="lost")
        finally:
            del self._asked[message.id]
        if answer.outcome is not Outcome.OK:
            message.answers.append(answer)
        return answer
