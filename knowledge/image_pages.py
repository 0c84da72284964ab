"""Pictures behind their doors: shown to readers, and sent, listed and removed by editors.

What everybody may see is kept by everybody for a year, because what is under a name never changes; what only some may
see is kept by nobody.
"""

import asyncio
import re
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import Empty, NotFound, Refusal
from core.forms import field
from core.text import check_line
from core.web import account, posted, render, see_other
from knowledge.images import (
    MOST_SENT_BYTES,
    UnusableImage,
    find_image,
    list_images,
    read_image,
    remake,
    remove,
    store,
)
from knowledge.markdown import IMAGE_NAME
from knowledge.pages import Rights

ON_A_PAGE = 24
MOST_ALT = 300
LARGEST_FILE = 12_000_000
"""Some more than is taken, so that most of what is too large is told on the page, with what was typed."""

FOR_A_YEAR = "public, max-age=31536000, immutable"
POLICY = "default-src 'none'; sandbox"

DONE = {"removed": "The picture is removed."}


@dataclass(frozen=True, slots=True)
class Pager:
    number: int
    total: int
    has_more: bool


class ImagePages:
    def __init__(self, db: Database, audit: AuditLog, rights: Rights, clock: Clock) -> None:
        self._db = db
        self._audit = audit
        self._rights = rights
        self._clock = clock
        # A large picture takes a gigabyte for a moment: one after the other.
        self._one_at_a_time = asyncio.Semaphore(1)

    async def show(self, request: Request) -> Response:
        """GET /guidance/images/{name}"""
        name, audiences = _name(request), await self._rights(request)
        async with self._db.read() as connection:
            content, for_anyone = await read_image(connection, name, audiences)
        headers = {"Cache-Control": FOR_A_YEAR if for_anyone else "no-store", "Content-Security-Policy": POLICY}
        if for_anyone:
            headers["ETag"] = f'"{name}"'
            if request.headers.get("if-none-match") == headers["ETag"]:
                return Response(status_code=304, headers=headers)
        return Response(content, media_type="image/webp", headers=headers)

    async def list(self, request: Request) -> Response:
        """GET /editor/images: what there is, and a form for another one."""
        return await self._page(request)

    async def add(self, request: Request) -> Response:
        """POST /editor/images: a file and what it shows."""
        form = posted(request)
        alt, file = field(form, "alt"), form.get("file")
        errors: dict[str, str] = {}
        content = await file.read() if isinstance(file, UploadFile) else b""
        if not content:
            errors["file"] = "Choose a picture."
        elif len(content) > MOST_SENT_BYTES:
            errors["file"] = f"The file is larger than {MOST_SENT_BYTES // 1_000_000} MB. Make the picture smaller."
        try:
            words = check_line(alt, MOST_ALT)
        except Empty:
            errors["alt"] = "Say what the picture shows, for those who cannot see it."
        except Refusal:
            errors["alt"] = f"Say what the picture shows in one line of at most {MOST_ALT} characters."
        if errors:
            return await self._page(request, alt=alt, errors=errors)
        try:
            async with self._one_at_a_time:
                made = await remake(content)
        except UnusableImage as refusal:
            return await self._page(request, alt=alt, errors={"file": refusal.text})
        by, now = account(request).account_id, self._clock()
        async with self._db.write() as connection:
            if await store(connection, made, words, by, now):
                await self._audit.append(connection, now, by, "image_added", f"image:{made.name}")
        return see_other(f"/editor/images?added={made.name}")

    async def remove(self, request: Request) -> Response:
        """POST /editor/images/{name}/remove"""
        name, by, now = _name(request), account(request).account_id, self._clock()
        async with self._db.write() as connection:
            await remove(connection, name)
            await self._audit.append(connection, now, by, "image_removed", f"image:{name}")
        return see_other("/editor/images?done=removed")

    async def _page(self, request: Request, *, alt: str = "", errors: dict[str, str] | None = None) -> Response:
        text, added = request.query_params.get("page", "1"), request.query_params.get("added", "")
        number = int(text) if re.fullmatch(r"[1-9][0-9]{0,4}", text) else 1
        async with self._db.read() as connection:
            images, total = await list_images(connection, number, ON_A_PAGE)
            found = await find_image(connection, added) if IMAGE_NAME.fullmatch(added) else None
        return render(
            request,
            "editor/images.html",
            status=422 if errors else 200,
            images=images,
            added=found,
            pager=Pager(number, total, number * ON_A_PAGE < total),
            alt=alt,
            errors=errors or {},
            message=DONE.get(request.query_params.get("done", "")),
        )


def _name(request: Request) -> str:
    name = str(request.path_params["name"])
    if not IMAGE_NAME.fullmatch(name):
        raise NotFound
    return name
