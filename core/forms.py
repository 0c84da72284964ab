"""Bodies of requests: read once, within limits, decoded strictly, and never a 500.

A form must be a form, JSON must be JSON, text must be UTF-8 without NUL. What cannot be read is refused with the status
and words for it before any page sees it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
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


async def read_form(request: Request, most_files: int = 0) -> FormData:
    """The posted form. 415 for another content type, 400 for what cannot be decoded."""
    kind = content_type(request)
    if kind == MULTIPART_TYPE:
        # A file that no page asked for is refused before it is written anywhere.
        form = await request.form(max_fields=MOST_FIELDS, max_files=most_files, max_part_size=MOST_FIELD_BYTES)
        texts = [value for value in form.values() if isinstance(value, str)]
    elif kind == FORM_TYPE:
        pairs = _decode_pairs(await request.body())
        form, texts = FormData([(name, value) for name, value in pairs]), [value for _, value in pairs]
    elif kind == "" and not await request.body():
        return FormData()
    else:
        raise HTTPException(415, "This page takes a form.")
    if any("\0" in text or _has_surrogate(text) for text in texts):
        raise HTTPException(
            422, "The form holds characters that cannot be stored. Go back, remove them and send it again."
        )
    return form


async def read_json(request: Request) -> dict[str, Any]:
    """The posted JSON object; 400 `invalid_json` for anything else. Raises InvalidText for half of a surrogate pair."""
    try:
        document = decode_object(await request.body())
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
        raise HTTPException(400, "The form could not be read: it is not UTF-8 text or has too many fields.") from None
    if any(len(value) > MOST_FIELD_BYTES for _, value in pairs):
        raise HTTPException(400, "One field of the form is too long.")
    return pairs


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False
