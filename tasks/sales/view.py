"""Shows a sale as the API does: the ledger's settings with the live figures."""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from models.enums import AdmissionOrder
from models.errors import LineUnavailable
from models.live.records import Look
from models.messages import Message, money, rfc3339, rfc3339_ms
from models.tables.catalogue import Product, Sale
from tasks.context import Context

Show = Callable[[Context, Sale], Message]

log = structlog.get_logger()


def show_sale(context: Context, sale: Sale) -> Message:
    """Describe a sale. While Redis is unavailable, the figures are the ledger's and the line is not shown."""
    try:
        return show_whole_sale(context, sale)
    except LineUnavailable as error:
        log.warning("live_side_not_seen", sale_id=str(sale.id), error=str(error))
        return show_recorded_sale(sale)


def show_whole_sale(context: Context, sale: Sale) -> Message:
    """Describe a sale with its live figures, if it has a live side."""
    look = context.live.look(sale.id)
    return _whole(sale, look if look.is_loaded else None)


def show_recorded_sale(sale: Sale) -> Message:
    """Describe a sale as the ledger knows it."""
    return _whole(sale, None)


def show_product(product: Product) -> Message:
    """Describe a product."""
    return {
        "id": str(product.id),
        "name": product.name,
        "description": product.description,
        "image_url": product.image_url,
        "list_price": money(product.list_price_minor, product.currency),
    }


def _whole(sale: Sale, look: Look | None) -> Message:
    return {
        "id": str(sale.id),
        "product": show_product(sale.product),
        "status": sale.status,
        **_stock(sale, look),
        "per_shopper_limit": sale.per_shopper_limit,
        "hold_seconds": sale.hold_seconds,
        "requires_verified_email": sale.requires_verified_email,
        "opens_at": rfc3339(sale.opens_at),
        "closes_at": rfc3339(sale.closes_at),
        "lobby_opens_at": rfc3339(sale.lobby_opens_at) if sale.lobby_opens_at else None,
        "admission": {
            "order": sale.admission_order,
            "rate_per_second": sale.rate_per_second,
            "max_open_holds": sale.max_open_holds,
            **_draw(sale),
        },
        "queue": _queue(sale, look),
        "server_time": rfc3339_ms(look.now_ms) if look else rfc3339(datetime.now(UTC)),
    }


def _draw(sale: Sale) -> Message:
    """Show the seed's hash before the draw, and the seed after."""
    if sale.admission_order != AdmissionOrder.DRAW:
        return {}
    is_drawn = sale.lobby_size is not None
    return {"seed_sha256": sale.draw_seed_hash, "seed": sale.draw_seed if is_drawn else None}


def _stock(sale: Sale, look: Look | None) -> Message:
    if look is None:
        figures = {
            "allocation": sale.allocation,
            "available": sale.available,
            "held": sale.held,
            "sold": sale.sold,
        }
        return {"price": money(sale.price_minor, sale.currency), **figures}
    names = ("allocation", "available", "held", "sold")
    return {
        "price": money(look.number("price_minor"), sale.currency),
        **{name: look.number(name) for name in names},
    }


def _queue(sale: Sale, look: Look | None) -> Message:
    if look is None:
        decided = sale.last_decided_ticket
        return {
            "waiting": 0,
            "standby": 0,
            "last_ticket": decided,
            "now_serving": decided,
            "standby_places": (),
        }
    figures = {name: look.number(name) for name in ("waiting", "standby", "last_ticket", "now_serving")}
    return {**figures, "standby_places": look.standby_places}
