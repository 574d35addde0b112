"""Queries on products."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from models.enums import SaleStatus
from models.errors import NotFound
from models.tables.catalogue import Product, Sale

SELLING: Final = (SaleStatus.SCHEDULED, SaleStatus.OPEN, SaleStatus.PAUSED)


def listed_products() -> Select[Product]:
    """Select the products that are not archived, for paging."""
    return select(Product).where(Product.archived_at.is_(None))


def newest_products(session: Session, limit: int) -> Sequence[Product]:
    """List the newest products that are not archived."""
    return session.scalars(listed_products().order_by(Product.created_at.desc()).limit(limit)).all()


def find_product(session: Session, product_id: UUID, *, lock: bool = False) -> Product:
    """Read a product that is not archived; `lock` keeps it so until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    wanted = listed_products().where(Product.id == product_id)
    product = session.scalar(wanted.with_for_update() if lock else wanted)
    if product is None:
        raise NotFound(str(product_id))
    return product


def product_to_sell(session: Session, product_id: UUID) -> Product:
    """Read a product for a sale: it is neither archived nor changed until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    product = session.get(Product, product_id, with_for_update={"read": True}, populate_existing=True)
    if product is None or product.archived_at is not None:
        raise NotFound("No product has this id.")
    return product


def is_sold(session: Session, product_id: UUID, *, unless_in: str | None = None) -> bool:
    """Whether there are sales of a product that are not over; `unless_in` leaves those in a currency out.

    The product's lock keeps new ones away meanwhile.
    """
    which: list[ColumnElement[bool]] = [Sale.product_id == product_id, Sale.status.in_(SELLING)]
    if unless_in is not None:
        which.append(Sale.currency != unless_in)
    return bool(session.scalar(select(exists().where(*which))))


def count_sales(session: Session, product_ids: Collection[UUID]) -> dict[UUID, int]:
    """Count the sales of these products; one without any is left out."""
    counting = select(Sale.product_id, func.count()).where(Sale.product_id.in_(product_ids))
    return dict(session.execute(counting.group_by(Sale.product_id)).all())
