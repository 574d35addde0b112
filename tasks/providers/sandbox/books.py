"""The sandbox's books: how a charge is entered, settles with time, is ended, and is reported.

Each function runs inside the caller's transaction. A row is locked while it is read, and each change notes
its webhooks beside it. Time is PostgreSQL's now(), which may lie a little behind after waiting for a lock:
what was settled in between is stored, so that nothing that was reported is taken back.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.errors import IdempotencyKeyReused
from models.tables.sandbox import SandboxCharge, SandboxEvent
from tasks.providers.port import Charge, Charged, Outcome, State
from tasks.providers.sandbox.events import charge_payload, new_event_id
from tasks.providers.sandbox.methods import Method, Terms, When, terms_of

DISORDER_S: Final = 1
_NEW_ROW: Final = (
    *("ids", "refs", "orders", "amounts", "currencies", "methods", "states", "codes", "settle_s"),
)
_ENTERING: Final = text("""
    INSERT INTO sandbox_charges (payment_id, ref, order_id, amount_minor, currency, method, state, code,
                                 settles_at, calls)
    SELECT id, ref, order_id, amount_minor, currency, method, state, code,
           CASE WHEN settle_s > 0 THEN now() + make_interval(secs => settle_s) END, 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:refs AS text[]), CAST(:orders AS uuid[]),
                CAST(:amounts AS bigint[]), CAST(:currencies AS text[]), CAST(:methods AS text[]),
                CAST(:states AS text[]), CAST(:codes AS text[]), CAST(:settle_s AS int[]))
         AS t (id, ref, order_id, amount_minor, currency, method, state, code, settle_s)
    ON CONFLICT (payment_id) DO NOTHING
    RETURNING *
""")


def enter_charge(session: Session, charge: Charge, terms: Terms) -> tuple[SandboxCharge, datetime]:
    """Enter a charge, or find it entered; settled if its time has come. Returns it with the time.

    Raises:
        IdempotencyKeyReused: another charge has this id.
    """
    method = terms.method
    code = method.code if method.begins == State.DECLINED else None
    row = _insert(session, _as_charged(charge, method), method.begins, code, terms.charge_s)
    if row is None:
        return _find(session, _as_charged(charge, method))
    _note_charge(session, row, method, row.created_at)
    return row, row.created_at


def enter_new_charges(session: Session, charges: Sequence[tuple[Charge, Terms]]) -> Sequence[SandboxCharge]:
    """Enter those charges that are not entered, as asked about once; returns them.

    In the order of their ids: who enters some of the same waits, and nobody for each other.
    """
    terms = {charge.payment_id: one for charge, one in charges}
    ordered = sorted(charges, key=lambda one: one[0].payment_id)
    columns = zip(*(_new_row(charge, one) for charge, one in ordered), strict=True)
    values = dict(zip(_NEW_ROW, map(list, columns), strict=True))
    entered = session.scalars(select(SandboxCharge).from_statement(_ENTERING), values).all()
    for row in entered:
        _note_charge(session, row, terms[row.payment_id].method, row.created_at)
    return entered


def end_charge(session: Session, charge: Charge, terms: Terms) -> tuple[SandboxCharge, datetime]:
    """End a charge that is pending and can be ended; one that is not entered is entered as ended.

    Raises:
        IdempotencyKeyReused: another charge has this id.
    """
    method = terms.method
    code = method.cancel_code or "cancelled"
    row = _insert(session, _as_charged(charge, method), State.DECLINED, code, 0)
    if row is not None:
        _note_ended(session, row, method, row.created_at)
        return row, row.created_at
    row, now = _find(session, _as_charged(charge, method))
    if tell_charge(row, now).state == State.PENDING and method.cancel_code is not None:
        row.state, row.code, row.settles_at = State.DECLINED, code, None
        _note_ended(session, row, method, now)
    return row, now


def tell_charge(row: SandboxCharge, now: datetime) -> Outcome:
    """Return what the shop is told of a charge: pending until it settles, whatever the books say."""
    waits = row.refund_id is None and row.settles_at is not None and row.settles_at > now
    state = State.PENDING if waits else State(row.state)
    charged = Charged(Fraction(row.amount_minor), row.currency) if state == State.SUCCEEDED else None
    return Outcome(state, ref=row.ref, code=row.code, charged=charged)


def settle(row: SandboxCharge, now: datetime) -> None:
    """Settle what is pending, the charge or else its refund, if its time has come."""
    if row.settles_at is None or row.settles_at > now:
        return
    row.settles_at = None
    if row.refund_id is not None:
        row.refunded_minor = row.amount_minor
    elif row.state == State.PENDING:
        method = terms_of_row(row).method
        row.state, row.code = method.ends, method.code


def settle_all(session: Session, payment_ids: Sequence[UUID]) -> None:
    """Settle those of these charges whose time has come; locks them in the order of their ids."""
    due = (
        select(SandboxCharge, func.now())
        .where(SandboxCharge.payment_id.in_(payment_ids), SandboxCharge.settles_at <= func.now())
        .order_by(SandboxCharge.payment_id)
        .with_for_update()
    )
    for row, now in session.execute(due):
        settle(row, now)


def terms_of_row(row: SandboxCharge) -> Terms:
    """Read the method of a charge that was entered."""
    terms = terms_of(row.method)
    if terms is None:
        raise ValueError(f"The books have a charge by {row.method}, which is no method.")
    return terms


def _as_charged(charge: Charge, method: Method) -> Charge:
    """The charge as the books have it: a wrong one for the methods that simulate that."""
    return replace(charge, amount_minor=charge.amount_minor + method.too_much_minor)


def _new_row(charge: Charge, terms: Terms) -> tuple[Any, ...]:
    """The values of a charge's row, as `_NEW_ROW` names them."""
    method = terms.method
    known = _as_charged(charge, method)
    ref, code = _new_ref(), method.code if method.begins == State.DECLINED else None
    money = (known.amount_minor, known.currency, known.method)
    return known.payment_id, ref, known.order_id, *money, method.begins.value, code, terms.charge_s


def _new_ref() -> str:
    return f"sbx_ch_{uuid.uuid4().hex}"


def _insert(
    session: Session, charge: Charge, state: State, code: str | None, settles_after_s: int
) -> SandboxCharge | None:
    entering = (
        insert(SandboxCharge)
        .values(
            payment_id=charge.payment_id,
            ref=_new_ref(),
            order_id=charge.order_id,
            amount_minor=charge.amount_minor,
            currency=charge.currency,
            method=charge.method,
            state=state,
            code=code,
            settles_at=func.now() + timedelta(seconds=settles_after_s) if settles_after_s else None,
        )
        .on_conflict_do_nothing(index_elements=[SandboxCharge.payment_id])
        .returning(SandboxCharge)
    )
    return session.scalars(entering).one_or_none()


def _find(session: Session, charge: Charge) -> tuple[SandboxCharge, datetime]:
    query = select(SandboxCharge, func.now()).where(SandboxCharge.payment_id == charge.payment_id)
    row, now = session.execute(query.with_for_update()).one()
    known = (row.order_id, row.amount_minor, row.currency, row.method)
    if known != (charge.order_id, charge.amount_minor, charge.currency, charge.method):
        raise IdempotencyKeyReused(f"Another charge has the id {charge.payment_id}.")
    settle(row, now)
    return row, now


def _note_charge(session: Session, row: SandboxCharge, method: Method, now: datetime) -> None:
    """Note what will be told of a charge, now and later; copies of one event share its id."""
    due = {
        When.AT_ONCE: now,
        When.A_SECOND_LATER: now + timedelta(seconds=DISORDER_S),
        When.SETTLED: row.settles_at or now,
    }
    ids = {state: new_event_id() for state, _ in method.webhooks}
    for state, when in method.webhooks:
        code = method.code if state == State.DECLINED else None
        happened_at = due[when] if when == When.SETTLED else now
        payload = charge_payload(row, state, code, event_id=ids[state], at=happened_at)
        session.add(SandboxEvent(event_id=ids[state], payload=payload, due_at=due[when]))


def _note_ended(session: Session, row: SandboxCharge, method: Method, now: datetime) -> None:
    if method.is_mute:
        return
    event_id = new_event_id()
    payload = charge_payload(row, State.DECLINED, row.code, event_id=event_id, at=now)
    session.add(SandboxEvent(event_id=event_id, payload=payload, due_at=now))
