"""The snapshot of a sale that is not in Redis: the ledger's figures in the shape of the socket's message."""

from datetime import UTC, datetime

from models.messages import Message, money, rfc3339
from models.tables.catalogue import Sale


def recorded_sale(sale: Sale) -> Message:
    """Tell of a sale as the ledger knows it, in the shape of `models.messages.live_sale`."""
    return {
        "sale_id": str(sale.id),
        "status": sale.status,
        "price": money(sale.price_minor, sale.currency),
        "allocation": sale.allocation,
        "available": sale.available,
        "held": sale.held,
        "sold": sale.sold,
        "waiting": 0,
        "standby": 0,
        "now_serving": sale.last_decided_ticket,
        "last_ticket": sale.last_decided_ticket,
        "pace": 0.0,
        "drawing": False,
        "standby_places": (),
        "server_time": rfc3339(datetime.now(UTC)),
    }
