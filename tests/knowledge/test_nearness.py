"""What is near in meaning, in a library so large that the signs decide who is looked at."""

import numpy as np
import pytest

from knowledge.meaning import DIMENSIONS, Vector, unit
from knowledge.nearness import EXACT, Meanings

LARGE = 3 * EXACT


def vectors(count: int, seed: int) -> list[Vector]:
    return [unit(one) for one in np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)]


@pytest.fixture(scope="module")
def meanings() -> Meanings:
    """In two steps, as an index grows; every tenth article answers a question of its own."""
    whole, asked = vectors(LARGE, 1), vectors(LARGE, 2)
    rows = {row: (whole[row], [asked[row]] if row % 10 == 0 else []) for row in range(LARGE)}
    half = Meanings.none().with_rows(EXACT, {row: rows[row] for row in range(EXACT)})
    return half.with_rows(LARGE, {row: rows[row] for row in range(EXACT, LARGE)})


@pytest.mark.parametrize("row", [0, 10, 4_001, LARGE - 1])
def test_the_nearest_is_found_and_only_among_the_allowed(meanings: Meanings, row: int) -> None:
    wanted = unit(vectors(LARGE, 1)[row] + np.float32(0.5) * vectors(1, 3)[0])
    everybody = np.ones(LARGE, np.bool_)
    found = meanings.nearest(wanted, everybody, 5)
    assert next(iter(found)) == row
    assert list(found.values()) == sorted(found.values(), reverse=True)
    everybody[row] = False
    others = meanings.nearest(wanted, everybody, 5)
    assert row not in others
    assert len(others) == 5


def test_an_article_is_near_when_one_of_its_questions_is(meanings: Meanings) -> None:
    question = vectors(LARGE, 2)[5_000]
    assert next(iter(meanings.nearest(question, np.ones(LARGE, np.bool_), 3))) == 5_000
    nobody = np.ones(LARGE, np.bool_)
    nobody[5_000] = False
    assert 5_000 not in meanings.nearest(question, nobody, 40)


def test_what_changed_is_what_is_near(meanings: Meanings) -> None:
    (other,) = vectors(1, 9)
    changed = meanings.with_rows(LARGE, {5_000: (other, [])})
    everybody = np.ones(LARGE, np.bool_)
    assert next(iter(changed.nearest(other, everybody, 1))) == 5_000
    assert 5_000 not in changed.nearest(vectors(LARGE, 2)[5_000], everybody, 3), "its question is gone"
    assert next(iter(meanings.nearest(vectors(LARGE, 2)[5_000], everybody, 1))) == 5_000, "what is read is not changed"


def test_nobody_may_see_anything(meanings: Meanings) -> None:
    assert meanings.nearest(vectors(1, 9)[0], np.zeros(LARGE, np.bool_), 5) == {}
    assert Meanings.none().nearest(vectors(1, 9)[0], np.zeros(0, np.bool_), 5) == {}
