"""Refunds in the sandbox's books: each charge is given back whole and once, or not at all.

A refund that takes time is kept in its charge's row: `refund_id` is set, and `settles_at` says until when.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.tables.sandbox import SandboxCharge, SandboxEvent
from tasks.providers.port import Outcome, Refund, State
from tasks.providers.sandbox.books import settle, tell_charge, terms_of_row
from tasks.providers.sandbox.events import new_event_id, refund_payload, refund_ref
from tasks.providers.sandbox.methods import Refunding, Terms


def give_back(session: Session, refund: Refund) -> Outcome:
    """Refund a charge, whole and once, or return what became of that.

    While the charge is pending, nothing is entered, and asking again tells.
    """
    query = select(SandboxCharge, func.now()).where(
        SandboxCharge.payment_id == refund.payment_id, SandboxCharge.ref == refund.charge_ref
    )
    found = session.execute(query.with_for_update()).one_or_none()
    if found is None:
        return _refused(refund, "no_such_charge")
    row, now = found[0], found[1]
    settle(row, now)
    told = tell_charge(row, now).state
    if told == State.PENDING:
        return Outcome(State.PENDING, ref=refund_ref(refund.refund_id))
    if told == State.DECLINED:
        return _refused(refund, "not_charged")
    if (row.amount_minor, row.currency) != (refund.amount_minor, refund.currency):
        return _refused(refund, "amount_mismatch")
    terms = terms_of_row(row)
    if row.refund_id is None:
        _enter_refund(session, row, refund, terms, now)
    elif row.refund_id != refund.refund_id and terms.method.refunding != Refunding.REFUSED:
        return _refused(refund, "already_refunded")
    return _tell_refund(row, refund, terms)


def _enter_refund(session: Session, row: SandboxCharge, refund: Refund, terms: Terms, now: datetime) -> None:
    row.refund_id = refund.refund_id
    due_at = now
    if terms.method.refunding == Refunding.SLOWLY:
        row.settles_at = due_at = now + timedelta(seconds=terms.seconds)
    elif terms.method.refunding == Refunding.AT_ONCE:
        row.refunded_minor = row.amount_minor
    if terms.method.is_mute:
        return
    is_refused = terms.method.refunding == Refunding.REFUSED
    outcome = _refused(refund, "refund_refused") if is_refused else _refunded(refund)
    event_id = new_event_id()
    payload = refund_payload(row, refund.refund_id, outcome, event_id=event_id, at=due_at)
    session.add(SandboxEvent(event_id=event_id, payload=payload, due_at=due_at))


def _tell_refund(row: SandboxCharge, refund: Refund, terms: Terms) -> Outcome:
    if terms.method.refunding == Refunding.REFUSED:
        return _refused(refund, "refund_refused")
    if row.settles_at is not None:
        return Outcome(State.PENDING, ref=refund_ref(refund.refund_id))
    return _refunded(refund)


def _refused(refund: Refund, code: str) -> Outcome:
    return Outcome(State.DECLINED, ref=refund_ref(refund.refund_id), code=code)


def _refunded(refund: Refund) -> Outcome:
    return Outcome(State.SUCCEEDED, ref=refund_ref(refund.refund_id))
