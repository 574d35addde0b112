"""Bells for payments: they do not pile up where nobody answers, and slow webhooks keep no payment waiting."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from config import Settings
from tasks import celery_tasks, due_work
from tasks.context import Context
from tasks.payments import drive, sweep
from tasks.payments.drive import run_due_payments
from tasks.payments.sweep import sweep_payments
from tasks.runtime.bell import CeleryBell
from tasks.runtime.celery_app import DRAIN, PAYMENTS
from tests.support.contexts import context_over, heard_bell
from tests.support.paying import Till
from tests.support.polling import eventually
from tests.support.shop import Shop
from workers.stand_in import StandIn

MOST = 5


@pytest.fixture
def rung(settings: Settings, clean: None) -> Iterator[Context]:  # noqa: ARG001
    """A process whose bells go to the real broker, where no worker hears them."""
    with context_over(settings, bell=heard_bell(settings)) as context:
        yield context


@pytest.fixture
def due(rung: Context) -> Till:
    """More payments than there may be bells, each of which was rung for when it was begun."""
    shop = Shop(rung)
    sale = shop.drained_sale(2 * MOST, asked=2 * MOST)
    till = Till.over(rung)
    for order in sale.orders():
        till.begin(order)
    return till


def pass_time(till: Till) -> None:
    """Let everything be due again."""
    with till.context.database.connection() as connection:
        connection.exec_driver_sql("UPDATE payments SET due_at = now()")


def paid(till: Till) -> int:
    with till.context.database.connection() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM orders WHERE status = 'paid'")
        return int(found.scalar_one())


def waiting(till: Till) -> int:
    unheard = till.context.bell.unheard(PAYMENTS)
    assert unheard is not None
    return unheard


def answer(till: Till, count: int) -> None:
    """Take bells out of the queue, as workers do."""
    bell = till.context.bell
    assert isinstance(bell, CeleryBell)
    celery = bell._celery
    with celery.connection_for_read() as connection, connection.SimpleQueue(PAYMENTS) as queue:
        for _ in range(count):
            queue.get(timeout=5).ack()


def test_bells_that_nobody_answers_do_not_pile_up(due: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "MOST_UNHEARD", MOST)
    begun = waiting(due)
    assert begun == 2 * MOST
    for _ in range(20):
        pass_time(due)
        assert sweep_payments(due.context) == 0
    assert waiting(due) == begun


def test_one_bell_is_rung_for_all_that_is_due_once_workers_answer(
    due: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST_UNHEARD", MOST)
    answer(due, MOST + 1)
    assert sweep_payments(due.context) == 1
    assert waiting(due) == MOST
    answer(due, MOST)
    assert run_due_payments(due.context) == 2 * MOST
    assert sweep_payments(due.context) == 0


def test_a_late_charge_is_looked_after_every_few_seconds_however_often_the_provider_was_asked(
    due: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    with due.context.database.connection() as connection:
        connection.exec_driver_sql("UPDATE payments SET due_at = now(), attempts = 9")
        (late,) = connection.exec_driver_sql(
            "UPDATE payments SET status = 'late' WHERE id = (SELECT id FROM payments LIMIT 1) RETURNING id"
        ).one()
    monkeypatch.setattr(drive, "_run", lambda *_: None)
    assert run_due_payments(due.context) == 2 * MOST
    with due.context.database.connection() as connection:
        soon = connection.exec_driver_sql(
            "SELECT id FROM payments WHERE due_at <= now() + interval '3 seconds'"
        )
        assert [row.id for row in soon] == [late]


def test_an_empty_queue_has_no_unheard_bells(rung: Context) -> None:
    assert rung.bell.unheard(PAYMENTS) == 0


def test_without_a_broker_nothing_is_rung_and_everything_stays_due(
    due: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_time(due)
    monkeypatch.setattr(type(due.context.bell), "unheard", lambda _bell, _queue: None)
    assert sweep_payments(due.context) == 0
    with due.context.database.connection() as connection:
        still = connection.exec_driver_sql("SELECT count(*) FROM payments WHERE due_at <= now()")
        assert still.scalar_one() == 2 * MOST


def test_without_a_broker_a_worker_of_the_queue_and_no_other_does_what_is_due(
    due: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_time(due)
    monkeypatch.setattr(type(due.context.bell), "unheard", lambda _bell, _queue: None)
    draining, paying = StandIn(due.context, period_s=0.1), StandIn(due.context, period_s=0.1)
    draining.serve([DRAIN])
    paying.serve([PAYMENTS])
    draining._look()
    assert not draining._threads
    paying.start()
    try:
        eventually(lambda: paid(due) == 2 * MOST)
    finally:
        paying.stop()


def test_only_some_of_a_processs_threads_wait_for_slow_webhooks(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy: list[float] = []
    go_on = threading.Event()

    def deliver(*_: object) -> None:
        busy.append(time.monotonic())
        assert go_on.wait(30)

    monkeypatch.setattr(due_work, "deliver_due", deliver)
    monkeypatch.setattr(celery_tasks, "_contexts", [context])
    with ThreadPoolExecutor(16) as threads:
        asked = [threads.submit(celery_tasks.deliver_sandbox_webhooks) for _ in range(16)]
        eventually(lambda: sum(one.done() for one in asked) == 16 - celery_tasks.MOST_DELIVERIES)
        go_on.set()
    assert len(busy) == celery_tasks.MOST_DELIVERIES
    celery_tasks.deliver_sandbox_webhooks()
    assert len(busy) == celery_tasks.MOST_DELIVERIES + 1
