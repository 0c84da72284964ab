"""Pages: rendering, cookies, form tokens, and what a refused request is answered with.

Every page is sent with `no-store` unless it says that it is the same for everybody. A form token is bound to the
session's cookie on staff pages and to the `form` cookie elsewhere; it proves nothing in another browser.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from jinja2 import Environment
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from core.crypto import Signer, new_token
from core.errors import RateLimited, Refusal, SignInFirst
from core.forms import Form, is_json
from core.people import SignedIn
from core.settings import Settings

FORM_COOKIE = "form"
VISITOR_COOKIE = "visitor"
SOON_S = "2"
"""A database that is busy, or comes back, is worth another try soon."""
SECRET_FIELDS = frozenset({"password", "new_password", "code", "resume_code", "csrf_token"})


class AssetUrl(Protocol):
    def __call__(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Site:
    """What every page needs, made once a process and kept in `app.state.site`."""

    settings: Settings
    signer: Signer
    templates: Environment
    asset: AssetUrl

    @property
    def session_cookie(self) -> str:
        return "__Host-session" if self.settings.https else "session"


def site(request: Request) -> Site:
    found = request.app.state.site
    assert isinstance(found, Site)
    return found


def account(request: Request) -> SignedIn:
    """The account behind the request; only on routes that let staff in."""
    found = request.state.account
    assert isinstance(found, SignedIn)
    return found


def maybe_account(request: Request) -> SignedIn | None:
    found = getattr(request.state, "account", None)
    return found if isinstance(found, SignedIn) else None


def posted(request: Request) -> Form:
    """The form of this POST, already read and checked by its door."""
    found = request.state.form
    assert isinstance(found, Form)
    return found


def posted_json(request: Request) -> dict[str, Any] | None:
    """The JSON object of this POST, or None when a form was posted."""
    found = getattr(request.state, "json", None)
    return found if isinstance(found, dict) else None


def render(request: Request, template: str, *, status: int = 200, shared: bool = False, **context: Any) -> HTMLResponse:
    """A page. `shared` pages are the same for everybody: they carry no token and set no cookie."""
    where = site(request)
    cookie = "" if shared else request.cookies.get(FORM_COOKIE, "")
    fresh = "" if shared or len(cookie) >= 32 else new_token()
    text = where.templates.get_template(template).render(
        request=request,
        csrf_token="" if shared else form_token(request, fresh if fresh else cookie),
        asset=where.asset,
        account=maybe_account(request),
        **context,
    )
    response = HTMLResponse(text, status_code=status)
    if not shared:
        response.headers["Cache-Control"] = "no-store"
    if fresh:
        set_cookie(request, response, FORM_COOKIE, fresh)
    return response


def see_other(path: str) -> RedirectResponse:
    """After a POST: the page to look at. Paths are ours, never what somebody sent."""
    response = RedirectResponse(path, status_code=303)
    response.headers["Cache-Control"] = "no-store"
    return response


def resume_first(request: Request) -> Response:
    """Nobody's conversation: people are led to where they can go on with theirs, programs are told."""
    if posted_json(request) is not None:
        raise SignInFirst
    return see_other("/resume")


def set_cookie(request: Request, response: Response, name: str, value: str, lasts: timedelta | None = None) -> None:
    """Without `lasts` it goes with the browser. A span and no moment: the browser's clock may be wrong by hours."""
    secure = site(request).settings.https
    most_s = None if lasts is None else int(lasts.total_seconds())
    response.set_cookie(name, value, path="/", httponly=True, samesite="lax", secure=secure, max_age=most_s)


def clear_cookie(request: Request, response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=site(request).settings.https)


def form_token(request: Request, form_cookie: str) -> str:
    person = maybe_account(request)
    return site(request).signer.token("csrf", f"session:{person.token}" if person else f"form:{form_cookie}")


def is_form_token(request: Request, token: str) -> bool:
    person = maybe_account(request)
    cookie = request.cookies.get(FORM_COOKIE, "")
    if person is None and len(cookie) < 32:
        return False
    return site(request).signer.is_token("csrf", f"session:{person.token}" if person else f"form:{cookie}", token)


def wants_json(request: Request) -> bool:
    """Whether it is answered in JSON: where only programs come, to whoever posts it, and to whoever asks for it."""
    if getattr(request.state, "for_programs", False) or is_json(request):
        return True
    return "application/json" in request.headers.get("accept", "")


def say_when(response: Response, refusal: Refusal) -> Response:
    """The page or document that answers this refusal, with when it is worth another try where that is known."""
    if isinstance(refusal, RateLimited):
        response.headers["Retry-After"] = str(refusal.retry_after_s)
    elif refusal.status == 503:
        response.headers["Retry-After"] = SOON_S
    return response


def refuse(request: Request, refusal: Refusal) -> Response:
    """A refusal as JSON or as a page."""
    if wants_json(request):
        body: dict[str, object] = {"code": refusal.code, "message": refusal.text}
        if isinstance(refusal, RateLimited):
            body["retry_after_s"] = refusal.retry_after_s
        response: Response = JSONResponse(body, refusal.status, headers={"Cache-Control": "no-store"})
    else:
        # What will pass may be sent again from the page that says so.
        kept = getattr(request.state, "form", None) if refusal.status in (429, 503) else None
        response = error_page(request, refusal.status, refusal.text, kept)
    return say_when(response, refusal)


def refuse_http(request: Request, problem: HTTPException) -> Response:
    """What Starlette or a door raises, in our words."""
    words = HEADINGS.get(problem.status_code, HEADINGS[400])
    if wants_json(request):
        code = problem.detail if problem.detail.replace("_", "").isalpha() and problem.detail.islower() else words.code
        body = {"code": code, "message": words.advice}
        response: Response = JSONResponse(body, problem.status_code, headers={"Cache-Control": "no-store"})
    else:
        said = problem.detail if problem.detail.endswith(".") else words.advice
        response = error_page(request, problem.status_code, said)
    for name, value in (problem.headers or {}).items():
        response.headers[name] = value
    return response


@dataclass(frozen=True, slots=True)
class ErrorWords:
    heading: str
    advice: str
    code: str


HEADINGS: Mapping[int, ErrorWords] = {
    400: ErrorWords("The request could not be read", "Go back, check what you entered and try again.", "bad_request"),
    403: ErrorWords(
        "You may not do this", "Your account has no access here. Ask an admin if that is wrong.", "not_allowed"
    ),
    404: ErrorWords("Page not found", "There is nothing at this address, or it is not yours to see.", "not_found"),
    405: ErrorWords("That does not work here", "Go back and use the buttons on the page.", "method_not_allowed"),
    409: ErrorWords(
        "That can no longer be done", "Something changed in the meantime. Load the page again.", "conflict"
    ),
    413: ErrorWords(
        "That is too much at once", "Nothing was stored. Go back and send less, or a smaller file.", "too_long"
    ),
    415: ErrorWords("That kind of content is not accepted", "Use the form on the page.", "unsupported_type"),
    422: ErrorWords("Something needs to be corrected", "Go back, correct it and send it again.", "invalid"),
    429: ErrorWords("Too many tries", "Wait a little and try again.", "rate_limited"),
    500: ErrorWords(
        "Something went wrong on our side", "Nothing you sent before was lost. Try again in a moment.", "internal"
    ),
    503: ErrorWords(
        "The service cannot answer right now", "Nothing you sent before was lost. Try again in a moment.", "unavailable"
    ),
}


def error_page(
    request: Request, status: int, advice: str, kept: FormData | None = None, unsent: str = ""
) -> HTMLResponse:
    """What happened, whether anything was lost, what to do now.

    `kept` is offered to be sent again, `unsent` is shown to be copied.
    """
    words = HEADINGS.get(status, HEADINGS[400])
    again = [(name, value) for name, value in (kept.multi_items() if kept else ()) if _can_be_shown(name, value)]
    reference = getattr(request.state, "reference", None) or secrets.token_hex(4)
    page = render(
        request,
        "public/error.html",
        status=status,
        status_code=status,
        heading=words.heading,
        advice=advice,
        reference=reference,
        again=again,
        unsent=unsent,
        again_action=request.url.path,
    )
    if status == 503:
        page.headers["Retry-After"] = SOON_S
    return page


def _can_be_shown(name: str, value: str | UploadFile) -> bool:
    return isinstance(value, str) and name not in SECRET_FIELDS
