"""Adds, finds, changes and archives products."""

from typing import Any
from uuid import UUID

from sqlalchemy import func

from models.enums import AdminAction, SubjectKind
from models.errors import ProductInUse
from models.queries.products import find_product, is_sold
from models.tables.catalogue import Product
from tasks.catalogue_changes import tell_change
from tasks.context import Context
from tasks.runtime.admin_log import Actor, record_action
from tasks.runtime.revisions import ANYTHING, Expected, tag_of_product


def add_product(context: Context, columns: dict[str, Any], *, by: Actor | None = None) -> Product:
    """Add a product."""
    product = Product(**columns)
    with context.database.transaction() as session:
        session.add(product)
        session.flush()
        record_action(session, by, AdminAction.CREATED, SubjectKind.PRODUCT, product.id, **columns)
        session.refresh(product)
    tell_change(context)
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
        ProductInUse: a sale that is not over has its price in another currency than the requested one.
    """
    with context.database.transaction() as session:
        product = find_product(session, product_id, lock=True)
        expected.require(tag_of_product(product))
        currency = changes.get("currency", product.currency)
        if currency != product.currency and is_sold(session, product_id, unless_in=currency):
            raise ProductInUse(
                f"A sale that is not over sells this product for {product.currency}; end or cancel it first."
            )
        told = {name: (getattr(product, name), value) for name, value in changes.items()}
        record_action(session, by, AdminAction.CHANGED, SubjectKind.PRODUCT, product_id, **told)
        for column, value in changes.items():
            setattr(product, column, value)
        if changes:
            product.revision += 1
    tell_change(context)
    return product


def archive_product(
    context: Context, product_id: UUID, *, expected: Expected = ANYTHING, by: Actor | None = None
) -> None:
    """Archive a product: it is listed no more, while orders go on naming it.

    Raises:
        NotFound: there is none.
        PreconditionFailed: it is not what was expected.
        ProductInUse: a sale that is not over sells it.
    """
    with context.database.transaction() as session:
        product = find_product(session, product_id, lock=True)
        expected.require(tag_of_product(product))
        if is_sold(session, product_id):
            raise ProductInUse
        product.archived_at = func.now()
        record_action(session, by, AdminAction.ARCHIVED, SubjectKind.PRODUCT, product_id)
    tell_change(context)
