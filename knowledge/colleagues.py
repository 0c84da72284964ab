"""The names of editors, as the pages of guidance need them; accounts themselves belong to another part."""

from dataclasses import dataclass

from sqlalchemy import Boolean, column, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from core.people import Role

account = table("account", column("id"), column("name"), column("disabled", Boolean))
account_role = table("account_role", column("account_id"), column("role"))


@dataclass(frozen=True, slots=True)
class Colleague:
    id: str
    name: str


async def other_editors(connection: AsyncConnection, account_id: str) -> list[Colleague]:
    """Who may be asked to look at a draft, by name."""
    query = (
        select(account.c.id, account.c.name)
        .join(account_role, account_role.c.account_id == account.c.id)
        .where(account_role.c.role == Role.EDITOR, ~account.c.disabled, account.c.id != account_id)
        .order_by(account.c.name, account.c.id)
    )
    return [Colleague(row.id, row.name) for row in await connection.execute(query)]


async def is_editor(connection: AsyncConnection, account_id: str) -> bool:
    return any(colleague.id == account_id for colleague in await other_editors(connection, ""))


async def author_name(connection: AsyncConnection, account_id: str | None) -> str:
    name = await connection.scalar(select(account.c.name).where(account.c.id == account_id)) if account_id else None
    return str(name) if name else "An import"
