"""What every request meets first, at the real service: hosts, origins, odd methods and addresses, headers, quiet logs."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from app.main import LARGEST_BODY
from chat.pages import RESUMES_BURST
from chat.tables import conversation
from core.db import metadata
from core.doors import Door
from core.troubles import troubles
from tests.chat.house import House, opened, shared
from tests.chat.people import Ada, Cora, Person
from tests.engines import RedisServer

CANARY = "canary-7f3a"


@pytest.fixture(scope="module")
async def house(
    tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path, redis_server: RedisServer
) -> AsyncIterator[House]:
    async with shared(tmp_path_factory.mktemp("edge"), _migrated_sqlite, redis_server.url()) as house:
        yield house


async def talk(house: House, *lines: str, body: str = "") -> bytes:
    """Send these lines as they are, and read all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.first.port)
    writer.write("\r\n".join([*lines, "Connection: close", "", body]).encode("latin-1"))
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer[9:12])


def host_of(house: House) -> str:
    return house.origin.removeprefix("http://")


async def test_our_host_in_any_case(house: House) -> None:
    port = house.first.port
    for host in (f"127.0.0.1:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
        assert status_of(await talk(house, "GET /resume HTTP/1.1", f"Host: {host}")) == 200


FOREIGN_HOSTS = [
    "evil.example",
    "127.0.0.1",
    "127.0.0.1:1",
    "",
    "localhost",
    "127.0.0.1:%d@evil.example",
    "evil.example:%d",
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_a_foreign_host(house: House, host: str) -> None:
    for path in ("/", "/resume", "/static/x", "/no/such/page"):
        named = host.replace("%d", str(house.first.port))
        assert status_of(await talk(house, f"GET {path} HTTP/1.1", f"Host: {named}")) == 400


async def test_no_host_or_two(house: House) -> None:
    ours = f"Host: {host_of(house)}"
    for path in ("/resume", "/healthz"):
        assert status_of(await talk(house, f"GET {path} HTTP/1.1")) == 400
        assert status_of(await talk(house, f"GET {path} HTTP/1.1", ours, ours)) == 400
        assert status_of(await talk(house, f"GET {path} HTTP/1.1", ours, "Host: evil.example")) == 400


async def test_health_is_asked_for_by_any_name(house: House) -> None:
    for path in ("/healthz", "/readyz"):
        assert status_of(await talk(house, f"GET {path} HTTP/1.1", "Host: 10.0.0.7:9000")) == 200


FOREIGN_FORMS: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://127.0.0.1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "OURS", "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN_FORMS, ids=str)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_form_of_another_site(house: House, headers: dict[str, str], method: str) -> None:
    """Refused before its body is read, even with a good token, on any path; and counted."""
    before = troubles.counts["foreign_origin"]
    async with Ada(house) as ada:
        await ada.ask()
        token = await ada.form_token()
        del ada.http.headers["Origin"]
        given = {name: value.replace("OURS", house.origin) for name, value in headers.items()}
        for path in ("/chat/messages", "/chat/leave", "/no/such/page", "/guidance/x/helpful"):
            answer = await ada.http.request(method, path, data={"csrf_token": token, "text": "Hello"}, headers=given)
            assert answer.status_code == 403
            # Her cookies do not come with such a form: it must not replace them.
            assert "set-cookie" not in answer.headers
        assert len(await ada.log()) == 2
    assert troubles.counts["foreign_origin"] == before + 4


async def test_whoever_meets_a_proxy_that_changes_the_origin_is_told_what_to_do(house: House) -> None:
    async with Ada(house) as ada:
        await ada.ask()
        headers = {"Origin": "https://proxy.example"}
        page = await ada.http.post("/chat/messages", data={"text": "Hello"}, headers=headers)
        assert page.headers["content-type"].startswith("text/html")
        assert "copy what you typed" in page.text
        assert "Origin header" in page.text
        answer = await ada.http.post("/chat/messages", json={"text": "Hello"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


async def test_what_is_too_much_is_answered_with_what_to_do(house: House) -> None:
    """By its length as announced, and by what comes without one."""
    too_much = b"text=" + b"x" * LARGEST_BODY

    async def in_pieces() -> AsyncIterator[bytes]:
        yield too_much

    async with Ada(house) as ada:
        await ada.ask()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        for content in (too_much, in_pieces()):
            page = await ada.http.post("/chat/messages", content=content, headers=headers)
            assert page.status_code == 413
            assert "send less" in page.text
        answer = await ada.http.post("/chat/messages", content=too_much, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_long")


async def test_two_origins(house: House) -> None:
    async with Ada(house) as ada:
        await ada.ask()
        form = f"csrf_token={await ada.form_token()}&text=Hello"
        answer = await talk(
            house,
            "POST /chat/messages HTTP/1.1",
            f"Host: {host_of(house)}",
            "Origin: https://evil.example",
            f"Origin: {house.origin}",
            f"Cookie: {ada.cookies}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(form)}",
            body=form,
        )
        assert status_of(answer) == 403


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}], ids=str)
async def test_without_an_origin_the_token_decides(house: House, headers: dict[str, str]) -> None:
    async with Ada(house) as ada:
        await ada.ask()
        token = await ada.form_token()
        del ada.http.headers["Origin"]
        good = await ada.http.post("/chat/messages", data={"csrf_token": token, "text": "Hello"}, headers=headers)
        bad = await ada.http.post("/chat/messages", data={"csrf_token": "x", "text": "Hello"}, headers=headers)
        assert (good.status_code, bad.status_code) == (303, 403)


NUMBERS = itertools.count()
MOST_TRIES = int(3 * RESUMES_BURST)
"""More than any address is given, also on a machine that takes half a second for each."""


async def test_forged_forwarding_is_ignored(house: House) -> None:
    """It opens no metrics, changes no address and no scheme, and does not get around a limit by address."""
    forged = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
    }
    async with Person(house) as stranger:
        page = await stranger.http.get("/resume", headers=forged)
        assert "evil.example" not in page.text
        assert "secure" not in page.headers["set-cookie"].lower()
        assert (await stranger.http.get("/metrics")).status_code == 200
        assert (await stranger.http.get("/metrics", headers=forged)).status_code == 404
        assert await tries_until_refused(stranger, lambda number: f"203.0.113.{number % 256}") < MOST_TRIES


async def test_a_trusted_proxy_tells_who_asks(tmp_path: Path, database_url: str, redis_url: str) -> None:
    """Each address has its limit for itself. What a visitor put before the proxy's word is not believed."""
    trusting = {"TRUSTED_PROXIES": "127.0.0.1"}
    async with (
        opened(tmp_path, database_url, redis_url, environment=trusting) as house,
        Person(house) as stranger,
        Ada(house) as ada,
    ):
        assert await tries_until_refused(stranger, lambda _: "203.0.113.1") < MOST_TRIES
        few = RESUMES_BURST / 2
        assert await tries_until_refused(stranger, lambda number: f"198.51.100.{number % 256}, 203.0.113.1") < few
        assert await tries_until_refused(stranger, lambda _: "203.0.113.2") > few
        await ada.ask()
        async with ada.line() as line:
            assert (await line.hello())["you"]["kind"] == "visitor"


async def tries_until_refused(stranger: Person, forwarded: Callable[[int], str]) -> int:
    """How many codes could be tried from one address before its limit; `MOST_TRIES` where there was none.

    Each reference may be tried once by everybody, which is another limit.
    """
    token = await stranger.form_token()
    for number in range(MOST_TRIES):
        fields = {"csrf_token": token, "reference": f"0000-{next(NUMBERS):04}", "resume_code": "0" * 20}
        headers = {"X-Forwarded-For": forwarded(number)}
        if (await stranger.http.post("/resume", data=fields, headers=headers)).status_code == 429:
            return number
    return MOST_TRIES


def paths(house: House) -> list[str]:
    """Every path of the route table, with something in each of its blanks."""
    doors: list[Door] = house.first.service.doors
    return sorted({re.sub(r"\{\w+\}", "QK7F-4PDX", door.path) for door in doors} | {"/chat/socket", "/no/such/page"})


async def counts(house: House) -> dict[str, int]:
    async with house.database.read() as connection:
        return {
            name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for name, table in metadata.tables.items()
            if name != "setting"
        }


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE"])
async def test_other_methods_change_nothing(house: House, method: str) -> None:
    async with Person(house) as stranger, Ada(house) as ada, await Cora.hired(house) as cora:
        await cora.take(await ada.ask())
        before, log = await counts(house), await ada.log()
        for path in paths(house):
            for person in (stranger, ada, cora):
                answer = await person.http.request(method, path.replace("QK7F-4PDX", ada.reference))
                if method == "HEAD":
                    assert answer.status_code < 500, path
                    assert answer.content == b""
                else:
                    assert answer.status_code in (403, 404, 405), path
        assert (await counts(house), await ada.log()) == (before, log)


@pytest.mark.parametrize("method", ["BREW", "get", "CONNECT", "G\u00cbT"])
async def test_an_unknown_method(house: House, method: str) -> None:
    answer = await talk(house, f"{method} /resume HTTP/1.1", f"Host: {host_of(house)}")
    assert answer == b"" or status_of(answer) in (400, 404, 405)


ODD = [
    "%ff",
    "%00",
    "%c3%28",
    "%ed%a0%80",
    "..%2f..%2fetc%2fpasswd",
    "%0d%0aX-Evil:%201",
    "x" * 5_000,
    "{{7*7}}",
    "%F0%9F%98%80",
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
async def test_odd_addresses(house: House, odd: str) -> None:
    """Never a 500, never a header of somebody else's making."""
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await ada.ask()
        for path in paths(house):
            if path in ("/chat/events", "/desk/events"):
                continue
            for person in (ada, cora):
                target = (
                    path.replace("QK7F-4PDX", odd) + f"?q={odd}&after={odd}&wait=0&version={odd}&next={odd}&said={odd}"
                )
                answer = await talk(
                    house, f"GET {target} HTTP/1.1", f"Host: {host_of(house)}", f"Cookie: {person.cookies}"
                )
                assert status_of(answer) < 500, (path, odd)
                assert b"\r\nX-Evil" not in answer
                assert b"root:x:0" not in answer


HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


async def test_every_answer_carries_the_security_headers(house: House) -> None:
    """Pages, errors, files, streams, what is refused at the edge, and what crashed."""
    async with Person(house) as stranger, Ada(house) as ada, await Cora.hired(house) as cora:
        await cora.take(await ada.ask())
        answers = [await stranger.http.get("/resume", headers={"Host": "evil.example"})]
        answers.append(await stranger.http.post("/chat/leave", headers={"Origin": "null"}))
        answers.append(await ada.http.post("/chat/messages", data={"text": "x"}))
        found = re.search(r'href="(/static/[^"]+\.css)"', (await stranger.http.get("/resume")).text)
        assert found is not None
        answers += [await stranger.http.get(path) for path in (found.group(1), "/static/none.js", "/no/such/page")]
        for path in paths(house):
            if path in ("/chat/events", "/desk/events"):
                answers.append(await ada.http.head(path))
                continue
            for person in (stranger, ada, cora):
                answers.append(await person.http.get(path.replace("QK7F-4PDX", ada.reference), params={"wait": 0}))
        for answer in answers:
            assert HEADERS.items() <= dict(answer.headers).items(), answer.url
            policy = dict(
                part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";")
            )
            assert policy["default-src"] == "'none'"
            assert policy["script-src"] == policy["style-src"] == "'self'"
            assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert "camera=()" in answer.headers["permissions-policy"]
            assert "server" not in answer.headers
            assert "strict-transport-security" not in answer.headers


async def test_no_page_asks_another_host_or_runs_inline(house: House) -> None:
    async with Person(house) as stranger, Ada(house) as ada, await Cora.hired(house) as cora:
        await cora.take(await ada.ask())
        for person in (stranger, ada, cora):
            for path in paths(house):
                if path.endswith(("/events", "/poll", ".pdf", "/metrics")):
                    continue
                answer = await person.http.get(path.replace("QK7F-4PDX", ada.reference))
                if not answer.headers.get("content-type", "text/html").startswith("text/html"):
                    continue
                page = answer.text
                assert not re.search(r'<[^>]+\s(?:src|action)="(?:https?:)?//', page), path
                assert not re.search(r'<link[^>]+href="(?:https?:)?//', page), path
                assert not re.search(r"<[^>]+\s(?:style|on[a-z]+)=", page), path
                assert not re.search(r"<script(?![^>]*\ssrc=)", page), path


@pytest.mark.usefixtures("no_litter")
async def test_a_crash_is_one_calm_page_and_one_quiet_line(
    house: House, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong, nothing that anybody wrote, and no token or code, is logged or shown."""
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await ada.ask(question=f"What do I do about {CANARY} today?", nickname=CANARY)
        await cora.take(ada.reference)
        async with ada.line() as line:
            await line.hello()
            await line.say(ada.reference, f"{CANARY} said")
            await line.send_raw(f'{{"type": "{CANARY}"}}')
            await line.send_raw(f"{CANARY} " + json.dumps({"type": "say"}))
            await line.expect("error")
        await ada.post("/chat/messages", {"text": f"{CANARY} " * 500})
        await ada.post("/resume", {"reference": CANARY, "resume_code": CANARY})
        await ada.http.get(f"/chat/poll?after={CANARY}&wait=0")
        await ada.http.get(f"/{CANARY}?{CANARY}={CANARY}")
        async with house.database.write() as connection:
            mine = conversation.c.reference == ada.reference
            await connection.execute(update(conversation).where(mine).values(wrapped_key=b"another key" * 6))
        crashed = await ada.http.get("/chat")
        assert crashed.status_code == 500
        assert "Something went wrong on our side" in crashed.text
        reference = re.search(r"reference ([0-9a-f]{8})", crashed.text)
        assert reference is not None
        answer = await ada.http.get("/chat/poll", headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        with pytest.raises(AssertionError):
            async with ada.line() as line:
                assert await line.closed() == 4105
        async with house.database.write() as connection:
            await connection.execute(update(conversation).where(mine).values(wrapped_key=None))
        output = "".join(capfd.readouterr()) + caplog.text
        assert f"reference={reference.group(1)}" in output
        assert "CannotOpen" in output
        for secret in (CANARY, *(cookie.value or "" for cookie in ada.http.cookies.jar)):
            assert secret not in output
        assert "Traceback" not in output
