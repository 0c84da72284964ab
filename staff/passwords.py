"""Passwords: hashed with argon2id in two threads, so that a flood of sign-ins cannot take the service's processors.

A password is compared after NFKC, the one normalisation there is. An account that does not exist costs the same work as
one that does.
"""

import secrets
import unicodedata
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from core.errors import Empty, InvalidText, TooLong
from core.few_threads import FewThreads

# OWASP's second choice of parameters: 19 MiB, two passes; some 35 ms.
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
HASHER = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)

THREADS = 2
MOST_WAITING = 20
BUSY = "Many people are signing in at this moment. Try again in a few seconds."

LEAST_CHARACTERS = 15
MOST_CHARACTERS = 1_024


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the password was right, and its new hash when the parameters have changed since it was stored."""

    right: bool
    fresh_hash: str | None = None


class Passwords:
    """Hashes and verifies; one of these a process."""

    def __init__(self) -> None:
        self._threads = FewThreads("password", THREADS, MOST_WAITING, BUSY)
        self._nobody = _hash_of_nobody()

    async def hash(self, password: str) -> str:
        return await self._threads.run(lambda: HASHER.hash(normal_form(password)))

    async def verify(self, stored: str | None, password: str) -> Verdict:
        """`stored` is None where there is no account, or none that may sign in with a password."""
        if len(password) > MOST_CHARACTERS:
            raise TooLong(f"A password has at most {MOST_CHARACTERS:,} characters.")
        typed = normal_form(password)
        return await self._threads.run(lambda: self._compare(stored, typed))

    def close(self) -> None:
        self._threads.close()

    def _compare(self, stored: str | None, typed: str) -> Verdict:
        try:
            HASHER.verify(stored or self._nobody, typed)
        except (Argon2Error, InvalidHashError):
            return Verdict(False)
        if stored is None:
            return Verdict(False)
        stale = HASHER.check_needs_rehash(stored)
        return Verdict(True, HASHER.hash(typed) if stale else None)


@cache
def _hash_of_nobody() -> str:
    """What is compared where there is no account. Made before it is needed, so that the first guess takes no longer."""
    return HASHER.hash(secrets.token_urlsafe())


def check_new_password(password: str) -> str:
    """A password that may be set. Length is what counts; no character is asked for, none is forbidden but NUL."""
    if not password:
        raise Empty("Enter a password.")
    if "\0" in password or any("\ud800" <= character <= "\udfff" for character in password):
        raise InvalidText
    if len(normal_form(password)) < LEAST_CHARACTERS:
        raise Empty(f"Use at least {LEAST_CHARACTERS} characters. Four unrelated words are easy to remember.")
    if len(password) > MOST_CHARACTERS:
        raise TooLong(f"A password has at most {MOST_CHARACTERS:,} characters.")
    return password


def normal_form(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
