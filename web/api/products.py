"""`/products`: lists them, and lets admins change them."""

import uuid
from typing import Any, Final

from flask import Response

from models.queries.products import find_product, listed_products
from models.tables.catalogue import Product
from tasks.products import changes as products
from tasks.runtime.revisions import tag_of_product
from web.api.schemas.paging import PageQuery
from web.api.schemas.products import ProductCreateSchema, ProductPageSchema, ProductPatchSchema, ProductSchema
from web.auth.actor import current_actor
from web.http.etags import ETAG, IF_MATCH, etag, expected
from web.http.openapi import Blueprint
from web.http.paging import read_page
from web.http.services import services
from web.reads.rendered import Made, made_json
from web.staff.guard import may

blueprint = Blueprint("products", __name__, url_prefix="/products", description="What sales sell")

_PRODUCT: Final = ProductSchema()
_PAGE: Final = ProductPageSchema()

Tagged = tuple[Product, dict[str, str]]


@blueprint.get("")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ProductPageSchema)
def list_products(asked: dict[str, Any]) -> Response:
    """List products, newest first."""

    def make() -> Made:
        with services().database.transaction() as session:
            found = read_page(session, listed_products(), (Product.created_at, Product.id), **asked)
            return made_json(_PAGE.dump(found))

    return services().reads.answer(make)


@blueprint.get("/<uuid:product_id>")
@blueprint.response(200, ProductSchema, headers=ETAG)
def get_product(product_id: uuid.UUID) -> Response:
    """Show a product."""

    def make() -> Made:
        with services().database.transaction() as session:
            product = find_product(session, product_id)
            return made_json(_PRODUCT.dump(product), tag=tag_of_product(product))

    return services().reads.answer(make)


@blueprint.post("")
@may("products.write")
@blueprint.arguments(ProductCreateSchema)
@blueprint.response(201, ProductSchema, headers=ETAG)
def create_product(asked: dict[str, Any]) -> Tagged:
    """Add a product."""
    return _tagged(products.add_product(services().context, columns_of(asked), by=current_actor()))


@blueprint.patch("/<uuid:product_id>")
@may("products.write")
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(ProductPatchSchema)
@blueprint.response(200, ProductSchema, headers=ETAG)
def change_product(asked: dict[str, Any], product_id: uuid.UUID) -> Tagged:
    """Change a product. Sales that sell it keep their own price, and its currency until they are over."""
    context, seen, by = services().context, expected(), current_actor()
    changes = columns_of(asked)
    return _tagged(products.change_product(context, product_id, changes, expected=seen, by=by))


@blueprint.delete("/<uuid:product_id>")
@may("products.write")
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.response(204)
def archive_product(product_id: uuid.UUID) -> None:
    """Archive a product: it is listed no more, while orders go on naming it."""
    products.archive_product(services().context, product_id, expected=expected(), by=current_actor())


def columns_of(asked: dict[str, Any]) -> dict[str, Any]:
    """Lay a request's product out in columns."""
    columns = {name: value for name, value in asked.items() if name != "list_price"}
    if "list_price" in asked:
        columns["list_price_minor"] = asked["list_price"]["amount_minor"]
        columns["currency"] = asked["list_price"]["currency"]
    return columns


def _tagged(product: Product) -> Tagged:
    return product, etag(tag_of_product(product))
