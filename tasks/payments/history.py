"""Moves orders to other statuses, with their history and their sales' counts, in one transaction.

What several orders change together is gathered and written at the end: sales' counts, receipts, tallies.
Every function runs inside the caller's transaction, with the rows of the orders locked.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from models.enums import ORDER_TRANSITIONS, OrderStatus
from models.errors import Fenced
from models.tables.catalogue import Sale
from models.tables.orders import Order, OrderEvent
from models.tables.payments import Payment
from tasks.payments.receipts import issue_receipts
from tasks.runtime.tallies import Counts

Row = TypeVar("Row", Order, Payment)

# How a change of status changes the sale's counts: (held, sold), in units.
_COUNTS: Final[dict[tuple[OrderStatus, OrderStatus], tuple[int, int]]] = {
    (OrderStatus.PAYING, OrderStatus.PAID): (-1, 1),
    (OrderStatus.EXPIRED, OrderStatus.PAID): (0, 1),
    (OrderStatus.PAID, OrderStatus.REFUNDED): (0, -1),
}


@dataclass(slots=True)
class Changes:
    """What is to be written at the end of a transaction in which orders move. `at`: its time."""

    session: Session
    at: datetime
    counts: Counts = field(default_factory=Counts)
    _paid: list[Order] = field(default_factory=list)
    _units: dict[UUID, tuple[int, int]] = field(default_factory=dict)  # held and sold, by sale
    _epochs: dict[UUID, str] = field(default_factory=dict)  # on which a sale's counts rest

    def add_units(self, order: Order, held: int, sold: int, epoch: str | None) -> None:
        """Change the counts of the order's sale, by its quantity each."""
        before = self._units.get(order.sale_id, (0, 0))
        self._units[order.sale_id] = before[0] + held * order.quantity, before[1] + sold * order.quantity
        if epoch is not None:
            self._epochs[order.sale_id] = epoch

    def add_receipt(self, order: Order) -> None:
        """Have the order get a receipt."""
        self._paid.append(order)

    def write(self) -> None:
        """Write it. Sales are locked in one order, and the counter of receipts last, by everybody.

        Raises:
            Fenced: an epoch is not the present one.
        """
        with self.session.no_autoflush:  # an order is whole only once it has its receipt's number
            for sale_id in sorted(self._units):
                _move_counts(self.session, sale_id, self._units[sale_id], self._epochs.get(sale_id))
            if self._paid:
                issue_receipts(self.session, self._paid, self.at, self.counts)
            self.counts.write(self.session)
        self.session.flush()


@contextmanager
def changing(session: Session, at: datetime | None = None) -> Iterator[Changes]:
    """Gather what orders that are locked change, and write it at the end.

    Raises:
        Fenced: a change rests on an epoch that is not the present one.
    """
    changes = Changes(session, at or ledger_time(session))
    yield changes
    changes.write()


def move_order(
    changes: Changes,
    order: Order,
    requested: OrderStatus,
    *,
    reason: str | None = None,
    by: UUID | None = None,
    epoch: str | None = None,
) -> None:
    """Move an order to another status, with its history, its sale's counts and, when it is paid, its receipt.

    `epoch`: the change rests on something that was done in Redis under this epoch.

    Raises:
        ValueError: the present status does not lead there; callers check before.
    """
    before = OrderStatus(order.status)
    if requested not in ORDER_TRANSITIONS[before]:
        raise ValueError(f"An order that is {before} cannot become {requested}.")
    held, sold = _COUNTS.get((before, requested), (0, 0))
    if held or sold:
        changes.add_units(order, held, sold, epoch)
    if requested == OrderStatus.PAID:
        changes.add_receipt(order)
        order.paid_at = changes.at
        # If the hold had gone, Redis moved first; else it follows.
        order.released_at = changes.at if before == OrderStatus.EXPIRED else None
    elif requested == OrderStatus.REFUNDED:
        order.refunded_at, order.released_at = changes.at, None
    order.status = requested
    note(changes, order, reason=reason, by=by)


def note(changes: Changes, order: Order, *, reason: str | None, by: UUID | None = None) -> None:
    """Add an entry to an order's history, with the status that it has now."""
    changes.session.add(OrderEvent(order_id=order.id, status=order.status, reason=reason, actor_id=by))


def lock_payment(session: Session, payment_id: UUID) -> tuple[Order, Payment]:
    """Lock a payment's order and the payment, in this order everywhere."""
    return lock_payments(session, [payment_id])[payment_id]


def lock_payments(
    session: Session, payment_ids: Collection[UUID], *, wait: bool = True
) -> Mapping[UUID, tuple[Order, Payment]]:
    """Lock the orders of payments and then the payments, each in the order of their ids.

    Without waiting: those that nobody else has locked. So no two who lock several wait for each other.
    """
    their_orders = select(Payment.order_id).where(Payment.id.in_(payment_ids))
    orders = {order.id: order for order in _locked(session, Order, Order.id.in_(their_orders), wait)}
    free = (Payment.id.in_(payment_ids), Payment.order_id.in_(list(orders)))
    return {one.id: (orders[one.order_id], one) for one in _locked(session, Payment, and_(*free), wait)}


def _locked(session: Session, rows: type[Row], which: ColumnElement[bool], wait: bool) -> Sequence[Row]:
    locking = select(rows).where(which).order_by(rows.id).with_for_update(skip_locked=not wait)
    return session.scalars(locking.execution_options(populate_existing=True)).all()


def ledger_time(session: Session) -> datetime:
    """Read PostgreSQL's wall clock, which goes on within a transaction."""
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now


def _move_counts(session: Session, sale_id: UUID, units: tuple[int, int], epoch: str | None) -> None:
    held, sold = units
    moving = (
        update(Sale)
        .where(Sale.id == sale_id)
        .values(held=Sale.held + held, sold=Sale.sold + sold)
        .returning(Sale.id)
        .execution_options(synchronize_session=False)
    )
    if epoch is not None:
        moving = moving.where(Sale.epoch == epoch)
    if session.scalars(moving).one_or_none() is None:
        raise Fenced(f"The ledger's epoch of sale {sale_id} is not {epoch}.")
