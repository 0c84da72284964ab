"""The Atom feed: valid, absolute, lasting, and public only, whoever asks."""

from datetime import datetime
from typing import Any
from xml.etree import ElementTree as Xml

from core.people import SignedIn
from knowledge.words import Audience, Language
from tests.knowledge.house import ORIGIN, House, a_text

ATOM = "{http://www.w3.org/2005/Atom}"


async def read(person: Any) -> tuple[Any, dict[str, Any]]:
    answer = await person.get("/guidance/feed.atom")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/atom+xml"
    feed = Xml.fromstring(answer.content)
    for element in (feed, *feed.iter(f"{ATOM}entry")):
        # What RFC 4287 asks of each: one id, one title, one moment with a zone.
        assert [len(element.findall(f"{ATOM}{name}")) for name in ("id", "title", "updated")] == [1, 1, 1]
        assert str(element.findtext(f"{ATOM}id")).startswith("urn:uuid:")
        assert datetime.fromisoformat(str(element.findtext(f"{ATOM}updated"))).tzinfo is not None
        for link in element.findall(f"{ATOM}link"):
            assert link.attrib["href"].startswith(f"{ORIGIN}/guidance")
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Dutyline"
    return feed, {str(entry.findtext(f"{ATOM}title")): entry for entry in feed.iter(f"{ATOM}entry")}


async def test_an_empty_feed_is_one(house: House) -> None:
    feed, entries = await read(house.stranger())
    assert (feed.tag, entries) == (f"{ATOM}feed", {})


async def test_changes_are_entries_and_a_withdrawal_is_a_change(house: House) -> None:
    await house.publish("law", title="Law <&> \x0b\ufffe order", summary="First.")
    _, first = await read(house.stranger())
    assert first["Law <&>  order"].findtext(f"{ATOM}summary") == "New. First."
    house.clock.go_on(hours=1)
    await house.publish("cyfraith", title="Cyfraith", language=Language.WELSH, translation_of="law")
    house.clock.go_on(hours=1)
    await house.publish("law", title="Law", summary="Second.")
    feed, entries = await read(house.stranger())
    assert list(entries) == ["Law", "Cyfraith"], "the newest first, each article once"
    assert entries["Law"].findtext(f"{ATOM}summary") == "Changed: version 2. Second."
    assert entries["Cyfraith"].attrib["{http://www.w3.org/XML/1998/namespace}lang"] == "cy"
    lasting = entries["Law"].findtext(f"{ATOM}id")
    assert lasting == next(iter(first.values())).findtext(f"{ATOM}id")
    assert feed.findtext(f"{ATOM}updated") == "2026-11-23T14:00:00Z"
    house.clock.go_on(hours=1)
    await house.withdraw("law", "It changed, see <b>Order</b>.")
    feed, entries = await read(house.stranger())
    withdrawn = entries["Withdrawn: Law"]
    assert withdrawn.findtext(f"{ATOM}summary") == "Withdrawn: do not use. It changed, see <b>Order</b>."
    assert (withdrawn.findtext(f"{ATOM}id"), feed.findtext(f"{ATOM}updated")) == (lasting, "2026-11-23T15:00:00Z")
    await house.draft("draft", a_text(title="Draft"))
    assert list((await read(house.stranger()))[1]) == ["Withdrawn: Law", "Cyfraith"]


async def test_the_feed_is_public_only_and_kept(house: House, cora: SignedIn) -> None:
    await house.publish("open", title="Open")
    await house.publish("after", title="After", audience=Audience.AFTER_ENQUIRY)
    await house.publish("guarded", title="Guarded", audience=Audience.ADVISORS)
    for person in (house.signed_in(cora), house.ada(), house.stranger()):
        assert list((await read(person))[1]) == ["Open"]
    first = await house.stranger().get("/guidance/feed.atom")
    assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    again = await house.stranger().get("/guidance/feed.atom", if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    await house.publish("open", title="Guarded now", audience=Audience.ADVISORS)
    changed = await house.stranger().get("/guidance/feed.atom", if_none_match=first.headers["etag"])
    assert (changed.status_code, b"Guarded" in changed.content, b"Open" in changed.content) == (200, False, False)
    assert '/guidance/feed.atom"' in (await house.stranger().get("/guidance")).text
