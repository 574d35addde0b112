"""Draining in one process: who gets units, what the ledger then says, and what is told."""

from contextlib import closing
from dataclasses import replace

import orjson

from models.enums import SaleStatus
from models.live.keys import SaleKeys
from models.live.records import Claim
from tasks.intents.drain import drain_sale, finish_claim
from tests.support.contexts import rings
from tests.support.shop import Shop
from tests.support.verdicts import winners_and_losers


def test_the_first_in_line_get_the_units(shop: Shop) -> None:
    sale = shop.open_sale(units=3)
    sale.line_up(shop.shoppers(5))
    assert sale.drain() == 5
    assert sale.statuses()[:3] == ["held"] * 3
    assert winners_and_losers(sale.statuses()) == (3, 2)
    assert sale.audit().ok


def test_a_verdict_in_the_ledger_is_the_one_of_the_claim(shop: Shop) -> None:
    sale = shop.open_sale(units=5, limit=3)
    (ann,) = shop.shoppers(1)
    asked = sale.submit(ann, quantity=3, accept_fewer=True)
    sale.drain()
    (intent,), (order,) = sale.intents(), sale.orders()
    assert (str(intent.id), intent.user_id, intent.ticket) == (asked["id"], ann, 1)
    assert (intent.quantity, intent.accept_fewer, intent.status, intent.reason) == (3, True, "held", None)
    assert (order.intent_id, order.quantity, order.status) == (intent.id, 3, "held")
    assert (order.unit_price_minor, order.currency) == (1_999, "USD")
    assert (order.expires_at - order.created_at).total_seconds() == 600


def test_small_claims_decide_as_a_big_one_would(shop: Shop) -> None:
    sale = shop.open_sale(units=10)
    sale.line_up(shop.shoppers(25))
    small = replace(shop.context, settings=replace(shop.context.settings, claim_size=3))
    assert drain_sale(small, sale.id) == 25
    assert [intent.ticket for intent in sale.intents() if intent.status == "held"] == list(range(1, 11))
    assert sale.audit().ok


def test_a_price_changed_while_they_wait_is_the_price_of_the_verdict(shop: Shop) -> None:
    sale = shop.open_sale(units=1)
    sale.line_up(shop.shoppers(1))
    sale.change(price_minor=5)
    sale.drain()
    assert [order.unit_price_minor for order in sale.orders()] == [5]


def test_an_ended_sale_still_answers_those_in_line(shop: Shop) -> None:
    sale = shop.open_sale(units=5)
    sale.line_up(shop.shoppers(3))
    sale.move(SaleStatus.ENDED)
    sale.drain()
    assert {(intent.status, intent.reason) for intent in sale.intents()} == {("sold_out", "sale_ended")}
    assert sale.orders() == []
    assert sale.audit().ok


def test_a_verdict_is_told_to_whom_it_concerns(shop: Shop) -> None:
    sale = shop.open_sale(units=1)
    ann, bob = shop.shoppers(2)
    ids = sale.line_up([ann, bob])
    with closing(shop.context.live.client.pubsub(ignore_subscribe_messages=True)) as heard:  # type: ignore[no-untyped-call]
        heard.subscribe(SaleKeys.of(sale.id).verdict_channel)
        heard.get_message(timeout=5)
        sale.drain()
        message = heard.get_message(timeout=5)
    told = orjson.loads(message["data"])
    assert [(user, intent["id"]) for user, intent, _ in told] == [
        (str(ann), str(ids[0])),
        (str(bob), str(ids[1])),
    ]
    assert told[0][2]["status"] == "held"
    assert told[1][2] is None


def test_a_drain_gives_way_after_its_slice_and_rings_for_the_next(shop: Shop) -> None:
    sale = shop.open_sale(units=5)
    sale.line_up(shop.shoppers(5))
    small = replace(shop.context, settings=replace(shop.context.settings, claim_size=2))
    clock = iter(range(0, 100, 2))
    before = len(rings(shop.context))
    assert drain_sale(small, sale.id, clock=lambda: next(clock)) == 2
    assert rings(shop.context)[before:] == [str(sale.id)]


def test_a_long_line_calls_for_help_once(shop: Shop) -> None:
    sale = shop.open_sale(units=5)
    sale.line_up(shop.shoppers(12))
    small = replace(shop.context, settings=replace(shop.context.settings, claim_size=1))
    before = len(rings(shop.context))
    drain_sale(small, sale.id, clock=lambda: 0)
    assert rings(shop.context)[before:] == [str(sale.id)]


def test_draining_a_sale_that_is_not_there_is_nothing(shop: Shop) -> None:
    sale = shop.open_sale()
    shop.context.live.client.flushdb()
    assert sale.drain() == 0


def test_finishing_a_claim_twice_is_finishing_it_once(shop: Shop) -> None:
    sale = shop.open_sale(units=2)
    sale.line_up(shop.shoppers(3))
    claim = shop.context.live.claim(sale.id, 10).claim
    assert isinstance(claim, Claim)
    assert finish_claim(shop.context, sale.id, claim)
    assert finish_claim(shop.context, sale.id, claim)
    assert (len(sale.intents()), len(sale.orders()), sale.row().held) == (3, 2, 2)
    assert sale.audit().ok
