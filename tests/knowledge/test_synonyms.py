"""Eve changes the words that mean the same to the search."""

import re

import pytest
from sqlalchemy import select

from core.people import SignedIn
from core.tables import audit
from knowledge.tables import synonym
from knowledge.vocabulary import SEED
from knowledge.words import FOR_ANYONE
from tests.knowledge.house import Browser, House
from tests.knowledge.test_library import running
from tests.waiting import until

HERE = "/editor/synonyms"


async def id_of(house: House, words: str) -> int:
    async with house.db.read() as connection:
        return int((await connection.execute(select(synonym.c.id).where(synonym.c.words == words))).scalar_one())


async def actions(house: House) -> list[str]:
    async with house.db.read() as connection:
        return list((await connection.execute(select(audit.c.action).order_by(audit.c.id))).scalars())


async def test_a_line_is_added_changed_and_deleted_and_every_process_follows(house: House, eve: SignedIn) -> None:
    await house.publish("drones", title="Drones", markdown="What flies over a garden.")
    editor, other = house.signed_in(eve), house.another_library()

    def found(typed: str) -> int:
        return other.search(typed, FOR_ANYONE).total

    async with running(other):
        await until(lambda: found("drones") == 1)
        assert found("quadcopter") == 0
        assert (await editor.post(HERE, {"words": " quadcopter,drone , UAV"})).headers[
            "location"
        ] == f"{HERE}?said=added"
        await until(lambda: found("quadcopter") == 1)
        number = await id_of(house, "quadcopter, drone, UAV")
        changed = await editor.post(
            f"{HERE}/{number}", {"words": "multicopter, drone", "before": "quadcopter, drone, UAV"}
        )
        assert changed.headers["location"] == f"{HERE}?said=changed"
        await until(lambda: (found("quadcopter"), found("multicopter")) == (0, 1))
        assert (await editor.post(f"{HERE}/{number}/delete", {})).headers["location"] == f"{HERE}?said=deleted"
        await until(lambda: found("multicopter") == 0)
    assert "multicopter" not in (await editor.get(HERE)).text
    assert (await editor.post(f"{HERE}/{number}/delete", {})).status_code == 404
    assert [one for one in await actions(house) if "synonym" in one] == [
        "synonym_added",
        "synonym_changed",
        "synonym_deleted",
    ]


async def test_it_begins_with_the_fields_own_and_whoever_deletes_all_has_none(house: House, eve: SignedIn) -> None:
    editor = house.signed_in(eve)
    page = (await editor.get(f"{HERE}?said=added")).text
    assert "DVDS, Clare&#39;s Law" in page
    assert "The line is added." in page
    assert await house.count(synonym) == len(SEED)
    for number in re.findall(rf'action="{HERE}/(\d+)/delete"', page):
        await editor.post(f"{HERE}/{number}/delete", {})
    await house.import_samples()
    assert await house.count(synonym) == 0
    assert "There is no line." in (await editor.get(HERE)).text
    assert house.library.index.snapshot.synonyms.terms("DVDS")[0].others == ()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("", "at least two names"),
        ("alone", "at least two names"),
        ("the same, The Same", "at least two names"),
        ("drone, \u2026", "holds no letter"),
        ("drone, " + "x" * 61, "longer than 60"),
        ("drone, " * 100, "longer than 500"),
        ("drone, NFS", "stands in another line already"),
        ("drone, Choke", "stands in another line already"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    house: House, eve: SignedIn, words: str, problem: str
) -> None:
    answer = await house.signed_in(eve).post(HERE, {"words": words})
    assert answer.status_code == 422
    said = re.search(r'id="words-error"[^>]*>(.*?)</p>', answer.text, re.DOTALL)
    assert said is not None
    assert re.search(problem, said[1])
    assert words.strip()[:30] in answer.text
    assert await house.count(synonym) == len(SEED)


async def test_two_editors_do_not_overwrite_each_other(house: House, eve: SignedIn) -> None:
    editor = house.signed_in(eve)
    await editor.post(HERE, {"words": "drone, UAV"})
    number = await id_of(house, "drone, UAV")
    await editor.post(f"{HERE}/{number}", {"words": "drone, UAV, quadcopter", "before": "drone, UAV"})
    late = await editor.post(f"{HERE}/{number}", {"words": "drone, buzzer", "before": "drone, UAV"})
    assert late.status_code == 409
    assert "It now says: drone, UAV, quadcopter" in late.text
    assert "drone, buzzer</textarea>" in late.text
    again = re.search(rf'action="{HERE}/{number}".*?name="before" value="([^"]+)"', late.text, re.DOTALL)
    assert again is not None
    saved = await editor.post(f"{HERE}/{number}", {"words": "drone, buzzer", "before": again[1]})
    assert saved.status_code == 303


@pytest.mark.parametrize("who", ["cora", "stranger"])
async def test_nobody_else_changes_them(house: House, eve: SignedIn, cora: SignedIn, who: str) -> None:
    editor = house.signed_in(eve)
    await editor.post(HERE, {"words": "drone, UAV"})
    number = await id_of(house, "drone, UAV")
    browser: Browser = house.signed_in(cora) if who == "cora" else house.stranger()
    for path in (HERE, f"{HERE}/{number}", f"{HERE}/{number}/delete"):
        assert (await browser.http.post(path, data={"words": "a, b"})).status_code in (303, 403)
    assert (await browser.get(HERE)).status_code in (303, 403)
    assert await id_of(house, "drone, UAV") == number
