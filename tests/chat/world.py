"""A small world for the state machine of the log: two processes' parts on one database and Redis, people, and what they saw.

What people were told is kept beside what is stored; `check` compares them with exact rules.
"""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from redis import Redis
from sqlalchemy import update

from chat.conversations import NewConversation, Opened
from chat.events import SYSTEM_AUTHOR, Author, Entry, Event
from chat.frames import Hello
from chat.redaction import redact
from chat.session import Session
from chat.tables import conversation
from chat.viewer import Head, Viewer
from chat.words import HIDDEN_FROM_VISITOR, Kind, Side, Status
from core.clock import utc_now
from core.db import Database
from core.errors import IdConflict, Refusal, Unavailable
from core.people import Role, SignedIn
from core.settings import Settings
from tests.chat.processes import Process
from tests.chat.told import Talk, Try, check_holders, check_log
from tests.waiting import TooLateError, until

EPOCH = "one"
HINT_WITHIN_S = 0.5

Line = tuple[int, str, str]
"""Number, kind and text, as somebody sees it."""


@dataclass(eq=False)
class Screen:
    """One connection and what its client shows."""

    process: Process
    session: Session
    lines: dict[str, list[Line]]

    def take(self, frame: dict[str, Any]) -> None:
        """As a client does: what follows is added, what is known is left, a hole is an error."""
        if frame["type"] != "event":
            return
        lines = self.lines.setdefault(frame["conversation"], [])
        if frame["seq"] <= len(lines):
            return
        assert frame["seq"] == len(lines) + 1, f"a hole before {frame['seq']}"
        if frame["kind"] == Kind.REDACTED:
            seq, kind, _ = lines[frame["data"]["seq"] - 1]
            lines[seq - 1] = (seq, kind, "")
        lines.append((frame["seq"], frame["kind"], frame.get("text", "")))


class World:
    def __init__(self, settings: Settings, database_url: str, redis_url: str) -> None:
        self.settings, self.database_url, self.redis_url = settings, database_url, redis_url
        self.processes = [Process(settings, database_url, redis_url) for _ in range(2)]
        self.observer = Database(database_url)
        self.talks: list[Talk] = []
        self.tries: list[Try] = []
        self.screens: list[Screen] = []
        self.claims: dict[int, list[int]] = {}
        self.advisors: list[SignedIn] = []
        self.writer: Process | None = None
        """Whose commit was the last, when that is known: nobody who looks on there may have to wait for a hint."""

    async def start(self) -> None:
        for process in self.processes:
            await process.start()

    async def close(self) -> None:
        for process in self.processes:
            await process.kill()
        await self.observer.close()

    async def open(self, at: int) -> None:
        parts, mark = self.processes[at].parts, f"<{len(self.talks)}>"
        new = NewConversation(
            *("routine", 0, "probation", "cleveland", "other", "days", "no", None, ("none",), "en", "", f"{mark} Hello")
        )

        async def start() -> Opened:
            async with self.processes[at].database.write() as connection:
                return await parts.conversations.open(connection, new, utc_now())

        opened = await _insist(start)
        parts.log.announce(opened.events)
        self.talks.append(Talk(opened.id, opened.reference, opened.visitor_token, mark))

    # What people do.

    async def say(self, at: int, one: Try) -> None:
        """Keep what the sender is told: a number, a refusal, or nothing to rely on."""
        process = self.processes[at]
        try:
            receipt = await process.parts.log.say(one.talk.id, one.author, one.text, one.id, one.kind)
        except Unavailable:
            one.is_unknown, self.writer = True, None
        except IdConflict:
            raise AssertionError(f"{one.text} is taken for another text") from None
        except Refusal:
            assert not one.seqs, f"{one.text} was acknowledged and is refused now"
        else:
            assert receipt.again or not one.seqs, f"{one.text} was stored a second time"
            one.seqs.add(receipt.seq)
            self.writer = process

    async def say_another_text(self, at: int, one: Try) -> None:
        try:
            await self.processes[at].parts.log.say(one.talk.id, one.author, f"{one.text}!", one.id, one.kind)
        except (IdConflict, Unavailable):
            return
        raise AssertionError("another text went under a known id")

    def new_try(self, talk: Talk, author: Author, kind: Kind) -> Try:
        one = Try(talk, author, kind, f"{talk.mark} {len(self.tries)}", uuid.uuid4())
        self.tries.append(one)
        return one

    async def claim(self, at: int, who: int, talk: Talk) -> None:
        try:
            claim = await self.processes[at].parts.desk._claims.claim(talk.reference, self.advisors[who])
        except Unavailable:
            self.writer = None
        except Refusal:
            return
        else:
            if not claim.again:
                self.claims.setdefault(talk.id, []).append(claim.epoch)
            self.writer = None

    async def put_back(self, at: int, talk: Talk) -> None:
        """Into the line again, by the state and the claim that were seen."""
        process = self.processes[at]
        found = await _insist(lambda: process.parts.conversations.by_id(talk.id))
        if found is None or found.status is not Status.ACTIVE:
            return
        with suppress(Unavailable):
            async with process.database.write() as connection:
                mine = update(conversation).where(
                    conversation.c.id == talk.id,
                    conversation.c.status == Status.ACTIVE,
                    conversation.c.claim_epoch == found.claim_epoch,
                )
                done = await connection.execute(mine.values(status=Status.WAITING, advisor_id=None))
                events: Sequence[Event] = []
                if done.rowcount:
                    log = process.parts.log
                    events = await log.append(connection, talk.id, Entry(Kind.REQUEUED, SYSTEM_AUTHOR))
            process.parts.log.announce(events)
            if found.advisor_id:
                process.parts.fanout.account_changed(found.advisor_id)
        self.writer = None

    async def end(self, at: int, talk: Talk) -> None:
        conversations = self.processes[at].parts.conversations
        found = await _insist(lambda: conversations.by_id(talk.id))
        if found is not None and found.is_open:
            with suppress(Refusal):
                await conversations.end(found, found.visitor, utc_now())
            self.writer = None

    async def redact(self, at: int, one: Try) -> None:
        process = self.processes[at]
        parts = process.parts
        with suppress(Unavailable):
            async with process.database.write() as connection:
                events = await redact(
                    connection, parts.log, parts.log._keys, one.talk.id, min(one.seqs), self.author_of(0)
                )
            parts.log.announce(events)
        one.is_redacted = any(
            line == (seq, one.kind, "") for line in await self.stored(one.talk) for seq in one.seqs if line[0] == seq
        )
        self.writer = None

    # Who looks on.

    async def connect(self, at: int, viewer: Viewer, after: dict[str, Any], epoch: str | None = EPOCH) -> Screen:
        process = self.processes[at]
        session = Session(process.parts.fanout, viewer, EPOCH)
        process.parts.fanout.enter(session)
        lines = {
            talk.reference: (await self.seen(talk, viewer.side))[: after[talk.reference]]
            for talk in self.talks
            if isinstance(after.get(talk.reference), int) and after[talk.reference] > 0
        }
        screen = Screen(process, session, lines)
        await _insist(lambda: session.greet(Hello(after=after, epoch=epoch)))
        self.screens.append(screen)
        return screen

    def drop(self, screen: Screen) -> None:
        screen.process.parts.fanout.leave(screen.session)
        self.screens.remove(screen)

    def visitor(self, at: int, talk: Talk, before: Callable[[], Awaitable[None]] | None = None) -> Viewer:
        """`before` happens between the look at what there is and the answer to it."""
        conversations = self.processes[at].parts.conversations

        async def heads() -> Sequence[Head]:
            found = await conversations.heads_of_visitor(talk.token)
            if before is not None:
                await before()
            return found

        return Viewer(Side.VISITOR, "visitor", "Caller", "", heads)

    def advisor(self, at: int, who: int) -> Viewer:
        conversations, person = self.processes[at].parts.conversations, self.advisors[who]
        return Viewer(
            Side.ADVISOR,
            person.account_id,
            person.name,
            person.token,
            lambda: conversations.heads_of_account(person.account_id),
            still=lambda gone: conversations.still_seen_by(person.account_id, gone),
        )

    def author_of(self, who: int) -> Author:
        person = self.advisors[who]
        return Author(Side.ADVISOR, person.account_id, person.name)

    # What breaks.

    async def kill(self, at: int) -> None:
        dead = self.processes[at]
        self.screens = [screen for screen in self.screens if screen.process is not dead]
        await dead.kill()
        self.processes[at] = Process(self.settings, self.database_url, self.redis_url)
        await self.processes[at].start()
        self.writer = None

    async def kill_while_they_speak(self, at: int, tries: Sequence[Try], turns: int) -> None:
        """Nobody gets an answer from a process that dies; what it has stored it has stored."""
        speaking = [asyncio.create_task(self.say(at, one)) for one in tries]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in speaking:
            task.cancel()
        for one, ended in zip(tries, await asyncio.gather(*speaking, return_exceptions=True), strict=True):
            one.is_unknown |= isinstance(ended, asyncio.CancelledError)
            assert ended is None or isinstance(ended, asyncio.CancelledError), ended
        await self.kill(at)

    def flush_redis(self) -> None:
        with Redis.from_url(self.redis_url) as client:
            client.flushall()

    def cut_off(self) -> None:
        """PostgreSQL has ended every connection when this returns; SQLite has none that could be ended."""
        if self.observer.is_sqlite:
            return
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        self.writer = None

    # What is true.

    async def stored(self, talk: Talk) -> list[Line]:
        return [(one.seq, one.kind, one.text) for one in await self._events(talk)]

    async def seen(self, talk: Talk, side: Side) -> list[Line]:
        lines = await self.stored(talk)
        if side is not Side.VISITOR:
            return lines
        return [(seq, "hidden", "") if kind in HIDDEN_FROM_VISITOR else (seq, kind, text) for seq, kind, text in lines]

    async def check(self) -> None:
        for talk in self.talks:
            events = await self._events(talk)
            check_log(talk, events, [one for one in self.tries if one.talk is talk])
            check_holders(events, self.claims.get(talk.id, []))
        for screen in list(self.screens):
            await self._check_screen(screen)

    async def _check_screen(self, screen: Screen) -> None:
        """It shows what is stored: at once beside the writer, by a hint elsewhere, by the poll when no hint came."""
        await self._refresh(screen)
        if await self._differs(screen) and screen.process is not self.writer:
            with suppress(TooLateError):
                await until(lambda: self._is_current(screen), within_s=HINT_WITHIN_S)
            if await self._differs(screen):
                await screen.process.parts.fanout._compare_tops()
                screen.session.look_again()
                await self._refresh(screen)
        assert not (difference := await self._differs(screen)), difference
        if screen.session.close_code is not None:
            assert screen.session.close_code == 4105, screen.session.close_code
            self.drop(screen)

    async def _is_current(self, screen: Screen) -> bool:
        await self._refresh(screen)
        return not await self._differs(screen)

    async def _refresh(self, screen: Screen) -> None:
        async def refresh() -> None:
            async for text in screen.session.owed():
                screen.take(json.loads(text))

        await _insist(refresh)

    async def _differs(self, screen: Screen) -> str:
        """How the screen differs from the log, in the conversations that it follows; and what it shows and may not."""
        session = screen.session
        for talk in self.talks:
            shown = screen.lines.get(talk.reference, [])
            if any(text and kind == Kind.MESSAGE and talk.mark not in text for _, kind, text in shown):
                return "text of another conversation"
            if talk.id in session.cursors and shown != (stored := await self.seen(talk, session.viewer.side)):
                return f"{talk.reference}: {len(shown)} lines are shown, {len(stored)} are stored"
        held = await _insist(session.viewer.heads)
        unseen = {head.id for head in held} - session.cursors.keys()
        return f"{len(unseen)} conversations are not followed" if unseen else ""

    async def _events(self, talk: Talk) -> list[Event]:
        found: list[Event] = await _insist(lambda: self.processes[0].parts.log.read(talk.id, limit=10_000))
        return found


async def _insist(look: Callable[[], Awaitable[Any]]) -> Any:
    """A connection that was ended is found out by using it; the next one is whole."""
    for _ in range(20):
        try:
            return await look()
        except Unavailable:
            continue
    raise AssertionError("the database stays away")


def signed_in(account_id: str, name: str) -> SignedIn:
    return SignedIn(account_id, name, frozenset({Role.ADVISOR}), uuid.uuid4().hex, datetime.max.replace(tzinfo=UTC))
