"""What `dutyline run` prepares, and that it prepares it once."""

from pathlib import Path

import httpx
import pytest

from tests.live import DEMO_PASSWORD, LiveService

PLACES = {
    "advisor@example.org": "/desk",
    "advisor2@example.org": "/desk",
    "supervisor@example.org": "/desk",
    "editor@example.org": "/editor",
    "editor2@example.org": "/editor",
    "admin@example.org": "/account",
}


def sign_in(url: str, email: str, password: str) -> httpx.Response:
    with httpx.Client(base_url=url, timeout=40) as browser:
        page = browser.get("/sign-in").text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"csrf_token": token, "email": email, "password": password}
        return browser.post("/sign-in", data=form, headers={"Origin": url})


@pytest.mark.parametrize("email", PLACES)
def test_everybody_of_the_demo_signs_in(demo: LiveService, email: str) -> None:
    response = sign_in(demo.url, email, DEMO_PASSWORD)
    assert (response.status_code, response.headers.get("location")) == (303, PLACES[email])


def test_stranger_does_not_sign_in(demo: LiveService) -> None:
    response = sign_in(demo.url, "stranger@example.org", DEMO_PASSWORD)
    assert response.status_code == 422
    assert 'href="#password"' in response.text
    assert "stranger@example.org" in response.text
    assert DEMO_PASSWORD not in response.text


def test_started_again_it_keeps_its_data_and_its_password(short_folder: Path) -> None:
    service = LiveService(short_folder, environment={"DEMO_PASSWORD": ""})
    data = short_folder / "data"
    with service:
        password = (data / "demo-password").read_text().strip()
        assert password in service.log_text()
        assert sign_in(service.url, "advisor@example.org", password).status_code == 303
        keys = {name: (data / name).read_bytes() for name in ("master.keys", "secret.key", "demo-password")}
        articles = service.command("guidance", "export", str(short_folder / "first")).stdout
    assert all(oct((data / name).stat().st_mode & 0o777) == "0o600" for name in [*keys, "dutyline.db"])
    assert oct(data.stat().st_mode & 0o777) == "0o700"
    with service:
        assert {name: (data / name).read_bytes() for name in keys} == keys
        assert sign_in(service.url, "advisor@example.org", password).status_code == 303
        assert service.command("account", "list").stdout.count("@example.org") == len(PLACES)
        assert service.command("guidance", "export", str(short_folder / "second")).stdout == articles


def test_another_demo_password_takes_over(short_folder: Path) -> None:
    with LiveService(short_folder) as first:
        assert sign_in(first.url, "advisor@example.org", DEMO_PASSWORD).status_code == 303
    with LiveService(short_folder, environment={"DEMO_PASSWORD": "another four words"}) as second:
        assert sign_in(second.url, "advisor@example.org", "another four words").status_code == 303
        assert sign_in(second.url, "advisor@example.org", DEMO_PASSWORD).status_code == 422


def test_several_web_processes_share_one_sign_in(short_folder: Path) -> None:
    with LiveService(short_folder, environment={"WEB_CONCURRENCY": "2"}) as service:
        with httpx.Client(base_url=service.url) as browser:
            cookies = sign_in(service.url, "advisor@example.org", DEMO_PASSWORD).cookies
            # Each request on a connection of its own, so that both processes answer some.
            browser.cookies = httpx.Cookies(cookies)
            pages = [browser.get("/sign-in", headers={"Connection": "close"}) for _ in range(12)]
        assert {page.headers.get("location") for page in pages} == {"/desk"}
        assert service.stop("run") == 0


def test_what_an_operator_starts_signs_in_a_real_account(short_folder: Path, redis_url: str) -> None:
    password = "cora rides a green bicycle"
    with LiveService(short_folder, web=1, workers=1, environment={"REDIS_URL": redis_url}) as service:
        service.secret_texts |= {password, "cora@example.org", "Cora Hughes"}
        words = ["account", "add", "cora@example.org", "--name", "Cora Hughes", "--role", "advisor"]
        added = service.command(*words, stdin=password + "\n")
        assert added.returncode == 0, added.stderr
        assert sign_in(service.url, "cora@example.org", password).headers["location"] == "/desk"
        assert service.command("account", "disable", "cora@example.org").returncode == 0
        assert sign_in(service.url, "cora@example.org", password).status_code == 422
