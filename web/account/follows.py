"""`/sales/{id}/follow` and `/me/follows`: the sales that an account is told of before they open."""

import uuid
from typing import Any, Final

from flask import Response
from marshmallow import Schema, fields

from models.queries.notices.follows import follows
from models.queries.sales import sales_with_products
from models.tables.notices.follows import SaleFollow
from tasks.context import Context
from tasks.notices.follows import follow_sale, unfollow_sale
from web.api.schemas.fields import UtcTime
from web.api.schemas.paging import PageQuery, page_of
from web.api.schemas.products import ProductSchema
from web.api.schemas.sales import STATUSES
from web.auth.identity import current_identity, signed_in
from web.http.openapi import Blueprint
from web.http.paging import Page, read_page
from web.http.responses import page
from web.http.services import services

blueprint = Blueprint("follows", __name__, description="Sales that one is told of before they open")


class FollowSchema(Schema):
    """A sale that is followed, without its figures."""

    sale_id = fields.UUID(required=True, attribute="sale.id")
    followed_at = UtcTime(required=True, attribute="follow.created_at")
    product = fields.Nested(ProductSchema, required=True, attribute="sale.product")
    status = fields.String(required=True, attribute="sale.status", metadata={"enum": STATUSES})
    lobby_opens_at = UtcTime(required=True, allow_none=True, attribute="sale.lobby_opens_at")
    opens_at = UtcTime(required=True, attribute="sale.opens_at")


_FOLLOWED: Final = FollowSchema(many=True)


@blueprint.put("/sales/<uuid:sale_id>/follow")
@signed_in
@blueprint.response(204)
def follow(sale_id: uuid.UUID) -> None:
    """Be told before the sale opens, by mail and by the browsers that may push; again changes nothing."""
    follow_sale(services().context, current_identity().user_id, sale_id)


@blueprint.delete("/sales/<uuid:sale_id>/follow")
@signed_in
@blueprint.response(204)
def unfollow(sale_id: uuid.UUID) -> None:
    """Be told of the sale no longer."""
    unfollow_sale(services().context, current_identity().user_id, sale_id)


@blueprint.get("/me/follows")
@signed_in
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(FollowSchema))
def list_follows(asked: dict[str, Any]) -> Response:
    """List the sales that one follows, the last that was followed first."""
    return page(read_follows(services().context, current_identity().user_id, **asked))


def read_follows(context: Context, user_id: uuid.UUID, *, limit: int, cursor: str | None = None) -> Page:
    """Read a page of what an account follows, as it is told."""
    keys = (SaleFollow.created_at, SaleFollow.sale_id)
    with context.database.transaction() as session:
        found = read_page(session, follows(user_id), keys, limit=limit, cursor=cursor)
        sales = sales_with_products(session, {one.sale_id for one in found.items})
        rows = [{"follow": one, "sale": sales[one.sale_id]} for one in found.items]
        return Page(_FOLLOWED.dump(rows), found.next_cursor)
