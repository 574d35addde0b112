"""Tags that tell one state of what admins change from another, and the wish to change just the one seen.

A sale's tag stands for its settings, its status among them, as a change needs them: not for the figures that
move with every shopper.
"""

from dataclasses import dataclass
from typing import Final

from models.errors import PreconditionFailed
from models.tables.catalogue import Product, Sale


@dataclass(frozen=True, slots=True)
class Expected:
    """What has to be there for a change to be made; without tags, whatever is there."""

    tags: frozenset[str] | None = None

    def require(self, present: str) -> None:
        """See that it is there; the row is locked, so that it stays so until the change is made.

        Raises:
            PreconditionFailed: somebody changed it since it was seen.
        """
        if self.tags is not None and present not in self.tags:
            raise PreconditionFailed(present)


ANYTHING: Final = Expected()


def tag_of_product(product: Product) -> str:
    """Name this state of a product."""
    return str(product.revision)


def tag_of_sale(sale: Sale) -> str:
    """Name this state of a sale's settings, as the ledger has them."""
    return sale_tag(sale.revision, sale.allocation, sale.price_minor)


def sale_tag(revision: int, allocation: int, price_minor: int) -> str:
    """Name the state of a sale's settings that were shown.

    Allocation and price are told by the live side, which follows the ledger: while it is behind, who was
    shown the old ones has a tag that no longer fits.
    """
    return f"{revision}.{allocation}.{price_minor}"
