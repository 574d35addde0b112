"""The lobby over HTTP and the stores: asked early, drawn once, and repeatable by anybody from the audit."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from models.enums import SaleStatus
from models.errors import BadSale
from tasks.intents.drain import finish_claim
from tasks.intents.shopper_state import newest_of_shoppers
from tasks.intents.submit import find_intent
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.support.shop import SaleUnderTest, Shop
from web.api.intents import page_of_sale

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


def test_an_intent_that_comes_to_a_drawn_line_later_stands_behind_the_lobby(shop: Shop) -> None:
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


def test_who_leaves_the_lobby_finds_that_again_and_takes_no_ticket(shop: Shop) -> None:
    sale, (gone, stays) = draw_sale(shop), shop.shoppers(2)
    intent_id, _ = sale.line_up([gone, stays])
    assert sale.leave(gone, intent_id)["status"] == "left"
    for _ in ("in Redis", "in the ledger"):
        told, owner = find_intent(sale.context, intent_id)
        assert (told["status"], told["ticket"], owner) == ("left", None, gone)
        assert sale.leave(gone, intent_id)["status"] == "left"
        sale.drain()
    assert sale.look().departed == 0
    again = sale.submit(gone)
    assert again["ticket"] == 2
    sale.move(SaleStatus.OPEN)
    sale.drain()
    assert sorted(one.ticket or 0 for one in sale.intents()) == [0, 1, 2]
    newest, _ = newest_of_shoppers(sale.context, sale.id, [str(gone)])[str(gone)]
    assert newest is not None
    assert newest["id"] == again["id"]
    audit = sale.audit()
    assert audit.ok, audit


def test_a_sweep_has_the_ledger_learn_who_left_the_lobby(shop: Shop) -> None:
    sale, user = draw_sale(shop), shop.shopper()
    sale.leave(user, sale.line_up([user])[0])
    assert shop.sweep() == 1
    sale.drain()
    assert sale.statuses() == ["left"]
    assert shop.sweep() == 0


def test_lists_of_a_sale_name_those_who_left_the_lobby_last(shop: Shop, client: FlaskClient) -> None:
    sale = draw_sale(shop)
    users = shop.shoppers(7)
    ids = sale.line_up(users)
    for user, intent_id in list(zip(users, ids, strict=True))[:4]:
        sale.leave(user, intent_id)
    sale.move(SaleStatus.OPEN)
    sale.drain()
    with client.application.app_context():
        page = page_of_sale(sale.id, None, 2, None)
        seen = [*page.items]
        while page.next_cursor is not None:
            page = page_of_sale(sale.id, None, 2, page.next_cursor)
            seen += page.items
    assert [one["ticket"] for one in seen] == [3, 2, 1, None, None, None, None]
    assert len({one["id"] for one in seen}) == 7


def test_a_drawing_that_died_with_its_process_is_ended_by_a_worker(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = draw_sale(shop, units=3)
    arrived = [str(one) for one in sale.line_up(shop.shoppers(30))]
    with monkeypatch.context() as dying:
        dying.setattr(type(sale.context.live), "draw", lambda *_: None)
        sale.move(SaleStatus.OPEN)
    assert sale.look().is_drawing
    told, _ = find_intent(sale.context, UUID(arrived[0]))
    assert (told["status"], told["ticket"], told["position"]) == ("queued", None, None)
    assert sale.submit(shop.shopper())["ticket"] == 31
    sale.forget_bell()
    assert shop.sweep() == 1
    sale.drain()
    seed = sale.row().draw_seed
    by_hand = sorted(arrived, key=lambda one: hashlib.sha1(f"{seed}:{one}".encode()).hexdigest())  # noqa: S324
    assert [str(one.id) for one in sale.intents()][:30] == by_hand
    assert sale.audit().ok


def test_a_rebuild_in_the_middle_of_a_drawn_lobby_leaves_a_draw_that_repeats(shop: Shop) -> None:
    sale = draw_sale(shop, units=2)
    sale.line_up(shop.shoppers(9))
    sale.move(SaleStatus.OPEN)
    claim = sale.context.live.claim(sale.id, 4).claim
    assert claim is not None
    assert finish_claim(sale.context, sale.id, claim)
    rebuild_sale(sale.context, sale.id)
    sale.line_up(shop.shoppers(6))
    sale.drain()
    audit = sale.audit()
    assert audit.ok, audit
