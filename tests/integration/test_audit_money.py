"""The audit of money: every rule of it broken by a hand, and every kind of money in order at once."""

from collections.abc import Callable
from typing import cast

import pytest

from models.live.keys import SaleKeys
from tasks.payments.refunds import request_refund
from tests.integration.test_payments_lives import abandoned
from tests.support.paying import OK, Till
from tests.support.shop import PRICE_MINOR, SaleUnderTest, Shop

Plant = Callable[[SaleUnderTest], None]


def pay_without_a_charge(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE payments SET status = 'declined' WHERE :sale_id IS NOT NULL")


def charge_too_much(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE payments SET amount_minor = amount_minor + 1 WHERE :sale_id IS NOT NULL")


def keep_the_money_of_a_hold(sale: SaleUnderTest) -> None:
    sale.sql(
        "INSERT INTO payments (id, order_id, user_id, provider, method, amount_minor, currency, status,"
        " patience_until, pinned_until, finished_at)"
        " SELECT gen_random_uuid(), id, user_id, 'x', 'x', 5, 'USD', 'succeeded', now(), now(), now()"
        " FROM orders WHERE sale_id = :sale_id AND status = 'held'"
    )


def keep_a_charge_of_nothing(sale: SaleUnderTest) -> None:
    sale.sql(
        "INSERT INTO payments (id, order_id, user_id, provider, method, amount_minor, currency, status,"
        " patience_until, pinned_until, finished_at)"
        " SELECT gen_random_uuid(), id, user_id, 'x', 'x', 0, 'USD', 'succeeded', now(), now(), now()"
        " FROM orders WHERE sale_id = :sale_id AND status = 'held'"
    )


def give_back_without_a_refund(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE payments SET status = 'refunded' WHERE :sale_id IS NOT NULL")


def give_back_and_keep(sale: SaleUnderTest) -> None:
    sale.sql(REFUND, status="succeeded", less=0)


def give_back_too_little(sale: SaleUnderTest) -> None:
    sale.sql(REFUND, status="succeeded", less=1)
    refund_all(sale)


def say_too_early_that_it_was_given_back(sale: SaleUnderTest) -> None:
    sale.sql(REFUND, status="failed", less=0)
    refund_all(sale)


def refund_without_giving_back(sale: SaleUnderTest) -> None:
    refund_all(sale)
    sale.sql("UPDATE payments SET status = 'declined' WHERE :sale_id IS NOT NULL")


def refund_all(sale: SaleUnderTest) -> None:
    """Let all that was paid be refunded, on either side; whether the money went back is another question."""
    sale.sql("UPDATE payments SET status = 'refunded' WHERE :sale_id IS NOT NULL")
    sale.sql(
        "UPDATE orders SET status = 'refunded', refunded_at = now()"
        " WHERE sale_id = :sale_id AND status = 'paid'"
    )
    sale.sql("UPDATE sales SET sold = 0 WHERE id = :sale_id")
    keys, client = SaleKeys.of(sale.id), sale.context.live.client
    client.hset(keys.state, mapping={"sold": 0, "available": sale.look().number("available") + 1})
    for sold in cast(list[str], client.hvals(keys.sold)):
        client.hdel(keys.units, sold.rpartition("|")[0])
    client.delete(keys.sold)


def lose_a_receipt(sale: SaleUnderTest) -> None:
    sale.sql("DELETE FROM receipts WHERE :sale_id IS NOT NULL")


def write_a_receipt_of_another_total(sale: SaleUnderTest) -> None:
    sale.sql(
        "UPDATE receipts SET quantity = 2, total_minor = 2 * unit_price_minor WHERE :sale_id IS NOT NULL"
    )


def write_a_receipt_of_what_is_not_paid(sale: SaleUnderTest) -> None:
    sale.sql(
        "INSERT INTO receipts (order_id, year, number, issued_at, item, quantity, unit_price_minor,"
        " total_minor, currency, buyer_name, buyer_email)"
        " SELECT id, 1999, 1, now(), 'x', 1, unit_price_minor, unit_price_minor, 'USD', '', ''"
        " FROM orders WHERE sale_id = :sale_id AND status = 'held' LIMIT 1"
    )


REFUND = (
    "INSERT INTO refunds (id, payment_id, order_id, amount_minor, currency, cause, status, finished_at)"
    " SELECT gen_random_uuid(), id, order_id, amount_minor - :less, 'USD', 'admin', :status, now()"
    " FROM payments WHERE :sale_id IS NOT NULL"
)


PLANTED: list[Plant] = [
    pay_without_a_charge,
    charge_too_much,
    keep_the_money_of_a_hold,
    give_back_without_a_refund,
    give_back_and_keep,
    give_back_too_little,
    say_too_early_that_it_was_given_back,
    refund_without_giving_back,
    lose_a_receipt,
    write_a_receipt_of_another_total,
    write_a_receipt_of_what_is_not_paid,
]


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """A sale with two holds and an order that is paid."""
    sale = shop.drained_sale(4, asked=3)
    Till.over(shop.context).pay(sale.orders()[0])
    return sale


def failed(sale: SaleUnderTest) -> set[str]:
    return {check.name for check in sale.audit().checks if not check.ok}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda one: one.__name__)
def test_money_that_does_not_add_up_is_found_and_nothing_else(sale: SaleUnderTest, plant: Plant) -> None:
    assert failed(sale) == set()
    plant(sale)
    assert failed(sale) == {"money_adds_up"}


@pytest.mark.parametrize(
    "fault", [pay_without_a_charge, keep_a_charge_of_nothing], ids=lambda one: one.__name__
)
def test_charges_of_what_costs_nothing_are_held_to_the_rules_too(shop: Shop, fault: Plant) -> None:
    sale = shop.open_sale(2)
    sale.change(price_minor=0)
    sale.line_up(shop.shoppers(2))
    sale.drain()
    Till.over(shop.context).pay(sale.orders()[0])
    assert sale.audit().ok
    fault(sale)
    assert failed(sale) == {"money_adds_up"}


def test_every_kind_of_unit_and_money_is_in_order_at_once(shop: Shop) -> None:
    """Held, paying, paid, refunded, late and on standby, of several units each; nobody stands in line."""
    sale, till = all_kinds(shop)
    audit = sale.audit()
    assert (audit.ok, audit.in_flight) == (True, True), [check for check in audit.checks if not check.ok]
    [money] = [check.figures for check in audit.checks if check.name == "money_adds_up"]
    assert money == {
        "charged_minor": 6 * PRICE_MINOR,
        "refunded_minor": 2 * PRICE_MINOR,
        "undecided_minor": 2 * PRICE_MINOR,
        "paid_orders_minor": 2 * PRICE_MINOR,
    }
    [late] = [one for order in sale.orders() for one in till.payments(order) if one.status == "late"]
    till.drive(late.id)  # others stand by: the money is to go back
    audit = sale.audit()
    assert (audit.ok, audit.in_flight) == (True, False), [check for check in audit.checks if not check.ok]


def all_kinds(shop: Shop) -> tuple[SaleUnderTest, Till]:
    elsewhere = shop.open_sale(1)  # whose rows are none of this sale's
    elsewhere.line_up(shop.shoppers(3))
    elsewhere.drain()
    sale, till = shop.open_sale(10, limit=4), Till.over(shop.context)
    till.pay(elsewhere.orders()[0])
    sale.line_up(shop.shoppers(5), quantity=2)
    sale.line_up(shop.shoppers(2), quantity=3)
    sale.drain()
    orders = {one.intent_id: one for one in sale.orders()}
    _, paying, paid, refunded, late = [orders[one.id] for one in sale.intents()[:5]]
    till.begin(paying)
    till.pay(paid)
    till.pay(refunded)
    abandoned(shop, till, late)
    request_refund(till.context, refunded.id, by=None)
    till.drive_refunds()
    sale.submit(shop.shopper(), quantity=4)
    sale.drain()
    till.hear(till.payments(late)[0].id, OK)
    return sale, till
