"""Saving, publishing, withdrawing: nobody's text is lost, and readers change only when somebody says so."""

import asyncio

import pytest

from core.errors import NotFound
from core.people import SignedIn
from knowledge.articles import NothingToPublish, NotPublished, current_counter, publish, restore, withdraw
from knowledge.reading import read_article
from knowledge.tables import article, article_version
from knowledge.versions import NewVersion, SlugTaken, StaleEdit, create, history, read_version, save
from knowledge.words import FOR_ANYONE, FOR_STAFF, Audience, Status
from tests.knowledge.house import House, a_text


async def test_saving_keeps_every_version(house: House, eve: SignedIn) -> None:
    for number in range(3):
        await house.draft("clares-law", a_text(title=f"Title {number}"), eve.account_id)
    async with house.db.read() as connection:
        versions = await history(connection, "clares-law")
    assert [(one.version, one.text.title) for one in versions] == [(3, "Title 2"), (2, "Title 1"), (1, "Title 0")]


async def test_a_save_on_an_older_version_is_refused_and_changes_nothing(house: House) -> None:
    await house.draft("clares-law", a_text())
    await house.draft("clares-law", a_text(title="Eve's"))
    with pytest.raises(StaleEdit) as refused:
        async with house.db.write() as connection:
            await save(connection, NewVersion("clares-law", a_text(title="Ben's"), "", None, house.clock()), 1)
    assert refused.value.newest == 2
    assert await house.count(article_version) == 2


async def test_the_same_form_twice_is_one_version(house: House) -> None:
    await house.draft("clares-law", a_text())
    for _ in range(2):
        async with house.db.write() as connection:
            again = await save(connection, NewVersion("clares-law", a_text(title="New"), "", None, house.clock()), 1)
    assert (again.version, again.is_new) == (2, False)


async def test_of_two_saves_at_once_one_is_refused(house: House) -> None:
    await house.draft("clares-law", a_text())

    async def save_as(title: str) -> int:
        async with house.db.write() as connection:
            new = NewVersion("clares-law", a_text(title=title), "", None, house.clock())
            return (await save(connection, new, 1)).version

    results = await asyncio.gather(*(save_as(f"Title {n}") for n in range(6)), return_exceptions=True)
    assert [result for result in results if not isinstance(result, StaleEdit)] == [2]


async def test_of_two_articles_with_one_address_one_is_refused(house: House) -> None:
    async def make(title: str) -> object:
        async with house.db.write() as connection:
            return await create(connection, NewVersion("clares-law", a_text(title=title), "", None, house.clock()))

    results = await asyncio.gather(*(make(f"Title {n}") for n in range(4)), return_exceptions=True)
    assert sum(isinstance(result, SlugTaken) for result in results) == 3
    assert await house.count(article) == 1


async def test_publishing_shows_the_draft_and_counts_one(house: House) -> None:
    await house.publish("clares-law", title="First")
    await house.draft("clares-law", a_text(title="Second"))
    async with house.db.read() as connection:
        assert (await read_article(connection, "clares-law", FOR_ANYONE)).title == "First"
        before = await current_counter(connection)
    async with house.db.write() as connection:
        assert await publish(connection, house.audit, "clares-law", 2, "eve", house.clock()) == before + 1
    async with house.db.read() as connection:
        assert (await read_article(connection, "clares-law", FOR_ANYONE)).title == "Second"
        assert (await read_article(connection, "clares-law", FOR_ANYONE, version=1)).title == "First"
        assert await house.audit.first_bad_row(connection) is None


async def test_a_draft_that_nobody_looked_at_is_not_published(house: House) -> None:
    await house.draft("clares-law", a_text(title="Looked at"))
    await house.draft("clares-law", a_text(title="Saved since"))
    with pytest.raises(StaleEdit):
        async with house.db.write() as connection:
            await publish(connection, house.audit, "clares-law", 1, "eve", house.clock())
    async with house.db.read() as connection:
        with pytest.raises(NotFound):
            await read_article(connection, "clares-law", FOR_STAFF)
        assert await current_counter(connection) == 0


async def test_nothing_new_is_not_published_again(house: House) -> None:
    await house.publish("clares-law")
    with pytest.raises(NothingToPublish):
        async with house.db.write() as connection:
            await publish(connection, house.audit, "clares-law", 1, "eve", house.clock())


async def test_counters_are_distinct_when_many_publish_at_once(house: House) -> None:
    for number in range(6):
        await house.draft(f"article-{number}", a_text())

    async def make_public(slug: str) -> int:
        async with house.db.write() as connection:
            return await publish(connection, house.audit, slug, 1, "eve", house.clock())

    counters = await asyncio.gather(*(make_public(f"article-{number}") for number in range(6)))
    assert sorted(counters) == [1, 2, 3, 4, 5, 6]


async def test_a_withdrawn_article_says_why_and_can_come_back(house: House) -> None:
    await house.publish("clares-law")
    await house.withdraw("clares-law", "The time limit changed.")
    async with house.db.read() as connection:
        withdrawn = await read_article(connection, "clares-law", FOR_ANYONE)
    assert (withdrawn.status, withdrawn.withdrawn_reason) == (Status.WITHDRAWN, "The time limit changed.")
    async with house.db.write() as connection:
        restored = await restore(connection, "clares-law", 1, None, house.clock())
        await publish(connection, house.audit, "clares-law", restored.version, "eve", house.clock())
    async with house.db.read() as connection:
        again = await read_article(connection, "clares-law", FOR_ANYONE)
    assert (again.status, again.withdrawn_reason) == (Status.PUBLISHED, "")


async def test_a_draft_cannot_be_withdrawn(house: House) -> None:
    await house.draft("clares-law", a_text())
    with pytest.raises(NotPublished):
        async with house.db.write() as connection:
            await withdraw(connection, house.audit, "clares-law", "Why", "eve", house.clock())


async def test_restoring_makes_a_new_version_and_readers_keep_theirs(house: House) -> None:
    await house.publish("clares-law", title="First")
    await house.publish("clares-law", title="Second")
    async with house.db.write() as connection:
        restored = await restore(connection, "clares-law", 1, None, house.clock())
    async with house.db.read() as connection:
        assert (await read_version(connection, "clares-law", restored.version)).text.title == "First"
        assert (await read_article(connection, "clares-law", FOR_ANYONE)).title == "Second"
    assert restored.version == 3


async def test_an_old_version_is_for_those_who_may_read_the_article_now(house: House) -> None:
    await house.publish("clares-law")
    await house.publish("clares-law", audience=Audience.ADVISORS)
    async with house.db.read() as connection:
        with pytest.raises(NotFound):
            await read_article(connection, "clares-law", FOR_ANYONE, version=1)
        assert (await read_article(connection, "clares-law", FOR_STAFF, version=1)).version == 1
