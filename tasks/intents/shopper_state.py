"""Reads what shoppers have in a sale: their intents and orders, for a page or a reconnecting socket."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, joinedload

from models.enums import IntentStatus
from models.messages import Message, stored_intent, stored_order, undecided_intent
from models.tables.orders import Intent, Order
from tasks.context import Context
from tasks.payments.waiting import steps_of

Told = dict[str, tuple[Message, Message | None]]


def newest_of_shopper(
    context: Context, user_id: UUID, sale_id: UUID
) -> tuple[Message | None, Message | None]:
    """Find a shopper's newest intent in a sale, and its order if there is one.

    Raises:
        LineUnavailable, LedgerUnavailable: try again.
    """
    return newest_of_shoppers(context, sale_id, [str(user_id)]).get(str(user_id), (None, None))


def newest_of_shoppers(context: Context, sale_id: UUID, user_ids: Sequence[str]) -> Told:
    """Find the newest intent of each of these shoppers in a sale, with its order if there is one.

    Redis is read first: what is settled there is in the ledger already.

    Raises:
        LineUnavailable, LedgerUnavailable: try again.
    """
    standing = context.live.standing_of_each(sale_id, user_ids)
    told: Told = {user_id: (undecided_intent(found, sale_id), None) for user_id, found in standing.of.items()}
    others = [user_id for user_id in user_ids if user_id not in told]
    if (
        others and not standing.none_is_decided
    ):  # a crowd that waits for the opening does not query the ledger
        with context.database.transaction() as session:
            told |= _decided(context, session, sale_id, others)
    return told


def _decided(context: Context, session: Session, sale_id: UUID, user_ids: Sequence[str]) -> Told:
    intents = session.scalars(
        select(Intent)
        .where(Intent.sale_id == sale_id, Intent.user_id.in_([UUID(user_id) for user_id in user_ids]))
        .ext(distinct_on(Intent.user_id))
        .order_by(Intent.user_id, Intent.ticket.desc().nulls_last(), Intent.submitted_at.desc())
    ).all()
    granted = _orders_of(context, session, intents)
    return {str(one.user_id): (stored_intent(one), granted.get(one.id)) for one in intents}


def stored_intents(context: Context, intent_ids: Sequence[str]) -> Told:
    """Find those of these intents that the ledger has, each with its order if there is one, by their ids.

    Raises:
        LedgerUnavailable: try again.
    """
    with context.database.transaction() as session:
        intents = session.scalars(select(Intent).where(Intent.id.in_(map(UUID, intent_ids)))).all()
        granted = _orders_of(context, session, intents)
        return {str(one.id): (stored_intent(one), granted.get(one.id)) for one in intents}


def statuses_of_orders(context: Context, order_ids: Sequence[str]) -> dict[str, str]:
    """Read the statuses of these orders.

    Raises:
        LedgerUnavailable: try again.
    """
    with context.database.transaction() as session:
        rows = session.execute(select(Order.id, Order.status).where(Order.id.in_(map(UUID, order_ids))))
        return {str(order_id): status for order_id, status in rows}


def stored_orders(context: Context, order_ids: Sequence[str]) -> dict[str, Message]:
    """Read these orders with their histories.

    Raises:
        LedgerUnavailable: try again.
    """
    with context.database.transaction() as session:
        orders = session.scalars(_with_history().where(Order.id.in_(map(UUID, order_ids)))).unique().all()
        steps = steps_of(context, session, orders)
        return {str(order.id): stored_order(order, order.history, steps.get(order.id)) for order in orders}


def _orders_of(context: Context, session: Session, intents: Iterable[Intent]) -> dict[UUID, Message]:
    ids = [intent.id for intent in intents if intent.status == IntentStatus.HELD]
    if not ids:
        return {}
    orders = session.scalars(_with_history().where(Order.intent_id.in_(ids))).unique().all()
    steps = steps_of(context, session, orders)
    return {order.intent_id: stored_order(order, order.history, steps.get(order.id)) for order in orders}


def _with_history() -> Select[Order]:
    """Select orders and their histories in one query: the length of a history orders the messages."""
    return select(Order).options(joinedload(Order.history))
