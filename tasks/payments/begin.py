"""Begins a payment: pins the hold and notes the attempt, before the provider is asked.

The pin is the order's status: an order that is being paid does not expire and cannot be cancelled. Expiry and
payment are conditional changes of one row, by the ledger's clock, so that the first one wins.
"""

import uuid
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.enums import OrderStatus
from models.errors import (
    AlreadyPaid,
    IdempotencyKeyReused,
    NotFound,
    OrderNotHeld,
    PaymentInProgress,
    UnknownPaymentMethod,
)
from models.messages import Message
from models.queries.payments import open_payment
from models.tables.orders import Order
from models.tables.payments import Payment
from tasks.context import Context
from tasks.payments.history import ledger_time, move_order
from tasks.payments.outcomes import OPEN
from tasks.payments.telling import tell_order
from tasks.runtime.failpoints import failpoint
from tasks.runtime.tallies import PAYMENTS_BEGUN, count

UNHEARD_AFTER: Final = timedelta(seconds=3)  # the sweep rings again after a bell without an answer
FREE: Final = "free"  # the method of free orders: no provider is asked, so any method will do
_KEY_TAKEN: Final = "uq_payments_user_id_idempotency_key"


def begin_payment(context: Context, user_id: UUID, order_id: UUID, *, method: str, key: str = "") -> Message:
    """Pin a hold and have it charged; returns the order. The outcome follows.

    The same key again, for the same order and method, returns the order as it is and charges nothing.

    Raises:
        UnknownPaymentMethod: the provider has no such method, or the order costs something and is not free.
        NotFound: no such order of this shopper.
        IdempotencyKeyReused: the key came with another order or method.
        PaymentInProgress, AlreadyPaid, OrderNotHeld: there is nothing to begin.
        LedgerUnavailable: nothing was begun.
    """
    if method != FREE and not context.providers.current.accepts(method):
        raise UnknownPaymentMethod(f"There is no payment method {method}.")
    try:
        with context.database.transaction() as session:
            order = _lock_own(session, user_id, order_id)
            is_repeat = key != "" and _is_repeat(session, order, method, key)
            payment_id = None if is_repeat else _begin(context, session, order, method, key)
    except IntegrityError as error:
        if _KEY_TAKEN in str(error.orig):
            raise IdempotencyKeyReused("The key was used for another order.") from error
        raise
    failpoint("payment_begun")
    if payment_id is not None:
        context.bell.ring_for_payment(payment_id)
    return tell_order(context, order_id, is_news=payment_id is not None)


def _lock_own(session: Session, user_id: UUID, order_id: UUID) -> Order:
    order = session.scalar(
        select(Order).where(Order.id == order_id, Order.user_id == user_id).with_for_update()
    )
    if order is None:
        raise NotFound("No order of yours has this id.")
    return order


def _begin(context: Context, session: Session, order: Order, method: str, key: str) -> UUID:
    now = ledger_time(session)
    _refuse_unfit(session, order, is_over=order.expires_at <= now)
    if method == FREE and order.unit_price_minor > 0:
        raise UnknownPaymentMethod("The order costs something.")
    patience_until = now + timedelta(seconds=context.settings.payments.patience_s)
    payment = Payment(
        id=uuid.uuid4(),
        order_id=order.id,
        user_id=order.user_id,
        provider=context.providers.current.name,
        method=method,
        amount_minor=order.unit_price_minor * order.quantity,
        currency=order.currency,
        idempotency_key=key or None,
        patience_until=patience_until,
        pinned_until=max(order.expires_at, patience_until),
        due_at=now + UNHEARD_AFTER,
    )
    session.add(payment)
    move_order(session, order, OrderStatus.PAYING, by=order.user_id)
    count(session, PAYMENTS_BEGUN, payment.provider)
    return payment.id


def _is_repeat(session: Session, order: Order, method: str, key: str) -> bool:
    known = session.scalar(
        select(Payment).where(Payment.user_id == order.user_id, Payment.idempotency_key == key)
    )
    if known is not None and (known.order_id != order.id or known.method != method):
        raise IdempotencyKeyReused("The key was used with another order or method.")
    return known is not None


def _refuse_unfit(session: Session, order: Order, *, is_over: bool) -> None:
    if order.status == OrderStatus.PAYING:
        raise PaymentInProgress("A payment of this order is under way.")
    if order.status in (OrderStatus.PAID, OrderStatus.REFUNDED):
        raise AlreadyPaid(f"The order is {order.status}.")
    if order.status != OrderStatus.HELD or is_over:
        raise OrderNotHeld("The hold is over.")
    if open_payment(session, order.id, OPEN) is not None:
        raise PaymentInProgress("The outcome of an earlier payment is not known yet.")
