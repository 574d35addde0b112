"""Begins payments: pins the holds and notes the attempts, before the provider is asked.

The pin is the order's status: an order that is being paid does not expire and cannot be cancelled. Expiry and
payment are conditional changes of one row, by the ledger's clock, so that the first one wins. Those who pay
together are begun in one transaction.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.enums import OrderStatus
from models.errors import (
    AlreadyPaid,
    FlashSaleError,
    IdempotencyKeyReused,
    NotFound,
    OrderNotHeld,
    PaymentInProgress,
    UnknownPaymentMethod,
)
from models.messages import Message
from models.queries.payments import orders_with_payment
from models.tables.orders import Order
from models.tables.payments import Payment
from tasks.context import Context
from tasks.payments.history import Changes, changing, move_order
from tasks.payments.order_updates import tell_orders
from tasks.payments.outcomes import OPEN
from tasks.runtime.failpoints import failpoint
from tasks.runtime.isolation import together_or_alone
from tasks.runtime.tallies import PAYMENTS_BEGUN

FREE: Final = "free"  # the method of free orders: no provider is asked, so any method will do
_KEY_TAKEN: Final = "uq_payments_user_id_idempotency_key"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A shopper's request to pay an order."""

    user_id: UUID
    order_id: UUID
    method: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read, under locks, to decide about payments that are wanted."""

    orders: Mapping[UUID, Order]
    keys: dict[tuple[UUID, str], Payment]
    unanswered: set[UUID]  # orders with a payment whose outcome is not known


def begin_payment(context: Context, user_id: UUID, order_id: UUID, *, method: str, key: str = "") -> Message:
    """Pin a hold and have it charged; returns the order. The outcome follows.

    The same key again, for the same order and method, returns the order as it is and charges nothing.

    Raises:
        UnknownPaymentMethod: the provider has no such method, or the order costs something and is not free.
        NotFound: no such order of this shopper.
        IdempotencyKeyReused: the key came with another order or method.
        PaymentInProgress, AlreadyPaid, OrderNotHeld: there is nothing to begin.
    """
    [told] = begin_payments(context, [Wanted(user_id, order_id, method, key)])
    if isinstance(told, Exception):
        raise told
    return told


def begin_payments(context: Context, wanted: Sequence[Wanted]) -> list[Message | Exception]:
    """Begin several payments; returns for each the order, or what `begin_payment` would raise.

    Raises:
        LedgerUnavailable: nothing was begun, or it cannot be told.
    """
    begun = together_or_alone(
        wanted, partial(_begin_all, context), lambda one: _begin_all(context, [one], wait=True)[0]
    )
    pairs = list(zip((one.order_id for one in wanted), begun, strict=True))
    news = {order_id for order_id, result in pairs if result is True}
    if news:
        failpoint("payment_begun")
        context.bell.ring_for_payments()
    told = tell_orders(context, {order_id for order_id, result in pairs if isinstance(result, bool)}, news)
    return [told[order_id] if isinstance(result, bool) else result for order_id, result in pairs]


def _begin_all(
    context: Context, wanted: Sequence[Wanted], *, wait: bool = False
) -> dict[int, bool | Exception]:
    """Begin payments in one transaction; returns by place whether that is new, or why not.

    Without waiting, those whose order is locked by somebody else are left out.
    """
    results: dict[int, bool | Exception] = {}
    try:
        with context.database.transaction() as session:
            known = _read_known(session, wanted, wait=wait)
            with changing(session) as changes:
                for at, one in enumerate(wanted):
                    if wait or one.order_id in known.orders:
                        results[at] = _begin_or_refuse(context, changes, known, one)
    except IntegrityError as error:
        if wait and _KEY_TAKEN in str(error.orig):
            return {0: IdempotencyKeyReused("The key was used for another order.")}
        raise
    return results


def _read_known(session: Session, wanted: Sequence[Wanted], *, wait: bool) -> _Known:
    order_ids = {one.order_id for one in wanted}
    locking = select(Order).where(Order.id.in_(order_ids)).order_by(Order.id)
    orders = session.scalars(locking.with_for_update(skip_locked=not wait)).all()
    keys = {(one.user_id, one.key) for one in wanted if one.key}
    keyed = select(Payment).where(tuple_(Payment.user_id, Payment.idempotency_key).in_(keys))
    return _Known(
        {order.id: order for order in orders},
        {(one.user_id, one.idempotency_key or ""): one for one in (session.scalars(keyed) if keys else ())},
        set(orders_with_payment(session, order_ids, OPEN)),
    )


def _begin_or_refuse(context: Context, changes: Changes, known: _Known, wanted: Wanted) -> bool | Exception:
    """Begin a payment; returns whether that is new, False for a repeat, or the refusal."""
    try:
        if wanted.method != FREE and not context.providers.current.accepts(wanted.method):
            raise UnknownPaymentMethod(f"There is no payment method {wanted.method}.")
        order = known.orders.get(wanted.order_id)
        if order is None or order.user_id != wanted.user_id:
            raise NotFound("No order of yours has this id.")
        if wanted.key and _is_repeat(known, wanted):
            return False
        _begin(context, changes, known, order, wanted)
    except FlashSaleError as refusal:
        return refusal
    return True


def _begin(context: Context, changes: Changes, known: _Known, order: Order, wanted: Wanted) -> None:
    now = changes.at
    _refuse_unfit(known, order, is_over=order.expires_at <= now)
    if wanted.method == FREE and order.unit_price_minor > 0:
        raise UnknownPaymentMethod("The order costs something.")
    patience_until = now + timedelta(seconds=context.settings.payments.patience_s)
    payment = Payment(
        id=uuid.uuid4(),
        order_id=order.id,
        user_id=order.user_id,
        provider=context.providers.current.name,
        method=wanted.method,
        amount_minor=order.unit_price_minor * order.quantity,
        currency=order.currency,
        idempotency_key=wanted.key or None,
        patience_until=patience_until,
        pinned_until=max(order.expires_at, patience_until),
        due_at=now,
    )
    changes.session.add(payment)
    if wanted.key:
        known.keys[wanted.user_id, wanted.key] = payment
    move_order(changes, order, OrderStatus.PAYING, by=order.user_id)
    changes.counts.add(PAYMENTS_BEGUN, payment.provider)


def _is_repeat(known: _Known, wanted: Wanted) -> bool:
    payment = known.keys.get((wanted.user_id, wanted.key))
    if payment is not None and (payment.order_id != wanted.order_id or payment.method != wanted.method):
        raise IdempotencyKeyReused("The key was used with another order or method.")
    return payment is not None


def _refuse_unfit(known: _Known, order: Order, *, is_over: bool) -> None:
    if order.status == OrderStatus.PAYING:
        raise PaymentInProgress("A payment of this order is under way.")
    if order.status in (OrderStatus.PAID, OrderStatus.REFUNDED):
        raise AlreadyPaid(f"The order is {order.status}.")
    if order.status != OrderStatus.HELD or is_over:
        raise OrderNotHeld("The hold is over.")
    if order.id in known.unanswered:
        raise PaymentInProgress("The outcome of an earlier payment is not known yet.")
