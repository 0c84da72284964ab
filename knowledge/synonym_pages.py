"""GET and POST /editor/synonyms: the words that mean the same to the search."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import NotFound, Refusal
from core.forms import field
from core.web import account, posted, render, see_other
from knowledge import synonyms
from knowledge.library import Library
from knowledge.synonyms import MOST_LINE, BadLine, ChangedMeanwhile

HERE = "/editor/synonyms"
SAID = {"added": "The line is added.", "changed": "The line is changed.", "deleted": "The line is deleted."}

Change = Callable[[AsyncConnection], Awaitable[int]]


class SynonymPages:
    def __init__(self, db: Database, audit: AuditLog, library: Library, clock: Clock) -> None:
        self._db = db
        self._audit = audit
        self._library = library
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """GET /editor/synonyms."""
        return await self._page(request, message=SAID.get(request.query_params.get("said", "")))

    async def add(self, request: Request) -> Response:
        """POST /editor/synonyms: `words`."""
        typed, by = field(posted(request), "words"), account(request).account_id
        return await self._change(
            request, lambda connection: synonyms.add(connection, self._audit, typed, by, self._clock()), "added"
        )

    async def change(self, request: Request) -> Response:
        """POST /editor/synonyms/{number}: `words`, and `before`, what they were when the page was made."""
        form, by, number = posted(request), account(request).account_id, _number(request)
        typed, before = field(form, "words"), field(form, "before")

        def change(connection: AsyncConnection) -> Awaitable[int]:
            return synonyms.change(connection, self._audit, number, typed, before, by, self._clock())

        return await self._change(request, change, "changed")

    async def delete(self, request: Request) -> Response:
        """POST /editor/synonyms/{number}/delete."""
        by, number = account(request).account_id, _number(request)
        return await self._change(
            request, lambda connection: synonyms.remove(connection, self._audit, number, by, self._clock()), "deleted"
        )

    async def _change(self, request: Request, change: Change, said: str) -> Response:
        try:
            async with self._db.write() as connection:
                await synonyms.seed(connection)
                counter = await change(connection)
        except (BadLine, ChangedMeanwhile) as problem:
            return await self._page(request, problem=problem)
        self._library.announce(counter)
        return see_other(f"{HERE}?said={said}")

    async def _page(self, request: Request, *, message: str | None = None, problem: Refusal | None = None) -> Response:
        async with self._db.write() as connection:
            await synonyms.seed(connection)
        async with self._db.read() as connection:
            found = await synonyms.lines(connection)
        number = request.path_params.get("number")
        typed = field(posted(request), "words")[: 2 * MOST_LINE] if problem else ""
        context: dict[str, Any] = {
            "lines": found,
            "most": MOST_LINE,
            "message": message,
            "editing": int(number) if problem and number else None,
            "typed": typed,
            "errors": {f"words-{number}" if number else "words": problem.text} if problem else {},
        }
        return render(request, "editor/synonyms.html", status=problem.status if problem else 200, **context)


def _number(request: Request) -> int:
    text: str = request.path_params["number"]
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise NotFound
    return int(text)
