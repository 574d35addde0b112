"""Owns the question what shoppers have in one sale: what a page or a reconnect must know, of one or many."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, selectinload

from models.events import Message, stored_intent, stored_order, undecided_intent
from models.orders import Intent, Order
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

    The line is asked first: what is settled there is in the ledger already.

    Raises:
        LineUnavailable, LedgerUnavailable: try again.
    """
    standing = context.live.standing_of_each(sale_id, user_ids)
    told: Told = {user_id: (undecided_intent(found, sale_id), None) for user_id, found in standing.items()}
    others = [user_id for user_id in user_ids if user_id not in told]
    if others:
        with context.database.transaction() as session:
            told |= _decided(context, session, sale_id, others)
    return told


def _decided(context: Context, session: Session, sale_id: UUID, user_ids: Sequence[str]) -> Told:
    intents = session.scalars(
        select(Intent)
        .where(Intent.sale_id == sale_id, Intent.user_id.in_([UUID(user_id) for user_id in user_ids]))
        .ext(distinct_on(Intent.user_id))
        .order_by(Intent.user_id, Intent.ticket.desc())
    ).all()
    if not intents:
        return {}
    orders = session.scalars(
        select(Order)
        .where(Order.intent_id.in_([intent.id for intent in intents]))
        .options(selectinload(Order.history))
    ).all()
    steps = steps_of(context, session, orders)
    granted = {one.intent_id: stored_order(one, one.history, steps.get(one.id)) for one in orders}
    return {str(one.user_id): (stored_intent(one), granted.get(one.id)) for one in intents}
