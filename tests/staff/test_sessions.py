"""A session lasts as long as it should, and ends everywhere when it is ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import select

from core.crypto import token_hash
from core.people import Role
from core.signals import Signals, open_redis
from staff import sessions as session_module
from staff.sessions import Sessions
from staff.tables import session
from tests.staff.house import House, field_value
from tests.waiting import until


async def test_only_the_hash_of_the_cookie_is_stored(house: House) -> None:
    token = (await house.signed_in("cora")).cookies["session"]
    async with house.database.read() as connection:
        rows = (await connection.execute(select(session.c.token_hash))).scalars().all()
    assert rows == [token_hash(token)]


async def test_session_ends_half_an_hour_after_the_last_request(house: House) -> None:
    browser = await house.signed_in("cora")
    house.clock.pass_time(minutes=29)
    assert (await browser.get("/desk")).status_code == 200
    house.clock.pass_time(minutes=29)
    assert (await browser.get("/desk")).status_code == 200
    house.clock.pass_time(minutes=31)
    assert (await browser.get("/desk")).status_code == 303


async def test_session_ends_after_twelve_hours_whatever_happens(house: House) -> None:
    browser = await house.signed_in("cora")
    for _ in range(24 * 12):
        house.clock.pass_time(minutes=2.4)
        assert (await browser.get("/desk")).status_code == 200
    house.clock.pass_time(minutes=30)
    assert (await browser.get("/desk")).status_code == 303


async def test_checks_that_nobody_caused_do_not_keep_a_session(house: House) -> None:
    """An open page whose socket is checked every minute is not a person at work."""
    token = (await house.signed_in("cora")).cookies["session"]
    for _ in range(3):
        house.clock.pass_time(minutes=9)
        assert await house.sessions.find(token, active=False) is not None
    house.clock.pass_time(minutes=9)
    assert await house.sessions.find(token, active=False) is None


async def test_activity_is_written_at_most_once_a_minute(house: House) -> None:
    browser = await house.signed_in("cora")

    async def seen_at() -> object:
        async with house.database.read() as connection:
            return (await connection.execute(select(session.c.seen_at))).scalar_one()

    first = await seen_at()
    house.clock.pass_time(seconds=59)
    await browser.get("/desk")
    assert await seen_at() == first
    house.clock.pass_time(seconds=1)
    await browser.get("/desk")
    assert await seen_at() == house.clock.now


async def test_signing_out_ends_it(house: House) -> None:
    browser = await house.signed_in("cora")
    token = browser.cookies["session"]
    form = {"csrf_token": field_value((await browser.get("/desk")).text, "csrf_token")}
    response = await browser.post("/sign-out", data=form)
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in?signed_out=1")
    assert "session" not in browser.cookies
    assert await house.sessions.find(token) is None


async def test_signing_out_needs_the_form_of_that_session(house: House) -> None:
    browser, other = await house.signed_in("cora"), await house.signed_in("sue")
    form = {"csrf_token": field_value((await other.get("/supervise")).text, "csrf_token")}
    assert (await browser.post("/sign-out", data=form)).status_code == 403
    assert (await browser.post("/sign-out")).status_code == 403
    assert (await browser.get("/desk")).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "A" * 5_000, "é", "../../etc/passwd"])
async def test_made_up_cookie_is_nobody(house: House, cookie: str) -> None:
    assert await house.sessions.find(cookie) is None


async def test_disabling_an_account_ends_its_sessions_at_once(house: House) -> None:
    browser = await house.signed_in("cora")
    await house.accounts.disable(house.people["cora"].id)
    assert (await browser.get("/desk")).status_code == 303


async def test_other_sessions_end_with_a_new_password(house: House) -> None:
    here, there = await house.signed_in("cora"), await house.signed_in("cora")
    colleague = await house.signed_in("sue")
    cora = house.people["cora"].id
    await house.accounts.set_password(cora, "unused", by=cora, keep=here.cookies["session"])
    assert (await here.get("/desk")).status_code == 200
    assert (await there.get("/desk")).status_code == 303
    assert (await colleague.get("/supervise")).status_code == 200


async def test_role_that_is_taken_closes_its_doors_at_once(house: House) -> None:
    browser = await house.signed_in("cora")
    await house.accounts.set_roles(house.people["cora"].id, {Role.EDITOR})
    assert (await browser.get("/desk")).status_code == 403
    assert (await browser.get("/editor")).status_code == 200


async def test_sessions_are_listed_and_ended_one_by_one(house: House) -> None:
    one, other = await house.signed_in("cora"), await house.signed_in("cora")
    cora = house.people["cora"].id
    listed = await house.sessions.of_account(cora)
    assert len(listed) == 2
    assert not any(token in repr(listed) for token in (one.cookies["session"], other.cookies["session"]))
    number = token_hash(other.cookies["session"])[:8].hex()
    await house.sessions.end_number(house.people["sue"].id, number)
    assert (await other.get("/desk")).status_code == 200
    await house.sessions.end_number(cora, number)
    assert (await other.get("/desk")).status_code == 303
    assert (await one.get("/desk")).status_code == 200


@asynccontextmanager
async def another_process(house: House, redis_url: str) -> AsyncIterator[Sessions]:
    """The sessions of a second web process, which hears the hints of the first."""
    redis = open_redis(redis_url)
    signals = Signals(redis, "test")
    sessions = Sessions(house.database, signals, "session", house.clock)
    hearing = [asyncio.create_task(one.run()) for one in (signals, house.signals)]
    await until(lambda: signals.healthy and house.signals.healthy, 15, "hints")
    yield sessions
    for task in hearing:
        task.cancel()
    await asyncio.gather(*hearing, return_exceptions=True)
    await redis.aclose()


async def test_other_processes_hear_of_the_end(house: House, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a cache that would last for an hour, so that only the hint can be the reason."""
    monkeypatch.setattr(session_module, "CACHE_FOR_S", 3_600.0)
    token = (await house.signed_in("cora")).cookies["session"]
    async with another_process(house, redis_url) as sessions:
        heard: list[str] = []
        sessions.on_change(heard.append)
        assert await sessions.find(token) is not None
        await house.sessions.end(token)
        await until(lambda: house.people["cora"].id in heard, what="the hint")
        assert await sessions.find(token) is None


async def test_without_a_hint_the_end_is_known_when_the_cache_is_over(
    house: House, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session_module.CACHE_FOR_S <= 5
    monkeypatch.setattr(session_module, "CACHE_FOR_S", 0.05)
    redis = open_redis(redis_url)
    sessions = Sessions(house.database, Signals(redis, "test"), "session", house.clock)
    token = (await house.signed_in("cora")).cookies["session"]
    assert await sessions.find(token) is not None
    await house.sessions.end(token)

    async def is_gone() -> bool:
        return await sessions.find(token) is None

    await until(is_gone, 2, "the end of the cache")
    await redis.aclose()
