"""The checker finds faults that are planted in the code: each test breaks one thing that a guarantee rests on.

Two web processes run inside the test. Ada speaks through the first and has a second tab open at the other one.
"""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from sqlalchemy import update
from starlette.requests import Request

from app.demo import open_round_the_clock
from chat.events import Event
from chat.fanout import Fanout
from chat.frames import Hello
from chat.log import Log, Receipt
from chat.session import Session
from chat.stream import Streams
from chat.tables import conversation
from chat.viewer import Viewer
from core.db import Database
from core.signals import Hint
from tests.engines import PostgresServer, free_port
from tests.faults.boxes import Network
from tests.faults.breakages import COMMIT_QUERY, COMMIT_REPLY
from tests.faults.cast import Company, Role, ask, new_mark, read_stored
from tests.faults.checker import Finding, Rule, check, describe
from tests.faults.clients import Client
from tests.faults.history import Message
from tests.faults.inside import serving, settings_inside
from tests.faults.ladder import Rung
from tests.faults.proxy import Proxy, Way
from tests.faults.talk import Talker
from tests.waiting import until

pytestmark = pytest.mark.faults

SETTLED_WITHIN_S = 2.0
WHOLE_WITHIN_S = 20.0
"""Where nothing is to be found, waiting costs nothing."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Ada's two tabs, and the link between the service and its database."""

    role: Role
    ada: Talker
    second_tab: Client
    conversation: str
    company: Company
    link: Proxy
    database_url: str
    folder: Path

    async def say(self, times: int = 1) -> Message:
        return await self.ada.say(self.conversation, times)

    def another_screen(self, rung: Rung) -> None:
        self.company.join(self.role, "Ada's third tab", self.ada.access.ports, rung).start(talking=False)

    async def look(self, within_s: float = SETTLED_WITHIN_S) -> list[Finding]:
        """Everything is whole again: what does the checker say?"""
        stored = await read_stored(self.database_url, self.folder / "master.keys", self.company.marks)
        await self.company.settle(stored, within_s)
        return check(self.company.leave(stored))

    async def find(self) -> set[Rule]:
        return {finding.rule for finding in await self.look()}


@asynccontextmanager
async def playing(
    folder: Path,
    postgres: PostgresServer,
    database_url: str,
    redis_url: str,
    kind: type[Client] = Client,
    *,
    has_scripts: bool = True,
) -> AsyncIterator[Scene]:
    """The service with whatever was planted before, and Ada caught up in both tabs."""
    database = Database(database_url)
    await open_round_the_clock(database)
    await database.close()
    rng = random.Random(1)
    async with Proxy(postgres.port) as link:
        settings = settings_inside(folder, database_url.replace(f":{postgres.port}/", f":{link.port}/"), redis_url)
        other_port = free_port()
        async with serving(settings, settings.port), serving(settings, other_port):
            role = await asyncio.to_thread(ask, settings.base_url, "Ada", new_mark(rng))
            if not has_scripts:
                await _take(database_url, role)
                role = replace(role, network=None)
            company = Company(settings.base_url, {Network.OPEN: [settings.port]}, [role], rng, kind)
            second = company.join(role, "Ada's second tab", [other_port])
            (ada,) = company.clients
            (conversation,) = company.marks
            for client in (ada, second):
                client.start(talking=False)
            try:
                yield Scene(role, ada, second, conversation, company, link, database_url, folder)
            finally:
                await company.stop()


async def _take(database_url: str, role: Role) -> None:
    """The page with the log is that of a conversation that somebody has taken."""
    database = Database(database_url)
    async with database.write() as connection:
        mine = conversation.c.reference.in_(role.marks)
        await connection.execute(update(conversation).where(mine).values(status="active"))
    await database.close()


@pytest.fixture
async def scene(tmp_path: Path, postgres: PostgresServer, postgres_url: str, redis_url: str) -> AsyncIterator[Scene]:
    async with playing(tmp_path, postgres, postgres_url, redis_url) as scene:
        yield scene


async def test_nothing_is_found_without_a_planted_fault(scene: Scene) -> None:
    """The same disturbances as below, and the code as it is."""
    first = await scene.say()
    await scene.ada.say_again(first)
    for way, words in ((Way.FORTH, COMMIT_QUERY), (Way.BACK, COMMIT_REPLY)):
        scene.link.cut_at(way, words, times=1)
        await scene.say()
    findings = await scene.look(WHOLE_WITHIN_S)
    assert not findings, describe(findings)


async def test_a_hint_that_could_not_be_followed_is_made_good_soon(scene: Scene) -> None:
    """The other process hears of the message and loses the database while reading it: no five seconds for that."""
    lines = scene.second_tab.screens[0].lines
    await until(lambda: lines, what="the second tab to be caught up")
    scene.link.cut_at(Way.FORTH, b"ORDER BY e.seq LIMIT", times=1)
    message = await scene.say()
    await until(lambda: lines[-1].text == message.text, within_s=2.5, what="the message in the second tab")
    assert scene.link.cuts_left == 0


async def test_a_database_that_hears_and_does_not_answer(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing tells such a connection from one that works slowly but time: the writer must not wait for it for ever."""
    monkeypatch.setattr("core.db.SILENT_S", 1.0)
    monkeypatch.setattr("core.db.PING_S", 0.5)
    await until(lambda: scene.second_tab.screens[0].lines, what="the second tab to be caught up")
    await scene.say()
    scene.link.swallow()
    said = asyncio.create_task(scene.say())
    await until(said.done, within_s=12, what="the message to get through by new connections")
    # The other process's connections may have to be given up one after the other.
    findings = await scene.look(WHOLE_WITHIN_S)
    assert not findings, describe(findings)


class AcknowledgesBeforeCommit(Log):
    async def _commit(self, batch: Sequence[Any]) -> Any:
        tops = await self.tops([one.conversation_id for one in batch])
        for step, one in enumerate(batch, start=1):
            one.answer.set_result(Receipt(tops[one.conversation_id] + step, 0, again=False))
        return await super()._commit(list(batch))


async def test_acknowledging_before_the_commit(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.talk_parts.Log", AcknowledgesBeforeCommit)
    async with playing(tmp_path, postgres, postgres_url, redis_url) as scene:
        scene.link.cut_at(Way.FORTH, COMMIT_QUERY, times=1)
        await scene.say()
        await until(lambda: scene.link.cuts_left == 0, what="the commit to be cut")
        assert Rule.LOST in await scene.find()


class ForgetsIds(Log):
    async def _known(self, *_: object) -> dict[tuple[int, str, str], Event]:
        return {}


async def test_not_looking_for_known_ids(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the look, and without the constraint that would catch it."""
    monkeypatch.setattr("app.talk_parts.Log", ForgetsIds)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE event DROP CONSTRAINT uq_event_conversation_id_author_client_id")
    async with playing(tmp_path, postgres, postgres_url, redis_url) as scene:
        await scene.ada.say_again(await scene.say())
        assert {Rule.DOUBLED, Rule.TWO_NUMBERS} <= await scene.find()


class SubscribesLate(Session):
    """Reads what there is, and follows the conversation from when it comes round to it."""

    has_read: ClassVar[asyncio.Event]
    may_subscribe: ClassVar[asyncio.Event]

    async def greet(self, hello: Hello) -> None:
        await super().greet(hello)
        heads = list(self._heads.values())
        for text in [text async for text in self.owed()]:
            self.reply(text)
        for head in heads:
            self._fanout.unsubscribe(self, head.id)
        self.has_read.set()
        await self.may_subscribe.wait()
        for head in await self.viewer.heads():
            self._fanout.subscribe(self, head)
            self.cursors[head.id] = head.last_seq


async def test_subscribing_after_reading(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    SubscribesLate.has_read, SubscribesLate.may_subscribe = asyncio.Event(), asyncio.Event()
    async with playing(tmp_path, postgres, postgres_url, redis_url) as scene:
        await scene.say()
        await until(lambda: len(scene.second_tab.screens[0].lines) == 3, what="the second tab to be caught up")
        scene.second_tab.go_offline()
        monkeypatch.setattr("chat.socket.Session", SubscribesLate)
        scene.second_tab.go_online()
        await SubscribesLate.has_read.wait()
        await scene.say()
        SubscribesLate.may_subscribe.set()
        assert await scene.find() == {Rule.SCREEN}


class NeverLooks(Fanout):
    def _hinted(self, hint: Hint) -> None:
        return

    async def _compare_tops(self) -> None:
        return


async def test_neither_heeding_hints_nor_polling(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.talk_parts.Fanout", NeverLooks)
    async with playing(tmp_path, postgres, postgres_url, redis_url) as scene:
        await until(lambda: scene.second_tab.screens[0].lines, what="the second tab to be caught up")
        await scene.say()
        assert await scene.find() == {Rule.SCREEN}


class GoesTooFar(Streams):
    """Reads a place as one further than it is."""

    async def _hello(self, request: Request, viewer: Viewer) -> Hello:
        hello = await super()._hello(request, viewer)
        after = {name: seq + 1 if isinstance(seq, int) else seq for name, seq in (hello.after or {}).items()}
        return Hello(after=after, epoch=hello.epoch)


@pytest.mark.parametrize("rung", [Rung.STREAM, Rung.POLL])
async def test_a_stream_and_a_poll_that_leave_one_out(
    tmp_path: Path,
    postgres: PostgresServer,
    postgres_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    rung: Rung,
) -> None:
    monkeypatch.setattr("app.parts.Streams", GoesTooFar)
    async with playing(tmp_path, postgres, postgres_url, redis_url) as scene:
        await scene.say()
        scene.another_screen(rung)
        assert Rule.NOTICED in await scene.find()


async def test_a_form_without_its_id(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody presses Send twice."""
    monkeypatch.setattr("chat.posting._id_of", lambda form: uuid.uuid4())
    async with playing(tmp_path, postgres, postgres_url, redis_url, has_scripts=False) as scene:
        await scene.say(times=2)
        assert Rule.DOUBLED in await scene.find()


class TakesANewId(Client):
    def _after_doubt(self, message: Message) -> None:
        message.id = str(uuid.uuid4())


async def test_a_client_that_tries_again_under_a_new_id(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, redis_url: str
) -> None:
    async with playing(tmp_path, postgres, postgres_url, redis_url, TakesANewId) as scene:
        scene.link.cut_at(Way.BACK, COMMIT_REPLY, times=1)
        await scene.say()
        assert Rule.DOUBLED in await scene.find()
