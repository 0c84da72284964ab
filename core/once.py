"""Pages that differ between people by nothing but what is drawn at random for each: rendered once, filled in for everybody.

The page is rendered for the first who asks; what stands around the form token and the other values of that person is
kept. Nothing else of a request may be on such a page: `key` holds everything that it depends on.
"""

import re
from collections.abc import Callable, Hashable, Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from core.crypto import new_token
from core.web import FORM_COOKIE, form_token, set_cookie


class OnceRendered:
    """A page for each key; keys are few and made by the program."""

    def __init__(self) -> None:
        self._pages: dict[Hashable, list[bytes | int]] = {}

    def answer(self, request: Request, key: Hashable, own: Sequence[str], make: Callable[[], Response]) -> Response:
        """The page under this key. `own` are this person's random values besides the token; `make` renders them all."""
        fresh = "" if len(request.cookies.get(FORM_COOKIE, "")) >= 32 else new_token()
        if fresh:
            # From here on the person has this cookie, so that the page is made for it.
            request.cookies[FORM_COOKIE] = fresh
        values = [value.encode() for value in (form_token(request, request.cookies[FORM_COOKIE]), *own)]
        pieces = self._pages.get(key)
        if pieces is None:
            pieces = self._pages[key] = _split(bytes(make().body), values)
        body = b"".join([values[one] if isinstance(one, int) else one for one in pieces])
        response = HTMLResponse(body, headers={"Cache-Control": "no-store"})
        if fresh:
            set_cookie(request, response, FORM_COOKIE, fresh)
        return response


def _split(body: bytes, values: Sequence[bytes]) -> list[bytes | int]:
    """The body with each value replaced by its number."""
    pattern = b"(" + b"|".join(re.escape(value) for value in values) + b")"
    return [values.index(piece) if piece in values else piece for piece in re.split(pattern, body)]
