"""Taking from the line: one winner, nobody above capacity, and asking twice is no harm. On both databases."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from chat.tables import conversation
from core.errors import AlreadyTaken, AtCapacity, Ended, NotAllowed, NotFound
from core.people import Role, SignedIn
from core.tables import audit
from staff.tables import account
from tests.triage.house import House
from triage.claims import Claim


async def test_next_is_the_front_of_the_line(house: House, cora: SignedIn) -> None:
    routine = await house.enquire()
    house.clock.go_on(minutes=10)
    same_day = await house.enquire(deadline="today")
    house.clock.go_on(minutes=10)
    emergency = await house.enquire(immediate_danger="yes", called_999="yes")
    taken = [await house.claims.claim_next(person) for person in (cora, cora, await house.hire("Dev", Role.ADVISOR))]
    assert [claim.reference for claim in taken if claim] == [emergency, same_day, routine]


async def test_who_waits_long_overtakes_a_newer_same_day_case(house: House, cora: SignedIn) -> None:
    routine = await house.enquire()
    house.clock.go_on(minutes=31)
    await house.enquire(deadline="today")
    claim = await house.claims.claim_next(cora)
    assert claim is not None
    assert claim.reference == routine


async def test_nobody_waits(house: House, cora: SignedIn) -> None:
    assert await house.claims.claim_next(cora) is None


async def test_a_claim_is_written_with_its_event_and_its_audit_row(house: House, cora: SignedIn) -> None:
    reference = await house.enquire()
    claim = await house.claims.claim(reference, cora)
    found = await house.conversations.by_reference(reference)
    assert found is not None
    assert (found.status, found.advisor_id, found.claim_epoch, found.claimed_at) == (
        "active",
        cora.account_id,
        1,
        house.clock.now,
    )
    last = (await house.log.read(found.id))[-1]
    assert (last.kind, last.author.key, last.author.name) == ("joined", cora.account_id, "Cora")
    assert claim == Claim(found.id, reference, 1, again=False)
    async with house.db.read() as connection:
        actions = [row.action for row in await connection.execute(select(audit).order_by(audit.c.id))]
        assert await house.audit.first_bad_row(connection) is None
    assert actions == ["open", "claim"]


async def test_twenty_claims_of_one_conversation_have_one_winner(house: House) -> None:
    reference = await house.enquire()
    advisors = [await house.hire(f"Advisor {number}", Role.ADVISOR) for number in range(20)]
    answers = await asyncio.gather(*(house.claims.claim(reference, one) for one in advisors), return_exceptions=True)
    won = [answer for answer in answers if isinstance(answer, Claim)]
    assert len(won) == 1
    assert [type(answer) for answer in answers if answer not in won] == [AlreadyTaken] * 19
    found = await house.conversations.by_reference(reference)
    assert found is not None
    assert (found.claim_epoch, found.last_seq) == (1, 3)


async def test_twenty_takers_of_next_get_twenty_conversations(house: House) -> None:
    references = {await house.enquire() for _ in range(20)}
    advisors = [await house.hire(f"Advisor {number}", Role.ADVISOR) for number in range(20)]
    taken = await asyncio.gather(*(house.claims.claim_next(one) for one in advisors))
    assert {claim.reference for claim in taken if claim} == references


async def test_capacity_holds_against_ten_claims_at_once(house: House) -> None:
    cora = await house.hire("Cora", Role.ADVISOR, capacity=3)
    references = [await house.enquire() for _ in range(10)]
    answers = await asyncio.gather(*(house.claims.claim(one, cora) for one in references), return_exceptions=True)
    assert sum(isinstance(answer, Claim) for answer in answers) == 3
    assert sum(isinstance(answer, AtCapacity) for answer in answers) == 7
    with pytest.raises(AtCapacity):
        await house.claims.claim_next(cora)


async def test_accepting_what_is_mine_is_success(house: House, cora: SignedIn) -> None:
    """The answer to a claim may be lost; the advisor must learn that the conversation is theirs."""
    cora = await house.hire("Cora", Role.ADVISOR, capacity=1)
    reference = await house.enquire()
    answers = await asyncio.gather(*(house.claims.claim(reference, cora) for _ in range(10)))
    assert [answer.again for answer in answers].count(False) == 1
    assert {answer.epoch for answer in answers} == {1}


async def test_a_colleagues_conversation_is_taken(house: House, cora: SignedIn, dev: SignedIn) -> None:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    with pytest.raises(AlreadyTaken):
        await house.claims.claim(reference, dev)


async def test_what_ended_with_a_colleague_does_not_exist(house: House, cora: SignedIn, dev: SignedIn) -> None:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    found = await house.conversations.by_reference(reference)
    assert found is not None
    await house.conversations.end(found, found.visitor, house.clock())
    with pytest.raises(NotFound):
        await house.claims.claim(reference, dev)
    with pytest.raises(Ended):
        await house.claims.claim(reference, cora)


async def test_a_visitor_who_left_is_not_taken(house: House, cora: SignedIn) -> None:
    reference = await house.enquire()
    found = await house.conversations.by_reference(reference)
    assert found is not None
    await house.conversations.end(found, found.visitor, house.clock())
    with pytest.raises(Ended):
        await house.claims.claim(reference, cora)
    assert await house.claims.claim_next(cora) is None


@pytest.mark.parametrize("reference", ["0000-0000", "", "x", "QK7F-4PDX" * 9, "\0", "ﾊﾊﾊﾊ-ﾊﾊﾊﾊ"])
async def test_an_unknown_reference_is_not_found(house: House, cora: SignedIn, reference: str) -> None:
    with pytest.raises(NotFound):
        await house.claims.claim(reference, cora)


async def test_a_reference_is_read_as_people_type_it(house: House, cora: SignedIn) -> None:
    reference = await house.enquire()
    claim = await house.claims.claim(reference.lower().replace("-", " "), cora)
    assert claim.reference == reference


async def test_taking_while_away_sets_online_and_while_busy_does_not(house: House) -> None:
    for before, after in (("away", "online"), ("busy", "busy"), ("online", "online")):
        person = await house.hire("Cora", Role.ADVISOR, presence=before)
        await house.enquire()
        await house.claims.claim_next(person)
        assert (await house.presences.of(person.account_id)).state == after


async def test_a_disabled_account_takes_nothing(house: House, cora: SignedIn) -> None:
    await house.enquire()
    async with house.db.write() as connection:
        await connection.execute(update(account).values(disabled=True))
    with pytest.raises(NotAllowed):
        await house.claims.claim_next(cora)


async def test_declining_leaves_it_in_its_place(house: House, cora: SignedIn, dev: SignedIn) -> None:
    reference = await house.enquire()
    await house.claims.decline(reference, cora)
    claim = await house.claims.claim_next(dev)
    assert claim is not None
    assert claim.reference == reference
    with pytest.raises(AlreadyTaken):
        await house.claims.decline(reference, cora)
    with pytest.raises(NotAllowed):
        await house.claims.decline(reference, dev)


async def test_a_question_is_taken_by_its_reference_only(house: House, cora: SignedIn) -> None:
    reference = await house.enquire(leave="1")
    assert await house.claims.claim_next(cora) is None
    await house.claims.claim(reference, cora)


async def test_claims_beside_what_the_visitor_says(house: House, cora: SignedIn) -> None:
    """A message and a claim lock the same row; both are stored, one after the other."""
    reference = await house.enquire()
    found = await house.conversations.by_reference(reference)
    assert found is not None
    said = (house.log.say(found.id, found.visitor, f"word {number}", uuid4()) for number in range(20))
    claiming = asyncio.create_task(house.claims.claim(reference, cora))
    await asyncio.gather(*said)
    claim = await claiming
    assert claim.again is False
    async with house.db.read() as connection:
        last_seq = (await connection.execute(select(conversation.c.last_seq))).scalar_one()
    assert last_seq == 23
