"""Hostile bodies: each is a refusal with its status and words, never a failure of ours."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.forms import MOST_FIELDS, field, fields, read_form, read_json

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
PARTS = {"Content-Type": "multipart/form-data; boundary=x"}


def part(text: str | bytes, name: bytes = b"text") -> bytes:
    body = text if isinstance(text, bytes) else text.encode()
    return b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name, body)


async def show_form(request: Request) -> Response:
    form = await read_form(request)
    return JSONResponse({"text": field(form, "text"), "all": fields(form, "text"), "nul": sorted(form.unstorable)})


async def show_json(request: Request) -> Response:
    return JSONResponse(await read_json(request))


async def say(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    return PlainTextResponse(problem.detail, problem.status_code)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(
        routes=[Route("/form", show_form, methods=["POST"]), Route("/json", show_json, methods=["POST"])],
        exception_handlers={HTTPException: say},
        max_body_size=2_000_000,
    )
    # What our code does not catch is raised here, and fails the test.
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


async def test_form_is_read(client: httpx.AsyncClient) -> None:
    response = await client.post("/form", content="text=one&text=tw%C3%B4+2&other=", headers=FORM)
    assert response.json() == {"text": "twô 2", "all": ["one", "twô 2"], "nul": []}


async def test_form_of_parts_is_read(client: httpx.AsyncClient) -> None:
    body = part("one") + part("tw\u00f4 2") + b"--x--\r\n"
    response = await client.post("/form", content=body, headers=PARTS)
    assert response.json() == {"text": "twô 2", "all": ["one", "twô 2"], "nul": []}


async def test_no_part_at_all_is_an_empty_form(client: httpx.AsyncClient) -> None:
    assert (await client.post("/form", content=b"--x--\r\n", headers=PARTS)).json()["all"] == []


@pytest.mark.parametrize("kept_off", [1, 5, 8, 14, 60])
async def test_form_of_parts_that_is_cut_is_refused(client: httpx.AsyncClient, kept_off: int) -> None:
    """Wherever it was cut: what its last field was to say is not known."""
    whole = part("one") + part("two") + b"--x--"
    assert (await client.post("/form", content=whole, headers=PARTS)).status_code == 200
    assert (await client.post("/form", content=whole[:-kept_off], headers=PARTS)).status_code == 400


async def test_a_nul_is_taken_out_and_told(client: httpx.AsyncClient) -> None:
    for body, headers in ((b"text=zero%00byte&other=1", FORM), (part("zero\0byte") + b"--x--", PARTS)):
        response = await client.post("/form", content=body, headers=headers)
        assert response.json() == {"text": "zerobyte", "all": ["zerobyte"], "nul": ["text"]}


async def test_no_form_is_an_empty_form(client: httpx.AsyncClient) -> None:
    assert (await client.post("/form")).json() == {"text": "", "all": [], "nul": []}


async def test_file_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/form", data={"text": "one"}, files={"text": b"x" * 100_000})).status_code == 400


HOSTILE_FORMS = [
    (b"text=one", {"Content-Type": "text/plain"}, 415),
    (b"text=one", {"Content-Type": "application/xml; charset=utf-8"}, 415),
    (b"text=one", {}, 415),
    (b'{"text": "one"}', JSON, 415),
    (b"text=%ff%fe", FORM, 400),
    (b"text=\xff\xfe", FORM, 400),
    (b"text=%ED%A0%80", FORM, 400),
    (b"&".join([b"text=x"] * (MOST_FIELDS + 1)), FORM, 400),
    (b"text=" + b"x" * 1_000_001, FORM, 400),
    (b"text=" + b"x" * 2_000_001, FORM, 413),
    (part(b"latin \xe9\xff end") + b"--x--", PARTS, 400),
    (part(b"\xed\xa0\x80") + b"--x--", PARTS, 400),
    (part(b"latin \xe9") + b"--x--", {"Content-Type": "multipart/form-data; boundary=x; charset=latin-1"}, 400),
    (part("one", b"\xe9") + b"--x--", PARTS, 400),
    (b"", PARTS, 400),
    (b"nothing", {"Content-Type": "multipart/form-data"}, 400),
    (b"garbage \x00\xff", {"Content-Type": "multipart/form-data; boundary=x"}, 400),
    (
        b"--x\r\nContent-Disposition: form-data\r\n\r\none\r\n--x--\r\n",
        {"Content-Type": "multipart/form-data; boundary=x"},
        400,
    ),
]


@pytest.mark.parametrize(("body", "headers", "status"), HOSTILE_FORMS, ids=range(len(HOSTILE_FORMS)))
async def test_hostile_form_is_refused(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    response = await client.post("/form", content=body, headers=headers)
    assert response.status_code == status
    assert response.text


HOSTILE_JSON = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"1",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"x": ' + b"9" * 5_000 + b"}",
    b'{"x": "\xff\xfe"}',
    b'{"x": NaN}',
    b'{"x": 1e999999}',
    b"\xef\xbb\xbf{}",
    b'{"x": 1}{"y": 2}',
    b"{'x': 1}",
    b'{"x": "\\u00"}',
]


@pytest.mark.parametrize("body", HOSTILE_JSON, ids=range(len(HOSTILE_JSON)))
async def test_hostile_json_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/json", content=body, headers=JSON)
    assert (response.status_code, response.text) == (400, "invalid_json")


async def test_json_is_read(client: httpx.AsyncClient) -> None:
    document = {"id": "x", "text": "tw\u00f4 \U0001f600", "confirm": True, "deep": [[[]]]}
    assert (await client.post("/json", json=document)).json() == document
