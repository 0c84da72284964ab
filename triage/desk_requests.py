"""What the doors of the desk and of supervision share: reading their fields, and answering a form or a script alike."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat.conversations import Conversation, Conversations
from chat.events import Author
from chat.holding import Held, Holds, hold_page, is_confirmed
from chat.words import Side
from core.errors import AssignmentLost, NotFound, Refusal
from core.forms import field
from core.people import SignedIn
from core.web import maybe_account, posted, posted_json, see_other, wants_json


class BadChoice(Refusal):
    code: ClassVar[str] = "invalid"
    status: ClassVar[int] = 422
    message: ClassVar[str] = "Choose one of the values that are offered."


def author_of(person: SignedIn) -> Author:
    return Author(Side.ADVISOR, person.account_id, person.name)


def desk_path(reference: str) -> str:
    return f"/desk/conversations/{reference}"


async def to_write_in(conversations: Conversations, request: Request, person: SignedIn) -> Conversation:
    """The conversation of this address. Raises NotFound, or AssignmentLost when it was theirs once."""
    reference = request.path_params["reference"]
    try:
        return await conversations.access_staff(reference, person)
    except NotFound:
        if await conversations.head_once_of(person.account_id, reference) is not None:
            raise AssignmentLost from None
        raise


def sent_fields(request: Request) -> dict[str, str]:
    """The posted fields, whether they came as a form or as JSON; numbers as they are written."""
    document = posted_json(request)
    if document is None:
        return {name: field(posted(request), name) for name in posted(request)}
    return {name: str(value) for name, value in document.items() if isinstance(value, str | int)}


def done(request: Request, path: str, **told: Any) -> Response:
    """To a form, the page to look at; to a script, the same in JSON."""
    if wants_json(request):
        return JSONResponse({"next": path, **told}, headers={"Cache-Control": "no-store"})
    return see_other(path)


async def unless_held(
    holds: Holds,
    request: Request,
    texts: Mapping[str, str],
    kept: Mapping[str, object],
    act: Callable[[], Awaitable[Response]],
    *,
    most: int,
) -> Response:
    """Do it, unless a text seems to identify a person and nobody has confirmed it: then it is shown with what was `kept`."""
    person = maybe_account(request)
    key, confirm = f"{request.url.path}:{person.account_id if person else ''}", is_confirmed(request)
    try:
        holds.check(key, texts, confirm=confirm)
    except Held as held:
        return hold_page(request, held, action=request.url.path, kept=kept, most=most)
    answered = await act()
    holds.stored(key, list(texts.values()), confirm=confirm)
    return answered
