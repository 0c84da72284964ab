"""Passwords: what may be set, what is accepted, and how much of them is done at once."""

import asyncio
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from core.errors import Empty, InvalidText, RateLimited, Refusal, TooLong
from staff.passwords import MOST_WAITING, THREADS, Passwords, check_new_password

GOOD = "four unrelated words here"


async def test_right_password_is_right_and_another_is_not(passwords: Passwords) -> None:
    stored = await passwords.hash(GOOD)
    assert (await passwords.verify(stored, GOOD)).right
    assert not (await passwords.verify(stored, GOOD + " ")).right
    assert not (await passwords.verify(stored, "")).right


async def test_hash_is_argon2id_with_the_parameters_we_promise(passwords: Passwords) -> None:
    assert (await passwords.hash(GOOD)).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_same_letters_in_another_encoding_are_the_same_password(passwords: Passwords) -> None:
    """A Mac composes what a phone decomposes."""
    stored = await passwords.hash("café crème brûlée ﬁn")
    assert (await passwords.verify(stored, "cafe\u0301 cre\u0300me bru\u0302le\u0301e fin")).right


async def test_old_parameters_are_replaced_when_the_password_is_known(passwords: Passwords) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(GOOD)
    verdict = await passwords.verify(old, GOOD)
    assert verdict.right
    assert verdict.fresh_hash is not None
    assert (await passwords.verify(verdict.fresh_hash, GOOD)).fresh_hash is None
    assert (await passwords.verify(old, "another password")).fresh_hash is None


async def test_nobody_has_no_right_password(passwords: Passwords) -> None:
    assert not (await passwords.verify(None, GOOD)).right


@pytest.mark.parametrize("stored", ["", "plain text", "$argon2id$v=19$m=19456,t=2,p=1$broken"])
async def test_hash_that_cannot_be_read_lets_nobody_in(passwords: Passwords, stored: str) -> None:
    assert not (await passwords.verify(stored, GOOD)).right


@pytest.fixture
def busy() -> Iterator[Passwords]:
    """Those of one test alone: what is left in their threads must not turn the next test away."""
    busy = Passwords()
    yield busy
    busy.close()


async def test_no_more_wait_than_there_is_room_for(busy: Passwords) -> None:
    most = THREADS + MOST_WAITING
    results = await asyncio.gather(*(busy.verify(None, GOOD) for _ in range(most + 5)), return_exceptions=True)
    assert sum(isinstance(result, RateLimited) for result in results) == 5
    assert not (await busy.verify(None, GOOD)).right


async def test_who_goes_away_frees_the_place_only_when_the_work_is_done(busy: Passwords) -> None:
    """Otherwise a client that hangs up at once could fill the threads without end."""
    tries = [asyncio.create_task(busy.verify(None, GOOD)) for _ in range(THREADS + MOST_WAITING)]
    await asyncio.wait(tries, timeout=0.001)
    for one in tries:
        one.cancel()
    await asyncio.gather(*tries, return_exceptions=True)
    with pytest.raises(RateLimited):
        await asyncio.gather(*(busy.verify(None, GOOD) for _ in range(THREADS + MOST_WAITING)))


@pytest.mark.parametrize("password", [GOOD, "a" * 15, "x" * 1_024, "пароль из букв и ещё", "   spaces count too   "])
def test_length_is_all_that_is_asked_for(password: str) -> None:
    assert check_new_password(password) == password


@pytest.mark.parametrize(
    ("password", "refusal"),
    [("", Empty), ("a" * 14, Empty), ("x" * 1_025, TooLong), ("a\0" * 10, InvalidText), ("\ud800" * 20, InvalidText)],
)
def test_what_may_not_be_set(password: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        check_new_password(password)
