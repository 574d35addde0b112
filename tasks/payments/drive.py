"""Runs payments: asks the provider, outside of any transaction, and notes the answers.

Those that are due are taken up together, under a lease, and noted together. A payment may run twice, at once,
or again after a crash: the provider knows it by its id.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Update, case, func, update

from models import leases
from models.enums import PaymentStatus
from models.tables.payments import Payment
from tasks.context import Context
from tasks.payments.asking import SIDE_BY_SIDE, Begun, ask, can_together
from tasks.payments.backoff import ASKED_AGAIN
from tasks.payments.late import resolve_late
from tasks.payments.outcomes import OPEN, Noted, Told, follow, note_charge, note_charges
from tasks.providers.port import Charge
from tasks.runtime.failpoints import failpoint
from tasks.runtime.isolation import apart, together_or_alone

log: Final = structlog.get_logger()

AT_ONCE: Final = 100  # payments of a provider that charges several at once

# How often a provider was asked. A late charge asks none any more: our own stores decide it.
_ASKED: Final[ColumnElement[int]] = case((Payment.status == PaymentStatus.LATE, 0), else_=Payment.attempts)
_TRIED: Final[dict[str, Any]] = {
    "attempts": Payment.attempts + 1,
    "started_at": func.coalesce(Payment.started_at, func.clock_timestamp()),
}


def has_due_payments(context: Context) -> bool:
    """Return whether a payment is due; reads the beginning of an index."""
    with context.database.transaction() as session:
        return leases.has_due(session, Payment)


def run_due_payments(context: Context) -> int:
    """Take up the payments that are due and run them, as long as there are any; returns how many.

    If there may be more than are taken up at once, it rings for another thread or process.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is unavailable; the sweep rings again.
    """
    most = AT_ONCE if can_together(context, context.providers.current.name) else SIDE_BY_SIDE
    taking, _ = leases.take_up(Payment, most, ASKED_AGAIN.pause(_ASKED), _TRIED)
    run = 0
    while begun := _begin(context, taking):
        if run == 0 and len(begun) == most:
            context.bell.ring_for_payments()
        _run(context, begun)
        run += len(begun)
    return run


def run_payment(context: Context, payment_id: UUID) -> None:
    """Ask the provider about a payment and note the outcome; a late one is held again or refunded.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is unavailable; the sweep rings again.
    """
    unfinished = (Payment.id == payment_id, Payment.status.in_((*OPEN, PaymentStatus.LATE)))
    _run(context, _begin(context, update(Payment).where(*unfinished).values(**_TRIED)))


def _begin(context: Context, beginning: Update) -> list[Begun]:
    """Note that these payments are asked about now; returns them."""
    is_out_of_patience = func.clock_timestamp() >= Payment.patience_until
    with context.database.transaction() as session:
        found = session.execute(beginning.returning(Payment, is_out_of_patience)).all()
    return [_begun(payment, is_out) for payment, is_out in found]


def _begun(payment: Payment, is_out_of_patience: bool) -> Begun:
    charge = Charge(
        payment.id, payment.order_id, payment.amount_minor, payment.currency, payment.method, payment.ref
    )
    return Begun(charge, payment.provider, payment.status, is_out_of_patience)


def _run(context: Context, begun: Sequence[Begun]) -> None:
    open_ones = [one for one in begun if one.status != PaymentStatus.LATE]
    for told in ask(context, open_ones) if open_ones else ():
        failpoint("charged")
        _note(context, told)
    late = [one.charge.payment_id for one in begun if one.status == PaymentStatus.LATE]
    if len(begun) == 1 and late:
        resolve_late(context, late[0])
        return
    for payment_id in late:
        with apart("late_payment_hindered", payment_id=str(payment_id)):
            resolve_late(context, payment_id)


def _note(context: Context, told: Sequence[Told]) -> None:
    """Note outcomes in one transaction, then let the live side and the shoppers hear of them."""
    noted = together_or_alone(told, partial(_note_all, context), partial(_note_one, context))
    follow(context, [one for one in noted if not isinstance(one, Exception)])
    for (payment_id, _), result in zip(told, noted, strict=True):
        if isinstance(result, Exception):
            if len(told) == 1:
                raise result
            log.error("outcome_not_noted", payment_id=str(payment_id), error=repr(result))


def _note_all(context: Context, told: Sequence[Told]) -> dict[int, Noted | None]:
    with context.database.transaction() as session:
        return note_charges(session, told)


def _note_one(context: Context, told: Told) -> Noted | None:
    with context.database.transaction() as session:
        return note_charge(session, *told)
