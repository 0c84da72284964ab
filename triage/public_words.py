"""What the public pages say about the line, in sentences. Pure."""

from dataclasses import dataclass
from datetime import datetime

from core.clock import LONDON
from triage.hours import OpenState, Timetable, clock_words, hours_in_words, opening_words
from triage.wait import Range, range_words


@dataclass(frozen=True, slots=True)
class LineWords:
    """The first thing on the first page."""

    open: bool
    sentence: str
    wait_sentence: str | None
    notice: str | None
    hours_today: str


def line_words(state: OpenState, timetable: Timetable, wait: Range | None, now: datetime) -> LineWords:
    local = now.astimezone(LONDON)
    return LineWords(
        open=state.open,
        sentence=_open_words(state) if state.open else _closed_words(state, timetable, now),
        wait_sentence=f"{range_words(wait)}' wait." if state.open and wait else None,
        notice=state.notice or None,
        hours_today=hours_in_words(timetable, local.date()),
    )


def _open_words(state: OpenState) -> str:
    if state.until is None:
        return "Open now."
    local = state.until.astimezone(LONDON)
    return f"Open now, until {clock_words(local.hour * 60 + local.minute)}."


def _closed_words(state: OpenState, timetable: Timetable, now: datetime) -> str:
    if not timetable.line_open:
        return "The line is closed to new enquiries for now."
    if state.opens_at is None:
        return "Closed."
    return f"Closed. Opens {opening_words(state.opens_at, now)}."
