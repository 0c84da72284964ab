"""Which searches editors hear of: those that led to nothing, once each, without who it was."""

import asyncio

import pytest
from sqlalchemy import select

from chat.identifiers import mask_all
from core.people import SignedIn
from core.signals import Hint, Signals, open_redis
from knowledge.search_notes import KEPT, TOPIC, SearchNotes, forget_old_searches
from knowledge.tables import search_log
from tests.knowledge.house import House
from tests.waiting import until


async def kept(house: House) -> list[tuple[str, int]]:
    """What is stored once a minute has gone by."""
    house.clock.go_on(seconds=61)
    await house.library.write_notes()
    return [(one.query, one.results) for one in reversed(await house.library.search_notes.read())]


async def test_searches_without_a_click_are_kept_sealed(house: House) -> None:
    await house.publish("clares-law")
    ben = house.stranger()
    for query in ("police", "xyzzy"):
        await ben.get(f"/guidance?q={query}")
    await house.library.write_notes()
    assert await house.count(search_log) == 0, "Ben may still open what he found"
    assert await kept(house) == [("police", 1), ("xyzzy", 0)]
    async with house.db.read() as connection:
        rows = (await connection.execute(select(search_log.c.sealed_query))).scalars().all()
    assert not any(b"police" in row for row in rows)


async def test_what_was_opened_is_forgotten(house: House) -> None:
    await house.publish("clares-law")
    ben, ada = house.stranger(), house.ada()
    await ben.get("/guidance?q=police")
    await ben.get("/guidance?q=the past")
    await ada.http.get("/guidance?q=police", headers={"user-agent": "Another"})
    await ben.get("/guidance/clares-law", referer="http://127.0.0.1:8000/guidance?q=police")
    assert await kept(house) == [("the past", 1), ("police", 1)], "Ada opened nothing"


async def test_a_click_on_a_page_that_is_not_there_or_from_elsewhere_is_none(house: House) -> None:
    await house.publish("clares-law")
    ben = house.stranger()
    await ben.get("/guidance?q=police")
    await ben.get("/guidance/nothing", referer="http://127.0.0.1:8000/guidance?q=police")
    await ben.get("/guidance/clares-law", referer="http://127.0.0.1:8000/")
    assert await kept(house) == [("police", 1)]


async def test_a_click_in_another_process_counts(house: House, redis_url: str) -> None:
    connections = [open_redis(redis_url), open_redis(redis_url)]
    here, there = (Signals(redis, "searches") for redis in connections)
    searched, opened = (
        SearchNotes(house.db, signals, house.keyring, house.signer, mask_all, house.clock) for signals in (here, there)
    )
    heard: list[Hint] = []
    here.on(TOPIC, heard.append)
    tasks = [asyncio.create_task(signals.run()) for signals in (here, there)]
    try:
        await until(lambda: here.healthy and there.healthy)
        for reader in ("ben", "ada"):
            searched.searched(reader, "police", 1)
        opened.opened("ben", "police")
        await until(lambda: heard)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for redis in connections:
            await redis.aclose()
    assert isinstance(heard[0][1], int), "nothing that says who it was or what they looked for"
    house.clock.go_on(seconds=61)
    await searched.write()
    assert [one.query for one in await searched.read()] == ["police"], "Ada's"


async def test_what_is_typed_letter_by_letter_is_one_search(house: House) -> None:
    notes = house.library.search_notes
    for query in ("s", "st", "stal", "stalk", "stalki", "stalkin", "stalk", "stalking"):
        house.clock.go_on(seconds=1)
        notes.searched("ben", query, 0)
        notes.searched("ada", "dapo", 3)
    notes.searched("ben", "drones", 0)
    house.clock.go_on(seconds=9)
    notes.searched("ben", "drones over", 0)
    assert await kept(house) == [("stalking", 0), ("dapo", 3), ("drones", 0), ("drones over", 0)]


async def test_identifiers_are_masked(house: House) -> None:
    house.library.search_notes.searched("ben", "NHS number 943 476 5919 stalking", 0)
    ((query, _),) = await kept(house)
    assert "5919" not in query
    assert "stalking" in query


async def test_thousands_of_searches_are_bounded(house: House) -> None:
    for number in range(3_000):
        house.library.search_notes.searched(f"reader {number}", f"{number} things", 0)
    assert len(await kept(house)) == 1_000


async def test_searches_are_kept_for_ninety_days(house: House) -> None:
    house.library.search_notes.searched("ben", "police", 1)
    assert await kept(house) == [("police", 1)]
    for days, left in ((89, 1), (2, 0)):
        house.clock.go_on(days=days)
        async with house.db.write() as connection:
            await forget_old_searches(connection, house.clock())
        assert await house.count(search_log) == left
    assert KEPT.days == 90


@pytest.mark.parametrize("query", ["", "%20", "%00"])
async def test_nothing_is_no_search(house: House, cora: SignedIn, query: str) -> None:
    await house.stranger().get(f"/guidance?q={query}")
    assert await kept(house) == []
