"""Applies a provider's outcome of a charge to the payment and its order, in one transaction.

The same outcome twice does nothing the second time, and outcomes may come in any order: succeeded and
declined are final, and pending changes nothing that is final.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from models.enums import OrderStatus, PaymentStatus
from models.tables.orders import Order
from models.tables.payments import Payment
from tasks.context import Context
from tasks.orders.holds import bring_live_after
from tasks.payments.backoff import ASKED_AGAIN
from tasks.payments.history import ledger_time, lock_payment, move_order, note
from tasks.payments.telling import tell_order
from tasks.providers.port import Charged, Outcome, State
from tasks.runtime.failpoints import failpoint
from tasks.runtime.tallies import count_outcome

log: Final = structlog.get_logger()

OPEN: Final = (PaymentStatus.PENDING, PaymentStatus.ABANDONED)
TAKEN: Final = (OrderStatus.PAYING, OrderStatus.PAID, OrderStatus.REFUNDED)  # by another payment
SHOPPER_TAKES: Final = timedelta(minutes=2)  # at least, for what a payment waits for the shopper to do
ENDING_TAKES: Final = timedelta(
    seconds=30
)  # before the hold's end a charge is ended, while its hold still stands
CHARGED: Final = (PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED, PaymentStatus.LATE)


@dataclass(frozen=True, slots=True)
class Noted:
    """What a provider's outcome changed, for what follows after the commit."""

    payment_id: UUID
    order_id: UUID
    is_over: bool = False  # the order's units moved: the live side has to follow
    is_late: bool = False  # charged for a hold that is gone: it has to be held again or refunded


def note_charge(session: Session, payment_id: UUID, outcome: Outcome) -> Noted | None:
    """Note what became of a charge; None if that is not new. Locks the order, then the payment."""
    order, payment = lock_payment(session, payment_id)
    now = ledger_time(session)
    if outcome.state == State.SUCCEEDED:
        if is_wrong(payment, outcome.charged):
            return _note_wrong(session, order, payment, outcome, now)
        return _succeed(session, order, payment, outcome, now)
    if payment.status not in OPEN:
        return None
    payment.ref = payment.ref or outcome.ref
    if outcome.state == State.DECLINED:
        return _decline(session, order, payment, outcome, now)
    return _wait(session, order, payment, outcome, now)


def is_wrong(payment: Payment, charged: Charged | None) -> bool:
    """Return whether something else was charged than was requested; False if the amount is unknown."""
    if charged is None:
        return False
    return charged != Charged(Fraction(payment.amount_minor), payment.currency)


def report_wrong(payment: Payment, charged: Charged | None, *, said_by: str) -> None:
    """Log an error for operators: the fault is the provider's, or of somebody who can change its objects."""
    log.error(
        "wrong_charge",
        payment_id=str(payment.id),
        provider=payment.provider,
        said_by=said_by,
        asked=f"{payment.amount_minor} {payment.currency}",
        charged=f"{charged.amount_minor} {charged.currency}" if charged else None,
    )


def follow(context: Context, noted: Noted | None) -> None:
    """Do what a noted outcome requires outside of the ledger; if this fails, sweeps do it."""
    if noted is None:
        return
    failpoint("charge_noted")
    if noted.is_over:
        bring_live_after(context, noted.order_id)
    else:
        tell_order(context, noted.order_id)
    if noted.is_late:
        context.bell.ring_for_payment(noted.payment_id)


def _succeed(
    session: Session, order: Order, payment: Payment, outcome: Outcome, now: datetime
) -> Noted | None:
    if payment.status in CHARGED:
        return None
    payment.ref, payment.client_secret, payment.code = outcome.ref or payment.ref, None, None
    was_open = payment.status in OPEN
    if not was_open or order.status not in (OrderStatus.PAYING, OrderStatus.HELD):
        payment.status, payment.finished_at, payment.due_at = PaymentStatus.LATE, None, now
        note(session, order, reason="paid_twice" if order.status in TAKEN else "paid_too_late")
        count_outcome(session, payment.provider, payment.status, now - payment.created_at)
        return Noted(payment.id, order.id, is_late=True)
    if order.status == OrderStatus.HELD:  # it had been abandoned, and its order has not expired yet
        move_order(session, order, OrderStatus.PAYING, reason="answered_late")
    finish(payment, PaymentStatus.SUCCEEDED, now)
    move_order(session, order, OrderStatus.PAID)
    count_outcome(session, payment.provider, payment.status, now - payment.created_at)
    return Noted(payment.id, order.id, is_over=True)


def _note_wrong(
    session: Session, order: Order, payment: Payment, outcome: Outcome, now: datetime
) -> Noted | None:
    """The provider took another amount: that pays nothing. That amount is refunded, like a late charge.

    The order can be paid again meanwhile, while its hold lasts.
    """
    if payment.status in CHARGED or outcome.charged is None:
        return None
    was_pending = payment.status == PaymentStatus.PENDING
    payment.ref, payment.client_secret, payment.code = outcome.ref or payment.ref, None, "wrong_charge"
    payment.charged_minor = math.ceil(outcome.charged.amount_minor)
    payment.charged_currency = outcome.charged.currency
    payment.status, payment.finished_at, payment.due_at = PaymentStatus.LATE, None, now
    count_outcome(session, payment.provider, payment.status, now - payment.created_at)
    if was_pending:
        move_order(session, order, OrderStatus.HELD, reason="wrong_charge")
    else:
        note(session, order, reason="wrong_charge")
    report_wrong(payment, outcome.charged, said_by="books")
    return Noted(payment.id, order.id, is_late=True)


def _decline(
    session: Session, order: Order, payment: Payment, outcome: Outcome, now: datetime
) -> Noted | None:
    was_pending = payment.status == PaymentStatus.PENDING
    payment.code, payment.client_secret = outcome.code or "declined", None
    finish(payment, PaymentStatus.DECLINED, now)
    count_outcome(session, payment.provider, payment.status, now - payment.created_at)
    if not was_pending:
        return None
    move_order(session, order, OrderStatus.HELD, reason=payment.code)
    return Noted(payment.id, order.id)


def _wait(session: Session, order: Order, payment: Payment, outcome: Outcome, now: datetime) -> Noted | None:
    """Ask again later: soon at first, and when patience or the pin ends."""
    secret = (
        outcome.client_secret if outcome.ref else payment.client_secret
    )  # without a reference nothing was told
    is_news = secret != payment.client_secret and payment.status == PaymentStatus.PENDING
    payment.client_secret = secret
    if is_news and secret is not None:
        _wait_for_shopper(order, payment)
    payment.due_at = next_question(payment, now)
    if payment.status == PaymentStatus.ABANDONED or now < payment.pinned_until:
        return Noted(payment.id, order.id) if is_news else None
    payment.status = PaymentStatus.ABANDONED
    move_order(session, order, OrderStatus.HELD, reason="payment_unanswered")
    count_outcome(session, payment.provider, payment.status, now - payment.created_at)
    return Noted(payment.id, order.id)


def _wait_for_shopper(order: Order, payment: Payment) -> None:
    """Wait until the shopper's hold ends, as they were told, and for two minutes at least."""
    ends = (payment.patience_until, order.expires_at, payment.created_at + SHOPPER_TAKES)
    payment.patience_until = max(ends)
    payment.pinned_until = max(payment.pinned_until, payment.patience_until + ENDING_TAKES)


def next_question(payment: Payment, now: datetime) -> datetime:
    """Return when to ask again about a payment without an outcome."""
    ends = [at for at in (payment.patience_until, payment.pinned_until) if at > now]
    return min([now + ASKED_AGAIN.after(payment.attempts - 1), *ends])


def finish(payment: Payment, status: PaymentStatus, now: datetime) -> None:
    """End a payment: nothing is left to be done about it."""
    payment.status, payment.finished_at = status, now
    payment.due_at = payment.regain_asked_at = None
