"""Runs a payment: asks the provider, outside of any transaction, and notes the answer.

It may run twice, at once, or again after a crash: the provider knows the payment by its id.
"""

from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import func, update

from models.enums import PaymentStatus
from models.errors import IdempotencyKeyReused
from models.tables.payments import Payment
from tasks.context import Context
from tasks.payments.late import resolve_late
from tasks.payments.outcomes import OPEN, follow, note_charge
from tasks.providers.port import Charge, Outcome, Provider, ProviderUnavailable, State
from tasks.runtime.failpoints import failpoint

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Begun:
    charge: Charge
    provider: str
    status: str
    is_out_of_patience: bool


def run_payment(context: Context, payment_id: UUID) -> None:
    """Ask the provider about a payment and note the outcome; a late one is held again or refunded.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is unavailable; the sweep rings again.
    """
    begun = _begin(context, payment_id)
    if begun is None:
        return
    if begun.status == PaymentStatus.LATE:
        resolve_late(context, payment_id)
        return
    outcome = _ask(context, begun)
    failpoint("charged")
    with context.database.transaction() as session:
        noted = note_charge(session, payment_id, outcome)
    follow(context, noted)


def _begin(context: Context, payment_id: UUID) -> _Begun | None:
    beginning = (
        update(Payment)
        .where(Payment.id == payment_id, Payment.status.in_((*OPEN, PaymentStatus.LATE)))
        .values(
            attempts=Payment.attempts + 1,
            started_at=func.coalesce(Payment.started_at, func.clock_timestamp()),
        )
        .returning(Payment, func.clock_timestamp() >= Payment.patience_until)
    )
    with context.database.transaction() as session:
        found = session.execute(beginning).one_or_none()
    if found is None:
        return None
    payment, is_out_of_patience = found
    charge = Charge(
        payment.id, payment.order_id, payment.amount_minor, payment.currency, payment.method, payment.ref
    )
    return _Begun(charge, payment.provider, payment.status, is_out_of_patience)


def _ask(context: Context, begun: _Begun) -> Outcome:
    if begun.charge.amount_minor == 0:
        return Outcome(State.SUCCEEDED)  # a free order needs no provider
    try:
        return _put(context.providers.named(begun.provider), begun)
    except ProviderUnavailable as error:
        log.warning("provider_silent", payment_id=str(begun.charge.payment_id), error=str(error))
        return Outcome(State.PENDING)
    except IdempotencyKeyReused as error:  # its books have something else under this id, which does not pay
        log.error("provider_knows_another_charge", payment_id=str(begun.charge.payment_id), error=str(error))
        return Outcome(State.PENDING)


def _put(provider: Provider, begun: _Begun) -> Outcome:
    return provider.cancel(begun.charge) if begun.is_out_of_patience else provider.charge(begun.charge)
