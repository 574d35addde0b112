"""Reads what shoppers have in a sale: their intents and orders, for a page or a reconnecting socket."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from models.enums import IntentStatus
from models.ids import order_id_of
from models.messages import Message, stored_intent, undecided_intent
from models.queries import intents as intent_queries
from models.queries import orders as order_queries
from models.tables.orders import Intent
from tasks.context import Context
from tasks.payments.waiting import read_told

Told = dict[str, tuple[Message, Message | None]]


def newest_of_shoppers(context: Context, sale_id: UUID, user_ids: Sequence[str]) -> Told:
    """Find the newest intent of each of these shoppers in a sale, with its order if there is one.

    Redis is read first: what is settled there is in the ledger already.
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
    intents = intent_queries.newest_of_shoppers(session, sale_id, _uuids(user_ids))
    granted = _orders_of(context, session, intents)
    return {str(one.user_id): (stored_intent(one), granted.get(one.id)) for one in intents}


def stored_intents(context: Context, intent_ids: Sequence[str]) -> Told:
    """Find those of these intents that the ledger has, each with its order if there is one, by their ids."""
    with context.database.transaction() as session:
        intents = intent_queries.find_intents(session, _uuids(intent_ids))
        granted = _orders_of(context, session, intents)
        return {str(one.id): (stored_intent(one), granted.get(one.id)) for one in intents}


def statuses_of_orders(context: Context, order_ids: Sequence[str]) -> dict[str, str]:
    """Read the statuses of these orders."""
    with context.database.transaction() as session:
        rows = order_queries.statuses_of_orders(session, _uuids(order_ids))
        return {str(order_id): status for order_id, status in rows}


def stored_orders(context: Context, order_ids: Sequence[str]) -> dict[str, Message]:
    """Read these orders with their histories."""
    with context.database.connection() as connection:
        return {order_id: message for order_id, (_, message) in _orders(context, connection, order_ids)}


def owned_orders(context: Context, order_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, Message]]:
    """Read these orders as their owners may see them, each with its owner's id."""
    with context.database.connection() as connection:
        return {UUID(order_id): found for order_id, found in _orders(context, connection, order_ids)}


def _orders_of(context: Context, session: Session, intents: Iterable[Intent]) -> dict[UUID, Message]:
    """Read the orders of those of these intents that have one, by the intent's id."""
    ids = [order_id_of(str(intent.id)) for intent in intents if intent.status == IntentStatus.HELD]
    if not ids:
        return {}
    found = _orders(context, session.connection(), ids)
    return {UUID(message["intent_id"]): message for _, (_, message) in found}


def _orders(
    context: Context, connection: Connection, order_ids: Sequence[UUID | str]
) -> Iterator[tuple[str, tuple[UUID, Message]]]:
    for row, message in read_told(context, connection, order_ids):
        yield str(row.id), (row.user_id, message)


def _uuids(ids: Iterable[str]) -> list[UUID]:
    return [UUID(one) for one in ids]
