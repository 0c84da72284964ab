"""Who is offered whom, as a pure function: order, starvation, capacity, skills, and whom not to ask again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from triage.reasons import Reason, from_json, in_words, to_json
from triage.routing import REST, SKILL_WAIT, Advisor, Planned, Waiting, may_take, plan
from triage.urgency import sort_key
from triage.words import Urgency

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WELSH = frozenset({"welsh"})
ACCOUNTS = ("cora", "dev", "eli", "fay", "gwen")


def waits(number: int, minutes: float = 0, urgency: Urgency = Urgency.ROUTINE, **more: object) -> Waiting:
    since = NOON - timedelta(minutes=minutes)
    return Waiting(number, urgency, since, sort_key(since, urgency), **more)  # type: ignore[arg-type]  # of one test each


def on_duty(account_id: str, active: int = 0, capacity: int = 2, **more: object) -> Advisor:
    return Advisor(account_id, active, capacity, **more)  # type: ignore[arg-type]  # of one test each


def pairs(planned: list[Planned]) -> list[tuple[int, str]]:
    return [(one.conversation_id, one.account_id) for one in planned]


def test_the_front_goes_to_the_least_loaded() -> None:
    line = [waits(1, 5), waits(2, 10)]
    assert pairs(plan(line, [on_duty("cora", 1), on_duty("dev", 0)], NOON)) == [(2, "dev"), (1, "cora")]


def test_of_the_least_loaded_the_longest_idle_comes_first() -> None:
    rested = on_duty("dev", idle_since=NOON - timedelta(minutes=9))
    busy = on_duty("cora", idle_since=NOON - timedelta(minutes=1))
    assert pairs(plan([waits(1)], [busy, rested], NOON)) == [(1, "dev")]


def test_who_never_took_anything_is_the_longest_idle() -> None:
    advisors = [on_duty("cora", idle_since=NOON - timedelta(days=1)), on_duty("dev")]
    assert pairs(plan([waits(1)], advisors, NOON)) == [(1, "dev")]


def test_urgency_goes_ahead_until_it_is_outwaited() -> None:
    one = [on_duty("cora")]
    assert pairs(plan([waits(1, 29), waits(2, 0, Urgency.SAME_DAY)], one, NOON)) == [(2, "cora")]
    assert pairs(plan([waits(1, 31), waits(2, 0, Urgency.SAME_DAY)], one, NOON)) == [(1, "cora")]


def test_nobody_is_asked_who_is_full_or_is_being_asked() -> None:
    advisors = [on_duty("cora", 2), on_duty("dev", has_offer=True)]
    assert plan([waits(1)], advisors, NOON) == []


def test_what_is_held_out_already_is_left_alone() -> None:
    line = [waits(1, 10, is_offered=True), waits(2, 5)]
    assert pairs(plan(line, [on_duty("cora")], NOON)) == [(2, "cora")]


def test_who_passed_it_on_is_not_asked_while_a_colleague_is_there() -> None:
    line = [waits(1, passed={"cora": NOON})]
    assert pairs(plan(line, [on_duty("cora"), on_duty("dev", 1)], NOON)) == [(1, "dev")]
    # A colleague who is full may have room soon; to ask the same person again would only cost time.
    assert plan(line, [on_duty("cora"), on_duty("dev", 2)], NOON + REST) == []


def test_when_everybody_passed_it_on_they_are_asked_again_after_a_rest() -> None:
    line, advisors = [waits(1, passed={"cora": NOON})], [on_duty("cora")]
    assert plan(line, advisors, NOON + REST - timedelta(seconds=1)) == []
    assert pairs(plan(line, advisors, NOON + REST)) == [(1, "cora")]


def test_a_skill_is_looked_for_and_not_waited_for_without_end() -> None:
    speaks, does_not = on_duty("gwen", 1, skills=WELSH), on_duty("cora")
    assert pairs(plan([waits(1, skills=WELSH)], [does_not, speaks], NOON)) == [(1, "gwen")]
    full = on_duty("gwen", 2, skills=WELSH)
    assert plan([waits(1, skills=WELSH)], [does_not, full], NOON) == []
    patient = SKILL_WAIT.total_seconds() / 60
    assert pairs(plan([waits(1, patient, skills=WELSH)], [does_not, full], NOON)) == [(1, "cora")]


def test_a_skill_that_nobody_on_duty_has_is_no_obstacle() -> None:
    planned = plan([waits(1, skills=WELSH)], [on_duty("cora")], NOON)
    assert pairs(planned) == [(1, "cora")]
    assert planned[0].reason.is_skilled is False


def test_an_emergency_waits_for_no_skill() -> None:
    line = [waits(1, 0, Urgency.EMERGENCY, skills=WELSH)]
    assert pairs(plan(line, [on_duty("cora"), on_duty("gwen", 2, skills=WELSH)], NOON)) == [(1, "cora")]


def test_the_reason_is_kept_and_told_in_words() -> None:
    line = [waits(1, 4, Urgency.SAME_DAY), waits(2, 9), waits(3, 2)]
    reason = plan(line, [on_duty("cora")], NOON)[0].reason
    assert in_words(reason) == "Same-day, waiting 4 min; ahead of 2 routine"
    assert from_json(to_json(reason)) == reason


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason("routine", 59), "Routine, just came"),
        (Reason("routine", 3_900, {"routine": 7}), "Routine, waiting 1 h 5 min"),
        (
            Reason("emergency", 60, {"same_day": 1, "routine": 2}),
            "Emergency, waiting 1 min; ahead of 1 same-day and 2 routine",
        ),
        (Reason("routine", 120, requeued=True), "Routine, waiting 2 min; put back because the advisor was lost"),
        (Reason("routine", 120, skill="welsh"), "Routine, waiting 2 min; asks for Welsh"),
        (
            Reason("routine", 120, skill="welsh", is_skilled=False),
            "Routine, waiting 2 min; asks for Welsh, which nobody free has",
        ),
    ],
)
def test_reasons_in_words(reason: Reason, words: str) -> None:
    assert in_words(reason) == words


passes = st.dictionaries(st.sampled_from(ACCOUNTS), st.integers(0, 120).map(lambda s: NOON - timedelta(seconds=s)))
lines = st.lists(
    st.builds(
        lambda minutes, urgency, skills, passed, offered: (minutes, urgency, skills, passed, offered),
        st.floats(0, 90),
        st.sampled_from(Urgency),
        st.sampled_from([frozenset(), WELSH]),
        passes,
        st.booleans(),
    ),
    max_size=12,
).map(
    lambda rows: [
        waits(number, minutes, urgency, skills=skills, passed=passed, is_offered=offered)
        for number, (minutes, urgency, skills, passed, offered) in enumerate(rows, start=1)
    ]
)
duties = st.lists(
    st.builds(
        Advisor,
        st.sampled_from(ACCOUNTS),
        st.integers(0, 4),
        st.integers(1, 4),
        st.none() | st.integers(0, 90).map(lambda m: NOON - timedelta(minutes=m)),
        st.sampled_from([frozenset(), WELSH]),
        st.booleans(),
    ),
    unique_by=lambda one: one.account_id,
)


@given(lines, duties)
def test_nobody_is_overtaken_who_could_be_served(line: list[Waiting], advisors: list[Advisor]) -> None:
    """G8: whoever is passed over has a larger key, or could not be served by the advisor who took somebody behind them."""
    planned = plan(line, advisors, NOON)
    places = {place.conversation_id: place for place in line}
    offered = {one.conversation_id for one in planned}
    for one in planned:
        key = (places[one.conversation_id].sort_key, one.conversation_id)
        advisor = next(who for who in advisors if who.account_id == one.account_id)
        for place in line:
            is_passed_over = place.conversation_id not in offered and not place.is_offered
            if is_passed_over and (place.sort_key, place.conversation_id) < key:
                assert not may_take(place, advisor, advisors, NOON)


@given(lines, duties)
def test_an_offer_is_one_to_one_within_capacity_and_allowed(line: list[Waiting], advisors: list[Advisor]) -> None:
    planned = plan(line, advisors, NOON)
    by_account = {one.account_id: one for one in advisors}
    assert len({one.account_id for one in planned}) == len({one.conversation_id for one in planned}) == len(planned)
    for one in planned:
        place = next(place for place in line if place.conversation_id == one.conversation_id)
        advisor = by_account[one.account_id]
        assert not place.is_offered
        assert not advisor.has_offer
        assert advisor.active < advisor.capacity
        assert may_take(place, advisor, advisors, NOON)


@given(lines, duties)
def test_nobody_waits_for_an_advisor_who_is_free_and_may(line: list[Waiting], advisors: list[Advisor]) -> None:
    planned = plan(line, advisors, NOON)
    offered, asked = {one.conversation_id for one in planned}, {one.account_id for one in planned}
    left = [place for place in line if place.conversation_id not in offered and not place.is_offered]
    free = [one for one in advisors if one.is_free and one.account_id not in asked]
    assert not [(place, one) for place in left for one in free if may_take(place, one, advisors, NOON)]


@given(lines, duties, st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(line: list[Waiting], advisors: list[Advisor], chance: object) -> None:
    shuffled = list(line)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert plan(shuffled, list(reversed(advisors)), NOON) == plan(line, advisors, NOON)


class LineOverTime(RuleBasedStateMachine):
    """People come, are offered, accepted, passed on, put back; time goes on. Nobody who could be served is overtaken."""

    @initialize()
    def open_line(self) -> None:
        self.now = NOON
        self.line: dict[int, Waiting] = {}
        self.held_out: dict[int, str] = {}
        self.duty: dict[str, Advisor] = {name: on_duty(name) for name in ACCOUNTS[:3]}
        self.count = 0

    @rule(urgency=st.sampled_from(Urgency), skills=st.sampled_from([frozenset(), WELSH]), requeued=st.booleans())
    def arrive(self, urgency: Urgency, skills: frozenset[str], requeued: bool) -> None:
        self.count += 1
        key = sort_key(self.now, urgency, requeued=requeued)
        self.line[self.count] = Waiting(self.count, urgency, self.now, key, requeued, skills)

    @rule(seconds=st.integers(1, 1_200))
    def go_on(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def route(self) -> None:
        line = [self._as_seen(place) for place in self.line.values()]
        advisors = [self._advisor(name) for name in self.duty]
        planned = plan(line, advisors, self.now)
        offered = {one.conversation_id for one in planned}
        for one in planned:
            taken = self.line[one.conversation_id]
            for place in line:
                is_before = (place.sort_key, place.conversation_id) < (taken.sort_key, taken.conversation_id)
                if place.conversation_id not in offered and not place.is_offered and is_before:
                    assert not may_take(place, self._advisor(one.account_id), advisors, self.now)
        for one in planned:
            self.held_out[one.conversation_id] = one.account_id

    @precondition(lambda self: self.line)
    @rule(data=st.data(), urgency=st.sampled_from(Urgency))
    def regrade(self, data: st.DataObject, urgency: Urgency) -> None:
        number = data.draw(st.sampled_from(sorted(self.line)))
        before = self.line[number]
        key = sort_key(before.waiting_since, urgency, requeued=before.requeued)
        self.line[number] = replace(before, urgency=urgency, sort_key=key)

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.line)))
        del self.line[number]
        self.held_out.pop(number, None)

    @precondition(lambda self: any(one.active for one in self.duty.values()))
    @rule(data=st.data())
    def lose_an_advisor(self, data: st.DataObject) -> None:
        """Who has somebody is gone: that one goes ahead, asked of anybody again."""
        name = data.draw(st.sampled_from(sorted(name for name, one in self.duty.items() if one.active)))
        before = self.duty[name]
        self.duty[name] = replace(before, active=before.active - 1)
        self.count += 1
        since = self.now - timedelta(minutes=10)
        key = sort_key(since, Urgency.ROUTINE, requeued=True)
        self.line[self.count] = Waiting(self.count, Urgency.ROUTINE, since, key, requeued=True)

    @precondition(lambda self: self.held_out)
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.held_out)))
        name = self.held_out.pop(number)
        del self.line[number]
        before = self.duty[name]
        self.duty[name] = on_duty(name, before.active + 1, before.capacity, idle_since=self.now)

    @precondition(lambda self: self.held_out)
    @rule(data=st.data())
    def pass_on(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.held_out)))
        name = self.held_out.pop(number)
        before = self.line[number]
        self.line[number] = Waiting(
            before.conversation_id,
            before.urgency,
            before.waiting_since,
            before.sort_key,
            before.requeued,
            before.skills,
            {**before.passed, name: self.now},
        )

    @rule(name=st.sampled_from(ACCOUNTS[:3]))
    def finish(self, name: str) -> None:
        before = self.duty[name]
        self.duty[name] = on_duty(name, max(before.active - 1, 0), before.capacity, idle_since=before.idle_since)

    @invariant()
    def nobody_holds_more_than_they_said(self) -> None:
        for name, advisor in getattr(self, "duty", {}).items():
            held_out = list(self.held_out.values()).count(name)
            assert held_out <= 1
            assert advisor.active <= advisor.capacity

    def _as_seen(self, place: Waiting) -> Waiting:
        return Waiting(
            place.conversation_id,
            place.urgency,
            place.waiting_since,
            place.sort_key,
            place.requeued,
            place.skills,
            place.passed,
            place.conversation_id in self.held_out,
        )

    def _advisor(self, name: str) -> Advisor:
        known = self.duty[name]
        has_offer = name in self.held_out.values()
        return Advisor(name, known.active, known.capacity, known.idle_since, known.skills, has_offer)

    def teardown(self) -> None:
        """Nobody starves: with one advisor who takes all they are offered, and nobody new, everybody's turn comes."""
        advisor = on_duty("hal", skills=WELSH)
        left = [replace(place, is_offered=False, passed={}) for place in getattr(self, "line", {}).values()]
        keys = []
        while left:
            (one,) = plan(left, [advisor], self.now)
            taken = next(place for place in left if place.conversation_id == one.conversation_id)
            keys.append((taken.sort_key, taken.conversation_id))
            left.remove(taken)
        assert keys == sorted(keys)


TestLineOverTime = LineOverTime.TestCase


@given(st.sampled_from(Urgency), st.integers(0, 3_600))
def test_nobody_is_overtaken_for_longer_than_the_bonus(urgency: Urgency, early_s: int) -> None:
    """A key never moves: whoever comes later than the other's bonus comes after, so the wait of the least urgent has an end."""
    routine = sort_key(NOON, Urgency.ROUTINE)
    bonus = timedelta(milliseconds=routine - sort_key(NOON, urgency))
    assert sort_key(NOON + bonus + timedelta(seconds=1 + early_s), urgency) > routine
    assert sort_key(NOON + bonus - timedelta(seconds=1), urgency) < routine
