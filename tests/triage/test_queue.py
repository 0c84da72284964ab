"""The line as each process follows it: positions, frames to those who look, and the copy in Redis."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from chat.frames import Hello
from chat.session import Session
from chat.viewer import Viewer
from chat.words import Side
from core.ending import end_all
from core.people import Role, SignedIn
from core.signals import open_redis
from tests.triage.house import EPOCH, House
from tests.waiting import until
from triage.line_copy import LineCopy
from triage.words import Presence


class Watcher:
    """A session that keeps what it is sent, as a socket would write it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.seen: list[dict[str, object]] = []

    async def look(self) -> None:
        self.seen += [json.loads(text) async for text in self._session.owed()]

    async def last(self, kind: str) -> dict[str, object] | None:
        await self.look()
        return next((one for one in reversed(self.seen) if one["type"] == kind), None)


@asynccontextmanager
async def watching(house: House, viewer: Viewer) -> AsyncIterator[Watcher]:
    session = Session(house.fanout, viewer, EPOCH)
    house.fanout.enter(session)
    await session.greet(Hello())
    try:
        yield Watcher(session)
    finally:
        house.fanout.leave(session)


@asynccontextmanager
async def followed(house: House) -> AsyncIterator[None]:
    """The follower and the suggestions of one web process."""
    tasks = [asyncio.create_task(one()) for one in (house.queue.run, house.suggestions.run)]
    try:
        yield
    finally:
        await end_all(tasks)


async def visitor_of(house: House, reference: str) -> Viewer:
    found = await house.conversations.by_reference(reference)
    assert found is not None

    async def heads() -> list[object]:
        mine = await house.conversations.by_id(found.id)
        assert mine is not None
        return [mine]

    return Viewer(Side.VISITOR, "visitor", found.nickname, "", heads)  # type: ignore[arg-type]  # a row has all of a head


def advisor(house: House, person: SignedIn) -> Viewer:
    async def heads() -> list[object]:
        return list(await house.conversations.heads_of_account(person.account_id))

    return Viewer(Side.ADVISOR, person.account_id, person.name, person.token, heads)  # type: ignore[arg-type]  # the same


@pytest.fixture
async def redis(house: House, redis_url: str) -> AsyncIterator[Redis]:
    house.signals.redis = open_redis(redis_url)
    yield house.signals.redis
    await house.signals.redis.aclose()


async def test_positions_follow_the_sort_key(house: House, cora: SignedIn) -> None:
    references = [await house.enquire(), await house.enquire(deadline="today"), await house.enquire()]
    line = await house.queue.read()
    assert [place.reference for place in line.places] == [references[1], references[0], references[2]]
    for place in line.places:
        assert await house.queue.position(place.conversation_id) == line.position(place.conversation_id)
    await house.claims.claim(references[1], cora)
    assert (await house.queue.read()).places[0].reference == references[0]


async def test_a_visitor_sees_the_place_move(house: House, cora: SignedIn, redis: Redis) -> None:
    first, second = await house.enquire(), await house.enquire()
    async with followed(house), watching(house, await visitor_of(house, second)) as ada:

        async def stands(position: int) -> bool:
            frame = await ada.last("queue")
            return frame is not None and frame["position"] == position

        await until(lambda: stands(2))
        await house.claims.claim(first, cora)
        await until(lambda: stands(1))
        frame = await ada.last("queue")
    assert frame == {
        "type": "queue",
        "t": "queue",
        "conversation": second,
        "position": 1,
        "wait_minutes": [0, 5],
        "sentence": "You are next. Less than 5 minutes.",
        "notice": None,
    }


async def test_nobody_is_told_the_same_twice(house: House, redis: Redis) -> None:
    reference = await house.enquire()
    async with followed(house), watching(house, await visitor_of(house, reference)) as ada:

        async def is_told() -> bool:
            return await ada.last("queue") is not None

        await until(is_told)
        for _ in range(3):
            await house.queue.read()
            await house.queue._tell()
        await ada.look()
    assert [one["type"] for one in ada.seen].count("queue") == 1


async def test_the_desk_is_told_of_the_line(house: House, cora: SignedIn, dev: SignedIn, redis: Redis) -> None:
    await house.enquire()
    mine = await house.enquire()
    await house.claims.claim(mine, cora)
    house.clock.go_on(seconds=90)
    async with followed(house), watching(house, advisor(house, cora)) as desk:

        async def is_told() -> bool:
            return await desk.last("desk") is not None

        await until(is_told)
        frame = await desk.last("desk")
    assert frame == {"type": "desk", "t": "desk", "waiting": 1, "longest_wait_s": 90, "online": 2, "mine": 1}


async def test_suggestions_come_with_each_message(house: House, cora: SignedIn, redis: Redis) -> None:
    await house.write_article("stalking", "Stalking by former partners")
    reference = await house.enquire()
    claim = await house.claims.claim(reference, cora)
    async with followed(house), watching(house, advisor(house, cora)) as desk:
        found = await house.conversations.by_id(claim.conversation_id)
        assert found is not None
        await house.log.say(found.id, found.visitor, "He is stalking a former partner.", uuid4())

        async def is_suggested() -> bool:
            frame = await desk.last("suggestions")
            return frame is not None and frame["articles"] != []

        await until(is_suggested)
        frame = await desk.last("suggestions")
    assert frame is not None
    article = frame["articles"][0]  # type: ignore[index]  # a list of articles
    assert (article["slug"], article["version"]) == ("stalking", 1)
    assert article["why"]


async def test_the_copy_in_redis_is_made_anew_after_a_loss(house: House, redis: Redis) -> None:
    reference = await house.enquire()
    async with followed(house):
        key = LineCopy(house.signals).key

        async def is_there() -> bool:
            return await redis.zrange(key, 0, -1) == [reference.encode()]

        await until(is_there)
        await redis.flushall()
        await until(is_there)


async def test_a_place_is_a_rank_or_not_known_while_redis_forgets(house: House, redis: Redis) -> None:
    """It is counted in the database, so that there is no half of a line to count in."""
    cora = await house.hire("Cora", Role.ADVISOR, capacity=5)
    ahead = [await house.enquire() for _ in range(3)]
    told: list[int | None] = []
    async with followed(house), watching(house, await visitor_of(house, await house.enquire())) as ada:

        async def is_told(place: int) -> bool:
            await redis.flushall()
            frame = await ada.last("queue")
            told.extend([frame["position"]] if frame else [])  # type: ignore[list-item]  # a number or None
            return told[-1:] == [place]

        for place, reference in zip((4, 3, 2), ahead, strict=True):
            await until(partial(is_told, place))
            await house.claims.claim(reference, cora)
        await until(partial(is_told, 1))
    known = [place for place in told if place is not None]
    assert known == sorted(known, reverse=True)
    assert set(known) == {4, 3, 2, 1}


async def test_the_copy_is_written_once_whole_and_by_anybody(house: House, redis: Redis) -> None:
    copies = [LineCopy(house.signals) for _ in range(3)]
    line = {f"R{number:04}": 1_700_000_000_000 - number for number in range(2_500)}
    written = await asyncio.gather(*(copy.write(line) for copy in copies))
    assert sum(written) == 1
    in_order = [name.encode() for name in sorted(line, reverse=True)]
    assert await redis.zrange(copies[0].key, 0, -1) == in_order
    assert await copies[1].write(line) is False
    await redis.script_flush()
    assert await copies[1].write({"R0001": 1}) is True
    assert await redis.zrange(copies[0].key, 0, -1) == [b"R0001"]
    assert await copies[2].write({}) is True
    assert await redis.exists(copies[0].key) == 0


async def test_the_line_goes_on_without_redis(house: House) -> None:
    reference = await house.enquire()
    async with followed(house), watching(house, await visitor_of(house, reference)) as ada:

        async def is_told() -> bool:
            return await ada.last("queue") is not None

        await until(is_told)


async def test_the_wait_follows_from_the_last_two_hours(house: House) -> None:
    cora = await house.hire("Cora", Role.ADVISOR, capacity=3)
    for _ in range(3):
        await house.enquire()
        house.clock.go_on(minutes=4)
        await house.claims.claim_next(cora)
        house.clock.go_on(seconds=11)
    assert (await house.queue.read()).newcomer_wait is None, "all are busy, and no conversation has ended yet"
    await house.presences.change(cora.account_id, None, 4)
    house.clock.go_on(seconds=11)
    assert (await house.queue.read()).newcomer_wait == (0, 8)
    await house.presences.change(cora.account_id, Presence.AWAY, None)
    assert (await house.queue.read()).newcomer_wait is None, "nobody is on duty"
