"""The people and the conversations of the access matrix: one of each that may stand before a door.

A conversation is made anew for whoever may change it. Cora advises, Fay did before her; Con was asked for advice on the side,
Joe joined openly; Dev has nothing to do with it. Sue supervises, Eve edits, Alf administers; Ada is the visitor, Ben another.
"""

import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from chat.conversations import NewConversation, Opened
from core.clock import to_ms
from core.people import Role, SignedIn
from tests.triage.house import House
from triage.invitations import Purpose
from triage.retention import erase_overdue

QUESTION = "Nobody but those who belong here may read this sentence."
UNKNOWN = "QK7F-4PDX"
STATES = ("waiting", "active", "ended", "erased", "missing")
ROOM = 10_000
STAFF: dict[str, Role] = {
    "cora": Role.ADVISOR,
    "dev": Role.ADVISOR,
    "con": Role.ADVISOR,
    "joe": Role.ADVISOR,
    "fay": Role.ADVISOR,
    "sue": Role.SUPERVISOR,
    "eve": Role.EDITOR,
    "alf": Role.ADMIN,
}
VISITORS = ("stranger", "ada", "ben")
READERS = frozenset({"cora", "con", "joe"})
"""Of staff, those who see what is said in an active conversation."""

STAFF_PAGES = ("/desk", "/supervise", "/editor", "/account", "/sign-out")
JSON = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation, and what its visitor's browser holds."""

    state: str
    reference: str
    cookie: str


@dataclass(slots=True)
class World:
    house: House
    http: httpx.AsyncClient
    people: dict[str, SignedIn] = field(default_factory=dict)
    form_cookie: str = ""
    form_token: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    ben: Case | None = None
    erased: Case | None = None

    async def settle(self) -> None:
        """Everybody is there, and holds the token of their forms."""
        page = await self.http.get("/ask?all=1&leave=1")
        self.form_cookie, self.form_token = page.cookies["form"], token_in(page)
        self.http.cookies.clear()
        for name in STAFF:
            await self.hire(name)
        self.ben = await self.make("active")
        ended = await self.make("ended")
        assert await erase_overdue(self.house.db, self.house.audit, self.house.clock() + timedelta(days=2)) == 1
        self.erased = Case("erased", ended.reference, ended.cookie)

    async def hire(self, name: str) -> None:
        self.people[name] = await self.house.hire(name.title(), STAFF[name], capacity=ROOM)
        self.tokens[name] = token_in(await self.http.get("/account", headers=self._headers(name)))

    async def make(self, state: str) -> Case:
        if state == "missing":
            return Case(state, UNKNOWN, "x" * 43)
        if state == "erased":
            assert self.erased is not None
            return self.erased
        opened = await self._open()
        if state != "waiting":
            await self._talk(opened)
        if state == "ended":
            found = await self.house.conversations.by_id(opened.id)
            assert found is not None
            await self.house.conversations.end(found, found.visitor, self.house.clock())
        return Case(state, opened.reference, opened.visitor_token)

    async def _open(self) -> Opened:
        now = self.house.clock()
        new = NewConversation(
            urgency="routine",
            sort_key=to_ms(now),
            sector="probation",
            area="cleveland",
            topic="recognising_risk",
            deadline="none",
            immediate_danger="no",
            called_999=None,
            risk_flags=(),
            language="en",
            nickname="Ada",
            question=QUESTION,
        )
        async with self.house.db.write() as connection:
            return await self.house.conversations.open(connection, new, now)

    async def _talk(self, opened: Opened) -> None:
        """Fay took it and handed it to Cora, who asked Con for advice and Joe to join."""
        house, people = self.house, self.people
        await house.claims.claim(opened.reference, people["fay"])
        await house.parts.transfers.hand_over(opened.id, people["fay"], people["cora"].account_id)
        for guest, purpose in (("con", Purpose.CONSULT), ("joe", Purpose.JOIN)):
            await house.parts.invitations.invite(opened.id, people["cora"], people[guest].account_id, purpose)
            await house.parts.invitations.accept(opened.reference, people[guest])

    async def knock(
        self, who: str, door: str, case: Case, fields: dict[str, str] | None = None, *, as_page: bool = False
    ) -> httpx.Response:
        """Stand before a door, `METHOD /path`, with everything that would open it but the right."""
        method, path = door.split(" ", 1)
        path = self.filled_in(path, case)
        headers = self._headers(who, case) | ({} if as_page else JSON)
        if method == "GET":
            # A stream would never end; its head says who may have it.
            method = "HEAD" if path.endswith("/events") else "GET"
            return await self.http.request(method, path, headers=headers, params={"wait": "0"})
        given = {name: self.filled_in(value, case) for name, value in (fields or {}).items()}
        # Public pages know no sign-in: their forms belong to the browser.
        token = self.tokens[who] if who in STAFF and path.startswith(STAFF_PAGES) else self.form_token
        form = {"csrf_token": token, "id": str(uuid.uuid4()), **given}
        answer = await self.http.post(path, data=form, headers=headers)
        self.http.cookies.clear()
        return answer

    def filled_in(self, text: str, case: Case) -> str:
        text = text.replace("{reference}", case.reference)
        return re.sub(r"\{(\w+)'s id\}", lambda name: self.people[name[1]].account_id, text)

    def _headers(self, who: str, case: Case | None = None) -> dict[str, str]:
        return {"Cookie": self.cookies(who, case)}

    def cookies(self, who: str, case: Case | None = None) -> str:
        visitor = self.ben if who == "ben" else case if who == "ada" else None
        cookies = [f"form={self.form_cookie}"]
        cookies += [f"session={self.people[who].token}"] if who in STAFF else []
        cookies += [f"visitor={visitor.cookie}"] if visitor else []
        return "; ".join(cookies)


def token_in(page: httpx.Response) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None, page.url
    return found[1]
