"""A session that is told to begin again while it is in the middle of something."""

import asyncio
import uuid

import pytest

from chat import session as session_module
from chat.events import Author, Entry
from chat.fanout import Rendered
from chat.frames import Hello, parse_object
from chat.session import MOST_TAKEN_CHARACTERS, Session, TooSlow
from chat.stream import OF_THE_LINE
from chat.viewer import Head, Viewer
from chat.words import Kind, Side
from core.errors import Unavailable
from tests.chat.house import House
from tests.chat.people import Ada, Frame
from tests.waiting import until

LONG = "x" * 4_000


async def session_of(house: House, ada: Ada) -> Session:
    conversations = house.first.parts.conversations
    token = next(cookie.value for cookie in ada.http.cookies.jar if cookie.name == "visitor") or ""

    async def heads() -> list[Head]:
        return await conversations.heads_of_visitor(token)

    session = Session(house.first.parts.fanout, Viewer(Side.VISITOR, "visitor", "Ada", "", heads), "epoch")
    house.first.parts.fanout.enter(session)
    offer = session.offer

    def offer_what_is_hers(slot: str, text: str) -> None:
        """The line moves whenever it wants to, and tells everybody."""
        if slot.partition(":")[0] not in OF_THE_LINE:
            offer(slot, text)

    session.offer = offer_what_is_hers  # type: ignore[method-assign]  # of this one only
    return session


def since_last_welcome(frames: list[Frame]) -> list[object]:
    begun = max(number for number, frame in enumerate(frames) if frame["type"] == "welcome")
    return [frame.get("seq", frame["type"]) for frame in frames[begun:]]


async def test_hello_between_two_events(ada: Ada, one_house: House) -> None:
    session = await session_of(one_house, ada)
    frames: list[Frame] = []
    await session.greet(Hello())
    async for text in session.owed():
        frames.append(parse_object(text))
        if len(frames) == 2:
            await session.greet(Hello())
    assert since_last_welcome(frames) == ["welcome", 1, 2, "caught_up"]
    assert frames[-1]["last_seq"] == 2
    one_house.first.parts.fanout.leave(session)


async def test_hello_while_the_log_is_read(ada: Ada, one_house: House) -> None:
    """What was read follows the place that the client has left: it must not count as having caught up."""
    session, fanout = await session_of(one_house, ada), one_house.first.parts.fanout
    read_through, again = fanout.read_through, [Hello()]

    async def read_slowly(conversation_id: int, cursor: int) -> list[Rendered]:
        found = list(await read_through(conversation_id, cursor))
        if again:
            await session.greet(again.pop())
        return found

    session._fanout = fanout
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "read_through", read_slowly)
        await session.greet(Hello(after={ada.reference: 2}))
        frames = [parse_object(text) async for text in session.owed()]
    assert since_last_welcome(frames) == ["welcome", 1, 2, "caught_up"]
    assert [frame["last_seq"] for frame in frames if frame["type"] == "caught_up"] == [2]
    fanout.leave(session)


async def test_answers_do_not_wait_for_what_is_read(ada: Ada, one_house: House) -> None:
    """Nor is it read again because somebody was answered."""
    session, fanout = await session_of(one_house, ada), one_house.first.parts.fanout
    read_through, may_answer, reads = fanout.read_through, asyncio.Event(), list[int]()

    async def read_slowly(conversation_id: int, cursor: int) -> list[Rendered]:
        reads.append(cursor)
        await may_answer.wait()
        return list(await read_through(conversation_id, cursor))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "read_through", read_slowly)
        await session.greet(Hello())
        kinds = list[str]()
        for number in range(3):
            taking = asyncio.create_task(session.take())
            await until(lambda: len(reads) == 1, what="the reading")
            session.reply(f'{{"type": "answer {number}"}}')
            kinds += [parse_object(text)["type"] for text in await taking]
        may_answer.set()
        kinds += [parse_object(text)["type"] async for text in session.owed()]
    assert kinds == ["welcome", "answer 0", "answer 1", "answer 2", "event", "event", "caught_up"]
    assert reads == [0]
    fanout.leave(session)


async def test_what_is_said_while_it_is_read_and_answered_before_is_sent(ada: Ada, one_house: House) -> None:
    """What was read ends before it, which is no sign that the place was lost."""
    session, fanout = await session_of(one_house, ada), one_house.first.parts.fanout
    read_through, has_read, may_answer = fanout.read_through, asyncio.Event(), asyncio.Event()

    async def read_slowly(conversation_id: int, cursor: int) -> list[Rendered]:
        found = list(await read_through(conversation_id, cursor))
        has_read.set()
        await may_answer.wait()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "read_through", read_slowly)
        await session.greet(Hello(after={ada.reference: 2}))
        taking = asyncio.create_task(session.take())
        await has_read.wait()
        assert (await ada.say("Hello")).status_code == 201
        session.reply('{"type": "ack"}')
        frames = [parse_object(text) for text in await taking]
        may_answer.set()
        frames += [parse_object(text) async for text in session.owed()]
    assert [frame.get("seq", frame["type"]) for frame in frames] == ["welcome", "ack", 3, "caught_up"]
    assert session.close_code is None
    fanout.leave(session)


async def test_what_was_read_while_the_client_did_not_read_is_read_again(ada: Ada, one_house: House) -> None:
    """It may have been withdrawn or taken out meanwhile."""
    session, fanout = await session_of(one_house, ada), one_house.first.parts.fanout
    read_through, may_answer, reads = fanout.read_through, asyncio.Event(), 0

    async def read_slowly(conversation_id: int, cursor: int) -> list[Rendered]:
        nonlocal reads
        reads += 1
        await may_answer.wait()
        return list(await read_through(conversation_id, cursor))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "read_through", read_slowly)
        await session.greet(Hello())
        taking = asyncio.create_task(session.take())
        await until(lambda: reads == 1, what="the reading")
        session.reply('{"type": "answer"}')
        await taking
        may_answer.set()
        await until(lambda: not [*session._questions], what="the end of the reading")
        frames = [parse_object(text) async for text in session.owed()]
    assert reads == 2
    assert [frame.get("seq", frame["type"]) for frame in frames] == ["answer", 1, 2, "caught_up"]
    fanout.leave(session)


async def test_nothing_follows_a_reset(ada: Ada, one_house: House) -> None:
    """Not what was being read when the client said hello again, though somebody else here follows the conversation."""
    session, fanout = await session_of(one_house, ada), one_house.first.parts.fanout
    other = await session_of(one_house, ada)
    await other.greet(Hello())
    async for _ in other.owed():
        pass
    read_through, is_asked = fanout.read_through, asyncio.Event()

    async def read_without_end(conversation_id: int, cursor: int) -> list[Rendered]:
        is_asked.set()
        await asyncio.Event().wait()
        return list(await read_through(conversation_id, cursor))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "read_through", read_without_end)
        await session.greet(Hello())
        taking = asyncio.create_task(session.take())
        await is_asked.wait()
    await session.greet(Hello(after={ada.reference: 99}))
    frames = [parse_object(text)["type"] for text in await taking]
    frames += [parse_object(text)["type"] async for text in session.owed()]
    assert frames == ["welcome", "welcome", "reset"]
    for one in (session, other):
        fanout.leave(one)


async def test_answers_do_not_wait_for_a_look(one_house: House) -> None:
    may_answer, looks = asyncio.Event(), 0

    async def heads() -> list[Head]:
        nonlocal looks
        looks += 1
        await may_answer.wait()
        return []

    session = Session(one_house.first.parts.fanout, Viewer(Side.ADVISOR, "cora", "Cora", "", heads), "epoch")
    session._is_greeted = True
    session.look_again()
    for answer in ("one", "two"):
        taking = asyncio.create_task(session.take())
        await until(lambda: looks == 1, what="the look")
        session.reply(answer)
        assert await taking == [answer]
    session.look_again()
    may_answer.set()
    assert await session.take() == []
    assert looks == 2, "what came while it was looked at is looked at after it"


async def test_who_leaves_is_read_for_no_longer(ada: Ada, one_house: House) -> None:
    session, fanout = await session_of(one_house, ada), one_house.first.parts.fanout
    asked, let_go = asyncio.Event(), asyncio.Event()

    async def read_without_end(conversation_id: int, cursor: int) -> list[Rendered]:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            let_go.set()
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "read_through", read_without_end)
        await session.greet(Hello())
        taking = asyncio.create_task(session.take())
        await asked.wait()
        session.reply("{}")
        assert [parse_object(text)["type"] for text in await taking] == ["welcome"]
    fanout.leave(session)
    async with asyncio.timeout(5):
        await let_go.wait()


async def test_who_loses_access_while_saying_hello_is_let_go(ada: Ada, one_house: House) -> None:
    """Whoever is not followed yet is not told: what was asked for just before must be asked for again."""
    fanout, conversations = one_house.first.parts.fanout, one_house.first.parts.conversations
    token = next(cookie.value for cookie in ada.http.cookies.jar if cookie.name == "visitor") or ""
    found = await conversations.heads_of_visitor(token)
    assert len(found) == 1
    answers = [found, []]

    async def heads() -> list[Head]:
        answer = answers.pop(0)
        if answer:
            fanout.access_changed(answer[0].id)
        return answer

    session = Session(fanout, Viewer(Side.VISITOR, "visitor", "Ada", "", heads), "epoch")
    fanout.enter(session)
    await session.greet(Hello())
    kinds = [parse_object(text)["type"] async for text in session.owed()]
    assert (session.close_code, "event" in kinds) == (4104, False)
    fanout.leave(session)


async def test_a_visitor_who_may_see_nothing_is_let_go_at_once(one_house: House) -> None:
    async def heads() -> list[Head]:
        return []

    session = Session(one_house.first.parts.fanout, Viewer(Side.VISITOR, "visitor", "Ada", "", heads), "epoch")
    await session.greet(Hello())
    assert session.close_code == 4104


async def test_what_waits_for_a_slow_reader_is_bounded_by_its_size(ada: Ada, one_house: House) -> None:
    parts = one_house.first.parts
    session = await session_of(one_house, ada)
    await session.greet(Hello())
    (head,) = session._heads.values()
    said = [
        Entry(Kind.MESSAGE, Author(Side.VISITOR, "visitor", "Ada"), LONG, client_id=uuid.uuid4()) for _ in range(40)
    ]
    async with one_house.database.write() as connection:
        events = await parts.log.append(connection, head.id, *said)
    parts.log.announce(events)
    sizes, seqs = list[int](), list[int]()
    while texts := await session.take():
        sizes.append(sum(map(len, texts)))
        seqs += [frame["seq"] for frame in map(parse_object, texts) if frame["type"] == "event"]
    assert max(sizes) < MOST_TAKEN_CHARACTERS + 2 * len(LONG)
    assert seqs == list(range(1, events[-1].seq + 1))
    parts.fanout.leave(session)


async def test_a_session_that_ends_in_the_middle_of_a_hello_is_followed_by_nothing(ada: Ada, one_house: House) -> None:
    fanout = one_house.first.parts.fanout
    session = await session_of(one_house, ada)
    # So that the limit comes between the two answers to a hello.
    session.reply("{}")
    while True:
        try:
            await session.greet(Hello(after={ada.reference: 99}))
        except TooSlow:
            break
    fanout.leave(session)
    assert not any(session in feed.sessions for feed in fanout._feeds.values())


async def test_a_look_that_failed_is_taken_again(monkeypatch: pytest.MonkeyPatch, one_house: House) -> None:
    """Otherwise what was taken up on another device would be seen here for minutes, until this session's next turn."""
    monkeypatch.setattr(session_module, "LOOK_AGAIN_S", 0.05)
    looks = 0

    async def heads() -> list[Head]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise Unavailable
        return []

    session = Session(one_house.first.parts.fanout, Viewer(Side.VISITOR, "visitor", "Ada", "", heads), "epoch")
    session._is_greeted = True
    session.look_again()
    async with asyncio.timeout(5):
        while session.close_code is None:
            async for _ in session.owed():
                pass
            await session.stir()
    assert (looks, session.close_code) == (2, 4104)
