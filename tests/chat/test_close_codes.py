"""Close codes that come from what happens beside a line: its tab elsewhere, its script, its place, its device.

What a frame itself brings about is tried in test_socket_frames.py and test_hostile_frames.py.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from chat import fanout, frames
from chat.events import Entry
from chat.session import Session
from chat.tables import conversation, event
from chat.tabs import Tabs
from chat.words import Kind
from core.clock import utc_now
from core.people import Role
from staff.tables import account_role
from tests.chat.house import House, opened
from tests.chat.people import Ada, Cora
from tests.forks import ROOT
from tests.waiting import MS, until

NOBODY = "redis://127.0.0.1:1"


@pytest.fixture
async def without_redis(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path, database_url, NOBODY, processes=2) as house:
        yield house


async def test_a_tab_that_comes_back_at_another_process(two_processes: House) -> None:
    first, second = two_processes.processes
    async with Ada(two_processes, first) as ada:
        await ada.ask()
        async with ada.line() as old, ada.line() as other:
            await old.hello(tab="1")
            await other.hello(tab="2")
            ada.move_to(second)
            async with ada.line() as new:
                await new.hello(tab="1")
                assert await old.closed() == 4101
                await new.quiet()
                await other.quiet()
                await new.send("hello", tab="1")
                await new.expect("welcome")
                await new.quiet()


async def test_a_late_hint_closes_nobody_who_came_since(ada: Ada) -> None:
    async with ada.line() as line:
        await line.hello(tab="1")
        tabs: Tabs = ada.at.parts.sockets._tabs
        (name,) = [name for name, (session, _) in tabs._open.items() if session.owner == ada.reference]
        tabs._taken_elsewhere(["tab", name, 1])
        await line.quiet()
        tabs._taken_elsewhere(["tab", name, int(utc_now().timestamp() * 1_000) + 60_000])
        assert await line.closed() == 4101


@pytest.mark.parametrize("build", [str(frames.OLDEST_BUILD - 1), "0", "000"])
async def test_an_old_script(ada: Ada, build: str) -> None:
    async with ada.line() as line:
        await line.send("hello", build=build)
        assert await line.closed() == 4103
        assert not line.events()


@pytest.mark.parametrize(
    "build", [None, "", str(frames.BUILD), "999999999", "my client 0.1", "-1", "\u0660", "9" * 5_000]
)
async def test_another_client_names_its_build_as_it_likes(ada: Ada, build: str | None) -> None:
    async with ada.line() as line:
        await line.hello(build=build)
        await line.expect("caught_up")


async def test_our_pages_name_the_build_that_is_served(ada: Ada, cora: Cora) -> None:
    waiting = (await ada.http.get("/chat")).text
    await cora.take(ada.reference)
    pages = [waiting, (await ada.http.get("/chat")).text, (await cora.http.get("/desk")).text]
    assert [re.findall(r'data-build="(\w+)"', page) for page in pages] == [[str(frames.BUILD)]] * 3


async def test_a_hole_in_the_log_loses_the_place(ada: Ada, one_house: House) -> None:
    """It cannot come about; if it does, nobody is shown what comes after it, and nothing is asked for without end."""
    for _ in range(3):
        await ada.say("Hello")
    async with one_house.database.write() as connection:
        mine = (
            conversation.select().where(conversation.c.reference == ada.reference).with_only_columns(conversation.c.id)
        )
        await connection.execute(delete(event).where(event.c.conversation_id.in_(mine), event.c.seq == 3))
    async with ada.line() as line:
        await line.hello()
        assert await line.closed() == 4002
        assert line.numbers() == [1, 2]
    assert [frame["seq"] for frame in await ada.log()] == [1, 2]


async def test_a_database_that_is_put_back_loses_the_place(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was sent what is no longer there comes back, and is then reset."""
    monkeypatch.setattr(fanout, "POLL_S", 20 * MS)
    monkeypatch.setattr(fanout, "POLLS_WHILE_HEALTHY", 1)
    async with Ada(house) as ada:
        await ada.ask()
        await ada.say("Hello")
        async with ada.line() as line:
            await line.hello()
            await line.expect("caught_up", last_seq=3)
            async with house.database.write() as connection:
                mine = conversation.c.reference == ada.reference
                await connection.execute(update(conversation).where(mine).values(last_seq=2))
                await connection.execute(delete(event).where(event.c.seq == 3))
            assert await line.closed() == 4002
        async with ada.line() as line:
            await line.hello(after={ada.reference: 3})
            await line.expect("reset", conversation=ada.reference)
        async with ada.line() as line:
            await line.hello()
            await line.expect("caught_up", last_seq=2)


async def test_the_device_left_behind_without_redis(without_redis: House) -> None:
    """Nobody hears of it, so the other process has to look; within five seconds, as it is promised."""
    first, second = without_redis.processes
    async with Ada(without_redis, first) as ada, Ada(without_redis, second) as elsewhere:
        reference, code = await ada.ask_and_read_code()
        async with ada.line() as old:
            await old.hello()
            answer = await elsewhere.post("/resume", {"reference": reference, "resume_code": code})
            assert answer.headers["location"] == "/chat"
            async with asyncio.timeout(5):
                assert await old.closed() == 4104


async def test_sign_out_without_redis(without_redis: House) -> None:
    first, second = without_redis.processes
    async with (
        await Cora.hired(without_redis, at=first) as cora,
        await Cora.hired(without_redis, "Dev", first) as dev,
        cora.line() as there,
        dev.line() as other,
    ):
        await there.hello()
        await other.hello()
        # The sign-in was looked at a moment ago and is remembered there.
        await cora.http.get("/desk")
        cora.move_to(second)
        assert (await cora.post("/sign-out")).status_code == 303
        async with asyncio.timeout(5):
            assert await there.closed() == 4100
        await other.quiet()


async def test_a_role_that_is_taken(house: House) -> None:
    async with await Cora.hired(house) as cora, cora.line() as line:
        await line.hello()
        async with house.database.write() as connection:
            mine = account_role.c.account_id == cora.person.account_id
            await connection.execute(update(account_role).where(mine).values(role=Role.EDITOR))
        async with asyncio.timeout(5):
            assert await line.closed() == 4100


async def test_a_name_is_known_where_nothing_of_its_owner_was_shown(two_processes: House) -> None:
    """Both come back to other processes with everything they hold, so that no event is read there."""
    first, second = two_processes.processes
    async with Ada(two_processes, first) as ada, await Cora.hired(two_processes, at=second) as cora:
        reference = await ada.ask()
        await cora.take(reference)
        async with ada.line() as visitor, cora.line() as desk:
            await visitor.hello(after={reference: 3})
            await desk.hello(after={reference: 3})
            await visitor.expect("caught_up")
            await desk.expect("caught_up")
            await visitor.send("typing", conversation=reference)
            assert (await desk.expect("typing"))["author"] == {"kind": "visitor", "name": "Ada"}
            await desk.send("read", conversation=reference, seq=3)
            assert (await visitor.expect("read", seq=3))["author"] == {"kind": "advisor", "name": "Cora"}
            await desk.send("typing", conversation=reference)
            assert (await visitor.expect("typing"))["author"] == {"kind": "advisor", "name": "Cora"}
            assert not visitor.events() + desk.events()


async def test_one_hint_of_five_hundred_events(two_processes: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """They come at once, not a page with each look of the poll."""
    first, second = two_processes.processes
    monkeypatch.setattr(fanout, "POLL_S", 3_600)
    async with Ada(two_processes, first) as ada:
        await ada.ask()
        found = await first.parts.conversations.by_reference(ada.reference)
        assert found is not None
        ada.move_to(second)
        async with ada.line() as line:
            await line.hello()
            await line.expect("caught_up")
            await until(lambda: first.parts.signals.healthy and second.parts.signals.healthy)
            many = [Entry(Kind.MESSAGE, found.visitor, f"message {number}") for number in range(500)]
            async with first.database.write() as connection:
                events = await first.parts.log.append(connection, found.id, *many)
            first.parts.log.announce(events)
            await line.expect("event", seq=502)
            assert line.numbers() == list(range(1, 503))


async def test_who_comes_in_while_the_process_goes(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let in a moment before the doors closed: told to come back like everybody else."""
    enter = ada.at.parts.fanout.enter

    def enter_late(session: Session) -> None:
        monkeypatch.setattr(ada.at.parts.fanout, "is_draining", True)
        enter(session)

    monkeypatch.setattr(ada.at.parts.fanout, "enter", enter_late)
    async with ada.line() as line:
        assert await line.closed() == 1012
        assert line.seen[-1]["type"] == "reconnect"


def test_every_close_code_is_met_by_a_test() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text().split("## Close codes")[1].split("\n## ")[0]
    listed = set(re.findall(r"\b(?:1|4)\d{3}\b", page))
    # A line that is cut, a server that crashes and one that stops without a word show as these, sent by nobody.
    listed -= {"1001", "1006", "1011", "4000"}
    met = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__))
    met += "".join(Path(__file__).read_text().split("def test_every")[:1])
    assert {code for code in listed if code not in met} == set()
