"""A long log is shown a stretch at a time, on both sides, and its pages cost the same however long it is."""

import asyncio
import re

import pytest

from chat import pages
from chat.log import PAGE
from tests.chat.house import House
from tests.chat.people import Ada, Cora, Person

SEQ = re.compile(r'data-kind="\w+" data-seq="(\d+)"')
EARLIER = re.compile(r'href="[^"]*\?before=(\d+)"')
SAID = 230
TOGETHER = 10
BEFORE = 3
"""The question, the line, the advisor."""


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said in half an hour is said at once here."""
    monkeypatch.setattr(pages, "MESSAGES_BURST", 10_000.0)


async def talk(ada: Ada, count: int) -> None:
    """So many messages, a few at a time."""
    for first in range(0, count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, count))
        answers = await asyncio.gather(*(ada.say(f"Thought {number}.") for number in numbers))
        assert {answer.status_code for answer in answers} == {201}


def shown(page: str) -> list[int]:
    return [int(seq) for seq in SEQ.findall(page)]


async def test_each_page_shows_a_stretch(house: House) -> None:
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await cora.take(await ada.ask())
        await talk(ada, SAID)
        top = SAID + BEFORE
        for person, path in ((ada, "/chat"), (cora, cora.path(ada.reference))):
            page = (await person.http.get(path)).text
            assert shown(page) == list(range(top - PAGE + 1, top + 1))
            assert EARLIER.findall(page) == [str(top - PAGE + 1)]
            before = (await person.http.get(path, params={"before": top - PAGE + 1})).text
            assert shown(before) == list(range(1, top - PAGE + 1))
            assert EARLIER.findall(before) == []
        assert "With Cora" in (await ada.http.get("/chat")).text
        framed = (await ada.http.get("/chat", params={"part": "log"})).text
        assert shown(framed) == list(range(top - PAGE + 1, top + 1))
        await cora.end(ada.reference)
        over = (await cora.http.get(cora.path(ada.reference))).text
        assert shown(over) == list(range(top - PAGE + 2, top + 2))


async def test_what_is_earlier_is_kept_in_mind(house: House) -> None:
    """Notes and what was given already count, though the page does not show those entries any more."""
    async with Ada(house) as ada, await Cora.hired(house) as cora:
        await cora.take(await ada.ask())
        await cora.note(ada.reference, "Sees him on Thursday.")
        await talk(ada, PAGE)
        page = (await cora.http.get(cora.path(ada.reference))).text
        assert 'notes__text" data-slot="text">Sees him on Thursday.<' in page


@pytest.mark.parametrize("before", ["", "x", "-1", "0", "1e3", "9" * 30, "\u0661"])
async def test_what_is_no_number_asks_for_the_newest(ada: Ada, before: str) -> None:
    answer = await ada.http.get("/chat", params={"before": before})
    assert answer.status_code == 200
    assert "You are in the line" in answer.text


async def test_beyond_either_end(one_house: House, ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    for path, person in (("/chat", ada), (cora.path(ada.reference), cora)):
        assert shown((await person.http.get(path, params={"before": 1})).text) == []
        assert shown((await person.http.get(path, params={"before": 10_000})).text) == [1, 2, 3]


async def test_notes_stay_hidden_in_every_stretch(one_house: House, ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    await cora.note(ada.reference, "Sees him on Thursday.")
    for query in ({"before": "10"}, {"part": "log"}):
        assert "Thursday" not in (await ada.http.get("/chat", params=query)).text
    assert "Thursday" in (await cora.http.get(cora.path(ada.reference), params={"before": "10"})).text


async def test_strangers_see_no_stretch(one_house: House, ada: Ada, cora: Cora) -> None:
    async with Person(one_house) as stranger, await Cora.hired(one_house, "Dev") as dev:
        await cora.take(ada.reference)
        for query in ({"before": "10"}, {"part": "log"}):
            assert (await stranger.http.get("/chat", params=query)).headers["location"] == "/resume"
            assert (await dev.http.get(cora.path(ada.reference), params=query)).status_code == 404


async def test_only_our_own_page_shows_the_frame(one_house: House, ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    policies = {
        path: (await ada.http.get(path)).headers.get_list("content-security-policy")
        for path in ("/chat", "/chat?part=log", "/chat?before=2", "/chat/transcript")
    }
    assert all(len(policy) == 1 for policy in policies.values())
    for path, (policy,) in policies.items():
        framed_by = "'self'" if path == "/chat?part=log" else "'none'"
        assert f"frame-ancestors {framed_by};" in policy
        assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
