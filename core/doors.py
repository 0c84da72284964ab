"""Doors: a route says who may enter, or nobody may.

Before a page's own code runs, its door has found the account, checked its role, read the body and checked the form
token. A page never does any of that itself, so that it cannot be forgotten.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial, wraps
from urllib.parse import quote

import structlog
from sqlalchemy.exc import IntegrityError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.contest import until_uncontested
from core.errors import Contested, Refusal, SignInFirst
from core.forms import Form, field, is_json, read_form, read_json
from core.people import Role, SignedIn
from core.web import error_page, is_form_token, refuse, see_other, wants_json

logger = structlog.get_logger()

Page = Callable[[Request], Awaitable[Response]]
Identify = Callable[[Request], Awaitable[SignedIn | None]]


class Anyone(Enum):
    """Who may enter when no role is asked for."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"


PUBLIC = Anyone.PUBLIC
SIGNED_IN = Anyone.SIGNED_IN

Who = Anyone | frozenset[Role]


@dataclass(frozen=True, slots=True)
class Door:
    """One row of the route table."""

    path: str
    page: Page
    who: Who
    methods: tuple[str, ...] = ("GET",)
    needs_token: bool = True
    """False only for forms on pages that are shared by everybody: there, the Origin decides."""
    corrects_text: bool = False
    """The page itself says at the field that it held characters that cannot be stored. Elsewhere its door refuses that."""
    for_programs: bool = False
    """Nobody looks at it as a page: every refusal is JSON, whatever is asked for, and nobody is led to the sign-in page."""
    takes_nothing: bool = False
    """What is asked for is all in its address: there need not be a body."""
    largest_file: int | None = None
    """How many bytes may be sent with the one file that the form takes; None where it takes none."""

    def route(self) -> Route:
        return Route(self.path, _guarded(self), methods=list(self.methods), max_body_size=self.largest_file)


def roles(*names: Role) -> frozenset[Role]:
    return frozenset(names)


def _guarded(door: Door) -> Page:
    @wraps(door.page)
    async def enter(request: Request) -> Response:
        request.state.account, request.state.for_programs = None, door.for_programs
        if door.who is not PUBLIC:
            identify: Identify = request.app.state.identify
            person = request.state.account = await identify(request)
            if person is None:
                return _sign_in_first(request)
            if isinstance(door.who, frozenset) and not person.has(*door.who):
                return _not_for_you(request)
        try:
            if request.method == "POST":
                refused = await _read_body(door, request)
                if refused is not None:
                    return refused
            return await until_uncontested(partial(_answer, door, request))
        except Refusal as refusal:
            return refuse(request, refusal)
        finally:
            # A file that came with the form lies in memory, or on the disk, until it is closed.
            if request.method == "POST":
                await request.state.form.close()

    return enter


async def _answer(door: Door, request: Request) -> Response:
    if door.largest_file is not None and request.method == "POST":
        for file in request.state.form.values():
            if isinstance(file, UploadFile):
                # The page may have read it when it was begun before.
                await file.seek(0)
    try:
        return await door.page(request)
    except IntegrityError as problem:
        # Somebody did the same at the same moment, whose row the next try finds.
        logger.warning("begun_again", path=door.path)
        raise Contested from problem


async def _read_body(door: Door, request: Request) -> Response | None:
    request.state.form, request.state.json = Form(), None
    if is_json(request):
        request.state.json = await read_json(request, may_be_nothing=door.takes_nothing)
        token = request.headers.get("x-csrf-token", "")
    else:
        files = 0 if door.largest_file is None else 1
        request.state.form = await read_form(request, files, may_be_nothing=door.takes_nothing)
        token = request.headers.get("x-csrf-token", "") or field(request.state.form, "csrf_token")
    if not door.needs_token or is_form_token(request, token):
        return _unstorable(door, request)
    if wants_json(request):
        return JSONResponse({"code": "csrf", "message": STALE_FORM}, 403, headers={"Cache-Control": "no-store"})
    # Only a form that this site's own page posted is offered again; another site's words are never put before a person.
    ours = request.headers.get("origin") is not None or request.headers.get("sec-fetch-site") == "same-origin"
    return error_page(request, 403, STALE_FORM, kept=request.state.form if ours else None)


def _unstorable(door: Door, request: Request) -> Response | None:
    """What was typed is offered without the characters that no database stores. None when there are none."""
    if door.corrects_text or not request.state.form.unstorable:
        return None
    if wants_json(request):
        raise HTTPException(422)
    return error_page(request, 422, UNSTORABLE, kept=request.state.form)


UNSTORABLE = "The form held characters that cannot be stored. They were removed from it, and nothing was done yet."
STALE_FORM = "This page was open for too long, or in another sign-in. Nothing was stored; what you typed is below."


def _sign_in_first(request: Request) -> Response:
    if wants_json(request):
        return refuse(request, SignInFirst())
    path = request.url.path
    if request.method == "GET" and request.url.query:
        path += f"?{request.url.query}"
    return see_other(f"/sign-in?next={quote(path, safe='')}")


def _not_for_you(request: Request) -> Response:
    if wants_json(request):
        return JSONResponse({"code": "not_allowed", "message": "Your account has no access here."}, 403)
    return error_page(request, 403, "Your account has no access to this area. Ask an admin if that is wrong.")
