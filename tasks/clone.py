"""Owns the making of another sale by an earlier one's settings."""

from datetime import datetime
from uuid import UUID

from models.catalogue import Sale
from tasks.admin_log import Actor
from tasks.context import Context
from tasks.sales import NewSale, create_sale, get_sale


def clone_sale(
    context: Context,
    sale_id: UUID,
    *,
    opens_at: datetime,
    closes_at: datetime,
    lobby_opens_at: datetime | None,
    by: Actor | None = None,
) -> Sale:
    """Schedule another sale of the same product by the same settings, with times of its own.

    Raises:
        NoSuchSale: there is none to begin from.
        NotFound: its product is archived.
        BadSale: the times contradict each other.
        LedgerUnavailable: nothing was created.
    """
    model = get_sale(context, sale_id)
    wish = NewSale(
        product_id=model.product_id,
        allocation=model.allocation,
        price_minor=model.price_minor,
        currency=model.currency,
        opens_at=opens_at,
        closes_at=closes_at,
        lobby_opens_at=lobby_opens_at,
        per_shopper_limit=model.per_shopper_limit,
        hold_seconds=model.hold_seconds,
        admission_order=model.admission_order,
        rate_per_second=model.rate_per_second,
        max_open_holds=model.max_open_holds,
    )
    return create_sale(context, wish, by=by, model_id=sale_id)
