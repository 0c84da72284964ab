"""Who gets what at every door: each route of the real table, each person, each state that a conversation can be in.

The tables of access_tables.py say what is expected, apart from what the route table itself says; a door that stands in none
of them fails. What somebody may not see answers like what does not exist, to the letter, and nobody who is refused changes
anything. On SQLite only: who may is decided by the same statements on both databases.
"""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import select

from app import parts
from app.main import doors
from app.parts import Parts
from chat.tables import conversation
from core.db import Database
from core.doors import PUBLIC, Door
from core.sqlite import sqlite_url
from knowledge.images import Remade, store
from knowledge.words import Audience
from tests.app.access_tables import (
    AREAS,
    AT_DESK,
    FOR_PROGRAMS,
    FOUND,
    GUIDANCE,
    IMAGES,
    KNOWN,
    MISSING,
    PAGES,
    REPLIES,
    SUPERVISED,
    VISITORS_OWN,
    Row,
    Unmade,
    fields_of,
    filled,
    name_of,
    picture_of,
)
from tests.app.access_world import QUESTION, READERS, STAFF, STAFF_PAGES, STATES, UNKNOWN, VISITORS, Case, World
from tests.triage.house import opened
from triage.replies import NewReply


def uncovered(table: list[Door]) -> set[str]:
    return {name_of(door) for door in table} - KNOWN


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("access")
    shutil.copy(_migrated_sqlite, folder / "dutyline.db")
    db = Database(sqlite_url(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "COMMENTS_BURST", 1_000.0)
        async with opened(db) as house, house.client().http as http:
            world = World(house, http)
            await world.settle()
            for audience in Audience:
                kind = audience.replace("_", "-")
                shown = f'<img src="/guidance/images/{picture_of(kind)}" alt="Doors">'
                await house.write_article(kind, audience.title(), audience=audience, html=shown)
            async with db.write() as connection:
                for kind in ("public", "after-enquiry", "advisors", "draft"):
                    made = Remade(picture_of(kind), b"RIFF")
                    await store(connection, made, "Doors", world.people["eve"].account_id, house.clock())
            yield world
    await db.close()


def test_every_door_stands_in_the_matrix() -> None:
    table = doors(cast(Parts, Unmade()))
    assert uncovered(table) == set()
    assert {name_of(door) for door in table} == KNOWN, "a door that is gone"
    assert uncovered([*table, Door("/desk/new", table[0].page, PUBLIC)]) == {"GET /desk/new"}


@pytest.mark.parametrize("door", PAGES)
async def test_page(world: World, door: str) -> None:
    area, found, missing = PAGES[door]
    case = await world.make("active")
    for who in (*VISITORS, *STAFF):
        for names, expected in ((FOUND, found), (MISSING, missing)):
            if expected != "-":
                answer = await world.knock(who, filled(door, names), case, fields_of(door), as_page=who in VISITORS)
                assert_answer(answer, who, expected if who in AREAS[area] else outside(who, door))
        if door == "POST /sign-out" and who in STAFF:
            await world.hire(who)


@pytest.mark.parametrize("door", VISITORS_OWN)
async def test_what_is_the_visitors_own(world: World, door: str) -> None:
    by_state = dict(zip(("waiting", "active", "ended", "nobody"), VISITORS_OWN[door], strict=True))
    for state in STATES:
        case = await world.make(state)
        for who in (*STAFF, "stranger"):
            await refused(world, who, door, case, by_state["nobody"])
        world.ben = await world.make("active")
        before = await row_of(world, case)
        answer = await world.knock("ben", door, case, fields_of(door), as_page=True)
        assert_answer(answer, "ben", by_state["active"])
        assert case.reference not in answer.text
        assert await row_of(world, case) == before, "Ben changed what is Ada's"
        answer = await world.knock("ada", door, case, fields_of(door), as_page=True)
        assert_answer(answer, "ada", by_state.get(state, by_state["nobody"]))


@pytest.mark.parametrize("door", AT_DESK)
async def test_conversation_at_the_desk(world: World, door: str) -> None:
    area, *cells = AT_DESK[door]
    expected = {
        "active": dict(zip(("cora", "dev", "con", "joe", "fay", "sue"), cells[:6], strict=True)),
        "ended": dict(zip(("cora", "dev", "con", "joe", "fay", "sue"), cells[6:12], strict=True)),
        "waiting": dict(zip(("dev", "sue"), cells[12:], strict=True)),
    }
    expected["waiting"] |= dict.fromkeys(AREAS["advisors"], cells[12])
    gone = {who: "404" if who in AREAS[area] else "403" for who in expected["active"]}
    for state in STATES:
        await everybody(world, filled(door, FOUND), state, expected.get(state, gone), fields_of(door))


@pytest.mark.parametrize("door", SUPERVISED)
async def test_conversation_that_is_supervised(world: World, door: str) -> None:
    by_state = dict(zip(("waiting", "active", "ended"), SUPERVISED[door], strict=True))
    for state in STATES:
        await everybody(world, door, state, {"sue": by_state.get(state, "404")}, fields_of(door))


@pytest.mark.parametrize("door", [*GUIDANCE, *IMAGES])
async def test_guidance(world: World, door: str) -> None:
    case = await world.make("active")
    kinds = ("public", "after-enquiry", "advisors", "draft", "missing")
    for number, kind in enumerate(kinds):
        cells = (GUIDANCE | IMAGES)[door][3 * number : 3 * number + 3]
        for who, expected in (("stranger", cells[0]), ("ada", cells[1]), *((one, cells[2]) for one in STAFF)):
            named = {"slug": kind, "name": picture_of(kind)}
            answer = await world.knock(who, filled(door, named), case, fields_of(door))
            assert_answer(answer, who, expected)
            if expected == "404":
                nothing = {"slug": "nothing", "name": picture_of("nothing")}
                absent = await world.knock(who, filled(door, nothing), case, fields_of(door))
                assert answer.text == absent.text


@pytest.mark.parametrize("door", REPLIES)
async def test_saved_reply(world: World, door: str) -> None:
    case, people = await world.make("active"), ("cora", "sue", "eve")
    for number, kind in enumerate(("own", "shared", "another's", "missing")):
        for who, expected in zip(people, REPLIES[door][3 * number : 3 * number + 3], strict=True):
            owner = {"own": who, "shared": "sue", "another's": "dev"}.get(kind)
            saved = await reply_of(world, owner, shared=kind == "shared") if owner in AREAS["desk"] else 999_999
            answer = await world.knock(who, filled(door, {"number": str(saved)}), case, fields_of(door))
            assert_answer(answer, who, expected)
            if expected == "404":
                absent = await world.knock(who, filled(door, {"number": "999999"}), case, fields_of(door))
                assert answer.text == absent.text


async def reply_of(world: World, who: str, *, shared: bool) -> int:
    return await world.house.parts.replies.add(world.people[who], NewReply("Hello", "Good morning."), shared=shared)


async def test_who_is_signed_in_is_led_on(world: World) -> None:
    case = await world.make("active")
    for who in (*VISITORS, *STAFF):
        assert_answer(await world.knock(who, "GET /sign-in", case), who, "303" if who in STAFF else "200")


async def everybody(world: World, door: str, state: str, expected: Row, fields: Row) -> None:
    """The refused first, so that each of them finds the conversation as it was made."""
    case = await world.make(state)
    for who in (*VISITORS, *STAFF):
        if who not in expected or expected[who] >= "400":
            await refused(world, who, door, case, expected.get(who, outside(who, door)), fields)
    for who, status in expected.items():
        if status < "400":
            case = await world.make(state)
            assert_answer(await world.knock(who, door, case, fields), who, status)


async def refused(world: World, who: str, door: str, case: Case, expected: str, fields: Row | None = None) -> None:
    """Nothing changes, nothing is told, and what may not be seen does not exist."""
    given = fields_of(door) if fields is None else fields
    before = await row_of(world, case)
    answer = await world.knock(who, door, case, given, as_page=who in VISITORS)
    assert_answer(answer, who, expected)
    assert await row_of(world, case) == before, f"{who} changed it"
    assert who in READERS or QUESTION not in answer.text
    if expected == "404":
        absent = Case("missing", UNKNOWN, "")
        if who in STAFF:
            assert answer.text == (await world.knock(who, door, absent, given)).text, who
        seen, unseen = [await world.knock(who, door, one, given, as_page=True) for one in (case, absent)]
        assert without_chance(seen) == without_chance(unseen), who


def without_chance(page: httpx.Response) -> str:
    """What differs from one error page to the next: its reference, and the form token of a browser."""
    return re.sub(r'value="[\w=-]{40,}"|\b[0-9a-f]{8}\b', "", page.text)


async def row_of(world: World, case: Case) -> Any:
    async with world.house.db.read() as connection:
        found = await connection.execute(select(conversation).where(conversation.c.reference == case.reference))
        return found.one_or_none()


def outside(who: str, door: str) -> str:
    if who in VISITORS:
        return "401" if door in FOR_PROGRAMS else "303"
    return "403"


def assert_answer(answer: httpx.Response, who: str, expected: str) -> None:
    assert answer.status_code == int(expected), f"{who}: {answer.status_code}, not {expected}"
    if who in VISITORS and expected == "303" and answer.request.url.path.startswith(STAFF_PAGES):
        assert answer.headers["location"].startswith("/sign-in?next=")
