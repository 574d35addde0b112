"""A sweep's look at sales: repeats what has to be done for each, so that no single message is essential.

Rings for lines that are not empty and for claims that are overdue, syncs live state, opens and ends sales on
time, finishes adjustments, and stops sales whose two stores have diverged.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select, update

from models.enums import SaleStatus
from models.errors import Fenced, IllegalTransition
from models.live.records import Look
from models.live.store import REBELL_MS
from models.queries.sales import pending_adjustments, undrained_sales
from models.tables.catalogue import Sale
from models.tables.orders import Order
from models.tables.payments import Payment
from tasks.context import Context
from tasks.expulsion.expelling import expel_again
from tasks.intents.parked import retry_parked
from tasks.orders.holds import cancel_holds_of
from tasks.payments.refunds import refund_orders_of
from tasks.runtime.isolation import apart
from tasks.sales.accepted_marks import has_news, note_marks, require_whole
from tasks.sales.adjustments import apply_adjustment
from tasks.sales.lifecycle import move_sale
from tasks.sales.live_sync import ensure_live, stop_diverged, sync_live
from tasks.sales.rebuilding.recovery import recover

log: Final = structlog.get_logger()

OVER: Final = (SaleStatus.ENDED, SaleStatus.CANCELLED)


@dataclass(slots=True)
class Looked:
    """What a look at some sales found: which are busy, where nothing is left to do, how many bells rang.

    A sale that is neither, as one with parked claims, has to be looked at again, and does not press.
    """

    rung: int = 0
    busy: set[UUID] = field(default_factory=set)
    still: set[UUID] = field(default_factory=set)

    def note(self, sale: Sale, look: Look, *, rung: int, is_new: bool) -> None:
        """Take in what was found of one; `is_new`: its mark is still to be noted."""
        self.rung += rung
        if look.needs_a_bell or look.claims > look.parked:
            self.busy.add(sale.id)
        elif look.claims == 0 and sale.status not in OVER and not is_new:
            self.still.add(sale.id)


def sweep(context: Context) -> int:
    """Look after every sale that is not drained, and after banned shoppers; returns how many bells were rung.

    A failure in one sale does not stop the others.
    """
    with apart("sweep_hindered", of=expel_again.__name__):
        expel_again(context)
    return look_after_sales(context).rung


def look_after_sales(context: Context, only: Collection[UUID] | None = None) -> Looked:
    """Look after every sale that is not drained, or only after some of them.

    A failure in one does not stop the others.
    """
    with context.database.transaction() as session:
        now = session.scalars(select(func.now())).one()
        sales = [one for one in undrained_sales(session) if only is None or one.id in only]
        pending = pending_adjustments(session)
    looked, news = Looked(), []
    for sale in sales:
        with apart("sweep_hindered", sale_id=str(sale.id)):
            if recover(context, sale, now):
                looked.busy.add(sale.id)
                continue
            try:
                look = _look_after(context, sale, now, [one for one, owner in pending if owner == sale.id])
            except Fenced as error:
                _stop(context, sale, error)
                continue
            if is_new := has_news(sale, look):
                news.append(sale)
            looked.note(sale, look, rung=_ring_if_needed(context, look), is_new=is_new)
    with apart("sweep_hindered", of="marks"):
        note_marks(context, news)
    return looked


def _stop(context: Context, sale: Sale, error: Fenced) -> None:
    """Stop a sale in the ledger, and in its line if that has the same epoch."""
    stop_diverged(context, sale.id, sale.epoch, error)
    with suppress(Fenced):
        sync_live(context, sale.id)


def _look_after(context: Context, sale: Sale, now: datetime, adjustments: list[UUID]) -> Look:
    _end_on_time(context, sale, now)
    look = context.live.look(sale.id)
    require_whole(sale, look)
    _open_on_time(context, sale, now)
    if (
        sale.epoch is None
        or look.fields.get("epoch") != sale.epoch
        or look.number("revision") < sale.revision
        or (sale.lobby_size is None and "lobby_size" in look.fields)
    ):
        ensure_live(context, sale)
        look = context.live.look(sale.id)
    for adjustment_id in adjustments:
        apply_adjustment(context, adjustment_id)
    if adjustments:
        look = context.live.look(sale.id)
    if sale.status == SaleStatus.CANCELLED:
        cancel_holds_of(context, sale.id)
        refund_orders_of(context, sale.id)
    if look.parked:
        retry_parked(context, sale.id)
    if sale.status in OVER and look.is_quiet:
        _mark_drained(context, sale)
    return look


def _end_on_time(context: Context, sale: Sale, now: datetime) -> None:
    """End on time, also while Redis is unavailable: the line itself accepts nobody any more."""
    if sale.status in (SaleStatus.OPEN, SaleStatus.PAUSED) and sale.closes_at <= now:
        _move(context, sale, SaleStatus.ENDED)


def _open_on_time(context: Context, sale: Sale, now: datetime) -> None:
    """Open on time, once it is known that the line is complete."""
    if sale.status == SaleStatus.SCHEDULED and sale.opens_at <= now:
        _move(context, sale, SaleStatus.OPEN)


def _move(context: Context, sale: Sale, requested: SaleStatus) -> None:
    """Move a sale to a status; another process may have done it meanwhile."""
    try:
        moved = move_sale(context, sale.id, requested)
    except IllegalTransition:
        log.info("sale_moved_by_another", sale_id=str(sale.id), wished=requested)
        return
    sale.status, sale.revision = moved.status, moved.revision


def _ring_if_needed(context: Context, look: Look) -> int:
    is_answered = 0 <= look.now_ms - look.number("bell_ms") < REBELL_MS
    if not look.needs_a_bell or (is_answered and look.overdue == 0):
        return 0
    return int(context.bell.ring(look.sale_id))


# Redis may have sold units to a late payment, which the ledger does not know yet.
_IS_ASKING_AGAIN: Final = (
    select(Payment.id)
    .join(Order, Order.id == Payment.order_id)
    .where(Order.sale_id == Sale.id, Payment.regain_asked_at.is_not(None))
    .exists()
)


def _mark_drained(context: Context, sale: Sale) -> None:
    with context.database.transaction() as session:
        session.execute(
            update(Sale)
            .where(Sale.id == sale.id, Sale.status.in_(OVER), Sale.drained_at.is_(None))
            .where((Sale.status != SaleStatus.CANCELLED) | (Sale.held + Sale.sold == 0))
            .where(~_IS_ASKING_AGAIN)
            .values(drained_at=func.now())
        )
