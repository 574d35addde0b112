"""Entity tags of what admins change, and the precondition that it is still what they saw.

A sale's tag stands for its settings, its status among them, as a change needs them: not for the figures that
move with every shopper.
"""

from dataclasses import dataclass
from typing import Final

from models.errors import PreconditionFailed
from models.tables.catalogue import Product, Sale


@dataclass(frozen=True, slots=True)
class Expected:
    """The tags, one of which must match for a change to be made; without tags, anything matches."""

    tags: frozenset[str] | None = None

    def require(self, present: str) -> None:
        """Check that one matches; the row is locked, so it stays so until the change is made.

        Raises:
            PreconditionFailed: it was changed since it was seen.
        """
        if self.tags is not None and present not in self.tags:
            raise PreconditionFailed(present)


ANYTHING: Final = Expected()


def tag_of_product(product: Product) -> str:
    """Return the tag of a product's present state."""
    return str(product.revision)


def tag_of_sale(sale: Sale) -> str:
    """Return the tag of a sale's settings, as the ledger has them."""
    return sale_tag(sale.revision, sale.allocation, sale.price_minor)


def sale_tag(revision: int, allocation: int, price_minor: int) -> str:
    """Return the tag of a sale's settings as they were shown.

    Allocation and price come from Redis, which follows the ledger: while it is behind, a client that was
    shown the old ones has a tag that no longer matches.
    """
    return f"{revision}.{allocation}.{price_minor}"
