"""One's own account: name and roles, where one is signed in, and the password.

Nobody reaches another account from here: every change is made to the account behind the request. A wrong current password
counts as a failed sign-in, so that a screen left open is no way to guess it.
"""

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from core.audit import AuditLog
from core.clock import Clock, utc_now
from core.db import Database
from core.errors import NotFound, RateLimited, Refusal
from core.forms import field
from core.limits import Throttle
from core.people import Role
from core.web import account, posted, render, say_when, see_other
from staff.accounts import Account, Accounts
from staff.passwords import MOST_CHARACTERS, Passwords, check_new_password
from staff.sessions import Sessions, session_number

ROLES = {Role.ADVISOR: "Advisor", Role.SUPERVISOR: "Supervisor", Role.EDITOR: "Editor", Role.ADMIN: "Admin"}

SAID = {
    "ended": "That sign-in has ended.",
    "others": "Every other sign-in has ended.",
    "password": "Your password is changed. Every other sign-in has ended.",
}
"""What the last action led to, by the word in the address."""

MISSING = "Enter the password that you have now."
WRONG = "This is not your password."
SAME = "This is the password that you have. Choose another one."


class AccountPages:
    """`/account` and its forms."""

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

    async def show(self, request: Request) -> Response:
        return await self._page(request, message=SAID.get(request.query_params.get("said", "")))

    async def end_session(self, request: Request) -> Response:
        """End one of one's own sign-ins; one that has ended already stays ended."""
        person, number = account(request), request.path_params["number"]
        async with self._database.write() as connection:
            if await self._sessions.delete_number(connection, person.account_id, number):
                await self._tell(request, connection, "session_ended")
        self._sessions.changed(person.account_id)
        return see_other("/account?said=ended")

    async def end_others(self, request: Request) -> Response:
        person = account(request)
        async with self._database.write() as connection:
            await self._sessions.delete_all(connection, person.account_id, but=person.token)
            await self._tell(request, connection, "other_sessions_ended")
        self._sessions.changed(person.account_id)
        return see_other("/account?said=others")

    async def change_password(self, request: Request) -> Response:
        me, form = await self._me(request), posted(request)
        current, new = field(form, "password"), field(form, "new_password")
        errors = _check_fields(current, new)
        if errors:
            return await self._page(request, errors)
        key = f"account:{me.email}"
        try:
            async with self._database.read() as connection:
                await self._throttle.check(connection, self._clock(), key)
            verdict = await self._passwords.verify(me.password_hash, current)
        except RateLimited as refusal:
            return await self._slow_down(request, refusal)
        if not verdict.right:
            async with self._database.write() as connection:
                await self._tell(request, connection, "password_refused")
                await self._throttle.failed(connection, self._clock(), key)
            return await self._page(request, {"password": WRONG})
        async with self._database.write() as connection:
            await self._throttle.succeeded(connection, key)
        new_hash = await self._passwords.hash(new)
        await self._accounts.set_password(me.id, new_hash, by=me.id, keep=account(request).token)
        return see_other("/account?said=password")

    async def _me(self, request: Request) -> Account:
        me = await self._accounts.by_id(account(request).account_id)
        if me is None:
            raise NotFound
        return me

    async def _tell(self, request: Request, connection: AsyncConnection, action: str) -> None:
        me = account(request).account_id
        await self._audit.append(connection, self._clock(), me, action, f"account:{me}")

    async def _page(
        self, request: Request, errors: dict[str, str] | None = None, *, status: int = 0, message: str | None = None
    ) -> Response:
        me, person = await self._me(request), account(request)
        return render(
            request,
            "staff/account.html",
            status=status or (422 if errors else 200),
            email=me.email,
            roles=[words for role, words in ROLES.items() if role in person.roles],
            sessions=await self._sessions.of_account(person.account_id),
            this=session_number(person.token),
            errors=errors or {},
            message=message,
        )

    async def _slow_down(self, request: Request, refusal: RateLimited) -> Response:
        wait = f"Too many tries. Wait {refusal.retry_after_s} seconds and try again."
        return say_when(await self._page(request, {"password": wait}, status=429), refusal)


def _check_fields(current: str, new: str) -> dict[str, str]:
    errors = {}
    if not current or len(current) > MOST_CHARACTERS:
        errors["password"] = WRONG if current else MISSING
    try:
        check_new_password(new)
    except Refusal as refusal:
        errors["new_password"] = refusal.text
    if not errors and current == new:
        errors["new_password"] = SAME
    return errors
