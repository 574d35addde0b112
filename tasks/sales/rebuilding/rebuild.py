"""Rebuilds a sale's live state from the ledger, after Redis lost it or fell behind."""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.database import take_time
from models.driver import STEADY
from models.enums import AdminAction, IntentStatus, OrderStatus, SaleStatus, SubjectKind
from models.live.records import LiveIntent, Regained
from models.live.snapshot import LiveSnapshot
from models.queries.sales import find_sale
from models.tables.catalogue import Adjustment, Sale
from models.tables.orders import Intent, Order
from models.tables.payments import Payment
from tasks.context import Context
from tasks.runtime.admin_log import Actor, record_action
from tasks.sales.live_sync import snapshot_of, to_ms
from tasks.sales.rebuilding.journalled import line_of_journal, line_of_replica, with_line
from tasks.sales.rebuilding.lost_tickets import go_on_after

log: Final = structlog.get_logger()


def rebuild_sale(
    context: Context, sale_id: UUID, *, by: Actor | None = None, has_everybody: bool = False
) -> int:
    """Rebuild a sale's live state from the ledger, under a new epoch; returns how many intents were dropped.

    Callers with the old epoch can write nothing from then on. Undecided intents live in Redis alone: those
    that are still there are dropped, since nobody can tell whether the line is complete. Tickets that were
    given are given to nobody again, as far as the ledger's mark and the live side know of them.

    Raises:
        NoSuchSale: there is none.
        ForeignLine: the Redis belongs to another ledger.
        LineUnavailable, LedgerUnavailable: a store is unavailable; run it again.
    """
    context.ownership.require()
    dropped = context.live.look(sale_id).line_length
    with context.database.transaction() as session:
        take_time(session, STEADY)
        sale = find_sale(session, sale_id, lock=True)
        asking = _asking_again(context, session, sale)
        sale.epoch = secrets.token_hex(16)
        # From now on nobody gets a ticket of the old epoch, so the last one given is final.
        accepted = context.live.seal(sale_id, sale.epoch)
        journalled = None
        if context.journal is not None:
            journalled = line_of_journal(session, sale)
        elif has_everybody:
            journalled = line_of_replica(session, sale, context.live)
        kept = journalled.tickets_after(sale.last_decided_ticket) if journalled is not None else None
        lost = go_on_after(session, sale, accepted, kept=kept)
        sale.stopped_at = None
        sale.drained_at = None
        _close_adjustments(session, sale_id)
        record_action(session, by, AdminAction.REBUILT, SubjectKind.SALE, sale_id, dropped=dropped)
        session.flush()
        # Inside the transaction on purpose: while the row is locked, nobody sees the two epochs differ.
        laid = _rebuilt_snapshot(session, sale, asking)
        if journalled is not None:
            laid = with_line(laid, sale, journalled)
            dropped = max(0, dropped - len(laid.line) - len(laid.lobby))
        context.live.load(sale_id, sale.epoch, laid, replace=True)
        if journalled is not None:
            context.live.remember_keys(sale_id, journalled.keys)
    log.warning("sale_rebuilt", sale_id=str(sale_id), dropped=dropped, lost=lost, paid_late=len(asking))
    return dropped


def _close_adjustments(session: Session, sale_id: UUID) -> None:
    """Raises are in the ledger and so in the rebuilt state; cuts that are not there yet are dropped."""
    pending = (Adjustment.sale_id == sale_id, Adjustment.state == "pending")
    for sign, state in ((Adjustment.units < 0, "refused"), (Adjustment.units > 0, "applied")):
        session.execute(update(Adjustment).where(*pending, sign).values(state=state, finished_at=func.now()))


def _rebuilt_snapshot(session: Session, sale: Sale, asking: Sequence[Order]) -> LiveSnapshot:
    """Read the live state from the ledger: holds, sold units and limits by shopper, standby intents.

    `asking`: orders whose units were perhaps sold again; as many as fit count as sold.
    """
    kept = (OrderStatus.HELD, OrderStatus.PAYING, OrderStatus.PAID)
    orders = session.scalars(select(Order).where(Order.sale_id == sale.id, Order.status.in_(kept))).all()
    waiting = session.scalars(
        select(Intent).where(Intent.sale_id == sale.id, Intent.status == IntentStatus.STANDBY)
    ).all()
    units: Counter[str] = Counter()
    for order in orders:
        units[str(order.user_id)] += order.quantity
    for intent in waiting:
        units[str(intent.user_id)] += intent.quantity
    regained = _fitting(sale, asking, units)
    laid, taken = snapshot_of(sale), sum(order.quantity for order in regained)
    moved = {"available": sale.available - taken, "sold": sale.sold + taken}
    return replace(
        laid,
        counters={**laid.counters, **moved},
        units=units,
        holds=_by_intent(order for order in orders if order.status != OrderStatus.PAID),
        sold=_by_intent([*(order for order in orders if order.status == OrderStatus.PAID), *regained]),
        standby=[_as_live(intent) for intent in waiting],
    )


def _asking_again(context: Context, session: Session, sale: Sale) -> list[Order]:
    """Find the orders whose units the old live state has sold to late payments, then those that it may have.

    Other shoppers may have been refused for them since, so they count as sold: when their payment asks
    again, it is told so. With the sale's row locked, later refusals are not persisted.
    """
    asking = (
        select(Order, Payment.id)
        .join(Payment, Payment.order_id == Order.id)
        .where(Order.sale_id == sale.id, Order.status == OrderStatus.EXPIRED)
        .where(Payment.regain_asked_at.is_not(None))
        .order_by(Payment.regain_asked_at)
    )
    if sale.status == SaleStatus.CANCELLED:  # nobody can get anything there any more
        return []
    found = session.execute(asking).all()
    answers = context.live.late_answers(sale.id, sale.epoch or "", [payment_id for _, payment_id in found])
    surely = [order for order, payment_id in found if answers.get(payment_id) == Regained.SOLD]
    perhaps = [order for order, payment_id in found if payment_id not in answers]
    return list(dict.fromkeys(surely + perhaps))


def _fitting(sale: Sale, asking: Sequence[Order], units: Counter[str]) -> list[Order]:
    """Choose the orders that fit the free units and the limit; counts their units.

    What does not fit was refused by the old live state, which had no more than the ledger.
    """
    free, fitting = sale.available, []
    for order in asking:
        user = str(order.user_id)
        if order.quantity <= free and units[user] + order.quantity <= sale.per_shopper_limit:
            free -= order.quantity
            units[user] += order.quantity
            fitting.append(order)
    return fitting


def _by_intent(orders: Iterable[Order]) -> dict[str, tuple[str, int]]:
    return {str(order.intent_id): (str(order.user_id), order.quantity) for order in orders}


def _as_live(intent: Intent) -> LiveIntent:
    assert intent.ticket is not None  # noqa: S101 - every standby intent in the ledger has a ticket
    return LiveIntent(
        str(intent.id),
        str(intent.user_id),
        intent.ticket,
        intent.quantity,
        intent.accept_fewer,
        to_ms(intent.submitted_at),
        0,
    )
