"""Cora's own account: what it shows, where she is signed in, her password. Sue never reaches it."""

import httpx
import pytest
from sqlalchemy import select

from core.crypto import token_hash
from core.tables import audit
from tests.staff.house import PASSWORD, House, field_value, sign_in

NEW = "a heron stands in the rain"


def number_of(browser: httpx.AsyncClient) -> str:
    return token_hash(browser.cookies["session"])[:8].hex()


async def post(browser: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    token = field_value((await browser.get("/account")).text, "csrf_token")
    return await browser.post(path, data={"csrf_token": token, **fields})


async def change(browser: httpx.AsyncClient, current: str, new: str) -> httpx.Response:
    return await post(browser, "/account/password", password=current, new_password=new)


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/account")).status_code == 200


async def actions(house: House) -> list[str]:
    async with house.database.read() as connection:
        return list((await connection.execute(select(audit.c.action).order_by(audit.c.id))).scalars())


async def test_shows_who_and_where(house: House) -> None:
    here, there = await house.signed_in("cora"), await house.signed_in("cora")
    await house.signed_in("sue")
    page = (await here.get("/account")).text
    assert "Cora Hughes, cora@example.org, Advisor" in page
    assert f"{number_of(here)} this" in page
    assert f"{number_of(there)} other" in page
    assert page.count("session:") == 2


async def test_stranger_signs_in_first(house: House) -> None:
    browser = house.browser()
    assert (await browser.get("/account")).headers["location"] == "/sign-in?next=%2Faccount"
    for path in ("/account/password", "/account/sessions/end", "/account/sessions/0011223344556677/end"):
        assert (await browser.post(path)).status_code == 303


@pytest.mark.parametrize("path", ["/account/password", "/account/sessions/end", "/account/sessions/{number}/end"])
async def test_form_of_another_session_changes_nothing(house: House, path: str) -> None:
    here, there = await house.signed_in("cora"), await house.signed_in("cora")
    token = field_value((await there.get("/account")).text, "csrf_token")
    form = {"csrf_token": token, "password": PASSWORD, "new_password": NEW}
    assert (await here.post(path.format(number=number_of(there)), data=form)).status_code == 403
    assert await is_signed_in(there)


async def test_one_sign_in_is_ended(house: House) -> None:
    here, there = await house.signed_in("cora"), await house.signed_in("cora")
    response = await post(here, f"/account/sessions/{number_of(there)}/end")
    assert response.headers["location"] == "/account?said=ended"
    assert (await is_signed_in(here), await is_signed_in(there)) == (True, False)
    assert (await post(here, f"/account/sessions/{number_of(there)}/end")).status_code == 303
    assert (await actions(house)).count("session_ended") == 1


async def test_a_colleagues_sign_in_is_not_reached(house: House) -> None:
    cora, sue = await house.signed_in("cora"), await house.signed_in("sue")
    await post(sue, f"/account/sessions/{number_of(cora)}/end")
    await post(sue, "/account/sessions/end")
    assert (await is_signed_in(cora), await is_signed_in(sue)) == (True, True)
    assert "session_ended" not in await actions(house)


async def test_all_others_are_ended(house: House) -> None:
    here, there, elsewhere = [await house.signed_in("cora") for _ in range(3)]
    await post(here, "/account/sessions/end")
    assert [await is_signed_in(browser) for browser in (here, there, elsewhere)] == [True, False, False]
    assert "other_sessions_ended" in await actions(house)


async def test_password_is_changed_and_other_sign_ins_end(house: House) -> None:
    here, there = await house.signed_in("cora"), await house.signed_in("cora")
    assert (await change(here, PASSWORD, NEW)).headers["location"] == "/account?said=password"
    assert (await is_signed_in(here), await is_signed_in(there)) == (True, False)
    assert (await sign_in(house.browser(), "cora@example.org")).status_code == 422
    assert (await sign_in(house.browser(), "cora@example.org", NEW)).status_code == 303
    assert (await actions(house)).count("password_changed") == 1


@pytest.mark.parametrize(
    ("current", "new", "name", "words"),
    [
        ("", NEW, "password", "the password that you have now"),
        ("a wrong password", NEW, "password", "not your password"),
        ("x" * 2_000, NEW, "password", "not your password"),
        (PASSWORD, "", "new_password", "Enter a password"),
        (PASSWORD, "too short", "new_password", "at least 15 characters"),
        (PASSWORD, "x" * 2_000, "new_password", "at most 1,024"),
        (PASSWORD, PASSWORD, "new_password", "Choose another one"),
    ],
)
async def test_password_that_cannot_be_is_said(house: House, current: str, new: str, name: str, words: str) -> None:
    browser = await house.signed_in("cora")
    response = await change(browser, current, new)
    assert response.status_code == 422
    assert f"{name}: " in response.text
    assert words in response.text
    assert new not in response.text or not new
    assert (await sign_in(house.browser(), "cora@example.org")).status_code == 303


async def test_guessing_at_an_open_screen_is_slowed(house: House) -> None:
    browser = await house.signed_in("cora")
    for _ in range(6):
        assert (await change(browser, "a wrong password", NEW)).status_code == 422
    slowed = await change(browser, PASSWORD, NEW)
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) > 0
    assert (await actions(house)).count("password_refused") == 6
    house.clock.pass_time(minutes=1)
    assert (await change(browser, PASSWORD, NEW)).status_code == 303
