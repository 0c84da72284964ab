"""Two versions beside each other: nothing of either is lost, and no text takes long."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.people import SignedIn
from knowledge.comparing import Mark, compare, compare_line
from tests.knowledge.house import Browser, House, a_text

COMPARE = "/editor/clares-law/compare"
LENGTH = 65_536
LEAST_LIKELY_S = 2.0
"""About a tenth of a second on an idle machine; the bound is the work, which is counted."""


@pytest.fixture
def desk(house: House, eve: SignedIn) -> Browser:
    return house.signed_in(eve)


def sides(old: str, new: str) -> tuple[str, str]:
    blocks = compare(old, new).blocks
    return (
        "".join(piece.text for block in blocks for piece in block.old),
        "".join(piece.text for block in blocks for piece in block.new),
    )


lines = st.text(alphabet="ab \n.", max_size=60)


@given(lines, lines)
def test_both_texts_are_whole(old: str, new: str) -> None:
    assert sides(old, new) == (old, new)
    assert compare(old, new).is_changed == (old != new)


def test_words_are_marked_and_what_surrounds_them_is_not() -> None:
    pieces = compare_line("Protect the child from harm", "Protect the young person from harm")
    assert [(piece.mark, piece.text) for piece in pieces] == [
        (Mark.SAME, "Protect the "),
        (Mark.REMOVED, "child"),
        (Mark.ADDED, "young person"),
        (Mark.SAME, " from harm"),
    ]


def test_a_line_that_moved_in_between_changes_nothing_else() -> None:
    old = "".join(f"Line {n} of the text.\n" for n in range(40))
    blocks = compare(old, old.replace("Line 20 ", "New.\nLine 20 ")).blocks
    assert [block.folded for block in blocks] == [18, 0, 0, 0, 18]
    assert [piece.text for block in blocks if block.is_changed for piece in block.pieces] == ["New.\n"]


def hostile() -> dict[str, tuple[str, str]]:
    chance = random.Random(5)
    two = [chance.choice("ab") for _ in range(LENGTH)]
    order = chance.sample(range(11_000), 11_000)
    return {
        "two words": (" ".join(two[: LENGTH // 2]), " ".join(two[LENGTH // 2 :])),
        "two lines": ("\n".join(two[: LENGTH // 2]), "\n".join(two[LENGTH // 2 :])),
        "shuffled words": (" ".join(map(str, order)), " ".join(map(str, sorted(order)))),
        "shuffled lines": ("\n".join(map(str, order)), "\n".join(map(str, sorted(order)))),
        "empty lines": ("\n" * LENGTH, "a\n" * (LENGTH // 2)),
        "every third": (
            "\n".join(str(n) if n % 3 else "x" for n in range(11_000)),
            "\n".join(str(n + 1) if n % 3 else "x" for n in range(11_000)),
        ),
    }


@pytest.mark.parametrize("name", hostile())
def test_no_text_takes_long_or_makes_a_long_page(name: str) -> None:
    old, new = hostile()[name]
    began = time.thread_time()
    comparison = compare(old, new)
    assert time.thread_time() - began < LEAST_LIKELY_S
    assert comparison.is_rough
    assert len(comparison.blocks) < 5_000
    assert sum(len(block.pieces) for block in comparison.blocks) < 20_000
    assert sides(old, new) == (old, new)


async def test_two_versions_are_compared_in_words_and_fields(house: House, desk: Browser) -> None:
    await house.draft("clares-law", a_text())
    await house.draft("clares-law", a_text(owner="nia", markdown="Ask <i>the</i> police.\n"))
    page = (await desk.get(f"{COMPARE}?from=1&to=2")).text
    assert '<ins><span class="govuk-visually-hidden">[added: </span>&lt;' in page
    assert '<del><span class="govuk-visually-hidden">[removed: </span>' in page
    assert "<dt>Owner</dt>" in page
    assert "<dt>Title</dt>" not in page
    side = (await desk.get(f"{COMPARE}?from=2&to=1&view=side")).text
    assert '<th scope="col">Version 2</th><th scope="col">Version 1</th>' in side
    assert f'href="{COMPARE}?from=1&amp;to=2"' in (await desk.get("/editor/clares-law/history")).text


async def test_what_is_compared_by_itself_is_what_readers_have_and_the_newest(house: House, desk: Browser) -> None:
    await house.draft("clares-law", a_text())
    assert "one and the same version" in (await desk.get(COMPARE)).text
    await house.publish("clares-law", title="Second")
    for title in ("Third", "Fourth"):
        await house.draft("clares-law", a_text(title=title))
    assert "<h1" in (page := (await desk.get(COMPARE)).text)
    assert '<option value="2" selected>' in page
    assert '<option value="4" selected>' in page
    assert "The text is the same in both." in page


@pytest.mark.parametrize("query", ["from=0", "from=9", "to=-1", "to=x", "from=99999999999999999999", "to=1%00"])
async def test_versions_that_are_not_there_are_404(house: House, desk: Browser, query: str) -> None:
    await house.draft("clares-law", a_text())
    assert (await desk.get(f"{COMPARE}?{query}")).status_code == 404
    assert (await desk.get(f"{COMPARE}?view=nonsense")).status_code == 200
