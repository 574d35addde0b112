"""Asks the ledger about reports: which sales are due one, and how far a sale has come."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from models.enums import RefundStatus, TaskState
from models.queries.background_tasks import WAITING
from models.tables.background import BackgroundTask
from models.tables.catalogue import Sale
from models.tables.orders import Order
from models.tables.payments import Payment, Refund
from models.tables.reports import SaleReport


def sales_to_report(session: Session, kind: str, failed_rest: timedelta, limit: int) -> Sequence[UUID]:
    """List the settled sales whose report is missing or tells of other money, the oldest end first.

    Left out are those of which a task of this kind makes one, or failed to within `failed_rest`.
    """
    rests = and_(
        BackgroundTask.state == TaskState.FAILURE,
        BackgroundTask.finished_at.between(func.now() - failed_rest, func.now()),
    )
    is_asked = exists().where(
        BackgroundTask.kind == kind,
        BackgroundTask.sale_id == Sale.id,
        or_(BackgroundTask.state.in_(WAITING), rests),
    )
    of_sale = Order.sale_id == Sale.id
    is_paying = exists().where(of_sale, Payment.order_id == Order.id, Payment.finished_at.is_(None))
    is_refunding = exists().where(of_sale, Refund.order_id == Order.id, Refund.status == RefundStatus.PENDING)
    is_missing = or_(SaleReport.sale_id.is_(None), ~SaleReport.is_final, SaleReport.sold != Sale.sold)
    query = (
        select(Sale.id)
        .outerjoin(SaleReport, SaleReport.sale_id == Sale.id)
        .where(Sale.drained_at.is_not(None), Sale.held == 0, is_missing)
        .where(~is_paying, ~is_refunding, ~is_asked)
        .order_by(Sale.drained_at)
    )
    return session.scalars(query.limit(limit)).all()


def decided_tickets(session: Session, sale_id: UUID) -> tuple[int, datetime]:
    """Read how many tickets of a sale are decided, and the ledger's time."""
    asked = select(Sale.last_decided_ticket, func.now()).where(Sale.id == sale_id)
    tickets, now = session.execute(asked).one()
    return tickets, now
