"""PostgreSQL's clock is set while the platform runs: what waits goes on within the span that it waits for.

That it was set back is played by moving every time in the database ahead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
from sqlalchemy import text

from config import MailSettings
from models.database import Database
from tasks import deadlines
from tasks.background import queue
from tasks.context import Context
from tasks.deadlines import bring_deadlines_near, look_after_clocks
from tasks.mail import outbox
from tasks.orders.holds import expire_due
from tasks.payments.begin import begin_payment
from tasks.payments.drive import run_payment
from tasks.payments.refunds import request_refund
from tasks.providers.sandbox import delivery
from tasks.sweeper import sweep_everything
from tests.support.contexts import context_over, plain_settings
from tests.support.paying import WAIT, Till
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop

AHEAD: Final = """
    SELECT format('UPDATE %I SET ', table_name)
        || string_agg(format('%1$I = %1$I + interval %2$L', column_name, CAST(:by AS text)), ', ')
    FROM information_schema.columns
    WHERE table_schema = current_schema() AND data_type = 'timestamp with time zone'
      AND table_name <> 'sales'
    GROUP BY table_name
"""
WAITS: Final = """
  SELECT what, extract(epoch FROM at - now()) FROM (
    SELECT 'hold' AS what, expires_at AS at FROM orders WHERE status = 'held'
    UNION ALL SELECT 'payment', due_at FROM payments
    UNION ALL SELECT 'patience', patience_until FROM payments WHERE finished_at IS NULL
    UNION ALL SELECT 'pin', pinned_until FROM payments WHERE finished_at IS NULL
    UNION ALL SELECT 'refund', due_at FROM refunds
    UNION ALL SELECT 'mail', due_at FROM mails
    UNION ALL SELECT 'webhook', due_at FROM sandbox_events
    UNION ALL SELECT 'charge', settles_at FROM sandbox_charges
    UNION ALL SELECT 'task', started_at FROM background_tasks WHERE state = 'STARTED'
  ) AS waits WHERE at IS NOT NULL
"""
LONGEST_S: Final = {
    "hold": 600,
    "payment": 0,
    "patience": 30,
    "pin": 630,
    "refund": 0,
    "mail": 120,
    "webhook": 30,
    "charge": 0,
    "task": 0,
}
HOUR: Final = "1 hour"
MAIL: Final = MailSettings("127.0.0.1", 1, "none", "", "", "Shop", "shop@example.org")


def set_clock_back(database: Database, by: str = HOUR) -> None:
    """Move all times ahead, which is the same; sales keep theirs, as admins named them."""
    with database.connection() as connection:
        for moving in connection.execute(text(AHEAD), {"by": by}).scalars().all():
            connection.exec_driver_sql(moving)


def waits(database: Database) -> dict[str, list[float]]:
    """In how many seconds everything that waits goes on."""
    found: dict[str, list[float]] = {}
    with database.connection() as connection:
        for what, seconds in connection.execute(text(WAITS)):
            found.setdefault(what, []).append(float(seconds))
    return found


def sql(database: Database, statement: str, **values: Any) -> None:
    with database.connection() as connection:
        connection.execute(text(statement), values)


@pytest.fixture
def busy(shop: Shop, stores: Stores) -> SaleUnderTest:
    """A sale of which something waits in each way that there is."""
    sale = shop.drained_sale(8, asked=8, hold_seconds=600)
    _held, slow, late, silent, refunded, mailed, *_ = sale.orders()
    for order, method in ((slow, "sandbox_slow:600"), (late, "sandbox_late_webhook:600")):
        begin_payment(shop.context, order.user_id, order.id, method=method)
    for payment in (*Till.over(shop.context).payments(slow), *Till.over(shop.context).payments(late)):
        run_payment(shop.context, payment.id)
    till = Till.over(shop.context)
    till.pay(refunded)
    request_refund(till.context, refunded.id, by=None)
    till.provider.charges.append(WAIT)
    till.provider.charges.popleft()
    till.pay(silent)
    with mailing(stores) as context:
        Till.over(context).pay(mailed)
        with context.database.transaction() as session:
            assert len(outbox.take_up(session, 5)) == 1
    delivery._lease(shop.context.database)
    task = queue.ask_for(shop.context, "audit", sale_id=sale.id)
    queue._begin(shop.context, task.id)
    return sale


@contextmanager
def mailing(stores: Stores) -> Iterator[Context]:
    with context_over(replace(plain_settings(stores), mail=MAIL)) as context:
        yield context


def test_what_waits_in_ordinary_times_is_left_alone(busy: SaleUnderTest) -> None:
    before = waits(busy.context.database)
    assert before.keys() == LONGEST_S.keys()
    assert bring_deadlines_near(busy.context) == 0


@pytest.mark.parametrize("by", [HOUR, "20 minutes"])
def test_nothing_waits_longer_than_it_would_if_it_began_now(busy: SaleUnderTest, by: str) -> None:
    set_clock_back(busy.context.database, by)
    assert bring_deadlines_near(busy.context) > 0
    found = waits(busy.context.database)
    assert found.keys() == LONGEST_S.keys()
    assert {what for what, spans in found.items() if max(spans) > LONGEST_S[what] + 10} == set()
    assert bring_deadlines_near(busy.context) == 0


def test_a_clock_that_was_set_ahead_ends_holds_once(busy: SaleUnderTest) -> None:
    set_clock_back(busy.context.database, "-1 hour")
    assert bring_deadlines_near(busy.context) == 0
    held = sum(order.status == "held" for order in busy.orders())
    assert expire_due(busy.context) == held
    assert expire_due(busy.context) == 0


def test_a_hold_ends_when_its_length_is_over_by_the_new_clock(busy: SaleUnderTest) -> None:
    set_clock_back(busy.context.database)
    sweep_everything(busy.context)
    sql(busy.context.database, "UPDATE orders SET expires_at = expires_at - interval '601 seconds'")
    assert expire_due(busy.context) > 0
    sweep_everything(busy.context)
    audit = busy.audit()
    assert audit.ok, audit


def test_of_all_processes_one_looks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "TURN_MS", 60_000)
    assert shop.context.live.take_turn("clocks", 60_000)
    shop.drained_sale(1, asked=1)
    set_clock_back(shop.context.database)
    assert not look_after_clocks(shop.context)


def test_a_task_of_the_future_is_rung_for(shop: Shop) -> None:
    queue.ask_for(shop.context, "purge")
    assert queue.ring_for_unheard(shop.context) == 0
    set_clock_back(shop.context.database)
    assert queue.ring_for_unheard(shop.context) == 1
