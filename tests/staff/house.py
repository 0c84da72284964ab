"""A small service with the real doors, edge, sessions and sign-in, and one page for each role.

Its templates only show what a page was given, so that these tests hold whatever the pages look like.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx
from jinja2 import DictLoader, Environment, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from core.audit import AuditLog
from core.crypto import Signer
from core.db import Database
from core.doors import PUBLIC, SIGNED_IN, Door, roles
from core.edge import Edge
from core.limits import Throttle
from core.people import Role
from core.settings import read_settings
from core.signals import Signals, open_redis
from core.web import Site, account, refuse_http, render
from staff.account_pages import AccountPages
from staff.accounts import Account, Accounts, NewAccount
from staff.pages import SignInPages
from staff.passwords import Passwords
from staff.sessions import Sessions

URL = "http://127.0.0.1:8000"
PASSWORD = "cora rides a green bicycle"

TEMPLATES = {
    "staff/sign_in.html": (
        "<h1>Sign in</h1>{% for name, advice in errors.items() %}<p class=error>{{ name }}: {{ advice }}</p>{% endfor %}"
        "<form method=post><input name=csrf_token value='{{ csrf_token }}'><input name=email value='{{ email }}'>"
        "<input name=next value='{{ next }}'></form>"
    ),
    "staff/account.html": (
        "<p>{{ account.name }}, {{ email }}, {{ roles|join(' ') }}</p>"
        "{% for one in sessions %}<p>session: {{ one.number }} {{ 'this' if one.number == this else 'other' }}</p>{% endfor %}"
        "{% for name, advice in errors.items() %}<p>{{ name }}: {{ advice }}</p>{% endfor %}"
        "<form><input name=csrf_token value='{{ csrf_token }}'></form>{{ message or '' }}"
    ),
    "public/error.html": "<h1>{{ heading }}</h1><p>{{ advice }}</p>",
    "page.html": "<p>Hello {{ account.name }}</p><input name=csrf_token value='{{ csrf_token }}'>",
}

STAFF = {
    "cora": ("Cora Hughes", Role.ADVISOR),
    "sue": ("Sue Grant", Role.SUPERVISOR),
    "eve": ("Eve Martin", Role.EDITOR),
    "alf": ("Alf Reid", Role.ADMIN),
}


class TestClock:
    """The time, moved by hand."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class House:
    """The service, and who works there."""

    app: Edge
    database: Database
    sessions: Sessions
    accounts: Accounts
    audit: AuditLog
    signals: Signals
    clock: TestClock
    people: dict[str, Account] = field(default_factory=dict)

    def browser(self, address: str = "192.0.2.1") -> httpx.AsyncClient:
        """A browser that has seen nothing yet."""
        transport = httpx.ASGITransport(self.app, client=(address, 50_000))
        return httpx.AsyncClient(transport=transport, base_url=URL, headers={"Origin": URL})

    async def signed_in(self, name: str) -> httpx.AsyncClient:
        browser = self.browser()
        assert (await sign_in(browser, f"{name}@example.org")).status_code == 303
        return browser


def field_value(page: str, name: str) -> str:
    """The value of the named field of a form."""
    return unescape(page.partition(f"name={name} value='")[2].partition("'")[0])


async def sign_in(browser: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    token = field_value((await browser.get("/sign-in")).text, "csrf_token")
    return await browser.post("/sign-in", data={"csrf_token": token, "email": email, "password": password, **more})


@asynccontextmanager
async def open_house(
    database: Database, redis_url: str, passwords: Passwords, password_hash: str
) -> AsyncIterator[House]:
    settings = read_settings({"PORT": "8000"}, demo=True)
    clock, signer, redis = TestClock(), Signer(secrets.token_bytes(32)), open_redis(redis_url)
    audit = AuditLog(signer)
    signals = Signals(redis, "test")
    sessions = Sessions(database, signals, "session", clock)
    accounts = Accounts(database, audit, sessions, clock)
    throttle = Throttle(signer)
    pages = SignInPages(database, audit, accounts, sessions, passwords, throttle, clock)
    own = AccountPages(database, audit, accounts, sessions, passwords, throttle, clock)
    app = Starlette(
        routes=[
            Door("/sign-in", pages.show_sign_in, PUBLIC).route(),
            Door("/sign-in", pages.sign_in, PUBLIC, ("POST",)).route(),
            Door("/sign-out", pages.sign_out, SIGNED_IN, ("POST",)).route(),
            Door("/account", own.show, SIGNED_IN).route(),
            Door("/account/password", own.change_password, SIGNED_IN, ("POST",)).route(),
            Door("/account/sessions/end", own.end_others, SIGNED_IN, ("POST",)).route(),
            Door("/account/sessions/{number}/end", own.end_session, SIGNED_IN, ("POST",)).route(),
            Door("/desk", show_name, roles(Role.ADVISOR)).route(),
            Door("/desk/anything", show_name, roles(Role.ADVISOR), ("POST",)).route(),
            Door("/supervise", show_name, roles(Role.SUPERVISOR)).route(),
            Door("/editor", show_name, roles(Role.EDITOR)).route(),
            Door("/admin", show_name, roles(Role.ADMIN)).route(),
        ],
        exception_handlers={HTTPException: in_our_words},
    )
    templates = Environment(loader=DictLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    app.state.site = Site(settings, signer, templates, lambda name: f"/static/{name}")
    app.state.identify = sessions.identify
    edge = Edge(app, settings, lambda: False, lambda _, refusal: PlainTextResponse(refusal.text, refusal.status))
    house = House(edge, database, sessions, accounts, audit, signals, clock)
    for name, (full_name, role) in STAFF.items():
        new = NewAccount(f"{name}@example.org", full_name, frozenset({role}), password_hash)
        house.people[name] = await accounts.create(new)
    yield house
    await redis.aclose()


async def show_name(request: Request) -> Response:
    if request.method == "POST":
        return PlainTextResponse(account(request).name)
    return render(request, "page.html")


async def in_our_words(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    return refuse_http(request, problem)
