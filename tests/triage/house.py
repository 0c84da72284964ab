"""A small service for these tests: the parts of triage behind their doors, with real keys, log and database.

Cora and Dev are advisors, Eve edits. A visitor is a client without a session; `ask` is what an outside client sends.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jinja2
from sqlalchemy import func, insert, select
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from chat.conversations import Conversations
from chat.drafts import Drafts
from chat.fanout import Fanout
from chat.holding import Holds
from chat.keys import ConversationKeys
from chat.log import Log
from chat.pages import VisitorPages
from chat.saying import Saying
from chat.tables import conversation
from core.audit import AuditLog
from core.clock import LONDON
from core.crypto import KeyRing, Signer
from core.db import Database
from core.doors import PUBLIC, Door, roles
from core.edge import Edge
from core.errors import NotFound
from core.limits import Limiter, Throttle
from core.people import Role, SignedIn
from core.settings import read_settings
from core.signals import Signals, open_redis
from core.tables import setting
from core.web import Site, refuse_http
from knowledge.articles import publish
from knowledge.library import Library
from knowledge.versions import ArticleText, NewVersion, create, read_version, save
from knowledge.words import Audience
from staff.tables import account, account_role
from triage.ask import AskPages
from triage.claims import Claims
from triage.daily_counts import DailyCounts
from triage.desk import DeskPages
from triage.desk_view import DeskViews
from triage.feedback import FeedbackPages, Feedbacks
from triage.guidance import Guidance
from triage.hours import DEFAULT_PERIODS, Opening
from triage.hours_pages import HoursPages
from triage.notice_pages import NoticePages
from triage.notices import Notices
from triage.offers import Offers
from triage.pages import PublicPages
from triage.presence import Presences
from triage.queue import Queue
from triage.reaper import Reaper
from triage.report_pages import ReportPages
from triage.reports import Reports
from triage.router import Router
from triage.suggestions import Suggestions
from triage.surroundings import Surroundings
from triage.tables import hours, presence_lease
from triage.ticket import Tickets
from triage.wrap_up import WrapUpPages, WrapUps

EPOCH = "1f"
POST = ("POST",)
ADVISOR = roles(Role.ADVISOR)
DESK = roles(Role.ADVISOR, Role.SUPERVISOR)
ORIGIN = "http://127.0.0.1:8000"
TEMPLATES = Path(__file__).parent.parent.parent / "templates"

ENQUIRY = {
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


@dataclass
class FixedClock:
    """A Monday at noon, until a test moves it."""

    now: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class House:
    """Everything of one service, made on a fresh database."""

    db: Database
    clock: FixedClock = field(default_factory=FixedClock)
    people: dict[str, SignedIn] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keyring = KeyRing([secrets.token_bytes(32)])
        self.signer = Signer(secrets.token_bytes(32))
        self.keys = ConversationKeys(keyring)
        self.audit = AuditLog(self.signer)
        self.signals = Signals(open_redis("redis://127.0.0.1:1"), "test")
        self.log = Log(self.db, self.keys, self.clock)
        self.drafts = Drafts(self.db, self.keys, self.clock)
        self.counts = DailyCounts(self.db, self.clock)
        self.holds = Holds(self.counts.add)
        self.saying = Saying(self.log, self.holds, self.drafts)
        self.fanout = Fanout(self.log, self.signals)
        self.conversations = Conversations(self.db, self.log, self.keys, self.clock)
        self.opening = Opening(self.db, self.clock)
        self.queue = Queue(self.db, self.log, self.fanout, self.signals, self.clock)
        self.notices = Notices(self.db, self.signals, self.clock)
        self.offers = Offers(self.db, self.signals, self.audit, self.notices, self.clock)
        self.router = Router(self.db, self.offers, self.clock)
        self.reaper = Reaper(self.db, self.log, self.fanout, self.notices, self.audit, self.clock)
        self.presences = Presences(self.db, self.clock, self.offers)
        self.claims = Claims(self.db, self.log, self.fanout, self.audit, self.clock, self.offers)
        self.tickets = Tickets(keyring, self.clock)
        self.limiter = Limiter(1, 60)
        self.library = Library(self.db, self.signals, keyring, self.clock)
        self.guidance = Guidance(self.db, self.library, self.clock)
        self.suggestions = Suggestions(self.log, self.fanout, self.signals, self.conversations, self.guidance)
        self.wrap_ups = WrapUps(self.db, self.conversations, self.audit, self.clock)
        self.feedbacks = Feedbacks(self.db, self.conversations, self.clock)
        self.surroundings = Surroundings(
            self.db, self.log, self.queue, self.guidance, self.opening, self.tickets, self.feedbacks
        )
        self.app = Starlette(
            routes=[door.route() for door in self.doors()], exception_handlers={HTTPException: http_problem}
        )
        self.app.state.site = Site(read_settings({"DATA_DIR": "/nowhere"}, demo=True), self.signer, templates(), asset)
        self.app.state.identify = self._identify

    def doors(self) -> list[Door]:
        return [*self._public_doors(), *self._desk_doors()]

    def _public_doors(self) -> list[Door]:
        ask = AskPages(
            self.db,
            self.conversations,
            self.log,
            self.holds,
            self.audit,
            self.opening,
            self.tickets,
            self.limiter,
            self.clock,
            guidance=self.guidance,
        )
        public = PublicPages(self.db, self.log, self.conversations, self.queue, self.opening, self.guidance, self.clock)
        throttle = Throttle(self.signer)
        visitor = VisitorPages(
            self.db,
            self.conversations,
            self.log,
            self.saying,
            self.fanout,
            self.surroundings,
            throttle,
            self.clock,
            EPOCH,
            lambda request: "",
            rate_limits=True,
        )
        feedback = FeedbackPages(self.conversations, self.feedbacks, self.holds, visitor.show_ended)
        return [
            Door("/", public.home, PUBLIC),
            Door("/ask", ask.ask, PUBLIC),
            Door("/ask", ask.answer, PUBLIC, POST),
            Door("/signpost/{kind}", public.signpost, PUBLIC),
            Door("/accessibility", public.text, PUBLIC),
            Door("/confidentiality", public.text, PUBLIC),
            Door("/cookies", public.text, PUBLIC),
            Door("/chat", visitor.show, PUBLIC),
            Door("/chat/messages", visitor.say, PUBLIC, POST),
            Door("/chat/leave", visitor.leave, PUBLIC, POST),
            Door("/chat/question", public.leave_question, PUBLIC, POST),
            Door("/chat/opened", public.opened, PUBLIC, POST),
            Door("/chat/feedback", feedback.give, PUBLIC, POST),
        ]

    def _desk_doors(self) -> list[Door]:
        views = DeskViews(
            self.db,
            self.log,
            self.drafts,
            self.conversations,
            self.queue,
            self.opening,
            self.presences,
            self.guidance,
            self.wrap_ups,
            self.clock,
            EPOCH,
            self.offers,
            self.notices,
        )
        desk = DeskPages(
            self.db,
            self.log,
            self.saying,
            self.drafts,
            self.conversations,
            self.fanout,
            self.queue,
            self.claims,
            self.presences,
            self.guidance,
            self.suggestions,
            views,
            self.clock,
        )
        wrap_up = WrapUpPages(self.conversations, self.wrap_ups, self.holds)
        opening_hours = HoursPages(self.db, self.opening, self.queue, self.audit, self.clock)
        reports = ReportPages(self.db, Reports(self.db), self.audit, self.clock)
        one = "/desk/conversations/{reference}"
        return [
            Door("/desk", desk.show, DESK),
            Door("/desk/presence", desk.presence, ADVISOR, POST),
            Door("/desk/next", desk.take_next, ADVISOR, POST),
            Door("/desk/notices/seen", NoticePages(self.notices).seen, DESK, POST),
            Door(one, desk.show_conversation, DESK),
            Door(f"{one}/accept", desk.accept, ADVISOR, POST),
            Door(f"{one}/decline", desk.decline, ADVISOR, POST),
            Door(f"{one}/messages", desk.say, DESK, POST),
            Door(f"{one}/notes", desk.note, DESK, POST),
            Door(f"{one}/share", desk.share, DESK, POST),
            Door(f"{one}/dismiss", desk.dismiss, DESK, POST),
            Door(f"{one}/draft", desk.draft, DESK, POST),
            Door(f"{one}/end", desk.end, DESK, POST),
            Door(f"{one}/wrap-up", wrap_up.show, DESK),
            Door(f"{one}/wrap-up", wrap_up.save, DESK, POST),
            Door("/supervise/hours", opening_hours.show, roles(Role.SUPERVISOR, Role.ADMIN)),
            Door("/supervise/hours", opening_hours.change_week, roles(Role.SUPERVISOR, Role.ADMIN), POST),
            Door("/supervise/hours/closures", opening_hours.close, roles(Role.SUPERVISOR, Role.ADMIN), POST),
            Door(
                "/supervise/hours/closures/{number}/remove",
                opening_hours.remove,
                roles(Role.SUPERVISOR, Role.ADMIN),
                POST,
            ),
            Door("/supervise/hours/holidays", opening_hours.change_holiday, roles(Role.SUPERVISOR, Role.ADMIN), POST),
            Door("/supervise/reports", reports.show, roles(Role.SUPERVISOR)),
            Door("/supervise/reports/{table}.csv", reports.file, roles(Role.SUPERVISOR)),
        ]

    async def _identify(self, request: Request) -> SignedIn | None:
        return self.people.get(request.cookies.get("session", ""))

    async def hire(self, name: str, *roles: Role, capacity: int = 2, presence: str = "online") -> SignedIn:
        person = SignedIn(
            secrets.token_hex(8), name, frozenset(roles), secrets.token_urlsafe(32), datetime.max.replace(tzinfo=UTC)
        )
        self.people[person.token] = person
        async with self.db.write() as connection:
            await connection.execute(
                insert(account).values(
                    id=person.account_id,
                    email=f"{person.account_id}@example.org",
                    name=name,
                    created_at=self.clock(),
                    capacity=capacity,
                    presence=presence,
                )
            )
            for role in roles:
                await connection.execute(insert(account_role).values(account_id=person.account_id, role=role))
        if presence == "online":
            await self.open_desk(person)
        return person

    async def open_desk(self, person: SignedIn, *, hours: float = 24) -> None:
        """They are there for so long, as if their desk were open."""
        lease = presence_lease.c.account_id == person.account_id
        async with self.db.write() as connection:
            await connection.execute(presence_lease.delete().where(lease))
            until = self.clock() + timedelta(hours=hours)
            row = {"account_id": person.account_id, "process": "test", "until": until}
            await connection.execute(insert(presence_lease).values(**row))

    def client(self, person: SignedIn | None = None) -> "Browser":
        transport = httpx.ASGITransport(
            Edge(self.app, self.app.state.site.settings, lambda: False), client=("192.0.2.7", 5000)
        )
        cookies = {"session": person.token} if person else {}
        return Browser(
            httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=cookies, headers={"origin": ORIGIN})
        )

    async def enquire(self, **changes: Any) -> str:
        """Start a conversation as an outside client does; its reference."""
        async with self.client() as ada:
            answered = await ada.post("/ask", {**ENQUIRY, **changes})
            assert answered.status_code == 303, answered.text
        async with self.db.read() as connection:
            newest = select(conversation.c.reference).order_by(conversation.c.id.desc()).limit(1)
            return str((await connection.execute(newest)).scalar_one())

    async def write_article(self, slug: str, title: str, **changes: Any) -> None:
        """Publish an article, or its next version."""
        given: dict[str, Any] = {
            "title": title,
            "summary": f"{title}, in short.",
            "audience": Audience.PUBLIC,
            "tags": ("recognising_risk",),
            "owner": "guidance-editor",
            "last_checked": date(2026, 11, 2),
            "review_by": date(2027, 5, 2),
            "sources": (),
            "markdown": title,
        }
        new = NewVersion(slug, ArticleText(**given | changes), f"<p>{title}</p>", None, self.clock())
        async with self.db.write() as connection:
            try:
                before = (await read_version(connection, slug)).version
                saved = await save(connection, new, before)
            except NotFound:
                saved = await create(connection, new)
            await publish(connection, self.audit, slug, saved.version, "system", self.clock())
        await self.library.refresh()

    async def set(self, name: str, value: str) -> None:
        async with self.db.write() as connection:
            await connection.execute(insert(setting).values(name=name, value=value))
        self.opening.forget()

    async def count(self, table: Any) -> int:
        async with self.db.read() as connection:
            return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


@dataclass
class Browser:
    """One person's cookies, and the form token that their pages carry."""

    http: httpx.AsyncClient

    async def __aenter__(self) -> "Browser":
        await self.http.__aenter__()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.http.aclose()

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=headers)

    async def token(self) -> str:
        page = await self.http.get("/desk" if "session" in self.http.cookies else "/ask?all=1&leave=1")
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found is not None
        return found.group(1)

    async def post(self, path: str, fields: dict[str, Any], *, token: str | None = None) -> httpx.Response:
        form = {**fields, "csrf_token": await self.token() if token is None else token}
        return await self.http.post(path, data=form)

    async def post_json(self, path: str, document: dict[str, Any]) -> httpx.Response:
        return await self.http.post(path, json=document, headers={"x-csrf-token": await self.token()})


@asynccontextmanager
async def opened(db: Database) -> AsyncIterator[House]:
    """A house that is open in office hours and whose log is being written."""
    house = House(db)
    async with db.write() as connection:
        weekdays = [{"weekday": one.weekday, "opens_minute": 570, "closes_minute": 1020} for one in DEFAULT_PERIODS]
        await connection.execute(insert(hours), weekdays)
    writer = asyncio.create_task(house.log.run())
    try:
        yield house
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)


def templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.globals |= {
        "_": lambda text: text,
        "now": datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
        "lang": "en",
        "build": 1,
        "service": {"name": "Dutyline", "phone": "0808 802 4040", "emergency_text": "Say where you are."},
    }
    environment.filters |= {
        "clock": lambda at: f"{at.astimezone(LONDON):%H:%M}",
        "day": lambda at: f"{at.astimezone(LONDON):%A}",
        "date": lambda day: f"{day:%d %B %Y}",
    }
    return environment


async def http_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    return refuse_http(request, problem)


def asset(name: str) -> str:
    return f"/static/test/{name}"


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def hidden_fields(page: str) -> dict[str, Any]:
    """The hidden inputs of the page's first form, as a browser would send them."""
    form = re.search(r"<form class=\"ask.*?</form>", page, re.S)
    assert form is not None, page
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.group()):
        found[name] = (
            [*found[name], value]
            if isinstance(found.get(name), list)
            else [found[name], value]
            if name in found
            else value
        )
    return found


def ids_of(page: str) -> Iterable[str]:
    return re.findall(r' id="([^"]+)"', page)
