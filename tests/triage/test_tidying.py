"""What has had its time goes, whatever else cannot be removed at the moment."""

import asyncio
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Table

from app.worker import Worker
from chat.tables import draft
from core.people import Role
from core.tables import throttle
from staff.tables import session
from tests.triage.house import House, status_of
from tests.waiting import until
from triage.board import Board


async def tidy_until(house: House, condition: Any) -> None:
    """A worker that leads."""
    nothing: Any = None
    board = Board(house.db, house.opening, house.clock)
    worker = Worker(
        house.db, house.audit, house.signals, nothing, nothing, nothing, board, nothing, nothing, house.clock
    )
    worker._leading.set()
    tidying = asyncio.create_task(worker._keep_tidy())
    try:
        await until(condition)
    finally:
        tidying.cancel()
        await asyncio.gather(tidying, return_exceptions=True)


@pytest.mark.parametrize("in_use", [throttle, draft], ids=lambda table: table.name)
async def test_what_is_in_the_way_of_one_is_not_in_the_way_of_the_other(postgres_house: House, in_use: Table) -> None:
    """`throttle` is needed to forget who signed in, `draft` to erase what was said."""
    house = postgres_house
    reference, cora = await house.enquire(), await house.hire("Cora", Role.ADVISOR)
    found = await house.conversations.by_reference(reference)
    assert found is not None
    await house.conversations.end(found, found.visitor, house.clock())
    async with house.db.write() as connection:
        await house.parts.sessions.start(connection, cora.account_id)
    house.clock.go_on(days=2)

    async def is_erased() -> bool:
        return await status_of(house, reference) == "erased"

    async def is_forgotten() -> bool:
        return await house.count(session) == 1

    async with await psycopg.AsyncConnection.connect(house.db.url) as other:
        await other.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(in_use.name)))
        await tidy_until(house, is_erased if in_use is throttle else is_forgotten)
