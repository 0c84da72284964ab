"""Whatever comes in any field of any door, as a form, as JSON or in the address: refused in words, or taken, and never our fault.

Each door of the real table, with the sign-in and the form token that open it, so that the field itself is what is tried. What
is tried at the edge, before any page, is in tests/core/test_edge.py; a body that cannot be read in tests/core/test_forms.py.
"""

import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import pytest

from app import parts
from app.main import doors
from app.parts import Parts
from core.db import Database
from core.sqlite import sqlite_url
from tests.app.access_tables import FOUND, Unmade, fields_of, filled, name_of
from tests.app.access_world import STAFF_PAGES, Case, World
from tests.forks import ROOT
from tests.triage.house import ENQUIRY, opened

DOORS = [name_of(door) for door in doors(cast(Parts, Unmade()))]
CODE = "".join(
    path.read_text()
    for folder in ("app", "core", "chat", "staff", "knowledge", "triage")
    for path in (ROOT / folder).rglob("*.py")
)
READ_BY = r'(?:fields?\([^()]*(?:\([^()]*\))?, |\.get(?:list)?\(|said\w*\(|text_of\()"([a-z_]+)"'
NAMES = set(re.findall(READ_BY, CODE)) - {"csrf_token"}
"""Every word that the code might read a field by, and some more."""

WRAP_UP = {
    "outcome": "advice_given",
    "topics": "recognising_risk",
    "abuse_types": "not_discussed",
    "risk_level": "not_discussed",
    "serial": "unknown",
    "safeguarding": "none",
    "minutes_after": "5",
    "summary": "Advised.",
}
VALID: dict[str, dict[str, str]] = {
    "/ask": ENQUIRY,
    "/wrap-up": WRAP_UP,
    "/resume": {"reference": "QK7F-4PDX", "resume_code": "0" * 20},
    "/sign-in": {"email": "cora@example.org", "password": "no password of hers"},
    "/account/password": {"password": "no password of hers", "new_password": "correct horse battery"},
    "/supervise/hours": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "9:30-17:00"),
    "/supervise/hours/closures": {
        "from_day": "2026-12-01",
        "from_time": "9:00",
        "to_day": "2026-12-01",
        "to_time": "17:00",
        "reason": "Training",
    },
    "/supervise/hours/holidays": {"day": "2026-12-25", "open": "yes"},
    "/chat/feedback": {"helpful": "4", "will_change_practice": "yes", "comment": "Thank you."},
    "/chat/opened": {"article": "public"},
    "/editor/new": {"slug": "new", "title": "New", "summary": "New.", "audience": "public", "markdown": "New."},
}
IN_ADDRESS = {
    "/supervise/reports": {"from": "2026-11-01", "to": "2026-11-20", "by": "day"},
    "/guidance": {"q": "risk", "tag": "recognising_risk"},
}

LONG = "x" * 200_000
TEXTS = [
    "",
    "\0",
    "\N{RIGHT-TO-LEFT OVERRIDE}{{7*7}}<script>",
    "\N{SUPERSCRIPT TWO}",
    "-1",
    "9" * 20,
    "9" * 5_000,
    "1e9",
    "2026-02-30",
    "9999-12-31",
    "24:00-25:00",
    "00000000-0000-0000-0000-00000000000",
    "=1+1\r\nSet-Cookie: x=y",
    "e\N{COMBINING ACUTE ACCENT}" * 3_000,
    LONG,
]
OTHERS: list[Any] = [None, True, -1, 1.5, 2**63, 10**30, [], [[1]], {"": None}]
HALF_A_PAIR = "\ud800"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copy(_migrated_sqlite, folder / "dutyline.db")
    db = Database(sqlite_url(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "COMMENTS_BURST", 1e6)
        async with opened(db) as house, house.client().http as http:
            world = World(house, http)
            await world.settle()
            await house.write_article("public", "Public")
            yield world
    await db.close()


def valid_of(path: str) -> dict[str, str]:
    fitting = [ending for ending in VALID if path.endswith(ending)]
    return VALID[max(fitting, key=len)] if fitting else fields_of(path)


def one_at_a_time(valid: dict[str, Any], values: list[Any]) -> Iterator[dict[str, Any]]:
    """Each value in each field that the door knows, the others as they should be; and in every field there is."""
    for value in values:
        if value != LONG:
            yield dict.fromkeys({*NAMES, *valid}, value)
        for name in valid:
            yield valid | {name: value}


async def knock(world: World, door: str, case: Case, **given: Any) -> httpx.Response:
    """With everything that opens the door."""
    method, path = door.split(" ", 1)
    path = world.filled_in(path, case)
    who = "sue" if path.startswith("/supervise") else "eve" if path.startswith("/editor") else "cora"
    staffed = path.startswith(STAFF_PAGES)
    headers = world._headers(who if staffed else "ada", case) | given.pop("headers", {})
    headers["X-CSRF-Token"] = world.tokens[who] if staffed else world.form_token
    answer = await world.http.request(method, path, headers=headers, **given)
    world.http.cookies.clear()
    return answer


def assert_ours(answer: httpx.Response, tried: object) -> None:
    assert answer.status_code < 500, (answer.status_code, str(tried)[:300])
    assert "Traceback" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" in answer.headers
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        assert answer.text, "a refusal without words"


@pytest.mark.parametrize("door", [door for door in DOORS if door.startswith("POST")])
async def test_any_field_of_a_form_or_of_json(world: World, door: str) -> None:
    await world.hire("cora")
    case = await world.make("ended" if door.endswith(("wrap-up", "feedback")) else "active")
    path = filled(door, FOUND)
    valid = {name: world.filled_in(value, case) for name, value in valid_of(door).items()}
    for fields in one_at_a_time(valid, TEXTS):
        body = urlencode(fields).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert_ours(await knock(world, path, case, content=body, headers=headers), fields)
    for fields in one_at_a_time(valid, [*OTHERS, HALF_A_PAIR]):
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        assert_ours(await knock(world, path, case, content=json.dumps(fields).encode(), headers=headers), fields)


@pytest.mark.parametrize("door", [door for door in DOORS if door.startswith("GET") and not door.endswith("/events")])
async def test_any_field_of_an_address(world: World, door: str) -> None:
    await world.hire("cora")
    case = await world.make("ended" if door.endswith("wrap-up") else "active")
    for fields in one_at_a_time(IN_ADDRESS.get(door.removeprefix("GET "), {}), TEXTS):
        given = {name: value[:200] for name, value in fields.items()} | {"wait": "0"}
        assert_ours(await knock(world, filled(door, FOUND), case, params=given), fields)
