"""The doors of the reports: the page with its charts, and each table as a file. For supervisors.

Who asked for which days is recorded: two reports of nearly the same days, held side by side, can tell more than one.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from core.audit import AuditLog
from core.clock import LONDON, Clock
from core.db import Database
from core.web import account, render
from triage.report_charts import stacked
from triage.report_facts import DEFAULT_DAYS, Grouping, Span
from triage.reports import Report, Reports, Table, check_span
from triage.spreadsheet import to_csv

GROUPINGS: Mapping[str, str] = {Grouping.DAY: "Days", Grouping.WEEK: "Weeks", Grouping.MONTH: "Months"}


class ReportPages:
    def __init__(self, db: Database, reports: Reports, audit: AuditLog, clock: Clock) -> None:
        self._db = db
        self._reports = reports
        self._audit = audit
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """GET /supervise/reports."""
        values, checked = self._asked(request)
        context: dict[str, Any] = {
            "values": values,
            "groupings": GROUPINGS,
            "errors": {},
            "report": None,
            "chart": None,
        }
        if not isinstance(checked, Span):
            return render(request, "supervise/reports.html", status=422, **context | {"errors": checked})
        report = await self._make(request, checked)
        rows: list[tuple[Any, ...]] = report.periods.rows
        # After its name: what was offered, then answered, left, question, open.
        chart = stacked([_short(row[0]) for row in rows], [row[1] for row in rows], [row[2:6] for row in rows])
        return render(request, "supervise/reports.html", **context | {"report": report, "chart": chart})

    async def file(self, request: Request) -> Response:
        """GET /supervise/reports/{table}.csv."""
        values, checked = self._asked(request)
        if not isinstance(checked, Span):
            return render(
                request,
                "supervise/reports.html",
                status=422,
                values=values,
                groupings=GROUPINGS,
                errors=checked,
                report=None,
                chart=None,
            )
        name = request.path_params["table"]
        table = (await self._make(request, checked)).table(name)
        if table is None:
            raise HTTPException(404)
        file = f"dutyline-{table.name.replace('_', '-')}-{checked.first}-to-{checked.last}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}
        return Response(_csv(table), media_type="text/csv; charset=utf-8", headers=headers)

    def _asked(self, request: Request) -> tuple[dict[str, str], Span | dict[str, str]]:
        today = self._clock().astimezone(LONDON).date()
        start = today - timedelta(days=DEFAULT_DAYS - 1)
        defaults = {"from": start.isoformat(), "to": today.isoformat(), "by": str(Grouping.WEEK)}
        values = {name: request.query_params.get(name, value)[:40] for name, value in defaults.items()}
        return values, check_span(values, today)

    async def _make(self, request: Request, span: Span) -> Report:
        report = await self._reports.make(span)
        async with self._db.write() as connection:
            days = f"{span.first} to {span.last} by {span.grouping}"
            await self._audit.append(connection, self._clock(), account(request).account_id, "report", days)
        return report


def _csv(table: Table) -> bytes:
    return to_csv(table.columns, [*table.rows, *([table.total] if table.total is not None else [])])


def _short(words: object) -> str:
    """`Mon 2 Nov 2026` is `2 Nov` below a bar; `2 Nov to 8 Nov 2026` is `2 Nov`."""
    parts = str(words).split()
    if len(parts) == 2:
        return f"{parts[0][:3]} {parts[1]}"
    return " ".join(parts[1:3] if len(parts) == 4 else parts[:2])
