"""What people type, and what they find, on the sample guidance."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.migrations import migrate
from bench.search import LEAST_RECALL, finders, measure, read_questions
from core.db import Database
from core.sqlite import sqlite_url
from knowledge import queries
from knowledge.index import Index
from knowledge.library import Library
from knowledge.rendering import Renderer
from knowledge.search import MOST_FOUND, search
from knowledge.spelling import edit_distance
from knowledge.words import FOR_ANYONE, FOR_STAFF, FOR_VISITORS, Audience
from tests.knowledge.house import House

# What is typed, and the article that should come first.
QUESTIONS = {
    "Clare's law": "clares-law",
    "clares law": "clares-law",
    "DVDS": "clares-law",
    "right to ask": "clares-law",
    "nfs": "non-fatal-strangulation",
    "hands round her throat": "non-fatal-strangulation",
    "strangulaton": "non-fatal-strangulation",
    "stragulation": "non-fatal-strangulation",
    "MARAC": "referring-to-marac",
    "multi agency risk assessment conference": "referring-to-marac",
    "dapo": "dapo-areas",
    "CCB": "controlling-or-coercive-behaviour",
    "coercive controll": "controlling-or-coercive-behaviour",
    "couples counselling": "unsuitable-responses",
    "anger management": "unsuitable-responses",
    "he says he will kill himself if she leaves": "suicide-and-homicide-risk",
    "tracker on her car": "stalking-by-partners",
    "can I share without consent?": "sharing-without-consent",
    "child protection referral": "children-when-to-refer",
    "burnout": "your-own-safety",
    "perpetrator programme": "finding-a-programme",
    "GP patient discloses hitting wife": "mental-health-and-primary-care",
    "landlord": "housing-and-perpetrators",
    "licence conditions recall": "probation-supervision",
    "call 999 cannot speak": "in-an-emergency",
    "male victim": "counter-allegations",
    "dash score 14": "dash-and-dara",
    "mappa level 2": "mappa-in-brief",
    "non molestation order breach": "orders-at-a-glance",
    "drive project": "serial-and-high-harm",
}

HOSTILE = [
    "",
    " ",
    '"',
    '"clares law',
    "AND",
    "AND OR NOT (",
    "title:clare* OR body:[a TO z]",
    "+clare -law",
    "%_%",
    "\\",
    "/.*/",
    "(((((((((((((((((((((",
    "~5 ^9 clare~9^99",
    "🙂 clare 🙂",
    "\0clare",
    "clare\ud800law",
    "\u202eclare\u202c",
    "x" * 10_000,
    "clare " * 2_000,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 10,
    "ÅÄÖ \ufb01nding \uff23\uff2c\uff21\uff32\uff25",
    "שלום عربى 中文",
]


@pytest.fixture(scope="module")
async def library(tmp_path_factory: pytest.TempPathFactory, renderer: Renderer) -> AsyncIterator[Library]:
    """The samples, indexed once."""
    folder: Path = tmp_path_factory.mktemp("samples")
    migrate(sqlite_url(folder))
    database = Database(sqlite_url(folder))
    house = House(database, renderer)
    assert (await house.import_samples()).ok
    yield house.library
    await database.close()


def found(library: Library, typed: str, audiences: frozenset[Audience] = FOR_STAFF) -> list[str]:
    return [hit.card.slug for hit in library.search(typed, audiences).hits]


@pytest.mark.parametrize("typed", QUESTIONS)
def test_the_article_that_was_meant_comes_first(library: Library, typed: str) -> None:
    assert found(library, typed)[:1] == [QUESTIONS[typed]]


@pytest.mark.parametrize("typed", HOSTILE)
def test_nothing_that_is_typed_fails(library: Library, typed: str) -> None:
    results = library.search(typed, FOR_ANYONE)
    assert len(results.query) <= 200
    assert len(results.hits) <= 10 <= MOST_FOUND


@pytest.mark.parametrize("typed", ["xyzzy", "fluffy kittens", "🙂", ""])
def test_what_is_not_there_is_not_found(library: Library, typed: str) -> None:
    assert library.search(typed, FOR_STAFF).total == 0


def test_an_unfinished_word_finds(library: Library) -> None:
    assert "non-fatal-strangulation" in found(library, "strang")[:3]
    assert "referring-to-marac" in found(library, "mara")


def test_a_corrected_spelling_is_said(library: Library) -> None:
    assert library.search("strangulaton", FOR_ANYONE).suggestion == "strangulation"
    assert library.search("strangulation", FOR_ANYONE).suggestion is None


def test_matches_are_marked_and_everything_else_is_escaped(library: Library) -> None:
    snippet = library.search("disclosure scheme", FOR_ANYONE).hits[0].snippet
    assert "<mark>" in snippet
    assert "<script" not in library.search("<script>alert(1)</script> clare", FOR_ANYONE).hits[0].snippet
    assert len(snippet.striptags()) < 260


@pytest.mark.parametrize(
    ("slug", "typed", "audience"),
    [
        ("serial-and-high-harm", "drive approach serial high-harm", FOR_VISITORS),
        ("recording-safely", "recording safely", FOR_ANYONE),
    ],
)
def test_restricted_articles_are_found_only_by_those_they_are_for(
    library: Library, slug: str, typed: str, audience: frozenset[Audience]
) -> None:
    assert slug in found(library, typed)
    assert slug not in [hit.card.slug for hit in library.search(typed, audience, limit=100).hits]
    assert slug not in [card.slug for card in library.cards(audience)]
    assert library.card(slug, audience) is None


def test_a_tag_narrows_the_search(library: Library) -> None:
    hits = library.search("risk", FOR_ANYONE, tag="worker_safety").hits
    assert hits
    assert all("worker_safety" in hit.card.tags for hit in hits)


def test_pages_of_results_follow_each_other(library: Library) -> None:
    whole = [hit.card.slug for hit in library.search("abuse", FOR_STAFF, limit=20).hits]
    parts = [
        hit.card.slug
        for offset in (0, 7, 14)
        for hit in library.search("abuse", FOR_STAFF, limit=7, offset=offset).hits
    ]
    assert parts[:20] == whole
    assert len(set(whole)) == 20


def test_questions_of_practitioners_are_answered(library: Library) -> None:
    """On the third that nothing was tuned on: both together at least 0.90, and better than either alone."""
    held_out = [one for one in read_questions() if one.part == "held_out"]
    score = {name: measure(find, held_out) for name, find in finders(library.index).items()}
    assert score["both"].recall >= LEAST_RECALL
    assert score["both"].recall > max(score["words"].recall, score["meaning"].recall)


@pytest.mark.parametrize("entries", [1, 300])
def test_in_a_large_library_the_rarest_words_decide(
    library: Library, monkeypatch: pytest.MonkeyPatch, entries: int
) -> None:
    """As if what one search may read were less, so that it is not enough for thirty articles."""
    monkeypatch.setattr(queries, "MOST_ENTRIES", entries)
    assert found(library, "the person and their partner and a tracker on the car")[0] == "stalking-by-partners"
    assert found(library, "Clare's law")[0] == "clares-law"


def test_an_empty_index_finds_nothing() -> None:
    assert search(Index(), "clare", FOR_STAFF).total == 0


@pytest.mark.parametrize(
    ("one", "other", "distance"), [("", "abc", 3), ("marca", "marac", 1), ("kitten", "sitting", 3), ("a", "a", 0)]
)
def test_edit_distance(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == distance


async def test_a_misspelt_word_of_a_secret_article_is_not_corrected(house: House) -> None:
    """A correction would tell that the word is there."""
    await house.publish("open-one", title="Open", markdown="Nothing special.")
    await house.publish("closed-one", title="Closed", markdown="Operation Zanzibar begins.", audience=Audience.ADVISORS)
    assert house.library.search("zanzibra", FOR_STAFF).suggestion == "zanzibar"
    for audiences in (FOR_ANYONE, FOR_VISITORS):
        results = house.library.search("zanzibra", audiences)
        assert (results.total, results.suggestion) == (0, None)
        assert house.library.search("zanzibar", audiences).total == 0


async def test_hostile_words_in_an_article_are_escaped_in_the_snippet(house: House) -> None:
    await house.publish("clares-law", title="<b>Clare</b>", markdown='Ask "them" <script>alert(1)</script> & wait')
    snippet = house.library.search("alert", FOR_ANYONE).hits[0].snippet
    assert "&lt;script&gt;<mark>alert</mark>(1)&lt;/script&gt; &amp; wait" in snippet
