"""POST /desk/notices/seen: somebody has read what they were told."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.forms import field
from core.web import account, posted, posted_json, see_other
from triage.notices import Notices

LONGEST_NUMBER = 18


class NoticePages:
    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    async def seen(self, request: Request) -> Response:
        """Those up to the number `until`, or all. With `on` supervise, the board is looked at again."""
        document = posted_json(request)
        text = field(posted(request), "until") if document is None else str(document.get("until", ""))
        is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
        await self._notices.seen(account(request).account_id, int(text) if is_number else None)
        if document is None:
            return see_other("/supervise" if field(posted(request), "on") == "supervise" else "/desk")
        return JSONResponse({"next": "/desk"}, headers={"Cache-Control": "no-store"})
