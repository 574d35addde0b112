"""The audit finds what disagrees: every check, made to fail by a hand in one of the stores."""

from collections.abc import Callable
from typing import cast

import pytest

from models.errors import NoSuchSale
from models.ids import new_intent_id
from models.live.keys import SaleKeys
from tasks.payments.refunds import request_refund
from tests.support.paying import Till
from tests.support.shop import SaleUnderTest, Shop

Plant = Callable[[SaleUnderTest], None]


def live(sale: SaleUnderTest, **fields: object) -> None:
    sale.context.live.client.hset(
        SaleKeys.of(sale.id).state, mapping={name: str(value) for name, value in fields.items()}
    )


def oversell_live(sale: SaleUnderTest) -> None:
    live(sale, held=6, available=-3)


def oversell_orders(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE orders SET quantity = 100 WHERE sale_id = :sale_id")


def lose_a_live_unit(sale: SaleUnderTest) -> None:
    live(sale, available=1)


def miscount_the_ledger(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE sales SET held = held - 1 WHERE id = :sale_id")


def miscount_what_is_sold(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE sales SET sold = 2, held = held - 1 WHERE id = :sale_id")


def give_the_live_side_more(sale: SaleUnderTest) -> None:
    live(sale, allocation=9, available=5)


def change_the_epoch(sale: SaleUnderTest) -> None:
    live(sale, epoch="another")


def refuse_an_early_ticket(sale: SaleUnderTest) -> None:
    sale.sql(
        "DELETE FROM order_events WHERE order_id IN "
        "(SELECT o.id FROM orders o JOIN intents i ON i.id = o.intent_id WHERE i.ticket = 1)"
    )
    sale.sql("DELETE FROM orders WHERE intent_id IN (SELECT id FROM intents WHERE ticket = 1)")
    sale.sql("UPDATE intents SET status = 'sold_out' WHERE sale_id = :sale_id AND ticket = 1")


def lose_an_intent(sale: SaleUnderTest) -> None:
    sale.sql("DELETE FROM intents WHERE sale_id = :sale_id AND status = 'left'")


def forget_the_high_water_mark(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE sales SET last_decided_ticket = 1 WHERE id = :sale_id")


def grant_without_an_order(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE intents SET status = 'held' WHERE sale_id = :sale_id AND status = 'left'")


def order_without_an_intent(sale: SaleUnderTest) -> None:
    sale.sql(
        "INSERT INTO orders (id, intent_id, sale_id, user_id, quantity, unit_price_minor, currency, status,"
        " expires_at, created_at, released_at)"
        " SELECT gen_random_uuid(), gen_random_uuid(), sale_id, user_id, 1, 1, 'USD', 'expired', now(),"
        " now(), now() FROM orders WHERE sale_id = :sale_id LIMIT 1"
    )


def order_of_somebody_else(sale: SaleUnderTest) -> None:
    sale.sql(
        "UPDATE orders SET user_id = (SELECT user_id FROM intents WHERE status = 'left')"
        " WHERE sale_id = :sale_id AND status = 'paid'"
    )


def decide_without_an_account(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE intents SET user_id = gen_random_uuid() WHERE sale_id = :sale_id AND status = 'left'")


def drop_one_from_the_line(sale: SaleUnderTest) -> None:
    sale.context.live.client.rpop(SaleKeys.of(sale.id).line)


def wait_without_a_place(sale: SaleUnderTest) -> None:
    live(sale, waiting=9)


def forget_a_standby(sale: SaleUnderTest) -> None:
    sale.context.live.client.zpopmin(SaleKeys.of(sale.id).standby)


def forget_a_hold(sale: SaleUnderTest) -> None:
    keys = SaleKeys.of(sale.id)
    sale.context.live.client.hdel(keys.holds, str(sale.orders()[0].intent_id))


def swell_a_hold(sale: SaleUnderTest) -> None:
    order = sale.orders()[0]
    keys = SaleKeys.of(sale.id)
    sale.context.live.client.hset(keys.holds, str(order.intent_id), f"{order.user_id}|7")


def break_the_limit(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE orders SET user_id = (SELECT user_id FROM orders ORDER BY id LIMIT 1)")


def park_a_claim(sale: SaleUnderTest) -> None:
    sale.context.live.client.zadd(SaleKeys.of(sale.id).claims, {"parked": float("inf")})


def forget_a_sold_unit(sale: SaleUnderTest) -> None:
    sale.context.live.client.delete(SaleKeys.of(sale.id).sold)


def sell_to_another(sale: SaleUnderTest) -> None:
    keys, client = SaleKeys.of(sale.id), sale.context.live.client
    [intent] = cast(list[str], client.hkeys(keys.sold))
    client.hset(keys.sold, intent, "somebody|1")


def grant_and_refuse(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE intents SET status = 'sold_out' WHERE sale_id = :sale_id AND ticket = 1")


PLANTED: list[tuple[str, Plant]] = [
    ("no_oversell", oversell_live),
    ("no_oversell", oversell_orders),
    ("conservation", lose_a_live_unit),
    ("conservation", miscount_the_ledger),
    ("conservation", miscount_what_is_sold),
    ("stores_agree", give_the_live_side_more),
    ("stores_agree", change_the_epoch),
    ("fifo", refuse_an_early_ticket),
    ("dense_tickets", lose_an_intent),
    ("dense_tickets", forget_the_high_water_mark),
    ("one_order_a_held_intent", grant_without_an_order),
    ("one_order_a_held_intent", grant_and_refuse),
    ("one_order_a_held_intent", order_without_an_intent),
    ("one_order_a_held_intent", order_of_somebody_else),
    ("one_order_a_held_intent", decide_without_an_account),
    ("line_is_whole", drop_one_from_the_line),
    ("line_is_whole", wait_without_a_place),
    ("standby_agrees", forget_a_standby),
    ("holds_agree", forget_a_hold),
    ("holds_agree", swell_a_hold),
    ("limit_is_kept", break_the_limit),
    ("nothing_parked", park_a_claim),
    ("sold_agrees", forget_a_sold_unit),
    ("sold_agrees", sell_to_another),
]


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """A sale with holds, one of them paid, somebody who left, somebody on standby, and somebody in line."""
    sale = shop.open_sale(4)
    people = shop.shoppers(7)
    ids = sale.line_up(people[:6])
    sale.leave(people[1], ids[1])
    sale.drain()
    Till.over(shop.context).pay(next(one for one in sale.orders() if one.intent_id == ids[4]))
    sale.line_up(people[6:])
    return sale


def failed(sale: SaleUnderTest) -> set[str]:
    return {check.name for check in sale.audit().checks if not check.ok}


def test_a_sale_in_order_passes_every_check(sale: SaleUnderTest) -> None:
    audit = sale.audit()
    assert (audit.ok, audit.in_flight) == (True, False)
    elsewhere = {"draw_repeats", "money_adds_up"}
    assert {check.name for check in audit.checks} == {name for name, _ in PLANTED} | elsewhere


@pytest.mark.parametrize(("check", "plant"), PLANTED, ids=lambda one: getattr(one, "__name__", one))
def test_a_planted_disagreement_is_found(sale: SaleUnderTest, check: str, plant: Plant) -> None:
    plant(sale)
    assert check in failed(sale)


def test_a_ticket_number_above_its_place_is_found(sale: SaleUnderTest) -> None:
    stranger = sale.intents()[0]
    sale.sql(
        "INSERT INTO intents (id, sale_id, user_id, ticket, quantity, accept_fewer, status, submitted_at,"
        " decided_at) VALUES (:id, :sale_id, :user, 99, 1, false, 'sold_out', now(), now())",
        id=new_intent_id(1),
        user=stranger.user_id,
    )
    assert "dense_tickets" in failed(sale)


def test_a_refunded_unit_that_a_later_ticket_gets_is_no_inversion(shop: Shop, till: Till) -> None:
    sale = shop.drained_sale(1, asked=2)
    [order] = sale.orders()
    till.pay(order)
    sale.drain()
    assert sale.statuses() == ["held", "sold_out"]
    request_refund(till.context, order.id, by=None)
    till.drive_refunds()
    sale.line_up([shop.shopper()])
    sale.drain()
    assert sale.statuses() == ["held", "sold_out", "held"]
    assert sale.audit().ok


def test_an_audit_of_nothing_is_refused(shop: Shop) -> None:
    with pytest.raises(NoSuchSale):
        SaleUnderTest(shop.context, shop.product()).audit()
