"""Which articles fit a conversation, and why."""

import pytest

from knowledge.suggest import FLAG_WORDS, Case
from knowledge.words import FOR_ANYONE, FOR_STAFF, FOR_VISITORS, Audience
from tests.knowledge.house import House


@pytest.fixture
async def samples(house: House) -> House:
    await house.import_samples()
    return house


def slugs(house: House, case: Case, **more: object) -> list[str]:
    return [one.slug for one in house.library.suggest(case, FOR_STAFF, **more)]  # type: ignore[arg-type]  # leave_out, limit


async def test_the_question_finds_and_says_why(samples: House) -> None:
    case = Case(
        topic="orders_and_disclosure", question="Can I ask the police whether he has hurt somebody before? Clare's Law?"
    )
    first = samples.library.suggest(case, FOR_VISITORS)[0]
    assert first.slug == "clares-law"
    assert "clare law" in first.why
    assert "Topic: Orders and disclosure" in first.why
    assert first.version == 1


async def test_the_last_message_counts_most(samples: House) -> None:
    marac, throat = "Would that go to MARAC?", "He put his hands round her throat last night."
    assert slugs(samples, Case(messages=(throat, marac)))[0] == "referring-to-marac"
    assert slugs(samples, Case(messages=(marac, throat)))[0] == "non-fatal-strangulation"


async def test_what_was_said_long_before_still_counts(samples: House) -> None:
    """When the last messages say nothing of the matter."""
    throat, later = "He put his hands round her throat last night.", ("Yes, that is right.", "One moment please.") * 5
    assert "non-fatal-strangulation" in slugs(samples, Case(messages=(throat, *later)))
    assert "non-fatal-strangulation" not in slugs(samples, Case(messages=later))


@pytest.mark.parametrize(
    ("flag", "slug"),
    [
        ("strangulation", "non-fatal-strangulation"),
        ("stalking", "stalking-by-partners"),
        ("suicide_threats", "suicide-and-homicide-risk"),
        ("child_at_serious_risk", "children-when-to-refer"),
    ],
)
async def test_a_ticked_flag_brings_its_article(samples: House, flag: str, slug: str) -> None:
    assert flag in FLAG_WORDS
    assert slug in slugs(
        samples, Case(topic="recognising_risk", risk_flags=(flag,), question="What should I do next week?")
    )


async def test_three_at_most_and_none_that_was_dismissed(samples: House) -> None:
    case = Case(question="Should I refer to MARAC or MAPPA?")
    first = slugs(samples, case)
    assert len(first) == 3
    then = slugs(samples, case, leave_out=frozenset(first))
    assert not set(first) & set(then)


async def test_nothing_is_suggested_for_nothing(samples: House) -> None:
    assert slugs(samples, Case()) == []
    assert slugs(samples, Case(question="🙂", messages=("!!!",))) == []


@pytest.mark.parametrize("audiences", [FOR_ANYONE, FOR_VISITORS])
async def test_staff_articles_are_suggested_to_staff_only(samples: House, audiences: frozenset[Audience]) -> None:
    case = Case(question="serial perpetrator, high harm, the Drive approach, disruption without engagement")
    assert "serial-and-high-harm" in slugs(samples, case)
    shown = [one.slug for one in samples.library.suggest(case, audiences, limit=50)]
    assert "serial-and-high-harm" not in shown


async def test_a_withdrawn_article_is_not_suggested(samples: House) -> None:
    case = Case(question="Clare's Law")
    assert slugs(samples, case)[0] == "clares-law"
    await samples.withdraw("clares-law", "Being rewritten.")
    assert "clares-law" not in slugs(samples, case, limit=50)


async def test_ten_thousand_characters_are_no_trouble(samples: House) -> None:
    assert slugs(samples, Case(question="marac " * 2_000, messages=("x" * 4_000,) * 50))[0] == "referring-to-marac"
