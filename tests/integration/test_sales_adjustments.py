"""Allocation up and down: once on each side, whatever is retried or crashes in between."""

import uuid

import pytest
from sqlalchemy import select

from models.errors import AllocationTooSmall, LineUnavailable
from models.tables.catalogue import Adjustment
from tasks.context import Context
from tasks.sales.adjustments import apply_adjustment
from tests.support.away import away
from tests.support.shop import SaleUnderTest, Shop


def adjustments(sale: SaleUnderTest) -> list[Adjustment]:
    with sale.context.database.transaction() as session:
        query = select(Adjustment).where(Adjustment.sale_id == sale.id).order_by(Adjustment.created_at)
        return list(session.scalars(query))


def allocations(sale: SaleUnderTest) -> tuple[int, int]:
    return sale.row().allocation, sale.look().number("allocation")


def interrupted(sale: SaleUnderTest, allocation: int) -> uuid.UUID:
    """Request an allocation while Redis does not answer; returns the adjustment that is left to do."""
    with pytest.raises(LineUnavailable):
        SaleUnderTest(away(sale.context, "adjust"), sale.id).change(allocation=allocation)
    return adjustments(sale)[-1].id


def test_a_raise_and_a_cut_reach_both_sides(shop: Shop) -> None:
    sale = shop.open_sale(10)
    sale.change(allocation=15)
    assert allocations(sale) == (15, 15)
    sale.change(allocation=12)
    assert allocations(sale) == (12, 12)
    assert [one.state for one in adjustments(sale)] == ["applied", "applied"]
    assert sale.audit().ok


def test_the_same_allocation_is_no_adjustment(shop: Shop) -> None:
    sale = shop.open_sale(10)
    sale.change(allocation=10)
    assert adjustments(sale) == []


def test_a_cut_below_what_is_decided_and_not_persisted_is_refused(shop: Shop, context: Context) -> None:
    sale = shop.open_sale(10)
    sale.line_up(shop.shoppers(6))
    context.live.claim(sale.id, 10)
    with pytest.raises(AllocationTooSmall):
        sale.change(allocation=5)
    assert allocations(sale) == (10, 10)
    assert [one.state for one in adjustments(sale)] == ["refused"]


@pytest.mark.parametrize("requested", [15, 4])
def test_an_adjustment_applied_twice_counts_once(shop: Shop, context: Context, requested: int) -> None:
    sale = shop.open_sale(10)
    sale.change(allocation=requested)
    done = adjustments(sale)[0]
    assert apply_adjustment(context, done.id)
    sale.sql("UPDATE adjustments SET state = 'pending' WHERE sale_id = :sale_id AND units > 0")
    assert apply_adjustment(context, done.id)
    assert allocations(sale) == (requested, requested)


def test_a_raise_is_in_the_ledger_before_it_can_be_sold(shop: Shop) -> None:
    sale = shop.open_sale(10)
    interrupted(sale, 15)
    assert allocations(sale) == (15, 10)


def test_a_cut_is_off_the_market_before_it_leaves_the_ledger(shop: Shop, context: Context) -> None:
    sale = shop.open_sale(10)
    cut = interrupted(sale, 4)
    assert allocations(sale) == (10, 10)
    epoch = sale.row().epoch
    assert epoch is not None
    context.live.adjust(sale.id, epoch, cut, -6)
    assert allocations(sale) == (10, 4)


@pytest.mark.parametrize("requested", [15, 4])
def test_an_interrupted_adjustment_is_finished_by_the_sweep(shop: Shop, requested: int) -> None:
    sale = shop.open_sale(10)
    interrupted(sale, requested)
    shop.sweep()
    shop.sweep()
    assert allocations(sale) == (requested, requested)
    assert sale.audit().ok


@pytest.mark.parametrize("requested", [15, 4])
def test_a_crash_between_the_stores_is_made_up_for_by_the_sweep(
    shop: Shop, context: Context, requested: int
) -> None:
    """The live side has it already, and nobody told the ledger."""
    sale = shop.open_sale(10)
    adjustment, epoch = interrupted(sale, requested), sale.row().epoch
    assert epoch is not None
    context.live.adjust(sale.id, epoch, adjustment, requested - 10)
    shop.sweep()
    assert allocations(sale) == (requested, requested)
    assert [one.state for one in adjustments(sale)] == ["applied"]
    assert sale.audit().ok


def test_a_refused_cut_is_noted_as_such_by_the_sweep(shop: Shop) -> None:
    sale = shop.open_sale(10)
    sale.line_up(shop.shoppers(10))
    interrupted(sale, 4)
    sale.drain()
    shop.sweep()
    assert allocations(sale) == (10, 10)
    assert [one.state for one in adjustments(sale)] == ["refused"]
    assert sale.audit().ok


def test_a_raise_serves_those_who_stand_by(shop: Shop) -> None:
    sale = shop.drained_sale(2, asked=5)
    sale.change(allocation=4)
    sale.drain()
    assert [one.ticket for one in sale.intents() if one.status == "held"] == [1, 2, 3, 4]
    assert sale.audit().ok
