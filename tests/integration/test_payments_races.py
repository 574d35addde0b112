"""Money's races, each driven at its exact step: what happens while the provider thinks, and after a crash."""

from collections.abc import Callable, Iterator
from uuid import UUID

import orjson
import pytest

from models.errors import OrderNotHeld, PaymentInProgress
from models.tables.orders import Order
from tasks.orders.holds import cancel_order, release_pending
from tasks.payments.drive import run_due_payments
from tasks.payments.refunds import request_refund, run_refund
from tasks.payments.sweep import sweep_payments
from tasks.payments.webhooks import take_webhook
from tests.integration.test_payments_lives import figures, sold
from tests.support.contexts import RememberingBell
from tests.support.paying import NO, OK, Till
from tests.support.shop import Shop
from tests.support.threads import at_once


def webhook(till: Till, event_id: str, **said: object) -> bool:
    return take_webhook(till.context, "sandbox", orjson.dumps({"id": event_id, **said}), {})


class Crash(Exception):
    """The process ends here."""


@pytest.fixture
def crash_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Let whatever comes to a failpoint end there, as by a kill; nothing after it is done."""

    def arm(name: str) -> None:
        def check(reached: str) -> None:
            if reached == name:
                raise Crash(name)

        modules = (
            "tasks.payments.begin",
            "tasks.payments.drive",
            "tasks.payments.late",
            "tasks.orders.holds",
        )
        for module in (
            *modules,
            "tasks.payments.outcomes",
            "tasks.payments.refunds",
            "tasks.payments.webhooks",
        ):
            monkeypatch.setattr(f"{module}.failpoint", check)

    yield arm
    monkeypatch.undo()


def test_of_many_payments_begun_at_once_one_begins(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    done = at_once(*[lambda: till.begin(order)] * 6)
    assert done.count(PaymentInProgress) == 5
    assert len(till.payments(order)) == 1
    assert figures(sale) == (2, 1, 0)


def test_one_payment_driven_by_many_workers_is_one_charge(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    payment_id = till.begin(order)
    at_once(*[lambda: till.drive(payment_id)] * 6)
    assert till.story(order) == [("held", None), ("paying", None), ("paid", None)]
    assert figures(sale) == (2, 0, 1)


@pytest.mark.parametrize("turn", range(2))
def test_of_cancelling_and_paying_at_once_one_wins(shop: Shop, till: Till, turn: int) -> None:
    sale, [order] = sold(shop)
    acts = [lambda: cancel_order(till.context, order.user_id, order.id), lambda: till.begin(order)]
    done = at_once(*acts[:: -1 if turn % 2 else 1])
    assert len([one for one in done if one is OrderNotHeld]) == 1
    is_cancelled = till.order(order)["status"] == "cancelled"
    assert figures(sale) == ((3, 0, 0) if is_cancelled else (2, 1, 0))


@pytest.mark.parametrize("ms", [0, 5])
def test_of_expiry_and_paying_at_once_one_wins(shop: Shop, till: Till, ms: int) -> None:
    sale, [order] = sold(shop)
    soon = "UPDATE orders SET expires_at = clock_timestamp() + :ms * interval '1 ms' WHERE sale_id = :sale_id"
    sale.sql(soon, ms=ms)
    at_once(lambda: till.begin(order), shop.sweep)
    sale.sql("SELECT pg_sleep(0.02) WHERE :sale_id IS NOT NULL")
    shop.sweep()
    status = till.order(order)["status"]
    assert status in ("paying", "expired")
    assert figures(sale) == ((2, 1, 0) if status == "paying" else (3, 0, 0))


def test_a_decline_and_a_success_told_at_once_leave_one_truth(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    payment_id = till.begin(order)
    at_once(lambda: till.hear(payment_id, NO), lambda: till.hear(payment_id, OK))
    till.drive(payment_id)
    till.drive_refunds()
    [payment] = till.payments(order)
    assert (till.order(order)["status"], payment.status) in {("paid", "succeeded"), ("held", "refunded")}
    assert sale.audit().ok


def test_one_webhook_sent_many_times_at_once_is_taken_once(shop: Shop, till: Till) -> None:
    _, [order] = sold(shop)
    payment_id = till.begin(order)
    done = at_once(*[lambda: webhook(till, "e", payment_id=str(payment_id), state="succeeded")] * 6)
    assert sorted(map(bool, done)) == [False] * 5 + [True]
    assert till.order(order)["status"] == "paid"


def test_webhooks_of_strangers_and_of_nothing_change_nothing(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    payment_id = till.begin(order)
    sale.sql("UPDATE payments SET provider = 'another' WHERE :sale_id IS NOT NULL")
    assert webhook(till, "e1", payment_id=str(payment_id), state="succeeded")
    assert webhook(till, "e2", payment_id=str(UUID(int=7)), state="succeeded")
    assert webhook(till, "e3", refund_id=str(UUID(int=7)), state="succeeded")
    assert till.order(order)["status"] == "paying"


def test_a_refund_asked_for_and_driven_by_many_happens_once(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    till.pay(order)
    at_once(*[lambda: request_refund(till.context, order.id, by=None)] * 4)
    [refund] = till.refunds()
    at_once(*[lambda: run_refund(till.context, refund.id)] * 4)
    release_pending(till.context)
    assert [status for status, _ in till.story(order)] == ["held", "paying", "paid", "refunded"]
    assert figures(sale) == (3, 0, 0)


def test_a_refund_that_overtakes_the_news_of_the_payment_brings_the_unit_home_once(
    shop: Shop, till: Till, crash_at: Callable[[str], None]
) -> None:
    sale, [order] = sold(shop)
    payment_id = till.begin(order)
    crash_at("charge_noted")
    with pytest.raises(Crash):
        till.drive(payment_id)  # paid in the ledger; Redis still has the hold
    assert sale.look().number("held") == 1
    request_refund(till.context, order.id, by=None)
    with pytest.raises(Crash):
        till.drive_refunds()
    for _ in range(2):
        release_pending(till.context)
    assert figures(sale) == (3, 0, 0)


@pytest.mark.parametrize("step", ["payment_begun", "charged", "charge_noted", "ended", "released"])
def test_a_crash_at_a_step_of_paying_loses_and_doubles_nothing(
    shop: Shop, till: Till, crash_at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    sale, [order] = sold(shop)
    crash_at(step)
    with pytest.raises(Crash):
        till.drive(till.begin(order))
    monkeypatch.undo()
    go_on(shop, till, order)
    assert till.story(order) == [("held", None), ("paying", None), ("paid", None)]
    assert figures(sale) == (2, 0, 1)


@pytest.mark.parametrize("step", ["refund_asked", "refunded", "charge_noted", "ended", "released"])
def test_a_crash_at_a_step_of_a_refund_loses_and_doubles_nothing(
    shop: Shop, till: Till, crash_at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    sale, [order] = sold(shop)
    till.pay(order)
    crash_at(step)
    with pytest.raises(Crash):
        refund(till, order)
    monkeypatch.undo()
    go_on(shop, till, order)
    assert [status for status, _ in till.story(order)] == ["held", "paying", "paid", "refunded"]
    assert figures(sale) == (3, 0, 0)


def refund(till: Till, order: Order) -> None:
    request_refund(till.context, order.id, by=None)
    till.drive_refunds()


def go_on(shop: Shop, till: Till, order: Order) -> None:
    """Do what sweeps and workers do after a crash, from nothing but what the stores hold."""
    with till.context.database.connection() as connection:
        connection.exec_driver_sql("UPDATE payments SET due_at = now() WHERE due_at IS NOT NULL")
        connection.exec_driver_sql("UPDATE refunds SET due_at = now() WHERE due_at IS NOT NULL")
    bell = till.context.bell
    assert isinstance(bell, RememberingBell)
    bell.others.clear()
    sweep_payments(till.context)
    for name, subject in list(bell.others):
        if name == "run_payments":
            run_due_payments(till.context)
        elif name == "run_refund":
            run_refund(till.context, UUID(subject))
    shop.sweep()
    assert till.order(order)["status"] != "paying"
