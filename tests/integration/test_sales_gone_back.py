"""Redis goes back in time, as when a lagging replica takes over: the sale stops, no number is given twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from models.audit.checks import Check
from models.enums import SaleStatus
from models.errors import LineDiverged, SaleNotOpen
from tasks.intake.intake import Intake
from tasks.intake.told_tickets import ToldTickets
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.integration.test_sales_rebuild import Snapshot
from tests.support.polling import eventually
from tests.support.shop import SaleUnderTest, Shop

LOST = 34
ORDERS = pytest.mark.parametrize("order", ["fifo", "draw"])


def tickets(sale: SaleUnderTest, users: list[UUID]) -> list[int]:
    return [sale.submit(user)["ticket"] for user in users]


def check(sale: SaleUnderTest, name: str) -> Check:
    return next(one for one in sale.audit().checks if one.name == name)


def is_due(sale: SaleUnderTest) -> None:
    sale.sql("UPDATE sales SET opens_at = now() - interval '1 s' WHERE id = :sale_id")


def lobby_that_lost(
    shop: Shop, order: str, *, known: int = 10, lost: int = LOST
) -> tuple[SaleUnderTest, Any]:
    """A sale that has not opened, whose newest intents are gone; and every ticket that was told."""
    sale = shop.lobby(5, order=order)
    told = tickets(sale, shop.shoppers(known))
    shop.sweep()
    lagging = Snapshot(sale)
    told += tickets(sale, shop.shoppers(lost))
    shop.sweep()
    lagging.restore()
    return sale, told


@ORDERS
def test_a_lobby_that_lost_intents_is_stopped_and_does_not_open_by_itself(shop: Shop, order: str) -> None:
    sale, _ = lobby_that_lost(shop, order)
    is_due(sale)
    shop.sweep()
    assert (sale.row().status, sale.look().fields["status"]) == ("paused", "paused")
    with pytest.raises(SaleNotOpen):
        sale.submit(shop.shopper())
    shop.sweep()
    assert sale.row().status == "paused"
    assert sale.look().number("now_serving") == 0
    assert sale.row().lobby_size is None


def test_nobody_opens_or_resumes_it_before_it_is_rebuilt(shop: Shop) -> None:
    sale, _ = lobby_that_lost(shop, "draw")
    with pytest.raises(LineDiverged):
        sale.move(SaleStatus.OPEN)
    assert sale.row().status == "paused"
    with pytest.raises(LineDiverged):
        sale.move(SaleStatus.OPEN)
    rebuild_sale(shop.context, sale.id)
    sale.move(SaleStatus.OPEN)
    assert sale.look().fields["status"] == "open"


def test_the_audit_says_how_many_are_gone_and_which_tickets(shop: Shop) -> None:
    sale, told = lobby_that_lost(shop, "fifo")
    found = check(sale, "line_is_whole")
    assert not found.ok
    assert found.figures["lost_at_least"] == LOST
    assert found.rows == [{"first_ticket": 11, "last_ticket": told[-1]}]


def test_new_tickets_do_not_hide_that_older_ones_are_gone(shop: Shop) -> None:
    sale, told = lobby_that_lost(shop, "fifo", lost=3)
    tickets(sale, shop.shoppers(9))
    assert sale.look().number("last_ticket") > told[-1]
    assert not check(sale, "line_is_whole").ok
    shop.sweep()
    assert sale.row().status == "paused"


@ORDERS
def test_a_rebuild_gives_no_number_twice_and_the_draw_is_right(shop: Shop, order: str) -> None:
    sale, told = lobby_that_lost(shop, order)
    shop.sweep()
    assert rebuild_sale(shop.context, sale.id) == 10
    assert sale.row().status == "scheduled"
    assert sale.audit().ok
    again = tickets(sale, shop.shoppers(8))
    assert again == list(range(told[-1] + 1, told[-1] + 9))
    is_due(sale)
    shop.sweep()
    assert sale.row().status == "open"
    again += tickets(sale, shop.shoppers(4))
    sale.drain()
    shop.sweep()
    assert not set(again) & set(told)
    assert [one.ticket for one in sale.intents()] == sorted(again)
    audit = sale.audit()
    assert audit.ok, [one for one in audit.checks if not one.ok]
    drawn = check(sale, "draw_repeats").figures
    assert drawn == {"drawn": False} if order == "fifo" else drawn["decided"] == drawn["lobby"] == 8
    assert check(sale, "dense_tickets").figures["lost"] == len(told)


def test_who_is_rebuilt_after_the_time_of_opening_is_opened_by_hand(shop: Shop) -> None:
    sale, _ = lobby_that_lost(shop, "draw")
    is_due(sale)
    shop.sweep()
    rebuild_sale(shop.context, sale.id)
    shop.sweep()
    assert sale.row().status == "paused"
    sale.move(SaleStatus.OPEN)
    sale.line_up(shop.shoppers(2))
    sale.drain()
    assert sale.audit().ok


def test_an_open_sale_that_lost_undecided_intents_stops_and_goes_on_after_them(shop: Shop) -> None:
    sale = shop.open_sale(20)
    told = tickets(sale, shop.shoppers(4))
    sale.drain()
    lagging = Snapshot(sale)
    told += tickets(sale, shop.shoppers(5))
    shop.sweep()
    lagging.restore()
    shop.sweep()
    assert sale.row().status == "paused"
    found = check(sale, "line_is_whole")
    assert (found.figures["lost_at_least"], found.rows) == (5, [{"first_ticket": 5, "last_ticket": 9}])
    rebuild_sale(shop.context, sale.id)
    sale.move(SaleStatus.OPEN)
    assert tickets(sale, shop.shoppers(2)) == [10, 11]
    sale.drain()
    assert sale.audit().ok


def test_what_a_rebuild_drops_is_given_to_nobody_again(shop: Shop) -> None:
    """Nobody noted them in the ledger: the line itself tells its last ticket when it is sealed."""
    sale = shop.open_sale(9)
    assert tickets(sale, shop.shoppers(4)) == [1, 2, 3, 4]
    assert rebuild_sale(shop.context, sale.id) == 4
    assert tickets(sale, shop.shoppers(2)) == [5, 6]
    sale.drain()
    assert check(sale, "dense_tickets").figures["lost"] == 4
    assert sale.audit().ok


def test_what_was_told_is_noted_although_redis_is_lost(shop: Shop) -> None:
    """No sweep saw these intents: who told their tickets remembers the last."""
    sale = shop.open_sale(9)
    told = ToldTickets(shop.context.database, rest_s=0.01)
    intake = Intake(
        shop.context.live, shop.context.sale_cache, shop.context.bell, is_stored=lambda _one: False, told=told
    )
    telling = SaleUnderTest(replace(shop.context, intake=intake), sale.id)
    assert tickets(telling, shop.shoppers(4)) == [1, 2, 3, 4]
    shop.context.live.client.flushdb()
    eventually(lambda: sale.row().accepted_ticket == 4)
    shop.sweep()
    rebuild_sale(shop.context, sale.id)
    sale.move(SaleStatus.OPEN)
    assert tickets(telling, shop.shoppers(2)) == [5, 6]


def test_a_scheduled_sale_that_nobody_can_have_come_to_is_left_as_it_is(shop: Shop) -> None:
    sale = shop.scheduled_sale()
    shop.context.live.client.flushdb()
    shop.sweep()
    assert sale.row().status == "scheduled"
    is_due(sale)
    shop.sweep()
    assert sale.row().status == "paused"


def test_a_mark_costs_nothing_where_nothing_came(shop: Shop) -> None:
    sale = shop.open_sale()
    sale.line_up(shop.shoppers(3))
    shop.sweep()
    noted = sale.row()
    shop.sweep()
    assert (noted.accepted, noted.noted, noted.accepted_ticket) == (3, 3, 3)
    assert sale.row().noted_at == noted.noted_at
    assert noted.noted_at is not None
    assert noted.noted_at > datetime.now(UTC) - timedelta(minutes=5)
