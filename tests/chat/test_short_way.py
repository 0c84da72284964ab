"""The short way of the log: what a process believes of a conversation saves it a look, and is made sure of as it stores."""

import asyncio
import uuid

import pytest
from sqlalchemy import delete

from chat.events import VISITOR_AUTHOR
from chat.log import Receipt
from chat.rows import LogRows
from chat.tables import event
from chat.words import Status
from core.errors import AssignmentLost, Ended, IdConflict, NotFound
from core.wire import FEW
from tests.chat.writers import CORA, DEV, FailingOnce, Writers


async def test_what_is_believed_goes_the_short_way(writers: Writers) -> None:
    """The first message is looked at closely; what follows it is not stored by the long way at all."""
    conversation_id, log = await writers.open(CORA), writers.logs[0]
    await log.say(conversation_id, VISITOR_AUTHOR, "One", uuid.uuid4())
    log._rows = long_way = FailingOnce(writers.databases[0])
    long_way.failures = 10
    assert (await log.say(conversation_id, VISITOR_AUTHOR, "Two", uuid.uuid4())).seq == 4
    assert (await log.say(conversation_id, CORA, "Three", uuid.uuid4())).seq == 5
    assert long_way.failures == 10
    log._rows = LogRows(writers.databases[0])
    assert [one.text for one in await writers.stored(conversation_id)][2:] == ["One", "Two", "Three"]


async def test_the_short_way_knows_what_is_sent_again(writers: Writers) -> None:
    """Another process moves the number on, unheard of."""
    conversation_id = await writers.open()
    here, there = writers.logs[0], writers.logs[1]
    assert (await here.say(conversation_id, VISITOR_AUTHOR, "One", uuid.uuid4())).seq == 3
    assert (await there.say(conversation_id, VISITOR_AUTHOR, "Two", uuid.uuid4())).seq == 4
    given = uuid.uuid4()
    stored = await here.say(conversation_id, VISITOR_AUTHOR, "Three", given)
    third = Receipt(5, stored.at_ms, again=True)
    assert await there.say(conversation_id, VISITOR_AUTHOR, "Three", given) == third
    assert await here.say(conversation_id, VISITOR_AUTHOR, "Three", given) == third
    with pytest.raises(IdConflict):
        await here.say(conversation_id, VISITOR_AUTHOR, "Four", given)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"status": Status.ENDED}, Ended),
        ({"advisor_id": DEV.key}, AssignmentLost),
        ({"advisor_id": None}, AssignmentLost),
        ({"wrapped_key": None}, NotFound),
    ],
)
async def test_the_short_way_makes_sure_of_what_it_believes(
    writers: Writers, change: dict[str, object], refusal: type[Exception]
) -> None:
    """It is ended, given away or erased without a word in the log: nothing is stored."""
    conversation_id, log = await writers.open(CORA), writers.logs[0]
    await log.say(conversation_id, CORA, "One", uuid.uuid4())
    await writers.set(conversation_id, **change)
    with pytest.raises(refusal):
        await log.say(conversation_id, CORA, "Two", uuid.uuid4())
    async with writers.databases[0].read() as connection:
        assert await log._rows.tops(connection, [conversation_id]) == {conversation_id: 3}


@pytest.mark.parametrize("count", [2, FEW + 1])
async def test_one_false_belief_harms_no_other(writers: Writers, count: int) -> None:
    ids = [await writers.open() for _ in range(count)]
    here, there = writers.logs[0], writers.logs[1]
    for one in ids:
        await here.say(one, VISITOR_AUTHOR, "One", uuid.uuid4())
    await there.say(ids[1], VISITOR_AUTHOR, "Meanwhile", uuid.uuid4())
    receipts = await asyncio.gather(*(here.say(one, VISITOR_AUTHOR, "Two", uuid.uuid4()) for one in ids))
    tops = [5 if one == ids[1] else 4 for one in ids]
    assert [one.seq for one in receipts] == tops
    assert [len(await writers.stored(one)) for one in ids] == tops


@pytest.mark.parametrize("count", [2, FEW + 1])
async def test_one_that_is_said_again_harms_no_other(writers: Writers, count: int) -> None:
    """What is believed of its conversation is true, so that only its id tells."""
    ids, log, given = [await writers.open() for _ in range(count)], writers.logs[0], uuid.uuid4()
    first = [await log.say(one, VISITOR_AUTHOR, "One", given) for one in ids]
    saying = [log.say(one, VISITOR_AUTHOR, "Two", uuid.uuid4()) for one in ids[1:]]
    again, *others = await asyncio.gather(log.say(ids[0], VISITOR_AUTHOR, "One", given), *saying)
    assert again == Receipt(first[0].seq, first[0].at_ms, again=True)
    assert [(one.seq, one.again) for one in others] == [(4, False)] * len(others)
    assert [len(await writers.stored(one)) for one in ids] == [3, *[4] * len(others)]


async def test_of_two_the_first_stays_the_first(writers: Writers) -> None:
    """What is believed is behind by one, so that the second would fit what is there."""
    conversation_id, other = await writers.open(), await writers.open()
    here, there = writers.logs[0], writers.logs[1]
    for one in (conversation_id, other):
        await here.say(one, VISITOR_AUTHOR, "One", uuid.uuid4())
    await there.say(conversation_id, VISITOR_AUTHOR, "Meanwhile", uuid.uuid4())
    said = [(conversation_id, "Two"), (other, "Two"), (conversation_id, "Three")]
    await asyncio.gather(*(here.say(one, VISITOR_AUTHOR, text, uuid.uuid4()) for one, text in said))
    texts = [event.text for event in await writers.stored(conversation_id)]
    assert texts[2:] == ["One", "Meanwhile", "Two", "Three"]


@pytest.mark.parametrize("at_once", [1, 2])
async def test_the_short_way_leaves_no_gap_after_a_backup(writers: Writers, at_once: int) -> None:
    """The database was put back to before what is believed: the next number is the database's."""
    conversation_id, log = await writers.open(), writers.logs[0]
    for text in ("One", "Lost"):
        await log.say(conversation_id, VISITOR_AUTHOR, text, uuid.uuid4())
    await writers.set(conversation_id, last_seq=3)
    async with writers.databases[0].write() as connection:
        await connection.execute(delete(event).where(event.c.conversation_id == conversation_id, event.c.seq == 4))
    texts = ["Two", "Three"][:at_once]
    receipts = await asyncio.gather(*(log.say(conversation_id, VISITOR_AUTHOR, text, uuid.uuid4()) for text in texts))
    assert [receipt.seq for receipt in receipts] == [4, 5][:at_once]
