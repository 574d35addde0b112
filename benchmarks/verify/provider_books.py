"""The reading of the embedded provider's own books: the side of the money that is not the shop's.

Only where the shop's database can be reached from here. It writes nothing.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from benchmarks.harness.failures import NoBooks
from benchmarks.verify.money_records import BookedCharge
from models.database import Database
from models.errors import LedgerUnavailable

# What has not come to its time yet is told to nobody, so that it does not count.
_CHARGES: Final = text("""
    SELECT c.payment_id, c.order_id,
           CASE WHEN c.refund_id IS NULL AND c.settles_at > now() THEN 'pending' ELSE c.state END,
           c.amount_minor, c.refunded_minor
    FROM sandbox_charges c JOIN orders o ON o.id = c.order_id WHERE o.sale_id = :sale_id
""")


class ProviderBooks:
    """The sandbox's charges, straight from the database that it shares with the shop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require(self, sale_id: str) -> None:
        """Be sure that this is the shop's database.

        Raises:
            NoBooks: it is not, or it cannot be reached.
        """
        known = text("SELECT count(*) FROM sales WHERE id = :sale_id")
        try:
            with self._database.connection() as connection:
                if connection.execute(known, {"sale_id": UUID(sale_id)}).scalar_one() == 0:
                    raise NoBooks("the database that is known here is not the shop's")
        except LedgerUnavailable as error:
            raise NoBooks("the shop's database cannot be reached from here") from error

    def charges_of(self, sale_id: str) -> tuple[BookedCharge, ...]:
        """Read every charge for the sale's orders.

        Raises:
            LedgerUnavailable: PostgreSQL is away.
        """
        with self._database.connection() as connection:
            rows = connection.execute(_CHARGES, {"sale_id": UUID(sale_id)}).all()
        return tuple(
            BookedCharge(str(payment_id), str(order_id), state, amount_minor, refunded_minor)
            for payment_id, order_id, state, amount_minor, refunded_minor in rows
        )
