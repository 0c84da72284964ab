"""Doors, all of them: who is let in, who is sent where, and that no form goes through without its token."""

import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.doors import PUBLIC, SIGNED_IN, Door
from core.people import Role
from tests.chat.house import House, shared
from tests.chat.people import Ada, Cora, Person
from tests.engines import RedisServer

JSON = {"Accept": "application/json"}
PROGRAMS = {"/desk/events", "/desk/poll", "/desk/read", "/desk/typing"}
"""The doors of the desk where no page is ever shown."""


@pytest.fixture(scope="module")
async def house(
    tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path, redis_server: RedisServer
) -> AsyncIterator[House]:
    async with shared(tmp_path_factory.mktemp("doors"), _migrated_sqlite, redis_server.url()) as house:
        yield house


def path_of(door: Door) -> str:
    return re.sub(r"\{\w+\}", "QK7F-4PDX", door.path)


def staff_doors(house: House) -> list[Door]:
    return [door for door in house.first.service.doors if door.who is not PUBLIC]


async def knock(person: Person, door: Door, token: str = "", **headers: str) -> httpx.Response:
    """Ask for the page, or post an otherwise empty form."""
    if door.methods == ("GET",):
        if path_of(door).endswith("/events"):
            return await person.http.head(path_of(door), headers=headers)
        return await person.http.get(path_of(door), params={"wait": 0}, headers=headers)
    return await person.http.post(path_of(door), data={"csrf_token": token}, headers=headers)


async def test_the_desk_and_the_editor_are_closed(house: House) -> None:
    """Everything below these addresses asks for a role, so that a new page cannot be left open by forgetting it."""
    closed = re.compile(r"^/(desk|editor|supervise|admin)(/|$)")
    for door in house.first.service.doors:
        assert isinstance(door.who, frozenset) == bool(closed.match(door.path)), door.path


async def test_a_stranger_is_sent_to_sign_in(house: House) -> None:
    """Programs, and a browser's event stream, cannot go there: they are told 401, as where visitors have the same."""
    async with Person(house) as stranger, Ada(house) as ada:
        await ada.ask()
        for door in staff_doors(house):
            for person in (stranger, ada):
                page = await knock(person, door)
                if door.path in PROGRAMS:
                    assert page.status_code == 401, door.path
                    assert code_of(page) == (None if door.path == "/desk/events" else "sign_in")
                else:
                    assert page.status_code == 303, door.path
                    assert page.headers["location"].startswith("/sign-in?next="), door.path
                assert (await knock(person, door, **JSON)).status_code == 401, door.path


async def test_each_role_opens_its_own_doors(house: House) -> None:
    """Twin of the above: with the role the door's own answer comes, without it 403, as a page and as JSON."""
    for role in Role:
        async with await Cora.hired(house, role.title(), None, role) as person:
            for door in staff_doors(house):
                if door.path == "/sign-out":
                    continue
                may_enter = door.who is SIGNED_IN or (isinstance(door.who, frozenset) and role in door.who)
                answer = await knock(person, door, **JSON)
                refused = answer.status_code == 403 and code_of(answer) != "csrf"
                assert refused != may_enter, (role, door.path)
                if not may_enter:
                    page = await knock(person, door)
                    assert page.status_code == 403
                    is_json = page.headers["content-type"].startswith("application/json")
                    assert is_json == (door.path in PROGRAMS)


async def test_several_roles_open_several_doors(house: House) -> None:
    async with await Cora.hired(house, "Sue", None, Role.ADVISOR, Role.EDITOR) as sue:
        for path in ("/desk", "/editor"):
            assert (await sue.http.get(path)).status_code == 200


async def test_no_form_goes_through_without_its_token(house: House) -> None:
    """At every door that takes a form, whoever knocks; the pages that everybody shares are the one exception."""
    async with Ada(house) as ada, await Cora.hired(house, "Sue", None, *Role) as sue:
        await ada.ask()
        open_ones = set()
        for door in house.first.service.doors:
            if "POST" not in door.methods:
                continue
            person = ada if door.who is PUBLIC else sue
            for token in ("", "x" * 43, "\u00e9" * 43):
                answer = await knock(person, door, token, **JSON)
                if (answer.status_code, code_of(answer)) != (403, "csrf"):
                    open_ones.add(door.path)
        assert open_ones == {"/guidance/{slug}/helpful"}
        assert len(await ada.log()) == 2
        assert (await sue.http.get("/desk")).status_code == 200


async def test_next_leads_back_with_its_query(house: House) -> None:
    async with Person(house) as stranger:
        answer = await stranger.http.get("/desk?said=full&q=a%26b")
        assert answer.headers["location"] == "/sign-in?next=%2Fdesk%3Fsaid%3Dfull%26q%3Da%2526b"


async def test_a_stale_form_comes_back_with_what_was_typed(house: House) -> None:
    """But never with what is secret, and never with what another site typed."""
    async with Ada(house) as ada:
        await ada.ask()
        typed = {"text": "typed <b>with</b> care", "password": "hunter22", "resume_code": "AAAA", "csrf_token": "old"}
        page = (await ada.http.post("/chat/messages", data=typed)).text
        assert "typed &lt;b&gt;with&lt;/b&gt; care" in page
        assert "hunter22" not in page
        assert "AAAA" not in page
        del ada.http.headers["Origin"]
        assert "typed" not in (await ada.http.post("/chat/messages", data={"text": "typed elsewhere"})).text.replace(
            "what you typed", ""
        )


async def test_a_form_with_a_nul_comes_back_without_it(house: House) -> None:
    """From any door; what was typed can be sent again, and a token with a NUL is none."""
    async with Ada(house) as ada, await Cora.hired(house, "Sue", None, Role.SUPERVISOR) as sue:
        await ada.ask()
        for person, path in ((ada, "/chat/feedback"), (sue, "/supervise/line")):
            page = await person.post(path, {"message": "typed \0with care", "password": "hunter\02"})
            assert page.status_code == 422
            assert 'name="message" value="typed with care"' in page.text
            assert "hunter" not in page.text
            assert (await person.post(path, {"csrf_token": "\0"})).status_code == 403
            answer = await person.post(path, {"message": "typed \0with care"}, **JSON)
            assert (answer.status_code, code_of(answer)) == (422, "invalid")


async def test_a_token_is_of_one_browser_and_one_sign_in(house: House) -> None:
    async with Ada(house) as ada, Ada(house) as ben, await Cora.hired(house) as cora, await Cora.hired(house) as dev:
        await ada.ask()
        await ben.ask()
        for mine, theirs, path in ((ada, ben, "/chat/leave"), (cora, dev, "/desk/presence")):
            token = await theirs.form_token()
            refused = await mine.http.post(path, data={"csrf_token": token, "state": "busy"})
            assert refused.status_code == 403
            own = await mine.form_token()
            assert (await mine.http.post(path, data={"csrf_token": own, "state": "busy"})).status_code == 303


async def test_a_conversation_that_is_not_theirs_does_not_exist(house: House) -> None:
    """For every page and form below it: another advisor, a supervisor and an editor learn no more than of a made-up one."""
    roles = ((Role.ADVISOR,), (Role.ADVISOR, Role.EDITOR))
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await cora.take(await ada.ask())
        for held in roles:
            async with await Cora.hired(house, "Dev", None, *held) as dev:
                token = await dev.form_token()
                for door in staff_doors(house):
                    # Taking is for those who do not have it: it says that a colleague was faster.
                    if not door.path.startswith("/desk/conv") or door.path.endswith(("/accept", "/decline")):
                        continue
                    answers = []
                    for reference in (ada.reference, "QK7F-4PDX"):
                        path = door.path.replace("{reference}", reference)
                        fields = {"csrf_token": token, "text": "Hello", "id": str(uuid.uuid4())}
                        if "POST" in door.methods:
                            answer = await dev.http.post(path, data=fields, headers=JSON)
                        else:
                            answer = await dev.http.get(path, headers=JSON)
                        answers.append((answer.status_code, answer.text))
                    assert answers[0] == answers[1], door.path
                    assert answers[0][0] == 404, door.path
        assert len(await ada.log()) == 3


def code_of(answer: httpx.Response) -> object:
    """The code of a JSON answer; what answers a HEAD has none."""
    if not answer.content or not answer.headers.get("content-type", "").startswith("application/json"):
        return None
    document = answer.json()
    return document.get("code") if isinstance(document, dict) else None
