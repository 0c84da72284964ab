"""Bodies of requests: read once, within limits, decoded strictly, and never a 500.

A form must be a form and whole, JSON must be JSON, text must be UTF-8. What cannot be read is refused with the status and
words for it before any page sees it. A NUL never gets past here: the form is read without it, and says which fields held one.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from core.errors import InvalidText

MOST_FIELDS = 200
MOST_FIELD_BYTES = 1_000_000

FORM_TYPE = "application/x-www-form-urlencoded"
MULTIPART_TYPE = "multipart/form-data"
JSON_TYPE = "application/json"

_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


def content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(request: Request) -> bool:
    return content_type(request) == JSON_TYPE


REMOVED = "This held characters that cannot be stored. They are removed below: check it and send it again."
NOT_READABLE = (
    "The form could not be read: part of it is missing, or it is not UTF-8 text. Nothing was stored. Go back: what you"
    " typed should still be there. Send it again; if you pasted text, paste it again as plain text first."
)


class Form(FormData):
    """A posted form without the NULs that no database stores; `unstorable` names the fields that held one."""

    def __init__(self, pairs: Iterable[tuple[str, str | UploadFile]] = ()) -> None:
        found = list(pairs)
        super().__init__([(name, _without_nul(value)) for name, value in found])
        self.unstorable = frozenset(name for name, value in found if isinstance(value, str) and "\0" in value)


async def read_form(request: Request, most_files: int = 0, *, may_be_nothing: bool = False) -> Form:
    """The posted form. 415 for another content type, 400 for what cannot be decoded or is cut short.

    Whoever reads a form with files closes it. With `may_be_nothing` no body is an empty form, whatever a client's library
    says that it is.
    """
    if may_be_nothing and not await request.body():
        return Form()
    kind = content_type(request)
    if kind == MULTIPART_TYPE:
        return await _read_parts(request, most_files)
    if kind == FORM_TYPE:
        return Form(_decode_pairs(await request.body()))
    if kind == "" and not await request.body():
        return Form()
    raise HTTPException(415, "This page takes a form.")


async def _read_parts(request: Request, most_files: int) -> Form:
    # A file that no page asked for is refused before it is written anywhere.
    limits: dict[str, int] = {"max_fields": MOST_FIELDS, "max_files": most_files, "max_part_size": MOST_FIELD_BYTES}
    parser = WholeParts(request.headers, request.stream(), **limits)
    try:
        form = await parser.parse()
    except MultiPartException:
        raise HTTPException(400, NOT_READABLE) from None
    if not parser.is_whole:
        await form.close()
        raise HTTPException(400, NOT_READABLE)
    return Form(form.multi_items())


class WholeParts(MultiPartParser):
    """Starlette's, which takes what is not UTF-8 for Latin-1, and a body that was cut for one that has ended."""

    is_whole = False

    def on_part_end(self) -> None:
        part = self._current_part
        if part.file is None:
            try:
                # The field's name stands in the disposition.
                (part.content_disposition or b"").decode()
                self.items.append((part.field_name, part.data.decode()))
            except UnicodeDecodeError:
                raise MultiPartException("not UTF-8") from None
        else:
            super().on_part_end()

    def on_end(self) -> None:
        self.is_whole = True


async def read_json(request: Request, *, may_be_nothing: bool = False) -> dict[str, Any]:
    """The posted JSON object, or with `may_be_nothing` no body at all; 400 `invalid_json` for anything else.

    Raises InvalidText for half of a surrogate pair.
    """
    body = await request.body()
    if may_be_nothing and not body:
        return {}
    try:
        document = decode_object(body)
    except ValueError:
        raise HTTPException(400, "invalid_json") from None
    if not is_storable(document):
        raise InvalidText
    return document


def decode_object(text: str | bytes) -> dict[str, Any]:
    """A JSON object, which may hold half of a surrogate pair (see `is_storable`). ValueError for anything else."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = _decode_half_pairs(text)
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    return document


def is_storable(document: object) -> bool:
    """Whether everything in it can be written as UTF-8."""
    try:
        msgspec.json.encode(document)
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _decode_half_pairs(text: str | bytes) -> object:
    """JSON can name half of a surrogate pair. msgspec calls that broken; the person is to be told about the character."""
    if not _HALF_PAIR.search(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return None if is_storable(document) else document


def field(form: Mapping[str, str | UploadFile], name: str) -> str:
    """One text field, empty when it is missing."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def fields(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]


def _decode_pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except (ValueError, UnicodeDecodeError):
        raise HTTPException(400, NOT_READABLE) from None
    if any(len(value) > MOST_FIELD_BYTES for _, value in pairs):
        raise HTTPException(400, "One field of the form is too long.")
    return pairs


def _without_nul(value: str | UploadFile) -> str | UploadFile:
    return value.replace("\0", "") if isinstance(value, str) else value
