"""Moves deadlines that are too far in the future after PostgreSQL's clock was set back.

Deadlines are times of that clock. One that was computed before the clock was set back lies that much too far
in the future, and its row would wait that much longer. Nobody can tell how much of a span had passed; so a
span that ends later than it could if it began now, begins now. Rows with plausible times are left as they
are: this may run at any time, repeatedly. A clock that was set ahead needs nothing: what is due is due.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Update, and_, case, func, or_, select, update
from sqlalchemy.orm import Session, selectinload

from models.enums import OrderStatus, TaskState
from models.errors import LineUnavailable
from models.leases import seconds
from models.tables.background import BackgroundTask
from models.tables.catalogue import Sale
from models.tables.mails import Mail
from models.tables.notices.pushes import PushMessage
from models.tables.orders import Order
from models.tables.payments import Payment, Refund
from models.tables.sandbox import SandboxCharge, SandboxEvent
from tasks.context import Context
from tasks.mail import outbox
from tasks.orders.holds import told_of
from tasks.payments.backoff import ASKED_AGAIN
from tasks.payments.outcomes import ENDING_TAKES, OPEN, SHOPPER_TAKES
from tasks.providers.sandbox import delivery
from tasks.providers.sandbox.methods import LONGEST_S as SETTLED_WITHIN_S
from tasks.push import outbox as pushes

log: Final = structlog.get_logger()

TURN_MS: Final = 2_000  # one of all processes checks no more often
SLACK: Final = timedelta(
    seconds=10
)  # by which the stores' clocks may differ, and a clock be set back unnoticed
AT_ONCE: Final = 500


def look_after_clocks(context: Context) -> bool:
    """Move deadlines nearer if it is this process's turn; returns whether it was.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is unavailable; it is done the next time.
    """
    if not context.live.take_turn("clocks", TURN_MS):
        return False
    bring_deadlines_near(context)
    return True


def bring_deadlines_near(context: Context) -> int:
    """Restart every span that ends later than it could; returns how many."""
    with context.database.transaction() as session:
        holds = _bring_holds_near(session)
        waits = sum(_count(session, one) for one in _updates(context.settings.payments.patience_s))
    if holds or waits:
        log.warning("clock_was_set_back", holds=len(holds), waits=waits)
    _tell(context, holds)
    return len(holds) + waits


def _bring_holds_near(session: Session) -> Sequence[Order]:
    """A hold lasts as long as the sale says, from now on."""
    length = seconds(Sale.hold_seconds)
    far = (
        select(Order)
        .join(Sale, Sale.id == Order.sale_id)
        .where(Order.status == OrderStatus.HELD, Order.expires_at > func.now() + length)
        .where(Order.created_at > func.now() + SLACK)
        .options(selectinload(Order.history))
        .order_by(Order.id)
        .limit(AT_ONCE)
        .with_for_update(of=Order, skip_locked=True)
    )
    held = session.scalars(far).all()
    if held:
        near = update(Order).where(Order.id.in_([one.id for one in held]), Sale.id == Order.sale_id)
        session.execute(
            near.values(expires_at=func.now() + length).execution_options(synchronize_session=False)
        )
        for one in held:
            session.refresh(one, ["expires_at"])
    return held


def _tell(context: Context, orders: Sequence[Order]) -> None:
    """Publish to the shoppers until when their holds last."""
    of_sales: dict[UUID, list[Order]] = defaultdict(list)
    for order in orders:
        of_sales[order.sale_id].append(order)
    for sale_id, some in of_sales.items():
        try:
            context.live.tell(sale_id, told_of(some))
        except LineUnavailable as error:
            log.warning("deadlines_not_told", sale_id=str(sale_id), error=str(error))


def _updates(patience_s: int) -> list[Update]:
    """List the updates for each kind of wait. What is not leased becomes due at once, which is harmless."""
    lease = func.now() + outbox.LEASE
    mail_waits = outbox.TRIED_AGAIN.pause(Mail.attempts - 1)
    event_waits = delivery.SENT_AGAIN.pause(SandboxEvent.tries - 1)
    settles_too_late = or_(
        SandboxCharge.created_at > func.now() + SLACK,
        SandboxCharge.settles_at > func.now() + timedelta(seconds=SETTLED_WITHIN_S),
    )
    return [
        _patience(patience_s),
        _due_now(Payment, ASKED_AGAIN.pause(Payment.attempts)),
        _due_now(Refund, ASKED_AGAIN.pause(Refund.attempts)),
        update(Mail)
        .where(Mail.due_at > func.now() + func.greatest(outbox.LEASE, mail_waits) + SLACK)
        .values(due_at=case((Mail.attempts == 0, func.now()), else_=lease)),
        update(PushMessage)
        .where(PushMessage.created_at > func.now() + SLACK)
        .where(PushMessage.due_at > func.now() + pushes.LEASE + SLACK)
        .values(due_at=func.now() + pushes.LEASE),
        update(SandboxEvent)
        .where(SandboxEvent.tries > 0)
        .where(SandboxEvent.due_at > func.now() + func.greatest(delivery.LEASE, event_waits) + SLACK)
        .values(due_at=func.now() + delivery.LEASE),
        update(SandboxEvent)
        .where(SandboxEvent.tries == 0, SandboxEvent.due_at > func.now())
        .where(SandboxEvent.created_at > func.now() + SLACK)
        .values(due_at=func.now()),
        update(SandboxCharge)
        .where(SandboxCharge.settles_at > func.now(), settles_too_late)
        .values(settles_at=func.now()),
        update(BackgroundTask)
        .where(BackgroundTask.state == TaskState.STARTED, BackgroundTask.started_at > func.now() + SLACK)
        .values(started_at=func.now()),
    ]


def _patience(patience_s: int) -> Update:
    """Payments that were begun in the future: patience and pin last as long as they may, from now on."""
    waits_for_shopper = Payment.client_secret.is_not(None)
    patience = case(
        (waits_for_shopper, max(SHOPPER_TAKES, timedelta(seconds=patience_s))),
        else_=timedelta(seconds=patience_s),
    )
    pin = func.greatest(patience, seconds(Sale.hold_seconds)) + ENDING_TAKES
    is_far = and_(Payment.created_at > func.now() + SLACK, Payment.pinned_until > func.now() + pin)
    return (
        update(Payment)
        .where(Payment.status.in_(OPEN), is_far)
        .where(Order.id == Payment.order_id, Sale.id == Order.sale_id)
        .values(
            patience_until=func.least(Payment.patience_until, func.now() + patience),
            pinned_until=func.now() + pin,
            due_at=func.now(),
        )
    )


def _due_now(rows: type[Payment] | type[Refund], waits: ColumnElement[timedelta]) -> Update:
    return update(rows).where(rows.due_at > func.now() + waits + SLACK).values(due_at=func.now())


def _count(session: Session, one: Update) -> int:
    done = session.execute(one.execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]
