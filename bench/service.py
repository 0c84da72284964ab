"""Dutyline under test: two web processes, and conversations made through its own doors.

Accounts come from `dutyline account add`, everything else from the pages that people
use: the enquiry form, sign-in, presence, accept. Visitors speak on the first process,
advisors listen on the second. An advisor has at most six conversations, so several
pairs share an advisor's socket, as they do at a real desk.
"""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.load import Client, Measurement, Plan
from bench.processes import ProcessError, ServerProcess, run_command
from bench.programs import Engines, Pairs
from bench.solo import DUTYLINE, form_token, service_settings
from tests.engines import free_port

CONVERSATIONS_OF_ONE_ADVISOR = 6
SUBPROTOCOL = "advice.v1"

ENQUIRY: dict[str, Any] = {
    "immediate_danger": "no",
    "called_999": "not_needed",
    "sector": "probation",
    "area": "national",
    "topic": "talking_with_them",
    "deadline": "none",
    "risk_flags": ["none"],
    "question": "how do i begin a first conversation about change with someone who does not want one",
    "language": "en",
    "confirmed": "yes",
}


class Person:
    """Someone with a browser: keeps cookies, and posts forms with the page's token."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=base_url, headers={"Origin": base_url}, timeout=30, trust_env=False)

    def post_form(self, page: str, door: str, fields: dict[str, Any]) -> httpx.Response:
        """Open the page, then post to the door; a door that does not answer with 303 ends the run."""
        shown = self._http.get(page)
        token = form_token(shown.text)
        if token is None:
            raise ProcessError(f"GET {page} answered {shown.status_code} and no form with a csrf_token")
        answer = self._http.post(door, data={**fields, "csrf_token": token})
        if answer.status_code != 303:
            raise ProcessError(f"POST {door} answered {answer.status_code}, not 303")
        return answer

    def get_frames(self, path: str) -> list[dict[str, Any]]:
        frames: list[dict[str, Any]] = self._http.get(path).raise_for_status().json()
        return frames

    @property
    def cookies(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._http.cookies.jar)

    def close(self) -> None:
        self._http.close()


@dataclass
class Desk:
    """An advisor's cookies, and the cookies of each visitor by the conversation's reference."""

    cookies: str
    visitors: dict[str, str]


class Dutyline:
    """On PostgreSQL with two web processes; or as `dutyline run` has it: SQLite, its own Redis, one process."""

    def __init__(self, *, sqlite: bool = False, pairs: int | None = None) -> None:
        shape = "SQLite, 1 process" if sqlite else "PostgreSQL, 2 web processes"
        self.name = f"Dutyline ({shape}{f', {pairs} pairs' if pairs else ''})"
        self._sqlite = sqlite
        self._engines: Engines | None = None
        self._pairs = Pairs(0)
        self._processes: list[ServerProcess] = []
        self._env: dict[str, str] = {}
        self._base_url = ""
        self._folder = Path()
        self._desks: list[Desk] = []
        self._last_seq: dict[str, int] = {}

    def start(self, engines: Engines, pairs: Pairs) -> None:
        if not DUTYLINE.exists():
            raise ProcessError("the dutyline command is not installed in .venv")
        self._engines, self._pairs = engines, pairs
        ports = [free_port() for _ in range(pairs.processes)]
        self._base_url = f"http://127.0.0.1:{ports[0]}"
        self._folder = Path(tempfile.mkdtemp(prefix="dutyline-", dir=engines.folder))
        self._env = self._environment(engines)
        self._run("migrate")
        for number, port in enumerate(ports):
            self._processes.append(
                ServerProcess(
                    f"dutyline web {number}",
                    [str(DUTYLINE), "web"],
                    port,
                    self._folder / f"{number}.log",
                    self._env | {"PORT": str(port)},
                )
            )
        for process in self._processes:
            process.wait_until_listening()
        try:
            self._open_conversations(pairs.count)
        except httpx.HTTPError as error:
            raise ProcessError(f"{type(error).__name__}: {error}") from error

    def _environment(self, engines: Engines) -> dict[str, str]:
        elsewhere = {
            "DATABASE_URL": engines.postgres.create_database(f"service_{secrets.token_hex(4)}"),
            "REDIS_URL": engines.new_redis_url(),
        }
        return service_settings(self._folder, self._base_url) | ({} if self._sqlite else elsewhere)

    def _run(self, *words: str, stdin: str = "") -> None:
        run_command(f"dutyline {' '.join(words[:2])}", [str(DUTYLINE), *words], self._env, stdin)

    def _open_conversations(self, pairs: int) -> None:
        password = secrets.token_urlsafe(24)
        for first in range(0, pairs, CONVERSATIONS_OF_ONE_ADVISOR):
            advisor = self._sign_in(f"advisor{first}@bench.example", "advisor", password)
            advisor.post_form("/desk", "/desk/presence", {"state": "online", "capacity": CONVERSATIONS_OF_ONE_ADVISOR})
            visitors = dict(self._ask() for _ in range(min(CONVERSATIONS_OF_ONE_ADVISOR, pairs - first)))
            for reference in visitors:
                advisor.post_form("/desk", f"/desk/conversations/{reference}/accept", {})
            self._desks.append(Desk(advisor.cookies, visitors))
            advisor.close()

    def _sign_in(self, email: str, role: str, password: str) -> Person:
        self._run("account", "add", email, "--name", role, "--role", role, stdin=password + "\n")
        person = Person(self._base_url)
        answer = person.post_form("/sign-in", "/sign-in", {"email": email, "password": password})
        if "code" in answer.headers["location"]:
            raise ProcessError(f"{role}: sign-in asks for a second factor")
        return person

    def _ask(self) -> tuple[str, str]:
        """Make an enquiry; return the conversation's reference and the visitor's cookies."""
        visitor = Person(self._base_url)
        visitor.post_form("/ask", "/ask", ENQUIRY)
        frames = visitor.get_frames("/chat/poll?after=0&wait=0")
        references = {str(frame["conversation"]) for frame in frames if frame.get("conversation")}
        if len(references) != 1:
            raise ProcessError(f"GET /chat/poll names {len(references)} conversations, not one")
        visitor.close()
        return references.pop(), visitor.cookies

    def plan(self) -> Plan:
        assert self._engines is not None
        senders, receivers = [], []
        for number, desk in enumerate(self._desks):
            receivers.append(
                self._client(self._pairs.receiver_process(number), "/desk/socket", desk.cookies, list(desk.visitors))
            )
            for reference, cookies in desk.visitors.items():
                senders.append(self._client(self._pairs.sender_process(number), "/chat/socket", cookies, [reference]))
        return Plan(
            senders=senders,
            receivers=receivers,
            conversations=[reference for desk in self._desks for reference in desk.visitors],
            parts=self._engines.parts(self._processes),
        )

    def _client(self, process: int, path: str, cookies: str, references: list[str]) -> Client:
        """Both processes are reached under the one public name, as behind a proxy."""
        return Client(
            url=f"ws://127.0.0.1:{self._processes[process].port}{path}",
            headers={
                "Host": self._base_url.removeprefix("http://"),
                "Origin": self._base_url,
                "Cookie": cookies,
                "Sec-WebSocket-Protocol": SUBPROTOCOL,
            },
            hello={"type": "hello", "after": {name: self._last_seq.get(name, 0) for name in references}},
            expects=references,
        )

    def remember(self, measurement: Measurement) -> None:
        """Keep the place in each conversation, so that the next run begins where this one ended."""
        self._last_seq |= measurement.last_seq

    def stop(self) -> None:
        for process in self._processes:
            process.stop()
