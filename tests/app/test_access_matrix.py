"""Who gets what at every door: each route of the real table, each person, each state that a conversation can be in.

The tables below say what is expected, apart from what the route table itself says; a door that stands in none of them fails.
What somebody may not see answers like what does not exist, to the letter, and nobody who is refused changes anything. On SQLite
only: who may is decided by the same statements on both databases.
"""

import hashlib
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
from core.db import Database, sqlite_url
from core.doors import PUBLIC, Door
from knowledge.images import Remade, store
from knowledge.words import Audience
from tests.app.access_world import QUESTION, READERS, STAFF, STATES, UNKNOWN, VISITORS, Case, World
from tests.triage.house import opened
from triage.replies import NewReply

Row = dict[str, str]

AREAS = {
    "anybody": frozenset({*VISITORS, *STAFF}),
    "staff": frozenset(STAFF),
    "desk": frozenset({"cora", "dev", "con", "joe", "fay", "sue"}),
    "advisors": frozenset({"cora", "dev", "con", "joe", "fay"}),
    "supervisors": frozenset({"sue"}),
    "opening": frozenset({"sue", "alf"}),
    "editors": frozenset({"eve"}),
}
"""Whoever of staff is in none of a door's area gets 403 there; who is not signed in is sent to do so."""

PAGES = """
door                                  area         found missing
GET /                                 anybody      200   -
GET /accessibility                    anybody      200   -
GET /confidentiality                  anybody      200   -
GET /cookies                          anybody      200   -
GET /signpost/{kind}                  anybody      200   404
GET /ask                              anybody      200   -
POST /ask                             anybody      422   -
POST /chat/forget                     anybody      303   -
GET /resume                           anybody      200   -
POST /resume                          anybody      422   -
GET /guidance                         anybody      200   -
GET /guidance/feed.atom               anybody      200   -
POST /sign-in                         anybody      422   -
GET /healthz                          anybody      200   -
GET /readyz                           anybody      200   -
GET /metrics                          anybody      404   -
POST /sign-out                        staff        303   -
GET /account                          staff        200   -
POST /account/password                staff        422   -
POST /account/sessions/end            staff        303   -
POST /account/sessions/{number}/end   staff        303   303
GET /desk                             desk         200   -
GET /desk/events                      desk         200   -
GET /desk/poll                        desk         200   -
POST /desk/presence                   advisors     200   -
POST /desk/next                       advisors     200   -
POST /desk/notices/seen               desk         303   -
GET /desk/replies                     desk         200   -
POST /desk/replies                    desk         200   -
GET /supervise                        supervisors  200   -
POST /supervise/line                  supervisors  200   -
GET /supervise/hours                  opening      200   -
POST /supervise/hours                 opening      422   -
POST /supervise/hours/closures        opening      422   -
POST /supervise/hours/closures/{number}/remove  opening  303  303
POST /supervise/hours/holidays        opening      422   -
GET /supervise/reports                supervisors  200   -
GET /supervise/reports/{table}.csv    supervisors  200   404
GET /editor                           editors      200   -
GET /editor/new                       editors      200   -
POST /editor/new                      editors      422   -
POST /editor/preview                  editors      200   -
GET /editor/synonyms                  editors      200   -
POST /editor/synonyms                 editors      422   -
POST /editor/synonyms/{number}        editors      422   404
POST /editor/synonyms/{number}/delete  editors     303   404
GET /editor/images                    editors      200   -
POST /editor/images                   editors      422   -
POST /editor/images/{name}/remove     editors      409   404
GET /editor/{slug}                    editors      200   404
POST /editor/{slug}                   editors      422   404
POST /editor/{slug}/here              editors      200   404
POST /editor/{slug}/withdraw          editors      422   404
GET /editor/{slug}/review             editors      200   404
POST /editor/{slug}/review            editors      409   404
POST /editor/{slug}/send-back         editors      422   404
POST /editor/{slug}/cancel            editors      409   404
POST /editor/{slug}/publish           editors      409   404
GET /editor/{slug}/history            editors      200   404
GET /editor/{slug}/compare            editors      200   404
POST /editor/{slug}/restore           editors      404   404
GET /editor/{slug}/feedback           editors      200   404
GET /editor/gaps                      editors      200   -
"""
"""`found`: what answers an almost empty form. `missing`: what is named in the address does not exist."""

VISITORS_OWN = """
door                      waiting active ended nobody
GET /chat                 200     200    200   303
POST /chat/messages       303     303    409   303
POST /chat/question       303     409    409   303
GET /chat/events          200     200    200   401
GET /chat/poll            200     200    200   401
POST /chat/read           204     204    204   401
POST /chat/typing         204     204    204   401
POST /chat/leave          303     303    303   303
POST /chat/opened         204     204    404   404
POST /chat/feedback       409     409    303   303
GET /chat/transcript      200     200    200   303
GET /chat/transcript.txt  200     200    200   303
GET /chat/transcript.pdf  200     200    200   303
"""
"""What Ada's browser gets. `nobody`: without a cookie, with one that opens nothing, or no longer; staff, too."""

AT_DESK = """
door                       area       active: cora dev con joe fay sue  ended: cora dev con joe fay sue  waiting: dev sue
GET .                      desk       200 404 200 200 404 404           200 404 200 200 404 404          404 404
POST ./accept              advisors   200 409 409 409 409 403           409 404 404 404 404 403          200 403
POST ./decline             advisors   403 409 409 409 409 403           409 404 404 404 404 403          200 403
POST ./messages            desk       303 404 403 303 409 404           409 404 403 409 409 404          404 404
POST ./notes               desk       303 404 303 303 409 404           303 404 303 303 409 404          404 404
POST ./share               desk       200 404 403 200 409 404           409 404 409 409 409 404          404 404
POST ./dismiss             desk       200 404 200 200 409 404           200 404 200 200 409 404          404 404
POST ./nothing-fits        desk       200 404 200 200 409 404           200 404 200 200 409 404          404 404
POST ./draft               desk       204 404 204 204 204 404           204 404 204 204 204 404          404 404
POST ./transfer            desk       200 404 403 403 409 404           409 404 403 403 409 404          404 404
POST ./invite              desk       200 404 403 403 409 404           409 404 403 403 409 404          404 404
POST ./guests/{account_id}/dismiss  desk  200 404 403 403 409 404       200 404 403 403 409 404          404 404
POST ./leave               desk       422 404 200 200 409 404           422 404 200 200 409 404          404 404
POST ./regrade             desk       200 404 403 403 409 404           409 404 403 403 409 404          404 404
POST ./redact              desk       200 404 403 403 409 404           200 404 403 403 409 404          404 404
POST ./nudge               desk       409 404 403 403 409 404           409 404 403 403 409 404          404 404
POST ./end                 desk       200 404 403 403 409 404           200 404 200 200 409 404          404 404
GET ./wrap-up              desk       409 404 403 403 404 404           200 404 403 403 404 404          404 404
POST ./wrap-up             desk       409 404 403 403 404 404           422 404 403 403 404 404          404 404
POST /desk/invitations/{reference}/accept   advisors  404 404 200 200 404 403  404 404 200 200 404 403   404 403
POST /desk/invitations/{reference}/decline  advisors  404 404 404 404 404 403  404 404 404 404 404 403   404 403
POST /desk/read            desk       204 404 204 204 404 404           404 404 404 404 404 404          404 404
POST /desk/typing          desk       204 404 204 204 404 404           404 404 404 404 404 404          404 404
"""
"""`.` is the conversation's address. Fay, who had it once, keeps what she had written (409 `assignment_lost`, or as a draft)."""

SUPERVISED = """
door                waiting active ended
GET .               200     200    200
POST ./join         409     200    409
POST ./advise       409     200    409
POST ./regrade      200     200    409
POST ./reassign     200     200    409
POST ./read         200     200    200
"""
"""What Sue gets; nobody else enters."""

GUIDANCE = """
door                              public       after_enquiry  advisors     draft        missing
GET /guidance/{slug}              200 200 200  404 200 200    404 404 200  404 404 404  404 404 404
GET /guidance/{slug}.md           200 200 200  404 200 200    404 404 200  404 404 404  404 404 404
POST /guidance/{slug}/helpful     303 303 303  404 303 303    404 404 303  404 404 404  404 404 404
"""
"""For a stranger, for Ada, for any of staff."""

IMAGES = """
door                              public       after_enquiry  advisors     draft        missing
GET /guidance/images/{name}       200 200 200  404 200 200    404 404 200  404 404 200  404 404 404
"""
"""The same for a picture that only an article of this audience shows; `draft`: that no article shows."""

REPLIES = """
door                                own:    cora sue eve  shared:  cora sue eve  another's: cora sue eve  missing: cora sue eve
POST /desk/replies/{number}                 200  200 403           403  200 403             404  404 403           404  404 403
POST /desk/replies/{number}/delete          200  200 403           403  200 403             404  404 403           404  404 403
"""
"""Saved replies: one's own, those that all have, and those of a colleague."""

ELSEWHERE = {"GET /sign-in": "shows staff to their pages"}
"""Doors whose answer is another kind of thing, with a test of their own."""

DESK_ADDRESS, SUPERVISED_ADDRESS = "/desk/conversations/{reference}", "/supervise/conversations/{reference}"
FIELDS: dict[str, Row] = {
    "/desk/presence": {"state": "online"},
    "/desk/read": {"conversation": "{reference}", "seq": "1"},
    "/desk/typing": {"conversation": "{reference}"},
    "/chat/read": {"seq": "1"},
    "/chat/opened": {"article": "public"},
    "/chat/feedback": {"helpful": "4"},
    "/supervise/line": {"open": "yes"},
    "/messages": {"text": "Good morning."},
    "/notes": {"text": "Called back."},
    "/share": {"article": "public"},
    "/conversations/{reference}/dismiss": {"article": "public"},
    "/nothing-fits": {"shown": "public"},
    "/draft": {"text": "Half a"},
    "/transfer": {"to": "queue"},
    "/invite": {"to": "{dev's id}", "purpose": "consult"},
    "/regrade": {"urgency": "same_day", "reason": "Court tomorrow."},
    "/redact": {"seq": "1", "reason": "A name."},
    "/advise": {"text": "Ask about the children."},
    "/reassign": {"to": "{dev's id}"},
    "/conversations/{reference}/read": {"reason": "A complaint."},
    "/helpful": {"helpful": "yes"},
    "/desk/replies": {"name": "Thanks", "text": "Thank you."},
    "/desk/replies/{number}": {"name": "Thanks", "text": "Thank you."},
}
"""What opens a door for who may, by how its address ends."""


def picture_of(kind: str) -> str:
    """Its name: made from what is in it."""
    return f"{hashlib.sha256(kind.encode()).hexdigest()[:32]}-40x30.webp"


FOUND = {
    "name": picture_of("public"),
    "kind": "not_work_public",
    "number": "1",
    "table": "periods",
    "slug": "public",
    "account_id": "{con's id}",
}
MISSING = {
    "name": picture_of("nothing"),
    "kind": "nothing",
    "number": "999999",
    "table": "nothing",
    "slug": "nothing",
    "account_id": "{con's id}",
}
FOUND |= {"name": picture_of("public")}
MISSING |= {"name": picture_of("nothing")}


class Unmade:
    """In the place of every part, so that the route table can be read without a database."""

    def __getattr__(self, name: str) -> "Unmade":
        return self


def name_of(door: Door) -> str:
    (method,) = door.methods
    return f"{method} {door.path}"


def read_table(text: str, address: str = "") -> dict[str, list[str]]:
    """By door, its cells."""
    rows = [line.split() for line in text.strip().splitlines()[1:]]
    return {f"{method} {re.sub('^[.]', address, path)}": cells for method, path, *cells in rows}


pages, visitors_own = read_table(PAGES), read_table(VISITORS_OWN)
at_desk, supervised = read_table(AT_DESK, DESK_ADDRESS), read_table(SUPERVISED, SUPERVISED_ADDRESS)
guidance, replies, images = read_table(GUIDANCE), read_table(REPLIES), read_table(IMAGES)
KNOWN = {*pages, *visitors_own, *at_desk, *supervised, *guidance, *replies, *images, *ELSEWHERE}


def fields_of(door: str) -> Row:
    fitting = [ending for ending in FIELDS if door.endswith(ending)]
    return FIELDS[max(fitting, key=len)] if fitting else {}


def filled(door: str, names: Row) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: names.get(name[1], name[0]), door)


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


@pytest.mark.parametrize("door", pages)
async def test_page(world: World, door: str) -> None:
    area, found, missing = pages[door]
    case = await world.make("active")
    for who in (*VISITORS, *STAFF):
        for names, expected in ((FOUND, found), (MISSING, missing)):
            if expected != "-":
                answer = await world.knock(who, filled(door, names), case, fields_of(door), as_page=who in VISITORS)
                assert_answer(answer, who, expected if who in AREAS[area] else outside(who))
        if door == "POST /sign-out" and who in STAFF:
            await world.hire(who)


@pytest.mark.parametrize("door", visitors_own)
async def test_what_is_the_visitors_own(world: World, door: str) -> None:
    by_state = dict(zip(("waiting", "active", "ended", "nobody"), visitors_own[door], strict=True))
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


@pytest.mark.parametrize("door", at_desk)
async def test_conversation_at_the_desk(world: World, door: str) -> None:
    area, *cells = at_desk[door]
    expected = {
        "active": dict(zip(("cora", "dev", "con", "joe", "fay", "sue"), cells[:6], strict=True)),
        "ended": dict(zip(("cora", "dev", "con", "joe", "fay", "sue"), cells[6:12], strict=True)),
        "waiting": dict(zip(("dev", "sue"), cells[12:], strict=True)),
    }
    expected["waiting"] |= dict.fromkeys(AREAS["advisors"], cells[12])
    gone = {who: "404" if who in AREAS[area] else "403" for who in expected["active"]}
    for state in STATES:
        await everybody(world, filled(door, FOUND), state, expected.get(state, gone), fields_of(door))


@pytest.mark.parametrize("door", supervised)
async def test_conversation_that_is_supervised(world: World, door: str) -> None:
    by_state = dict(zip(("waiting", "active", "ended"), supervised[door], strict=True))
    for state in STATES:
        await everybody(world, door, state, {"sue": by_state.get(state, "404")}, fields_of(door))


@pytest.mark.parametrize("door", [*guidance, *images])
async def test_guidance(world: World, door: str) -> None:
    case = await world.make("active")
    kinds = ("public", "after-enquiry", "advisors", "draft", "missing")
    for number, kind in enumerate(kinds):
        cells = (guidance | images)[door][3 * number : 3 * number + 3]
        for who, expected in (("stranger", cells[0]), ("ada", cells[1]), *((one, cells[2]) for one in STAFF)):
            named = {"slug": kind, "name": picture_of(kind)}
            answer = await world.knock(who, filled(door, named), case, fields_of(door))
            assert_answer(answer, who, expected)
            if expected == "404":
                nothing = {"slug": "nothing", "name": picture_of("nothing")}
                absent = await world.knock(who, filled(door, nothing), case, fields_of(door))
                assert answer.text == absent.text


@pytest.mark.parametrize("door", replies)
async def test_saved_reply(world: World, door: str) -> None:
    case, people = await world.make("active"), ("cora", "sue", "eve")
    for number, kind in enumerate(("own", "shared", "another's", "missing")):
        for who, expected in zip(people, replies[door][3 * number : 3 * number + 3], strict=True):
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
            await refused(world, who, door, case, expected.get(who, outside(who)), fields)
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


def outside(who: str) -> str:
    return "303" if who in VISITORS else "403"


def assert_answer(answer: httpx.Response, who: str, expected: str) -> None:
    assert answer.status_code == int(expected), f"{who}: {answer.status_code}, not {expected}"
    if who in VISITORS and answer.request.url.path.startswith(("/desk", "/supervise", "/editor", "/account")):
        assert answer.headers["location"].startswith("/sign-in?next=")
