"""Numbers receipts without gaps within a year: numbers are given in the transaction that pays."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.enums import MailKind
from models.queries.orders import buyers_of, items_of
from models.tables.orders import Order
from models.tables.payments import Receipt, ReceiptCounter
from tasks.mail.outbox import enter_mail
from tasks.runtime.tallies import Counts


def issue_receipts(session: Session, orders: Sequence[Order], at: datetime, counts: Counts) -> None:
    """Write the receipts of orders under the next numbers of the year (UTC), inside the caller's transaction.

    The numbers are taken together. The year's counter is locked until the transaction ends, so this comes
    last. One that is rolled back uses no number.
    """
    items = items_of(session, {order.sale_id for order in orders})
    buyers = buyers_of(session, {order.user_id for order in orders})
    numbers = _take_numbers(session, at.year, len(orders))
    for order, number in zip(orders, numbers, strict=True):
        buyer = buyers[order.user_id]
        receipt = Receipt(
            order_id=order.id,
            year=at.year,
            number=number,
            issued_at=at,
            item=items[order.sale_id],
            quantity=order.quantity,
            unit_price_minor=order.unit_price_minor,
            total_minor=order.unit_price_minor * order.quantity,
            currency=order.currency,
            buyer_name=buyer.name,
            buyer_email=buyer.email,
        )
        session.add(receipt)
        order.receipt_number = receipt.written_number
        enter_mail(session, counts, MailKind.RECEIPT, order, buyer)


def _take_numbers(session: Session, year: int, many: int) -> range:
    first = insert(ReceiptCounter).values(year=year, last=many)
    last = session.scalars(
        first.on_conflict_do_update(
            index_elements=[ReceiptCounter.year], set_={"last": ReceiptCounter.last + many}
        )
        .returning(ReceiptCounter.last)
        .execution_options(populate_existing=True)
    ).one()
    return range(last - many + 1, last + 1)
