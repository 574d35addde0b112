"""The sweep: opens and ends on time, rings for what waits, and brings home what ended."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from models.enums import SaleStatus
from models.errors import Unavailable
from models.tables.background import BackgroundTask
from models.tables.catalogue import Sale
from tasks.background import queue
from tasks.context import Context
from tests.support.contexts import RememberingBell, rings
from tests.support.shop import Shop


def forget_bells(context: Context) -> None:
    assert isinstance(context.bell, RememberingBell)
    context.bell.rung.clear()


def test_a_sale_opens_on_time(shop: Shop) -> None:
    due, later = shop.scheduled_sale(opens_in_s=-1), shop.scheduled_sale(opens_in_s=3_600)
    shop.sweep()
    assert (due.row().status, due.look().fields["status"]) == ("open", "open")
    assert (later.row().status, later.look().fields["status"]) == ("scheduled", "scheduled")


@pytest.mark.parametrize("paused", [False, True])
def test_a_sale_ends_on_time(shop: Shop, paused: bool) -> None:
    sale = shop.open_sale()
    if paused:
        sale.move(SaleStatus.PAUSED)
    sale.sql("UPDATE sales SET opens_at = now() - interval '2 s', closes_at = now() WHERE id = :sale_id")
    shop.sweep()
    assert (sale.row().status, sale.look().fields["status"]) == ("ended", "ended")


def test_a_line_that_nobody_drains_is_rung_for(shop: Shop, context: Context) -> None:
    sale = shop.open_sale()
    sale.line_up(shop.shoppers(2))
    forget_bells(context)
    assert shop.sweep() == 0  # the bell that the first intent rang may still be heard
    sale.forget_bell()
    assert shop.sweep() == 1
    assert rings(context) == [str(sale.id)]


def test_an_overdue_claim_is_rung_for(shop: Shop, context: Context) -> None:
    sale = shop.open_sale()
    sale.line_up(shop.shoppers(2))
    context.live.claim(sale.id, 10, lease_ms=0)
    forget_bells(context)
    assert shop.sweep() == 1


def test_a_quiet_sale_is_not_rung_for(shop: Shop) -> None:
    shop.drained_sale(asked=2)
    assert shop.sweep() == 0


def test_a_sale_that_is_over_and_answered_is_done_with(shop: Shop) -> None:
    sale = shop.open_sale()
    sale.line_up(shop.shoppers(2))
    sale.move(SaleStatus.ENDED)
    shop.sweep()
    assert sale.row().drained_at is None
    sale.drain()
    shop.sweep()
    assert sale.row().drained_at is not None


def test_the_trouble_of_one_sale_does_not_stop_the_others(shop: Shop, context: Context) -> None:
    lost, due = shop.open_sale(), shop.scheduled_sale(opens_in_s=-1)
    context.live.client.delete(*[str(key) for key in context.live.client.keys(f"*{lost.id}*")])  # type: ignore[union-attr]
    shop.sweep()
    assert (lost.row().status, due.row().status) == ("paused", "open")


def test_sweeping_at_once_from_two_sides_is_sweeping_once(shop: Shop, context: Context) -> None:
    sale = shop.scheduled_sale(opens_in_s=-1)
    shop.sweep()
    revision = sale.row().revision
    with context.database.transaction() as session:
        session.execute(update(Sale).where(Sale.id == sale.id).values(status="scheduled"))
    shop.sweep()
    assert sale.row().revision == revision + 1


def test_a_hold_that_nobody_paid_comes_home_to_who_stands_by(shop: Shop) -> None:
    sale = shop.drained_sale(2, asked=4)
    sale.sql("UPDATE orders SET expires_at = now() - interval '1 s' WHERE sale_id = :sale_id")
    shop.sweep()
    assert sale.row().held == 0
    sale.drain()
    assert [one.ticket for one in sale.intents() if one.status == "held"] == [1, 2, 3, 4]
    assert sorted(order.status for order in sale.orders()) == ["expired", "expired", "held", "held"]
    assert sale.row().held == sale.look().number("held") == 2
    assert sale.audit().ok


def test_holds_of_a_cancelled_sale_come_home(shop: Shop) -> None:
    sale = shop.drained_sale(2, asked=3)
    sale.move(SaleStatus.CANCELLED)
    shop.sweep()
    sale.drain()
    shop.sweep()
    assert {order.status for order in sale.orders()} == {"cancelled"}
    assert (sale.row().held, sale.look().number("available")) == (0, 2)
    assert [one.status for one in sale.intents()] == ["held", "held", "rejected"]
    assert sale.audit().ok


def test_a_background_task_that_nobody_heard_of_is_rung_for(shop: Shop, context: Context) -> None:
    sale = shop.open_sale()
    task = queue.ask_for(context, "audit", sale_id=sale.id)
    assert queue.ring_for_unheard(context) == 0
    with context.database.transaction() as session:
        long_ago = datetime.now(UTC) - timedelta(minutes=1)
        session.execute(update(BackgroundTask).values(submitted_at=long_ago))
    assert queue.ring_for_unheard(context) == 1
    queue.run(context, task.id)
    queue.run(context, task.id)
    with context.database.transaction() as session:
        done = session.get_one(BackgroundTask, task.id)
    assert (done.state, done.attempts) == ("SUCCESS", 1)
    assert done.result is not None
    assert done.result["ok"]


def test_a_background_task_whose_worker_died_is_done_again(context: Context) -> None:
    task = queue.ask_for(context, "purge")
    with context.database.transaction() as session:
        long_ago = datetime.now(UTC) - timedelta(minutes=10)
        session.execute(
            update(BackgroundTask).values(state="STARTED", started_at=long_ago, submitted_at=long_ago)
        )
    assert queue.ring_for_unheard(context) == 1
    queue.run(context, task.id)
    with context.database.transaction() as session:
        assert session.get_one(BackgroundTask, task.id).state == "SUCCESS"


def test_a_background_task_gives_up_after_its_last_attempt(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_context: Context, _task: BackgroundTask) -> queue.Result:
        raise RuntimeError("broken")

    monkeypatch.setitem(queue.KINDS, "purge", broken)
    task = queue.ask_for(context, "purge")
    for _ in range(queue.MOST_ATTEMPTS):
        queue.run(context, task.id)
    with context.database.transaction() as session:
        gone = session.get_one(BackgroundTask, task.id)
    assert (gone.state, gone.attempts, gone.error) == ("FAILURE", 3, "RuntimeError('broken')")


def test_a_store_that_is_away_is_no_failure_of_a_task(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_context: Context, _task: BackgroundTask) -> queue.Result:
        raise Unavailable("away")

    monkeypatch.setitem(queue.KINDS, "purge", away)
    task = queue.ask_for(context, "purge")
    with pytest.raises(Unavailable):
        queue.run(context, task.id)
    with context.database.transaction() as session:
        assert session.get_one(BackgroundTask, task.id).state == "RETRY"
