"""Pushes an order's new state to its shopper, where no script does so on its way."""

from uuid import UUID

import structlog

from models.errors import LineUnavailable, NotFound
from models.messages import Message, pack_told, stored_order
from models.queries.orders import find_order
from tasks.context import Context
from tasks.payments.waiting import steps_of

log = structlog.get_logger()


def tell_order(context: Context, order_id: UUID, *, is_news: bool = True) -> Message:
    """Read an order as it is now, and push it to its owner if that is new; returns it.

    A lost push is made up for by the snapshot of the next subscription, or by a request.

    Raises:
        NotFound: there is none.
        LedgerUnavailable: it cannot be read.
    """
    with context.database.transaction() as session:
        order = find_order(session, order_id)
        if order is None:
            raise NotFound("No order has this id.")
        step = steps_of(context, session, [order]).get(order.id)
    message = stored_order(order, order.history, step)
    if is_news:
        try:
            context.live.tell(order.sale_id, pack_told([(str(order.user_id), None, message)]))
        except LineUnavailable as error:
            log.warning("order_not_told", order_id=str(order_id), error=str(error))
    return message
