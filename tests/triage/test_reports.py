"""Reports, through their doors: what is counted, what is kept back, what outlasts erasure, who may see them."""

import csv
import io
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from chat.tables import conversation
from core.people import Role, SignedIn
from core.tables import audit
from tests.triage.house import House
from triage.retention import erase_overdue
from triage.spreadsheet import safe_cell, to_csv
from triage.tables import feedback, wrap_up

MONDAY = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
SPAN = "from=2026-11-16&to=2026-11-22&by=day"


@pytest.fixture
async def sue(house: House) -> SignedIn:
    return await house.hire("Sue", Role.SUPERVISOR)


async def happened(house: House, count: int, at: datetime = MONDAY, wait: float | None = 4, **values: Any) -> list[int]:
    """So many conversations that began then; `wait` in minutes until they were answered, None when they never were."""
    taken = at + timedelta(minutes=wait) if wait is not None else None
    row = {
        "status": "ended" if taken else "left",
        "urgency": "routine",
        "waiting_since": at,
        "sort_key": 0,
        "sector": "probation",
        "area": "cleveland",
        "topic": "housing",
        "deadline": "none",
        "immediate_danger": "no",
        "risk_flags": "none",
        "language": "en",
        "created_at": at,
        "claimed_at": taken,
        "first_claimed_at": taken,
        "ended_at": (taken or at) + timedelta(minutes=30),
        **values,
    }
    ids = []
    async with house.db.write() as connection:
        for _ in range(count):
            reference = secrets.token_hex(4)
            added = insert(conversation).values(reference=reference, **row).returning(conversation.c.id)
            ids.append((await connection.execute(added)).scalar_one())
    return ids


async def table(house: House, sue: SignedIn, name: str, query: str = SPAN) -> dict[str, list[str]]:
    """A table as the file has it: its lines by their first cell."""
    async with house.client(sue) as browser:
        answered = await browser.get(f"/supervise/reports/{name}.csv?{query}")
    assert answered.status_code == 200
    assert answered.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.reader(io.StringIO(answered.content.decode("utf-8-sig"))))
    return {line[0]: line[1:] for line in lines[1:]}


async def test_each_day_is_told_by_what_became_of_its_enquiries(house: House, sue: SignedIn) -> None:
    await happened(house, 6, wait=4)
    await happened(house, 5, wait=None)
    await happened(house, 7, wait=10, at=MONDAY + timedelta(days=1))
    await happened(house, 8, wait=None, at=MONDAY + timedelta(days=1), status="question", question_at=MONDAY)
    days = await table(house, sue, "periods")
    assert days["Mon 16 Nov 2026"] == ["11", "6", "5", "0", "0", "4.0", "4.0"]
    assert days["Tue 17 Nov 2026"] == ["15", "7", "0", "8", "0", "10.0", "10.0"]
    assert days["Sun 22 Nov 2026"] == ["0", "0", "0", "0", "0", "", ""]
    assert days["All"][:5] == ["26", "13", "5", "8", "0"]


async def test_counts_under_five_are_not_in_the_page_nor_in_the_file(house: House, sue: SignedIn) -> None:
    await happened(house, 30)
    await happened(house, 12, sector="housing")
    await happened(house, 3, sector="police")
    sectors = await table(house, sue, "sector")
    assert sectors["Police"][0] == "fewer than 5, or kept back"
    assert sectors["Housing or homelessness"][0] == "fewer than 5, or kept back"
    assert sectors["Probation or prisons"][0] == "30"
    assert sectors["All"][0] == "45"
    async with house.client(sue) as browser:
        page = (await browser.get(f"/supervise/reports?{SPAN}")).text
    police = page[page.index("Police</th>") :].split("</tr>")[0]
    assert "kept-back" in police
    assert ">3<" not in police.replace(" ", "")


async def test_flags_outcomes_and_feedback_are_counted(house: House, sue: SignedIn) -> None:
    ids = await happened(house, 6, risk_flags="stalking strangulation")
    await happened(house, 6, risk_flags="none")
    async with house.db.write() as connection:
        for number in ids:
            await connection.execute(insert(wrap_up).values(_wrap_up(number, sue.account_id)))
            row = {"conversation_id": number, "helpful": 5, "will_change_practice": "yes", "at": MONDAY}
            await connection.execute(insert(feedback).values(row))
    flags = await table(house, sue, "risk_flags")
    assert sum(line == ["6"] for line in flags.values()) == 3
    assert "All" not in flags
    assert (await table(house, sue, "outcome"))["All"] == ["6"]
    assert (await table(house, sue, "helpful"))["5 of 5"] == ["6"]
    assert (await table(house, sue, "practice"))["Yes"] == ["6"]


async def test_what_is_erased_is_still_counted_as_it_was(house: House, sue: SignedIn) -> None:
    await happened(house, 6)
    await happened(house, 5, wait=None)
    before = await table(house, sue, "periods")
    assert await erase_overdue(house.db, house.audit, house.clock()) == 11
    async with house.db.read() as connection:
        assert set((await connection.execute(select(conversation.c.status))).scalars()) == {"erased"}
    assert await table(house, sue, "periods") == before


async def test_weeks_and_months_begin_where_they_do_in_london(house: House, sue: SignedIn) -> None:
    # Half past midnight of Monday 30 March in London is still Sunday in UTC: the clocks went forward the day before.
    await happened(house, 5, at=datetime(2026, 3, 29, 23, 30, tzinfo=UTC))
    weeks = await table(house, sue, "periods", "from=2026-03-23&to=2026-04-05&by=week")
    assert [weeks[name][0] for name in ("23 Mar to 29 Mar 2026", "30 Mar to 5 Apr 2026")] == ["0", "5"]
    months = await table(house, sue, "periods", "from=2026-03-01&to=2026-04-30&by=month")
    assert (months["March 2026"][0], months["April 2026"][0]) == ("5", "0")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=yesterday&to=2026-11-22&by=day", "Enter the first day as year, month and day"),
        ("from=2026-11-22&to=2026-11-16&by=day", "Choose a first day that is not after the last one."),
        ("from=2026-11-16&to=2027-01-01&by=day", "Choose a last day that is not in the future."),
        ("from=2020-01-01&to=2026-11-22&by=month", "Choose a range of three years at most."),
        ("from=2026-01-01&to=2026-11-22&by=day", "Choose weeks or months for so long a range."),
        ("from=2026-11-16&to=2026-11-22&by=hour", "Choose days, weeks or months."),
        ("from=2026-11-16%00&to=&by=", "Enter the last day as year, month and day"),
    ],
)
async def test_a_range_that_makes_no_sense_is_said_at_its_field(
    house: House, sue: SignedIn, query: str, said: str
) -> None:
    async with house.client(sue) as browser:
        for path in ("/supervise/reports", "/supervise/reports/periods.csv"):
            answered = await browser.get(f"{path}?{query}")
            assert answered.status_code == 422
            assert said in answered.text
            assert 'value="2026-11-22"' in answered.text or "2026-11-22" not in query


async def test_only_supervisors_see_reports(house: House, cora: SignedIn, sue: SignedIn) -> None:
    eve, alf = await house.hire("Eve", Role.EDITOR), await house.hire("Alf", Role.ADMIN)
    for path in ("/supervise/reports", "/supervise/reports/periods.csv"):
        for person, status in ((cora, 403), (eve, 403), (alf, 403), (None, 303), (sue, 200)):
            async with house.client(person) as browser:
                assert (await browser.get(path)).status_code == status
    async with house.client(sue) as browser:
        assert (await browser.get("/supervise/reports/names.csv")).status_code == 404


async def test_who_asked_for_which_days_is_recorded(house: House, sue: SignedIn) -> None:
    await table(house, sue, "periods")
    async with house.db.read() as connection:
        row = (await connection.execute(select(audit).where(audit.c.action == "report"))).one()
    assert (row.actor, row.subject) == (sue.account_id, "2026-11-16 to 2026-11-22 by day")


@pytest.mark.parametrize("text", ["=1+1", "+44", "-2", "@SUM(A1)", "\uff1d1", " =1", "\t=1", "\u200b=1", "\ufeff+1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text).startswith("'")


def test_a_cell_stays_on_its_line() -> None:
    rows: Iterable[tuple[object, ...]] = [('He said "no",\r\nthen\x00 \u202eleft', 5, None)]
    (line,) = list(csv.reader(io.StringIO(to_csv(["a", "b", "c"], rows).decode("utf-8-sig"))))[1:]
    assert line == ['He said "no", then left', "5", "fewer than 5, or kept back"]


def _wrap_up(conversation_id: int, account_id: str) -> dict[str, Any]:
    return {
        "conversation_id": conversation_id,
        "account_id": account_id,
        "outcome": "advised",
        "topics": "housing",
        "abuse_types": "physical",
        "risk_level": "not_known",
        "serial": "not_known",
        "safeguarding": "none",
        "minutes_after": 5,
        "at": MONDAY,
    }
