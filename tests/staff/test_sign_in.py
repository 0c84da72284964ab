"""Cora signs in; a stranger does not, and learns nothing from trying."""

import time

import httpx
import pytest
from sqlalchemy import select

from core.tables import audit
from staff.pages import local_path
from staff.passwords import Passwords
from tests.staff.house import PASSWORD, House, field_value, sign_in


async def test_cora_signs_in(house: House) -> None:
    browser = house.browser()
    response = await sign_in(browser, "cora@example.org")
    assert (response.status_code, response.headers["location"]) == (303, "/desk")
    assert "Hello Cora Hughes" in (await browser.get("/desk")).text


async def test_case_and_spaces_of_the_address_do_not_matter(house: House) -> None:
    assert (await sign_in(house.browser(), " Cora@EXAMPLE.org ")).status_code == 303


async def test_cookie_is_kept_from_scripts_and_other_sites(house: House) -> None:
    response = await sign_in(house.browser(), "cora@example.org")
    (cookie,) = [value for value in response.headers.get_list("set-cookie") if value.startswith("session=")]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))


async def test_stranger_does_not_sign_in(house: House) -> None:
    browser = house.browser()
    response = await sign_in(browser, "stranger@example.org")
    assert response.status_code == 422
    assert (await browser.get("/desk")).headers["location"] == "/sign-in?next=%2Fdesk"


async def test_wrong_password_keeps_the_address_and_not_the_password(house: House) -> None:
    response = await sign_in(house.browser(), "cora@example.org", "not her password")
    assert response.status_code == 422
    assert field_value(response.text, "email") == "cora@example.org"
    assert "class=error" in response.text
    assert "not her password" not in response.text


async def test_wrong_and_unknown_look_the_same(house: House) -> None:
    wrong = await sign_in(house.browser("192.0.2.1"), "cora@example.org", "a wrong password")
    unknown = await sign_in(house.browser("192.0.2.2"), "stranger@example.org", "a wrong password")
    assert wrong.status_code == unknown.status_code
    assert shape(wrong) == shape(unknown)


async def test_wrong_and_unknown_take_the_same_time(house: House) -> None:
    """Processor time, so that a busy machine does not count; leaving the hash out would show as less than half."""
    times: dict[str, list[float]] = {"cora@example.org": [], "stranger@example.org": []}
    for number in range(4):
        for email, taken in times.items():
            browser = house.browser(f"192.0.2.{number}")
            page = await browser.get("/sign-in")
            form = {"csrf_token": field_value(page.text, "csrf_token"), "email": email, "password": "a wrong password"}
            began = time.process_time()
            assert (await browser.post("/sign-in", data=form)).status_code == 422
            taken.append(time.process_time() - began)
    wrong, unknown = (min(taken) for taken in times.values())
    assert 0.5 < unknown / wrong < 2


async def test_disabled_account_is_as_good_as_none(house: House) -> None:
    await house.accounts.disable(house.people["cora"].id)
    disabled = await sign_in(house.browser(), "cora@example.org")
    unknown = await sign_in(house.browser("192.0.2.2"), "stranger@example.org")
    assert (disabled.status_code, shape(disabled)) == (unknown.status_code, shape(unknown))


@pytest.mark.parametrize(
    ("email", "password", "fields"),
    [
        ("", "", ["email", "password"]),
        ("cora@example.org", "", ["password"]),
        ("", PASSWORD, ["email"]),
        ("cora@example.org", "x" * 1_025, ["password"]),
        ("c" * 300 + "@example.org", PASSWORD, ["email"]),
    ],
)
async def test_what_cannot_be_right_is_said_beside_its_field(
    house: House, email: str, password: str, fields: list[str]
) -> None:
    response = await sign_in(house.browser(), email, password)
    assert response.status_code == 422
    assert [part.partition(":")[0] for part in response.text.split("class=error>")[1:]] == fields


async def test_password_of_a_megabyte_costs_no_hashing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Passwords, "_compare", lambda *_: pytest.fail("it was hashed"))
    assert (await sign_in(house.browser(), "cora@example.org", "x" * 900_000)).status_code == 422


async def test_zero_byte_in_the_password_is_refused(house: House) -> None:
    assert (await sign_in(house.browser(), "cora@example.org", "zero\0byte")).status_code == 422


async def test_sign_in_needs_the_token_of_its_own_page(house: House) -> None:
    """Otherwise another site could sign a browser in as somebody else."""
    browser = house.browser()
    form = {"email": "cora@example.org", "password": PASSWORD}
    assert (await browser.post("/sign-in", data=form)).status_code == 403
    token = field_value((await house.browser().get("/sign-in")).text, "csrf_token")
    assert (await browser.post("/sign-in", data={"csrf_token": token, **form})).status_code == 403
    assert "session" not in browser.cookies


async def test_planted_cookie_is_not_taken_over(house: House) -> None:
    browser = house.browser()
    browser.cookies.set("session", "planted" * 6, domain="127.0.0.1")
    await sign_in(browser, "cora@example.org")
    thief = house.browser()
    thief.cookies.set("session", "planted" * 6, domain="127.0.0.1")
    assert (await thief.get("/desk")).status_code == 303


async def test_session_of_somebody_else_in_the_browser_ends(house: House) -> None:
    """Sue signs in on the machine that Cora left: Cora's session there is gone, and Cora cannot be sent back into it."""
    coras = await house.signed_in("cora")
    shared = house.browser()
    shared.cookies.set("session", coras.cookies["session"], domain="127.0.0.1")
    page = await house.browser().get("/sign-in")
    shared.cookies.set("form", page.cookies["form"], domain="127.0.0.1")
    form = {"csrf_token": field_value(page.text, "csrf_token"), "email": "sue@example.org", "password": PASSWORD}
    assert (await shared.post("/sign-in", data=form)).headers["location"] == "/desk"
    assert (await coras.get("/desk")).status_code == 303


async def test_who_is_signed_in_is_sent_on(house: House) -> None:
    browser = await house.signed_in("eve")
    assert (await browser.get("/sign-in")).headers["location"] == "/editor"
    assert (await browser.get("/sign-in", params={"next": "/editor?due=1"})).headers["location"] == "/editor?due=1"


async def test_the_page_that_was_asked_for_comes_after_it(house: House) -> None:
    browser = house.browser()
    asked = (await browser.get("/desk?mine=1")).headers["location"]
    page = await browser.get(asked)
    path = field_value(page.text, "next")
    assert (await sign_in(browser, "cora@example.org", next=path)).headers["location"] == "/desk?mine=1"


ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "https:evil.example",
    "https://evil.example",
    "http:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    " //evil.example",
    "/ /evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/desk//evil.example",
    "/desk\r\nSet-Cookie: session=x",
    "/desk\x00",
    "/dêsk",
    "/\u2028/evil.example",
    "/\uff0fevil.example",
    "desk",
    "@evil.example",
    "?next=//evil.example",
    "/sign-in?next=/sign-in",
    "/sign-out",
    "/" + "x" * 3_000,
]


@pytest.mark.parametrize("path", ELSEWHERE)
async def test_sign_in_leads_nowhere_else(house: House, path: str) -> None:
    assert local_path(path) == ""


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https:evil.example", "/\t/evil.example"])
async def test_form_leads_nowhere_else(house: House, path: str) -> None:
    response = await sign_in(house.browser(), "cora@example.org", next=path)
    assert response.headers["location"] == "/desk"


@pytest.mark.parametrize(
    "path", ["/", "/desk", "/desk/conversations/QK7F-4PDX", "/guidance?q=a%20b&tag=x", "/a?u=https://b"]
)
def test_own_paths_are_kept(path: str) -> None:
    assert local_path(path) == path


async def test_audit_tells_who_signed_in_and_who_failed(house: House) -> None:
    await sign_in(house.browser(), "cora@example.org", "a wrong password")
    await sign_in(house.browser(), "stranger@example.org")
    browser = await house.signed_in("cora")
    token = field_value((await browser.get("/desk")).text, "csrf_token")
    await browser.post("/sign-out", data={"csrf_token": token})
    async with house.database.read() as connection:
        rows = (await connection.execute(select(audit.c.action, audit.c.subject).order_by(audit.c.id))).all()
    cora = f"account:{house.people['cora'].id}"
    assert [tuple(row) for row in rows][len(house.people) :] == [
        ("sign_in_failed", cora),
        ("sign_in_failed", "account:unknown"),
        ("signed_in", cora),
        ("signed_out", cora),
    ]


def shape(response: httpx.Response) -> str:
    """The page without what differs between any two requests."""
    text = response.text
    for name in ("csrf_token", "email"):
        text = text.replace(field_value(text, name), "")
    return text
