"""`/admin/shoppers`: finds accounts, bans them, and lifts bans."""

import uuid
from typing import Any, Final

from flask import Response
from marshmallow import Schema, fields, validate

from models.enums import Role, StaffRole
from models.messages import Message
from models.queries.accounts import OrderCounts, count_orders, find_shopper, search_shoppers
from models.tables.accounts import User
from tasks.accounts.second_factor import reset
from tasks.expulsion.bans import ban_shopper, unban_shopper
from tasks.privacy.erasing import erase_account
from web.api.schemas.fields import Prose, Strict, Text, UtcTime
from web.api.schemas.paging import PageQuery, page_of
from web.auth.actor import current_actor
from web.http.openapi import Blueprint
from web.http.paging import Page, page_from, read_place
from web.http.responses import answer, page
from web.http.services import services
from web.staff.guard import may

blueprint = Blueprint("shoppers", __name__, url_prefix="/admin/shoppers", description="Accounts, for admins")


class ShopperQuery(PageQuery):
    """`?query=` (an id, or a part of the name or e-mail) and `?banned=true` besides the page."""

    query = Text(load_default="", validate=validate.Length(0, 254))
    banned = fields.Boolean(load_default=False)


class BanSchema(Strict):
    """Why."""

    reason = Prose(load_default=None, allow_none=True, validate=validate.Length(1, 200))


class AccountSchema(Schema):
    """An account by its row."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, metadata={"enum": [role.value for role in Role]})
    staff_role = fields.String(
        required=True, allow_none=True, metadata={"enum": [one.value for one in StaffRole]}
    )
    created_at = UtcTime(required=True)
    banned_at = UtcTime(required=True, allow_none=True)
    erasure_asked_at = UtcTime(required=True, allow_none=True)
    erased_at = UtcTime(required=True, allow_none=True)
    ban_reason = fields.String(required=True, allow_none=True)


class ShopperSchema(AccountSchema):
    """An account and what it has bought."""

    second_factor = fields.Boolean(required=True)
    orders = fields.Integer(required=True)
    paid_orders = fields.Integer(required=True)


_ACCOUNT: Final = AccountSchema()


@blueprint.get("")
@may("shoppers.read")
@blueprint.arguments(ShopperQuery, location="query")
@blueprint.response(200, page_of(ShopperSchema))
def list_shoppers(asked: dict[str, Any]) -> Response:
    """Find accounts, newest first."""
    return page(read_shoppers(asked))


@blueprint.get("/<uuid:user_id>")
@may("shoppers.read")
@blueprint.response(200, ShopperSchema)
def get_shopper(user_id: uuid.UUID) -> Response:
    """Show an account."""
    return answer(read_shopper(user_id))


@blueprint.post("/<uuid:user_id>/ban")
@may("shoppers.ban")
@blueprint.arguments(BanSchema)
@blueprint.response(200, ShopperSchema)
def ban(asked: dict[str, Any], user_id: uuid.UUID) -> Response:
    """Ban a shopper: signed out everywhere within two seconds, out of every line, unpaid holds given up."""
    parts = services()
    parts.revoked.add(*ban_shopper(parts.context, user_id, by=current_actor(), reason=asked["reason"]))
    return answer(read_shopper(user_id))


@blueprint.post("/<uuid:user_id>/unban")
@may("shoppers.ban")
@blueprint.response(200, ShopperSchema)
def unban(user_id: uuid.UUID) -> Response:
    """Let a shopper log in again."""
    unban_shopper(services().context, user_id, by=current_actor())
    return answer(read_shopper(user_id))


@blueprint.delete("/<uuid:user_id>/second-factor")
@may("factors.reset")
@blueprint.response(200, ShopperSchema)
def reset_second_factor(user_id: uuid.UUID) -> Response:
    """Take a lost second factor away from somebody else's account, staff's too: all its log-ins end."""
    parts = services()
    parts.revoked.add(*reset(parts.context, user_id, by=current_actor()))
    return answer(read_shopper(user_id))


@blueprint.post("/<uuid:user_id>/erase")
@may("shoppers.erase")
@blueprint.response(202, ShopperSchema)
def erase(user_id: uuid.UUID) -> Response:
    """Have a shopper's account erased, as its owner may: signed out now, forgotten within minutes."""
    parts = services()
    parts.revoked.add(*erase_account(parts.context, user_id, by=current_actor()))
    return answer(read_shopper(user_id), 202)


def read_shoppers(asked: dict[str, Any]) -> Page:
    """Read a page of accounts, newest first, as they are told."""
    before, limit = read_place(asked["cursor"]), asked["limit"]
    wanted = {"only_banned": asked["banned"], "before": before, "limit": limit + 1}
    with services().context.reading() as session:
        rows = search_shoppers(session, asked["query"].strip(), **wanted)
        found = page_from(rows, limit, "created_at", "id")
        counts = count_orders(session, [user.id for user in found.items])
        shown = [_show(user, counts[user.id]) for user in found.items]
    return Page(shown, found.next_cursor)


def read_shopper(user_id: uuid.UUID) -> Message:
    """Read an account as it is told."""
    with services().database.transaction() as session:
        user = find_shopper(session, user_id)
        return _show(user, count_orders(session, [user_id])[user_id])


def _show(user: User, counts: OrderCounts) -> Message:
    has_factor = user.totp_confirmed_at is not None
    told = {"second_factor": has_factor, "orders": counts.all, "paid_orders": counts.paid}
    return {**_ACCOUNT.dump(user), **told}
