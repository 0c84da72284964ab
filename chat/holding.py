"""Holding back what seems to identify a person, until whoever wrote it has decided: edit, mask, or send anyway.

Nothing that is held is stored, passed on or logged; only how many of each kind were found may be kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat.identifiers import LABELS, Finding, find_identifiers, mask_all
from core.web import posted_json, render


class Held(Exception):
    """The text was not stored: it seems to identify a person, and nobody has confirmed it."""

    def __init__(self, text: str, findings: Sequence[Finding]) -> None:
        self.text = text
        self.findings = findings
        super().__init__("hold")

    def as_list(self) -> list[dict[str, Any]]:
        """What the `hold` frame and the JSON answer carry."""
        return [{"kind": one.kind, "start": one.start, "end": one.end, "text": one.text} for one in self.findings]


def check_unheld(text: str, *, confirm: bool) -> None:
    """Raises Held unless the text is clean or was confirmed."""
    if not confirm and (findings := find_identifiers(text)):
        raise Held(text, findings)


def hold_page(
    request: Request, held: Held, *, action: str, field: str, kept: Mapping[str, object], most: int
) -> Response:
    """409: the findings as JSON, or a page that marks them and sends the form on to `action` with what was `kept`."""
    if posted_json(request) is not None:
        body = {
            "code": "hold",
            "message": "This may identify a person. Nothing was stored.",
            "findings": held.as_list(),
        }
        return JSONResponse(body, 409, headers={"Cache-Control": "no-store"})
    return render(
        request,
        "public/hold.html",
        status=409,
        action=action,
        field=field,
        text=held.text,
        parts=_marked(held),
        findings=[{"label": LABELS[one.kind], "text": one.text} for one in held.findings],
        masked=mask_all(held.text)[:most],
        kept=kept,
    )


def _marked(held: Held) -> list[tuple[str, str | None]]:
    """The text cut into what is marked, with the words for it, and what is not."""
    parts: list[tuple[str, str | None]] = []
    done = 0
    for one in held.findings:
        parts += [(held.text[done : one.start], None), (one.text, LABELS[one.kind])]
        done = one.end
    return [*parts, (held.text[done:], None)]
