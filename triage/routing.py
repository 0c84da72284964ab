"""Who is offered whom: a pure function of the line, of those on duty, and of the time.

In the order of (sort_key, id) each conversation that nobody is considering is held out to the least loaded, then longest
idle, of those who may take it. Therefore nobody is offered while an earlier one that could be served waits, nobody gets
more than they said, and whoever passed a conversation on is not asked again for it while somebody else is there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from triage.reasons import Reason
from triage.skills import NO_SKILLS
from triage.words import Urgency

SKILL_WAIT = timedelta(minutes=5)
"""How long somebody waits for the skilled who are on duty but busy; an emergency does not wait."""

REST = timedelta(seconds=30)
NEVER = datetime.min.replace(tzinfo=UTC)
NO_PASSES: Mapping[str, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Waiting:
    """One in the line. `passed` tells who declined or missed it in this wait, and when last."""

    conversation_id: int
    urgency: str
    waiting_since: datetime
    sort_key: int
    requeued: bool = False
    skills: frozenset[str] = NO_SKILLS
    passed: Mapping[str, datetime] = field(default_factory=lambda: NO_PASSES)
    is_offered: bool = False


@dataclass(frozen=True, slots=True)
class Advisor:
    """One on duty, with room or without."""

    account_id: str
    active: int
    capacity: int
    idle_since: datetime | None = None
    skills: frozenset[str] = NO_SKILLS
    has_offer: bool = False

    @property
    def is_free(self) -> bool:
        return not self.has_offer and self.active < self.capacity


@dataclass(frozen=True, slots=True)
class Planned:
    conversation_id: int
    account_id: str
    reason: Reason


def plan(line: Sequence[Waiting], advisors: Sequence[Advisor], now: datetime, rest: timedelta = REST) -> list[Planned]:
    """The offers to make now."""
    free = sorted((one for one in advisors if one.is_free), key=_turn)
    if not free:
        return []
    behind = Counter(place.urgency for place in line)
    planned: list[Planned] = []
    for place in sorted(line, key=lambda one: (one.sort_key, one.conversation_id)):
        behind[place.urgency] -= 1
        if place.is_offered:
            continue
        chosen = next((one for one in _in_turn(place, free) if may_take(place, one, advisors, now, rest)), None)
        if chosen is None:
            continue
        free.remove(chosen)
        planned.append(Planned(place.conversation_id, chosen.account_id, _reason(place, chosen, behind, now)))
        if not free:
            break
    return planned


def may_take(
    place: Waiting, advisor: Advisor, on_duty: Sequence[Advisor], now: datetime, rest: timedelta = REST
) -> bool:
    """Whether this one may be offered to this advisor, room apart."""
    everybody_passed = bool(place.passed) and all(one.account_id in place.passed for one in on_duty)
    if advisor.account_id in place.passed and not (everybody_passed and now - place.passed[advisor.account_id] >= rest):
        return False
    if place.skills <= advisor.skills or not _waits_for_skill(place, now):
        return True
    return not any(place.skills <= one.skills and one.account_id not in place.passed for one in on_duty)


def _waits_for_skill(place: Waiting, now: datetime) -> bool:
    return place.urgency != Urgency.EMERGENCY and now - place.waiting_since < SKILL_WAIT


def _turn(advisor: Advisor) -> tuple[int, datetime, str]:
    return advisor.active, advisor.idle_since or NEVER, advisor.account_id


def _in_turn(place: Waiting, free: Sequence[Advisor]) -> Sequence[Advisor]:
    """The skilled first, for whom a skill is asked; else as they are."""
    if not place.skills:
        return free
    return sorted(free, key=lambda one: not place.skills <= one.skills)


def _reason(place: Waiting, advisor: Advisor, behind: Mapping[str, int], now: datetime) -> Reason:
    return Reason(
        urgency=place.urgency,
        waited_s=max(int((now - place.waiting_since).total_seconds()), 0),
        ahead={urgency: count for urgency, count in behind.items() if count},
        requeued=place.requeued,
        skill=min(place.skills, default=None),
        is_skilled=place.skills <= advisor.skills,
    )
