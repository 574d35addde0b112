"""When an audit compares the stores: at rest, and what is in flight is not mistaken for a disagreement."""

from collections.abc import Callable
from uuid import UUID

import pytest

from models.audit.sale import READINGS, audit_sale
from models.live.keys import SaleKeys
from models.live.store import Live
from tasks.intents.drain import finish_claim
from tasks.orders.holds import cancel_order
from tasks.payments.refunds import request_refund
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.support.paying import Till
from tests.support.shop import SaleUnderTest, Shop


def test_verdicts_in_flight_are_no_disagreement(shop: Shop) -> None:
    sale = shop.open_sale(3)
    sale.line_up(shop.shoppers(5))
    sale.context.live.claim(sale.id, 2)
    audit = sale.audit()
    assert (audit.ok, audit.in_flight) == (True, True)


@pytest.mark.parametrize("status", ["expired", "cancelled", "paid", "refunded"])
def test_an_order_on_its_way_home_is_in_flight(shop: Shop, till: Till, status: str) -> None:
    sale = shop.drained_sale(3, asked=2)
    order = sale.orders()[0]
    if status in ("paid", "refunded"):
        till.pay(order)
    if status == "refunded":
        request_refund(till.context, order.id, by=None)
        till.drive_refunds()
    elif status == "expired":
        till.end_hold(order)
        shop.sweep()
    elif status == "cancelled":
        cancel_order(shop.context, order.user_id, order.id)
    assert (sale.audit().ok, sale.audit().in_flight) == (True, False)
    sale.sql("UPDATE orders SET released_at = NULL WHERE sale_id = :sale_id")
    assert sale.audit().in_flight


def test_an_adjustment_is_in_flight_until_it_is_finished(shop: Shop) -> None:
    sale = shop.open_sale(3)
    sale.change(allocation=4)
    assert not sale.audit().in_flight
    sale.sql("INSERT INTO adjustments (id, sale_id, units) VALUES (gen_random_uuid(), :sale_id, 1)")
    assert sale.audit().in_flight


Move = Callable[[SaleUnderTest], object]
MOVES: dict[str, Move] = {
    "somebody comes": lambda sale: sale.submit(Shop(sale.context).shopper()),
    "a setting changes": lambda sale: sale.change(price_minor=5),
    "a claim is finished": lambda sale: sale.drain(),
    "a hold comes home": lambda sale: cancel_order(
        sale.context, sale.orders()[0].user_id, sale.orders()[0].id
    ),
    "a hold is sold": lambda sale: Till.over(sale.context).pay(sale.orders()[0]),
    "a rebuild": lambda sale: rebuild_sale(sale.context, sale.id),
}


@pytest.mark.parametrize("move", MOVES)
def test_what_moves_while_the_stores_are_read_is_seen_and_they_are_read_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, move: str
) -> None:
    sale = shop.drained_sale(3, asked=2)
    sale.line_up(shop.shoppers(1))
    turns: list[int] = []
    people = Live.people

    def meanwhile(self: Live, sale_id: UUID) -> object:
        turns.append(1)
        if len(turns) <= busy:
            MOVES[move](sale)
        return people(self, sale_id)

    monkeypatch.setattr(Live, "people", meanwhile)
    busy = 1
    audit = sale.audit()
    assert (audit.ok, audit.in_flight, len(turns)) == (True, False, 2)


def test_a_sale_that_never_rests_is_audited_in_flight(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = shop.open_sale(3)
    people = Live.people

    def meanwhile(self: Live, sale_id: UUID) -> object:
        sale.submit(shop.shopper())
        return people(self, sale_id)

    monkeypatch.setattr(Live, "people", meanwhile)
    audit = sale.audit()
    assert (audit.ok, audit.in_flight, sale.look().number("last_ticket")) == (True, True, READINGS)


@pytest.mark.parametrize("begins", [True, False])
def test_a_claim_that_begins_or_ends_meanwhile_is_in_flight(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, begins: bool
) -> None:
    sale = shop.open_sale(3)
    keys, client, people = SaleKeys.of(sale.id), shop.context.live.client, Live.people

    def meanwhile(self: Live, sale_id: UUID) -> object:
        if begins:
            client.zadd(keys.claims, {"one": 1})
        else:
            client.delete(keys.claims)
        return people(self, sale_id)

    monkeypatch.setattr(Live, "people", meanwhile)
    if not begins:
        client.zadd(keys.claims, {"one": 1})
    assert audit_sale(shop.context.database, shop.context.live, sale.id, readings=1).in_flight


def test_who_left_standby_and_bought_again_is_within_the_limit_before_the_ledger_knows(shop: Shop) -> None:
    sale = shop.open_sale(1)
    first, second = shop.shoppers(2)
    _, waiting = sale.line_up([first, second])
    sale.drain()
    sale.leave(second, waiting)
    [order] = sale.orders()
    cancel_order(shop.context, first, order.id)
    sale.submit(second)
    left, held = (sale.context.live.claim(sale.id, 10).claim for _ in range(2))
    assert left is not None
    assert held is not None
    assert finish_claim(shop.context, sale.id, held)
    assert sale.statuses() == ["held", "standby", "held"]
    audit = sale.audit()
    assert (audit.ok, audit.in_flight) == (True, True)
    assert finish_claim(shop.context, sale.id, left)
    assert (sale.audit().ok, sale.audit().in_flight) == (True, False)
