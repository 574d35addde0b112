"""Schemas of sales, to the letter of the contract."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates, validates_schema

from models.enums import AdmissionOrder, SaleStatus
from models.tables.catalogue import MAX_ALLOCATION
from web.api.schemas.fields import Flag, MoneyOut, MoneySchema, Strict, UtcTime, Whole
from web.api.schemas.paging import PageQuery, page_of
from web.api.schemas.products import ProductSchema

MAX_HOLD_S = 604_800  # seconds: a week
STATUSES = [status.value for status in SaleStatus]


class AdmissionSchema(Strict):
    """The pace and the order in which a line is let through; no bound where it is null."""

    order = fields.String(
        load_default=AdmissionOrder.FIFO.value,
        validate=validate.OneOf([order.value for order in AdmissionOrder]),
    )
    rate_per_second = Whole(load_default=None, allow_none=True, low=1)
    max_open_holds = Whole(load_default=None, allow_none=True, low=1)


class AdmissionPatchSchema(Strict):
    """Changes of the admission; what is not named stays."""

    order = fields.String(validate=validate.OneOf([order.value for order in AdmissionOrder]))
    rate_per_second = Whole(allow_none=True, low=1)
    max_open_holds = Whole(allow_none=True, low=1)


class SaleCreateSchema(Strict):
    """A new sale."""

    product_id = fields.UUID(required=True)
    allocation = Whole(required=True, low=1, high=MAX_ALLOCATION)
    price = fields.Nested(MoneySchema, required=True)
    opens_at = UtcTime(required=True)
    closes_at = UtcTime(required=True)
    lobby_opens_at = UtcTime(load_default=None, allow_none=True)
    per_shopper_limit = Whole(load_default=1, low=1, high=MAX_ALLOCATION)
    hold_seconds = Whole(load_default=600, low=1, high=MAX_HOLD_S)
    requires_verified_email = Flag(load_default=False)
    admission = fields.Nested(AdmissionSchema, load_default=lambda: AdmissionSchema().load({}))

    @validates_schema
    def _times_follow(self, data: dict[str, Any], **_kwargs: Any) -> None:
        refuse_unordered_times(data)


class SalePatchSchema(Strict):
    """Changes of a sale; what is not named stays."""

    product_id = fields.UUID()
    allocation = Whole(low=0, high=MAX_ALLOCATION)
    price = fields.Nested(MoneySchema)
    opens_at = UtcTime()
    closes_at = UtcTime()
    lobby_opens_at = UtcTime(allow_none=True)
    per_shopper_limit = Whole(low=1, high=MAX_ALLOCATION)
    hold_seconds = Whole(low=1, high=MAX_HOLD_S)
    requires_verified_email = Flag()
    admission = fields.Nested(AdmissionPatchSchema)

    @validates_schema
    def _times_follow(self, data: dict[str, Any], **_kwargs: Any) -> None:
        refuse_unordered_times(data)


class UnitsSchema(Strict):
    """How many units more there are to be, or fewer where it is below 0."""

    change = Whole(required=True, low=-MAX_ALLOCATION, high=MAX_ALLOCATION)

    @validates("change")
    def _is_a_change(self, change: int, **_kwargs: Any) -> None:
        if change == 0:
            raise ValidationError("Must not be 0.")


class SaleQuery(PageQuery):
    """`?status=` besides the page."""

    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))


class AdmissionOutSchema(Schema):
    """The admission as everybody sees it."""

    order = fields.String(required=True, metadata={"enum": ["fifo", "draw"]})
    rate_per_second = fields.Integer(required=True, allow_none=True)
    max_open_holds = fields.Integer(required=True, allow_none=True)
    seed_sha256 = fields.String(metadata={"description": "Of a draw's seed: what commits to it before."})
    seed = fields.String(allow_none=True, metadata={"description": "Told once the lobby was drawn."})


class QueueSchema(Schema):
    """How long the line is and where it stands."""

    waiting = fields.Integer(required=True)
    standby = fields.Integer(required=True)
    last_ticket = fields.Integer(required=True)
    now_serving = fields.Integer(required=True)
    standby_places = fields.List(
        fields.List(fields.Integer()),
        required=True,
        metadata={
            "description": "Pairs of ticket and place, from which everybody who stands by finds their own."
        },
    )


class SaleSchema(Schema):
    """A sale as everybody sees it. `allocation` is always `available + held + sold`."""

    id = fields.UUID(required=True)
    product = fields.Nested(ProductSchema, required=True)
    status = fields.String(required=True, metadata={"enum": STATUSES})
    price = MoneyOut("price_minor", required=True)
    allocation = fields.Integer(required=True)
    available = fields.Integer(required=True)
    held = fields.Integer(required=True)
    sold = fields.Integer(required=True)
    per_shopper_limit = fields.Integer(required=True)
    hold_seconds = fields.Integer(required=True)
    requires_verified_email = fields.Boolean(required=True)
    opens_at = UtcTime(required=True)
    closes_at = UtcTime(required=True)
    lobby_opens_at = UtcTime(required=True, allow_none=True)
    admission = fields.Nested(AdmissionOutSchema, required=True)
    queue = fields.Nested(QueueSchema, required=True)
    server_time = UtcTime(required=True)


SalePageSchema = page_of(SaleSchema)


def refuse_unordered_times(times: dict[str, Any]) -> None:
    """Refuse a sale that closes before it opens, or whose lobby opens after that.

    A PATCH has to check the merged sale besides.

    Raises:
        ValidationError: with the field that is to be changed.
    """
    opens, closes, lobby = (times.get(name) for name in ("opens_at", "closes_at", "lobby_opens_at"))
    if opens is not None and closes is not None and closes <= opens:
        raise ValidationError("Must be after opens_at.", "closes_at")
    if opens is not None and lobby is not None and lobby > opens:
        raise ValidationError("Must not be after opens_at.", "lobby_opens_at")
