"""Who takes part in a fault run: visitors with an enquiry each, advisors who took them, all through the service's doors.

The conversations are opened while everything is whole; afterwards only clients speak. `read_stored` reads the outcome with
the service's own code, from the database itself.
"""

import itertools
import random
import string
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from chat.conversations import Conversations
from chat.keys import ConversationKeys
from chat.log import Log
from core.clock import utc_now
from core.crypto import KeyRing
from core.db import Database
from tests.app.people import ENQUIRY
from tests.faults.boxes import Network
from tests.faults.checker import due
from tests.faults.clients import Client
from tests.faults.history import AFRESH, Answer, Injected, Message, Outcome, Run, Shown
from tests.faults.ladder import BROWSER, Rung, Tempo
from tests.faults.pages import LogPage, PageReader
from tests.faults.talk import Access, Talker
from tests.waiting import TooLateError, until

# A page of 20 people at work types far less; this keeps two cores busy without filling them.
THINK_S = 0.25
ANSWERED_WITHIN_S = 30.0
SETTLED_WITHIN_S = 40.0


@dataclass(frozen=True, slots=True)
class SignIn:
    """An advisor's account."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Role:
    """One of the cast: where they come in, with which cookies, and the conversations that are theirs, with their marks."""

    name: str
    side: str
    """`/chat` or `/desk`."""
    cookies: str
    token: str
    """The form token of their page."""
    marks: dict[str, str]
    asked: Message | None = None
    """A visitor's question: the enquiry's acceptance is the acknowledgement of message 1."""
    network: Network | None = Network.OPEN
    """None is an open network and no scripts."""


class Browser(httpx.Client):
    """Fills in forms, with the token of the page they stand on."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url=base_url, headers={"Origin": base_url}, timeout=30, trust_env=False)

    def token(self, page: str) -> str:
        return LogPage.read(self.get(page).raise_for_status().text).token

    def post_form(self, page: str, door: str, fields: Mapping[str, Any]) -> None:
        answer = self.post(door, data={**fields, "csrf_token": self.token(page)})
        assert answer.status_code == 303, f"POST {door} answered {answer.status_code}"

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies.jar)


def engage(base_url: str, advisors: Sequence[SignIn], conversations_each: int, rng: random.Random) -> list[Role]:
    """Open the conversations and have them accepted."""
    cast: list[Role] = []
    for number, sign_in in enumerate(advisors):
        visitors = [ask(base_url, f"visitor {number}-{one}", new_mark(rng)) for one in range(conversations_each)]
        marks = {reference: mark for visitor in visitors for reference, mark in visitor.marks.items()}
        cast += [*visitors, _accept(base_url, f"advisor {number}", sign_in, marks)]
    return cast


def spread(cast: Sequence[Role], rng: random.Random) -> list[Role]:
    """Give every kind of network to some, and every third advisor's visitors one who has no scripts."""
    visitors = [role for role in cast if role.side == "/chat"]
    rng.shuffle(visitors)
    ways = itertools.cycle([*Network, None])
    by_name = {role.name: replace(role, network=way) for role, way in zip(visitors, ways, strict=False)}
    desks = itertools.cycle([Network.OPEN, Network.REFUSES, Network.BUFFERS])
    for role, way in zip((role for role in cast if role.side == "/desk"), desks, strict=False):
        by_name[role.name] = replace(role, network=way)
    return [by_name[role.name] for role in cast]


def new_mark(rng: random.Random) -> str:
    return "zqmark" + "".join(rng.choices(string.ascii_lowercase, k=10))


def ask(base_url: str, name: str, mark: str) -> Role:
    question, began = f"{ENQUIRY['question']} {mark}", time.monotonic()
    with Browser(base_url) as visitor:
        visitor.post_form("/ask?all=1", "/ask", {**ENQUIRY, "question": question})
        frames = visitor.get("/chat/poll?after=0&wait=0").raise_for_status().json()
        reference = next(str(frame["conversation"]) for frame in frames if frame["type"] == "event")
        asked = Message(reference, name, 0, "", question, began, [Answer(Outcome.OK, time.monotonic(), seq=1)])
        return Role(name, "/chat", visitor.cookie_header, visitor.token("/chat"), {reference: mark}, asked)


def _accept(base_url: str, name: str, sign_in: SignIn, marks: Mapping[str, str]) -> Role:
    with Browser(base_url) as advisor:
        advisor.post_form("/sign-in", "/sign-in", {"email": sign_in.email, "password": sign_in.password})
        advisor.post_form("/desk", "/desk/presence", {"state": "online", "capacity": 6})
        for reference in marks:
            advisor.post_form("/desk", f"/desk/conversations/{reference}/accept", {})
        return Role(name, "/desk", advisor.cookie_header, advisor.token("/desk"), dict(marks))


class Company:
    """All clients of a run, and what they leave."""

    def __init__(
        self,
        base_url: str,
        ports: Mapping[Network, Sequence[int]],
        cast: Iterable[Role],
        rng: random.Random,
        kind: type[Client] = Client,
        tempo: Tempo = BROWSER,
    ) -> None:
        """`ports` lead to the web processes, through each kind of network."""
        self.base_url = base_url
        self._kind = kind
        self._tempo = tempo
        self._ports = ports
        self._cast = list(cast)
        self._rng = rng
        self.clients = [self._client(role) for role in self._cast]
        self._readers: list[Client] = []

    @property
    def marks(self) -> dict[str, str]:
        return {reference: mark for role in self._cast for reference, mark in role.marks.items()}

    def start(self) -> None:
        for client in self.clients:
            client.start()

    def unserved(self, since: float) -> list[str]:
        """Who got nothing through yet, in one of their conversations, that they began after this moment."""
        return [
            f"{client.name} ({client.access.way})"
            for client in self.clients
            if any(place.served < since for place in client.places.values())
        ]

    async def settle(self, stored: Mapping[str, Sequence[Shown]], within_s: float = SETTLED_WITHIN_S) -> None:
        """Wait until every screen is as long as its log, if it ever is: what is missing then is the checker's business."""

        def is_settled() -> bool:
            return all(
                len(screen.lines) >= len(due(screen, stored.get(screen.conversation, ())))
                for client in self._all
                for screen in client.screens
            )

        try:
            await until(is_settled, within_s)
        except TooLateError:
            return

    async def finish_talking(self) -> None:
        """Let everybody end their sentence. What is not answered by then is the checker's business as well."""
        for client in self.clients:
            client.hush()
        try:
            await until(lambda: all(client.is_quiet for client in self.clients), ANSWERED_WITHIN_S)
        except TooLateError:
            return

    def join(self, role: Role, name: str, ports: Sequence[int], rung: Rung = Rung.SOCKET) -> Client:
        """Another screen of the same person, for watching."""
        access = Access(self.base_url, role.side, role.cookies, role.token, ports)
        reader = self._kind(
            name, access, role.marks, self._own_rng(name), think_s=THINK_S, tempo=self._tempo, rung=rung
        )
        self._readers.append(reader)
        return reader

    def look_again(self) -> None:
        """A second screen for everybody, which has seen nothing yet: it must show what the first one shows."""
        for role, rung in zip(self._cast, itertools.cycle(Rung), strict=False):
            self.join(role, f"{role.name}{AFRESH}", self._ports[Network.OPEN], rung).start(talking=False)

    async def stop(self) -> None:
        for client in self._all:
            await client.stop()

    def leave(self, stored: Mapping[str, Sequence[Shown]], faults: Sequence[Injected] = ()) -> Run:
        questions = [role.asked for role in self._cast if role.asked is not None]
        return Run(
            messages=[*questions, *(message for client in self.clients for message in client.messages)],
            screens=[screen for client in self._all for screen in client.screens],
            heard=[client.heard for client in self._all],
            stored=stored,
            marks=self.marks,
            faults=faults,
            ways={client.name: client.access.way for client in self.clients},
        )

    @property
    def _all(self) -> list[Talker]:
        return [*self.clients, *self._readers]

    def _client(self, role: Role) -> Talker:
        network = role.network or Network.OPEN
        way = role.network or "open, no scripts"
        access = Access(self.base_url, role.side, role.cookies, role.token, self._ports[network], way)
        rng = self._own_rng(role.name)
        if role.network is None:
            return PageReader(role.name, access, role.marks, rng, think_s=THINK_S, tempo=self._tempo)
        return self._kind(role.name, access, role.marks, rng, think_s=THINK_S, tempo=self._tempo)

    def _own_rng(self, name: str) -> random.Random:
        return random.Random(f"{self._rng.random()} {name}")


@dataclass(frozen=True, slots=True)
class Store:
    """Where the logs are read when all is over, past every proxy."""

    url: str
    master_keys_file: Path

    async def read(self, company: Company) -> Mapping[str, Sequence[Shown]]:
        return await read_stored(self.url, self.master_keys_file, company.marks)


async def read_stored(
    database_url: str, master_keys_file: Path, conversations: Iterable[str]
) -> dict[str, list[Shown]]:
    """The logs as the service itself reads them, opened with its keys. What is not there is left out."""
    db = Database(database_url)
    try:
        keys = ConversationKeys(KeyRing.from_file(master_keys_file))
        log = Log(db, keys, utc_now)
        directory = Conversations(db, log, keys, utc_now)
        stored: dict[str, list[Shown]] = {}
        for reference in conversations:
            found = await directory.by_reference(reference)
            if found is not None:
                stored[reference] = await _read_all(log, found.id)
        return stored
    finally:
        await db.close()


async def _read_all(log: Log, conversation_id: int) -> list[Shown]:
    lines: list[Shown] = []
    while events := await log.read(conversation_id, lines[-1].seq if lines else 0):
        lines += [
            Shown(event.seq, event.kind, event.author.kind, str(event.client_id or ""), event.text) for event in events
        ]
    return lines
