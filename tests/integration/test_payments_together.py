"""Payments in batches: what is due together becomes what it would become alone, and costs nobody else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import orjson
import pytest
from sqlalchemy import event, select, text

from models.errors import AlreadyPaid, IdempotencyKeyReused, NotFound, OrderNotHeld, PaymentInProgress
from models.tables.orders import Order
from models.tables.payments import Payment, Receipt
from tasks.context import Context
from tasks.payments.begin import Wanted, begin_payments
from tasks.payments.drive import run_due_payments
from tasks.payments.webhooks import read_event, take_events
from tests.integration.test_payments_lives import figures, sold
from tests.support.paying import Till
from tests.support.shop import Shop
from tests.support.threads import at_once

CARDS = (
    *(
        "sandbox_ok",
        "sandbox_decline",
        "sandbox_slow:3600",
        "sandbox_timeout_charged",
        "sandbox_wrong_amount",
    ),
    *("sandbox_timeout", "sandbox_duplicate", "sandbox_ok"),
)


def wants(orders: list[Order], methods: tuple[str, ...] = ("sandbox_ok",)) -> list[Wanted]:
    return [
        Wanted(one.user_id, one.id, methods[at % len(methods)], key=f"key {at}")
        for at, one in enumerate(orders)
    ]


def statuses(context: Context) -> dict[UUID, tuple[str, str]]:
    """How orders and their payments stand."""
    query = select(Order.id, Order.status, Payment.status).join(Payment, Payment.order_id == Order.id)
    with context.database.transaction() as session:
        return {order_id: (order, payment) for order_id, order, payment in session.execute(query)}


def receipts(context: Context) -> list[int]:
    with context.database.transaction() as session:
        return list(session.scalars(select(Receipt.number).order_by(Receipt.number)))


@contextmanager
def commits(context: Context) -> Iterator[list[int]]:
    """Count the transactions that are committed."""
    seen = [0]

    def note(_: object) -> None:
        seen[0] += 1

    event.listen(context.database.engine, "commit", note)
    try:
        yield seen
    finally:
        event.remove(context.database.engine, "commit", note)


@contextmanager
def locked(context: Context, order: Order) -> Iterator[None]:
    """Have somebody else have an order locked."""
    with context.database.connection() as other:
        other.execute(text("SELECT FROM orders WHERE id = :id FOR UPDATE"), {"id": order.id})
        yield


@contextmanager
def asked(context: Context, words: str, times: int = 1) -> Iterator[threading.Event]:
    """Know when the ledger was asked something for the n-th time."""
    seen, is_asked = [0], threading.Event()

    def look(*called: object) -> None:
        seen[0] += words in str(called[2])
        if seen[0] >= times:
            is_asked.set()

    event.listen(context.database.engine, "after_cursor_execute", look)
    try:
        yield is_asked
    finally:
        event.remove(context.database.engine, "after_cursor_execute", look)


def test_each_becomes_what_it_would_become_alone(shop: Shop) -> None:
    sale, orders = sold(shop, units=2 * len(CARDS), buyers=2 * len(CARDS))
    alone, together = orders[: len(CARDS)], orders[len(CARDS) :]
    till = Till(shop.context, Till.over(shop.context).provider)
    for one, method in zip(alone, CARDS, strict=True):
        till.drive(till.begin(one, method=method))
    assert all(isinstance(told, dict) for told in begin_payments(shop.context, wants(together, CARDS)))
    with commits(shop.context) as seen:
        assert run_due_payments(shop.context) >= len(CARDS)
    assert seen[0] < 3 * len(CARDS)
    stories = [[till.story(one) for one in some] for some in (alone, together)]
    assert stories[0] == stories[1]
    found = statuses(shop.context)
    assert [found[one.id] for one in alone] == [found[one.id] for one in together]
    assert receipts(shop.context) == list(range(1, 1 + len(receipts(shop.context))))
    till.drive_refunds()
    assert sale.audit().ok


def test_many_that_are_paid_together_take_a_few_transactions(shop: Shop) -> None:
    sale, orders = sold(shop, units=50, buyers=50)
    with commits(shop.context) as seen:
        begin_payments(shop.context, wants(orders))
        assert seen[0] <= 2, "one that begins, and one that reads what is told"
        run_due_payments(shop.context)
    assert seen[0] <= 10
    assert figures(sale) == (0, 0, 50)
    assert receipts(shop.context) == list(range(1, 51))


def test_of_those_who_begin_together_each_is_answered_for_itself(shop: Shop, till: Till) -> None:
    _, [first, second, third, fourth] = sold(shop, units=4, buyers=4)
    till.pay(third)
    till.end_hold(fourth)
    mine = Wanted(first.user_id, first.id, "sandbox_ok", "a")
    told = begin_payments(
        till.context,
        [
            *(mine, mine, replace(mine, method="sandbox_decline"), replace(mine, key="b")),
            *(Wanted(first.user_id, second.id, "sandbox_ok"), Wanted(third.user_id, third.id, "sandbox_ok")),
            *(
                Wanted(fourth.user_id, fourth.id, "sandbox_ok"),
                Wanted(second.user_id, second.id, "sandbox_ok"),
            ),
        ],
    )
    kinds = [one["status"] if isinstance(one, dict) else type(one) for one in told]
    assert kinds == [
        *("paying", "paying", IdempotencyKeyReused, PaymentInProgress),
        *(NotFound, AlreadyPaid, OrderNotHeld, "paying"),
    ]
    assert len(till.payments(first)) == len(till.payments(second)) == 1


def test_what_somebody_else_has_locked_holds_up_itself_alone(shop: Shop) -> None:
    sale, orders = sold(shop, units=3, buyers=3)
    begin_payments(shop.context, wants(orders))
    with asked(shop.context, "INSERT INTO receipts") as others_are_paid, locked(shop.context, orders[1]):
        driving = threading.Thread(target=run_due_payments, args=(shop.context,))
        driving.start()
        assert others_are_paid.wait(30)
    driving.join()
    assert figures(sale) == (0, 0, 3)


def test_a_row_that_the_ledger_refuses_costs_nobody_else(shop: Shop) -> None:
    sale, orders = sold(shop, units=3, buyers=3)
    begin_payments(shop.context, wants(orders))
    bad = orders[1].id
    refuse = f"ALTER TABLE receipts ADD CONSTRAINT refused CHECK (order_id <> '{bad}')"
    with shop.context.database.connection() as connection:
        connection.exec_driver_sql(refuse)
    try:
        run_due_payments(shop.context)
    finally:
        with shop.context.database.connection() as connection:
            connection.exec_driver_sql("ALTER TABLE receipts DROP CONSTRAINT refused")
            connection.exec_driver_sql("UPDATE payments SET due_at = now() WHERE due_at IS NOT NULL")
    found = statuses(shop.context)
    assert [found[one.id][0] for one in orders] == ["paid", "paying", "paid"]
    run_due_payments(shop.context)
    assert receipts(shop.context) == [1, 2, 3]
    assert figures(sale) == (0, 0, 3)


def test_workers_share_what_is_due_and_ask_about_each_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.payments.drive.AT_ONCE", 5)
    sale, orders = sold(shop, units=40, buyers=40)
    begin_payments(shop.context, wants(orders))
    done = at_once(*[lambda: run_due_payments(shop.context)] * 4)
    assert sum(int(str(one)) for one in done) == 40
    with shop.context.database.connection() as connection:
        asked = connection.execute(text("SELECT calls, count(*) FROM sandbox_charges GROUP BY calls")).all()
    assert asked == [(1, 40)]
    assert figures(sale) == (0, 0, 40)


def test_a_provider_that_is_asked_one_by_one_is_asked_side_by_side(shop: Shop, till: Till) -> None:
    sale, orders = sold(shop, units=3, buyers=3)
    begin_payments(till.context, wants(orders))
    together = threading.Barrier(3)
    answer = till.provider.charge
    till.provider.charge = lambda charge: (together.wait(30), answer(charge))[1]  # type: ignore[method-assign]
    assert run_due_payments(till.context) == 3
    assert figures(sale) == (0, 0, 3)


def test_webhooks_that_come_together_count_once_each(shop: Shop, till: Till) -> None:
    sale, orders = sold(shop, units=5, buyers=5)
    ids = [till.begin(one) for one in orders]
    says = [{"id": f"e{at}", "payment_id": str(one), "state": "succeeded"} for at, one in enumerate(ids)]
    says[3]["state"], says[4]["state"] = "declined", "pending"
    unknown = {"id": "e9", "payment_id": str(UUID(int=7)), "state": "succeeded"}
    again = {"id": "e8", "payment_id": str(ids[0]), "state": "declined"}  # too late to be true
    received = [
        read_event(till.context, "sandbox", orjson.dumps(one), {}) for one in (*says, says[0], unknown, again)
    ]
    with locked(shop.context, orders[1]):
        first = take_events(till.context, [one for at, one in enumerate(received) if at != 1])
    assert first == [True, True, True, True, False, True, True]
    assert take_events(till.context, received) == [False, True, *[False] * 6]
    found = statuses(shop.context)
    assert [found[one.id][0] for one in orders] == ["paid", "paid", "paid", "held", "paying"]
    assert figures(sale) == (0, 2, 3)


def test_a_webhook_of_a_payment_that_is_locked_is_stored_with_what_it_changes(shop: Shop, till: Till) -> None:
    sale, orders = sold(shop, units=3, buyers=3)
    ids = [till.begin(one) for one in orders]
    received = [
        read_event(
            till.context,
            "sandbox",
            orjson.dumps({"id": f"e{at}", "payment_id": str(one), "state": "succeeded"}),
            {},
        )
        for at, one in enumerate(ids)
    ]
    taken: list[object] = []
    with (
        asked(shop.context, "INSERT INTO webhook_events", 2) as is_taken_alone,
        locked(shop.context, orders[1]),
    ):
        taking = threading.Thread(target=lambda: taken.extend(take_events(till.context, received)))
        taking.start()
        assert is_taken_alone.wait(30)
    taking.join()
    assert taken == [True] * 3
    assert figures(sale) == (0, 0, 3)
