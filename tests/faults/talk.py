"""Somebody who talks: one unacknowledged message at a time in each conversation, the same id after any doubt, a history.

How what is said gets to the service, and how what happened gets to the screen, is the business of the two kinds of client
made of this: with scripts (clients.py) and without (pages.py). Neither looks into the service.
"""

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from tests.faults.history import Answer, Heard, Message, Outcome, Screen
from tests.faults.ladder import Tempo
from tests.plain_http import NO_TLS

# The server answers within five seconds, if only with `unavailable`; what takes longer is not coming.
ANSWER_WITHIN_S = 7.0
OPEN_WITHIN_S = 4.0
RETRY_AFTER_S = 0.2

DOUBTFUL = frozenset({"unavailable", "rate_limited"})
"""Codes that say nothing about whether the message is stored, or ask to try again."""


@dataclass(frozen=True, slots=True)
class Access:
    """How somebody reaches the service: the same public name over any of these ports."""

    base_url: str
    side: str
    """`/chat` or `/desk`."""
    cookies: str
    token: str
    """The form token of the page."""
    ports: Sequence[int]
    way: str = ""
    """What kind of network lies between."""

    @property
    def is_visitor(self) -> bool:
        return self.side == "/chat"

    def messages_path(self, conversation: str) -> str:
        return "/chat/messages" if self.is_visitor else f"/desk/conversations/{conversation}/messages"

    def http(self) -> httpx.AsyncClient:
        headers = {
            "Host": self.base_url.partition("://")[2],
            "Origin": self.base_url,
            "Cookie": self.cookies,
            "X-CSRF-Token": self.token,
        }
        patience = httpx.Timeout(ANSWER_WITHIN_S, connect=OPEN_WITHIN_S)
        return httpx.AsyncClient(headers=headers, timeout=patience, trust_env=False, verify=NO_TLS)


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


class Talker:
    """One person at one screen, who talks in all their conversations until told to stop."""

    is_page = False

    def __init__(
        self, name: str, access: Access, marks: dict[str, str], rng: random.Random, *, think_s: float, tempo: Tempo
    ) -> None:
        """`marks` names the conversations, with the word of each; `think_s` is the longest pause between messages."""
        self.name = name
        self.messages: list[Message] = []
        self.places = {
            conversation: Place(Screen(name, conversation, access.is_visitor, is_page=self.is_page), mark)
            for conversation, mark in marks.items()
        }
        self.access = access
        self.tempo = tempo
        self.marks_heard: set[str] = set()
        self._rng = rng
        self._think_s = think_s
        self._online = asyncio.Event()
        self._online.set()
        self._quiet = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._talk: list[asyncio.Task[None]] = []

    # What the run does with a client.

    def start(self, *, talking: bool = True) -> None:
        self._tasks.append(asyncio.create_task(self._live(), name=self.name))
        if talking:
            self._talk = [asyncio.create_task(self._keep_talking(place)) for place in self.places.values()]

    def hush(self) -> None:
        """Say nothing new; go on until every message is known to be stored or refused."""
        self._quiet.set()

    @property
    def is_quiet(self) -> bool:
        return all(task.done() for task in self._talk)

    async def stop(self) -> None:
        tasks = [*self._tasks, *self._talk]
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await self._close()
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
        return Heard(self.name, frozenset(self.places), frozenset(self.marks_heard))

    def notice(self, what: str) -> None:
        """Something that must not happen."""
        for place in self.places.values():
            place.screen.noticed.append(what)

    # What each kind of client does in its own way.

    async def _live(self) -> None:
        """Keep the screen up to date until cancelled."""
        raise NotImplementedError

    async def _try(self, message: Message, times: int = 1) -> Answer:
        """Ask for it to be stored, once or in haste twice; every answer is in the message's history."""
        raise NotImplementedError

    def _drop(self) -> None:
        """Every connection is gone."""
        raise NotImplementedError

    async def _close(self) -> None:
        raise NotImplementedError

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

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
        message = self._new_message(place, f"{place.mark} {verb} {{number}}", self._new_id())
        await self._get_through(message, times)
        if message.outcome is Outcome.OK:
            place.served = message.began
        else:
            self.notice(f"refused with {message.answers[-1].code}")
        return message

    async def say_again(self, message: Message) -> None:
        """The same under the same id, although it was answered."""
        await self._try(message)

    def _new_message(self, place: Place, text: str, client_id: str) -> Message:
        number = len(self.messages) + 1
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
            other = f"{place.mark} {self.name} conflict {{number}}"
            await self._get_through(self._new_message(place, other, message.id))
        elif chance < 0.20:
            long = f"{place.mark} {self.name} too long {{number}}" + " and on" * 600
            await self._get_through(self._new_message(place, long, self._new_id()))

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
