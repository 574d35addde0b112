"""Pays an order at a shopper's request: begins the payment, and finishes it at once if it costs nothing."""

from uuid import UUID

import structlog

from models.enums import OrderStatus
from models.errors import FlashSaleError
from models.messages import Message
from models.queries.payments import open_payment
from tasks.context import Context
from tasks.payments.begin import begin_payment
from tasks.payments.drive import run_payment
from tasks.payments.outcomes import OPEN
from tasks.payments.telling import tell_order

log = structlog.get_logger()


def pay_order(context: Context, user_id: UUID, order_id: UUID, *, method: str, key: str = "") -> Message:
    """Have a hold paid; returns the order: it is `paying`, or `paid` if it costs nothing.

    Raises:
        UnknownPaymentMethod, NotFound, IdempotencyKeyReused, PaymentInProgress, AlreadyPaid, OrderNotHeld,
        LedgerUnavailable: as `begin_payment`; nothing was begun.
    """
    told = begin_payment(context, user_id, order_id, method=method, key=key)
    if told["status"] != OrderStatus.PAYING or told["total"]["amount_minor"] != 0:
        return told
    try:
        return _finish(context, order_id)
    except FlashSaleError as error:  # it is begun, and the bell was rung
        log.warning("free_order_waits", order_id=str(order_id), error=str(error))
        return told


def _finish(context: Context, order_id: UUID) -> Message:
    """Do what a worker would do: there is no provider to wait for."""
    with context.database.transaction() as session:
        payment_id = open_payment(session, order_id, OPEN)
    if payment_id is not None:
        run_payment(context, payment_id)
    return tell_order(context, order_id, is_news=False)
