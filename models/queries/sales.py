"""Queries on sales: one, a page, the running ones, and their names."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, exists, select
from sqlalchemy.orm import Session, joinedload

from models.enums import SaleStatus
from models.errors import NoSuchSale
from models.queries.paging import newest
from models.tables.catalogue import Adjustment, Product, Sale


def find_sale(session: Session, sale_id: UUID, *, lock: bool = False) -> Sale:
    """Find a sale with its product; `lock`: nobody else changes it until the transaction ends.

    Raises:
        NoSuchSale: there is none.
    """
    query = select(Sale).where(Sale.id == sale_id).options(joinedload(Sale.product))
    if lock:
        query = query.with_for_update(of=Sale)
    sale = session.scalar(query)
    if sale is None:
        raise NoSuchSale("No sale has this id.")
    return sale


def list_sales(
    session: Session, *, status: str | None, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Sale]:
    """List sales with their products, newest first, below the keys `before` (created_at, id)."""
    query = select(Sale).options(joinedload(Sale.product))
    if status is not None:
        query = query.where(Sale.status == status)
    return session.scalars(newest(query, (Sale.created_at, Sale.id), before).limit(limit)).all()


def running_sales(session: Session) -> Sequence[UUID]:
    """List the ids of the sales whose lines are not drained yet."""
    return session.scalars(select(Sale.id).where(Sale.drained_at.is_(None))).all()


def sales_with_a_line(session: Session) -> Sequence[UUID]:
    """List the ids of the sales that have a live side: all that are not archived, oldest first."""
    return session.scalars(select(Sale.id).where(Sale.epoch.is_not(None)).order_by(Sale.created_at)).all()


def every_sale(session: Session) -> Sequence[UUID]:
    """List the ids of all sales, oldest first."""
    return session.scalars(select(Sale.id).order_by(Sale.created_at)).all()


def newest_running(session: Session, most: int) -> Sequence[UUID]:
    """List the ids of sales that are open or paused, the last to open first."""
    is_running = Sale.status.in_((SaleStatus.OPEN, SaleStatus.PAUSED))
    return session.scalars(select(Sale.id).where(is_running).order_by(Sale.opens_at.desc()).limit(most)).all()


def sales_with_products(session: Session, sale_ids: Collection[UUID]) -> dict[UUID, Sale]:
    """Find these sales, each with its product."""
    query = select(Sale).where(Sale.id.in_(sale_ids)).options(joinedload(Sale.product))
    return {sale.id: sale for sale in session.scalars(query)}


def products_of_sales(session: Session, sale_ids: Collection[UUID]) -> dict[UUID, Product]:
    """Find what these sales sell."""
    return {sale_id: sale.product for sale_id, sale in sales_with_products(session, sale_ids).items()}


def newest_sales(session: Session, limit: int) -> Sequence[Row[UUID, str, datetime]]:
    """List the newest sales: id, what they are called, and when they open."""
    return session.execute(newest(_named(), (Sale.created_at, Sale.id), None).limit(limit)).all()


def name_sales(session: Session, sale_ids: Collection[UUID]) -> Sequence[Row[UUID, str, datetime]]:
    """Name these sales: id, what they are called, and when they open."""
    return session.execute(_named().where(Sale.id.in_(sale_ids))).all()


def is_catalogue_empty(session: Session) -> bool:
    """Whether there is neither a product nor a sale."""
    anything = exists().where(Product.id.is_not(None)) | exists().where(Sale.id.is_not(None))
    return not session.scalar(select(anything))


def _named() -> Select[UUID, str, datetime]:
    return select(Sale.id, Product.name, Sale.opens_at).join(Product, Product.id == Sale.product_id)


def undrained_sales(session: Session) -> Sequence[Sale]:
    """List the sales whose lines are not drained yet."""
    return session.scalars(select(Sale).where(Sale.drained_at.is_(None)).order_by(Sale.id)).all()


def pending_adjustments(session: Session) -> Sequence[Row[UUID, UUID]]:
    """List the adjustments that are under way: their ids and their sales'."""
    pending = Adjustment.state == "pending"
    return session.execute(select(Adjustment.id, Adjustment.sale_id).where(pending)).all()
