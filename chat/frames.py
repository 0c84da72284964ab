"""The frames that clients send, parsed strictly, and the small ones that go back. No I/O.

A frame is one JSON object; `type` says which one it is (`t` is read and sent as the same). What cannot be understood is
BadFrame; text that cannot be stored is InvalidText, so that the person is told rather than the program.
"""

import uuid
from typing import Any

import msgspec

from core.errors import BadFrame, InvalidText
from core.forms import decode_object, is_storable

SUBPROTOCOL = "advice.v1"
MOST_ID_CHARACTERS = 64
# Raised when our own scripts and this server no longer understand each other as before; pages that are open then
# are told to load themselves again as soon as OLDEST_BUILD follows.
BUILD = 1
OLDEST_BUILD = 1


class Hello(msgspec.Struct, frozen=True):
    after: dict[str, Any] = {}
    epoch: str | None = None
    tab: str | None = None
    build: str | None = None


class Say(msgspec.Struct, frozen=True):
    conversation: str
    id: uuid.UUID
    text: str
    confirm: bool = False


class Typing(msgspec.Struct, frozen=True):
    conversation: str


class Read(msgspec.Struct, frozen=True):
    conversation: str
    seq: int


class Ping(msgspec.Struct, frozen=True):
    pass


Frame = Hello | Say | Typing | Read | Ping

FRAMES: dict[str, type[Frame]] = {"hello": Hello, "say": Say, "typing": Typing, "read": Read, "ping": Ping}

_encoder = msgspec.json.Encoder()


def parse_frame(document: dict[str, Any]) -> Frame:
    """What the client wants. Raises BadFrame or InvalidText."""
    if not is_storable(document):
        raise InvalidText
    kind = document.get("type", document.get("t"))
    struct = FRAMES.get(kind) if isinstance(kind, str) else None
    if struct is None:
        raise BadFrame
    try:
        return msgspec.convert(document, struct)
    except msgspec.ValidationError:
        raise BadFrame from None


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object in a frame. Raises BadFrame."""
    try:
        return decode_object(text)
    except ValueError:
        raise BadFrame from None


def id_of(document: dict[str, Any]) -> str | None:
    """The id that an answer to this frame carries, when the client gave one that can be said again."""
    given = document.get("id")
    return given[:MOST_ID_CHARACTERS] if isinstance(given, str) and is_storable(given) else None


def is_too_old(build: str | None) -> bool:
    """Whether a script says that it is of a build before the oldest one that is served. Other clients name what they like."""
    return build is not None and build.isascii() and build.isdigit() and len(build) < 10 and int(build) < OLDEST_BUILD


def frame(kind: str, **fields: Any) -> str:
    """A frame of the server's, as text."""
    return _encoder.encode({"type": kind, "t": kind, **fields}).decode()
