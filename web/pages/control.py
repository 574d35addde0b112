"""Owns the routes of the control room's pages, for admins only. They read; all else is done by the API."""

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from tasks.sales import list_sales
from tasks.views import show_sale
from web.auth.identity import current_identity
from web.errors import Forbidden
from web.pages import reading
from web.services import services

HOME: Final = "/admin"

blueprint: Final = Blueprint("control", __name__, url_prefix=HOME)


@blueprint.before_request
def refuse_others() -> None:
    """Let nobody in but admins.

    Raises:
        Unauthenticated, Forbidden: it is somebody else.
    """
    if not current_identity().is_admin:
        raise Forbidden("This page is for the shop's admins.")


def sections() -> Sequence[tuple[str, str]]:
    """Name the control room's sections: the path of each, and its words."""
    return (
        (HOME, _("Sales")),
        ("/admin/products", _("Products")),
        ("/admin/orders", _("Orders")),
        ("/admin/shoppers", _("Shoppers")),
        ("/admin/tasks", _("Tasks")),
        ("/admin/workers", _("Workers")),
        ("/admin/log", _("Log")),
    )


@blueprint.context_processor
def common() -> dict[str, Any]:
    """What every page of the control room knows: its sections, and which of them this page is of."""
    others = (path for path, _words in sections() if path != HOME and request.path.startswith(path))
    return {"sections": sections, "section": next(others, HOME)}


@blueprint.get("")
def sales() -> str:
    """The sales with their figures, and the verbs on them."""
    context = services().context
    return render_template(
        "admin/sales.html",
        sales=[show_sale(context, sale) for sale in list_sales(context, limit=reading.MOST_SALES)],
        products=reading.products_to_sell(context),
    )
