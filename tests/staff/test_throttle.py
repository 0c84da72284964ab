"""Guessing gets slower and slower, by account and by address, and never shuts anybody out for good."""

import asyncio

from redis import Redis

from tests.staff.house import House, sign_in

WRONG = "a wrong password"


async def test_five_tries_are_free_and_then_each_waits(house: House) -> None:
    browser = house.browser()
    for _ in range(6):
        assert (await sign_in(browser, "cora@example.org", WRONG)).status_code == 422
    slowed = await sign_in(browser, "cora@example.org", WRONG)
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) >= 1
    assert "class=error" in slowed.text


async def test_delay_grows_up_to_a_quarter_of_an_hour(house: House) -> None:
    browser, waits = house.browser(), []
    for _ in range(20):
        response = await sign_in(browser, "cora@example.org", WRONG)
        if response.status_code == 429:
            waits.append(int(response.headers["retry-after"]))
            house.clock.pass_time(seconds=waits[-1])
    assert waits == sorted(waits)
    assert waits[0] < 10
    house.clock.pass_time(minutes=16)
    assert (await sign_in(browser, "cora@example.org")).status_code == 303


async def test_one_account_from_many_addresses_is_slowed(house: House) -> None:
    statuses = [
        (await sign_in(house.browser(f"192.0.2.{number}"), "cora@example.org", WRONG)).status_code
        for number in range(10)
    ]
    assert statuses[-1] == 429


async def test_many_accounts_from_one_address_are_slowed(house: House) -> None:
    statuses = [
        (await sign_in(house.browser(), f"somebody{number}@example.org", WRONG)).status_code for number in range(10)
    ]
    assert statuses[-1] == 429


async def test_one_customer_has_one_ipv6_network(house: House) -> None:
    statuses = [
        (await sign_in(house.browser(f"2001:db8:1:2::{number:x}"), f"person{number}@example.org", WRONG)).status_code
        for number in range(10)
    ]
    assert statuses[-1] == 429


async def test_a_colleague_elsewhere_is_not_slowed(house: House) -> None:
    for _ in range(8):
        await sign_in(house.browser("192.0.2.1"), "cora@example.org", WRONG)
    assert (await sign_in(house.browser("192.0.2.2"), "sue@example.org")).status_code == 303


async def test_right_password_clears_the_count(house: House) -> None:
    browser = house.browser()
    for _ in range(5):
        await sign_in(browser, "cora@example.org", WRONG)
    assert (await sign_in(browser, "cora@example.org")).status_code == 303
    other = house.browser()
    assert (await sign_in(other, "cora@example.org", WRONG)).status_code == 422


async def test_counts_outlive_redis(house: House, redis_url: str) -> None:
    browser = house.browser()
    for _ in range(6):
        await sign_in(browser, "cora@example.org", WRONG)
    with Redis.from_url(redis_url) as client:
        client.flushall()
    assert (await sign_in(browser, "cora@example.org", WRONG)).status_code == 429


async def test_tries_at_once_are_all_counted(house: House) -> None:
    """None of them collides in the database, and what comes after them waits."""
    browsers = [house.browser() for _ in range(8)]
    answers = await asyncio.gather(*(sign_in(browser, "cora@example.org", WRONG) for browser in browsers))
    assert {answer.status_code for answer in answers} <= {422, 429}
    assert (await sign_in(house.browser(), "cora@example.org", WRONG)).status_code == 429


async def test_flood_of_sign_ins_is_turned_away_before_the_hashing(house: House) -> None:
    browsers = [house.browser(f"192.0.2.{number}") for number in range(60)]
    answers = await asyncio.gather(
        *(sign_in(browser, f"person{number}@example.org", WRONG) for number, browser in enumerate(browsers))
    )
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {422, 429}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)
