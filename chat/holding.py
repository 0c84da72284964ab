"""Holding back what seems to identify a person, until whoever wrote it has decided: edit, mask, or send anyway.

Nothing that is held is stored, passed on or logged. What is kept of it is a number: how many of each kind were edited,
masked or sent anyway. It is counted once the text is stored, and what was held meanwhile is remembered by kind alone, in
this process's memory.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat.identifiers import LABELS, Finding, IdentifierKind, count_by_kind, find_identifiers, mask_all
from core.errors import BadFrame
from core.forms import field
from core.text import spans_as_sent
from core.web import posted, posted_json, render

MOST_REMEMBERED = 2_000

Count = Callable[[str, str, int], None]
"""Takes a measure, a group and how many more."""

TEXT = "text"
_MASKS = {kind: f"[{label}]" for kind, label in LABELS.items()}


class Held(Exception):
    """What was written was not stored: it seems to identify a person, and nobody has confirmed it."""

    def __init__(self, fields: Mapping[str, tuple[str, Sequence[Finding]]]) -> None:
        """`fields`: the text and the findings of each field that has any."""
        self.fields = fields
        super().__init__("hold")

    def as_list(self, sent: Mapping[str, object]) -> list[dict[str, Any]]:
        """What the `hold` frame and the JSON answer carry; a form with several texts names the field.

        `sent` are the texts as they were sent. Each finding is told by where it stands there, so that whoever cuts it out
        there leaves nothing of it.
        """
        found = []
        for name, (text, findings) in self.fields.items():
            typed = sent.get(name)
            if not isinstance(typed, str):
                typed = text
            spans = spans_as_sent(typed, text, [(one.start, one.end) for one in findings])
            found += [
                {"kind": one.kind, "start": start, "end": end, "text": typed[start:end]}
                | ({} if name == TEXT else {"field": name})
                for one, (start, end) in zip(findings, spans, strict=True)
            ]
        return found


class Holds:
    """The one check of every text that people write. `key` names what is being written, from one try to the next."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._held: OrderedDict[str, Counter[IdentifierKind]] = OrderedDict()

    def check(self, key: str, fields: Mapping[str, str], *, confirm: bool, own_names: Collection[str] = ()) -> None:
        """Raises Held unless the texts are clean or were confirmed. `own_names` are fields in which one word may be a name:
        what the writer wants to be called."""
        if confirm:
            return
        found = {
            name: (text, findings)
            for name, text in fields.items()
            if (findings := find_identifiers(text)) and not (name in own_names and _is_one_name(text, findings))
        }
        if found:
            self._held[key] = Counter(one.kind for _, findings in found.values() for one in findings)
            if len(self._held) > MOST_REMEMBERED:
                self._held.popitem(last=False)
            raise Held(found)

    def stored(self, key: str, texts: Sequence[str], *, confirm: bool) -> None:
        """After the commit: count what became of what was held."""
        was = self._held.pop(key, None)
        if was is None and not confirm and not any("[" in text for text in texts):
            return
        masked = Counter({kind: sum(text.count(mask) for text in texts) for kind, mask in _MASKS.items()})
        sent: Counter[IdentifierKind] = Counter()
        if confirm:
            for text in texts:
                sent.update(count_by_kind(find_identifiers(text)))
        edited = (was or Counter()) - masked - sent
        for action, kinds in (("edited", edited), ("masked", masked), ("sent", sent)):
            for kind, number in (+kinds).items():
                self._count(f"identifier_{action}", kind, number)


def _is_one_name(text: str, findings: Sequence[Finding]) -> bool:
    return len(text.split()) == 1 and all(one.kind is IdentifierKind.NAME for one in findings)


def is_confirmed(request: Request) -> bool:
    """Whether this POST answers a hold with "send it as it is". Raises BadFrame where JSON says neither."""
    document = posted_json(request)
    given = field(posted(request), "confirm") if document is None else document.get("confirm")
    if isinstance(given, str):
        return given.strip().lower() in ("yes", "true", "1", "on")
    if given is None or isinstance(given, bool):
        return bool(given)
    raise BadFrame


def hold_page(request: Request, held: Held, *, action: str, kept: Mapping[str, object], most: int) -> Response:
    """409: the findings as JSON, or a page that marks them and sends the form on to `action` with what was `kept`."""
    document = posted_json(request)
    if document is not None:
        body = {
            "code": "hold",
            "message": "This may identify a person. Nothing was stored.",
            "findings": held.as_list(document),
        }
        return JSONResponse(body, 409, headers={"Cache-Control": "no-store"})
    return render(
        request,
        "public/hold.html",
        status=409,
        action=action,
        fields=[
            {
                "name": name,
                "text": text,
                "parts": _marked(text, findings),
                "findings": [{"label": LABELS[one.kind], "text": one.text} for one in findings],
                "masked": mask_all(text)[:most],
            }
            for name, (text, findings) in held.fields.items()
        ],
        kept=kept,
    )


def _marked(text: str, findings: Sequence[Finding]) -> list[tuple[str, str | None]]:
    """The text cut into what is marked, with the words for it, and what is not."""
    parts: list[tuple[str, str | None]] = []
    done = 0
    for one in findings:
        parts += [(text[done : one.start], None), (one.text, LABELS[one.kind])]
        done = one.end
    return [*parts, (text[done:], None)]
