"""Each area opens to its own role and to nobody else."""

import pytest

from core.people import Role
from tests.staff.house import House, field_value

AREAS = {"cora": "/desk", "sue": "/supervise", "eve": "/editor", "alf": "/admin"}


@pytest.mark.parametrize("name", AREAS)
async def test_area_opens_to_its_role_and_to_no_other(house: House, name: str) -> None:
    browser = await house.signed_in(name)
    statuses = {area: (await browser.get(area)).status_code for area in AREAS.values()}
    assert statuses == {area: 200 if area == AREAS[name] else 403 for area in AREAS.values()}


@pytest.mark.parametrize("area", AREAS.values())
async def test_stranger_is_asked_to_sign_in(house: House, area: str) -> None:
    response = await house.browser().get(area)
    assert (response.status_code, response.headers["location"]) == (303, f"/sign-in?next=%2F{area[1:]}")


async def test_script_of_a_stranger_gets_a_status_and_no_page(house: House) -> None:
    response = await house.browser().get("/desk", headers={"Accept": "application/json"})
    assert (response.status_code, response.json()["code"]) == (401, "sign_in")


async def test_two_roles_open_two_areas(house: House) -> None:
    await house.accounts.set_roles(house.people["cora"].id, {Role.ADVISOR, Role.EDITOR})
    browser = await house.signed_in("cora")
    statuses = [(await browser.get(area)).status_code for area in AREAS.values()]
    assert statuses == [200, 403, 200, 403]


async def test_form_is_done_by_its_role_only(house: House) -> None:
    coras, sues = await house.signed_in("cora"), await house.signed_in("sue")
    token = field_value((await coras.get("/desk")).text, "csrf_token")
    assert (await coras.post("/desk/anything", data={"csrf_token": token})).text == "Cora Hughes"
    token = field_value((await sues.get("/supervise")).text, "csrf_token")
    assert (await sues.post("/desk/anything", data={"csrf_token": token})).status_code == 403
    assert (await house.browser().post("/desk/anything", data={"csrf_token": token})).status_code == 303


async def test_form_of_another_session_is_refused(house: House) -> None:
    coras, again = await house.signed_in("cora"), await house.signed_in("cora")
    token = field_value((await again.get("/desk")).text, "csrf_token")
    assert (await coras.post("/desk/anything", data={"csrf_token": token})).status_code == 403


async def test_form_of_another_site_is_refused(house: House) -> None:
    browser = await house.signed_in("cora")
    token = field_value((await browser.get("/desk")).text, "csrf_token")
    for origin in ("https://evil.example", "null", "http://127.0.0.1:8001"):
        response = await browser.post("/desk/anything", data={"csrf_token": token}, headers={"Origin": origin})
        assert response.status_code == 403
