"""Offers through the door and by the router: one at a time, to the right advisor, and what becomes of each. On both databases."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from chat.frames import Hello
from chat.session import Session
from chat.tables import conversation
from core.errors import AlreadyTaken
from core.people import Role, SignedIn
from core.tables import audit
from staff.tables import account
from tests.triage.house import EPOCH, FixedClock, House
from tests.triage.test_queue import Watcher, advisor
from triage.claims import Claim
from triage.desk_frames import DeskFrames
from triage.notices import Notice
from triage.offers import Offers
from triage.router import Router
from triage.tables import account_skill, offer
from triage.times import Times


@pytest.fixture
async def dev(house: House, cora: SignedIn) -> SignedIn:
    """Dev has just taken something: of the two, Cora is asked first."""
    person = await house.hire("Dev", Role.ADVISOR)
    async with house.db.write() as connection:
        mine = update(account).where(account.c.id == person.account_id)
        await connection.execute(mine.values(idle_since=house.clock()))
    return person


async def offers_of(house: House) -> list[tuple[str, str]]:
    """Whom, and what became of it, in the order they were made."""
    query = select(account.c.name, offer.c.outcome).join(account, account.c.id == offer.c.account_id)
    async with house.db.read() as connection:
        return [(row.name, row.outcome) for row in await connection.execute(query.order_by(offer.c.id))]


async def row_of(house: House, person: SignedIn) -> Any:
    async with house.db.read() as connection:
        return (await connection.execute(select(account).where(account.c.id == person.account_id))).one()


async def let_it_go_by(house: House) -> None:
    house.clock.go_on(seconds=26)
    await house.router.tick()


async def test_the_front_is_held_out_with_its_reason(house: House, cora: SignedIn) -> None:
    for _ in range(2):
        await house.enquire()
    house.clock.go_on(minutes=4)
    reference = await house.enquire(deadline="today", risk_flags="stalking")
    house.clock.go_on(minutes=4)
    assert await house.router.tick() == 1
    held_out = await house.offers.open_of(cora.account_id)
    assert held_out is not None
    assert held_out.reference == reference
    async with house.client(cora) as desk:
        page = (await desk.get("/desk")).text
    assert "Same-day, waiting 4 min; ahead of 2 routine" in page
    assert "Probation or prisons, Cleveland: Recognising and describing risk." in page
    assert "first supervision session" not in page, "what the visitor wrote is for whoever takes it"


async def test_each_conversation_and_each_advisor_have_one_open_offer(
    house: House, cora: SignedIn, dev: SignedIn
) -> None:
    for _ in range(5):
        await house.enquire()
    await asyncio.gather(*(house.router.tick() for _ in range(4)))
    assert sorted(await offers_of(house)) == [("Cora", "open"), ("Dev", "open")]


async def test_accepting_takes_it_and_ends_the_offer(house: House, cora: SignedIn, dev: SignedIn) -> None:
    reference = await house.enquire()
    await house.router.tick()
    async with house.client(cora) as desk:
        answered = await desk.post_json(f"/desk/conversations/{reference}/accept", {})
    assert answered.json()["conversation"] == reference
    assert await offers_of(house) == [("Cora", "accepted")]
    found = await house.conversations.by_reference(reference)
    assert found is not None
    assert found.advisor_id == cora.account_id
    assert await house.router.tick() == 0


async def test_passing_on_asks_the_next_and_not_the_same_again(house: House, cora: SignedIn, dev: SignedIn) -> None:
    reference = await house.enquire()
    await house.router.tick()
    async with house.client(cora) as desk:
        await desk.post(f"/desk/conversations/{reference}/decline", {})
    await house.router.tick()
    assert await offers_of(house) == [("Cora", "declined"), ("Dev", "open")]
    await let_it_go_by(house)
    assert await offers_of(house) == [("Cora", "declined"), ("Dev", "missed")]
    house.clock.go_on(seconds=31)
    await house.router.tick()
    assert (await offers_of(house))[2:] == [("Cora", "open")], "when everybody has passed it on they are asked again"


async def test_what_nobody_answers_goes_on_to_the_next(house: House, cora: SignedIn, dev: SignedIn) -> None:
    await house.enquire()
    await house.router.tick()
    house.clock.go_on(seconds=24)
    await house.router.tick()
    assert await offers_of(house) == [("Cora", "open")]
    await let_it_go_by(house)
    assert await offers_of(house) == [("Cora", "missed"), ("Dev", "open")]
    assert (await row_of(house, cora)).missed == 1


async def test_three_that_go_by_set_the_advisor_away_and_tell(house: House, cora: SignedIn) -> None:
    sue = await house.hire("Sue", Role.SUPERVISOR)
    for _ in range(3):
        await house.enquire()
    await house.router.tick()
    for _ in range(3):
        await let_it_go_by(house)
    assert [outcome for _, outcome in await offers_of(house)] == ["missed"] * 3
    assert (await row_of(house, cora)).presence == "away"
    assert [one.text for one in await house.notices.unseen(sue.account_id)] == [
        "Cora let 3 offers go by and was set to away."
    ]
    async with house.db.read() as connection:
        actions = [row.action for row in await connection.execute(select(audit).order_by(audit.c.id))]
    assert actions[-1] == "set_away"
    async with house.client(cora) as desk:
        assert "Go online when you are back." in (await desk.get("/desk")).text
        await desk.post("/desk/presence", {"state": "busy"})
        assert "Go online when you are back." in (await desk.get("/desk")).text
        await desk.post("/desk/presence", {"state": "online"})
        assert "Go online when you are back." not in (await desk.get("/desk")).text, "she is back"
        token = await desk.token()
        assert (await desk.post("/desk/notices/seen", {}, token=token)).status_code == 303
    assert await house.notices.unseen(cora.account_id) == []
    assert await house.notices.unseen(sue.account_id) != [], "what one has read the other has not"


async def test_an_answer_starts_the_count_again(house: House, cora: SignedIn) -> None:
    for _ in range(3):
        await house.enquire()
    await house.router.tick()
    for _ in range(2):
        await let_it_go_by(house)
    held_out = await house.offers.open_of(cora.account_id)
    assert held_out is not None
    await house.claims.claim(held_out.reference, cora)
    assert (await row_of(house, cora)).missed == 0


async def test_an_expired_offer_may_still_be_accepted_while_nobody_has_it(
    house: House, cora: SignedIn, dev: SignedIn
) -> None:
    reference = await house.enquire()
    await house.router.tick()
    await let_it_go_by(house)
    assert not (await house.claims.claim(reference, cora)).again
    assert await offers_of(house) == [("Cora", "missed"), ("Dev", "withdrawn")]


async def test_an_offer_is_no_lock(house: House, cora: SignedIn, dev: SignedIn) -> None:
    reference = await house.enquire()
    await house.router.tick()
    await house.claims.claim(reference, dev)
    assert await offers_of(house) == [("Cora", "withdrawn")]
    with pytest.raises(AlreadyTaken):
        await house.claims.claim(reference, cora)


async def test_take_next_leaves_what_a_colleague_is_asked_for(house: House, cora: SignedIn, dev: SignedIn) -> None:
    first = await house.enquire()
    await house.router.tick()
    second = await house.enquire()
    taken = [await house.claims.claim_next(dev) for _ in range(2)]
    assert [claim.reference for claim in taken if claim] == [second, first]
    third = await house.enquire()
    await house.router.tick()
    claim = await house.claims.claim_next(cora)
    assert claim is not None
    assert claim.reference == third, "what is held out to oneself is next"


@pytest.mark.parametrize("state", ["busy", "away"])
async def test_whoever_goes_is_not_asked_any_longer(house: House, cora: SignedIn, state: str) -> None:
    await house.enquire()
    await house.router.tick()
    async with house.client(cora) as desk:
        await desk.post("/desk/presence", {"state": state})
    assert await offers_of(house) == [("Cora", "withdrawn")]
    assert await house.router.tick() == 0


async def test_an_offer_ends_with_the_wait_the_lease_and_the_account(house: House, cora: SignedIn) -> None:
    reference = await house.enquire()
    await house.router.tick()
    found = await house.conversations.by_reference(reference)
    assert found is not None
    await house.conversations.end(found, found.visitor, house.clock())
    await house.router.tick()
    assert await offers_of(house) == [("Cora", "withdrawn")]

    await house.enquire()
    await house.router.tick()
    await house.open_desk(cora, hours=0)
    await house.router.tick()
    assert (await offers_of(house))[1:] == [("Cora", "withdrawn")]

    await house.open_desk(cora)
    await house.router.tick()
    async with house.db.write() as connection:
        await connection.execute(update(account).where(account.c.id == cora.account_id).values(disabled=True))
    await house.router.tick()
    assert (await offers_of(house))[2:] == [("Cora", "withdrawn")]


@pytest.mark.parametrize(
    ("role", "presence"), [(Role.SUPERVISOR, "online"), (Role.ADVISOR, "busy"), (Role.ADVISOR, "away")]
)
async def test_nobody_else_is_asked(house: House, role: Role, presence: str) -> None:
    person = await house.hire("Sue", role, presence=presence)
    await house.open_desk(person)
    await house.enquire()
    assert await house.router.tick() == 0


async def test_whoever_is_not_there_is_not_asked_and_does_not_count(house: House, cora: SignedIn) -> None:
    assert (await house.queue.read()).online == 1
    await house.enquire()
    house.clock.go_on(hours=25)
    assert await house.router.tick() == 0
    assert (await house.queue.read()).online == 0


async def test_nobody_is_offered_more_than_they_hold(house: House) -> None:
    cora = await house.hire("Cora", Role.ADVISOR, capacity=1)
    for _ in range(2):
        await house.enquire()
    await house.router.tick()
    await house.claims.claim_next(cora)
    assert await house.router.tick() == 0
    # Taken by hand while another was held out: there is no room left for that one.
    dev = await house.hire("Dev", Role.ADVISOR, capacity=1)
    await house.router.tick()
    await house.claims.claim(await house.enquire(), dev)
    await house.router.tick()
    assert (await offers_of(house))[1:] == [("Dev", "withdrawn")]


async def test_welsh_goes_to_whoever_has_it(house: House, cora: SignedIn, dev: SignedIn) -> None:
    async with house.db.write() as connection:
        await connection.execute(account_skill.insert().values(account_id=dev.account_id, skill="welsh"))
    await house.enquire(language="cy")
    await house.router.tick()
    assert await offers_of(house) == [("Dev", "open")]


async def test_accept_and_expiry_at_once_have_one_outcome(house: House, cora: SignedIn) -> None:
    """Each time: either accepted, and not counted as missed, or missed, and the claim is a claim like any other."""
    cora = await house.hire("Carys", Role.ADVISOR, capacity=6)
    for _ in range(6):
        reference = await house.enquire()
        await house.router.tick()
        house.clock.go_on(seconds=25)
        _, answer = await asyncio.gather(
            house.offers.end_overdue(), house.claims.claim(reference, cora), return_exceptions=True
        )
        assert isinstance(answer, Claim), answer
    ended = await offers_of(house)
    assert {outcome for name, outcome in ended if name == "Carys"} <= {"accepted", "missed"}
    async with house.db.read() as connection:
        rows = (await connection.execute(select(conversation.c.status, conversation.c.advisor_id))).all()
    assert {tuple(row) for row in rows} == {("active", cora.account_id)}


async def test_a_crowd_that_accepts_passes_on_and_takes_makes_no_doubles(house: House) -> None:
    advisors = [await house.hire(f"Advisor {number:02}", Role.ADVISOR, capacity=2) for number in range(20)]
    for _ in range(40):
        await house.enquire()

    async def answer(number: int, person: SignedIn) -> None:
        held_out = await house.offers.open_of(person.account_id)
        if held_out is None or number % 5 == 4:
            await house.claims.claim_next(person)
        elif number % 5 == 3:
            await house.claims.decline(held_out.reference, person)
        else:
            await house.claims.claim(held_out.reference, person)

    for _ in range(3):
        tasks = [answer(number, person) for number, person in enumerate(advisors)]
        answers = await asyncio.gather(house.router.tick(), *tasks, house.router.tick(), return_exceptions=True)
        odd = [one for one in answers if isinstance(one, Exception) and type(one).__name__ not in EXPECTED]
        assert not odd
    async with house.db.read() as connection:
        rows = (
            await connection.execute(select(conversation.c.advisor_id).where(conversation.c.status == "active"))
        ).all()
        still_open = (await connection.execute(select(offer).where(offer.c.outcome == "open"))).all()
    held = [row.advisor_id for row in rows]
    assert max(held.count(one) for one in set(held)) <= 2
    assert (
        len({one.conversation_id for one in still_open})
        == len({one.account_id for one in still_open})
        == len(still_open)
    )


EXPECTED = {"AlreadyTaken", "AtCapacity", "NotAllowed"}


async def test_the_desk_is_told_when_an_offer_comes_and_when_it_ends(
    house: House, cora: SignedIn, dev: SignedIn
) -> None:
    desks, session = (
        DeskFrames(house.db, house.fanout, house.signals),
        Session(house.fanout, advisor(house, cora), EPOCH),
    )
    house.fanout.enter(session)
    await session.greet(Hello())
    watcher = Watcher(session)
    reference = await house.enquire(deadline="today")
    house.clock.go_on(minutes=3)
    await house.router.tick()
    await desks.tell()
    assert await watcher.last("offer") == {
        "type": "offer",
        "t": "offer",
        "conversation": reference,
        "expires_at": "2026-11-23T12:03:25.000Z",
        "enquiry": {
            "sentence": "Probation or prisons, Cleveland: Recognising and describing risk. Today, or in the next 24 hours.",
            "why": "Same-day, waiting 3 min",
            "urgency": "same_day",
        },
    }
    await desks.tell()
    await watcher.look()
    assert [one["type"] for one in watcher.seen].count("offer") == 1
    await house.claims.claim(reference, dev)
    await desks.tell()
    ended = await watcher.last("offer_ended")
    assert ended == {"type": "offer_ended", "t": "offer_ended", "conversation": reference, "outcome": "withdrawn"}
    house.fanout.leave(session)


async def test_the_desk_is_told_of_notices_until_they_are_seen(house: House, cora: SignedIn) -> None:
    desks, session = (
        DeskFrames(house.db, house.fanout, house.signals),
        Session(house.fanout, advisor(house, cora), EPOCH),
    )
    house.fanout.enter(session)
    await session.greet(Hello())
    watcher = Watcher(session)
    async with house.db.write() as connection:
        await house.notices.tell(connection, cora.account_id, "set_away", missed=3)
    await desks.tell()
    told = await watcher.last("notice")
    assert told is not None
    assert [one["kind"] for one in told["notices"]] == ["set_away"]  # type: ignore[attr-defined]  # a list of objects
    unseen: list[Notice] = await house.notices.unseen(cora.account_id)
    await house.notices.seen(cora.account_id, unseen[0].id)
    await desks.tell()
    assert await watcher.last("notice") == {"type": "notice", "t": "notice", "notices": []}
    house.fanout.leave(session)


def test_the_reaper_is_more_patient_than_a_lease() -> None:
    times = Times()
    assert times.lease + times.lost_after == times.quiet == timedelta(seconds=58)
    assert times.freeze == timedelta(seconds=75)


async def test_a_pass_counts_though_the_workers_clock_is_behind(house: House, cora: SignedIn) -> None:
    """By its own clock it made the offer before the visitor came."""
    behind = FixedClock(house.clock() - timedelta(seconds=1.5))
    offers = Offers(house.db, house.signals, house.audit, house.notices, behind)
    router = Router(house.db, offers, behind)
    reference = await house.enquire()
    assert await router.tick() == 1
    await house.claims.decline(reference, cora)
    behind.go_on(seconds=1)
    assert await router.tick() == 0
    assert await offers_of(house) == [("Cora", "declined")]
