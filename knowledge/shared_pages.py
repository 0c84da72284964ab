"""Pages that are the same for everybody, rendered once and kept until what they show changes.

A browser may keep them too, but asks each time whether they are still true; the answer is usually a bare 304. Nothing
that depends on who asks is ever put in here.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

MOST_PAGES = 512


@dataclass(frozen=True, slots=True)
class _Kept:
    body: bytes
    media_type: str
    etag: str


class SharedPages:
    """At most 512 pages, those not asked for the longest forgotten first."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Hashable, _Kept] = OrderedDict()

    async def answer(self, request: Request, key: Hashable, make: Callable[[], Awaitable[Response]]) -> Response:
        """The page under this key, made if it is not there. `key` holds everything that the page depends on."""
        kept = self._pages.get(key)
        if kept is None:
            made = await make()
            if made.status_code != 200:
                return made
            body = bytes(made.body)
            kept = _Kept(body, made.headers["content-type"], f'"{hashlib.sha256(body).hexdigest()[:32]}"')
            self._pages[key] = kept
            if len(self._pages) > MOST_PAGES:
                self._pages.popitem(last=False)
        else:
            self._pages.move_to_end(key)
        headers = {"ETag": kept.etag, "Cache-Control": "public, max-age=0, must-revalidate", "Vary": "Cookie"}
        if _has(request.headers.get("if-none-match", ""), kept.etag):
            return Response(status_code=304, headers=headers)
        return Response(kept.body, headers={**headers, "Content-Type": kept.media_type})


def _has(sent: str, etag: str) -> bool:
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in sent.split(",")) if sent else False
