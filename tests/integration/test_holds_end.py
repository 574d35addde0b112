"""The end of holds: each comes home once, to the oldest that stands by, whatever breaks in between."""

import random
import threading
from uuid import UUID

import pytest
from sqlalchemy import text

from models.enums import IntentStatus, OrderStatus, SaleStatus
from tasks.context import Context
from tasks.orders import holds
from tasks.runtime.failpoints import Failed, arm
from tests.support.away import away
from tests.support.polling import eventually
from tests.support.shop import SaleUnderTest, Shop
from tests.support.threads import at_once


@pytest.fixture(autouse=True)
def _disarmed() -> object:
    yield None
    arm("")


def let_expire(sale: SaleUnderTest, count: int = 1_000_000) -> None:
    """Let the deadlines of so many open holds pass."""
    sale.sql(
        "UPDATE orders SET expires_at = now() - interval '1 s' WHERE id IN "
        "(SELECT id FROM orders WHERE sale_id = :sale_id AND status = 'held' ORDER BY id LIMIT :count)",
        count=count,
    )


def holders(sale: SaleUnderTest) -> set[UUID]:
    return {order.user_id for order in sale.orders() if order.status == OrderStatus.HELD}


def require_whole(sale: SaleUnderTest) -> None:
    audit = sale.audit()
    assert audit.ok, [check for check in audit.checks if not check.ok]


def test_an_expired_hold_goes_to_the_oldest_who_stands_by(shop: Shop) -> None:
    sale = shop.open_sale(units=1)
    first, second, third = shop.shoppers(3)
    sale.line_up([first, second, third])
    sale.drain()
    let_expire(sale)
    shop.sweep()
    sale.drain()
    assert holders(sale) == {second}
    assert sale.statuses() == ["held", "held", "standby"]
    require_whole(sale)


def test_a_hold_before_its_deadline_is_left_alone(shop: Shop) -> None:
    sale = shop.drained_sale(1, asked=2)
    shop.sweep()
    assert sale.statuses() == ["held", "standby"]


def test_an_expired_order_tells_when_and_why(shop: Shop, context: Context) -> None:
    sale = shop.open_sale(units=1)
    shopper = shop.shopper()
    sale.line_up([shopper])
    sale.drain()
    let_expire(sale)
    assert holds.sweep_holds(context) == 1
    (order,) = sale.orders()
    assert order.status == OrderStatus.EXPIRED
    assert order.released_at is not None
    assert holds.sweep_holds(context) == 0


def test_workers_that_expire_at_once_expire_each_hold_once(shop: Shop, context: Context) -> None:
    sale = shop.drained_sale(12, asked=18)
    let_expire(sale)
    ended = at_once(*[lambda: holds.sweep_holds(context)] * 4)
    holds.sweep_holds(context)
    assert sum(ended) == 12
    assert sale.look().number("available") == 12
    sale.drain()
    assert sale.look().number("held") == 6
    require_whole(sale)


def test_sweeps_that_note_the_same_holds_do_not_wait_for_each_other_in_a_circle(
    shop: Shop, context: Context
) -> None:
    sale = shop.drained_sale(20, asked=20)
    ids = sorted(order.id for order in sale.orders())
    let_expire(sale)
    holds.expire_due(context)
    # Now the row that comes first by its id comes last by its place in the table.
    sale.sql("UPDATE orders SET created_at = now() WHERE id = :first", first=ids[0])
    locking = text("SELECT id FROM orders WHERE id = :id FOR UPDATE NOWAIT")
    sweeping = threading.Thread(target=holds.release_pending, args=(context,))
    with context.database.connection() as other:
        other.execute(locking, {"id": ids[0]})
        sweeping.start()
        eventually(lambda: is_waiting(context))
        for order_id in ids[1:]:
            other.execute(locking, {"id": order_id})  # raises where the sweep has the row
    sweeping.join(30)
    assert all(order.released_at is not None for order in sale.orders())


def is_waiting(context: Context) -> bool:
    """Whether somebody waits for a row that another has locked."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with context.database.connection() as connection:
        return bool(connection.execute(waiting).scalar_one())


@pytest.mark.parametrize("step", ["ended", "released"])
def test_a_crash_on_the_way_home_loses_and_doubles_no_unit(shop: Shop, context: Context, step: str) -> None:
    sale = shop.drained_sale(3, asked=5)
    let_expire(sale)
    arm(f"{step}:1:raise")
    with pytest.raises(Failed):
        holds.sweep_holds(context)
    assert sale.look().number("available") <= 3
    holds.sweep_holds(context)
    sale.drain()
    assert sorted(sale.statuses()) == ["held"] * 5
    assert len(holders(sale)) == 2
    require_whole(sale)


def test_a_given_up_hold_goes_to_the_oldest_whose_quantity_fits(shop: Shop, context: Context) -> None:
    sale = shop.open_sale(units=2, limit=3)
    two, three, one = shop.shoppers(3)
    sale.submit(two, quantity=2)
    sale.drain()
    wants_both = sale.submit(three, quantity=2)
    wants_one = sale.submit(one, quantity=1)
    sale.drain()
    assert sale.statuses() == ["held", "standby", "standby"]
    (order,) = sale.orders()
    holds.cancel_order(context, two, order.id)
    sale.drain()
    held = {str(intent.id) for intent in sale.intents() if intent.status == IntentStatus.HELD}
    assert wants_both["id"] in held
    assert wants_one["id"] not in held
    require_whole(sale)


def test_nobody_is_sold_out_while_a_unit_may_come_back(shop: Shop) -> None:
    sale = shop.open_sale(units=2, limit=3)
    sale.line_up(shop.shoppers(2))
    sale.line_up(shop.shoppers(3))
    hopeless = sale.submit(shop.shopper(), quantity=3)
    sale.drain()
    assert sale.statuses() == ["held"] * 2 + ["standby"] * 3 + ["sold_out"]
    assert str(sale.intents()[-1].id) == hopeless["id"]


def test_the_end_of_a_sale_answers_who_stands_by_and_keeps_the_holds(shop: Shop) -> None:
    sale = shop.drained_sale(1, asked=3)
    sale.move(SaleStatus.ENDED)
    sale.drain()
    assert sale.statuses() == ["held", "sold_out", "sold_out"]
    assert [order.status for order in sale.orders()] == [OrderStatus.HELD]
    let_expire(sale)
    shop.sweep()
    assert sale.look().number("available") == 1
    require_whole(sale)


def test_a_pause_keeps_places_while_holds_go_on_to_end(shop: Shop) -> None:
    sale = shop.drained_sale(1, asked=2)
    sale.move(SaleStatus.PAUSED)
    let_expire(sale)
    shop.sweep()
    sale.drain()
    assert sale.statuses() == ["held", "standby"]
    sale.move(SaleStatus.OPEN)
    sale.drain()
    assert sale.statuses() == ["held", "held"]
    require_whole(sale)


def test_every_return_goes_to_the_next_until_all_were_served(shop: Shop, context: Context) -> None:
    """The long way: most holds are given up or expire, and the books balance at every look."""
    chance = random.Random(20)
    sale = shop.open_sale(units=8, limit=3)
    for user in shop.shoppers(30):
        sale.submit(user, quantity=chance.choice([1, 1, 1, 2, 3]), accept_fewer=chance.random() < 0.3)
    sale.drain()
    for _ in range(200):
        open_holds = [order for order in sale.orders() if order.status == OrderStatus.HELD]
        if not open_holds:
            break
        given_up = chance.sample(open_holds, min(len(open_holds), chance.randint(1, 6)))
        for order in given_up:
            holds.cancel_order(context, order.user_id, order.id)
        let_expire(sale, chance.randint(0, 3))
        shop.sweep()
        sale.drain()
        require_whole(sale)
    look = sale.look()
    assert (look.number("available"), look.number("held"), look.number("standby")) == (8, 0, 0)
    assert set(sale.statuses()) == {"held"}
    assert len(sale.orders()) == 30


def test_a_sale_with_many_holds_is_cancelled_to_the_last(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "AT_ONCE", 3)
    sale = shop.drained_sale(10, asked=10)
    sale.move(SaleStatus.CANCELLED)
    for _ in range(5):
        shop.sweep()
        sale.drain()
    assert {order.status for order in sale.orders()} == {OrderStatus.CANCELLED}
    assert sale.look().number("available") == 10
    require_whole(sale)


def test_a_sale_that_is_stuck_holds_up_no_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "AT_ONCE", 2)
    stuck, other = shop.open_sale(units=4), shop.open_sale(units=1)
    for sale in (stuck, other):
        sale.line_up(shop.shoppers(4))
        sale.drain()
        let_expire(sale)
    stuck.sql("UPDATE sales SET epoch = 'another' WHERE id = :sale_id")
    for _ in range(4):
        holds.sweep_holds(shop.context)
    other.drain()
    assert other.statuses() == ["held", "held", "standby", "standby"]
    assert stuck.look().number("available") == 0


def test_the_audit_catches_a_later_ticket_that_was_served_first(shop: Shop) -> None:
    sale = shop.drained_sale(1, asked=3)
    let_expire(sale)
    shop.sweep()
    sale.drain()
    require_whole(sale)
    sale.sql("UPDATE intents SET ticket = 99 WHERE sale_id = :sale_id AND ticket = 2")
    sale.sql("UPDATE intents SET ticket = 2 WHERE sale_id = :sale_id AND ticket = 3")
    sale.sql("UPDATE intents SET ticket = 3 WHERE sale_id = :sale_id AND ticket = 99")
    fifo = next(check for check in sale.audit().checks if check.name == "fifo")
    assert (fifo.ok, [row["ticket"] for row in fifo.rows]) == (False, [2])


def test_a_hold_is_given_up_although_redis_is_away(shop: Shop, context: Context) -> None:
    sale = shop.open_sale(units=1)
    owner, next_one = shop.shoppers(2)
    sale.line_up([owner, next_one])
    sale.drain()
    (order,) = sale.orders()
    assert holds.cancel_order(away(context, "release"), owner, order.id)["status"] == "cancelled"
    assert sale.look().number("available") == 0
    shop.sweep()
    sale.drain()
    assert holders(sale) == {next_one}
    require_whole(sale)
