"""What the checker of claims finds, and that it finds nothing in a good history."""

import random
from dataclasses import replace

from tests.faults.claimants import Claimant, Claimed, Word, check_claims
from tests.faults.talk import Access

ACCESS = Access("http://127.0.0.1:1", "/desk", "", "", [1])
ONE, TWO = "QK7F-4PDX", "M3N8-0TAB"
CORAS = Claimed("cora", 1, [(1, "cora")], ["cora"])
FREE = Claimed(None, 0, [], [])


def claimant(name: str, told: dict[str, set[Word]], capacity: int = 1) -> Claimant:
    return Claimant(name, capacity, ACCESS, random.Random(1), told)


def cora(*words: Word) -> Claimant:
    return claimant("cora", {ONE: set(words)})


def dev(*words: Word) -> Claimant:
    return claimant("dev", {ONE: set(words)})


def found(*claimants: Claimant, one: Claimed = CORAS, two: Claimed = FREE) -> list[str]:
    return check_claims(claimants, {ONE: one, TWO: two})


def test_nothing_in_a_good_history() -> None:
    assert found(cora(Word.MINE, Word.FULL), dev(Word.TAKEN)) == []


def test_two_who_were_told_that_it_is_theirs() -> None:
    assert found(cora(Word.MINE), dev(Word.MINE)) == [f"{ONE}: dev was told that it is theirs"]


def test_one_who_does_not_know() -> None:
    assert found(cora(), dev(Word.TAKEN)) == [f"{ONE}: held by cora, who does not know"]


def test_one_who_was_told_that_their_own_is_taken() -> None:
    assert found(cora(Word.MINE, Word.TAKEN)) == [f"{ONE}: cora was told that it is taken"]


def test_claimed_twice_under_one_epoch() -> None:
    twice = replace(CORAS, claims=[(1, "dev"), (1, "cora")], joined=["dev", "cora"])
    assert found(cora(Word.MINE), one=twice) == [f"{ONE}: claimed under [(1, 'dev'), (1, 'cora')], epoch 1"]


def test_a_claim_that_the_log_does_not_tell() -> None:
    assert found(cora(Word.MINE), one=replace(CORAS, joined=[])) == [f"{ONE}: claimed by [(1, 'cora')], joined by []"]


def test_held_by_another_than_claimed_it_last() -> None:
    wrong = found(cora(Word.MINE), one=replace(CORAS, claims=[(1, "dev")], joined=["dev"]))
    assert wrong == [f"{ONE}: held by cora, claimed by [(1, 'dev')]"]


def test_more_than_somebody_can_hold() -> None:
    both = claimant("cora", {ONE: {Word.MINE}, TWO: {Word.MINE}})
    assert found(both, two=CORAS) == ["cora holds 2 of 1"]
