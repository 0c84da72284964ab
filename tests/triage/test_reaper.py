"""Who cannot be seen any longer: what they held goes back into the line, once, and never by mistake. On both databases."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from chat.conversations import Conversation
from chat.events import Author
from chat.session import Session
from chat.words import Side
from core.audit import AuditLog
from core.errors import AssignmentLost
from core.people import Role, SignedIn
from core.tables import audit
from core.troubles import troubles
from tests.triage.house import ENQUIRY, EPOCH, House, damage_key, status_of
from tests.triage.test_queue import advisor
from triage.claims import Claim
from triage.tables import presence_lease
from triage.urgency import REQUEUED_BONUS

LEFT = "conversation_left_as_it_is"


@pytest.fixture
async def steady(house: House) -> House:
    """A reaper that has looked long enough to act."""
    await look_for(house, seconds=76)
    return house


async def look_for(house: House, *, seconds: int) -> int:
    """The reaper looks every five seconds; how many conversations it put back."""
    count = await house.reaper.tick()
    for _ in range(seconds // 5):
        house.clock.go_on(seconds=5)
        count += await house.reaper.tick()
    house.clock.go_on(seconds=seconds % 5)
    return count + await house.reaper.tick()


async def last_seen_now(house: House, person: SignedIn) -> None:
    """Their desk says that it is there, for the last time."""
    await house.open_desk(person, hours=45 / 3600)


async def of(house: House, reference: str) -> Conversation:
    found = await house.conversations.by_reference(reference)
    assert found is not None
    return found


async def test_a_lost_advisors_visitor_goes_ahead(steady: House, cora: SignedIn) -> None:
    house, sue = steady, await steady.hire("Sue", Role.SUPERVISOR)
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    await last_seen_now(house, cora)
    assert await look_for(house, seconds=57) == 0
    assert (await of(house, reference)).advisor_id == cora.account_id
    assert await look_for(house, seconds=3) == 1
    found = await of(house, reference)
    assert (found.status, found.advisor_id, found.claim_epoch, found.requeues) == ("waiting", None, 2, 1)
    waiting_since_ms = found.waiting_since.timestamp() * 1000
    assert found.sort_key == waiting_since_ms - REQUEUED_BONUS / timedelta(milliseconds=1)
    last = (await house.log.read(found.id))[-1]
    assert (last.kind, last.author.kind, last.data) == ("requeued", Side.SYSTEM, {"reason": "advisor_lost"})
    assert [one.kind for one in await house.notices.unseen(cora.account_id)] == ["requeued"]
    told = await house.notices.unseen(sue.account_id)
    assert [one.text for one in told] == [
        f"Cora could not be reached any longer. {reference} went back into the line, ahead of the others."
    ]
    async with house.db.read() as connection:
        actions = [row.action for row in await connection.execute(select(audit).order_by(audit.c.id))]
        assert await AuditLog(house.signer).first_bad_row(connection) is None
    assert actions[-1] == "requeue"
    assert await look_for(house, seconds=20) == 0


async def test_the_visitor_is_told_and_is_next(steady: House, cora: SignedIn) -> None:
    house = steady
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        lost = (await house.queue.read()).places[0].reference
        await house.claims.claim(lost, cora)
        await last_seen_now(house, cora)
        await look_for(house, seconds=50)
        await house.enquire(deadline="today")
        await look_for(house, seconds=10)
        page = (await ada.get("/chat")).text
    assert "We lost your advisor. You go ahead of the line. You are next." in page


async def test_who_comes_back_in_time_keeps_it(steady: House, cora: SignedIn) -> None:
    house = steady
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    await last_seen_now(house, cora)
    await look_for(house, seconds=57)
    await house.open_desk(cora)
    assert await look_for(house, seconds=120) == 0
    await say(house, cora, reference)


async def test_who_comes_back_too_late_is_told_and_keeps_the_draft(
    steady: House, cora: SignedIn, dev: SignedIn
) -> None:
    house = steady
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    found = await of(house, reference)
    await house.drafts.keep(found.id, cora.account_id, "What I was about to say.")
    await last_seen_now(house, cora)
    await look_for(house, seconds=61)
    with pytest.raises(AssignmentLost):
        await say(house, cora, reference)
    await house.claims.claim(reference, dev)
    with pytest.raises(AssignmentLost):
        await say(house, cora, reference)
    await say(house, dev, reference)
    assert await house.drafts.of(found.id, cora.account_id) == "What I was about to say."
    async with house.client(cora) as desk:
        answered = await desk.post_json(f"/desk/conversations/{reference}/messages", {"id": str(uuid4()), "text": "x"})
        assert (answered.status_code, answered.json()["code"]) == (409, "assignment_lost")


async def test_who_writes_is_not_lost(steady: House, cora: SignedIn) -> None:
    house = steady
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    await last_seen_now(house, cora)
    await look_for(house, seconds=50)
    await say(house, cora, reference)
    assert await look_for(house, seconds=55) == 0
    assert await look_for(house, seconds=5) == 1


async def test_a_desk_on_a_cut_network_is_noticed_whatever_carries_it(steady: House, cora: SignedIn) -> None:
    """A stream stays open here when its reader is gone: what counts is when it was asked for."""
    house = steady
    leases = house.parts.leases
    async with house.db.write() as connection:
        await connection.execute(presence_lease.delete())
    async with house.client(cora) as desk:
        await desk.http.get("/desk/poll?wait=0")
    house.fanout.enter(Session(house.fanout, advisor(house, cora), EPOCH))
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    for _ in range(57):
        await leases.renew()
        assert await house.reaper.tick() == 0
        house.clock.go_on(seconds=1)
    await leases.renew()
    assert await look_for(house, seconds=2) == 1


async def test_who_has_just_taken_it_is_not_lost(steady: House, cora: SignedIn) -> None:
    house = steady
    await house.open_desk(cora, hours=0)
    await look_for(house, seconds=60)
    await house.claims.claim(await house.enquire(), cora)
    assert await look_for(house, seconds=55) == 0
    assert await look_for(house, seconds=5) == 1


async def test_nobody_is_lost_before_they_could_say_that_they_are_there(house: House, cora: SignedIn) -> None:
    """A new leader, or one that was suspended, or could not ask the database, waits first."""
    await house.claims.claim(await house.enquire(), cora)
    await house.open_desk(cora, hours=0)
    house.clock.go_on(minutes=10)
    assert await look_for(house, seconds=70) == 0
    house.clock.go_on(seconds=11)
    assert await look_for(house, seconds=70) == 0, "it had not looked for eleven seconds"
    house.reaper.freeze()
    assert await look_for(house, seconds=70) == 0, "the database had been away"
    house.clock.go_on(seconds=-30)
    assert await look_for(house, seconds=70) == 0, "the clock was set back"
    assert await look_for(house, seconds=10) == 1


async def test_fifty_open_chats_survive_whatever_redis_forgets(steady: House) -> None:
    """Leases lie in the database: there is nothing in Redis that could make anybody disappear."""
    house = steady
    advisors = [await house.hire(f"Advisor {number}", Role.ADVISOR, capacity=2) for number in range(25)]
    for person in advisors:
        for _ in range(2):
            await house.claims.claim(await house.enquire(), person)
    assert await look_for(house, seconds=300) == 0


async def test_reaper_and_return_at_once_leave_one_owner(steady: House, cora: SignedIn, dev: SignedIn) -> None:
    house = steady
    for _ in range(5):
        reference = await house.enquire()
        await house.claims.claim(reference, cora)
        await house.open_desk(cora, hours=0)
        await look_for(house, seconds=57)
        house.clock.go_on(seconds=2)
        counted, _, said, taken = await asyncio.gather(
            house.reaper.tick(),
            house.open_desk(cora),
            say(house, cora, reference),
            house.claims.claim(reference, dev),
            return_exceptions=True,
        )
        found = await of(house, reference)
        if counted == 0:
            assert found.advisor_id == cora.account_id
            assert not isinstance(said, Exception)
            assert isinstance(taken, Exception)
        else:
            assert found.advisor_id == (dev.account_id if isinstance(taken, Claim) else None)
        await house.conversations.end(found, found.visitor, house.clock())


async def test_two_reapers_put_it_back_once(steady: House, cora: SignedIn) -> None:
    house = steady
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    await last_seen_now(house, cora)
    await look_for(house, seconds=57)
    house.clock.go_on(seconds=3)
    assert sum(await asyncio.gather(*(house.reaper.tick() for _ in range(4)))) == 1
    found = await of(house, reference)
    assert (found.claim_epoch, found.requeues) == (2, 1)


async def test_one_that_cannot_be_opened_keeps_no_other(steady: House, cora: SignedIn) -> None:
    """Its key is damaged: nothing can be written in it, so it stays where it is."""
    house = steady
    damaged, whole = await house.enquire(), await house.enquire()
    for reference in (damaged, whole):
        await house.claims.claim(reference, cora)
    await damage_key(house, damaged)
    await last_seen_now(house, cora)
    before = troubles.counts[LEFT]
    assert await look_for(house, seconds=60) == 1
    assert (await of(house, whole)).status == "waiting"
    assert await status_of(house, damaged) == "active"
    assert troubles.counts[LEFT] > before


async def say(house: House, person: SignedIn, reference: str) -> None:
    found = await of(house, reference)
    author = Author(Side.ADVISOR, person.account_id, person.name)
    await house.log.say(found.id, author, "Are you still there?", uuid4())
