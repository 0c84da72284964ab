"""The page of the opening hours: what is changed there is what the public reads, and only those who may change it can."""

from typing import Any

import pytest
from sqlalchemy import select

from core.people import Role, SignedIn
from core.tables import audit
from tests.triage.house import House

WEEK = {"mon": "9:30-12:00, 13:00-17:00", "tue": "", "wed": "10-16", "thu": "", "fri": "", "sat": "", "sun": ""}
CLOSURE = {
    "from_day": "2026-11-23",
    "from_time": "11:00",
    "to_day": "2026-11-23",
    "to_time": "13:30",
    "reason": "team training",
}


@pytest.fixture
async def sue(house: House) -> SignedIn:
    return await house.hire("Sue", Role.SUPERVISOR)


async def home(house: House) -> str:
    async with house.client() as ada:
        return (await ada.get("/")).text


async def change(house: House, person: SignedIn, path: str, fields: dict[str, Any]) -> str:
    async with house.client(person) as browser:
        token = _token(await browser.get("/supervise/hours"))
        answered = await browser.post(f"/supervise/hours{path}", fields, token=token)
        assert answered.status_code == 303, answered.text
        return (await browser.get(answered.headers["location"])).text


def _token(page: Any) -> str:
    return str(page.text.split('name="csrf_token" value="')[1].split('"')[0])


async def test_the_week_is_what_the_public_reads(house: House, sue: SignedIn) -> None:
    assert "Open now" in await home(house)
    page = await change(house, sue, "", WEEK)
    assert 'value="9:30-12:00, 13:00-17:00"' in page
    assert "Closed now. Opens today at 1pm." in page
    public = await home(house)
    assert "Open now" not in public
    assert "9:30am to noon, 1pm to 5pm" in public


async def test_round_the_clock_opens_at_once(house: House, sue: SignedIn) -> None:
    await change(house, sue, "", WEEK)
    page = await change(house, sue, "", {**WEEK, "always_open": "yes"})
    assert 'value="yes" checked' in page
    assert "Open now" in await home(house)


async def test_a_closure_closes_and_can_be_taken_back(house: House, sue: SignedIn) -> None:
    page = await change(house, sue, "/closures", CLOSURE)
    assert "Closed now (team training). Opens today at 1:30pm." in page
    assert "closed 11am to 1:30pm (team training)" in await home(house)
    number = page.split("/supervise/hours/closures/")[1].split("/")[0]
    for _ in range(2):
        page = await change(house, sue, f"/closures/{number}/remove", {})
        assert "None is set." in page
    assert "Open now" in await home(house)


async def test_a_bank_holiday_can_be_worked(house: House, sue: SignedIn) -> None:
    page = await change(house, sue, "/holidays", {"day": "2026-12-25", "open": "yes"})
    assert "25 December 2026. Open by the week&#39;s hours" in page
    page = await change(house, sue, "/holidays", {"day": "2026-12-25", "open": "no"})
    assert "25 December 2026. Closed" in page


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("", {**WEEK, "mon": "nine to five"}, "is not a day with its hours"),
        ("", {**WEEK, "mon": "9-17; tue 9-17"}, "Write the hours of this day only"),
        ("", {**WEEK, "mon": "9-12, 11-13"}, "Monday has hours that overlap."),
        ("", dict.fromkeys(WEEK, ""), "Give the hours of one day at least"),
        ("/closures", {**CLOSURE, "from_day": "today"}, "Enter the first day as year, month and day."),
        ("/closures", {**CLOSURE, "to_time": "25:00"}, "Enter a time of day such as 13:00"),
        ("/closures", {**CLOSURE, "to_time": "10:00"}, "Choose an end that comes after the beginning."),
        ("/closures", {**CLOSURE, "from_time": "08:00", "to_time": "09:00"}, "Choose an end that is still to come."),
        ("/closures", {**CLOSURE, "to_day": "2029-01-01"}, "Choose a closure of one year at most."),
        ("/closures", {**CLOSURE, "reason": ""}, "Say why in up to 120 characters."),
    ],
)
async def test_a_mistake_is_said_at_its_field_and_nothing_is_lost(
    house: House, sue: SignedIn, path: str, fields: dict[str, str], said: str
) -> None:
    before = await home(house)
    async with house.client(sue) as browser:
        token = _token(await browser.get("/supervise/hours"))
        answered = await browser.post(f"/supervise/hours{path}", fields, token=token)
    assert answered.status_code == 422
    assert said in answered.text.replace("&#39;", "'")
    for value in fields.values():
        assert f'value="{value}"' in answered.text
    assert await home(house) == before


async def test_changes_are_recorded(house: House, sue: SignedIn) -> None:
    await change(house, sue, "", WEEK)
    await change(house, sue, "/closures", CLOSURE)
    async with house.db.read() as connection:
        rows = (await connection.execute(select(audit.c.actor, audit.c.action).order_by(audit.c.id))).all()
    assert [tuple(row) for row in rows] == [(sue.account_id, "hours_set"), (sue.account_id, "closure_set")]


async def test_others_may_not_change_the_hours(house: House, cora: SignedIn, sue: SignedIn) -> None:
    eve, alf = await house.hire("Eve", Role.EDITOR), await house.hire("Alf", Role.ADMIN)
    for person, status in ((cora, 403), (eve, 403), (None, 303), (alf, 200), (sue, 200)):
        async with house.client(person) as browser:
            assert (await browser.get("/supervise/hours")).status_code == status
    before = await home(house)
    for path in ("", "/closures", "/closures/1/remove", "/holidays"):
        async with house.client(cora) as browser:
            assert (await browser.post(f"/supervise/hours{path}", WEEK | CLOSURE)).status_code == 403
    assert await home(house) == before
