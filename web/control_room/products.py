"""The admins' pages of products: the list, and the forms to add and to change one."""

import uuid
from typing import Final

from flask import Blueprint, render_template

from models.queries.products import find_product
from tasks.runtime.revisions import tag_of_product
from tasks.sales.view import show_product
from web.api.schemas.paging import PageQuery
from web.control_room.reading import read_products
from web.http.etags import etag
from web.http.services import services
from web.shop.list_query import asked_by
from web.staff.guard import needs

blueprint: Final = Blueprint("products", __name__, url_prefix="/products")

_QUERY: Final = PageQuery()


@blueprint.get("")
@needs("products.read")
def products() -> str:
    """The products, with how many sales each has."""
    asked = asked_by(_QUERY)
    found = read_products(services().context, limit=asked["limit"], cursor=asked["cursor"])
    return render_template("admin/products.html", found=found, asked=asked)


@blueprint.get("/new")
@needs("products.write")
def new_product() -> str:
    """The form to add a product by."""
    return render_template("admin/product_form.html", product=None)


@blueprint.get("/<uuid:product_id>/edit")
@needs("products.write")
def edit_product(product_id: uuid.UUID) -> str:
    """The form to change a product by."""
    with services().database.transaction() as session:
        row = find_product(session, product_id)
    tag = etag(tag_of_product(row))["ETag"]
    return render_template("admin/product_form.html", product=show_product(row), etag=tag)
