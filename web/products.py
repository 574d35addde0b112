"""Owns `/products`."""

import uuid
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from models.catalogue import Product, Sale
from models.errors import NotFound, ProductInUse
from models.vocabulary import Deed, SaleStatus, SubjectKind
from tasks.admin_log import note_deed
from web.api import Blueprint
from web.auth.actor import current_actor
from web.auth.identity import admin_only
from web.paging import Page, read_page
from web.schemas.paging import PageQuery
from web.schemas.products import (
    ProductCreateSchema,
    ProductPageSchema,
    ProductPatchSchema,
    ProductSchema,
)
from web.services import services

blueprint = Blueprint("products", __name__, url_prefix="/products", description="What sales sell")

_SELLING = (SaleStatus.SCHEDULED, SaleStatus.OPEN, SaleStatus.PAUSED)


@blueprint.get("")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ProductPageSchema)
def list_products(asked: dict[str, Any]) -> Page:
    """List products, newest first."""
    listed = select(Product).where(Product.archived_at.is_(None))
    with services().database.transaction() as session:
        return read_page(session, listed, (Product.created_at, Product.id), **asked)


@blueprint.get("/<uuid:product_id>")
@blueprint.response(200, ProductSchema)
def get_product(product_id: uuid.UUID) -> Product:
    """Show a product."""
    with services().database.transaction() as session:
        return find_product(session, product_id)


@blueprint.post("")
@admin_only
@blueprint.arguments(ProductCreateSchema)
@blueprint.response(201, ProductSchema)
def create_product(asked: dict[str, Any]) -> Product:
    """Add a product."""
    product = Product(**columns_of(asked))
    with services().database.transaction() as session:
        session.add(product)
        session.flush()
        note_deed(
            session, current_actor(), Deed.CREATED, SubjectKind.PRODUCT, product.id, **columns_of(asked)
        )
        session.refresh(product)
    return product


@blueprint.patch("/<uuid:product_id>")
@admin_only
@blueprint.arguments(ProductPatchSchema)
@blueprint.response(200, ProductSchema)
def change_product(asked: dict[str, Any], product_id: uuid.UUID) -> Product:
    """Change a product. Sales that sell it keep their own price."""
    with services().database.transaction() as session:
        product = find_product(session, product_id, lock=True)
        wished = columns_of(asked)
        told = {name: (getattr(product, name), value) for name, value in wished.items()}
        note_deed(session, current_actor(), Deed.CHANGED, SubjectKind.PRODUCT, product_id, **told)
        for column, value in wished.items():
            setattr(product, column, value)
    return product


@blueprint.delete("/<uuid:product_id>")
@admin_only
@blueprint.response(204)
def archive_product(product_id: uuid.UUID) -> None:
    """Archive a product: it is listed no more, while orders go on naming it."""
    selling = exists().where(Sale.product_id == product_id, Sale.status.in_(_SELLING))
    with services().database.transaction() as session:
        product = find_product(session, product_id, lock=True)
        if session.scalar(select(selling)):
            raise ProductInUse(str(product_id))
        product.archived_at = func.now()
        note_deed(session, current_actor(), Deed.ARCHIVED, SubjectKind.PRODUCT, product_id)


def find_product(session: Session, product_id: uuid.UUID, *, lock: bool = False) -> Product:
    """Read a product that is not archived; `lock` keeps it so until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    wanted = select(Product).where(Product.id == product_id, Product.archived_at.is_(None))
    product = session.scalar(wanted.with_for_update() if lock else wanted)
    if product is None:
        raise NotFound(str(product_id))
    return product


def columns_of(asked: dict[str, Any]) -> dict[str, Any]:
    """Lay a request's product out in columns."""
    columns = {name: value for name, value in asked.items() if name != "list_price"}
    if "list_price" in asked:
        columns["list_price_minor"] = asked["list_price"]["amount_minor"]
        columns["currency"] = asked["list_price"]["currency"]
    return columns
