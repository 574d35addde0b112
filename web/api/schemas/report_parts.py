"""Schemas of a report's parts: settings, funnel, units, money, times, fairness, audit."""

from marshmallow import Schema, fields

from models.enums import SaleStatus
from web.api.schemas.fields import MoneySchema, UtcTime, whole_numbers


class ReportProductSchema(Schema):
    """What was sold, by its present name."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)


class ReportAdmissionSchema(Schema):
    """How the line was let through."""

    order = fields.String(required=True, metadata={"enum": ["fifo", "draw"]})
    rate_per_second = fields.Integer(required=True, allow_none=True)
    max_open_holds = fields.Integer(required=True, allow_none=True)


class ReportSettingsSchema(Schema):
    """The sale's settings at last."""

    product = fields.Nested(ReportProductSchema, required=True)
    status = fields.String(required=True, metadata={"enum": [status.value for status in SaleStatus]})
    price = fields.Nested(MoneySchema, required=True)
    allocation = fields.Integer(required=True)
    per_shopper_limit = fields.Integer(required=True)
    hold_seconds = fields.Integer(required=True)
    opens_at = UtcTime(required=True)
    closes_at = UtcTime(required=True)
    lobby_opens_at = UtcTime(required=True, allow_none=True)
    admission = fields.Nested(ReportAdmissionSchema, required=True)


class ReportTimesSchema(Schema):
    """When it really opened and ended; `counted_from` is what all seconds are counted from."""

    opened_at = UtcTime(required=True, allow_none=True)
    ended_at = UtcTime(required=True, allow_none=True)
    counted_from = UtcTime(required=True)


class ReportReasonSchema(Schema):
    """How many intents were refused for one reason."""

    status = fields.String(required=True, metadata={"enum": ["sold_out", "rejected"]})
    reason = fields.String(required=True, allow_none=True)
    intents = fields.Integer(required=True)


# Intents and what became of them; orders from `held` on. `in_line` has no verdict yet.
ReportFunnelSchema = whole_numbers(
    "ReportFunnelSchema",
    "intents", "decided", "held", "payment_begun", "paid", "refunded", "expired", "cancelled", "open",
    "sold_out", "rejected", "left", "standby", "in_line",
)  # fmt: skip


class ReportUnitsSchema(Schema):
    """Units: asked for, granted, and what became of them; `demand_ratio` is asked by allocation."""

    allocation = fields.Integer(required=True)
    asked = fields.Integer(required=True)
    granted = fields.Integer(required=True)
    paid = fields.Integer(required=True)
    refunded = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)
    open = fields.Integer(required=True)
    sold = fields.Integer(required=True)
    demand_ratio = fields.Float(required=True, allow_none=True)


class ReportRevenueSchema(Schema):
    """Money of orders that were paid; `average_order` is gross by orders, to the minor unit."""

    gross = fields.Nested(MoneySchema, required=True)
    refunded = fields.Nested(MoneySchema, required=True)
    net = fields.Nested(MoneySchema, required=True)
    average_order = fields.Nested(MoneySchema, required=True, allow_none=True)


# How many people asked, were granted a hold, and paid.
ReportShoppersSchema = whole_numbers("ReportShoppersSchema", "asked", "granted", "paid")


# How often it was tried to pay.
ReportPaymentsSchema = whole_numbers("ReportPaymentsSchema", "attempts", "declined")


class ReportSpreadSchema(Schema):
    """How long something took, in milliseconds: percentiles of so many."""

    count = fields.Integer(required=True)
    p50 = fields.Integer(required=True, allow_none=True)
    p90 = fields.Integer(required=True, allow_none=True)
    p99 = fields.Integer(required=True, allow_none=True)
    max = fields.Integer(required=True, allow_none=True)


class ReportSpreadsSchema(Schema):
    """From asking (or the opening) to the verdict; from standby to the verdict; from hold to paid."""

    to_verdict = fields.Nested(ReportSpreadSchema, required=True)
    on_standby = fields.Nested(ReportSpreadSchema, required=True)
    hold_to_paid = fields.Nested(ReportSpreadSchema, required=True)


class ReportMilestonesSchema(Schema):
    """Seconds from the opening until something happened; null where it did not."""

    first_hold = fields.Float(required=True, allow_none=True)
    all_taken = fields.Float(required=True, allow_none=True)
    last_verdict = fields.Float(required=True, allow_none=True)
    last_paid = fields.Float(required=True, allow_none=True)


class ReportDrawSchema(Schema):
    """The lobby's draw, and whether the audit drew the same."""

    seed = fields.String(required=True)
    seed_sha256 = fields.String(required=True)
    lobby = fields.Integer(required=True)
    repeats = fields.Boolean(required=True)


class ReportFairnessSchema(Schema):
    """How the line was kept. `draw` is null where none was made."""

    order = fields.String(required=True, metadata={"enum": ["fifo", "draw"]})
    fifo_inversions = fields.Integer(required=True)
    draw = fields.Nested(ReportDrawSchema, required=True, allow_none=True)


class ReportCheckSchema(Schema):
    """One invariant."""

    name = fields.String(required=True)
    ok = fields.Boolean(required=True)


class ReportMoneySchema(Schema):
    """All charges of the sale, late ones too: what came, what went back, what is not decided yet."""

    charged = fields.Nested(MoneySchema, required=True)
    refunded = fields.Nested(MoneySchema, required=True)
    undecided = fields.Nested(MoneySchema, required=True)


class ReportAuditSchema(Schema):
    """The audit's verdict when the report was made."""

    ok = fields.Boolean(required=True)
    in_flight = fields.Boolean(required=True)
    checked_at = UtcTime(required=True)
    checks = fields.List(fields.Nested(ReportCheckSchema), required=True)
    money = fields.Nested(ReportMoneySchema, required=True)
