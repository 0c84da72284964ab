"""Accounts of the people who work here, and the roles that open doors to them.

An e-mail address names one account, in whatever case it is typed. An account is never deleted: what it did stays on
record; it is disabled, which ends its sessions in the same transaction.
"""

import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit import AuditLog
from core.clock import Clock, utc_now
from core.db import Database
from core.errors import InvalidText, NotAllowed, NotFound, Refusal
from core.people import Role
from core.text import check_line
from staff.sessions import Sessions
from staff.tables import account, account_role

MOST_EMAIL = 254
MOST_NAME = 80
_EMAIL = re.compile(r"[^\s@\x00-\x1f]{1,64}@[^\s@\x00-\x1f]{1,255}")

BY_COMMAND = "system"


class EmailTaken(Refusal):
    code, status = "email_taken", 409
    message = "There is already an account with this e-mail address."


class LastAdmin(Refusal):
    code, status = "last_admin", 409
    message = "This is the last admin. Make somebody else an admin first."


@dataclass(frozen=True, slots=True)
class Account:
    """One person who may sign in."""

    id: str
    email: str
    name: str
    roles: frozenset[Role]
    disabled: bool
    demo: bool
    created_at: datetime
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account is made of. `password_hash` comes from staff.passwords; without it, only single sign-on lets in."""

    email: str
    name: str
    roles: frozenset[Role]
    password_hash: str | None
    demo: bool = False


class Accounts:
    """Every change is one transaction with its line in the audit chain."""

    def __init__(self, database: Database, audit: AuditLog, sessions: Sessions, clock: Clock = utc_now) -> None:
        self._database = database
        self._audit = audit
        self._sessions = sessions
        self._clock = clock

    async def create(self, new: NewAccount, by: str = BY_COMMAND) -> Account:
        """Raises EmailTaken, and the refusals of check_email, check_line and check_roles."""
        email, name, roles = check_email(new.email), check_line(new.name, MOST_NAME), check_roles(new.roles)
        now, account_id = self._clock(), secrets.token_hex(16)
        values = {"id": account_id, "email": email, "name": name, "password_hash": new.password_hash, "demo": new.demo}
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(account).values(created_at=now, **values))
                await _write_roles(connection, account_id, roles)
                granted = " ".join(sorted(roles))
                await self._audit.append(connection, now, by, "account_created", f"account:{account_id}", roles=granted)
        except IntegrityError:
            raise EmailTaken from None
        return Account(account_id, email, name, roles, False, new.demo, now, new.password_hash)

    async def by_email(self, email: str) -> Account | None:
        return await self._one(select(account).where(account.c.email == fold_email(email)))

    async def by_id(self, account_id: str) -> Account | None:
        return await self._one(select(account).where(account.c.id == account_id))

    async def all(self) -> list[Account]:
        """Everybody, by name."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(account).order_by(account.c.name, account.c.id))).all()
            granted = (await connection.execute(select(account_role))).all()
        return [_account(row, (grant.role for grant in granted if grant.account_id == row.id)) for row in rows]

    async def has_demo(self) -> bool:
        async with self._database.read() as connection:
            return bool((await connection.execute(select(exists().where(account.c.demo)))).scalar())

    async def set_roles(self, account_id: str, roles: Iterable[Role], by: str = BY_COMMAND) -> None:
        """Replace the roles. Sessions are looked up again at once, so that a role that was taken closes its doors."""
        granted = check_roles(roles)
        now = self._clock()
        async with self._database.write() as connection:
            await _access_account(connection, account_id)
            # This line holds the audit chain until the commit, so that two last admins never take each other's role at once.
            await self._audit.append(
                connection, now, by, "roles_changed", f"account:{account_id}", roles=" ".join(sorted(granted))
            )
            admins = await _count_admins(connection)
            await connection.execute(delete(account_role).where(account_role.c.account_id == account_id))
            await _write_roles(connection, account_id, granted)
            if admins and not await _count_admins(connection):
                raise LastAdmin
        self._sessions.changed(account_id)

    async def set_password(self, account_id: str, password_hash: str, by: str = BY_COMMAND, keep: str = "") -> None:
        """Every other session ends; `keep` is the token of the one that asked."""
        now = self._clock()
        async with self._database.write() as connection:
            await _access_account(connection, account_id)
            await self._audit.append(connection, now, by, "password_changed", f"account:{account_id}")
            await connection.execute(
                update(account).where(account.c.id == account_id).values(password_hash=password_hash)
            )
            await self._sessions.delete_all(connection, account_id, but=keep)
        self._sessions.changed(account_id)

    async def replace_hash(self, connection: AsyncConnection, person: Account, password_hash: str) -> None:
        """The same password under newer parameters. Not over a password that was changed in the meantime."""
        same = (account.c.id == person.id, account.c.password_hash == person.password_hash)
        await connection.execute(update(account).where(*same).values(password_hash=password_hash))

    async def disable(self, account_id: str, by: str = BY_COMMAND) -> None:
        now = self._clock()
        async with self._database.write() as connection:
            await _access_account(connection, account_id)
            await self._audit.append(connection, now, by, "account_disabled", f"account:{account_id}")
            admins = await _count_admins(connection)
            await connection.execute(update(account).where(account.c.id == account_id).values(disabled=True))
            await self._sessions.delete_all(connection, account_id)
            if admins and not await _count_admins(connection):
                raise LastAdmin
        self._sessions.changed(account_id)

    async def enable(self, account_id: str, by: str = BY_COMMAND) -> None:
        now = self._clock()
        async with self._database.write() as connection:
            await _access_account(connection, account_id)
            await self._audit.append(connection, now, by, "account_enabled", f"account:{account_id}")
            await connection.execute(update(account).where(account.c.id == account_id).values(disabled=False))

    async def _one(self, query: "Select[Any]") -> Account | None:
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            roles = select(account_role.c.role).where(account_role.c.account_id == row.id)
            return _account(row, (await connection.execute(roles)).scalars())


def fold_email(email: str) -> str:
    """The one form under which an address is stored and looked up."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def check_email(email: str) -> str:
    folded = fold_email(email)
    if len(folded) > MOST_EMAIL or not _EMAIL.fullmatch(folded) or not folded.isprintable():
        raise InvalidText("Enter an e-mail address, such as name@example.org.")
    return folded


def check_roles(roles: Iterable[Role]) -> frozenset[Role]:
    """At least one: an account without a role could sign in and see nothing."""
    granted = frozenset(Role(role) for role in roles)
    if not granted:
        raise NotAllowed("Give the account at least one role.")
    return granted


async def _access_account(connection: AsyncConnection, account_id: str) -> None:
    if (await connection.execute(select(account.c.id).where(account.c.id == account_id))).one_or_none() is None:
        raise NotFound


async def _count_admins(connection: AsyncConnection) -> int:
    query = select(func.count()).select_from(account.join(account_role))
    found = await connection.execute(query.where(account_role.c.role == Role.ADMIN, ~account.c.disabled))
    return found.scalar_one()


async def _write_roles(connection: AsyncConnection, account_id: str, roles: frozenset[Role]) -> None:
    rows = [{"account_id": account_id, "role": str(role)} for role in sorted(roles)]
    await connection.execute(insert(account_role), rows)


def _account(row: Any, roles: Iterable[str]) -> Account:
    granted = frozenset(Role(role) for role in roles)
    return Account(row.id, row.email, row.name, granted, row.disabled, row.demo, row.created_at, row.password_hash)
