"""The frames that clients send, parsed strictly, and the small ones that go back. No I/O.

A frame is one JSON object; `type` says which one it is (`t` is read and sent as the same). What cannot be understood is
BadFrame; text that cannot be stored is InvalidText, so that the person is told rather than the program.
"""

import json
import uuid
from typing import Any

import msgspec

from core.errors import BadFrame, InvalidText

SUBPROTOCOL = "advice.v1"
MOST_FRAME_BYTES = 65_536


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


def parse_frame(text: str) -> tuple[Frame, Any]:
    """The frame, and the `id` it carries, if any. Raises BadFrame or InvalidText."""
    document = parse_object(text)
    kind = document.get("type", document.get("t"))
    struct = FRAMES.get(kind) if isinstance(kind, str) else None
    if struct is None:
        raise BadFrame
    try:
        return msgspec.convert(document, struct), document.get("id")
    except msgspec.ValidationError:
        raise BadFrame from None


def parse_object(text: str | bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise (InvalidText if _has_lone_surrogate(text) else BadFrame) from None
    if not isinstance(document, dict):
        raise BadFrame
    return document


def frame(kind: str, **fields: Any) -> str:
    """A frame of the server's, as text."""
    return _encoder.encode({"type": kind, "t": kind, **fields}).decode()


def _has_lone_surrogate(text: str | bytes) -> bool:
    """msgspec refuses half a surrogate pair as broken JSON; to the person it is a character that cannot be stored."""
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False
