"""Events as pages show them: the same words as the browser's script uses for what arrives later."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from chat.events import Author, Event
from chat.words import HIDDEN_FROM_VISITOR, Kind, Side
from core.clock import from_ms

REMOVED = "This message was removed."

LINES: dict[Kind, str] = {
    Kind.QUEUED: "Joined the line.",
    Kind.JOINED: "{name} joined.",
    Kind.LEFT: "{name} left.",
    Kind.TRANSFERRED: "The conversation was handed over.",
    Kind.REQUEUED: "The conversation went back to the front of the line.",
    Kind.REDACTED: "A message was removed.",
    Kind.ENDED: "The conversation ended.",
}


@dataclass(frozen=True, slots=True)
class EntryView:
    """What templates/macros/log.html draws."""

    seq: int
    kind: Kind
    author: Author
    at: datetime
    id: str | None
    text: str
    data: dict[str, Any]


def entry_views(events: Iterable[Event], *, for_visitor: bool) -> list[EntryView]:
    return [_view(event) for event in events if not (for_visitor and event.kind in HIDDEN_FROM_VISITOR)]


COMES_OR_GOES = (Kind.JOINED, Kind.LEFT, Kind.TRANSFERRED, Kind.REQUEUED)


def names_of_present(events: Iterable[Event]) -> list[str]:
    """Who is there for the visitor after these events, in order: the advisor first, then who joined them."""
    names: list[str] = []
    for event in events:
        name = event.author.name
        match event.kind:
            case Kind.JOINED if name not in names:
                names.append(name)
            case Kind.LEFT if event.author.kind is Side.ADVISOR and name in names:
                names.remove(name)
            case Kind.TRANSFERRED | Kind.REQUEUED:
                # Whoever was asked in stays; the first of them was the advisor.
                next_one = event.data.get("name")
                names = [one for one in names[1:] if one != next_one]
                if next_one:
                    names.insert(0, next_one)
    return names


def line_of(event: Event) -> str:
    """What stands for an event: what was written, or the words of its kind. Of what was removed only that it was."""
    if event.data.get("redacted") is True:
        return REMOVED
    return event.text or LINES.get(event.kind, "").format(name=event.author.name)


def _view(event: Event) -> EntryView:
    data = event.data
    if event.kind is Kind.ARTICLE:
        checked_on = data.get("checked_on")
        data = data | {
            "language": data.get("language", "en"),
            "freshness": data.get("freshness", "current"),
            "checked_on": date.fromisoformat(checked_on) if checked_on else None,
        }
    return EntryView(
        seq=event.seq,
        kind=event.kind,
        author=event.author,
        at=from_ms(event.at_ms),
        id=str(event.client_id) if event.client_id else None,
        text=line_of(event),
        data=data,
    )
