"""`/sales`: lists and shows sales, and lets admins create, change, open, pause and end them."""

import uuid
from functools import partial
from typing import Any

from flask import Response

from models.enums import SaleStatus
from models.tables.catalogue import Sale
from tasks.sales import lifecycle
from tasks.sales.view import Show, show_sale, show_whole_sale
from web.api.intents import KEY_PARAMETER, idempotency_key
from web.api.schemas.sales import (
    SaleCreateSchema,
    SalePageSchema,
    SalePatchSchema,
    SaleQuery,
    SaleSchema,
    UnitsSchema,
)
from web.auth.actor import current_actor
from web.http.etags import ETAG, IF_MATCH, etag_of_shown, expected, tag_of_shown
from web.http.openapi import PREFIX, Blueprint
from web.http.paging import Page, page_from, read_place
from web.http.responses import answer
from web.http.services import services
from web.reads.rendered import Made, made_json
from web.staff.guard import may

blueprint = Blueprint("sales", __name__, url_prefix="/sales", description="Sales and their lines")


@blueprint.get("")
@blueprint.arguments(SaleQuery, location="query")
@blueprint.response(200, SalePageSchema)
def list_sales(asked: dict[str, Any]) -> Response:
    """List sales, newest first, with their live figures."""

    def make(show: Show) -> Made:
        found = read_sales(asked, show)
        return made_json({"items": found.items, "next_cursor": found.next_cursor})

    return services().reads.answer(partial(make, show_whole_sale), partial(make, show_sale))


@blueprint.get("/<uuid:sale_id>")
@blueprint.response(200, SaleSchema, headers=ETAG)
def get_sale(sale_id: uuid.UUID) -> Response:
    """Show a sale with its live figures."""

    def make(show: Show) -> Made:
        context = services().context
        sale = lifecycle.get_sale(context, sale_id)
        shown = show(context, sale)
        return made_json(shown, of=sale_id, tag=tag_of_shown(sale, shown))

    return services().reads.answer(partial(make, show_whole_sale), partial(make, show_sale))


@blueprint.post("")
@may("sales.write")
@blueprint.arguments(SaleCreateSchema)
@blueprint.response(201, SaleSchema, headers=ETAG)
def create_sale(asked: dict[str, Any]) -> Response:
    """Schedule a sale. It opens by itself at `opens_at`, or by hand before."""
    requested = lifecycle.NewSale(**_columns(asked))
    sale = lifecycle.create_sale(services().context, requested, by=current_actor())
    return _answer(sale, 201, {"Location": f"{PREFIX}/sales/{sale.id}"})


@blueprint.patch("/<uuid:sale_id>")
@may("sales.write")
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(SalePatchSchema)
@blueprint.response(200, SaleSchema, headers=ETAG)
def change_sale(asked: dict[str, Any], sale_id: uuid.UUID) -> Response:
    """Change a sale that is not over; a new price holds for tickets that are decided after it."""
    context, changes = services().context, _columns(asked)
    seen, by = expected(), current_actor()
    return _answer(lifecycle.change_sale(context, sale_id, changes, expected=seen, by=by))


@blueprint.post("/<uuid:sale_id>/units")
@may("sales.write")
@blueprint.doc(parameters=[KEY_PARAMETER, IF_MATCH])
@blueprint.arguments(UnitsSchema)
@blueprint.response(200, SaleSchema, headers=ETAG)
def change_units(asked: dict[str, Any], sale_id: uuid.UUID) -> Response:
    """Raise or cut the allocation by so many units: what several ask for adds up.

    The same Idempotency-Key with the same number counts once.
    """
    context, key = services().context, idempotency_key()
    seen, by = expected(), current_actor()
    sale = lifecycle.change_units(context, sale_id, asked["change"], key=key, expected=seen, by=by)
    return _answer(sale)


@blueprint.post("/<uuid:sale_id>/open")
@may("sales.write")
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.response(200, SaleSchema, headers=ETAG)
def open_sale(sale_id: uuid.UUID) -> Response:
    """Open a scheduled sale now."""
    return _move(sale_id, SaleStatus.OPEN, SaleStatus.SCHEDULED)


@blueprint.post("/<uuid:sale_id>/pause")
@may("sales.write")
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.response(200, SaleSchema, headers=ETAG)
def pause_sale(sale_id: uuid.UUID) -> Response:
    """Pause an open sale: everybody keeps the place, nothing is decided."""
    return _move(sale_id, SaleStatus.PAUSED)


@blueprint.post("/<uuid:sale_id>/resume")
@may("sales.write")
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.response(200, SaleSchema, headers=ETAG)
def resume_sale(sale_id: uuid.UUID) -> Response:
    """Go on with a paused sale."""
    return _move(sale_id, SaleStatus.OPEN, SaleStatus.PAUSED)


@blueprint.post("/<uuid:sale_id>/end")
@may("sales.end")
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.response(200, SaleSchema, headers=ETAG)
def end_sale(sale_id: uuid.UUID) -> Response:
    """End a sale: who still stands in line hears `sold_out`."""
    return _move(sale_id, SaleStatus.ENDED)


@blueprint.post("/<uuid:sale_id>/cancel")
@may("sales.cancel")
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.response(200, SaleSchema, headers=ETAG)
def cancel_sale(sale_id: uuid.UUID) -> Response:
    """Cancel a sale: who still stands in line hears `rejected`."""
    return _move(sale_id, SaleStatus.CANCELLED)


def read_sales(asked: dict[str, Any], show: Show = show_sale) -> Page:
    """Read a page of sales, newest first, as they are told."""
    context = services().context
    status = SaleStatus(asked["status"]) if asked["status"] else None
    found = lifecycle.list_sales(
        context, status=status, before=read_place(asked["cursor"]), limit=asked["limit"] + 1
    )
    page = page_from(found, asked["limit"], "created_at", "id")
    return Page([show(context, sale) for sale in page.items], page.next_cursor)


def _move(sale_id: uuid.UUID, requested: SaleStatus, only_from: SaleStatus | None = None) -> Response:
    context, seen, by = services().context, expected(), current_actor()
    return _answer(
        lifecycle.move_sale(context, sale_id, requested, only_from=only_from, expected=seen, by=by)
    )


def _answer(sale: Sale, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    shown = show_sale(services().context, sale)
    return answer(shown, status, {**etag_of_shown(sale, shown), **(headers or {})})


def _columns(asked: dict[str, Any]) -> dict[str, Any]:
    """Name the requested settings as the rows do."""
    columns = dict(asked)
    if (price := columns.pop("price", None)) is not None:
        columns |= {"price_minor": price["amount_minor"], "currency": price["currency"]}
    admission = columns.pop("admission", None) or {}
    if "order" in admission:
        columns["admission_order"] = admission["order"]
    pace = ("rate_per_second", "max_open_holds")
    return columns | {name: admission[name] for name in pace if name in admission}
