"""Saved replies: one's own and those of all, what is filled in, and who changes which."""

import pytest

from core.people import Role, SignedIn
from tests.triage.house import House
from triage.replies import PLACES
from triage.tables import saved_reply

HERE = "/desk/replies"


@pytest.fixture
async def sue(house: House) -> SignedIn:
    return await house.hire("Sue", Role.SUPERVISOR)


async def names(house: House, person: SignedIn) -> list[str]:
    async with house.client(person) as desk:
        listed = await desk.get(HERE, accept="application/json")
    return [one["name"] for one in listed.json()["replies"]]


async def test_saved_changed_and_deleted(house: House, cora: SignedIn) -> None:
    async with house.client(cora) as desk:
        saved = await desk.post(HERE, {"name": "  Good   start ", "text": "Hello {nickname}."})
        assert (saved.status_code, saved.headers["location"]) == (303, f"{HERE}?said=added")
        page = (await desk.get(f"{HERE}?said=added")).text
        assert "The reply is saved." in page
        assert "<kbd>/good-start</kbd>" in page
        number = (await desk.get(HERE, accept="application/json")).json()["replies"][0]["id"]
        assert (await desk.post(f"{HERE}/{number}", {"name": "Start", "text": "Good morning."})).status_code == 303
        assert await names(house, cora) == ["Start"]
        assert (await desk.post(f"{HERE}/{number}/delete", {})).status_code == 303
    assert await names(house, cora) == []


async def test_they_stand_filled_in_beside_the_composer(house: House, cora: SignedIn) -> None:
    reference = await house.enquire(nickname="Ada {advisor}")
    await house.claims.claim(reference, cora)
    async with house.client(cora) as desk:
        before = (await desk.get(f"/desk/conversations/{reference}")).text
        assert "saved reply" not in before, "there is none yet"
        text = "For {nickname} of {reference}, from {advisor}, on {topic}. We open {opens}; {phone}."
        await desk.post_json(HERE, {"name": "All", "text": text})
        page = (await desk.get(f"/desk/conversations/{reference}")).text
    assert "<kbd>/</kbd> saved reply" in page
    filled = f"For Ada {{advisor}} of {reference}, from Cora, on Recognising and describing risk. We open"
    assert f'<p data-shortcut="all" data-title="All">{filled}' in page
    assert not any(f"{{{word}}}" in page.replace("Ada {advisor}", "") for word in PLACES)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("", "Hello.", "Give the reply a name"),
        ("…", "Hello.", "Give the reply a name with letters"),
        ("N" * 41, "Hello.", "at most 40"),
        ("Start", " ", "Write what the reply says"),
        ("Start", "x" * 1_001, "Shorten the reply"),
        ("Start", "Hello {name}.", "There is nothing to put in place of {name}. There are {nickname}"),
        ("Start", "Hello {}.", "There is nothing to put in place of {}"),
    ],
)
async def test_what_cannot_be_saved_says_why_and_is_kept(
    house: House, cora: SignedIn, name: str, text: str, says: str
) -> None:
    async with house.client(cora) as desk:
        refused = await desk.post(HERE, {"name": name, "text": text})
        as_json = await desk.post_json(HERE, {"name": name, "text": text})
    assert refused.status_code == 422
    assert says in refused.text
    assert f"{text.strip()}</textarea>" in refused.text
    assert (as_json.status_code, as_json.json()["code"]) == (422, "invalid")
    assert await house.count(saved_reply) == 0


async def test_a_reply_that_names_somebody_is_held(house: House, cora: SignedIn) -> None:
    fields = {"name": "Ring", "text": "Ring him on 07700 900123."}
    async with house.client(cora) as desk:
        held = await desk.post(HERE, fields)
        assert held.status_code == 409
        assert "<mark>07700 900123</mark>" in held.text
        assert await house.count(saved_reply) == 0
        assert (await desk.post(HERE, {**fields, "confirm": "yes"})).status_code == 303


async def test_nobody_reads_or_changes_anothers(house: House, cora: SignedIn, dev: SignedIn, sue: SignedIn) -> None:
    async with house.client(cora) as desk:
        number = (await desk.post_json(HERE, {"name": "Mine", "text": "Hello."})).json()["id"]
    for other in (dev, sue):
        assert await names(house, other) == []
        async with house.client(other) as desk:
            for action in ("", "/delete"):
                changed = await desk.post_json(f"{HERE}/{number}{action}", {"name": "Theirs", "text": "Bye."})
                assert changed.status_code == 404
    assert await names(house, cora) == ["Mine"]


async def test_supervisors_change_what_all_share(house: House, cora: SignedIn, sue: SignedIn) -> None:
    async with house.client(cora) as desk:
        refused = await desk.post_json(HERE, {"name": "For all", "text": "Hello.", "shared": "yes"})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        assert 'name="shared"' not in (await desk.get(HERE)).text
    async with house.client(sue) as desk:
        assert 'name="shared"' in (await desk.get(HERE)).text
        number = (await desk.post_json(HERE, {"name": "For all", "text": "Hello.", "shared": "yes"})).json()["id"]
    assert await names(house, cora) == ["For all"]
    async with house.client(cora) as desk:
        for action in ("", "/delete"):
            changed = await desk.post_json(f"{HERE}/{number}{action}", {"name": "Mine", "text": "Bye."})
            assert changed.status_code == 403
    async with house.client(sue) as desk:
        assert (await desk.post(f"{HERE}/{number}", {"name": "All", "text": "Hello all."})).status_code == 303
    assert await names(house, cora) == ["All"]


async def test_the_page_is_for_the_desk(house: House) -> None:
    eve = await house.hire("Eve", Role.EDITOR)
    async with house.client(eve) as desk:
        assert (await desk.get(HERE)).status_code == 403
    async with house.client() as stranger:
        assert (await stranger.get(HERE)).headers["location"].startswith("/sign-in")
