"""The reports of sales: one, its series as CSV, and the comparison of two."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from models.messages import Message
from models.report.comparing import compare
from models.tables.background import BackgroundTask
from tasks.background.report_requests import ask_for_report, find_report
from tasks.reports.spreadsheet import HEADER, rows_of
from web.api.schemas.reports import ComparisonSchema, ReportSchema
from web.api.schemas.tasks import TaskSchema
from web.api.tasks import accepted
from web.auth.actor import current_actor
from web.http.csv import BOM, CSV_TYPE, write_rows
from web.http.openapi import Blueprint
from web.http.responses import answer
from web.http.services import services
from web.staff.guard import may

blueprint = Blueprint("reports", __name__, description="Reports of sales, for admins")

RETRY_AFTER = {"Retry-After": "1"}  # seconds; a report takes about as long


class ComparisonQuery(Schema):
    """`?a=&b=`: two sales."""

    a = fields.UUID(required=True)
    b = fields.UUID(required=True)


@blueprint.get("/sales/<uuid:sale_id>/report")
@may("reports.read")
@blueprint.response(200, ReportSchema)
@blueprint.alt_response(202, schema=TaskSchema)
def get_report(sale_id: uuid.UUID) -> Response:
    """Show the report of a sale, of one that runs the figures so far (`is_final` is false).

    202 with the task that makes it, where that takes longer than an answer should.
    """
    return _told([sale_id], lambda reports: answer(reports[0]))


@blueprint.post("/sales/<uuid:sale_id>/report")
@may("tasks.run")
@blueprint.response(202, TaskSchema)
def make_again(sale_id: uuid.UUID) -> Response:
    """Have the report made again."""
    task = ask_for_report(services().context, sale_id, by=current_actor().user_id)
    return accepted(task, **RETRY_AFTER)


@blueprint.get("/sales/<uuid:sale_id>/report.csv")
@may("reports.read")
@blueprint.response(200, content_type="text/csv")
@blueprint.alt_response(202, schema=TaskSchema)
def export_series(sale_id: uuid.UUID) -> Response:
    """Export the series of a sale's report as CSV (RFC 4180), a row for each second with something in it."""
    return _told([sale_id], lambda reports: _csv(sale_id, reports[0]))


@blueprint.get("/admin/sales/compare")
@may("reports.read")
@blueprint.arguments(ComparisonQuery, location="query")
@blueprint.response(200, ComparisonSchema)
@blueprint.alt_response(202, schema=TaskSchema)
def compare_sales(asked: dict[str, Any]) -> Response:
    """Compare two sales by their reports; 202 with a task where one of them is still to be made."""
    return _told([asked["a"], asked["b"]], lambda reports: answer(compare(*reports)))


def _told(sale_ids: list[uuid.UUID], tell: Callable[[list[Message]], Response]) -> Response:
    """Tell of reports, or of a task that makes one of them; all are asked for at once."""
    context, by = services().context, current_actor().user_id
    found = [find_report(context, sale_id, by=by) for sale_id in sale_ids]
    tasks = [one for one in found if isinstance(one, BackgroundTask)]
    if tasks:
        return accepted(tasks[0], **RETRY_AFTER)
    return tell([one for one in found if isinstance(one, dict)])


def _csv(sale_id: uuid.UUID, report: Message) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="report-{sale_id}.csv"'}
    return Response(BOM + write_rows([HEADER, *rows_of(report)]), content_type=CSV_TYPE, headers=headers)
