"""The frames that clients send, parsed strictly, and the small ones that go back. No I/O.

A frame is one JSON object; `type` says which one it is (`t` is read and sent as the same). What cannot be understood is
BadFrame; text that cannot be stored is InvalidText, so that the person is told rather than the program.
"""

from typing import Annotated, Any

import msgspec

from core.clock import rfc3339
from core.errors import BadFrame, InvalidText, RateLimited, Refusal
from core.forms import decode_object, is_storable

SUBPROTOCOL = "advice.v1"
MOST_ID_CHARACTERS = 64
# Raised when our own scripts and this server no longer understand each other as before; pages that are open then
# are told to load themselves again as soon as OLDEST_BUILD follows.
BUILD = 1
OLDEST_BUILD = 1


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    after: dict[str, Any] | None = None
    epoch: str | None = None
    tab: str | int | None = None
    build: str | int | None = None


# Whatever way of writing it a client has; its answer carries the id as the client wrote it.
GivenId = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}\Z")]


class Say(msgspec.Struct, frozen=True, tag="say"):
    conversation: str
    id: GivenId
    text: str
    confirm: bool | None = None


class Typing(msgspec.Struct, frozen=True, tag="typing"):
    conversation: str


class Read(msgspec.Struct, frozen=True, tag="read"):
    conversation: str
    seq: int


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    pass


Frame = Hello | Say | Typing | Read | Ping

FRAMES: dict[str, type[Frame]] = {"hello": Hello, "say": Say, "typing": Typing, "read": Read, "ping": Ping}

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Hello | Say | Typing | Read | Ping)


def parse_text(text: str) -> Frame:
    """What the client wants. Raises BadFrame or InvalidText."""
    try:
        # Sound frames in one pass; what this does not take is looked at more closely, to say what is wrong with it.
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return parse_frame(parse_object(text))


def parse_frame(document: dict[str, Any]) -> Frame:
    """What the client wants. Raises BadFrame or InvalidText."""
    if not is_storable(document):
        raise InvalidText
    kind = document.get("type", document.get("t"))
    struct = FRAMES.get(kind) if isinstance(kind, str) else None
    if struct is None:
        raise BadFrame
    try:
        return msgspec.convert(document | {"type": kind}, struct)
    except msgspec.ValidationError:
        raise BadFrame from None


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object in a frame. Raises BadFrame."""
    try:
        return decode_object(text)
    except ValueError:
        raise BadFrame from None


def id_in(text: str) -> str | None:
    """The id that an answer to this frame carries, when the client gave one that can be said again."""
    try:
        given = parse_object(text).get("id")
    except BadFrame:
        return None
    return given[:MOST_ID_CHARACTERS] if isinstance(given, str) and is_storable(given) else None


def is_too_old(build: str | int | None) -> bool:
    """Whether a script says that it is of a build before the oldest one that is served. Other clients name what they like."""
    name = str(build)
    return name.isascii() and name.isdigit() and len(name) < 10 and int(name) < OLDEST_BUILD


class _Ack(msgspec.Struct, tag="ack"):
    conversation: str
    id: str
    seq: int
    at: str
    again: bool
    t: str = "ack"


def ack_frame(reference: str, given_id: str, seq: int, at_ms: int, *, again: bool) -> str:
    """`frame("ack", …)`, in half the time: every message has one."""
    return _encoder.encode(_Ack(reference, given_id, seq, rfc3339(at_ms), again)).decode()


def error_frame(refusal: Refusal, given_id: str | None) -> str:
    """Why something was not done, in words, with the id of what was asked for."""
    fields: dict[str, object] = {"code": refusal.code, "message": refusal.text}
    if given_id is not None:
        fields["id"] = given_id
    if isinstance(refusal, RateLimited):
        fields["retry_after_s"] = refusal.retry_after_s
    return frame("error", **fields)


def frame(kind: str, **fields: Any) -> str:
    """A frame of the server's, as text."""
    return _encoder.encode({"type": kind, "t": kind, **fields}).decode()
