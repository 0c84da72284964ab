"""One message by POST, as JSON or as a form: the same way for visitors and advisors, with an answer for whoever posts it."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat.frames import GivenId
from chat.holding import Held, hold_page, is_confirmed
from chat.log import Receipt
from chat.saying import Said
from core.clock import rfc3339
from core.errors import BadFrame, IdConflict, InvalidText, Refusal
from core.forms import REMOVED, field
from core.text import MESSAGE_CHARACTERS
from core.web import posted, posted_json, say_when, see_other

Store = Callable[[Said], Awaitable[Receipt]]
Refused = Callable[[Refusal, Said], Awaitable[Response]]


async def answer_saying(request: Request, store: Store, refused: Refused, *, done: str) -> Response:
    """One message by POST, as JSON or as a form, for visitors and advisors alike.

    `store` takes a Said and gives a Receipt; `refused` makes the page that keeps the text, and its id: it may be stored, and
    is to be stored once when it is sent again.
    """
    document = posted_json(request)
    form = posted(request)
    confirm = is_confirmed(request)
    said = _said(document, confirm) if document is not None else Said(field(form, "text"), _id_of(form), confirm)
    try:
        if "text" in form.unstorable:
            raise InvalidText(REMOVED)
        receipt = await store(said)
    except Held as held:
        kept = {"id": str(said.client_id), "conversation": named_in(request)}
        return hold_page(request, held, action=request.url.path, kept=kept, most=MESSAGE_CHARACTERS)
    except Refusal as refusal:
        if document is not None:
            raise
        if isinstance(refusal, IdConflict):
            # What they change in it is another message.
            said = replace(said, client_id=uuid.uuid4())
        return say_when(await refused(refusal, said), refusal)
    if document is None:
        return see_other(done)
    body = {"seq": receipt.seq, "id": document["id"], "at": rfc3339(receipt.at_ms), "again": receipt.again}
    return JSONResponse(body, 201, headers={"Cache-Control": "no-store"})


def named_in(request: Request) -> str:
    """The reference of the conversation that the writer had before them; empty when it is not said."""
    document = posted_json(request)
    name = field(posted(request), "conversation") if document is None else document.get("conversation", "")
    if not isinstance(name, str):
        raise BadFrame
    return name


def _said(document: dict[str, Any], confirm: bool) -> Said:
    text = document.get("text")
    if not isinstance(text, str):
        raise BadFrame
    try:
        return Said(text, uuid.UUID(msgspec.convert(document.get("id"), GivenId)), confirm)
    except msgspec.ValidationError:
        raise BadFrame from None


def _id_of(form: FormData) -> uuid.UUID:
    """The form's id, so that a form sent twice says it once; a form without one gets one."""
    try:
        return uuid.UUID(field(form, "id"))
    except ValueError:
        return uuid.uuid4()
