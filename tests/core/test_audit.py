"""The audit chain: what was done stays told, and a change of the past shows."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from core.audit import AuditLog
from core.clock import utc_now
from core.crypto import Signer
from core.db import Database
from core.tables import audit


@pytest.fixture
async def chain(database: Database, tmp_path: Path) -> AuditLog:
    """Three rows, as three actions of Sue's."""
    log = AuditLog(Signer(b"s" * 32))
    for number in range(3):
        async with database.write() as connection:
            await log.append(connection, utc_now(), "sue", "regrade", f"conversation:{number}", urgency="routine")
    return log


async def first_bad(log: AuditLog, database: Database) -> int | None:
    async with database.read() as connection:
        return await log.first_bad_row(connection)


async def test_an_untouched_chain_is_whole(chain: AuditLog, database: Database) -> None:
    assert await first_bad(chain, database) is None


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        (update(audit).where(audit.c.id == 2).values(actor="eve"), 2),
        (delete(audit).where(audit.c.id == 2), 3),
        (delete(audit).where(audit.c.id == 3), 3),
        (text("UPDATE audit SET data = '{}' WHERE id = 1"), 1),
        (text("UPDATE audit_head SET length = 2"), 4),
    ],
    ids=["edited", "removed", "tail cut", "data emptied", "head set back"],
)
async def test_tampering_shows(chain: AuditLog, database: Database, tampering: object, found: int) -> None:
    async with database.write() as connection:
        await connection.execute(tampering)  # type: ignore[call-overload]  # either kind of statement is executable
    assert await first_bad(chain, database) == found


async def test_another_key_fits_nothing(chain: AuditLog, database: Database) -> None:
    assert await first_bad(AuditLog(Signer(b"t" * 32)), database) == 1


async def test_the_first_rows_of_all_may_come_at_once(database: Database) -> None:
    log = AuditLog(Signer(b"s" * 32))

    async def act(number: int) -> None:
        async with database.write() as connection:
            await log.append(connection, utc_now(), "sue", "regrade", f"conversation:{number}")

    await asyncio.gather(*map(act, range(8)))
    async with database.read() as connection:
        assert len((await connection.execute(select(audit))).all()) == 8
    assert await first_bad(log, database) is None
