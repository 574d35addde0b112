"""The admin's verbs: what leads where, and that the live side follows the ledger."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from models.enums import SALE_TRANSITIONS, SaleStatus
from models.errors import BadSale, IllegalTransition, NotFound
from models.tables.catalogue import Product
from tasks.context import Context
from tasks.sales.lifecycle import NewSale, create_sale, list_sales
from tasks.sales.live_sync import ensure_live
from tests.support.away import away
from tests.support.shop import PRICE_MINOR, SaleUnderTest, Shop

NOW = datetime.now(UTC)


def new_sale(product_id: uuid.UUID, **more: object) -> NewSale:
    usual: dict[str, object] = {
        "allocation": 5,
        "price_minor": PRICE_MINOR,
        "currency": "USD",
        "opens_at": NOW + timedelta(hours=1),
        "closes_at": NOW + timedelta(hours=2),
    }
    return NewSale(product_id=product_id, **(usual | more))  # type: ignore[arg-type]


def test_a_new_sale_is_scheduled_and_its_live_side_laid(shop: Shop) -> None:
    sale = shop.scheduled_sale(7, limit=2)
    row, look = sale.row(), sale.look()
    assert (row.status, row.allocation, row.held, row.sold) == ("scheduled", 7, 0, 0)
    assert look.fields["epoch"] == row.epoch
    assert (look.fields["status"], look.number("available"), look.number("per_shopper_limit")) == (
        "scheduled",
        7,
        2,
    )
    assert sale.audit().ok


@pytest.mark.parametrize("present", SaleStatus)
@pytest.mark.parametrize("requested", SaleStatus)
def test_only_legal_transitions_are_made(shop: Shop, present: SaleStatus, requested: SaleStatus) -> None:
    sale = shop.scheduled_sale()
    for step in {"scheduled": [], "paused": ["open", "paused"], "ended": ["open", "ended"]}.get(
        present, [present]
    ):
        sale.move(SaleStatus(step))
    if requested in SALE_TRANSITIONS[present]:
        sale.move(requested)
        assert sale.row().status == sale.look().fields["status"] == requested
    else:
        with pytest.raises(IllegalTransition):
            sale.move(requested)
        assert sale.row().status == sale.look().fields["status"] == present


def test_a_change_reaches_the_live_side(shop: Shop) -> None:
    sale = shop.open_sale()
    sale.change(price_minor=5, per_shopper_limit=3, hold_seconds=60)
    look = sale.look()
    assert (look.number("price_minor"), look.number("per_shopper_limit"), look.number("hold_ms")) == (
        5,
        3,
        60_000,
    )


@pytest.mark.parametrize("over", [SaleStatus.ENDED, SaleStatus.CANCELLED])
def test_a_sale_that_is_over_does_not_change(shop: Shop, over: SaleStatus) -> None:
    sale = shop.open_sale()
    sale.move(over)
    with pytest.raises(IllegalTransition):
        sale.change(price_minor=5)
    with pytest.raises(IllegalTransition):
        sale.change(allocation=50)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"closes_at": NOW}, "closes_at"),
        ({"lobby_opens_at": NOW + timedelta(hours=1, seconds=1)}, "lobby_opens_at"),
        ({"currency": "EUR"}, "price"),
        ({"admission_order": "draw"}, "lobby_opens_at"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    shop: Shop, more: dict[str, object], field: str
) -> None:
    with pytest.raises(BadSale) as told:
        create_sale(shop.context, new_sale(shop.product(), **more))
    assert told.value.field == field
    assert list_sales(shop.context) == []


def test_an_archived_product_is_not_sold(shop: Shop) -> None:
    product = shop.product()
    with shop.context.database.transaction() as session:
        session.get_one(Product, product).archived_at = NOW
    with pytest.raises(NotFound):
        create_sale(shop.context, new_sale(product))


def test_a_transition_without_redis_is_made_up_for_by_the_sweep(shop: Shop, context: Context) -> None:
    sale = shop.open_sale()
    apart = SaleUnderTest(away(context, "configure"), sale.id)
    apart.move(SaleStatus.PAUSED)
    assert (sale.row().status, sale.look().fields["status"]) == ("paused", "open")
    shop.sweep()
    assert sale.look().fields["status"] == "paused"


def test_a_sale_created_without_redis_is_laid_by_the_sweep(shop: Shop, context: Context) -> None:
    sale = Shop(away(context, "load")).scheduled_sale()
    assert sale.row().epoch is None
    assert not sale.look().is_loaded
    shop.sweep()
    assert sale.look().fields["epoch"] == sale.row().epoch
    assert sale.audit().ok


def test_an_old_revision_does_not_overwrite_a_newer_one(shop: Shop, context: Context) -> None:
    sale = shop.open_sale()
    stale = sale.row()
    sale.change(price_minor=5)
    ensure_live(context, stale)
    assert sale.look().number("price_minor") == 5
