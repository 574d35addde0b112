"""What only admins do with sales: create another one with the same settings."""

import uuid
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response
from marshmallow import ValidationError, fields, validates_schema

from tasks.sales.clone import clone_sale
from tasks.sales.view import show_sale
from web.api.schemas.accounts import time_zones
from web.api.schemas.fields import Strict, UtcTime
from web.api.schemas.sales import SaleSchema, refuse_unordered_times
from web.auth.actor import current_actor
from web.http.etags import ETAG, etag_of_shown
from web.http.openapi import PREFIX, Blueprint
from web.http.responses import answer
from web.http.services import services
from web.staff.guard import may

blueprint = Blueprint("admin_sales", __name__, description="Sales, for admins")


class ZoneField(fields.Field):  # type: ignore[type-arg]
    """A time zone by its IANA name, e.g. `Europe/Berlin`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tzinfo:  # noqa: ARG002
        if value == "UTC":
            return UTC
        if not isinstance(value, str) or value not in time_zones():
            raise ValidationError("Not a time zone by its IANA name, e.g. Europe/Berlin.")
        return ZoneInfo(value)


class CloneSchema(Strict):
    """When the other one takes place: as told, or at the model's time of the clock in a time zone.

    `opens_at` and `closes_at` come both or not at all, and a lobby only with them: what is told is all.
    """

    opens_at = UtcTime()
    closes_at = UtcTime()
    lobby_opens_at = UtcTime(allow_none=True)
    time_zone = ZoneField(
        load_default=lambda: UTC, metadata={"type": "string", "description": "UTC unless told."}
    )

    @validates_schema
    def _times_follow(self, data: dict[str, Any], **_kwargs: Any) -> None:
        missing = [name for name in ("opens_at", "closes_at") if name not in data]
        if missing and (len(missing) < 2 or "lobby_opens_at" in data):
            raise ValidationError("Say when it opens and when it closes, or neither.", missing[0])
        refuse_unordered_times(data)


@blueprint.post("/sales/<uuid:sale_id>/clone")
@may("sales.write")
@blueprint.arguments(CloneSchema)
@blueprint.response(201, SaleSchema, headers=ETAG)
def clone(asked: dict[str, Any], sale_id: uuid.UUID) -> Response:
    """Schedule another sale with a sale's product, allocation, price, limits and pace.

    Without times it takes place at the same time of the clock in `time_zone`, on the first day to come.
    """
    context, by = services().context, current_actor()
    zone = asked.pop("time_zone")
    times = {"lobby_opens_at": None, **asked} if "opens_at" in asked else None
    sale = clone_sale(context, sale_id, times=times, zone=zone, by=by)
    shown = show_sale(context, sale)
    location = {"Location": f"{PREFIX}/sales/{sale.id}"}
    return answer(shown, 201, {**etag_of_shown(sale, shown), **location})
