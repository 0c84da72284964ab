"""Advisors who claim what waits, all at once and from any process, and remember what they were told.

A claim that was not answered is asked for again until it is: the answer may have been lost after its commit. What an
advisor holds after *take next* was not answered stands on their desk.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

import httpx

from tests.faults.talk import RETRY_AFTER_S, Access

# Between two claims at one screen: long enough that a kill falls between them.
LONGEST_PAUSE_S = 0.2


class Word(StrEnum):
    """What a claim was answered with."""

    MINE = "mine"
    TAKEN = "already_taken"
    FULL = "at_capacity"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is stored of one conversation: who holds it, and each claim of it, as (claim_epoch, account)."""

    holder: str | None
    epoch: int
    claims: Sequence[tuple[int, str]]
    joined: Sequence[str]
    """Who the log says came in, in order."""


@dataclass(slots=True)
class Claimant:
    """One advisor, who may ask from several screens at once."""

    account_id: str
    capacity: int
    access: Access
    rng: random.Random
    told: dict[str, set[Word]] = field(default_factory=lambda: defaultdict(set))
    doubts: int = 0
    """How many answers did not come."""

    async def claim_all(self, references: Sequence[str], screens: int = 2) -> None:
        """Ask for each, in an order of one's own, and now and then for whatever is next."""
        async with self.access.http() as http:
            wanted = self.rng.sample(references, len(references))
            await asyncio.gather(*(self._work(http, wanted[screen::screens]) for screen in range(screens)))
            await self._until_answered(partial(self._look_at_desk, http))

    async def end_all(self) -> None:
        async with self.access.http() as http:
            for reference, words in self.told.items():
                if Word.MINE in words:
                    await self._until_answered(partial(self._end, http, reference))
        self.told.clear()

    async def _work(self, http: httpx.AsyncClient, wanted: Sequence[str]) -> None:
        for reference in wanted:
            if self.rng.random() < 0.2:
                await self._until_answered(partial(self._take_next, http))
            await self._until_answered(partial(self._accept, http, reference))
            await asyncio.sleep(self.rng.uniform(0, LONGEST_PAUSE_S))

    async def _until_answered(self, ask: Callable[[], Awaitable[bool]]) -> None:
        while True:
            try:
                if await ask():
                    return
            except (httpx.HTTPError, ValueError):
                pass
            self.doubts += 1
            await asyncio.sleep(RETRY_AFTER_S)

    async def _accept(self, http: httpx.AsyncClient, reference: str) -> bool:
        answer = await http.post(self._url(f"/desk/conversations/{reference}/accept"), json={})
        if answer.status_code == 409:
            self.told[reference].add(Word(answer.json()["code"]))
        elif answer.status_code == 200:
            self.told[reference].add(Word.MINE)
        return answer.status_code in (200, 409)

    async def _take_next(self, http: httpx.AsyncClient) -> bool:
        """Not asked for twice: the first time may have given one already."""
        try:
            answer = await http.post(self._url("/desk/next"), json={})
            taken = answer.json().get("conversation") if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError):
            taken = None
        if taken is not None:
            self.told[taken].add(Word.MINE)
        return True

    async def _look_at_desk(self, http: httpx.AsyncClient) -> bool:
        answer = await http.get(self._url("/desk/poll"), params={"wait": "0"})
        if answer.status_code != 200:
            return False
        for one in answer.json()[0]["conversations"]:
            self.told[one["conversation"]].add(Word.MINE)
        return True

    async def _end(self, http: httpx.AsyncClient, reference: str) -> bool:
        answer = await http.post(self._url(f"/desk/conversations/{reference}/end"), json={})
        return answer.status_code == 200

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.rng.choice(self.access.ports)}{path}"


def check_claims(claimants: Sequence[Claimant], stored: Mapping[str, Claimed]) -> list[str]:
    """Everything that is wrong: two owners, a claim that its owner does not know of, one more than somebody can hold."""
    wrong: list[str] = []
    held: defaultdict[str, list[str]] = defaultdict(list)
    for reference, one in stored.items():
        if one.holder is not None:
            held[one.holder].append(reference)
        if [epoch for epoch, _ in one.claims] != list(range(1, one.epoch + 1)):
            wrong.append(f"{reference}: claimed under {one.claims}, epoch {one.epoch}")
        if [who for _, who in one.claims] != list(one.joined):
            wrong.append(f"{reference}: claimed by {one.claims}, joined by {one.joined}")
        if one.holder != (one.claims[-1][1] if one.claims else None):
            wrong.append(f"{reference}: held by {one.holder}, claimed by {one.claims}")
    for claimant in claimants:
        wrong += _check_told(claimant, stored)
        mine = held[claimant.account_id]
        if len(mine) > claimant.capacity:
            wrong.append(f"{claimant.account_id} holds {len(mine)} of {claimant.capacity}")
        wrong += [
            f"{reference}: held by {claimant.account_id}, who does not know"
            for reference in mine
            if Word.MINE not in claimant.told.get(reference, ())
        ]
    return wrong


def _check_told(claimant: Claimant, stored: Mapping[str, Claimed]) -> list[str]:
    wrong = []
    for reference, words in claimant.told.items():
        is_mine = stored[reference].holder == claimant.account_id
        if Word.MINE in words and not is_mine:
            wrong.append(f"{reference}: {claimant.account_id} was told that it is theirs")
        if Word.TAKEN in words and (is_mine or stored[reference].holder is None):
            wrong.append(f"{reference}: {claimant.account_id} was told that it is taken")
    return wrong
