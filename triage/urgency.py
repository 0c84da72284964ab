"""Answers of an enquiry to its place in the line: a pure table, and the sort key.

The urgency orders the line and nothing else. It is no assessment of risk, and no page may call a case low-risk by it.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from core.clock import to_ms
from triage.words import NO_RISK_FLAGS, Urgency

BONUS: Mapping[Urgency, timedelta] = {
    Urgency.EMERGENCY: timedelta(hours=24),
    Urgency.SAME_DAY: timedelta(minutes=30),
    Urgency.ROUTINE: timedelta(),
}

REQUEUED_BONUS = timedelta(hours=12)
"""On top, for whoever is put back because the advisor was lost."""


def grade(immediate_danger: str, deadline: str, risk_flags: Collection[str]) -> Urgency:
    if immediate_danger == "yes":
        return Urgency.EMERGENCY
    if deadline == "today" or any(flag not in NO_RISK_FLAGS for flag in risk_flags):
        return Urgency.SAME_DAY
    return Urgency.ROUTINE


def sort_key(
    waiting_since: datetime, urgency: Urgency, bonus: Mapping[Urgency, timedelta] = BONUS, *, requeued: bool = False
) -> int:
    """Smaller is earlier. It never changes while somebody waits, so nobody starves and the place is a rank."""
    ahead = bonus[urgency] + (REQUEUED_BONUS if requeued else timedelta())
    return to_ms(waiting_since - ahead)
