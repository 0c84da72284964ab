"""One entry of a conversation's log, as values and as frames. No I/O."""

import hmac
import uuid
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chat.keys import place
from chat.words import HIDDEN_FROM_VISITOR, SYSTEM, VISITOR, Kind, Side
from core.clock import rfc3339
from core.crypto import DataKey

_encoder = msgspec.json.Encoder()
_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder(tuple[str, str, str, dict[str, Any]])


@dataclass(frozen=True, slots=True)
class Author:
    """`key` is `visitor`, `system` or an account id; `name` is what is shown, as it was at the time."""

    kind: Side
    key: str
    name: str


VISITOR_NAME = "Caller"
VISITOR_AUTHOR = Author(Side.VISITOR, VISITOR, VISITOR_NAME)
SYSTEM_AUTHOR = Author(Side.SYSTEM, SYSTEM, "Dutyline")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written; its number comes from the log."""

    kind: Kind
    author: Author
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    client_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What was written. `at_ms` is for display; order is `seq`."""

    conversation_id: int
    seq: int
    kind: Kind
    author: Author
    at_ms: int
    client_id: uuid.UUID | None
    text: str
    data: dict[str, Any]
    was: bytes | None = None
    """A keyed hash of the text that was redacted."""

    @property
    def hidden_from_visitor(self) -> bool:
        return self.kind in HIDDEN_FROM_VISITOR


def seal_event(event: Event, key: DataKey) -> bytes:
    data = event.data if event.was is None else event.data | {"was": event.was}
    plain = _packer.encode((event.text, event.author.kind, event.author.name, data))
    return key.seal(plain, place(event.conversation_id, event.seq, event.author.key))


def open_event(row: Any, key: DataKey) -> Event:
    """An event from a row with conversation_id, seq, kind, author, client_id, at_ms, sealed."""
    text, side, name, data = _unpacker.decode(key.open(row.sealed, place(row.conversation_id, row.seq, row.author)))
    return Event(
        conversation_id=row.conversation_id,
        seq=row.seq,
        kind=Kind(row.kind),
        author=Author(Side(side), row.author, name),
        at_ms=row.at_ms,
        client_id=uuid.UUID(row.client_id) if row.client_id else None,
        text=text,
        data=data,
        was=data.pop("was", None),
    )


def is_of(event: Event, entry: Entry, key: DataKey) -> bool:
    """Whether this is what was written as `entry`, its text removed since or not."""
    if event.kind is not entry.kind:
        return False
    if event.was is None:
        return event.text == entry.text
    return hmac.compare_digest(event.was, key.mac(entry.text.encode()))


class _AuthorFrame(msgspec.Struct):
    kind: str
    name: str


class _EventFrame(msgspec.Struct, tag="event"):
    conversation: str
    seq: int
    kind: str
    author: _AuthorFrame
    at: str
    id: uuid.UUID | None
    text: str
    data: dict[str, Any]
    t: str = "event"


def event_frame(reference: str, event: Event) -> str:
    """The whole event, for staff and, unless it is hidden, for the visitor."""
    author = event.author
    return _encoder.encode(
        _EventFrame(
            reference,
            event.seq,
            event.kind,
            _AuthorFrame(author.kind, author.name),
            rfc3339(event.at_ms),
            event.client_id,
            event.text,
            event.data,
        )
    ).decode()


def hidden_frame(reference: str, seq: int) -> str:
    """What a visitor gets for an event that is not theirs to see: its number, so that no gap shows."""
    return _encoder.encode(
        {"type": "event", "t": "event", "conversation": reference, "seq": seq, "kind": "hidden"}
    ).decode()
