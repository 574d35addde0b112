"""The admins' pages of accounts: the search, and one with what its owner has been doing."""

import uuid
from typing import Final

from flask import Blueprint, render_template

from models.enums import Role
from web.api.admin.shoppers import ShopperQuery, read_shopper, read_shoppers
from web.control_room.log import entries_about
from web.control_room.reading import names_of_sales, shopper_file
from web.http.services import services
from web.shop.list_query import asked_by
from web.staff.guard import needs

blueprint: Final = Blueprint("shoppers", __name__, url_prefix="/shoppers")

_QUERY: Final = ShopperQuery()


@blueprint.get("")
@needs("shoppers.read")
def shoppers() -> str:
    """The search for accounts."""
    asked = asked_by(_QUERY)
    return render_template("admin/shoppers.html", found=read_shoppers(asked), asked=asked)


@blueprint.get("/<uuid:user_id>")
@needs("shoppers.read")
def shopper(user_id: uuid.UUID) -> str:
    """An account with its log-ins, places in lines and orders."""
    context = services().context
    account, lately = read_shopper(user_id), shopper_file(context, user_id)
    sale_ids = [one["sale_id"] for one in (*lately["intents"], *lately["orders"])]
    return render_template(
        "admin/shopper.html",
        account=account,
        may_be_banned=account["role"] != Role.ADMIN,
        names=names_of_sales(context, sale_ids),
        log=entries_about(user_id),
        **lately,
    )
