"""Compares the shop's money with the sandbox's own books, which the shop never reads.

It shares no code with the platform or the model: it only asks of every charge who has its money, and why.
"""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text

from models.database import Database

# Every charge of a sale in the sandbox's books, with what the shop made of it. `is_untold`: the sandbox has
# said no yet says yes, by a webhook that the shop has not taken.
CHARGES: Final = text("""
    SELECT c.payment_id, c.order_id, c.amount_minor, c.refunded_minor, c.state, p.status, o.status AS "order",
           o.quantity * o.unit_price_minor AS total, p.amount_minor AS asked, r.status AS refund,
           EXISTS (SELECT FROM sandbox_events e LEFT JOIN webhook_events w ON w.event_id = e.event_id
                   WHERE e.payload #>> '{data,payment_id}' = CAST(c.payment_id AS text)
                   AND e.payload ->> 'type' = 'charge.succeeded' AND w.event_id IS NULL) AS is_untold
    FROM sandbox_charges c
    JOIN orders o ON o.id = c.order_id AND o.sale_id = :sale_id
    LEFT JOIN payments p ON p.id = c.payment_id
    LEFT JOIN refunds r ON r.payment_id = c.payment_id
""")
ORDERS: Final = text("""
    SELECT id, quantity * unit_price_minor AS total FROM orders WHERE sale_id = :sale_id AND status = 'paid'
""")
RECEIPTS: Final = text("""
    SELECT count(*) AS given, coalesce(max(number), 0) AS highest,
           coalesce((SELECT max(last) FROM receipt_counters), 0) AS last
    FROM receipts
""")
UNDECIDED: Final = ("pending", "abandoned", "late")


@dataclass(slots=True)
class Books:
    """What is wrong, and how much money lies with charges about which the shop has still to do something."""

    wrong: list[str] = field(default_factory=list)
    open_minor: int = 0

    def require(self, holds: bool, promise: str, shown: object) -> None:
        if not holds:
            self.wrong.append(f"Broken: {promise}. {shown}")


def audit_books(database: Database, sale_id: UUID) -> Books:
    """Compare at any instant: each charge has one paid order, or went back, or is about to be decided."""
    with database.connection() as connection:
        charges = connection.execute(CHARGES, {"sale_id": sale_id}).all()
        paid = {row.id: row.total for row in connection.execute(ORDERS, {"sale_id": sale_id})}
        receipts = connection.execute(RECEIPTS).one()
    books = Books()
    kept: dict[UUID, int] = {}
    for row in charges:
        is_asked_for = row.asked == row.amount_minor == row.total
        books.require(is_asked_for, "each charge is one that was asked for", row)
        _judge(books, row, kept)
    for order_id, total in paid.items():
        books.require(kept.get(order_id, 0) == total, "a paid order has its one charge", order_id)
    books.require(kept.keys() <= paid.keys(), "no charge is kept without a paid order", kept)
    taken = sum(row.amount_minor - row.refunded_minor for row in charges if row.state == "succeeded")
    adds_up = taken == sum(paid.values()) + books.open_minor
    books.require(adds_up, "charges less refunds are the paid orders", (taken, paid, books.open_minor))
    is_dense = receipts.given == receipts.highest == receipts.last
    books.require(is_dense, "receipts have no gaps", receipts)
    return books


def _judge(books: Books, row: Row[Any], kept: dict[UUID, int]) -> None:
    """Say of one charge who has its money."""
    books.require(row.refunded_minor in (0, row.amount_minor), "a charge goes back whole", row)
    if row.refunded_minor > 0:
        is_known = row.status == "refunded"
        books.require(is_known or row.refund == "pending", "what went back is known to have, or will be", row)
        if row.status == "succeeded":  # the order is paid until the shop hears of it
            kept[row.order_id] = row.amount_minor
            books.open_minor -= row.amount_minor
    elif row.state != "succeeded":
        books.require(row.status not in ("succeeded", "refunded", "late"), "only charges count as such", row)
    elif row.status == "succeeded":
        books.require(row.order_id not in kept, "one charge an order is kept", row)
        kept[row.order_id] = row.amount_minor
    else:
        is_open = row.status in UNDECIDED or (row.status == "declined" and row.is_untold)
        books.require(is_open, "a charge is not kept for nothing", row)
        books.open_minor += row.amount_minor
