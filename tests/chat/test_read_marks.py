"""Read marks only go forward: in the database, on the page and on the line, whatever order the processes hear of them in."""

import asyncio

import pytest
from sqlalchemy import select

from chat import reading
from chat.tables import conversation
from tests.chat.house import House
from tests.chat.people import Ada, Cora, Line
from tests.engines import RedisServer
from tests.waiting import until


async def marks(house: House) -> tuple[int, int]:
    """The visitor's and the advisor's, as they are stored."""
    async with house.database.read() as db:
        query = select(conversation.c.visitor_read, conversation.c.advisor_read)
        visitor, advisor = (await db.execute(query)).one()
        return visitor, advisor


async def stored(house: House, expected: tuple[int, int]) -> None:
    async def are() -> bool:
        return await marks(house) == expected

    await until(are, what=f"the marks {expected}")


def shown(line: Line) -> list[int]:
    return [frame["seq"] for frame in line.seen if frame["type"] == "read"]


async def written(house: House) -> None:
    """Wait until no process has a mark left to store."""
    await until(lambda: not any(one.parts.reads._moved for one in house.processes), what="the marks to be stored")


async def test_an_older_mark_comes_later_from_another_process(two_processes: House) -> None:
    """Ada reads on at one process, and her other tab, at the other one, is behind."""
    here, there = two_processes.processes
    async with Ada(two_processes, here) as ada, await Cora.hired(two_processes, "Cora", there) as cora:
        reference = await ada.ask()
        await cora.take(reference)
        for word in "abcd":
            await cora.say(reference, word)
        async with ada.line() as tab, cora.line() as desk:
            await tab.hello()
            await desk.hello()
            ada.move_to(there)
            async with ada.line() as behind:
                await behind.hello()
                await tab.send("read", conversation=reference, seq=6)
                await desk.expect("read", seq=6)
                await behind.send("read", conversation=reference, seq=4)
                await behind.quiet()
                # As a hint that was long on its way.
                found = await here.parts.conversations.by_reference(reference)
                assert found is not None
                here.parts.signals.send("passing", found.id, "read", "visitor", "visitor", 5)
                await behind.send("read", conversation=reference, seq=7)
                await desk.expect("read", seq=7)
            assert shown(desk) == [6, 7]
        await stored(two_processes, (7, 0))
        for process in two_processes.processes:
            cora.move_to(process)
            assert 'data-seen-seq="7"' in (await cora.http.get(cora.path(reference))).text


async def test_marks_cross_while_no_hint_arrives(two_processes: House, redis_server: RedisServer) -> None:
    """Neither process hears of the other's mark; the database keeps the higher one, whichever writes last."""
    here, there = two_processes.processes
    async with Ada(two_processes, here) as ada, await Cora.hired(two_processes, "Cora", there) as cora:
        reference = await ada.ask()
        await cora.take(reference)
        for word in "abcd":
            await cora.say(reference, word)
        async with ada.line() as tab:
            await tab.hello()
            ada.move_to(there)
            async with ada.line() as behind:
                await behind.hello()
                redis_server.pause()
                try:
                    await tab.send("read", conversation=reference, seq=7)
                    await stored(two_processes, (7, 0))
                    await behind.send("read", conversation=reference, seq=5)
                    await behind.quiet()
                    await written(two_processes)
                    # Its write waits a moment for others; one that follows it shows that it is through.
                    await behind.send("read", conversation=reference, seq=6)
                    await behind.quiet()
                    async with asyncio.timeout(5):
                        await there.parts.reads._store(dict(there.parts.reads._moved))
                    assert await marks(two_processes) == (7, 0)
                finally:
                    redis_server.resume()
        assert 'data-seen-seq="7"' in (await cora.http.get(cora.path(reference))).text


async def test_beyond_what_there_is_counts_as_all(two_processes: House) -> None:
    async with Ada(two_processes) as ada:
        reference = await ada.ask()
        async with ada.line() as line:
            await line.hello()
            await line.send("read", conversation=reference, seq=2**31)
            await line.quiet()
        await stored(two_processes, (2, 0))


@pytest.mark.parametrize("is_anybody_there", [True, False])
@pytest.mark.parametrize("process", [0, 1], ids=["same_process", "other_process"])
async def test_who_comes_before_a_mark_is_stored_is_told_of_it(
    two_processes: House, monkeypatch: pytest.MonkeyPatch, process: int, is_anybody_there: bool
) -> None:
    """It was passed on to those who were there, and is not found stored yet."""
    monkeypatch.setattr(reading, "GATHER_S", 1)
    house = two_processes
    async with (
        Ada(house) as ada,
        await Cora.hired(house, "Cora", house.processes[process]) as cora,
        cora.line() as desk,
    ):
        await cora.take(await ada.ask())
        await desk.hello(after={})
        await desk.send("read", conversation=ada.reference, seq=3)
        await desk.quiet()
        if not is_anybody_there:
            await desk.connection.close()
        async with ada.line() as line:
            welcome = await line.hello()
            if welcome["conversations"][0]["read"]["advisor"] != 3:
                await line.expect("read", seq=3)


@pytest.mark.parametrize("purpose", ["consult", "join"])
async def test_a_colleague_on_the_side_reads_and_types_unseen(house: House, purpose: str) -> None:
    """What the visitor does not see, the visitor's line does not tell either; who joins openly is seen."""
    async with Ada(house) as ada, await Cora.hired(house) as cora, await Cora.hired(house, "Sue") as sue:
        await cora.take(await ada.ask())
        async with sue.line() as aside, ada.line() as visitor, cora.line() as desk:
            await aside.hello()

            async def is_asked() -> bool:
                # Whoever is asked must be known to be at their desk.
                invited = {"to": sue.person.account_id, "purpose": purpose}
                return (await cora.post(cora.path(ada.reference, "/invite"), invited)).status_code == 303

            await until(is_asked, what="Sue to be asked")
            await sue.post(f"/desk/invitations/{ada.reference}/accept")
            await aside.expect("caught_up", conversation=ada.reference)
            for line in (visitor, desk):
                await line.hello()
                await line.expect("caught_up")
            said = (await visitor.say(ada.reference, "Who reads this?"))["seq"]
            await aside.send("read", conversation=ada.reference, seq=said)
            await aside.send("typing", conversation=ada.reference)
            await aside.quiet()
            sue_told = {"conversation": ada.reference, "seq": said}
            assert (await sue.post_json("/desk/read", sue_told)).status_code == 204
            assert (await sue.post_json("/desk/typing", {"conversation": ada.reference})).status_code == 204
            await desk.send("typing", conversation=ada.reference)
            await visitor.expect("typing", author={"kind": "advisor", "name": "Cora"})
            seen = {frame["author"]["name"] for frame in visitor.seen if frame["type"] in ("read", "typing")}
            assert seen == ({"Cora"} if purpose == "consult" else {"Cora", "Sue"})
            await desk.send("read", conversation=ada.reference, seq=said - 1)
            read_up_to = said - 1 if purpose == "consult" else said

            async def is_marked() -> bool:
                marks = (await ada.poll())[0]["conversations"][0]["read"]
                return bool(marks["advisor"] == read_up_to)

            await until(is_marked, what="the advisors' mark")
