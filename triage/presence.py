"""What advisors say of themselves: online, busy or away, and how many conversations they hold at once.

The row of the account is the truth for claims, which lock it. It says what somebody wants; that they are there is a
lease (`triage.leases`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.db import Database
from core.tables import setting
from staff.tables import account
from triage.notices import Notices
from triage.offers import Offers, can_be_offered, withdraw_of_account
from triage.words import Presence

LEAST_CAPACITY = 1
MOST_CAPACITY = 6


@dataclass(frozen=True, slots=True)
class OnDuty:
    state: Presence
    capacity: int


class Presences:
    def __init__(self, db: Database, clock: Clock, offers: Offers, notices: Notices) -> None:
        self._db = db
        self._clock = clock
        self._offers = offers
        self._notices = notices

    async def of(self, account_id: str) -> OnDuty:
        async with self._db.read() as connection:
            query = select(account.c.presence, account.c.capacity).where(account.c.id == account_id)
            row = (await connection.execute(query)).one()
        return OnDuty(Presence(row.presence), row.capacity)

    async def ceiling(self) -> int:
        """The most conversations an advisor may hold at once, as an admin set it."""
        async with self._db.read() as connection:
            return await _ceiling(connection)

    async def change(self, account_id: str, state: Presence | None, capacity: int | None) -> OnDuty:
        """What is None stays. A number above the ceiling becomes the ceiling."""
        now = self._clock()
        async with self._db.write() as connection:
            query = select(account.c.presence, account.c.capacity).where(account.c.id == account_id)
            row = (await connection.execute(query.with_for_update(key_share=True))).one()
            chosen = OnDuty(
                state or Presence(row.presence),
                min(capacity, await _ceiling(connection)) if capacity else row.capacity,
            )
            values: dict[str, Any] = {"presence": chosen.state, "capacity": chosen.capacity, "missed": 0}
            if chosen.state != row.presence:
                values["presence_since"] = now
                if chosen.state == Presence.ONLINE:
                    values["idle_since"] = now
                    # It says what to do, and that is done now.
                    await self._notices.settle(connection, account_id, "set_away")
            await connection.execute(update(account).where(account.c.id == account_id).values(**values))
            if chosen.state != Presence.ONLINE:
                await withdraw_of_account(connection, account_id, now)
        self._offers.changed([account_id])
        self._notices.told(account_id)
        return chosen


async def count_online(connection: AsyncConnection, now: datetime) -> int:
    """Advisors who say that they take conversations, and are there."""
    query = select(func.count()).select_from(account).where(*can_be_offered(now))
    return (await connection.execute(query)).scalar_one()


async def _ceiling(connection: AsyncConnection) -> int:
    query = select(setting.c.value).where(setting.c.name == "most_capacity")
    value = (await connection.execute(query)).scalar_one_or_none()
    return min(max(int(value), LEAST_CAPACITY), MOST_CAPACITY) if value and value.isdecimal() else MOST_CAPACITY
