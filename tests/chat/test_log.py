"""The log: what is acknowledged is stored once, in order, whoever writes at the same time and whatever is sent again.

Two logs on one database stand for two web processes.
"""

import asyncio
import random
import secrets
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import pytest
from sqlalchemy import delete, insert, select, update

from app.migrations import migrate
from chat.events import SYSTEM_AUTHOR, VISITOR_AUTHOR, Entry, Event
from chat.log import Log, Receipt
from chat.rows import LogRows
from chat.tables import conversation, event, participant
from chat.words import Kind, Status
from core.clock import utc_now
from core.crypto import CannotOpen
from core.ending import end_all
from core.errors import AssignmentLost, Ended, IdConflict, NotAllowed, NotFound, Unavailable
from tests.chat.writers import CORA, DEV, FailingOnce, Writers, two_writers
from tests.engines import PostgresServer
from tests.waiting import until


async def test_two_hundred_senders_in_two_processes(writers: Writers) -> None:
    """Numbers without a gap, each id once, a resend answered as the first try, each sender's order kept."""
    conversation_id = await writers.open(CORA)
    chance = random.Random(7)
    receipts: dict[uuid.UUID, list[Receipt]] = {}
    order: dict[int, list[uuid.UUID]] = {}

    async def send(sender: int) -> None:
        for step in range(3):
            given = uuid.uuid4()
            order.setdefault(sender, []).append(given)
            author = VISITOR_AUTHOR if sender % 2 else CORA
            times = 3 if chance.random() < 0.2 else 1
            answers = [
                writers.logs[(sender + n) % 2].say(conversation_id, author, f"{sender}/{step}", given)
                for n in range(times)
            ]
            receipts[given] = await asyncio.gather(*answers)

    await asyncio.gather(*(send(sender) for sender in range(200)))
    stored = await writers.stored(conversation_id)
    assert [one.seq for one in stored] == list(range(1, 603))
    said = {one.client_id: one for one in stored if one.client_id}
    assert len(said) == 600
    for given, answers in receipts.items():
        assert {(one.seq, one.at_ms) for one in answers} == {(said[given].seq, said[given].at_ms)}
        assert Counter(one.again for one in answers)[False] == 1
    for ids in order.values():
        numbers = [said[one].seq for one in ids]
        assert numbers == sorted(numbers)


async def test_many_conversations_in_one_batch(writers: Writers) -> None:
    ids = [await writers.open() for _ in range(20)]
    log = writers.logs[0]
    answers = await asyncio.gather(*(log.say(one, VISITOR_AUTHOR, "Hello", uuid.uuid4()) for one in ids * 5))
    assert sorted(Counter(one.seq for one in answers).items()) == [(seq, 20) for seq in range(3, 8)]
    for one in ids:
        assert [found.seq for found in await log.read(one)] == list(range(1, 8))


async def test_the_same_id_at_once_in_two_processes(writers: Writers) -> None:
    conversation_id = await writers.open()
    for _ in range(25):
        given = uuid.uuid4()
        both = await asyncio.gather(*(log.say(conversation_id, VISITOR_AUTHOR, "Hello", given) for log in writers.logs))
        assert both[0].seq == both[1].seq
        assert sorted(one.again for one in both) == [False, True]
    assert [one.seq for one in await writers.stored(conversation_id)] == list(range(1, 28))


async def test_the_same_id_with_another_text_is_refused(writers: Writers) -> None:
    conversation_id, given = await writers.open(), uuid.uuid4()
    await writers.logs[0].say(conversation_id, VISITOR_AUTHOR, "Hello", given)
    with pytest.raises(IdConflict):
        await writers.logs[1].say(conversation_id, VISITOR_AUTHOR, "Goodbye", given)
    assert [one.text for one in await writers.stored(conversation_id)][2:] == ["Hello"]


async def test_an_id_belongs_to_its_author(writers: Writers) -> None:
    conversation_id, given = await writers.open(CORA), uuid.uuid4()
    first = await writers.logs[0].say(conversation_id, VISITOR_AUTHOR, "Hello", given)
    second = await writers.logs[0].say(conversation_id, CORA, "Hello", given)
    assert (second.seq, second.again) == (first.seq + 1, False)


async def test_after_the_end_nothing_is_stored_but_a_resend_is_answered(writers: Writers) -> None:
    conversation_id, given = await writers.open(CORA), uuid.uuid4()
    first = await writers.logs[0].say(conversation_id, CORA, "Goodbye", given)
    found = await writers.conversations.by_id(conversation_id)
    assert found is not None
    await writers.conversations.end(found, CORA, utc_now())
    for author in (VISITOR_AUTHOR, CORA):
        with pytest.raises(Ended):
            await writers.logs[1].say(conversation_id, author, "One more", uuid.uuid4())
    again = await writers.logs[1].say(conversation_id, CORA, "Goodbye", given)
    assert (again.seq, again.again) == (first.seq, True)


async def test_a_note_after_the_end_is_for_the_wrap_up(writers: Writers) -> None:
    conversation_id = await writers.open(CORA)
    await writers.set(conversation_id, status=Status.ENDED)
    receipt = await writers.logs[0].say(conversation_id, CORA, "Called the MASH.", uuid.uuid4(), Kind.NOTE)
    assert receipt.seq == 3


async def test_only_the_one_who_has_it_writes(writers: Writers) -> None:
    conversation_id, given = await writers.open(CORA), uuid.uuid4()
    await writers.logs[0].say(conversation_id, CORA, "Hello", given)
    await writers.set(conversation_id, advisor_id=DEV.key)
    with pytest.raises(AssignmentLost):
        await writers.logs[0].say(conversation_id, CORA, "Are you there?", uuid.uuid4())
    assert (await writers.logs[0].say(conversation_id, CORA, "Hello", given)).again
    assert (await writers.logs[0].say(conversation_id, DEV, "Hello from Dev", uuid.uuid4())).seq == 4


@pytest.mark.parametrize("part", ["joined", "consulted"])
async def test_who_was_brought_in_writes_what_the_part_allows(writers: Writers, part: str) -> None:
    conversation_id, log = await writers.open(CORA), writers.logs[0]
    async with writers.databases[0].write() as connection:
        row = {"conversation_id": conversation_id, "account_id": DEV.key, "since": utc_now()}
        await connection.execute(insert(participant).values(part=part, **row))
    assert (await log.say(conversation_id, DEV, "Ask about sleep.", uuid.uuid4(), Kind.NOTE)).seq == 3
    if part == "joined":
        assert (await log.say(conversation_id, DEV, "Hello", uuid.uuid4())).seq == 4
    else:
        with pytest.raises(NotAllowed):
            await log.say(conversation_id, DEV, "Hello", uuid.uuid4())
    async with writers.databases[0].write() as connection:
        await connection.execute(update(participant).values(until=utc_now()))
    with pytest.raises(AssignmentLost):
        await log.say(conversation_id, DEV, "One more", uuid.uuid4(), Kind.NOTE)


async def test_joined_counts_more_than_consulted(writers: Writers) -> None:
    conversation_id = await writers.open(CORA)
    async with writers.databases[0].write() as connection:
        for part in ("joined", "consulted"):
            row = {"conversation_id": conversation_id, "account_id": DEV.key, "since": utc_now()}
            await connection.execute(insert(participant).values(part=part, **row))
    assert (await writers.logs[0].say(conversation_id, DEV, "Hello", uuid.uuid4())).seq == 3


async def test_a_destroyed_key_ends_everything(writers: Writers) -> None:
    """What was stored does not open, what is sent does not exist, and others in the same batch do not notice."""
    erased, other, given = await writers.open(), await writers.open(), uuid.uuid4()
    log = writers.logs[0]
    await log.say(erased, VISITOR_AUTHOR, "Hello", given)
    await writers.set(erased, wrapped_key=None)
    answers = await asyncio.gather(
        log.say(erased, VISITOR_AUTHOR, "Hello", given),
        log.say(erased, VISITOR_AUTHOR, "Hello again", uuid.uuid4()),
        log.say(other, VISITOR_AUTHOR, "Hello", uuid.uuid4()),
        return_exceptions=True,
    )
    assert [type(one) for one in answers] == [NotFound, NotFound, Receipt]
    assert await log.read(erased) == []
    assert list(await log.read_many({erased: 0, other: 0})) == [other]


async def test_a_conversation_that_never_was(writers: Writers) -> None:
    with pytest.raises(NotFound):
        await writers.logs[0].say(10**9, VISITOR_AUTHOR, "Hello", uuid.uuid4())
    with pytest.raises(NotFound):
        async with writers.databases[0].write() as connection:
            await writers.logs[0].append(connection, 10**9, Entry(Kind.ENDED, SYSTEM_AUTHOR))


async def test_one_that_does_not_open_harms_no_other(writers: Writers) -> None:
    """A key that belongs to another master key fails alone, however many wait beside it."""
    broken, other = await writers.open(), await writers.open()
    await writers.set(broken, wrapped_key=secrets.token_bytes(60))
    log = writers.logs[1]
    answers = await asyncio.gather(
        *(log.say(one, VISITOR_AUTHOR, "Hello", uuid.uuid4()) for one in (other, broken, other)),
        return_exceptions=True,
    )
    assert [type(one) for one in answers] == [Receipt, Unavailable, Receipt]


async def test_an_event_that_is_moved_does_not_open(writers: Writers) -> None:
    first, second = await writers.open(), await writers.open()
    async with writers.databases[0].write() as connection:
        await connection.execute(delete(event).where(event.c.conversation_id == second, event.c.seq == 1))
        moved = update(event).where(event.c.conversation_id == first, event.c.seq == 1)
        await connection.execute(moved.values(conversation_id=second))
    with pytest.raises(CannotOpen):
        await writers.logs[1].read(second)


async def test_a_batch_that_meets_another_process_is_looked_up_again(writers: Writers) -> None:
    conversation_id, log = await writers.open(), writers.logs[0]
    log._rows = FailingOnce(writers.databases[0])
    receipts = await asyncio.gather(*(log.say(conversation_id, VISITOR_AUTHOR, "Hello", uuid.uuid4()) for _ in "abc"))
    assert [one.seq for one in receipts] == [3, 4, 5]
    assert len(await writers.stored(conversation_id)) == 5


async def test_no_receipt_without_a_commit(writers: Writers) -> None:
    """The commit fails: nothing is stored, the sender is told so, and sending again stores it once."""
    conversation_id, given, log = await writers.open(), uuid.uuid4(), writers.logs[0]
    log._rows = failing = FailingOnce(writers.databases[0])
    failing.failures = 10
    told: list[Event] = []
    log.on_stored(told.extend)
    with pytest.raises(Unavailable):
        await log.say(conversation_id, VISITOR_AUTHOR, "Hello", given)
    assert told == []
    assert len(await writers.stored(conversation_id)) == 2
    log._rows = LogRows(writers.databases[0])
    assert await log.say(conversation_id, VISITOR_AUTHOR, "Hello", given) == Receipt(3, told[0].at_ms, again=False)
    assert (await log.say(conversation_id, VISITOR_AUTHOR, "Hello", given)).again


async def test_postgres_is_cut_off_while_many_write(own_postgres: PostgresServer) -> None:
    """Stopped as by a crash in the middle: whatever was acknowledged is there, once, and the rest can be sent again."""
    migrate(own_postgres.url())
    acknowledged: set[uuid.UUID] = set()
    sent: list[uuid.UUID] = []

    async def send(log: Log, conversation_id: int) -> None:
        try:
            while True:
                sent.append(uuid.uuid4())
                given = sent[-1]
                await log.say(conversation_id, VISITOR_AUTHOR, "Hello", given)
                acknowledged.add(given)
        except Unavailable:
            return

    async with two_writers(own_postgres.url()) as writers:
        conversation_id = await writers.open()
        senders = [asyncio.create_task(send(writers.logs[number % 2], conversation_id)) for number in range(20)]
        await until(lambda: len(acknowledged) > 100)
        await asyncio.to_thread(own_postgres.stop_immediately)
        await asyncio.gather(*senders)
        await asyncio.to_thread(own_postgres.start)
        stored = {one.client_id for one in await writers.stored(conversation_id) if one.client_id}
        assert acknowledged <= stored
        for given in sent:
            receipt = await writers.logs[0].say(conversation_id, VISITOR_AUTHOR, "Hello", given)
            assert receipt.again == (given in stored)
        numbers = [one.seq for one in await writers.stored(conversation_id)]
        assert numbers == list(range(1, len(sent) + 3))


async def test_last_times_of_each_side(writers: Writers) -> None:
    """What the desk orders by: when each side last said something; a line of the system counts for nobody."""
    conversation_id, log = await writers.open(CORA), writers.logs[0]
    said = await log.say(conversation_id, CORA, "Hello", uuid.uuid4())
    async with writers.databases[0].write() as connection:
        await log.append(connection, conversation_id, Entry(Kind.REQUEUED, SYSTEM_AUTHOR))
    columns = conversation.c
    async with writers.databases[0].read() as connection:
        query = select(columns.last_seq, columns.visitor_last_at, columns.advisor_last_at)
        row = (await connection.execute(query.where(columns.id == conversation_id))).one()
    assert row.last_seq == 4
    assert isinstance(row.visitor_last_at, datetime)
    assert row.advisor_last_at.timestamp() * 1000 == pytest.approx(said.at_ms, abs=1)


@pytest.mark.parametrize("is_quick", [False, True])
async def test_of_two_in_one_commit_the_later_spoke_last(writers: Writers, is_quick: bool) -> None:
    """However soon after the other: whoever waits for an answer is told by these times."""
    conversation_id, log = await writers.open(CORA), writers.logs[0]
    await log.say(conversation_id, CORA, "Go on.", uuid.uuid4())
    for authors in ((VISITOR_AUTHOR, CORA), (CORA, VISITOR_AUTHOR), (CORA, VISITOR_AUTHOR, CORA)):
        if not is_quick:
            log._beliefs.drop(conversation_id)
        await asyncio.gather(*(log.say(conversation_id, one, "Go on.", uuid.uuid4()) for one in authors))
        async with writers.databases[0].read() as connection:
            row = (await connection.execute(select(conversation).where(conversation.c.id == conversation_id))).one()
        last = max((VISITOR_AUTHOR, row.visitor_last_at), (CORA, row.advisor_last_at), key=lambda one: one[1])
        assert row.visitor_last_at != row.advisor_last_at
        assert last[0] is authors[-1]


async def test_a_writer_that_begins_again_goes_on_with_what_waits(writers: Writers) -> None:
    """Something failed after a commit, and nobody says anything more."""
    conversation_id = await writers.open(CORA)
    log = Log(writers.databases[0], writers.conversations._keys, utc_now)

    def fail(_: Sequence[Event]) -> None:
        raise RuntimeError

    log.on_stored(fail)
    first = log.say(conversation_id, CORA, "Hello", uuid.uuid4())
    writing = asyncio.create_task(log.run())
    await asyncio.sleep(0)
    second = log.say(conversation_id, CORA, "Are you there?", uuid.uuid4())
    with pytest.raises(RuntimeError):
        await writing
    assert first.done()
    assert not second.done()
    log._on_stored.clear()
    writing = asyncio.create_task(log.run())
    async with asyncio.timeout(10):
        assert (await second).seq == (await first).seq + 1
    await end_all([writing])
