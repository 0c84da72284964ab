"""Ready answers: the same bytes and headers as from the page itself, for as long as the page says so, and for nobody else."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from core import ready
from core.ready import ReadyAnswers, keep_while

TEXT = "One page for everybody. " * 100
BASE = "http://house"


class Page:
    """A page that counts how often it is made."""

    def __init__(self) -> None:
        self.made = 0
        self.holds = True
        self.of_edge = "1"

    async def show(self, request: Request) -> Response:
        self.made += 1
        keep_while(request, lambda: self.holds)
        headers = {"ETag": f'"{self.made}"', "Vary": "Cookie", "X-Of-Edge": self.of_edge}
        return HTMLResponse(f"{TEXT}{self.made}", headers=headers)

    async def missing(self, request: Request) -> Response:
        self.made += 1
        keep_while(request, lambda: True)
        return HTMLResponse("Nothing", 404)


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
async def ada(page: Page, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    # A second may be over before the second reader comes.
    monkeypatch.setattr(ready, "KEPT_S", 60.0)
    app = Starlette(routes=[Route("/", page.show), Route("/missing", page.missing)])
    door = httpx.ASGITransport(ReadyAnswers(app, frozenset({"house"})))
    async with httpx.AsyncClient(transport=door, base_url=BASE, headers={"Accept-Encoding": "identity"}) as client:
        yield client


async def test_the_second_reader_gets_the_same(ada: httpx.AsyncClient, page: Page) -> None:
    first, second = await ada.get("/"), await ada.get("/")
    assert (page.made, second.text) == (1, first.text)
    assert second.headers["x-of-edge"] == "1"
    assert second.headers["vary"] == "Accept-Encoding, Cookie"


async def test_made_anew_when_it_no_longer_holds(ada: httpx.AsyncClient, page: Page) -> None:
    await ada.get("/")
    page.holds = False
    assert (await ada.get("/")).text.endswith("2")


async def test_made_anew_after_a_second_whatever_it_says(
    ada: httpx.AsyncClient, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "KEPT_S", -1.0)
    await ada.get("/")
    assert (await ada.get("/")).text.endswith("2")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/?from=somewhere", {}),
        ("/", {"Cookie": "a=b; session=x"}),
        ("/", {"Cookie": "__Host-session=x"}),
        ("/", {"Cookie": "visitor=x"}),
        ("/", {"Referer": f"{BASE}/guidance?q=anger"}),
        ("/", {"Host": "elsewhere"}),
    ],
)
async def test_who_passes_by(ada: httpx.AsyncClient, page: Page, path: str, headers: dict[str, str]) -> None:
    await ada.get("/")
    answer = await ada.get(path, headers=headers)
    assert (page.made, answer.text[-1]) == (2, "2")
    assert (await ada.get("/")).text.endswith("1")


async def test_a_browser_that_has_it_is_told_so(ada: httpx.AsyncClient, page: Page) -> None:
    etag = (await ada.get("/")).headers["etag"]
    for known in (etag, f'W/"0", {etag}', f"W/{etag}", "*"):
        answer = await ada.get("/", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert "content-length" not in answer.headers
    assert (await ada.get("/", headers={"If-None-Match": '"0"'})).status_code == 200
    assert page.made == 1


async def test_headers_that_changed_are_sent_again(ada: httpx.AsyncClient, page: Page) -> None:
    """A browser keeps them with the page, so that a 304 would leave it with those of before."""
    etag = (await ada.get("/")).headers["etag"]
    page.holds, page.made, page.of_edge = False, 0, "2"
    answer = await ada.get("/", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.headers["x-of-edge"]) == (200, "2")


async def test_compressed_for_who_takes_it(ada: httpx.AsyncClient, page: Page) -> None:
    plain, zipped = await ada.get("/"), await ada.get("/", headers={"Accept-Encoding": "br, gzip"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert int(zipped.headers["content-length"]) < len(gzip.compress(zipped.content)) + 50
    assert zipped.text == plain.text
    assert zipped.headers["etag"] != plain.headers["etag"]
    for mine in (plain.headers["etag"], zipped.headers["etag"]):
        known = await ada.get("/", headers={"Accept-Encoding": "gzip", "If-None-Match": mine})
        assert (known.status_code, known.headers["etag"]) == (304, mine)
    for never in ("gzip;q=0", "gzip; q=0"):
        assert "content-encoding" not in (await ada.get("/", headers={"Accept-Encoding": never})).headers


async def test_a_refusal_is_not_kept(ada: httpx.AsyncClient, page: Page) -> None:
    assert (await ada.get("/missing")).status_code == 404
    assert (await ada.get("/missing")).status_code == 404
    assert page.made == 2


async def test_head_is_answered_and_not_kept_as_the_page(ada: httpx.AsyncClient, page: Page) -> None:
    asked = await ada.head("/")
    kept = await ada.get("/")
    assert (asked.status_code, kept.text[:8], page.made) == (200, "One page", 2)
    again = await ada.head("/")
    assert (again.headers["content-length"], again.headers["etag"], page.made) == (
        kept.headers["content-length"],
        kept.headers["etag"],
        2,
    )
