"""Who else has the page of an article open. It is said and never stops anybody; two texts are kept apart by the save itself.

A lease begins when the page is loaded or posted and runs out by itself. Where scripts run the page renews it twice a
minute, and then a closed page is over after a minute and a half; without them it lasts ten minutes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import LONDON
from core.db import Instant
from knowledge.colleagues import account
from knowledge.tables import editing_lease

WITHOUT_SCRIPTS = timedelta(minutes=10)
RENEWED = timedelta(seconds=90)

# `since` stays while the lease has not run out.
OPENED = text(
    "INSERT INTO editing_lease (article_id, account_id, since, until) VALUES (:article_id, :account_id, :now, :until)"
    " ON CONFLICT (article_id, account_id) DO UPDATE SET until = excluded.until,"
    " since = CASE WHEN editing_lease.until < excluded.since THEN excluded.since ELSE editing_lease.since END"
).bindparams(bindparam("now", type_=Instant), bindparam("until", type_=Instant))


@dataclass(frozen=True, slots=True)
class OpenElsewhere:
    name: str
    since: datetime

    @property
    def sentence(self) -> str:
        return f"{self.name} has this open, since {self.since.astimezone(LONDON):%H:%M}."


async def open_page(
    connection: AsyncConnection, article_id: int, account_id: str, now: datetime, span: timedelta = WITHOUT_SCRIPTS
) -> None:
    """This account has the article open."""
    await connection.execute(
        OPENED, {"article_id": article_id, "account_id": account_id, "now": now, "until": now + span}
    )
    await connection.execute(delete(editing_lease).where(editing_lease.c.until < now))


async def leave_page(connection: AsyncConnection, article_id: int, account_id: str) -> None:
    mine = (editing_lease.c.article_id == article_id, editing_lease.c.account_id == account_id)
    await connection.execute(delete(editing_lease).where(*mine))


async def others(connection: AsyncConnection, article_id: int, account_id: str, now: datetime) -> list[OpenElsewhere]:
    """Who else has it open, the longest first."""
    query = (
        select(account.c.name, editing_lease.c.since)
        .join(account, account.c.id == editing_lease.c.account_id)
        .where(editing_lease.c.article_id == article_id, editing_lease.c.account_id != account_id)
        .where(editing_lease.c.until >= now)
        .order_by(editing_lease.c.since, account.c.name)
        .limit(10)
    )
    return [OpenElsewhere(row.name, row.since) for row in await connection.execute(query)]
