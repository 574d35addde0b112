"""Refunds orders, for admins, late charges and cancelled sales: each once at the provider."""

import uuid
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from models import leases
from models.enums import (
    AdminAction,
    MailKind,
    OrderStatus,
    PaymentStatus,
    RefundCause,
    RefundStatus,
    SubjectKind,
)
from models.errors import NotFound, NotRefundable
from models.messages import Message
from models.queries.orders import buyers_of
from models.tables.orders import Order
from models.tables.payments import Payment, Refund
from tasks.context import Context
from tasks.mail.outbox import enter_mail
from tasks.payments.backoff import ASKED_AGAIN
from tasks.payments.history import Changes, changing, lock_payment, move_order, note
from tasks.payments.order_updates import tell_order
from tasks.payments.outcomes import Noted, finish, follow
from tasks.providers import port
from tasks.runtime.admin_log import Actor, record_action
from tasks.runtime.failpoints import failpoint
from tasks.runtime.isolation import apart
from tasks.runtime.tallies import REFUNDS, count

log: Final = structlog.get_logger()

AT_ONCE: Final = 200


def request_refund(
    context: Context, order_id: UUID, *, by: Actor | None, reason: str | None = None
) -> Message:
    """Request the refund of a paid order; returns the order. Requested twice, it is refunded once.

    Raises:
        NotFound: there is no such order.
        NotRefundable: it is not paid (any more).
    """
    with context.database.transaction() as session:
        order = session.get(Order, order_id, with_for_update=True)
        if order is None:
            raise NotFound("No order has this id.")
        if order.status != OrderStatus.PAID:
            raise NotRefundable(f"The order is {order.status}.")
        refund_id = _ask_for(session, order, RefundCause.ADMIN, by=by.user_id if by else None, reason=reason)
        record_action(session, by, AdminAction.REFUND_ASKED, SubjectKind.ORDER, order_id, reason=reason)
    failpoint("refund_asked")
    context.bell.ring_for_refund(refund_id)
    return tell_order(context, order_id, is_news=False)


def refund_orders_of(context: Context, sale_id: UUID) -> int:
    """Request the refunds of a cancelled sale's paid orders; returns how many were requested now."""
    unasked = (
        select(Order)
        .where(Order.sale_id == sale_id, Order.status == OrderStatus.PAID)
        .where(~select(Refund.id).where(Refund.order_id == Order.id).exists())
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    with context.database.transaction() as session:
        orders = session.scalars(unasked).all()
        asked = [_ask_for(session, order, RefundCause.SALE_CANCELLED) for order in orders]
    for refund_id in asked:
        context.bell.ring_for_refund(refund_id)
    return len(asked)


def take_up_refunds(context: Context, most: int) -> list[UUID]:
    """Find refunds that are due, oldest first, and postpone them, so that each is run once and not by all.

    Raises:
        LedgerUnavailable: PostgreSQL is unavailable.
    """
    taking, due = leases.take_up(Refund, most, ASKED_AGAIN.pause(Refund.attempts), {})
    with context.database.transaction() as session:
        taken = session.execute(taking.returning(due.c.due_at, due.c.id)).all()
    return [row_id for _, row_id in sorted(taken)]


def run_due_refunds(context: Context) -> None:
    """Run the refunds that are due, one after the other.

    Raises:
        LedgerUnavailable: PostgreSQL is unavailable; they are due again soon.
    """
    for refund_id in take_up_refunds(context, AT_ONCE):
        with apart("refund_hindered", refund_id=str(refund_id)):
            run_refund(context, refund_id)


def run_refund(context: Context, refund_id: UUID) -> None:
    """Ask the provider for a refund and note the outcome.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is unavailable; the sweep rings again.
    """
    found = _begin(context, refund_id)
    if found is None:
        return
    request, provider = found
    try:
        outcome = _put(context, request, provider)
    except port.ProviderUnavailable as error:
        log.warning("provider_silent", refund_id=str(refund_id), error=str(error))
        return
    failpoint("refunded")
    with context.database.transaction() as session:
        noted = note_refund(session, refund_id, outcome)
    follow(context, [noted])


def note_refund(session: Session, refund_id: UUID, outcome: port.Outcome) -> Noted | None:
    """Note what became of a refund; None if that is not new. Locks the order, the payment, the refund."""
    payment_id = session.scalars(select(Refund.payment_id).where(Refund.id == refund_id)).one()
    order, payment = lock_payment(session, payment_id)
    refund = session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
    refund.ref = refund.ref or outcome.ref
    if refund.status == RefundStatus.SUCCEEDED or outcome.state == port.State.PENDING:
        return None
    if refund.status == RefundStatus.FAILED and outcome.state == port.State.DECLINED:
        return None
    with changing(session) as changes:
        refund.finished_at, refund.due_at, refund.code = changes.at, None, outcome.code
        is_declined = outcome.state == port.State.DECLINED
        refund.status = RefundStatus.FAILED if is_declined else RefundStatus.SUCCEEDED
        changes.counts.add(REFUNDS, refund.cause, refund.status)
        if not is_declined:
            return _give_back(changes, order, payment, refund)
    log.error("refund_failed", refund_id=str(refund_id), order_id=str(order.id), code=outcome.code)
    return None


def _give_back(changes: Changes, order: Order, payment: Payment, refund: Refund) -> Noted:
    was_late = payment.status == PaymentStatus.LATE
    finish(payment, PaymentStatus.REFUNDED, changes.at)
    buyer = buyers_of(changes.session, [order.user_id])[order.user_id]
    enter_mail(changes.session, changes.counts, MailKind.REFUND, order, buyer, refund_id=refund.id)
    if was_late:
        is_second = refund.cause == RefundCause.DUPLICATE
        reason = "second_payment_refunded" if is_second else "late_payment_refunded"
        if refund.cause == RefundCause.WRONG_CHARGE:
            reason = "wrong_charge_refunded"
        note(changes, order, reason=reason, by=refund.requested_by)
        return Noted(payment.id, order.id)
    why = refund.reason or refund.cause
    move_order(changes, order, OrderStatus.REFUNDED, reason=why, by=refund.requested_by)
    return Noted(payment.id, order.id, is_over=True)


def refund_of(
    payment: Payment,
    cause: RefundCause,
    *,
    due_at: ColumnElement[datetime],
    by: UUID | None = None,
    reason: str | None = None,
) -> Refund:
    """Create the refund of the whole charge of a payment, which the caller adds to its transaction."""
    is_other = payment.charged_minor is not None  # than was requested
    return Refund(
        id=uuid.uuid4(),
        payment_id=payment.id,
        order_id=payment.order_id,
        amount_minor=payment.charged_minor if is_other else payment.amount_minor,
        currency=payment.charged_currency if is_other else payment.currency,
        cause=cause,
        reason=reason,
        requested_by=by,
        due_at=due_at,
    )


def _ask_for(
    session: Session,
    order: Order,
    cause: RefundCause,
    *,
    by: UUID | None = None,
    reason: str | None = None,
) -> UUID:
    payment = session.scalars(
        select(Payment).where(Payment.order_id == order.id, Payment.status == PaymentStatus.SUCCEEDED)
    ).one()
    known = session.scalar(select(Refund).where(Refund.payment_id == payment.id).with_for_update())
    if known is None:
        known = refund_of(payment, cause, due_at=func.now() + ASKED_AGAIN.after(0), by=by, reason=reason)
        session.add(known)
        count(session, REFUNDS, cause, "asked")
    elif known.status == RefundStatus.FAILED:
        known.status, known.finished_at, known.due_at = RefundStatus.PENDING, None, func.now()
        known.ref = known.code = None  # a failed refund stays failed: another one is begun
        count(session, REFUNDS, known.cause, "asked")
    return known.id


def _begin(context: Context, refund_id: UUID) -> tuple[port.Refund, str] | None:
    beginning = (
        update(Refund)
        .where(Refund.id == refund_id, Refund.status == RefundStatus.PENDING)
        .values(
            attempts=Refund.attempts + 1,
            started_at=func.coalesce(Refund.started_at, func.clock_timestamp()),
        )
        .returning(Refund)
    )
    with context.database.transaction() as session:
        refund = session.scalars(beginning).one_or_none()
        if refund is None:
            return None
        payment = session.get_one(Payment, refund.payment_id)
    charge_ref = payment.ref or ""
    request = port.Refund(
        refund.id, payment.id, charge_ref, refund.amount_minor, refund.currency, ref=refund.ref
    )
    return request, payment.provider


def _put(context: Context, request: port.Refund, provider: str) -> port.Outcome:
    if request.amount_minor == 0:
        return port.Outcome(port.State.SUCCEEDED)  # nothing was charged
    return context.providers.named(provider).refund(request)
