"""Queries on payments, refunds and receipts."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.enums import PaymentStatus
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
