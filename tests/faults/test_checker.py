"""The checker finds what is planted in a history, and nothing in a good one."""

import random
from dataclasses import replace
from functools import partial

import pytest

from tests.faults import nemesis
from tests.faults.checker import Rule, check
from tests.faults.history import Answer, Heard, Injected, Message, Outcome, Run, Screen, Shown
from tests.faults.nemesis import Nemesis
from tests.faults.report import table

HERE, ELSEWHERE = "QK7F-4PDX", "M3N8-0TAB"
MARKS = {HERE: "zqmarkaaaaaaaaaa", ELSEWHERE: "zqmarkbbbbbbbbbb"}

ok = partial(Answer, Outcome.OK)
fail = partial(Answer, Outcome.FAIL)
unknown = partial(Answer, Outcome.UNKNOWN)


def said(number: int, *answers: Answer, sender: str = "Ada", text: str = "") -> Message:
    text = f"{MARKS[HERE]} {text or number}"
    return Message(HERE, sender, number, f"id-{number}", text, float(number), list(answers))


def line(seq: int, number: int, author: str = "visitor") -> Shown:
    return Shown(seq, "message", author, f"id-{number}", f"{MARKS[HERE]} {number}")


GOOD_LOG = [
    line(1, 1),
    Shown(2, "queued", "system"),
    line(3, 2),
    Shown(4, "note", "advisor", "", "staff only"),
    line(5, 3),
]
GOOD_MESSAGES = [
    said(1, ok(1.5, seq=1)),
    said(2, unknown(2.5), ok(2.9, seq=3), ok(3.1, seq=3)),
    said(3, ok(3.5, seq=5)),
]


def run_of(
    log: list[Shown] | None = None,
    messages: list[Message] | None = None,
    screens: list[Screen] | None = None,
    heard: frozenset[str] = frozenset({MARKS[HERE]}),
) -> Run:
    """A good run, but for what is given. Cora's screen follows the log; Ada's hides the note."""
    log = GOOD_LOG if log is None else log
    hidden = [Shown(line.seq, "hidden") if line.kind == "note" else line for line in log]
    if screens is None:
        screens = [Screen("Ada", HERE, True, hidden), Screen("Cora", HERE, False, list(log))]
    messages = GOOD_MESSAGES if messages is None else messages
    return Run(messages, screens, [Heard("Ada", frozenset({HERE}), heard)], {HERE: log}, MARKS)


def rules(run: Run) -> set[Rule]:
    return {finding.rule for finding in check(run)}


def test_nothing_in_a_good_history() -> None:
    assert check(run_of()) == []


def test_acknowledged_but_not_stored() -> None:
    assert rules(run_of(messages=[*GOOD_MESSAGES, said(4, ok(4.5, seq=6))])) == {Rule.LOST}


def test_a_conversation_that_is_gone() -> None:
    assert Rule.LOST in rules(replace(run_of(), stored={}))


def test_stored_twice() -> None:
    assert rules(run_of(log=[*GOOD_LOG, replace(line(6, 3), id="id-30")])) == {Rule.DOUBLED}


def test_one_id_stored_with_two_texts() -> None:
    other = replace(line(6, 4), id="id-3")
    assert rules(run_of([*GOOD_LOG, other], [*GOOD_MESSAGES, said(4, unknown(4.5), ok(4.6))])) == {
        Rule.DOUBLED,
        Rule.LOST,
    }


def test_one_id_of_two_senders() -> None:
    other = replace(line(6, 4, "advisor"), id="id-3")
    cora = replace(said(4, ok(4.6, seq=6), sender="Cora"), id="id-3")
    assert rules(run_of([*GOOD_LOG, other], [*GOOD_MESSAGES, cora])) == set()


def test_acknowledged_under_another_number() -> None:
    assert rules(run_of(messages=[*GOOD_MESSAGES[:2], said(3, ok(3.5, seq=4))])) == {Rule.MOVED}


def test_acknowledged_under_two_numbers() -> None:
    assert rules(run_of(messages=[*GOOD_MESSAGES[:2], said(3, ok(3.5, seq=5), ok(3.9, seq=6))])) == {Rule.TWO_NUMBERS}


def test_stored_under_another_id() -> None:
    log = [*GOOD_LOG[:4], replace(line(5, 3), id="id-99")]
    assert rules(run_of(log=log)) == {Rule.LOST}


def test_out_of_order() -> None:
    log = [line(1, 1), line(2, 3), line(3, 2)]
    messages = [said(1, ok(1.5, seq=1)), said(2, ok(2.5, seq=3)), said(3, ok(3.5, seq=2))]
    assert rules(run_of(log, messages)) == {Rule.ORDER}


def test_two_senders_may_overtake_each_other() -> None:
    log = [line(1, 1), line(2, 3, "advisor"), line(3, 2)]
    messages = [said(1, ok(1.5, seq=1)), said(2, ok(2.5, seq=3)), said(3, ok(3.5, seq=2), sender="Cora")]
    assert check(run_of(log, messages)) == []


def test_a_hole_in_the_numbers() -> None:
    log = [line(1, 1), line(2, 2), line(4, 3)]
    messages = [said(1, ok(1.5, seq=1)), said(2, ok(2.5, seq=2)), said(3, ok(3.5, seq=4))]
    assert rules(run_of(log, messages)) == {Rule.HOLE}


@pytest.mark.parametrize("kept", [0, 3], ids=["all", "the end"])
def test_a_screen_without(kept: int) -> None:
    assert rules(run_of(screens=[Screen("Cora", HERE, False, GOOD_LOG[:kept])])) == {Rule.SCREEN}


def test_a_screen_that_shows_something_twice() -> None:
    assert rules(run_of(screens=[Screen("Cora", HERE, False, [*GOOD_LOG, GOOD_LOG[-1]])])) == {Rule.SCREEN}


def test_a_note_on_the_screen_of_a_visitor() -> None:
    assert rules(run_of(screens=[Screen("Ada", HERE, True, list(GOOD_LOG))])) == {Rule.SCREEN}


def test_what_a_client_noticed() -> None:
    screen = Screen("Cora", HERE, False, list(GOOD_LOG), noticed=["5 came after 3"])
    assert rules(run_of(screens=[screen])) == {Rule.NOTICED}


def test_text_of_another_conversation_heard() -> None:
    assert rules(run_of(heard=frozenset(MARKS.values()))) == {Rule.FOREIGN}


def test_text_of_another_conversation_stored() -> None:
    stray = Shown(6, "message", "visitor", "id-6", f"{MARKS[ELSEWHERE]} 6")
    assert rules(run_of(log=[*GOOD_LOG, stray])) == {Rule.FOREIGN}


def test_stored_but_never_said() -> None:
    assert rules(run_of(log=[*GOOD_LOG, line(6, 6)])) == {Rule.UNSAID}


def test_refused_but_stored() -> None:
    assert rules(run_of(messages=[*GOOD_MESSAGES[:2], said(3, fail(3.5, code="ended"))])) == {Rule.REFUSED}


def test_refused_and_absent() -> None:
    assert check(run_of(messages=[*GOOD_MESSAGES, said(4, fail(4.5, code="too_long"))])) == []


@pytest.mark.parametrize("number", [3, 4], ids=["stored", "absent"])
def test_refused_after_a_doubt_may_be_either(number: int) -> None:
    """The first try may have been stored after all."""
    messages = [message for message in GOOD_MESSAGES if message.number != number]
    assert check(run_of(messages=[*messages, said(number, unknown(5.0), fail(5.5, code="ended"))])) == []


@pytest.mark.parametrize("answers", [(), (unknown(4.5, code="unavailable"),)], ids=["not at all", "with a doubt"])
def test_never_answered(answers: tuple[Answer, ...]) -> None:
    assert rules(run_of(messages=[*GOOD_MESSAGES, said(4, *answers)])) == {Rule.UNANSWERED}


async def test_a_seed_repeats_its_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same order, each with the same choices."""
    monkeypatch.setattr(nemesis, "CALM_S", (0.0, 0.0))

    async def struck(seed: int) -> list[tuple[str, float]]:
        done: list[tuple[str, float]] = []

        async def strike(name: str, rng: random.Random) -> None:
            done.append((name, rng.random()))

        faults = {name: partial(strike, name) for name in ("killed", "frozen", "flushed", "cut", "full")}
        await Nemesis(faults, random.Random(seed), lambda _: []).rage(0, spare_none=True)
        return done

    assert await struck(7) == await struck(7) != await struck(8)


def test_the_table_counts_by_fault() -> None:
    messages = [said(1, ok(1.5, seq=1)), said(2, ok(6.0, seq=3)), said(3, ok(6.5, seq=9))]
    faults = [
        Injected("Redis killed", 1.2, 1.9),
        Injected("process killed", 2.5, 5.5),
        Injected("process killed", 6.2, 7),
    ]
    shown_at = {messages[1].text: 7.5}
    screens = [Screen("Cora", HERE, False, list(GOOD_LOG), shown_at=shown_at)]
    run = replace(run_of(messages=messages, screens=screens), faults=faults)
    rows = [row.split() for row in table(run, check(run)).splitlines()[1:]]
    assert rows == [
        ["Redis", "killed", "1", "1", "0", "0", "0", "0.5", "0.0"],
        ["process", "killed", "2", "2", "0", "0", "0", "4.0", "1.5"],
    ]
