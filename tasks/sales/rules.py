"""The rules between a sale's settings, and which of them may change when."""

from typing import Any, Final

from models.enums import AdmissionOrder, SaleStatus
from models.errors import BadSale, IllegalTransition
from models.tables.catalogue import Product, Sale

FIXED_BY_THE_OPENING: Final = (
    "product_id",
    "currency",
    "opens_at",
    "lobby_opens_at",
    "admission_order",
)


def refuse_frozen(sale: Sale, changes: dict[str, Any], allocation: int | None) -> None:
    """Refuse changes that come too late in a sale's life.

    Raises:
        IllegalTransition: the sale is over.
        BadSale: the opening fixed this.
    """
    if sale.status in (SaleStatus.ENDED, SaleStatus.CANCELLED) and (changes or allocation is not None):
        raise IllegalTransition(SaleStatus(sale.status), SaleStatus(sale.status))
    if sale.status == SaleStatus.SCHEDULED:
        return
    for name in FIXED_BY_THE_OPENING:
        if name in changes and changes[name] != getattr(sale, name):
            raise BadSale(name, "This cannot change once the sale was opened.")
    if changes.get("per_shopper_limit", sale.per_shopper_limit) < sale.per_shopper_limit:
        raise BadSale("per_shopper_limit", "Cannot be lowered once the sale was opened: some may hold more.")


def refuse_contradictions(sale: Sale, product: Product | None) -> None:
    """Refuse settings that contradict each other; `product`, where it or the price's currency is a new one.

    A sale that has both already is not checked against a later change of the product's currency.

    Raises:
        BadSale: with the field to correct.
    """
    if sale.opens_at >= sale.closes_at:
        raise BadSale("closes_at", "Must be after opens_at.")
    if sale.lobby_opens_at is not None and sale.lobby_opens_at > sale.opens_at:
        raise BadSale("lobby_opens_at", "Must not be after opens_at.")
    if sale.admission_order == AdmissionOrder.DRAW and sale.lobby_opens_at is None:
        raise BadSale("lobby_opens_at", "A draw needs a lobby.")
    if product is not None and sale.currency != product.currency:
        raise BadSale("price", f"The product's list price is in {product.currency}.")
