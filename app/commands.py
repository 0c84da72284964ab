"""What the commands do that show or change data and then end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from rich.console import Console
from rich.table import Table

from app.migrations import check_migrated
from app.offline import Staff, command_settings, database_url, staff_of
from core.db import Database
from core.errors import NotFound
from core.people import Role
from staff.accounts import Account, NewAccount
from staff.passwords import check_new_password


async def add_account(
    environ: Mapping[str, str], email: str, name: str, roles: frozenset[Role], password: str
) -> Account:
    check_new_password(password)
    async with _staff(environ) as staff:
        password_hash = await staff.passwords.hash(password)
        return await staff.accounts.create(NewAccount(email, name, roles, password_hash))


async def print_accounts(environ: Mapping[str, str]) -> None:
    table = Table("E-mail", "Name", "Roles", "State", box=None)
    async with _staff(environ) as staff:
        for account in await staff.accounts.all():
            state = "disabled" if account.disabled else "demo" if account.demo else ""
            table.add_row(account.email, account.name, ", ".join(sorted(account.roles)), state)
    Console(soft_wrap=True, markup=False, highlight=False).print(table)


async def disable_account(environ: Mapping[str, str], email: str) -> None:
    async with _staff(environ) as staff:
        account = await staff.accounts.by_email(email)
        if account is None:
            raise NotFound("There is no account with this e-mail address. dutyline account list shows all.")
        await staff.accounts.disable(account.id)


@asynccontextmanager
async def _staff(environ: Mapping[str, str]) -> AsyncIterator[Staff]:
    settings = command_settings(environ)
    url = database_url(settings)
    check_migrated(url)
    database = Database(url)
    try:
        async with staff_of(settings, database) as staff:
            yield staff
    finally:
        await database.close()
