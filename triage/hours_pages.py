"""The page of the opening hours: the week, bank holidays, closures. For supervisors and admins.

What the public pages say follows within two seconds on every process. Each change is recorded.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import delete, insert
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from chat.holding import Holds
from core.audit import AuditLog
from core.clock import LONDON, Clock
from core.db import Database
from core.errors import InvalidText, Refusal
from core.forms import field
from core.text import check_text
from core.web import account, posted, render, see_other
from triage.desk_requests import unless_held
from triage.hours import (
    WEEKDAYS,
    Opening,
    Period,
    Timetable,
    bank_holidays,
    hours_in_words,
    opening_words,
)
from triage.office_hours import DAYS, day_line, parse_hours, store_always_open, store_hours
from triage.queue import Queue
from triage.tables import closure, holiday

HOLIDAYS_AHEAD = timedelta(days=400)
LONGEST_CLOSURE = timedelta(days=366)
REASON_MOST = 120
SAID = {
    "week": "The hours of the week are changed.",
    "closed": "The closure is set.",
    "removed": "The closure is removed.",
    "holiday": "The bank holiday is changed.",
}
NO_CLOSURE = {"from_day": "", "from_time": "", "to_day": "", "to_time": "", "reason": ""}

Values = dict[str, str]
Errors = dict[str, str]


@dataclass(frozen=True, slots=True)
class NewClosure:
    starts: datetime
    ends: datetime
    reason: str


class HoursPages:
    def __init__(
        self, db: Database, opening: Opening, queue: Queue, holds: Holds, audit: AuditLog, clock: Clock
    ) -> None:
        self._db = db
        self._opening = opening
        self._queue = queue
        self._holds = holds
        self._audit = audit
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """GET /supervise/hours."""
        return await self._page(request)

    async def change_week(self, request: Request) -> Response:
        """POST /supervise/hours: the hours of each weekday, or round the clock."""
        form = posted(request)
        values = {day: field(form, day)[:200].strip() for day in DAYS}
        always = field(form, "always_open") == "yes"
        checked = () if always else check_week(values)
        if isinstance(checked, dict):
            return await self._page(request, status=422, week=values, errors=checked)
        async with self._db.write() as connection:
            if always:
                await store_always_open(connection)
            else:
                await store_hours(connection, checked)
            line = "always" if always else "; ".join(f"{day} {text}" for day, text in values.items() if text)
            await self._record(connection, request, "hours_set", "hours", week=line)
        return self._changed("week")

    async def close(self, request: Request) -> Response:
        """POST /supervise/hours/closures."""
        values = {name: field(posted(request), name)[:200].strip() for name in NO_CLOSURE}
        checked = check_closure(values, self._clock())
        if isinstance(checked, dict):
            return await self._page(request, status=422, new=values, errors=checked)

        async def close() -> Response:
            await self._store_closure(request, checked)
            return self._changed("closed")

        kept = {name: value for name, value in values.items() if name != "reason"}
        return await unless_held(self._holds, request, {"reason": checked.reason}, kept, close, most=REASON_MOST)

    async def _store_closure(self, request: Request, new: NewClosure) -> None:
        async with self._db.write() as connection:
            row = {"starts": new.starts, "ends": new.ends, "reason": new.reason}
            number = (await connection.execute(insert(closure).values(row).returning(closure.c.id))).scalar_one()
            span = f"{new.starts.isoformat()} to {new.ends.isoformat()}"
            await self._record(connection, request, "closure_set", f"closure:{number}", span=span)

    async def remove(self, request: Request) -> Response:
        """POST /supervise/hours/closures/{number}/remove. Removed twice, it is gone once."""
        number = request.path_params["number"]
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise HTTPException(404)
        async with self._db.write() as connection:
            gone = await connection.execute(delete(closure).where(closure.c.id == int(number)))
            if gone.rowcount:
                await self._record(connection, request, "closure_removed", f"closure:{number}")
        return self._changed("removed")

    async def change_holiday(self, request: Request) -> Response:
        """POST /supervise/hours/holidays: open or closed on one bank holiday."""
        form = posted(request)
        try:
            day = date.fromisoformat(field(form, "day"))
        except ValueError:
            raise HTTPException(422) from None
        name, opens = bank_holidays().get(day), field(form, "open") == "yes"
        if name is None:
            raise HTTPException(422)
        async with self._db.write() as connection:
            await connection.execute(delete(holiday).where(holiday.c.day == day))
            if opens:
                await connection.execute(insert(holiday).values(day=day, name=name, closed=False))
            await self._record(connection, request, "holiday_set", f"holiday:{day}", open=opens)
        return self._changed("holiday")

    async def _record(self, connection: Any, request: Request, action: str, subject: str, **data: Any) -> None:
        await self._audit.append(connection, self._clock(), account(request).account_id, action, subject, **data)

    def _changed(self, said: str) -> Response:
        self._opening.forget()
        self._queue.changed()
        return see_other(f"/supervise/hours?said={said}")

    async def _page(self, request: Request, status: int = 200, **changes: Any) -> Response:
        self._opening.forget()
        timetable, now = await self._opening.timetable(), self._clock()
        today = now.astimezone(LONDON).date()
        context: dict[str, Any] = {
            "weekdays": list(zip(DAYS, WEEKDAYS, strict=True)),
            "week": {day: day_line(number, timetable.periods) for number, day in enumerate(DAYS)},
            "always_open": timetable.always_open,
            "coming": [(day, hours_in_words(timetable, day)) for day in (today + timedelta(n) for n in range(14))],
            "holidays": _holidays(timetable, today),
            "closures": timetable.closures,
            "new": NO_CLOSURE,
            "today": today.isoformat(),
            "errors": {},
            "message": SAID.get(request.query_params.get("said", "")),
            "state_words": await self._state_words(now),
        }
        return render(request, "supervise/hours.html", status=status, **context | changes)

    async def _state_words(self, now: datetime) -> str:
        state = await self._opening.state()
        if state.open:
            return f"Open now, until {opening_words(state.until, now)}." if state.until else "Open now."
        opens = f" Opens {opening_words(state.opens_at, now)}." if state.opens_at else ""
        return f"Closed now{f' ({state.closed_today})' if state.closed_today else ''}.{opens}"


def check_week(values: Values) -> tuple[Period, ...] | Errors:
    """The periods of a week from one line a day, empty where the service is closed; or what is wrong, by day."""
    errors: Errors = {}
    periods: list[Period] = []
    for day, text in values.items():
        try:
            periods += _parse_day(day, text)
        except InvalidText as problem:
            errors[day] = problem.text
    if not errors and not periods:
        errors[DAYS[0]] = "Give the hours of one day at least, or choose round the clock."
    return errors or tuple(periods)


def _parse_day(day: str, text: str) -> tuple[Period, ...]:
    if not text:
        return ()
    if ";" in text:
        raise InvalidText("Write the hours of this day only, with commas between them, as in 9:30-12:00, 13:00-17:00.")
    return parse_hours(f"{day} {text}")


def check_closure(values: Values, now: datetime) -> NewClosure | Errors:
    """Without a time the first day begins at midnight, and the last one ends there."""
    errors: Errors = {}
    moments: dict[str, datetime] = {}
    for end, label in (("from", "first"), ("to", "last")):
        day_text = values[f"{end}_day"] or (values["from_day"] if end == "to" else "")
        try:
            day = date.fromisoformat(day_text)
        except ValueError:
            errors[f"{end}_day"] = f"Enter the {label} day as year, month and day."
            continue
        try:
            at = time.fromisoformat(values[f"{end}_time"]) if values[f"{end}_time"] else None
        except ValueError:
            errors[f"{end}_time"] = "Enter a time of day such as 13:00, or leave it empty for the whole day."
            continue
        if at is None and end == "to":
            day += timedelta(days=1)
        moments[end] = datetime.combine(day, at.replace(tzinfo=None) if at else time(), LONDON).astimezone(UTC)
    try:
        reason = check_text(values["reason"], REASON_MOST)
    except Refusal:
        reason = ""
        errors["reason"] = f"Say why in up to {REASON_MOST} characters. The public reads it."
    if errors:
        return errors
    if moments["to"] <= moments["from"]:
        return {"to_day": "Choose an end that comes after the beginning."}
    if moments["to"] <= now:
        return {"to_day": "Choose an end that is still to come."}
    if moments["to"] - moments["from"] > LONGEST_CLOSURE:
        return {"to_day": "Choose a closure of one year at most."}
    return NewClosure(moments["from"], moments["to"], reason)


def _holidays(timetable: Timetable, today: date) -> list[dict[str, Any]]:
    return [
        {"day": day, "name": name, "open": day not in timetable.closed_days}
        for day, name in sorted(bank_holidays().items())
        if today <= day <= today + HOLIDAYS_AHEAD
    ]
