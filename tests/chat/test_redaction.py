"""A text that was removed: gone for every reader and from the row, its place kept, and known when it is sent again."""

import uuid

import pytest
from sqlalchemy import select

from chat.events import VISITOR_AUTHOR, Author, Event
from chat.redaction import redact
from chat.tables import event
from chat.words import Kind, Side
from core.errors import IdConflict, NotFound
from tests.chat.house import House
from tests.chat.people import Ada, Cora
from tests.chat.writers import CORA, Writers

SECRET = "The one with the blue boat and the broken gate."


async def remove(writers: Writers, conversation_id: int, seq: int) -> list[Event]:
    log = writers.logs[0]
    async with writers.databases[0].write() as connection:
        return await redact(connection, log, log._keys, conversation_id, seq, CORA)


async def test_the_place_stays_and_the_text_is_gone(writers: Writers) -> None:
    conversation_id = await writers.open(CORA)
    await writers.logs[0].say(conversation_id, VISITOR_AUTHOR, SECRET, uuid.uuid4())
    before = (await writers.stored(conversation_id))[2]
    (told,) = await remove(writers, conversation_id, 3)
    assert (told.seq, told.kind, told.data, told.author) == (4, Kind.REDACTED, {"seq": 3}, CORA)
    after = (await writers.stored(conversation_id))[2]
    assert (after.text, after.data) == ("", {"redacted": True})
    assert (after.seq, after.kind, after.author, after.at_ms, after.client_id) == (
        before.seq,
        before.kind,
        before.author,
        before.at_ms,
        before.client_id,
    )


async def test_sent_again_it_is_known_and_another_text_is_not(writers: Writers) -> None:
    """In either process, a message and a note alike; nothing comes back by it."""
    conversation_id = await writers.open(CORA)
    for seq, kind in ((3, Kind.MESSAGE), (5, Kind.NOTE)):
        given = uuid.uuid4()
        first = await writers.logs[0].say(conversation_id, CORA, SECRET, given, kind)
        await remove(writers, conversation_id, seq)
        for log in writers.logs:
            again = await log.say(conversation_id, CORA, SECRET, given, kind)
            assert (again.seq, again.at_ms, again.again) == (first.seq, first.at_ms, True)
            for other in ("", "The one with the red boat.", SECRET.lower()):
                with pytest.raises(IdConflict):
                    await log.say(conversation_id, CORA, other, given, kind)
    assert SECRET not in {one.text for one in await writers.stored(conversation_id)}


async def test_removing_twice_removes_once(writers: Writers) -> None:
    conversation_id, given = await writers.open(CORA), uuid.uuid4()
    await writers.logs[0].say(conversation_id, VISITOR_AUTHOR, SECRET, given)
    assert len(await remove(writers, conversation_id, 3)) == 1
    assert await remove(writers, conversation_id, 3) == []
    assert (await writers.logs[1].say(conversation_id, VISITOR_AUTHOR, SECRET, given)).again
    assert len(await writers.stored(conversation_id)) == 4


@pytest.mark.parametrize("seq", [0, 2, 3, 2**31 - 1])
async def test_only_what_people_wrote_can_be_removed(writers: Writers, seq: int) -> None:
    """A line of the system has no text, and what is not there cannot be removed."""
    conversation_id = await writers.open(CORA)
    with pytest.raises(NotFound):
        await remove(writers, conversation_id, seq)
    assert len(await writers.stored(conversation_id)) == 2


async def test_the_row_holds_neither_the_text_nor_its_plain_hash(writers: Writers) -> None:
    conversation_id = await writers.open(CORA)
    await writers.logs[0].say(conversation_id, VISITOR_AUTHOR, SECRET, uuid.uuid4())
    query = select(event.c.sealed).where(event.c.conversation_id == conversation_id, event.c.seq == 3)
    async with writers.databases[0].read() as connection:
        before = (await connection.execute(query)).scalar_one()
    await remove(writers, conversation_id, 3)
    async with writers.databases[0].read() as connection:
        after = (await connection.execute(query)).scalar_one()
    assert after != before
    assert SECRET.encode() not in after


async def test_no_reader_gets_the_text_any_more(two_processes: House) -> None:
    """Who looks on is told, in both processes; who comes later finds an empty place; nobody is told the hash."""
    here, there = two_processes.processes
    async with Ada(two_processes, here) as ada, await Cora.hired(two_processes, "Cora", there) as cora:
        reference = await ada.ask()
        await cora.take(reference)
        await ada.say(SECRET)
        async with cora.line() as line:
            await line.hello()
            await line.expect("event", seq=4, text=SECRET)
            found = await here.parts.conversations.by_reference(reference)
            assert found is not None
            log = here.parts.log
            async with here.database.write() as connection:
                by = Author(Side.ADVISOR, cora.person.account_id, "Cora")
                events = await redact(connection, log, log._keys, found.id, 4, by)
            log.announce(events)
            told = await line.expect("event", seq=5)
            assert (told["kind"], told["data"], told["text"]) == ("redacted", {"seq": 4}, "")
            await line.send("hello", after={reference: 3})
            again = await line.expect("event", seq=4)
            assert (again["text"], again["data"]) == ("", {"redacted": True})
        for frame in await ada.log():
            assert SECRET not in str(frame)
        assert SECRET not in (await ada.http.get("/chat")).text
        assert SECRET not in (await cora.http.get(cora.path(reference))).text
        assert SECRET not in (await ada.http.get("/chat/transcript.txt")).text
