"""A stretch of a log, as one page shows it. However long the conversation, a page costs the same.

The newest stretch by itself; with `?before=SEQ`, the one that ends before that number.
"""

from dataclasses import dataclass

from chat.events import Event
from chat.log import PAGE, Log


@dataclass(frozen=True, slots=True)
class Stretch:
    """`earlier` is what the link to the stretch before this one says; None at the beginning of the log."""

    events: list[Event]
    earlier: int | None


async def read_stretch(log: Log, conversation_id: int, last_seq: int, before: int | None = None) -> Stretch:
    top = last_seq if before is None else min(last_seq, before - 1)
    after = max(0, top - PAGE)
    events = await log.read(conversation_id, after, limit=top - after) if top > after else []
    return Stretch(events, after + 1 if after else None)


def parse_before(text: str | None) -> int | None:
    """The number in `?before=`; whatever is none asks for the newest stretch."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        return None
    return int(text)
