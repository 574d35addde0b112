"""What an order's owner is told of it, with what they have to do so that a payment goes on; nobody else."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row
from sqlalchemy.orm import Session

from models.enums import OrderStatus
from models.messages import Change, Message, stored_order
from models.queries.orders import read_orders
from models.queries.payments import payments_that_wait
from models.tables.orders import Order
from tasks.context import Context


def read_told(
    context: Context, connection: Connection, order_ids: Collection[UUID | str]
) -> Iterator[tuple[Row[Any], Message]]:
    """Read orders, each with what its owner is told of it."""
    for row in read_orders(connection, order_ids):
        history = map(Change, row.statuses or (), row.times or (), row.reasons or ())
        step = row.payment_id and step_of(
            context, row.payment_id, row.provider, row.method, row.client_secret
        )
        yield row, stored_order(row, history, step)


def steps_of(context: Context, session: Session, orders: Iterable[Order]) -> dict[UUID, Message]:
    """Return by order's id which payments wait for the shopper and for what, with their client secrets."""
    paying = [order.id for order in orders if order.status == OrderStatus.PAYING]
    if not paying:
        return {}
    waiting = payments_that_wait(session, paying)
    steps = {
        payment.order_id: step_of(
            context, payment.id, payment.provider, payment.method, payment.client_secret
        )
        for payment in waiting
    }
    return {order_id: step for order_id, step in steps.items() if step is not None}


def step_of(
    context: Context, payment_id: UUID, provider: str, method: str, client_secret: str | None
) -> Message | None:
    """Return what such a payment that waits asks of the shopper; None where there is nothing to tell."""
    if provider not in context.providers:
        return None
    step = context.providers.named(provider).next_step(method)
    if step is None:
        return None
    return {
        "id": str(payment_id),
        "provider": provider,
        "next_step": step.value,
        "client_secret": client_secret,
    }
