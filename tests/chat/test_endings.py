"""How a line ends: the conversation is over, it is somebody else's, the sign-in ended, the process goes."""

import asyncio
import gc
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import update
from websockets.exceptions import InvalidStatus

from app.sockets import GuardedSocket
from chat.arrivals import Arrivals
from chat.events import Author, Entry
from chat.fanout import spread_ms
from chat.saying import OnItsWay
from chat.tables import conversation
from chat.words import Kind, Side
from core.errors import Unavailable
from tests.chat.house import House, stop
from tests.chat.people import Ada, Cora
from tests.waiting import until


async def test_a_newer_connection_of_a_tab_replaces_the_older(ada: Ada, one_house: House) -> None:
    async with Ada(one_house) as ben:
        await ben.ask(nickname="Bee")
        async with ada.line() as old, ada.line() as other, ben.line() as bens, ada.line() as new:
            await old.hello(tab="1")
            await other.hello(tab="2")
            await bens.hello(tab="1")
            await new.hello(tab="1")
            assert await old.closed() == 4101
            for line in (other, bens, new):
                await line.quiet()


async def test_the_end_closes_the_visitors_line_and_not_the_desks(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    async with ada.line() as visitor, cora.line() as desk:
        await visitor.hello()
        await desk.hello()
        await cora.end(ada.reference)
        assert await visitor.closed() == 4105
        assert visitor.events()[-1]["kind"] == "ended"
        await desk.expect("event", kind="ended")
        await desk.quiet()
        assert not [frame for frame in desk.seen if frame["type"] == "error"]
    async with ada.line() as late:
        await late.hello()
        assert await late.closed() == 4105
        assert late.numbers() == [1, 2, 3, 4]


async def test_leaving_the_line_is_an_end(ada: Ada) -> None:
    async with ada.line() as line:
        await line.hello()
        assert (await ada.post("/chat/leave")).status_code == 303
        assert await line.closed() == 4105
        assert line.events()[-1]["kind"] == "left"


async def test_a_colleague_who_leaves_is_no_end(ada: Ada, cora: Cora, one_house: House) -> None:
    await cora.take(ada.reference)
    parts = one_house.first.parts
    found = await parts.conversations.by_reference(ada.reference)
    assert found is not None
    async with ada.line() as line:
        await line.hello()
        async with one_house.first.database.write() as connection:
            dev = Author(Side.ADVISOR, cora.person.account_id, "Dev")
            events = await parts.log.append(connection, found.id, Entry(Kind.LEFT, dev))
        parts.log.announce(events)
        await line.expect("event", kind="left")
        assert (await line.say(ada.reference, "Hello"))["type"] == "ack"


async def test_who_loses_a_conversation_is_told_and_hears_no_more(ada: Ada, cora: Cora, one_house: House) -> None:
    await cora.take(ada.reference)
    given = uuid.uuid4()
    async with await Cora.hired(one_house, "Dev") as dev, cora.line() as desk:
        await desk.hello()
        await desk.say(ada.reference, "Hello Ada", given)
        await give(one_house, ada.reference, dev)
        one_house.first.parts.fanout.account_changed(cora.person.account_id)
        assert (await desk.expect("error", conversation=ada.reference))["code"] == "assignment_lost"
        await ada.say("Who is there?")
        assert (await desk.say(ada.reference, "Are you there?"))["code"] == "assignment_lost"
        again = await desk.say(ada.reference, "Hello Ada", given)
        assert (again["type"], again["again"]) == ("ack", True)
        assert "Who is there?" not in str(desk.seen)
    async with cora.line() as desk:
        assert (await desk.hello())["conversations"] == []
        assert (await desk.say(ada.reference, "Are you there?"))["code"] == "assignment_lost"
        assert (await desk.say(ada.reference, "Hello Ada", given))["again"]
    async with dev.line() as stranger:
        await stranger.hello()


async def test_what_was_said_before_the_end_is_still_answered_after_it(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    given = uuid.uuid4()
    async with cora.line() as desk:
        await desk.hello()
        first = await desk.say(ada.reference, "Goodbye", given)
        await cora.end(ada.reference)
    async with cora.line() as desk:
        await desk.hello()
        again = await desk.say(ada.reference, "Goodbye", given)
        assert (again["seq"], again["again"]) == (first["seq"], True)
        assert (await desk.say(ada.reference, "One more"))["code"] == "ended"


async def test_a_conversation_that_is_taken_comes_to_the_open_desk(ada: Ada, cora: Cora) -> None:
    async with cora.line() as desk:
        assert (await desk.hello())["conversations"] == []
        await cora.take(ada.reference)
        await desk.expect("caught_up", conversation=ada.reference)
        assert desk.numbers() == [1, 2, 3]


async def test_sign_out_closes_every_line_of_the_sign_in(two_processes: House) -> None:
    first, second = two_processes.processes
    async with await Cora.hired(two_processes) as cora, await Cora.hired(two_processes, "Dev", second) as dev:
        async with cora.line() as here, dev.line() as other:
            await here.hello()
            await other.hello()
            cora.move_to(second)
            async with cora.line() as there:
                await there.hello()
                async with asyncio.timeout(5):
                    assert (await cora.post("/sign-out")).status_code == 303
                    assert await here.closed() == 4100
                    assert await there.closed() == 4100
            await other.quiet()
        async with cora.line() as late:
            assert await late.closed() == 4100
    assert first is not second


async def test_the_device_left_behind_is_let_go(two_processes: House) -> None:
    first, second = two_processes.processes
    async with Ada(two_processes, first) as ada, Ada(two_processes, second) as elsewhere:
        reference, code = await ada.ask_and_read_code()
        async with ada.line() as old:
            await old.hello()
            answer = await elsewhere.post("/resume", {"reference": reference, "resume_code": code})
            assert answer.headers["location"] == "/chat"
            assert await old.closed() == 4104
        assert (await ada.http.get("/chat")).headers["location"] == "/resume"
        async with elsewhere.line() as new:
            assert (await new.hello())["conversations"][0]["conversation"] == reference


async def test_a_process_that_goes_says_when_to_come_back(two_processes: House) -> None:
    first, second = two_processes.processes
    async with Ada(two_processes) as ada, await Cora.hired(two_processes) as cora:
        await cora.take(await ada.ask())
        async with ada.line() as visitor, cora.line() as desk:
            await visitor.hello()
            await desk.hello()
            stream = asyncio.create_task(ada.http.get("/chat/events"))
            await until(lambda: len(first.parts.fanout.sessions()) == 3)
            await first.service.drain()
            for line in (visitor, desk):
                assert await line.closed() == 1012
                assert [0 <= frame["after_ms"] < 500 for frame in line.seen if frame["type"] == "reconnect"] == [True]
            assert '"reconnect"' in (await stream).text
            assert (await ada.http.get("/readyz")).status_code == 503
            with pytest.raises(InvalidStatus) as refused:
                async with ada.line():
                    raise AssertionError("the socket opened")
            assert refused.value.response.status_code == 503
        ada.move_to(second)
        async with ada.line() as visitor:
            await visitor.hello(after={ada.reference: 3})
            await visitor.expect("caught_up")
            assert visitor.numbers() == []
        await stop(first)


@pytest.mark.parametrize(("sessions", "within_ms"), [(0, 500), (20, 500), (1_200, 1_200), (50_000, 3_000)])
def test_a_crowd_comes_back_slowly_and_a_few_at_once(sessions: int, within_ms: int) -> None:
    """Whoever is sent away twice, by one process after the other, is away for less than five seconds all the same."""
    assert spread_ms(sessions) == within_ms


async def test_hello_while_the_database_is_away_may_be_said_again(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    """4005, which means come back; never 4102, which means do not."""

    async def away(self: Arrivals, token: str) -> None:
        raise Unavailable

    async with ada.line() as line:
        monkeypatch.setattr(Arrivals, "heads", away)
        await line.send("hello")
        assert await line.closed() == 4005
        assert line.seen[-1]["code"] == "unavailable"


async def test_an_erased_conversation_is_gone_for_everybody(ada: Ada, cora: Cora, one_house: House) -> None:
    await cora.take(ada.reference)
    async with ada.line() as visitor:
        await visitor.hello()
        async with one_house.database.write() as connection:
            mine = conversation.c.reference == ada.reference
            await connection.execute(update(conversation).where(mine).values(wrapped_key=None))
        assert (await visitor.say(ada.reference, "Hello"))["code"] == "not_found"
    async with ada.line() as visitor:
        assert await visitor.closed() == 4100
    assert (await cora.say(ada.reference, "Hello")).status_code in (404, 409)
    assert (await ada.http.get("/chat")).headers["location"] == "/resume"


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Collections are rare, so that whatever waits for one would fill the memory until then."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def is_gone(kind: type) -> bool:
    return not any(type(one) is kind for one in gc.get_objects())


@pytest.mark.usefixtures("uncollected")
async def test_a_line_that_has_ended_is_forgotten_at_once(ada: Ada) -> None:
    async with ada.line() as line:
        await line.hello()
        await line.say(ada.reference, "Good morning")
        assert not is_gone(GuardedSocket)
    await until(lambda: is_gone(GuardedSocket), what="the socket to be forgotten")


@pytest.mark.usefixtures("uncollected")
async def test_what_was_refused_is_forgotten_at_once(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    async with cora.line() as line:
        await line.hello(after={})
        await cora.end(ada.reference)
        assert (await line.say(ada.reference, "One more thing"))["code"] == "ended"
        await until(lambda: is_gone(OnItsWay), what="the message to be forgotten")
    refused = await cora.say(ada.reference, "One more thing")
    assert refused.json()["code"] == "ended"
    await until(lambda: is_gone(OnItsWay), what="the message to be forgotten")


async def give(house: House, reference: str, to: Cora) -> None:
    """Put the conversation into other hands, as a transfer does."""
    async with house.database.write() as connection:
        mine = conversation.c.reference == reference
        await connection.execute(update(conversation).where(mine).values(advisor_id=to.person.account_id))
