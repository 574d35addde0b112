"""The routes of the shop's pages. They only read, except for the language; the API changes all else."""

import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from models.messages import rfc3339
from tasks.sales.lifecycle import get_sale
from tasks.sales.view import Show, show_sale, show_whole_sale
from web.auth.cookies import cookie_name, cookie_prefix
from web.auth.identity import REFRESH_CSRF_COOKIE
from web.auth.tokens import Identity
from web.http.services import services
from web.reads.rendered import Made, made_page
from web.shop import languages, paying, reading, words
from web.shop.compression import compress
from web.shop.paths import own_path
from web.shop.phases import entry_of
from web.shop.problems import make_readable
from web.shop.viewing import own_page, viewer

blueprint: Final = Blueprint("pages", __name__)

blueprint.add_app_template_filter(words.write_money, "money")
blueprint.add_app_template_filter(words.write_editable, "editable")
blueprint.add_app_template_filter(words.write_moment, "moment")
blueprint.add_app_template_filter(words.write_breakable, "breakable")
blueprint.add_app_template_filter(words.write_count, "count")
blueprint.add_app_template_filter(rfc3339, "rfc3339")
blueprint.add_app_template_global(words.percent_off)
blueprint.add_app_template_global(words.share)
blueprint.add_app_template_global(words.two_colours)
blueprint.add_app_template_global(paying.reason_words)
blueprint.add_app_template_global(paying.words_of, "why")
blueprint.after_app_request(compress)  # called last: Flask runs these in reverse order
blueprint.after_app_request(make_readable)


@blueprint.app_context_processor
def common() -> dict[str, Any]:
    """What every page knows: the shop's name, who is logged in, and the server's time."""
    identity, settings = viewer(), services().settings
    return {
        "shop_name": words.SHOP_NAME,
        "viewer": identity,
        "session": "in" if identity else "renewable" if _is_renewable() else "out",
        "cookie_prefix": cookie_prefix(settings),
        "server_time": rfc3339(datetime.now(UTC)),
        "language": languages.chosen(),
        "languages": languages.LANGUAGES,
        "script_words": languages.words_of_scripts,
        "tells_followers": settings.can_tell,
        "opens_soon_minutes": settings.opens_soon_minutes,
        "here": own_path(request.full_path.rstrip("?")),
    }


@blueprint.get("/")
def home() -> Response:
    """The sales: what runs, what comes, what is past."""

    def make(show: Show) -> Made:
        return made_page(_render_for_all("home.html", shelves=reading.shelves(services().context, show)))

    return services().reads.answer(partial(make, show_whole_sale), partial(make, show_sale))


@blueprint.get("/sales/<uuid:sale_id>")
def sale_page(sale_id: uuid.UUID) -> Response:
    """A sale. Where the shopper is with it, the page's script asks."""

    def make(show: Show) -> Made:
        context = services().context
        sale = show(context, get_sale(context, sale_id))
        form = paying.stripe_form(context, sale["price"]["currency"])
        page = _render_for_all(
            "sale.html",
            sale=sale,
            order_notes=paying.notes(),
            test_cards=paying.cards(context),
            stripe=form,
            phase=entry_of(sale),
        )
        policy = () if form is None else (("Content-Security-Policy", paying.content_policy(form)),)
        return made_page(page, of=sale_id, headers=policy)

    return services().reads.answer(partial(make, show_whole_sale), partial(make, show_sale))


@blueprint.get("/login")
def log_in() -> Response | str:
    """The form to log in by."""
    return _form("login.html")


@blueprint.get("/register")
def register() -> Response | str:
    """The form to register by."""
    return _form("register.html")


@blueprint.get("/orders")
@own_page
def orders(identity: Identity) -> str:
    """The shopper's orders, each with its history."""
    page = reading.orders_of(services().context, identity.user_id, request.args.get("cursor"))
    return render_template("orders.html", page=page)


@blueprint.get("/orders/<uuid:order_id>")
@own_page
def order_page(identity: Identity, order_id: uuid.UUID) -> str:
    """One order with its history, and what can be done with it."""
    return render_template(
        "order.html",
        order=reading.order_of(services().context, identity.user_id, order_id),
        order_notes=paying.notes(),
    )


@blueprint.get("/o")
def linked_order() -> Response:
    """One order by a link that was mailed; its token stands after `#`, which no browser sends."""
    form = paying.stripe_form(services().context, "USD")  # each order's own currency comes with it
    page = render_template(
        "order_link.html",
        order_notes=paying.notes(),
        test_cards=paying.cards(services().context),
        stripe=form,
    )
    answer = make_response(page)
    if form is not None:
        answer.headers["Content-Security-Policy"] = paying.content_policy(form)
    return answer


@blueprint.get("/orders/<uuid:order_id>/receipt")
@own_page
def receipt_page(identity: Identity, order_id: uuid.UUID) -> str:
    """The receipt of a paid order, to be kept or printed."""
    receipt, is_refunded = reading.receipt_of(services().context, identity.user_id, order_id)
    return render_template("receipt.html", receipt=receipt, is_refunded=is_refunded)


@blueprint.post("/language")
def choose_language() -> Response:
    """Speak another language from now on, and go back to where the visitor was."""
    answer = redirect(own_path(request.form.get("next")), 303)
    picked = request.form.get("language", "")
    if picked in languages.LANGUAGES:
        languages.remember(answer, picked, secure=services().settings.is_production)
    return answer


def _render_for_all(template: str, **values: Any) -> str:
    """Render a page that is the same for everybody; scripts show what is somebody's own."""
    return render_template(template, is_for_all=True, viewer=None, here=request.path, **values)


def _is_renewable() -> bool:
    return cookie_name(REFRESH_CSRF_COOKIE, services().settings) in request.cookies


def _form(template: str) -> Response | str:
    target = own_path(request.args.get("next"))
    if viewer() is not None:
        return redirect(target, 303)
    return render_template(template, target=target)
