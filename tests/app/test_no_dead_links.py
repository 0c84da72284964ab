"""Every link leads somewhere and every form has a door that opens for who sees it.

Each person walks all pages that they can reach by links. A form is tried without its token: a door that is there, and is
this person's, says that only the token is missing; nothing is changed.
"""

from collections import deque
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from tests.app.people import Person
from tests.forks import ROOT
from tests.live import LiveService

GUIDANCE = len(list((ROOT / "guidance").glob("*.md")))
AS_JSON = {"Accept": "application/json"}
UNHURRIED = {"RATE_LIMITS": "off"}
"""Nobody is slowed down for looking at everything."""


class Links(HTMLParser):
    """What a page offers: addresses to look at, forms to send, places within it."""

    def __init__(self, page: str, text: str) -> None:
        super().__init__()
        self.page = page
        self.links: set[str] = set()
        self.forms: set[str] = set()
        self.places: set[str] = set()
        self._drawn_later = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._drawn_later += tag == "template"
        self.places.add(given.get("id", ""))
        if self._drawn_later:
            # A script fills in the addresses of what it clones.
            return
        for name in ("href", "src", "data-poll"):
            if name in given:
                self.links.add(urljoin(self.page, given[name]))
        if tag == "form":
            sent_to = urljoin(self.page, given.get("action", ""))
            (self.forms if given.get("method") == "post" else self.links).add(sent_to)
        for name in ("formaction", "data-send", "data-read", "data-typing", "data-opened"):
            if name in given:
                self.forms.add(urljoin(self.page, given[name]))

    def handle_endtag(self, tag: str) -> None:
        self._drawn_later -= tag == "template"


class Walk:
    """One person's walk through everything that links lead to."""

    def __init__(self, person: Person, *starts: str) -> None:
        self.person = person
        self.dead: list[str] = []
        self.pages: dict[str, Links] = {}
        self._ahead = deque((start, start) for start in starts)
        self._seen: set[str] = set()
        self._tried: set[str] = set()
        while self._ahead:
            self._visit(*self._ahead.popleft())
        for page in self.pages.values():
            self._check_places(page)

    def _visit(self, link: str, found_on: str) -> None:
        address, _ = urldefrag(link)
        if address in self._seen or not self._is_ours(address):
            return
        self._seen.add(address)
        answer = self.person.get(address)
        if answer.status_code in (302, 303):
            self._ahead.append((urljoin(address, answer.headers["location"]), found_on))
            return
        if answer.status_code != 200:
            self.dead.append(f"{found_on} links {address}: {answer.status_code}")
            return
        if answer.headers["content-type"].startswith("text/html"):
            page = self.pages[address] = Links(address, answer.text)
            self._ahead.extend((one, address) for one in sorted(page.links))
            for form in sorted(page.forms):
                self.send(form, address)

    def send(self, action: str, found_on: str) -> None:
        if action in self._tried:
            return
        self._tried.add(action)
        answer = self.person.post(action, headers=AS_JSON)
        is_open = answer.status_code == 403 and answer.json()["code"] == "csrf"
        # The forms of cached pages have no token: an empty one is refused as such.
        if not is_open and answer.status_code != 422:
            self.dead.append(f"{found_on} posts to {action}: {answer.status_code}")

    def _check_places(self, page: Links) -> None:
        for link in sorted(page.links):
            address, place = urldefrag(link)
            there = self.pages.get(address)
            if place and there is not None and place not in there.places:
                self.dead.append(f"{page.page} links {link}: no such place")

    def _is_ours(self, address: str) -> bool:
        parts = urlsplit(address)
        return parts.scheme == "" and parts.netloc == ""


@pytest.fixture(scope="module")
def service() -> Iterator[LiveService]:
    with TemporaryDirectory(prefix="dl-") as folder, LiveService(Path(folder), environment=UNHURRIED) as service:
        yield service


@pytest.fixture
def ada(service: LiveService) -> Iterator[Person]:
    with Person(service) as person:
        yield person


@pytest.fixture
def cora(service: LiveService) -> Iterator[Person]:
    with Person(service) as person:
        person.sign_in("advisor@example.org")
        yield person


def test_stranger(service: LiveService) -> None:
    with Person(service) as stranger:
        walk = Walk(stranger, "/", "/chat", "/desk")
    assert walk.dead == []
    assert len([page for page in walk.pages if page.startswith("/guidance/")]) >= GUIDANCE // 2
    assert {"/", "/ask", "/resume", "/sign-in?next=%2Fdesk", "/signpost/not_work_public"} <= set(walk.pages)


def test_visitor_who_waits(ada: Person) -> None:
    ada.ask()
    assert Walk(ada, "/chat").dead == []
    ada.post_form("/chat", "/chat/leave")
    assert Walk(ada, "/chat").dead == []


def test_visitor_and_advisor_who_talk(ada: Person, cora: Person) -> None:
    reference = ada.ask()
    workspace = f"/desk/conversations/{reference}"
    cora.take(reference)
    cora.at_conversation(reference, "messages", text="Good morning. What do you know about him so far?")
    cora.at_conversation(reference, "share", article="first-conversation")
    ada.post_form("/chat", "/chat/messages", text="That he has been on a course before.")
    talking = Walk(ada, "/chat"), Walk(cora, workspace, f"{workspace}?q=marac")
    assert [walk.dead for walk in talking] == [[], []]
    assert "/guidance/first-conversation?version=1" in talking[0].pages
    cora.at_conversation(reference, "end")
    over = Walk(ada, "/chat"), Walk(cora, "/desk", workspace, f"{workspace}/wrap-up")
    assert [walk.dead for walk in over] == [[], []]
    assert "/chat/transcript" in over[0].pages


def test_question_that_was_left(ada: Person, cora: Person) -> None:
    ada.ask()
    ada.post_form("/chat", "/chat/question")
    assert Walk(ada, "/chat").dead == []
    assert Walk(cora, "/desk").dead == []


@pytest.mark.parametrize(
    ("email", "reached", "closed"),
    [
        ("supervisor@example.org", "/desk", "/editor"),
        ("editor@example.org", "/editor/first-conversation/history", "/desk"),
        ("admin@example.org", "/account", "/editor"),
    ],
)
def test_staff(service: LiveService, email: str, reached: str, closed: str) -> None:
    with Person(service) as person:
        person.sign_in(email)
        walk = Walk(person, "/sign-in")
        assert person.get(closed).status_code == 403
    assert walk.dead == []
    assert reached in walk.pages


def test_walk_finds_what_is_dead(service: LiveService) -> None:
    with Person(service) as stranger:
        walk = Walk(stranger, "/nothing/here")
        walk.send("/guidance", "/")
        walk.send("/desk/next", "/")
    assert walk.dead == [
        "/nothing/here links /nothing/here: 404",
        "/ posts to /guidance: 405",
        "/ posts to /desk/next: 401",
    ]


def test_page_that_is_not_there_leads_back(service: LiveService) -> None:
    with Person(service) as stranger:
        answer = stranger.get("/nothing/here")
        assert answer.status_code == 404
        page = Links("/nothing/here", answer.text)
        assert "/" in page.links
        assert [one for one in page.links if one[0] == "/" and "#" not in one and stranger.get(one).is_error] == []
