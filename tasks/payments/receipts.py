"""Numbers receipts without gaps within a year: a number is given in the transaction that pays."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.enums import MailKind
from models.tables.accounts import User
from models.tables.catalogue import Product, Sale
from models.tables.orders import Order
from models.tables.payments import Receipt, ReceiptCounter
from tasks.mail.outbox import enter_mail


def issue_receipt(session: Session, order: Order, at: datetime) -> Receipt:
    """Write an order's receipt under the next number of the year (UTC), inside the caller's transaction.

    The year's counter is locked until that ends, so this comes last. A transaction that is rolled back uses
    no number.
    """
    item = session.scalars(
        select(Product.name).join(Sale, Sale.product_id == Product.id).where(Sale.id == order.sale_id)
    ).one()
    buyer = session.get_one(User, order.user_id)
    first = insert(ReceiptCounter).values(year=at.year, last=1)
    number = session.scalars(
        first.on_conflict_do_update(
            index_elements=[ReceiptCounter.year], set_={"last": ReceiptCounter.last + 1}
        ).returning(ReceiptCounter.last)
    ).one()
    receipt = Receipt(
        order_id=order.id,
        year=at.year,
        number=number,
        issued_at=at,
        item=item,
        quantity=order.quantity,
        unit_price_minor=order.unit_price_minor,
        total_minor=order.unit_price_minor * order.quantity,
        currency=order.currency,
        buyer_name=buyer.name,
        buyer_email=buyer.email,
    )
    session.add(receipt)
    enter_mail(session, MailKind.RECEIPT, order)
    return receipt
