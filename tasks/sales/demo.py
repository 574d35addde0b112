"""Seeds the demo: one product and one open sale, so that an empty shop has something to try."""

from datetime import UTC, datetime, timedelta
from typing import Final

from models.enums import SaleStatus
from models.errors import IllegalTransition
from models.tables.catalogue import Product, Sale
from tasks.context import Context
from tasks.sales.lifecycle import NewSale, create_sale, get_sale, move_sale

ALLOCATION: Final = 500
LASTS: Final = timedelta(days=7)


def seed_demo(context: Context) -> Sale:
    """Create the demo product and its open sale.

    Raises:
        LedgerUnavailable: nothing, or the product alone, was created.
    """
    product = Product(
        name="Aurora wireless headphones",
        description=(
            "Over-ear headphones with active noise cancelling and forty hours of play. "
            "A limited run: when these are gone, they are gone."
        ),
        list_price_minor=24_900,
        currency="USD",
    )
    with context.database.transaction() as session:
        session.add(product)
        session.flush()
    now = datetime.now(UTC)
    new_sale = NewSale(
        product_id=product.id,
        allocation=ALLOCATION,
        price_minor=9_900,
        currency="USD",
        opens_at=now,
        closes_at=now + LASTS,
        per_shopper_limit=2,
    )
    sale = create_sale(context, new_sale)
    try:
        return move_sale(context, sale.id, SaleStatus.OPEN)
    except IllegalTransition:  # a worker was quicker, since it was due to open
        return get_sale(context, sale.id)
