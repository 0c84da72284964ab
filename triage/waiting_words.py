"""What a person in the line is told: the place in a sentence, and what closing means for those who wait. Pure.

The page and the frames say the same words, so that a page without scripts knows as much as one with them.
"""

from datetime import datetime, timedelta

from core.clock import LONDON
from triage.hours import OpenState, clock_words
from triage.wait import Range, place_words

ADVISOR_LOST = "We lost your advisor. You go ahead of the line."
CLOSES_SOON = timedelta(minutes=30)
AFTERWARDS = "After that, what you asked is kept as a question, and answered when we are open."


def place_sentence(position: int | None, wait: Range | None, *, requeued: bool = False) -> str:
    place = place_words(position, wait)
    return f"{ADVISOR_LOST} {place}" if requeued else place


def line_notice(state: OpenState, now: datetime, after_closing: timedelta) -> str | None:
    """What a supervisor says about the line, then what the hours mean for whoever waits; None when there is nothing to say."""
    told = [state.notice, _closing_words(state, now, after_closing)]
    return " ".join(one for one in told if one) or None


def _closing_words(state: OpenState, now: datetime, after_closing: timedelta) -> str:
    if state.open:
        if state.until is None or state.until - now > CLOSES_SOON:
            return ""
        return (
            f"We close at {_clock(state.until)}. You keep your place then: while one is here, an advisor may still take "
            f"you until {_clock(state.until + after_closing)}. {AFTERWARDS}"
        )
    if state.closed_since is None:
        return (
            "The line is closed to new enquiries. You keep your place, and are taken in turn while an advisor is here. "
            "If none is left, what you asked is kept as a question, and answered when we are open."
        )
    closed, until = f"We closed at {_clock(state.closed_since)}.", state.closed_since + after_closing
    if now >= until:
        return f"{closed} What you asked is being kept as a question, and answered when we are open."
    return f"{closed} You keep your place: an advisor may still take you until {_clock(until)}. {AFTERWARDS}"


def _clock(moment: datetime) -> str:
    local = moment.astimezone(LONDON)
    return clock_words(local.hour * 60 + local.minute)
