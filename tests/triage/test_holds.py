"""What seems to identify a person is held wherever people write, decided by them, and counted by kind alone."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from chat.identifiers import LABELS, find_identifiers
from chat.tables import conversation, event
from core.people import Role, SignedIn
from core.tables import audit
from tests.triage.house import ENQUIRY, Browser, House
from triage.tables import daily_count, feedback, wrap_up

CANARY = "07700 900842"
TEXT = f"Please ring him on {CANARY} tomorrow."
MASKED = "Please ring him on [phone number] tomorrow."
EDITED = "Please ring him tomorrow."
WRAP_UP = {"outcome": "advised", "topics": "recognising_risk", "risk_level": "not_known", "serial": "not_known"}

Post = Callable[[dict[str, Any]], Awaitable[httpx.Response]]


class Place:
    """One place where people write: who, where, in which field, and where it ends up."""

    def __init__(self, house: House, browser: Browser, path: str, field: str, rest: dict[str, Any]) -> None:
        self.house = house
        self.browser = browser
        self.path = path
        self.field = field
        self.rest = rest

    async def form(self, text: str, **more: str) -> httpx.Response:
        return await self.browser.post(self.path, {**self.rest, self.field: text, **more})

    async def json(self, text: str, **more: Any) -> httpx.Response:
        return await self.browser.post_json(self.path, {**self.rest, self.field: text, **more})


PLACES = ["question", "nickname", "message", "desk message", "note", "summary", "comment"]


@pytest.fixture(params=PLACES)
async def place(request: pytest.FixtureRequest, house: House, cora: SignedIn) -> Any:
    name = request.param
    given = {"id": str(uuid4())}
    async with house.client() as ada, house.client(cora) as desk:
        if name in ("question", "nickname"):
            rest = {**ENQUIRY, "enquiry_id": str(uuid4()), "risk_flags": ["none"]}
            yield Place(house, ada, "/ask", name, {key: value for key, value in rest.items() if key != name})
            return
        await ada.post("/ask", ENQUIRY)
        async with house.db.read() as connection:
            reference = (await connection.execute(select(conversation.c.reference))).scalar_one()
        await house.claims.claim(reference, cora)
        path = f"/desk/conversations/{reference}"
        if name in ("summary", "comment"):
            await desk.post(f"{path}/end", {})
        yield {
            "message": lambda: Place(house, ada, "/chat/messages", "text", given),
            "desk message": lambda: Place(house, desk, f"{path}/messages", "text", given),
            "note": lambda: Place(house, desk, f"{path}/notes", "text", given),
            "summary": lambda: Place(house, desk, f"{path}/wrap-up", "summary", WRAP_UP),
            "comment": lambda: Place(house, ada, "/chat/feedback", "comment", {"helpful": "4"}),
        }[name]()


STAFFS_OWN = {
    "regrade": ("cora", "{at}/regrade", "reason", {"urgency": "emergency"}),
    "redact": ("cora", "{at}/redact", "reason", {"seq": "1"}),
    "reply": ("cora", "/desk/replies", "text", {"name": "Thanks"}),
    "hand over": ("cora", "{at}/transfer", "note", {"to": "queue"}),
    "advise": ("sue", "{over}/advise", "text", {}),
    "grade": ("sue", "{over}/regrade", "reason", {"urgency": "routine"}),
    "read": ("sue", "{over}/read", "reason", {}),
    "line": ("sue", "/supervise/line", "message", {"open": "no"}),
    "closure": (
        "sue",
        "/supervise/hours/closures",
        "reason",
        {"from_day": "2026-12-02", "from_time": "", "to_day": "2026-12-02", "to_time": ""},
    ),
}
"""Who writes it, where, in which field, and what is sent along."""


@pytest.mark.parametrize("name", STAFFS_OWN)
async def test_what_staff_write_beside_the_conversation_is_held(house: House, cora: SignedIn, name: str) -> None:
    """For colleagues or for the public: nothing is done before it is decided, and then it is done once."""
    who, path, field, rest = STAFFS_OWN[name]
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    path = path.format(at=f"/desk/conversations/{reference}", over=f"/supervise/conversations/{reference}")
    async with house.client(cora if who == "cora" else await house.hire("Sue", Role.SUPERVISOR)) as staff:
        before = await house.count(audit)
        page = await staff.post(path, {**rest, field: TEXT})
        assert page.status_code == 409
        assert page.text.count(f"<mark>{CANARY}</mark>") == 2
        for kept in (*rest.items(), (field, MASKED)):
            assert f'name="{kept[0]}" value="{kept[1]}"' in page.text
        assert await house.count(audit) == before
        assert await counts(house) == {}
        assert (await staff.post(path, {**rest, field: MASKED})).status_code == 303
    assert await counts(house) == {("identifier_masked", "phone"): 1}


def fits(place: Place, text: str) -> str:
    """A nickname is short."""
    return text if place.field != "nickname" else text.removeprefix("Please ring him on ").removesuffix(" tomorrow.")


async def counts(house: House) -> dict[tuple[str, str], int]:
    await house.counts.write()
    async with house.db.read() as connection:
        rows = await connection.execute(select(daily_count.c.measure, daily_count.c.grouping, daily_count.c.count))
        return {(measure, grouping): number for measure, grouping, number in rows}


async def size(house: House) -> tuple[int, ...]:
    return tuple([await house.count(table) for table in (conversation, event, wrap_up, feedback)])


async def test_it_is_held_by_form_and_by_json(house: House, place: Place) -> None:
    before, text = await size(house), fits(place, TEXT)
    page = await place.form(text)
    assert page.status_code == 409
    assert f"<mark>{CANARY}</mark>" in page.text
    document = await place.json(text)
    assert (document.status_code, document.json()["code"]) == (409, "hold")
    (finding,) = document.json()["findings"]
    assert (finding["kind"], finding["text"]) == ("phone", CANARY)
    assert text[finding["start"] : finding["end"]] == CANARY
    assert await size(house) == before
    assert await counts(house) == {}


@pytest.mark.parametrize(
    ("text", "more", "action"),
    [(EDITED, {}, "edited"), (MASKED, {}, "masked"), (TEXT, {"confirm": "yes"}, "sent")],
    ids=["edited", "masked", "sent"],
)
@pytest.mark.parametrize("as_json", [True, False], ids=["json", "form"])
async def test_the_writer_decides_and_only_the_kind_is_counted(
    house: House, place: Place, text: str, more: dict[str, str], action: str, as_json: bool
) -> None:
    before = await size(house)
    post: Any = place.json if as_json else place.form
    assert (await post(fits(place, TEXT))).status_code == 409
    confirmed: dict[str, Any] = {"confirm": True} if as_json and more else more
    answer = await post(fits(place, text) or "Ada", **confirmed)
    assert answer.status_code in (200, 201, 303), answer.text
    assert await size(house) != before
    assert await counts(house) == {(f"identifier_{action}", "phone"): 1}


async def test_sent_again_it_is_counted_once(house: House, cora: SignedIn) -> None:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    document = {"text": TEXT, "id": str(uuid4()), "confirm": True}
    async with house.client(cora) as desk:
        for _ in range(3):
            assert (await desk.post_json(f"/desk/conversations/{reference}/messages", document)).status_code == 201
    assert await counts(house) == {("identifier_sent", "phone"): 1}


async def test_question_and_name_are_decided_on_together(house: House) -> None:
    """Confirming one confirms no other unseen: both stand on the page."""
    async with house.client() as ada:
        page = await ada.post("/ask", {**ENQUIRY, "question": TEXT, "nickname": "ada.b@example.org"})
        assert page.status_code == 409
        assert page.text.count("<mark>") == 4
        for name in ("question", "nickname"):
            assert page.text.count(f' name="{name}"') == 3
        sent = await ada.post("/ask", {**ENQUIRY, "question": MASKED, "nickname": "[e-mail or profile]"})
        assert sent.status_code == 303
    assert await counts(house) == {("identifier_masked", "phone"): 1, ("identifier_masked", "email"): 1}


async def test_counts_add_up_over_the_day(house: House, cora: SignedIn) -> None:
    for _ in range(3):
        async with house.client() as ada:
            await ada.post("/ask", {**ENQUIRY, "question": TEXT, "confirm": "yes"})
            await house.counts.write()
    house.clock.go_on(days=1)
    async with house.client() as ada:
        await ada.post("/ask", {**ENQUIRY, "question": TEXT, "confirm": "yes"})
    await house.counts.write()
    async with house.db.read() as connection:
        rows = (await connection.execute(select(daily_count.c.count).order_by(daily_count.c.day))).scalars().all()
    assert rows == [3, 1]


def test_a_mask_is_never_held_again() -> None:
    for label in LABELS.values():
        assert find_identifiers(f"Please ring [{label}] tomorrow.") == []


async def test_what_is_held_is_nowhere(house: House, place: Place, tmp_path: Path, capsys: Any, caplog: Any) -> None:
    """Neither in the database's files nor in what was printed or logged, edited or masked afterwards."""
    await place.form(fits(place, TEXT))
    await place.json(fits(place, TEXT))
    await place.form(fits(place, MASKED) or "Ada")
    await house.counts.write()
    printed = capsys.readouterr()
    assert CANARY not in printed.out + printed.err + caplog.text
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes()
