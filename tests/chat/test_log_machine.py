"""The log under every order of events that hypothesis thinks of: two processes, three people, and what may break.

After each step what everybody was told and shows is compared with what is stored (world.py). The last tests break the
code and show that the machine finds it.
"""

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert

from chat.events import VISITOR_AUTHOR, Author
from chat.frames import Hello
from chat.log import Log, Receipt
from chat.session import Session
from chat.words import Kind
from core.clock import utc_now
from core.settings import Settings
from core.sqlite import sqlite_url
from staff.tables import account
from tests.chat.told import Talk, Try
from tests.chat.world import World, signed_in
from tests.engines import PostgresServer
from tests.faults.inside import settings_inside

at = st.integers(0, 1)
who = st.integers(0, 1)
EXAMPLES = {"sqlite": 12, "postgresql": 6}
"""Some seconds' worth on each engine."""
STEPS = 30

NewDatabase = Callable[[], AbstractContextManager[str]]


class LogMachine(RuleBasedStateMachine):
    """Rules are what people and the nemesis do; `world` keeps what came of it."""

    new_database: ClassVar[NewDatabase]
    site: ClassVar[Settings]
    redis_url: ClassVar[str]
    found: ClassVar[int] = 0
    """How often something was wrong."""
    talks = Bundle("talks")

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.held = type(self).new_database()
        url = self.held.__enter__()
        self.run(self._begin(url))

    async def _begin(self, url: str) -> None:
        self.world = World(self.site, url, self.redis_url)
        await self.world.start()
        async with self.world.observer.write() as connection:
            for name in ("Cora", "Dev"):
                row = {"id": uuid.uuid4().hex, "email": f"{name}@example.org", "name": name, "presence": "online"}
                await connection.execute(insert(account).values(capacity=2, created_at=utc_now(), **row))
                self.world.advisors.append(signed_in(row["id"], name))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.run(self.world.close())
        if hasattr(self, "held"):
            self.held.__exit__(None, None, None)
            self.runner.close()

    def run(self, action: Any) -> Any:
        try:
            return self.runner.run(action)
        except AssertionError:
            type(self).found += 1
            raise

    @invariant()
    def everybody_sees_what_is_stored(self) -> None:
        if hasattr(self, "world"):
            self.run(self.world.check())

    @rule(target=talks, at=at)
    def open(self, at: int) -> Talk:
        self.run(self.world.open(at))
        return self.world.talks[-1]

    def author(self, person: int) -> Author:
        return VISITOR_AUTHOR if person == 2 else self.world.author_of(person)

    @rule(at=at, talk=talks, person=st.integers(0, 2), kind=st.sampled_from([Kind.MESSAGE, Kind.MESSAGE, Kind.NOTE]))
    def say(self, at: int, talk: Talk, person: int, kind: Kind) -> None:
        kind = Kind.MESSAGE if person == 2 else kind
        self.run(self.world.say(at, self.world.new_try(talk, self.author(person), kind)))

    @rule(at=at, talk=talks)
    def say_at_once_in_both(self, at: int, talk: Talk) -> None:
        """One id at both processes, and another person beside it."""
        one = self.world.new_try(talk, VISITOR_AUTHOR, Kind.MESSAGE)
        other = self.world.new_try(talk, self.world.author_of(0), Kind.MESSAGE)

        async def together() -> None:
            await asyncio.gather(self.world.say(at, one), self.world.say(1 - at, one), self.world.say(at, other))

        self.run(together())
        self.world.writer = None

    def known(self, number: int) -> Try:
        return self.world.tries[number % len(self.world.tries)]

    @precondition(lambda self: self.world.tries)
    @rule(at=at, number=st.integers(0, 10_000), times=st.integers(1, 3))
    def say_again(self, at: int, number: int, times: int) -> None:
        for _ in range(times):
            self.run(self.world.say(at, self.known(number)))

    @precondition(lambda self: self.world.tries)
    @rule(at=at, number=st.integers(0, 10_000))
    def say_another_text(self, at: int, number: int) -> None:
        if self.known(number).seqs:
            self.run(self.world.say_another_text(at, self.known(number)))

    @precondition(lambda self: self.world.tries)
    @rule(at=at, number=st.integers(0, 10_000))
    def redact(self, at: int, number: int) -> None:
        if self.known(number).seqs:
            self.run(self.world.redact(at, self.known(number)))

    @rule(at=at, who=who, talk=talks)
    def claim(self, at: int, who: int, talk: Talk) -> None:
        self.run(self.world.claim(at, who, talk))

    @rule(talk=talks)
    def claim_at_once(self, talk: Talk) -> None:
        async def together() -> None:
            await asyncio.gather(*(self.world.claim(one % 2, one // 2, talk) for one in range(4)))

        self.run(together())

    @rule(at=at, talk=talks, number=st.integers(0, 1))
    def put_back_while_they_write(self, at: int, talk: Talk, number: int) -> None:
        one = self.world.new_try(talk, self.author(number), Kind.MESSAGE)

        async def together() -> None:
            await asyncio.gather(self.world.say(1 - at, one), self.world.put_back(at, talk))

        self.run(together())
        self.world.writer = None

    @rule(at=at, talk=talks)
    def end_while_they_write(self, at: int, talk: Talk) -> None:
        one = self.world.new_try(talk, VISITOR_AUTHOR, Kind.MESSAGE)

        async def together() -> None:
            await asyncio.gather(self.world.say(1 - at, one), self.world.end(at, talk))

        self.run(together())
        self.world.writer = None

    @rule(at=at, talk=talks, cursor=st.sampled_from([0, -1, "top", "top", "less", "more", 2**63, "x", True]))
    def connect(self, at: int, talk: Talk, cursor: Any) -> None:
        """With any cursor: what cannot be continued is reset, and nothing else is."""

        async def connect() -> None:
            top = len(await self.world.stored(talk))
            claimed = {"top": top, "less": top - 1, "more": top + 1}.get(cursor, cursor)
            after = {talk.reference: claimed}
            screen = await self.world.connect(at, self.world.visitor(at, talk), after)
            fits = isinstance(claimed, int) and not isinstance(claimed, bool) and 0 <= claimed <= top
            assert (talk.id in screen.session._dirty) == fits
            if not fits:
                self.world.drop(screen)

        self.run(connect())

    @rule(at=at, who=who)
    def sit_down_at_the_desk(self, at: int, who: int) -> None:
        self.run(self.world.connect(at, self.world.advisor(at, who), {}))

    @rule(at=at, talk=talks, sender=at)
    def connect_while_they_write(self, at: int, talk: Talk, sender: int) -> None:
        """Between the look at the conversation and its answer something is said."""

        async def say() -> None:
            await self.world.say(sender, self.world.new_try(talk, VISITOR_AUTHOR, Kind.MESSAGE))

        viewer = self.world.visitor(at, talk, say)
        screen = self.run(self.world.connect(at, viewer, {}))
        screen.session.viewer = self.world.visitor(at, talk)

    @precondition(lambda self: self.world.screens)
    @rule(number=st.integers(0, 10_000))
    def drop(self, number: int) -> None:
        self.world.drop(self.world.screens[number % len(self.world.screens)])

    @rule(at=at)
    def kill(self, at: int) -> None:
        self.run(self.world.kill(at))

    @rule(at=at, talk=talks, count=st.integers(1, 3), turns=st.integers(0, 60))
    def kill_while_they_speak(self, at: int, talk: Talk, count: int, turns: int) -> None:
        tries = [self.world.new_try(talk, VISITOR_AUTHOR, Kind.MESSAGE) for _ in range(count)]
        for one in tries:
            # They did not wait for each other.
            one.is_unknown = True
        self.run(self.world.kill_while_they_speak(at, tries, turns))

    @rule()
    def flush_redis(self) -> None:
        self.world.flush_redis()

    @rule()
    def cut_off_the_database(self) -> None:
        self.world.cut_off()

    @rule(at=at, talk=talks, answer=st.booleans())
    def cut_the_commit(self, at: int, talk: Talk, answer: bool) -> None:
        """It or its answer is lost; sent again at the other process, it is stored once."""
        database = self.world.processes[at].database
        one = self.world.new_try(talk, VISITOR_AUTHOR, Kind.MESSAGE)
        database.answers_to_lose, database.commits_to_lose = int(answer), int(not answer)
        self.run(self.world.say(at, one))
        database.answers_to_lose = database.commits_to_lose = 0
        self.run(self.world.say(1 - at, one))


@pytest.fixture
def machine(request: pytest.FixtureRequest, engine: str, tmp_path: Path, redis_url: str) -> type[LogMachine]:
    folder = tmp_path / "site"
    folder.mkdir()

    @contextmanager
    def sqlite() -> Iterator[str]:
        with tempfile.TemporaryDirectory(dir=tmp_path) as name:
            shutil.copy(request.getfixturevalue("_migrated_sqlite"), Path(name) / "dutyline.db")
            yield sqlite_url(Path(name))

    @contextmanager
    def postgres() -> Iterator[str]:
        server: PostgresServer = request.getfixturevalue("postgres")
        name = f"machine_{uuid.uuid4().hex}"
        yield server.create_database(name, like=request.getfixturevalue("_migrated_postgres"))
        server.drop_database(name)

    class Machine(LogMachine):
        new_database = staticmethod(sqlite if engine == "sqlite" else postgres)

    # The parts are given their database; the address in the settings is nobody's.
    Machine.site = settings_inside(folder, "postgresql://nobody@localhost/none", redis_url)
    Machine.redis_url = redis_url
    return Machine


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run_it(machine: type[LogMachine], examples: int, phases: tuple[Phase, ...] = tuple(Phase)) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_in_whatever_order(machine: type[LogMachine], engine: str) -> None:
    run_it(machine, EXAMPLES[engine])


class AcknowledgesBeforeCommit(Log):
    async def _commit(self, batch: Sequence[Any]) -> Any:
        tops = await self.tops([one.conversation_id for one in batch])
        for step, one in enumerate(batch, start=1):
            one.answer.set_result(Receipt(tops[one.conversation_id] + step, 0, again=False))
        return await super()._commit(list(batch))


class AcknowledgesQuickly(Log):
    """The same on the short way."""

    async def _put(self, quick: Any) -> set[int]:
        stretches, _ = self._stretch(quick)
        for stretch in stretches:
            for one, row in zip(quick[stretch.conversation_id], stretch.rows, strict=True):
                one.settle(Receipt(row.seq, row.at_ms, again=False))
        return await super()._put(quick)


class KeepsNoIds(Log):
    def say(
        self, conversation_id: int, author: Author, text: str, client_id: uuid.UUID, kind: Kind = Kind.MESSAGE
    ) -> asyncio.Future[Receipt]:
        return super().say(conversation_id, author, text, uuid.uuid4(), kind)


class AsksNobody(Log):
    """Whoever had the conversation may go on writing in it."""

    async def _brought_in(self, connection: Any, batch: Sequence[Any], rows: Any) -> dict[tuple[int, str], str]:
        return {(one.conversation_id, one.entry.author.key): "joined" for one in batch}


class SubscribesLate(Session):
    """Reads what there is, and follows the conversation only then."""

    async def greet(self, hello: Hello) -> None:
        await super().greet(hello)
        for text in [text async for text in self.owed()]:
            self.reply(text)
        for conversation_id in self.cursors:
            self._fanout.unsubscribe(self, conversation_id)
        for head in await self.viewer.heads():
            self._fanout.subscribe(self, head)


BROKEN = {
    "acknowledges before the commit": ("app.talk_parts.Log", AcknowledgesBeforeCommit),
    "acknowledges before the quick commit": ("app.talk_parts.Log", AcknowledgesQuickly),
    "keeps no ids": ("app.talk_parts.Log", KeepsNoIds),
    "asks nobody": ("app.talk_parts.Log", AsksNobody),
    "reads before it subscribes": ("tests.chat.world.Session", SubscribesLate),
}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("fault", BROKEN)
def test_it_finds_what_is_broken(machine: type[LogMachine], fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*BROKEN[fault])
    # What depends on two processes does not always happen again in the same way.
    with pytest.raises((AssertionError, Flaky)):
        run_it(machine, 10 * EXAMPLES["sqlite"], (Phase.generate,))
    assert machine.found
