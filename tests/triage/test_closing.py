"""Closing time with people waiting: each is told, none is lost, and the questions are there to be answered."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import select, update

from app.worker import Worker
from chat.tables import conversation
from core.errors import Unavailable
from core.people import Role, SignedIn
from core.tables import audit, setting
from tests.triage.house import House, damage_key, status_of
from triage.closing import Closing


@pytest.fixture
def closing(house: House) -> Closing:
    return closing_of(house)


def closing_of(house: House) -> Closing:
    return Closing(house.db, house.log, house.opening, house.notices, house.audit, house.clock)


async def statuses(house: House) -> list[str]:
    async with house.db.read() as connection:
        return list((await connection.execute(select(conversation.c.status).order_by(conversation.c.id))).scalars())


async def test_nobody_is_moved_while_it_is_open(house: House, closing: Closing) -> None:
    await house.enquire()
    assert await closing.tick() == 0
    assert await statuses(house) == ["waiting"]


async def test_ten_who_wait_when_it_closes_are_told_and_kept(house: House, closing: Closing) -> None:
    sue = await house.hire("Sue", Role.SUPERVISOR)
    references = [await house.enquire() for _ in range(10)]
    house.clock.go_on(hours=5, minutes=1)
    assert await closing.tick() == 10
    assert await closing.tick() == 0
    assert await statuses(house) == ["question"] * 10
    (notice,) = await house.notices.unseen(sue.account_id)
    assert "(10)" in notice.text
    found = await house.conversations.by_reference(references[0])
    assert found is not None
    told = (await house.log.read(found.id))[-1]
    assert "We open tomorrow at 9:30am." in told.text
    assert (await house.queue.read()).places == ()
    async with house.db.read() as connection:
        kept = select(audit.c.subject).where(audit.c.action == "closed_unanswered")
        assert {row.subject for row in await connection.execute(kept)} == {f"conversation:{one}" for one in references}


async def test_one_that_cannot_be_opened_keeps_no_other(house: House, closing: Closing) -> None:
    """Nobody can be told anything in a conversation whose key is damaged; the others are."""
    sue = await house.hire("Sue", Role.SUPERVISOR)
    damaged, whole = await house.enquire(), await house.enquire()
    await damage_key(house, damaged)
    house.clock.go_on(hours=5, minutes=1)
    assert await closing.tick() == 1
    assert [await status_of(house, one) for one in (damaged, whole)] == ["waiting", "question"]
    assert len(await house.notices.unseen(sue.account_id)) == 1


async def test_supervisors_are_told_of_whom_a_round_that_breaks_off_has_kept(postgres_house: House) -> None:
    """The second is in use for longer than anybody waits for a row: the next look finds the first no more."""
    house = postgres_house
    sue = await house.hire("Sue", Role.SUPERVISOR)
    references = [await house.enquire() for _ in range(2)]
    house.clock.go_on(hours=5, minutes=1)
    async with await psycopg.AsyncConnection.connect(house.db.url) as other:
        await other.execute("SELECT 1 FROM conversation WHERE reference = %s FOR UPDATE", [references[1]])
        with pytest.raises(Unavailable):
            await closing_of(house).tick()
    assert await statuses(house) == ["question", "waiting"]
    (notice,) = await house.notices.unseen(sue.account_id)
    assert "(1)" in notice.text


async def test_nobody_is_sent_away_before_whoever_is_there_could_say_so(house: House, closing: Closing) -> None:
    """The database was away for longer than the leases of those who were at their desks all the time."""
    nothing: Any = None
    beside = (nothing, nothing, nothing)
    worker = Worker(house.db, house.audit, house.signals, house.router, house.reaper, closing, *beside, house.clock)
    worker._leading.set()
    await house.enquire()
    house.clock.go_on(hours=5, minutes=1)
    looks = 0
    while looks < 30 and await statuses(house) == ["waiting"]:
        await worker.lead()
        await worker._look()
        house.clock.go_on(seconds=5)
        looks += 1
    assert await statuses(house) == ["question"]
    # A desk renews its lease twice meanwhile.
    assert looks > 12


async def test_the_line_goes_on_for_half_an_hour_while_somebody_is_there(
    house: House, closing: Closing, cora: SignedIn
) -> None:
    await house.open_desk(cora)
    await house.enquire()
    house.clock.go_on(hours=5, minutes=29)
    assert await closing.tick() == 0
    house.clock.go_on(minutes=1)
    assert await closing.tick() == 1


async def test_a_line_that_was_closed_early_still_serves_who_waits(
    house: House, closing: Closing, cora: SignedIn
) -> None:
    await house.open_desk(cora)
    reference = await house.enquire()
    await house.set("line_open", "no")
    assert await closing.tick() == 0
    await house.claims.claim(reference, cora)
    assert await statuses(house) == ["active"]


async def test_who_waits_when_it_is_opened_again_is_not_sent_away(house: House, closing: Closing) -> None:
    """Opened by another process: this one has not heard of it yet."""
    await house.enquire()
    await house.set("line_open", "no")
    assert not (await house.opening.state()).open
    async with house.db.write() as connection:
        await connection.execute(update(setting).where(setting.c.name == "line_open").values(value="yes"))
    assert await closing.tick() == 0
    assert await statuses(house) == ["waiting"]


async def test_who_was_taken_at_the_last_moment_is_not_sent_away(
    house: House, closing: Closing, cora: SignedIn
) -> None:
    reference = await house.enquire()
    house.clock.go_on(hours=5, minutes=1)
    await house.claims.claim(reference, cora)
    assert await closing.tick() == 0
    assert await statuses(house) == ["active"]
