"""Owns what only the control room does with sales: another one by the same settings."""

import uuid
from typing import Any

from flask import Response
from marshmallow import validates_schema

from tasks.clone import clone_sale
from tasks.views import show_sale
from web.answers import answer
from web.api import PREFIX, Blueprint
from web.auth.actor import current_actor
from web.auth.identity import admin_only
from web.etags import ETAG, etag_of_shown
from web.sales import checked
from web.schemas.fields import Strict, UtcTime
from web.schemas.sales import SaleSchema, refuse_unordered_times
from web.services import services

blueprint = Blueprint("admin_sales", __name__, description="Sales, for admins")


class CloneSchema(Strict):
    """When the other one takes place."""

    opens_at = UtcTime(required=True)
    closes_at = UtcTime(required=True)
    lobby_opens_at = UtcTime(load_default=None, allow_none=True)

    @validates_schema
    def _times_follow(self, data: dict[str, Any], **_kwargs: Any) -> None:
        refuse_unordered_times(data)


@blueprint.post("/sales/<uuid:sale_id>/clone")
@admin_only
@blueprint.arguments(CloneSchema)
@blueprint.response(201, SaleSchema, headers=ETAG)
def clone(asked: dict[str, Any], sale_id: uuid.UUID) -> Response:
    """Schedule another sale with a sale's product, allocation, price, limits and pace."""
    context = services().context
    sale = checked(lambda: clone_sale(context, sale_id, by=current_actor(), **asked))
    shown = show_sale(context, sale)
    location = {"Location": f"{PREFIX}/sales/{sale.id}"}
    return answer(shown, 201, {**etag_of_shown(sale, shown), **location})
