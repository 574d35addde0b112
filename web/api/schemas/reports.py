"""Schemas of reports and their comparison, for the documentation: reports are answered as they are stored."""

from marshmallow import Schema, fields

from models.report.comparing import Kind
from models.report.series import COLUMNS, COUNTS, LEVELS
from web.api.schemas.fields import UtcTime
from web.api.schemas.report_parts import (
    ReportAuditSchema,
    ReportFairnessSchema,
    ReportFunnelSchema,
    ReportMilestonesSchema,
    ReportPaymentsSchema,
    ReportReasonSchema,
    ReportRevenueSchema,
    ReportSettingsSchema,
    ReportShoppersSchema,
    ReportSpreadsSchema,
    ReportTimesSchema,
    ReportUnitsSchema,
)


class ReportSeriesSchema(Schema):
    """Rows where something happened: counts of `bucket_seconds`, then levels at their end."""

    bucket_seconds = fields.Integer(required=True)
    columns = fields.List(fields.String(metadata={"enum": list(COLUMNS)}), required=True)
    first = fields.List(
        fields.Integer(), required=True, metadata={"description": f"Levels before: {', '.join(LEVELS)}."}
    )
    rows = fields.List(fields.List(fields.Integer()), required=True)


class ReportHeadSchema(Schema):
    """Which sale it is of, and from when."""

    sale_id = fields.UUID(required=True)
    is_final = fields.Boolean(required=True)
    made_at = UtcTime(required=True)
    settings = fields.Nested(ReportSettingsSchema, required=True)
    times = fields.Nested(ReportTimesSchema, required=True)


class ReportSchema(ReportHeadSchema):
    """The report of a sale. It is final once nothing of the sale is on its way any more."""

    funnel = fields.Nested(ReportFunnelSchema, required=True)
    reasons = fields.List(fields.Nested(ReportReasonSchema), required=True)
    units = fields.Nested(ReportUnitsSchema, required=True)
    revenue = fields.Nested(ReportRevenueSchema, required=True)
    shoppers = fields.Nested(ReportShoppersSchema, required=True)
    payments = fields.Nested(ReportPaymentsSchema, required=True)
    spreads_ms = fields.Nested(ReportSpreadsSchema, required=True)
    seconds_from_opening = fields.Nested(ReportMilestonesSchema, required=True)
    fairness = fields.Nested(ReportFairnessSchema, required=True)
    audit = fields.Nested(ReportAuditSchema, required=True)
    series = fields.Nested(ReportSeriesSchema, required=True)


class ComparedSchema(Schema):
    """A figure of two sales, by its path in the report: `difference` is b less a, `ratio` b by a."""

    name = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": [kind.value for kind in Kind]})
    a = fields.Raw(required=True, allow_none=True)
    b = fields.Raw(required=True, allow_none=True)
    difference = fields.Raw(required=True, allow_none=True)
    ratio = fields.Float(required=True, allow_none=True)


SideSchema = Schema.from_dict(
    {name: fields.List(fields.Integer(), required=True) for name in (*COUNTS, *LEVELS)}, name="ReportSide"
)


class SideBySideSchema(Schema):
    """Both series at the same seconds since each sale's opening."""

    bucket_seconds = fields.Integer(required=True)
    seconds = fields.List(fields.Integer(), required=True)
    a = fields.Nested(SideSchema, required=True)
    b = fields.Nested(SideSchema, required=True)


class ComparisonSchema(Schema):
    """Two reports held against each other."""

    a = fields.Nested(ReportHeadSchema, required=True)
    b = fields.Nested(ReportHeadSchema, required=True)
    figures = fields.List(fields.Nested(ComparedSchema), required=True)
    series = fields.Nested(SideBySideSchema, required=True)
