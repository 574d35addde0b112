"""The admins' pages of sales: the list, and the forms to schedule, change and clone one."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from flask import Blueprint, render_template

from models.enums import SaleStatus
from models.messages import Message, rfc3339
from tasks.sales.clone import times_of_another
from tasks.sales.lifecycle import get_sale
from tasks.sales.rules import FIXED_BY_THE_OPENING
from tasks.sales.view import show_product, show_sale
from web.api.sales import read_sales
from web.api.schemas.sales import SaleQuery
from web.http.etags import etag_of_shown
from web.http.services import services
from web.shop import reading
from web.shop.list_query import asked_by
from web.staff.guard import needs

blueprint: Final = Blueprint("sales", __name__)

ROWS: Final = "20"  # on a page: each is asked for its live figures
STEP: Final = timedelta(minutes=5)  # to which a new sale's opening is rounded

_QUERY: Final = SaleQuery()
_OVER: Final = (SaleStatus.ENDED, SaleStatus.CANCELLED)


@blueprint.get("")
@needs("sales.read")
def sales() -> str:
    """The sales with their figures, and the verbs on them."""
    asked = asked_by(_QUERY, limit=ROWS)
    return render_template("admin/sales.html", found=read_sales(asked), asked=asked)


@blueprint.get("/sales/new")
@needs("sales.write")
def new_sale() -> str:
    """The form to schedule a sale by."""
    return render_template(
        "admin/sale_form.html",
        sale=None,
        products=_products(),
        times=_times_of_a_new_one(datetime.now(UTC)),
        fixed=(),
        is_over=False,
    )


@blueprint.get("/sales/<uuid:sale_id>/edit")
@needs("sales.write")
def edit_sale(sale_id: uuid.UUID) -> str:
    """The form to change a sale by; what its state fixes cannot be changed there either."""
    row = get_sale(services().context, sale_id)
    sale = show_sale(services().context, row)
    return render_template(
        "admin/sale_form.html",
        sale=sale,
        etag=etag_of_shown(row, sale)["ETag"],
        products=_products(sale["product"]),
        times=sale,
        fixed=() if sale["status"] == SaleStatus.SCHEDULED else FIXED_BY_THE_OPENING,
        is_over=sale["status"] in _OVER,
    )


@blueprint.get("/sales/<uuid:sale_id>/clone")
@needs("sales.write")
def clone_sale(sale_id: uuid.UUID) -> str:
    """The form to schedule another sale by the same settings."""
    sale = show_sale(services().context, get_sale(services().context, sale_id))
    return render_template(
        "admin/sale_clone.html", sale=sale, times=_times_of_another(sale, datetime.now(UTC))
    )


def _products(chosen: Message | None = None) -> list[Message]:
    """What may be sold, and what is sold, which may be archived or too old for the list."""
    found = [show_product(one) for one in reading.products_to_sell(services().context)]
    if chosen is not None and all(one["id"] != chosen["id"] for one in found):
        found.append(chosen)
    return found


def _times_of_a_new_one(now: datetime) -> dict[str, str | None]:
    """Propose an hour that begins soon, on a round minute."""
    opens_at = datetime.fromtimestamp((now.timestamp() // STEP.seconds + 2) * STEP.seconds, UTC)
    closes_at = opens_at + timedelta(hours=1)
    return {"lobby_opens_at": None, "opens_at": rfc3339(opens_at), "closes_at": rfc3339(closes_at)}


def _times_of_another(sale: Message, now: datetime) -> dict[str, str | None]:
    """Propose the model's times on a day to come, by UTC; the page's script knows the visitor's clock."""
    names = ("lobby_opens_at", "opens_at", "closes_at")
    times = {name: datetime.fromisoformat(sale[name]) if sale[name] else None for name in names}
    return {name: rfc3339(at) if at else None for name, at in times_of_another(times, now).items()}
