"""Applies a provider's outcomes of charges to the payments and their orders, in one transaction.

The same outcome twice does nothing the second time, and outcomes may come in any order: succeeded and
declined are final, and pending changes nothing that is final.
"""

import math
from collections.abc import Sequence
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
from tasks.payments.history import Changes, changing, lock_payments, move_order, note
from tasks.payments.order_updates import tell_orders
from tasks.providers.port import Charged, Outcome, State
from tasks.runtime.failpoints import failpoint

log: Final = structlog.get_logger()

OPEN: Final = (PaymentStatus.PENDING, PaymentStatus.ABANDONED)
TAKEN: Final = (OrderStatus.PAYING, OrderStatus.PAID, OrderStatus.REFUNDED)  # by another payment
SHOPPER_TAKES: Final = timedelta(minutes=2)  # at least, for what a payment waits for the shopper to do
ENDING_TAKES: Final = timedelta(
    seconds=30
)  # before the hold's end a charge is ended, while its hold still stands
CHARGED: Final = (PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED, PaymentStatus.LATE)

Told = tuple[UUID, Outcome]  # what became of a payment's charge


@dataclass(frozen=True, slots=True)
class Noted:
    """What a provider's outcome changed, for what follows after the commit."""

    payment_id: UUID
    order_id: UUID
    is_over: bool = False  # the order's units moved: the live side has to follow
    is_late: bool = False  # charged for a hold that is gone: it has to be held again or refunded


def note_charge(session: Session, payment_id: UUID, outcome: Outcome) -> Noted | None:
    """Note what became of a charge; None if that is not new. Locks the order, then the payment."""
    return note_charges(session, [(payment_id, outcome)], wait=True)[0]


def note_charges(session: Session, told: Sequence[Told], *, wait: bool = False) -> dict[int, Noted | None]:
    """Note what became of charges; returns by place what that changed, None where it is not new.

    Without waiting, those whose order or payment is locked by somebody else are left out.
    """
    if not told:
        return {}
    locked = lock_payments(session, {payment_id for payment_id, _ in told}, wait=wait)
    with changing(session) as changes:
        return {
            at: _note(changes, *locked[payment_id], outcome)
            for at, (payment_id, outcome) in enumerate(told)
            if wait or payment_id in locked
        }


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


def is_known(payment: Payment, outcome: Outcome) -> bool:
    """Return whether this outcome changes nothing any more, whatever else happens to the payment."""
    return payment.status in CHARGED if outcome.state == State.SUCCEEDED else payment.status not in OPEN


def follow(context: Context, noted: Sequence[Noted | None]) -> None:
    """Do what noted outcomes require outside of the ledger; if this fails, sweeps do it."""
    changed = [one for one in noted if one is not None]
    if not changed:
        return
    failpoint("charge_noted")
    over = {one.order_id for one in changed if one.is_over}
    if over:
        bring_live_after(context, over)
    others = {one.order_id for one in changed} - over
    tell_orders(context, others, others)
    if any(one.is_late for one in changed):
        context.bell.ring_for_payments()


def _note(changes: Changes, order: Order, payment: Payment, outcome: Outcome) -> Noted | None:
    if is_known(payment, outcome):
        return None
    if outcome.state == State.SUCCEEDED:
        if is_wrong(payment, outcome.charged):
            return _note_wrong(changes, order, payment, outcome)
        return _succeed(changes, order, payment, outcome)
    payment.ref = payment.ref or outcome.ref
    if outcome.state == State.DECLINED:
        return _decline(changes, order, payment, outcome)
    return _wait(changes, order, payment, outcome)


def _succeed(changes: Changes, order: Order, payment: Payment, outcome: Outcome) -> Noted:
    now = changes.at
    payment.ref, payment.client_secret, payment.code = outcome.ref or payment.ref, None, None
    was_open = payment.status in OPEN
    if not was_open or order.status not in (OrderStatus.PAYING, OrderStatus.HELD):
        payment.status, payment.finished_at, payment.due_at = PaymentStatus.LATE, None, now
        note(changes, order, reason="paid_twice" if order.status in TAKEN else "paid_too_late")
        changes.counts.add_outcome(payment.provider, payment.status, now - payment.created_at)
        return Noted(payment.id, order.id, is_late=True)
    if order.status == OrderStatus.HELD:  # it had been abandoned, and its order has not expired yet
        move_order(changes, order, OrderStatus.PAYING, reason="answered_late")
    finish(payment, PaymentStatus.SUCCEEDED, now)
    move_order(changes, order, OrderStatus.PAID)
    changes.counts.add_outcome(payment.provider, payment.status, now - payment.created_at)
    return Noted(payment.id, order.id, is_over=True)


def _note_wrong(changes: Changes, order: Order, payment: Payment, outcome: Outcome) -> Noted | None:
    """The provider took another amount: that pays nothing. That amount is refunded, like a late charge.

    The order can be paid again meanwhile, while its hold lasts.
    """
    if outcome.charged is None:
        return None
    was_pending, now = payment.status == PaymentStatus.PENDING, changes.at
    payment.ref, payment.client_secret, payment.code = outcome.ref or payment.ref, None, "wrong_charge"
    payment.charged_minor = math.ceil(outcome.charged.amount_minor)
    payment.charged_currency = outcome.charged.currency
    payment.status, payment.finished_at, payment.due_at = PaymentStatus.LATE, None, now
    changes.counts.add_outcome(payment.provider, payment.status, now - payment.created_at)
    if was_pending:
        move_order(changes, order, OrderStatus.HELD, reason="wrong_charge")
    else:
        note(changes, order, reason="wrong_charge")
    report_wrong(payment, outcome.charged, said_by="books")
    return Noted(payment.id, order.id, is_late=True)


def _decline(changes: Changes, order: Order, payment: Payment, outcome: Outcome) -> Noted | None:
    was_pending, now = payment.status == PaymentStatus.PENDING, changes.at
    payment.code, payment.client_secret = outcome.code or "declined", None
    finish(payment, PaymentStatus.DECLINED, now)
    changes.counts.add_outcome(payment.provider, payment.status, now - payment.created_at)
    if not was_pending:
        return None
    move_order(changes, order, OrderStatus.HELD, reason=payment.code)
    return Noted(payment.id, order.id)


def _wait(changes: Changes, order: Order, payment: Payment, outcome: Outcome) -> Noted | None:
    """Ask again later: soon at first, and when patience or the pin ends."""
    now = changes.at
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
    move_order(changes, order, OrderStatus.HELD, reason="payment_unanswered")
    changes.counts.add_outcome(payment.provider, payment.status, now - payment.created_at)
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
