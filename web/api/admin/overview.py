"""`/admin/sales/{id}/overview`: a sale at a glance, cheap enough to be polled every second."""

import uuid
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from web.api.schemas.fields import MoneySchema, UtcTime, whole_numbers
from web.api.schemas.sales import SaleSchema
from web.http.openapi import Blueprint
from web.http.responses import answer
from web.http.services import services
from web.staff.guard import may

blueprint = Blueprint("admin_overview", __name__, url_prefix="/admin/sales", description="Sales, for admins")


class OverviewQuery(Schema):
    """`?since=`: only what was sampled after that moment, e.g. after the last `at` of the answer before."""

    since = UtcTime(load_default=None)


class RatesSchema(Schema):
    """How fast it goes: tickets given out, and tickets decided."""

    intents_per_second = fields.Float(required=True)
    decisions_per_second = fields.Float(required=True)
    over_seconds = fields.Integer(required=True)


def _whole() -> Any:
    return fields.List(fields.Integer(), required=True)


class SeriesSchema(Schema):
    """The last minutes, a sample a second, oldest first; each list has one value for each `at`."""

    at = fields.List(UtcTime(), required=True)
    intents_per_second = fields.List(fields.Float(), required=True)
    decisions_per_second = fields.List(fields.Float(), required=True)
    available = _whole()
    held = _whole()
    sold = _whole()
    waiting = _whole()
    standby = _whole()


class HoldsSchema(Schema):
    """Holds that nobody pays yet, and how many of them are about to expire."""

    open = fields.Integer(required=True)
    expiring = fields.Integer(required=True)
    within_seconds = fields.Integer(required=True)
    next_deadline = UtcTime(required=True, allow_none=True)


# From intent to paid. `held` and `paid` count all that came so far, whatever came after.
FunnelSchema = whole_numbers(
    "FunnelSchema",
    "intents", "decided", "held", "paying", "paid", "refunded", "expired", "cancelled", "sold_out", "left",
    "rejected",
)  # fmt: skip


class RevenueSchema(Schema):
    """What was paid, what of it went back, and what is left; `units` are those that are left."""

    gross = fields.Nested(MoneySchema, required=True)
    refunded = fields.Nested(MoneySchema, required=True)
    net = fields.Nested(MoneySchema, required=True)
    units = fields.Integer(required=True)


class TimeToVerdictSchema(Schema):
    """From intent to final verdict, standby included, by the newest ones; null where lately none were."""

    p50_ms = fields.Integer(required=True, allow_none=True)
    p99_ms = fields.Integer(required=True, allow_none=True)
    verdicts = fields.Integer(required=True)
    over_seconds = fields.Integer(required=True)


# Open sockets of all web processes, and how many watch this sale; processes without any do not count.
SocketsSchema = whole_numbers("SocketsSchema", "open", "watching", "processes")


class InvariantStatusSchema(Schema):
    """An invariant, as the last audit found it."""

    name = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": ["ok", "violated", "unknown"]})


class AuditStatusSchema(Schema):
    """Every invariant; `in_flight`: the sale moved meanwhile, so that some were asked weakly."""

    checked_at = UtcTime(required=True, allow_none=True)
    in_flight = fields.Boolean(required=True)
    checks = fields.List(fields.Nested(InvariantStatusSchema), required=True)


class OverviewSchema(Schema):
    """A sale's live figures. What the ledger counts was counted at `counted_at`, a moment ago."""

    sale = fields.Nested(SaleSchema, required=True)
    rates = fields.Nested(RatesSchema, required=True)
    series = fields.Nested(SeriesSchema, required=True)
    holds = fields.Nested(HoldsSchema, required=True)
    funnel = fields.Nested(FunnelSchema, required=True)
    revenue = fields.Nested(RevenueSchema, required=True)
    time_to_verdict = fields.Nested(TimeToVerdictSchema, required=True)
    sockets = fields.Nested(SocketsSchema, required=True)
    audit = fields.Nested(AuditStatusSchema, required=True)
    counted_at = UtcTime(required=True)


@blueprint.get("/<uuid:sale_id>/overview")
@may("sales.read")
@blueprint.arguments(OverviewQuery, location="query")
@blueprint.response(200, OverviewSchema)
def get_overview(asked: dict[str, Any], sale_id: uuid.UUID) -> Response:
    """Show a sale's pace, line, stock, funnel, revenue, sockets and invariants."""
    return answer(services().overviews.of(sale_id, asked["since"]))
