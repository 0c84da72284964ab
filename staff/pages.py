"""Signing in and out.

A wrong password and an address that nobody has get the same answer, after the same work. Each failure makes the next
try wait, by account and by network address; nobody is ever locked out for good. Signing in gives a new session, and the
one that the browser came with ends.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from core.audit import AuditLog
from core.clock import Clock, utc_now
from core.crypto import token_hash
from core.db import Database
from core.errors import RateLimited
from core.forms import field
from core.limits import Throttle, network_of
from core.people import Role
from core.web import account, clear_cookie, posted, render, say_when, see_other, set_cookie, site
from staff.accounts import Account, Accounts, fold_email
from staff.passwords import MOST_CHARACTERS, Passwords, Verdict
from staff.sessions import Sessions

FIRST_PAGES = {Role.ADVISOR: "/desk", Role.SUPERVISOR: "/desk", Role.EDITOR: "/editor", Role.ADMIN: "/account"}
"""Where an account begins: the first of these whose role it has."""

MOST_EMAIL = 254
LONGEST_PATH = 2_000
_LOCAL_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")

WRONG = "The e-mail address or the password is not right."


class SignInPages:
    """`/sign-in` and `/sign-out`."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        accounts: Accounts,
        sessions: Sessions,
        passwords: Passwords,
        throttle: Throttle,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._audit = audit
        self._accounts = accounts
        self._sessions = sessions
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock

    async def show_sign_in(self, request: Request) -> Response:
        person = await self._sessions.identify(request)
        path = local_path(request.query_params.get("next", ""))
        if person is not None:
            return see_other(path or first_page(person.roles))
        return _form(request, path)

    async def sign_in(self, request: Request) -> Response:
        form = posted(request)
        email, password, path = field(form, "email"), field(form, "password"), local_path(field(form, "next"))
        errors = _check_fields(email, password)
        if errors:
            return _form(request, path, email=email, errors=errors)
        keys = (f"account:{fold_email(email)}", f"address:{network_of(request)}")
        try:
            async with self._database.read() as connection:
                await self._throttle.check(connection, self._clock(), *keys)
            person = await self._accounts.by_email(email)
            may_enter = person is not None and not person.disabled
            verdict = await self._passwords.verify(person.password_hash if person and may_enter else None, password)
        except RateLimited as refusal:
            return _slow_down(request, path, email, refusal)
        if person is None or not verdict.right:
            await self._note_failure(person, keys)
            return _form(request, path, email=email, errors={"password": WRONG})
        return await self._open_session(request, person, verdict, keys, path or first_page(person.roles))

    async def sign_out(self, request: Request) -> Response:
        person = account(request)
        async with self._database.write() as connection:
            subject = f"account:{person.account_id}"
            await self._audit.append(connection, self._clock(), person.account_id, "signed_out", subject)
            await self._sessions.delete(connection, token_hash(person.token))
        self._sessions.changed(person.account_id)
        response = see_other("/sign-in?signed_out=1")
        clear_cookie(request, response, site(request).session_cookie)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    async def _note_failure(self, person: Account | None, keys: tuple[str, ...]) -> None:
        subject = f"account:{person.id if person else 'unknown'}"
        async with self._database.write() as connection:
            await self._audit.append(connection, self._clock(), "system", "sign_in_failed", subject)
            await self._throttle.failed(connection, self._clock(), *keys)

    async def _open_session(
        self, request: Request, person: Account, verdict: Verdict, keys: tuple[str, ...], path: str
    ) -> Response:
        """The last step of signing in, once everything that was asked for has been shown."""
        cookie = site(request).session_cookie
        planted = request.cookies.get(cookie, "")
        async with self._database.write() as connection:
            await self._audit.append(connection, self._clock(), person.id, "signed_in", f"account:{person.id}")
            await self._throttle.succeeded(connection, *keys)
            if verdict.fresh_hash is not None:
                await self._accounts.replace_hash(connection, person, verdict.fresh_hash)
            ended = await self._sessions.delete(connection, token_hash(planted)) if planted else None
            token, until = await self._sessions.start(connection, person.id)
        if ended is not None:
            self._sessions.changed(ended)
        response = see_other(path)
        set_cookie(request, response, cookie, token, until - self._clock())
        return response


def first_page(roles: frozenset[Role]) -> str:
    return next(path for role, path in FIRST_PAGES.items() if role in roles)


def local_path(text: str) -> str:
    """The path when it stays on this site, else nothing. Browsers read `//`, `\\` and control characters as ways out."""
    if len(text) > LONGEST_PATH or not _LOCAL_PATH.fullmatch(text) or "//" in text.partition("?")[0]:
        return ""
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or parts.path in ("/sign-in", "/sign-out"):
        return ""
    return text


def _check_fields(email: str, password: str) -> dict[str, str]:
    errors = {}
    if not email.strip():
        errors["email"] = "Enter your e-mail address."
    elif len(email) > MOST_EMAIL:
        errors["email"] = f"An e-mail address has at most {MOST_EMAIL} characters."
    if not password or len(password) > MOST_CHARACTERS:
        advice = f"A password has at most {MOST_CHARACTERS:,} characters." if password else "Enter your password."
        errors["password"] = advice
    return errors


def _form(
    request: Request, path: str, *, email: str = "", errors: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    return render(
        request,
        "staff/sign_in.html",
        status=422 if errors and status == 200 else status,
        email=email[:MOST_EMAIL],
        next=path,
        errors=errors or {},
        notice="You are signed out." if "signed_out" in request.query_params else None,
    )


def _slow_down(request: Request, path: str, email: str, refusal: RateLimited) -> Response:
    wait = f"Too many tries. Wait {refusal.retry_after_s} seconds and try again."
    return say_when(_form(request, path, email=email, errors={"password": wait}, status=429), refusal)
