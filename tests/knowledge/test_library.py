"""Following what is published, in every process, and counting what is used."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from core.ending import end_all
from knowledge import library as library_module
from knowledge.articles import publish
from knowledge.library import FOLLOW_S, MOST_NOTES, Library
from knowledge.tables import article_use, synonym
from knowledge.vocabulary import SEED
from knowledge.words import FOR_ANYONE, Freshness, Status, Use
from tests.knowledge.house import House, a_text
from tests.waiting import until


@asynccontextmanager
async def running(library: Library) -> AsyncIterator[None]:
    task = asyncio.create_task(library.run())
    try:
        yield
    finally:
        await end_all([task])


async def test_what_is_published_is_found_by_another_process_within_a_second(house: House) -> None:
    """No hint arrives: the poll alone must do it. What a slow machine adds is not counted here."""
    assert FOLLOW_S < 1
    await house.publish("clares-law")
    other = house.another_library()
    async with running(other):
        await until(lambda: other.search("clare", FOR_ANYONE).total == 1)
        await house.publish("marac", title="Referring to MARAC", markdown="Meetings.")
        await until(lambda: other.search("marac", FOR_ANYONE).total == 1)
        await house.withdraw("clares-law", "Wrong.")
        await until(lambda: other.search("clare", FOR_ANYONE).total == 0)


async def test_an_announcement_is_taken_up_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else could be the cause: the library does not look by itself."""
    monkeypatch.setattr(library_module, "FOLLOW_S", 3_600)
    library = house.another_library()
    async with running(library):
        await until(lambda: library.counter == 0)
        await house.draft("clares-law", a_text())
        async with house.db.write() as connection:
            counter = await publish(connection, house.audit, "clares-law", 1, "eve", house.clock())
        library.announce(counter)
        await until(lambda: library.counter == counter)


async def test_an_unchanged_counter_costs_no_new_index(house: House) -> None:
    await house.publish("clares-law")
    before = house.library.index.snapshot
    assert not await house.library.refresh()
    assert house.library.index.snapshot is before


async def test_a_new_version_replaces_the_old_one_in_the_index(house: House) -> None:
    await house.publish("clares-law", markdown="The word is Xylophone.")
    await house.publish("clares-law", markdown="The word is Zanzibar.")
    assert house.library.search("xylophone", FOR_ANYONE).total == 0
    hits = house.library.search("zanzibar", FOR_ANYONE).hits
    assert [(hit.card.slug, hit.card.version) for hit in hits] == [("clares-law", 2)]


async def test_a_draft_is_not_found(house: House) -> None:
    await house.publish("clares-law", markdown="The word is Xylophone.")
    await house.draft("clares-law", a_text(markdown="The word is Zanzibar."))
    await house.draft("other", a_text(markdown="The word is Zanzibar."))
    await house.library.refresh()
    assert house.library.search("zanzibar", FOR_ANYONE).total == 0
    assert house.library.search("xylophone", FOR_ANYONE).total == 1


async def test_uses_decide_what_is_most_read(house: House) -> None:
    for slug in ("one", "two", "three"):
        await house.publish(slug, title=slug)
    card = house.library.card("two", FOR_ANYONE)
    assert card is not None
    async with house.db.write() as connection:
        await house.library.record_use(connection, card.article_id, card.version, Use.SHARED, None)
    assert (await house.library.most_read(FOR_ANYONE, 2))[0].slug == "two"


async def test_openings_are_written_and_a_flood_of_them_is_not(house: House) -> None:
    await house.publish("clares-law")
    card = house.library.card("clares-law", FOR_ANYONE)
    assert card is not None
    for _ in range(MOST_NOTES + 50):
        house.library.note_opened(card.article_id, card.version)
    async with running(house.library):

        async def written() -> bool:
            return await house.count(article_use) == MOST_NOTES

        await until(written)
    await house.library.write_notes()
    assert await house.count(article_use) == MOST_NOTES


async def test_the_first_import_brings_the_synonyms(house: House) -> None:
    await house.import_samples()
    assert await house.count(synonym) == len(SEED)


async def test_topics_count_what_readers_may_see_and_what_is_due(house: House) -> None:
    await house.publish("one", tags=("multi_agency", "police"))
    await house.publish("two", tags=("multi_agency",), review_by=house.clock().date())
    await house.publish("three", tags=("multi_agency",))
    await house.withdraw("three", "Wrong.")
    topics = [(topic.slug, topic.count, topic.due) for topic in house.library.topics(FOR_ANYONE)]
    assert topics == [("multi_agency", 2, 1), ("police", 1, 0)]
    assert house.library.cards(FOR_ANYONE)[-1].status is Status.WITHDRAWN


@pytest.mark.parametrize(("days", "freshness"), [(-1, Freshness.CURRENT), (0, Freshness.DUE), (1, Freshness.DUE)])
async def test_a_review_is_due_on_its_day(house: House, days: int, freshness: Freshness) -> None:
    await house.publish("clares-law", review_by=house.clock().date())
    house.clock.go_on(days=days)
    card = house.library.card("clares-law", FOR_ANYONE)
    assert card is not None
    assert card.freshness_on(house.library.today()) is freshness


async def test_the_day_is_londons(house: House) -> None:
    house.clock.now = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert house.library.today().day == 2
