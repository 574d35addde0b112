"""The admins' pages of reports: one sale's, and two compared side by side."""

import uuid
from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask_babel import gettext
from marshmallow import ValidationError

from models.messages import Message
from models.report.comparing import compare
from models.report.series import Series
from models.tables.background import BackgroundTask
from tasks.background.report_requests import find_report
from tasks.sales.lifecycle import get_sale, list_sales
from tasks.sales.view import show_sale
from web.auth.actor import current_actor
from web.control_room.frame import blueprint
from web.control_room.reports import report_charts, report_words
from web.control_room.reports.charts import Chart
from web.http.services import services
from web.shop import durations, reading
from web.staff.guard import needs

PERCENTILES = ("p50", "p90", "p99", "max")
STEPS = (
    "intents",
    "decided",
    "held",
    "payment_begun",
    "paid",
)  # of the funnel
OTHERS = ("sold_out", "rejected", "left", "expired", "cancelled", "refunded", "open", "standby", "in_line")

blueprint.add_app_template_filter(durations.write_ms, "ms")
blueprint.add_app_template_filter(durations.write_seconds, "seconds")
blueprint.add_app_template_filter(durations.write_number, "number")
blueprint.add_app_template_filter(durations.write_share, "percent")
blueprint.add_app_template_global(report_words.figure_words)
blueprint.add_app_template_global(report_words.column_words)
blueprint.add_app_template_global(report_words.check_words)
blueprint.add_app_template_global(report_words.percentile_words)


@dataclass(frozen=True, slots=True)
class Drawings:
    """What is drawn of a series: over which span, which others there are, and the table beside it."""

    charts: list[Chart]
    span: int
    spans: list[int]
    table: Series


@blueprint.get("/sales/<uuid:sale_id>/report")
@needs("reports.read")
def report_page(sale_id: uuid.UUID) -> str:
    """The report of a sale; where it is still to be made, that is said and waited for."""
    sale = show_sale(services().context, get_sale(services().context, sale_id))
    found = find_report(services().context, sale_id, by=current_actor().user_id)
    if isinstance(found, BackgroundTask):
        return render_template("admin/report_waits.html", sale=sale, task_id=found.id)
    return render_template(
        "admin/report.html",
        sale=sale,
        report=found,
        drawings=_drawings(Series.read(found["series"])),
        steps=STEPS,
        others=[name for name in OTHERS if found["funnel"][name]],
        percentiles=PERCENTILES,
    )


@blueprint.get("/compare")
@needs("reports.read")
def compare_page() -> str:
    """Two sales side by side, and the choice which."""
    context, by = services().context, current_actor().user_id
    chosen = [_chosen(name) for name in ("a", "b")]
    shown: dict[str, Any] = {"chosen": chosen, "sales": list_sales(context, limit=reading.MOST_SALES)}
    if None in chosen:
        return render_template("admin/compare.html", **shown)
    found = [find_report(context, one, by=by) for one in chosen if one is not None]
    tasks = [one for one in found if isinstance(one, BackgroundTask)]
    if tasks:
        return render_template("admin/compare.html", **shown, task_id=tasks[0].id)
    reports = [one for one in found if isinstance(one, dict)]
    return render_template("admin/compare.html", **shown, **_side_by_side(reports))


def _side_by_side(reports: list[Message]) -> dict[str, Any]:
    """Gather what the page shows of two reports; sales of the same product are told apart by letters."""
    comparison = compare(*reports)
    names = tuple(
        gettext("%(name)s:", name=letter) + " " + report["settings"]["product"]["name"]
        for letter, report in zip("AB", reports, strict=True)
    )
    series = [Series.read(report["series"]) for report in reports]
    spans = report_charts.spans_of(*series)
    span = _asked_span(spans, report_charts.best_span(*series))
    charts = report_charts.side_by_side(series[0], series[1], (names[0], names[1]), span) if span else []
    return {"comparison": comparison, "names": names, "charts": charts, "span": span, "spans": spans}


def _drawings(series: Series) -> Drawings | None:
    """Draw a report's series; None where nothing happened."""
    spans = report_charts.spans_of(series)
    span = _asked_span(spans, report_charts.best_span(series))
    if span is None:
        return None
    return Drawings(report_charts.charts_of(series, span), span, spans, report_charts.table_of(series, span))


def _asked_span(spans: list[int], best: int | None) -> int | None:
    """Take the span that was asked for where there is such, else the one that shows most."""
    asked = request.args.get("span", type=int)
    return asked if asked in spans else best


def _chosen(name: str) -> uuid.UUID | None:
    """Read which sale was chosen; none yet where nothing was.

    Raises:
        ValidationError: what came is no sale's id.
    """
    asked = request.args.get(name, "")
    try:
        return uuid.UUID(asked) if asked else None
    except ValueError as error:
        raise ValidationError("Not a sale's id.", name) from error
