"""Presents payments, refunds and mails as tasks, with Celery's states.

What is pending is `PENDING` until it was tried, `STARTED` while it is tried for the first time, then `RETRY`.
`FAILURE` is what nobody tries any more. A decline is an outcome and not a failure: the work was done. A
payment whose hold was let go unanswered, or that was charged too late, is still worked on, hence `RETRY`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, literal_column, or_, select
from sqlalchemy.orm import Session, aliased

from models.enums import MailStatus, PaymentStatus, RefundStatus, TaskState
from models.ids import OF_SALE, order_prefix_of
from models.messages import Message, money, rfc3339
from models.queries.paging import newest
from models.tables.catalogue import Sale
from models.tables.mails import Mail
from models.tables.orders import Order
from models.tables.payments import Payment, Refund

PENDING: Final = "pending"  # the same status for all of them
TRIED: Final = {TaskState.PENDING: 0, TaskState.STARTED: 1}  # how often a pending row was tried


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work: its rows, their statuses as Celery's states, and how a row is shown."""

    rows: type[Any]
    states: Mapping[str, TaskState]  # of all statuses but pending
    is_not_done: ColumnElement[bool]  # anything but success; there is a partial index of just that
    result: Callable[[Any], Message]
    error: Callable[[Any], str | None]
    finished_at: Callable[[Any], datetime | None]


def _payment_error(row: Payment) -> str | None:
    return "payment_unanswered" if row.status == PaymentStatus.ABANDONED else None


def _payment_result(row: Payment) -> Message:
    amount = money(row.amount_minor, row.currency)
    told = {"status": row.status, "code": row.code, "order_id": str(row.order_id), "amount": amount}
    return told | {"provider": row.provider, "method": row.method}


def _refund_result(row: Refund) -> Message:
    amount = money(row.amount_minor, row.currency)
    told = {"status": row.status, "cause": row.cause, "order_id": str(row.order_id), "amount": amount}
    return told | {"payment_id": str(row.payment_id)}


def _mail_result(row: Mail) -> Message:
    told = {"status": row.status, "kind": row.kind, "order_id": _text(row.order_id)}
    return told | {"message_id": row.message_id}


WORK: Final[Mapping[str, Work]] = {
    "payment": Work(
        Payment,
        {
            PaymentStatus.ABANDONED: TaskState.RETRY,
            PaymentStatus.LATE: TaskState.RETRY,
            PaymentStatus.DECLINED: TaskState.SUCCESS,
            PaymentStatus.SUCCEEDED: TaskState.SUCCESS,
            PaymentStatus.REFUNDED: TaskState.SUCCESS,
        },
        Payment.finished_at.is_(None),
        _payment_result,
        _payment_error,
        lambda row: row.finished_at,
    ),
    "refund": Work(
        Refund,
        {RefundStatus.SUCCEEDED: TaskState.SUCCESS, RefundStatus.FAILED: TaskState.FAILURE},
        Refund.status != literal_column("'succeeded'"),
        _refund_result,
        lambda row: row.code or "refund_failed" if row.status == RefundStatus.FAILED else None,
        lambda row: row.finished_at,
    ),
    "mail": Work(
        Mail,
        {
            MailStatus.MAILED: TaskState.SUCCESS,
            MailStatus.KEPT: TaskState.SUCCESS,
            MailStatus.GIVEN_UP: TaskState.FAILURE,
        },
        Mail.status != literal_column("'mailed'"),
        _mail_result,
        lambda row: row.error,
        lambda row: row.created_at if row.status == MailStatus.KEPT else row.mailed_at or row.given_up_at,
    ),
}


def find_money_task(session: Session, task_id: UUID) -> Message | None:
    """Find a payment, a refund or a mail by its id, as a task."""
    for kind, work in WORK.items():
        named = select(work.rows, Order.sale_id).outerjoin(Order, Order.id == work.rows.order_id)
        found = session.execute(named.where(work.rows.id == task_id)).one_or_none()
        if found is not None:
            return _tell(kind, work, found[0], found[1])
    return None


def list_money_tasks(
    session: Session,
    kind: str,
    *,
    state: str | None,
    sale_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[tuple[tuple[datetime, UUID], Callable[[], Message]]]:
    """List the newest tasks of one kind, each with its key for paging, and with what tells it."""
    work = WORK[kind]
    query = select(work.rows)
    if sale_id is not None:
        number = session.scalar(select(Sale.number).where(Sale.id == sale_id))
        if number is None:
            return []
        query = query.where(literal_column(OF_SALE) == order_prefix_of(number))
    if state is not None:
        query = query.where(_is_in(work, TaskState(state)))
    page = newest(query, (work.rows.created_at, work.rows.id), before).limit(limit)
    rows = aliased(work.rows, page.subquery())  # first the page, then its orders: not those of the whole sale
    found = session.execute(select(rows, Order.sale_id).outerjoin(Order, Order.id == rows.order_id))
    return [((row.created_at, row.id), partial(_tell, kind, work, row, sale)) for row, sale in found]


def _state_of(work: Work, row: Any) -> TaskState:
    if row.status != PENDING:
        return work.states[row.status]
    return next((state for state, tries in TRIED.items() if row.attempts == tries), TaskState.RETRY)


def _is_in(work: Work, state: TaskState) -> ColumnElement[bool]:
    """The same condition in SQL."""
    rows = work.rows
    has_status: ColumnElement[bool] = rows.status.in_(
        [one for one, said in work.states.items() if said == state]
    )
    if state == TaskState.SUCCESS:
        return has_status
    tried = {
        **{said: rows.attempts == tries for said, tries in TRIED.items()},
        TaskState.RETRY: rows.attempts > 1,
    }
    is_pending = and_(rows.status == PENDING, tried[state]) if state in tried else false()
    return and_(work.is_not_done, or_(has_status, is_pending))


def _text(one: UUID | None) -> str | None:
    return str(one) if one else None


def _tell(kind: str, work: Work, row: Any, sale_id: UUID | None) -> Message:
    state = _state_of(work, row)
    finished_at = work.finished_at(row)
    return {
        "task_id": str(row.id),
        "kind": kind,
        "state": state,
        "submitted_at": rfc3339(row.created_at),
        "started_at": rfc3339(row.started_at) if row.started_at else None,
        "finished_at": rfc3339(finished_at) if finished_at else None,
        "attempts": row.attempts,
        "result": work.result(row) if state == TaskState.SUCCESS else None,
        "error": work.error(row),
        "sale_id": _text(sale_id),
        "order_id": _text(row.order_id),
    }
