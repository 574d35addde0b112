"""Queries on payments, refunds and receipts."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from models.enums import PaymentStatus, RefundStatus
from models.tables.catalogue import Product, Sale
from models.tables.orders import Order
from models.tables.payments import Payment, Receipt, Refund


class MoneyOfOrder(NamedTuple):
    """Every attempt to pay an order and what went back, oldest first."""

    payments: Sequence[Payment]
    refunds: Sequence[Refund]


def money_of_order(session: Session, order_id: UUID) -> MoneyOfOrder:
    """List every attempt to pay an order, oldest first, and what went back."""
    payments = select(Payment).where(Payment.order_id == order_id)
    refunds = select(Refund).where(Refund.order_id == order_id)
    return MoneyOfOrder(
        session.scalars(payments.order_by(Payment.created_at, Payment.id)).all(),
        session.scalars(refunds.order_by(Refund.created_at, Refund.id)).all(),
    )


def payments_that_wait(session: Session, order_ids: Collection[UUID]) -> Sequence[Payment]:
    """List the payments of these orders that wait for something the shopper has to do."""
    query = select(Payment).where(
        Payment.order_id.in_(order_ids),
        Payment.status == PaymentStatus.PENDING,
        Payment.client_secret.is_not(None),
    )
    return session.scalars(query).all()


def find_receipt(session: Session, order_id: UUID) -> Receipt | None:
    """Find the receipt of a paid order."""
    return session.get(Receipt, order_id)


def receipts_of_orders(session: Session, order_ids: Collection[UUID]) -> Sequence[Receipt]:
    """List the receipts of these orders."""
    return session.scalars(select(Receipt).where(Receipt.order_id.in_(order_ids))).all()


def refunds_to_tell(
    session: Session, refund_ids: Collection[UUID | None]
) -> Sequence[Row[Refund, int, str | None, str]]:
    """List these refunds with the order's quantity, its receipt's number, and what was bought."""
    query = (
        select(Refund, Order.quantity, Order.receipt_number, func.coalesce(Receipt.item, Product.name))
        .join(Order, Order.id == Refund.order_id)
        .join(Sale, Sale.id == Order.sale_id)
        .join(Product, Product.id == Sale.product_id)
        .outerjoin(Receipt, Receipt.order_id == Order.id)
        .where(Refund.id.in_(refund_ids))
    )
    return session.execute(query).all()


def late_payment(session: Session, payment_id: UUID) -> Row[Order, str | None, bool] | None:
    """Find a late payment that does not go back: its order, its sale's epoch, whether it was charged."""
    query = (
        select(Order, Sale.epoch, Payment.charged_minor.is_not(None))
        .join(Payment, Payment.order_id == Order.id)
        .join(Sale, Sale.id == Order.sale_id)
        .outerjoin(Refund, Refund.payment_id == Payment.id)
        .where(Payment.id == payment_id, Payment.status == PaymentStatus.LATE, Refund.id.is_(None))
    )
    return session.execute(query).one_or_none()


def orders_with_payment(
    session: Session, order_ids: Collection[UUID], statuses: Collection[str]
) -> Sequence[UUID]:
    """List which of these orders have a payment in one of these statuses."""
    which = (Payment.order_id.in_(order_ids), Payment.status.in_(statuses))
    return session.scalars(select(Payment.order_id).where(*which)).all()


def has_money_under_way(session: Session, user_id: UUID) -> bool:
    """Return whether a payment of a shopper's is not over, or money on its way back."""
    paying = select(Payment.id).where(Payment.user_id == user_id, Payment.finished_at.is_(None))
    returning = (
        select(Refund.id)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.user_id == user_id, Refund.status == RefundStatus.PENDING)
    )
    return session.scalars(select(paying.exists() | returning.exists())).one()


def open_payment(session: Session, order_id: UUID, statuses: Collection[str]) -> UUID | None:
    """Find an order's payment that has one of these statuses."""
    return session.scalar(
        select(Payment.id).where(Payment.order_id == order_id, Payment.status.in_(statuses))
    )
