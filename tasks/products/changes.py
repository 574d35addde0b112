"""The verbs on products: add, find, change and archive. Knows no HTTP."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from models.enums import Deed, SaleStatus, SubjectKind
from models.errors import NotFound, ProductInUse
from models.tables.catalogue import Product, Sale
from tasks.context import Context
from tasks.runtime.admin_log import Actor, note_deed
from tasks.runtime.revisions import ANYTHING, Expected, tag_of_product

SELLING: Final = (SaleStatus.SCHEDULED, SaleStatus.OPEN, SaleStatus.PAUSED)


def add_product(context: Context, columns: dict[str, Any], *, by: Actor | None = None) -> Product:
    """Add a product.

    Raises:
        LedgerUnavailable: nothing was added.
    """
    product = Product(**columns)
    with context.database.transaction() as session:
        session.add(product)
        session.flush()
        note_deed(session, by, Deed.CREATED, SubjectKind.PRODUCT, product.id, **columns)
        session.refresh(product)
    return product


def change_product(
    context: Context,
    product_id: UUID,
    changes: dict[str, Any],
    *,
    expected: Expected = ANYTHING,
    by: Actor | None = None,
) -> Product:
    """Change a product. Sales that sell it keep their own price, so that its currency waits for their end.

    Raises:
        NotFound: there is none.
        PreconditionFailed: it is not what was expected.
        ProductInUse: a sale that is not over has its price in another currency than the wished one.
        LedgerUnavailable: nothing changed.
    """
    with context.database.transaction() as session:
        product = find_product(session, product_id, lock=True)
        expected.require(tag_of_product(product))
        currency = changes.get("currency", product.currency)
        if currency != product.currency and _is_sold(session, product_id, Sale.currency != currency):
            raise ProductInUse(
                f"A sale that is not over sells this product for {product.currency}; end or cancel it first."
            )
        told = {name: (getattr(product, name), value) for name, value in changes.items()}
        note_deed(session, by, Deed.CHANGED, SubjectKind.PRODUCT, product_id, **told)
        for column, value in changes.items():
            setattr(product, column, value)
        if changes:
            product.revision += 1
    return product


def archive_product(
    context: Context, product_id: UUID, *, expected: Expected = ANYTHING, by: Actor | None = None
) -> None:
    """Archive a product: it is listed no more, while orders go on naming it.

    Raises:
        NotFound: there is none.
        PreconditionFailed: it is not what was expected.
        ProductInUse: a sale that is not over sells it.
        LedgerUnavailable: nothing changed.
    """
    with context.database.transaction() as session:
        product = find_product(session, product_id, lock=True)
        expected.require(tag_of_product(product))
        if _is_sold(session, product_id):
            raise ProductInUse
        product.archived_at = func.now()
        note_deed(session, by, Deed.ARCHIVED, SubjectKind.PRODUCT, product_id)


def find_product(session: Session, product_id: UUID, *, lock: bool = False) -> Product:
    """Read a product that is not archived; `lock` keeps it so until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    wanted = select(Product).where(Product.id == product_id, Product.archived_at.is_(None))
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


def _is_sold(session: Session, product_id: UUID, *which: ColumnElement[bool]) -> bool:
    """Say whether there are sales that are not over; the product's lock keeps new ones away meanwhile."""
    selling = exists().where(Sale.product_id == product_id, Sale.status.in_(SELLING), *which)
    return bool(session.scalar(select(selling)))
