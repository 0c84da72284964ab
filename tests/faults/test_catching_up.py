"""Coming back after long, or to another database, by every transport: all of it in order, or told to load the page again."""

import asyncio
import random
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from chat.events import Entry
from chat.words import Kind
from tests.chat.house import House, opened
from tests.faults.boxes import Network
from tests.faults.cast import Company, Role, ask, new_mark, read_stored
from tests.faults.checker import check, describe
from tests.faults.clients import Client
from tests.faults.ladder import BRISK, Rung
from tests.faults.shapes import on_sqlite
from tests.faults.workshop import Workshop
from tests.waiting import until

pytestmark = pytest.mark.faults

MISSED = 10_000
# Ten thousand events are one answer of a poll, which nobody has heard before it is whole.
UNHURRIED = replace(BRISK, patience_s=60, last_patience_s=60)


@pytest.mark.timeout(300)
async def test_ten_thousand_missed_events(tmp_path: Path, database_url: str, redis_url: str) -> None:
    """While pages of history are sent, the conversation goes on: nothing is missing between the last page and what is live."""
    async with opened(tmp_path, database_url, redis_url, environment={"RATE_LIMITS": "off"}) as house:
        role = await asyncio.to_thread(ask, house.origin, "Ada", new_mark(random.Random(1)))
        (reference,) = role.marks
        company = Company(house.origin, {Network.OPEN: [house.first.port]}, [role], random.Random(1), tempo=UNHURRIED)
        try:
            (ada,) = company.clients
            await _miss(house, reference)
            ada.start()
            for rung in Rung:
                company.join(role, f"Ada by {rung.name.lower()}", [house.first.port], rung).start(talking=False)
            await until(lambda: len(ada.screens[0].lines) > MISSED, within_s=90, what="all that was missed")
            said = len(ada.messages)
            await until(lambda: len(ada.messages) > said + 20, within_s=30, what="the talk to go on")
            await company.finish_talking()
            stored = await read_stored(database_url, tmp_path / "master.keys", [reference])
            await company.settle(stored)
            run = company.leave(stored)
        finally:
            await company.stop()
    assert len(run.stored[reference]) > MISSED + 20
    findings = check(run)
    assert not findings, describe(findings)


async def _miss(house: House, reference: str) -> None:
    parts = house.first.parts
    found = await parts.conversations.by_reference(reference)
    assert found is not None
    entries = [Entry(Kind.MESSAGE, found.visitor, f"{number}") for number in range(MISSED)]
    async with house.first.database.write() as connection:
        await parts.log.append(connection, found.id, *entries)


class Reloads(Client):
    """Loads the page again when it is told to."""

    resets = 0

    def reset(self) -> None:
        self.resets += 1
        self.epoch = ""
        for place in self.places.values():
            place.screen.lines.clear()
        self._drop()


@pytest.mark.parametrize("has_new_epoch", [True, False], ids=["new epoch", "epoch forgotten"])
async def test_the_database_comes_back_from_a_backup(
    short_folder: Path, workshop: Workshop, has_new_epoch: bool
) -> None:
    """By docs/operations.md. Without its new epoch, whoever saw what is gone is told all the same."""
    rng = random.Random(2)
    async with on_sqlite(short_folder, workshop) as shape:
        service, backup = shape.service, short_folder / "backup.db"
        roles = [await workshop.do(ask, service.url, f"visitor {number}", new_mark(rng)) for number in range(4)]
        ports = {Network.OPEN: [service.port()]}
        company = Company(service.url, ports, roles, rng, kind=Reloads, tempo=BRISK)
        watchers = [
            _watch(company, role, rung, service.port()) for role, rung in zip(roles, [*Rung, Rung.SOCKET], strict=True)
        ]
        try:
            for client in company.clients:
                client.start(talking=False)
            for client, role in zip(company.clients, roles, strict=True):
                await client.say(next(iter(role.marks)))
            await asyncio.to_thread(_back_up, shape.database_file, backup)
            # The last one is silent after the backup: only the epoch can tell.
            for client, role in zip(company.clients[:-1], roles, strict=False):
                await client.say(next(iter(role.marks)))
            await until(lambda: all(len(one.screens[0].lines) == 4 for one in watchers[:-1]), what="both messages")
            await workshop.do(service.stop, "run")
            _restore(backup, shape.database_file, has_new_epoch=has_new_epoch)
            await workshop.do(service.start, "run")
            await workshop.do(service.wait_ready, "run")
            told = watchers if has_new_epoch else watchers[:-1]
            await until(lambda: all(one.resets for one in told), what="everybody to be told")
            stored = await shape.store.read(company)
            await company.settle(stored)
            assert [one.screens[0].lines for one in watchers] == [stored[next(iter(one.places))] for one in watchers]
            assert all(len(lines) == 3 for lines in stored.values())
        finally:
            await company.stop()


def _watch(company: Company, role: Role, rung: Rung, port: int) -> Reloads:
    watcher = company.join(role, f"{role.name} by {rung.name.lower()}", [port], rung)
    assert isinstance(watcher, Reloads)
    watcher.start(talking=False)
    return watcher


def _back_up(database: Path, backup: Path) -> None:
    connection = sqlite3.connect(database)
    try:
        connection.execute("VACUUM INTO ?", (str(backup),))
    finally:
        connection.close()


def _restore(backup: Path, database: Path, *, has_new_epoch: bool) -> None:
    for ending in ("-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)
    shutil.copy(backup, database)
    if has_new_epoch:
        connection = sqlite3.connect(database)
        statement = "UPDATE setting SET value = lower(hex(randomblob(16))) WHERE name = 'database_epoch'"
        connection.execute(statement)
        connection.commit()
        connection.close()
