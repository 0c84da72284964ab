"""Why this one is next, as it is stored with each offer and as people read it. No I/O, and nothing that anybody wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from triage.skills import skill_words
from triage.words import Urgency

URGENCY_WORDS: Mapping[str, str] = {
    Urgency.EMERGENCY: "Emergency",
    Urgency.SAME_DAY: "Same-day",
    Urgency.ROUTINE: "Routine",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """`ahead` counts who waits behind, by urgency. `is_skilled` is False when nobody with the skill could take it."""

    urgency: str
    waited_s: int
    ahead: dict[str, int] = field(default_factory=dict)
    requeued: bool = False
    skill: str | None = None
    is_skilled: bool = True


def to_json(reason: Reason) -> str:
    return msgspec.json.encode(reason).decode()


def from_json(text: str) -> Reason:
    return msgspec.json.decode(text, type=Reason)


def in_words(reason: Reason) -> str:
    """`Same-day, waiting 4 min; ahead of 2 routine.`"""
    parts = [f"{URGENCY_WORDS.get(reason.urgency, reason.urgency)}, {waiting_words(reason.waited_s)}"]
    if reason.requeued:
        parts.append("put back because the advisor was lost")
    behind = [
        f"{reason.ahead[urgency]} {URGENCY_WORDS[urgency].lower()}"
        for urgency in Urgency
        if urgency != reason.urgency and reason.ahead.get(urgency)
    ]
    if behind:
        parts.append(f"ahead of {' and '.join(behind)}")
    if reason.skill is not None:
        known = skill_words(reason.skill)
        parts.append(f"asks for {known}" if reason.is_skilled else f"asks for {known}, which nobody free has")
    return "; ".join(parts)


def waiting_words(waited_s: int) -> str:
    minutes = waited_s // 60
    if minutes < 1:
        return "just came"
    hours, rest = divmod(minutes, 60)
    return f"waiting {hours} h {rest} min" if hours else f"waiting {minutes} min"
