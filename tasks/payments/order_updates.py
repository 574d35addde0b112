"""Pushes orders' new state to their shoppers, where no script does so on its way."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

import structlog

from models.errors import LineUnavailable, NotFound
from models.messages import Message, pack_told
from tasks.context import Context
from tasks.payments.waiting import read_told

log = structlog.get_logger()


def tell_order(context: Context, order_id: UUID, *, is_news: bool = True) -> Message:
    """Read an order as it is now, and push it to its owner if that is new; returns it.

    A lost push is made up for by the snapshot of the next subscription, or by a request.

    Raises:
        NotFound: there is none.
    """
    told = tell_orders(context, [order_id], [order_id] if is_news else ())
    if order_id not in told:
        raise NotFound("No order has this id.")
    return told[order_id]


def tell_orders(context: Context, order_ids: Collection[UUID], news: Collection[UUID]) -> dict[UUID, Message]:
    """The same for several; returns those that there are. `news`: which of them are pushed."""
    if not order_ids:
        return {}
    with context.database.connection() as connection:
        found = list(read_told(context, connection, order_ids))
    by_sale: dict[UUID, list[tuple[str, None, Message]]] = defaultdict(list)
    for row, message in found:
        if row.id in news:
            by_sale[row.sale_id].append((str(row.user_id), None, message))
    for sale_id, pushed in by_sale.items():
        try:
            context.live.tell(sale_id, pack_told(pushed))
        except LineUnavailable as error:
            log.warning("orders_not_told", sale_id=str(sale_id), orders=len(pushed), error=str(error))
    return {row.id: message for row, message in found}
