"""The lobby over HTTP and the stores: asked early, drawn once, and repeatable by anybody from the audit."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from models.vocabulary import SaleStatus
from tasks.sale_rules import BadSale
from tests.support.shop import SaleUnderTest, Shop

Given = Callable[..., Any]


def draw_sale(shop: Shop, units: int = 10) -> SaleUnderTest:
    lobby_opens_at = datetime.now(UTC) - timedelta(minutes=1)
    return shop.scheduled_sale(units, admission_order="draw", lobby_opens_at=lobby_opens_at)


def test_a_draw_of_a_thousand_can_be_repeated_from_the_recorded_seed(shop: Shop) -> None:
    sale = draw_sale(shop, units=100)
    committed = sale.row().draw_seed_hash
    arrived = [str(one) for one in sale.line_up(shop.shoppers(1_000))]
    sale.move(SaleStatus.OPEN)
    sale.drain()
    check = next(one for one in sale.audit().checks if one.name == "draw_repeats")
    seed = check.figures["seed"]
    assert hashlib.sha256(seed.encode()).hexdigest() == committed == check.figures["seed_sha256"]
    by_hand = sorted(arrived, key=lambda one: hashlib.sha1(f"{seed}:{one}".encode()).hexdigest())  # noqa: S324
    assert [str(intent.id) for intent in sale.intents()] == by_hand
    assert [intent.ticket for intent in sale.intents()] == list(range(1, 1_001))
    assert {intent.status for intent in sale.intents()[:100]} == {"held"}
    assert sale.audit().ok


def test_whoever_comes_to_a_drawn_line_later_stands_behind_the_lobby(shop: Shop) -> None:
    sale = draw_sale(shop)
    sale.line_up(shop.shoppers(8))
    sale.move(SaleStatus.OPEN)
    assert sale.submit(shop.shopper())["ticket"] == 9


def test_a_shopper_waits_in_the_lobby_and_stands_in_line_after(shop: Shop) -> None:
    sale = draw_sale(shop)
    intent = sale.submit(shop.shopper())
    assert intent["status"] == "waiting"
    sale.drain()
    assert sale.intents() == []
    sale.move(SaleStatus.OPEN)
    sale.drain()
    assert sale.statuses() == ["held"]


def test_the_audit_catches_a_lobby_that_was_not_drawn_by_its_seed(shop: Shop) -> None:
    sale = draw_sale(shop)
    sale.line_up(shop.shoppers(12))
    sale.move(SaleStatus.OPEN)
    sale.drain()
    assert sale.audit().ok
    sale.sql("UPDATE sales SET draw_seed = repeat('0', 64) WHERE id = :sale_id")
    assert not next(one for one in sale.audit().checks if one.name == "draw_repeats").ok


def test_a_draw_needs_a_lobby(shop: Shop) -> None:
    with pytest.raises(BadSale):
        shop.scheduled_sale(admission_order="draw")


def test_the_order_is_fixed_by_the_opening(shop: Shop) -> None:
    sale = draw_sale(shop)
    sale.move(SaleStatus.OPEN)
    with pytest.raises(BadSale):
        sale.change(admission_order="fifo")


def test_the_size_of_the_lobby_is_noted_by_the_sweep_where_the_opening_could_not(shop: Shop) -> None:
    sale = draw_sale(shop)
    sale.line_up(shop.shoppers(3))
    sale.move(SaleStatus.OPEN)
    sale.sql("UPDATE sales SET lobby_size = NULL WHERE id = :sale_id")
    shop.sweep()
    assert sale.row().lobby_size == 3


def test_the_limit_of_a_shopper_is_not_lowered_once_some_may_hold_more(shop: Shop) -> None:
    sale = shop.open_sale(limit=2)
    with pytest.raises(BadSale):
        sale.change(per_shopper_limit=1)
    sale.change(per_shopper_limit=3)
    assert sale.look().number("per_shopper_limit") == 3


def test_the_seed_is_committed_to_before_and_told_after(shop: Shop, client: FlaskClient) -> None:
    sale = draw_sale(shop)
    before = client.get(f"/api/v1/sales/{sale.id}").json["admission"]  # type: ignore[index]
    assert (before["seed"], before["seed_sha256"]) == (None, sale.row().draw_seed_hash)
    sale.move(SaleStatus.OPEN)
    after = client.get(f"/api/v1/sales/{sale.id}").json["admission"]  # type: ignore[index]
    assert hashlib.sha256(after["seed"].encode()).hexdigest() == before["seed_sha256"]


def test_a_rebuilt_sale_is_not_drawn_again(shop: Shop) -> None:
    from tasks.rebuild import rebuild_sale

    sale = draw_sale(shop, units=2)
    users: list[UUID] = shop.shoppers(6)
    sale.line_up(users)
    sale.move(SaleStatus.OPEN)
    sale.drain()
    before = [intent.id for intent in sale.intents()]
    rebuild_sale(sale.context, sale.id)
    sale.line_up(shop.shoppers(3))
    sale.drain()
    assert [intent.id for intent in sale.intents()][:6] == before
    assert sale.audit().ok
