"""GET and POST /desk/replies: one's own saved replies and the shared ones; with forms, or as JSON."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat.holding import Holds
from core.errors import NotFound
from core.people import Role, SignedIn
from core.web import account, render, wants_json
from triage.desk_requests import done, sent_fields, unless_held
from triage.replies import NAME_MOST, PLACES, TEXT_MOST, BadReply, NewReply, Replies, check_reply

Save = Callable[[NewReply], Awaitable[Response]]

HERE = "/desk/replies"
SAID = {"added": "The reply is saved.", "changed": "The reply is changed.", "deleted": "The reply is deleted."}


class ReplyPages:
    def __init__(self, replies: Replies, holds: Holds) -> None:
        self._replies = replies
        self._holds = holds

    async def show(self, request: Request) -> Response:
        if wants_json(request):
            return JSONResponse(
                {"replies": await self._listed(account(request))}, headers={"Cache-Control": "no-store"}
            )
        return await self._page(request, message=SAID.get(request.query_params.get("said", "")))

    async def add(self, request: Request) -> Response:
        """POST /desk/replies: `name`, `text`, and `shared` yes for one that all have."""
        person, fields = account(request), sent_fields(request)
        shared = fields.get("shared") == "yes"

        async def add(new: NewReply) -> Response:
            number = await self._replies.add(person, new, shared=shared)
            return done(request, f"{HERE}?said=added", id=number)

        return await self._save(request, fields, add)

    async def change(self, request: Request) -> Response:
        """POST /desk/replies/{number}: `name`, `text`."""
        person, number = account(request), _number(request)

        async def change(new: NewReply) -> Response:
            await self._replies.change(person, number, new)
            return done(request, f"{HERE}?said=changed", id=number)

        return await self._save(request, sent_fields(request), change)

    async def delete(self, request: Request) -> Response:
        """POST /desk/replies/{number}/delete."""
        await self._replies.delete(account(request), _number(request))
        return done(request, f"{HERE}?said=deleted")

    async def _save(self, request: Request, fields: dict[str, str], save: Save) -> Response:
        try:
            new = check_reply(fields.get("name", ""), fields.get("text", ""))
        except BadReply as problem:
            if wants_json(request):
                raise
            return await self._page(request, status=422, errors={problem.field: problem.text}, kept=fields)
        kept: dict[str, object] = {name: fields[name] for name in ("name", "shared") if name in fields}
        return await unless_held(self._holds, request, {"text": new.text}, kept, lambda: save(new), most=TEXT_MOST)

    async def _page(
        self,
        request: Request,
        *,
        status: int = 200,
        errors: dict[str, str] | None = None,
        kept: dict[str, str] | None = None,
        message: str | None = None,
    ) -> Response:
        person, kept = account(request), kept or {}
        return render(
            request,
            "desk/replies.html",
            status=status,
            replies=await self._replies.of(person),
            places=list(PLACES.items()),
            may_share=person.has(Role.SUPERVISOR),
            new={name: kept.get(name, "") for name in ("name", "text", "shared")},
            editing=request.path_params.get("number"),
            errors=errors or {},
            most={"name": NAME_MOST, "text": TEXT_MOST},
            message=message,
        )

    async def _listed(self, person: SignedIn) -> list[dict[str, object]]:
        return [
            {"id": one.id, "name": one.name, "shortcut": one.shortcut, "text": one.text, "shared": one.shared}
            for one in await self._replies.of(person)
        ]


def _number(request: Request) -> int:
    text: str = request.path_params["number"]
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise NotFound
    return int(text)
