"""Past sales: their live side is dropped, and everything about them goes on from the ledger."""

from collections.abc import Iterator
from typing import cast

import pytest
from flask.testing import FlaskClient

from models.enums import SaleStatus
from models.errors import AlreadyDecided, NotFound, SaleOver
from models.live.keys import SaleKeys
from tasks.background import queue
from tasks.context import Context
from tasks.intents import shopper_state, submit
from tasks.orders.holds import release_pending
from tasks.payments.refunds import request_refund
from tasks.runtime.failpoints import Failed, arm
from tasks.sales import view
from tasks.sales.archive import archive_finished_sales
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.integration.conftest import MakeAccount
from tests.support.contexts import context_over
from tests.support.paying import NO, OK, Till
from tests.support.shop import SaleUnderTest, Shop

LONG_AGO = "UPDATE sales SET drained_at = now() - interval '8 days' WHERE id = :sale_id"


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm("")


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """A sale of 2 units that ended long ago: one order paid, one expired, two refused, one left."""
    sale = shop.open_sale(2, limit=2)
    people = shop.shoppers(5)
    ids = sale.line_up(people)
    sale.leave(people[4], ids[4])
    sale.drain()
    till = Till.over(shop.context)
    first = {order.intent_id: order for order in sale.orders()}
    till.pay(first[ids[0]])
    sale.move(SaleStatus.ENDED)
    till.end_hold(first[ids[1]])
    for _ in range(2):
        shop.sweep()
        sale.drain()
    shop.sweep()
    sale.sql(LONG_AGO)
    return sale


def keys_of(sale: SaleUnderTest) -> list[str]:
    return [str(key) for key in cast(list[str], sale.context.live.client.keys(f"*{sale.id}*"))]


def is_forgotten(sale: SaleUnderTest) -> bool:
    return sale.row().epoch is None and keys_of(sale) == []


def test_a_past_sale_is_forgotten_by_the_purge(shop: Shop, sale: SaleUnderTest) -> None:
    running = shop.open_sale(3)
    task = queue.ask_for(shop.context, "purge")
    queue.run(shop.context, task.id)
    assert is_forgotten(sale)
    assert (running.row().epoch is not None, running.look().is_loaded) == (True, True)
    assert archive_finished_sales(shop.context) == 0


def test_keys_of_intents_end_by_themselves(shop: Shop, sale: SaleUnderTest) -> None:
    kept = SaleKeys.of(sale.id).idempotency("somebody", "key")
    shop.context.live.client.set(kept, "answer")
    assert archive_finished_sales(shop.context) == 1
    assert keys_of(sale) == [kept]


@pytest.mark.parametrize(
    "unfinished",
    [
        "UPDATE sales SET drained_at = now() - interval '6 days' WHERE id = :sale_id",
        "UPDATE sales SET drained_at = NULL WHERE id = :sale_id",
        "UPDATE orders SET status = 'held' WHERE sale_id = :sale_id AND status = 'expired'",
        "UPDATE orders SET status = 'paying' WHERE sale_id = :sale_id AND status = 'expired'",
        "UPDATE orders SET released_at = NULL WHERE sale_id = :sale_id AND status = 'expired'",
        "UPDATE orders SET released_at = NULL WHERE sale_id = :sale_id AND status = 'paid'",
        "UPDATE payments SET status = 'late', finished_at = NULL WHERE :sale_id IS NOT NULL",
        "UPDATE payments SET status = 'pending', finished_at = NULL WHERE :sale_id IS NOT NULL",
        "UPDATE payments SET status = 'abandoned', finished_at = NULL WHERE :sale_id IS NOT NULL",
        "INSERT INTO refunds (id, payment_id, order_id, amount_minor, currency, cause)"
        " SELECT gen_random_uuid(), id, order_id, 1, 'USD', 'admin' FROM payments WHERE :sale_id IS NOT NULL",
        "INSERT INTO adjustments (id, sale_id, units) VALUES (gen_random_uuid(), :sale_id, 1)",
    ],
)
def test_what_is_not_at_rest_is_not_forgotten(shop: Shop, sale: SaleUnderTest, unfinished: str) -> None:
    sale.sql(unfinished)
    assert archive_finished_sales(shop.context) == 0
    assert sale.look().is_loaded


def test_what_does_not_look_quiet_is_not_forgotten(shop: Shop, sale: SaleUnderTest) -> None:
    shop.context.live.client.zadd(SaleKeys.of(sale.id).claims, {"parked": float("inf")})
    assert archive_finished_sales(shop.context) == 0
    assert sale.look().is_loaded


def test_who_dies_before_dropping_is_made_good_by_the_next_purge(shop: Shop, sale: SaleUnderTest) -> None:
    arm("forgotten:1:raise")
    with pytest.raises(Failed):
        archive_finished_sales(shop.context)
    assert (sale.row().epoch, sale.look().is_loaded) == (None, True)
    assert sale.audit().ok
    archive_finished_sales(shop.context)
    assert is_forgotten(sale)


def test_a_forgotten_sale_is_audited_by_the_ledger(shop: Shop, sale: SaleUnderTest) -> None:
    archive_finished_sales(shop.context)
    audit = sale.audit()
    assert (audit.ok, audit.in_flight) == (True, False)
    sale.sql("DELETE FROM receipts WHERE :sale_id IS NOT NULL")
    sale.sql("DELETE FROM intents WHERE sale_id = :sale_id AND status = 'left'")
    broken = {check.name for check in sale.audit().checks if not check.ok}
    assert broken == {"money_adds_up", "dense_tickets"}


def test_a_forgotten_sale_is_shown_as_it_was(shop: Shop, sale: SaleUnderTest) -> None:
    def shown() -> list[object]:
        people = [str(order.user_id) for order in sale.orders()]
        told = {**view.show_sale(shop.context, sale.row()), "server_time": None}
        mine = shopper_state.newest_of_shoppers(shop.context, sale.id, people)
        found = [submit.find_intent(shop.context, one.id) for one in sale.intents()]
        listed = submit.list_of_sale(shop.context, sale.id, user_id=None, before=0, limit=50)
        return [told, mine, found, listed]

    before = shown()
    archive_finished_sales(shop.context)
    assert shown() == before


@pytest.mark.parametrize("remembers", [False, True])
def test_nobody_enters_or_leaves_the_line_of_a_forgotten_sale(
    shop: Shop, sale: SaleUnderTest, remembers: bool
) -> None:
    granted, left = sale.intents()[0], sale.intents()[-1]
    with context_over(shop.context.settings) as elsewhere:
        there = SaleUnderTest(elsewhere, sale.id)
        if remembers:
            with pytest.raises(SaleOver):
                there.submit(shop.shopper())
        archive_finished_sales(shop.context)
        for _ in range(2):
            with pytest.raises(SaleOver):
                there.submit(shop.shopper(), key="k")
            with pytest.raises(AlreadyDecided):
                there.leave(granted.user_id, granted.id)
            assert there.leave(left.user_id, left.id)["status"] == "left"
            with pytest.raises(NotFound):
                there.leave(shop.shopper(), granted.id)
    assert keys_of(sale) == []


def test_a_refund_after_a_sale_was_forgotten_gives_money_and_units_back(
    shop: Shop, till: Till, sale: SaleUnderTest
) -> None:
    archive_finished_sales(shop.context)
    [paid] = [order for order in sale.orders() if order.status == "paid"]
    request_refund(till.context, paid.id, by=None)
    till.drive_refunds()
    release_pending(till.context)
    [paid] = [order for order in sale.orders() if order.id == paid.id]
    assert (paid.status, paid.released_at is not None) == ("refunded", True)
    assert (sale.row().sold, sale.row().available) == (0, 2)
    assert sale.audit().ok
    assert is_forgotten(sale)


def test_a_refund_that_was_under_way_when_its_sale_was_forgotten_comes_home(
    shop: Shop, till: Till, sale: SaleUnderTest
) -> None:
    [paid] = [order for order in sale.orders() if order.status == "paid"]
    arm("ended:1:raise")
    request_refund(till.context, paid.id, by=None)
    with pytest.raises(Failed):
        till.drive_refunds()
    sale.sql("UPDATE sales SET epoch = NULL WHERE id = :sale_id")  # forgotten by somebody who had not seen it
    archive_finished_sales(shop.context)
    assert release_pending(till.context) == 1
    assert sale.audit().ok


def test_who_pays_late_in_a_forgotten_sale_gets_the_money_back(shop: Shop, till: Till) -> None:
    sale = shop.open_sale(2)
    sale.line_up([shop.shopper()])
    sale.drain()
    [order] = sale.orders()
    payment_id = till.begin(order)
    till.hear(payment_id, NO)
    till.end_hold(order)
    sale.move(SaleStatus.ENDED)
    for _ in range(2):
        shop.sweep()
    sale.sql(LONG_AGO)
    assert archive_finished_sales(shop.context) == 1
    till.hear(payment_id, OK)
    till.drive(payment_id)
    till.drive_refunds()
    assert [one.status for one in till.payments(order)] == ["refunded"]
    assert sale.audit().ok
    assert is_forgotten(sale)


def test_a_forgotten_sale_can_be_rebuilt_and_forgotten_again(shop: Shop, sale: SaleUnderTest) -> None:
    archive_finished_sales(shop.context)
    rebuild_sale(shop.context, sale.id)
    assert sale.look().is_loaded
    assert sale.audit().ok
    shop.sweep()
    assert sale.row().drained_at is not None
    sale.sql(LONG_AGO)
    assert archive_finished_sales(shop.context) == 1
    assert is_forgotten(sale)


def test_sweeps_leave_a_forgotten_sale_alone(shop: Shop, sale: SaleUnderTest) -> None:
    archive_finished_sales(shop.context)
    for _ in range(2):
        shop.sweep()
    assert sale.drain() == 0
    assert is_forgotten(sale)


def test_everything_that_is_asked_of_a_forgotten_sale_is_answered(
    context: Context, sale: SaleUnderTest, client: FlaskClient, make_account: MakeAccount
) -> None:
    archive_finished_sales(context)
    admin, shopper = make_account("admin"), make_account()
    order, intent = sale.orders()[0], sale.intents()[0]
    path = f"/api/v1/sales/{sale.id}"
    for asked in (
        path,
        f"{path}/audit",
        "/api/v1/sales?status=ended",
        f"/api/v1/intents/{intent.id}",
        f"/api/v1/intents?sale_id={sale.id}",
        f"/api/v1/tasks?kind=intent&sale_id={sale.id}",
        f"/api/v1/tasks/{intent.id}",
        f"/api/v1/orders/{order.id}",
    ):
        assert client.get(asked, headers=admin.headers).status_code == 200, asked
    assert client.get(f"{path}/audit", headers=admin.headers).get_json()["ok"]
    refused = client.post(f"{path}/intents", json={}, headers=shopper.headers)
    assert (refused.status_code, refused.get_json()["code"]) == (410, "sale_over")
    assert client.get(f"/sales/{sale.id}").status_code == 200
    assert client.get("/").status_code == 200
