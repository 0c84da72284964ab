"""Who gets what at every socket: each person, in each state that a conversation can be in, what they see of it and may say in it.

The table says what is expected: the close code of whoever has no socket there, else whether the conversation is theirs to see
and what answers a message in it. What may not be seen answers like what does not exist, and nothing of it is told.
"""

import asyncio
import json
import shutil
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.types import Message

from chat.tables import conversation
from core.db import Database
from core.sqlite import sqlite_url
from tests.app.access_world import QUESTION, STAFF, STATES, VISITORS, Case, World
from tests.triage.house import ORIGIN, opened

PEOPLE = (*VISITORS, *STAFF)
PATIENCE_S = 10
SOCKETS = {
    "/chat/socket": """
state    ada         ben
waiting  seen:ack    unseen:not_found
active   seen:ack    unseen:not_found
ended    seen:4105   unseen:not_found
erased   4100        unseen:not_found
missing  4100        unseen:not_found
""",
    "/desk/socket": """
state    cora              dev               con               joe               fay                     sue
waiting  unseen:not_found  unseen:not_found  unseen:not_found  unseen:not_found  unseen:not_found        unseen:not_found
active   seen:ack          unseen:not_found  seen:not_allowed  seen:ack          unseen:assignment_lost  unseen:not_found
ended    unseen:ended      unseen:not_found  unseen:not_allowed  unseen:ended      unseen:assignment_lost  unseen:not_found
erased   unseen:not_found  unseen:not_found  unseen:not_found  unseen:not_found  unseen:not_found        unseen:not_found
missing  unseen:not_found  unseen:not_found  unseen:not_found  unseen:not_found  unseen:not_found        unseen:not_found
""",
}
"""Ben and the desks have others of their own. Whoever is not named in a table is closed: staff without a desk with 4104, all
others with 4100."""


def read_table(text: str, others: dict[str, str]) -> dict[str, dict[str, str]]:
    """By state, what each person finds."""
    (_, *names), *rows = (line.split() for line in text.strip().splitlines())
    return {state: others | dict(zip(names, cells, strict=True)) for state, *cells in rows}


OTHERS = {
    "/chat/socket": dict.fromkeys(PEOPLE, "4100"),
    "/desk/socket": dict.fromkeys(VISITORS, "4100") | dict.fromkeys(STAFF, "4104"),
}
ROWS = {path: read_table(text, OTHERS[path]) for path, text in SOCKETS.items()}


@dataclass(slots=True)
class Wire:
    """The two ends of one socket of the service, without a network between them."""

    sent: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    heard: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    frames: list[dict[str, Any]] = field(default_factory=list)

    def say(self, kind: str, **fields: Any) -> None:
        self.sent.put_nowait({"type": "websocket.receive", "text": json.dumps({"type": kind, **fields})})

    async def until(self, *kinds: str, **fields: str) -> Message:
        """The next frame of one of these kinds with these fields, or the end."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event = await self.heard.get()
                if event["type"] == "websocket.close":
                    return event
                for text in event.get("texts", [event["text"]] if "text" in event else []):
                    frame = json.loads(text)
                    self.frames.append(frame)
                    if frame["type"] in kinds and fields.items() <= frame.items():
                        return dict(frame)


async def knock(world: World, who: str, path: str, case: Case) -> tuple[str, list[dict[str, Any]]]:
    """What somebody finds at a socket, in the words of the table; and the events of the conversation that they were given."""
    wire = Wire()
    scope = {
        "type": "websocket",
        "path": path,
        "query_string": b"",
        "headers": [
            (b"host", ORIGIN.removeprefix("http://").encode()),
            (b"origin", ORIGIN.encode()),
            (b"cookie", world.cookies(who, case).encode()),
        ],
        "subprotocols": ["advice.v1"],
        "client": ("192.0.2.7", 5000),
        "state": {},
    }
    wire.sent.put_nowait({"type": "websocket.connect"})
    served = asyncio.ensure_future(world.house.service.edge(scope, wire.sent.get, wire.heard.put))
    try:
        found = await look(wire, case)
        return found, [
            one for one in wire.frames if (one["type"], one.get("conversation")) == ("event", case.reference)
        ]
    finally:
        wire.sent.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(served, PATIENCE_S)


async def look(wire: Wire, case: Case) -> str:
    wire.say("hello", after={})
    welcome = await wire.until("welcome")
    if welcome["type"] == "websocket.close":
        return str(welcome["code"])
    is_seen = case.reference in {one["conversation"] for one in welcome["conversations"]}
    if is_seen:
        await wire.until("caught_up", conversation=case.reference)
    given = str(uuid.uuid4())
    wire.say("say", conversation=case.reference, id=given, text="Good morning.")
    answer = await wire.until("ack", "error", "hold", id=given)
    return f"{'seen' if is_seen else 'unseen'}:{answer.get('code', answer['type'])}"


async def last_seq(world: World, case: Case) -> int:
    query = select(conversation.c.last_seq).where(conversation.c.reference == case.reference)
    async with world.house.db.read() as connection:
        return (await connection.execute(query)).scalar_one_or_none() or 0


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("sockets")
    shutil.copy(_migrated_sqlite, folder / "dutyline.db")
    db = Database(sqlite_url(folder))
    async with opened(db) as house, house.client().http as http:
        world = World(house, http)
        await world.settle()
        yield world
    await db.close()


def test_every_socket_stands_in_the_table(world: World) -> None:
    assert world.house.service.sockets.keys() == ROWS.keys()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("path", SOCKETS)
async def test_who_has_it_and_what_is_seen(world: World, path: str, state: str) -> None:
    for who, expected in ROWS[path][state].items():
        world.ben = await world.make("active")
        case = await world.make(state)
        before = await last_seq(world, case)
        found, events = await knock(world, who, path, case)
        assert found == expected, who
        assert [one["text"] for one in events[:1]] == ([QUESTION] if expected.startswith("seen") else []), who
        assert await last_seq(world, case) == before + (expected == "seen:ack"), who
