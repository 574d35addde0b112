"""What a sweep costs while nothing happens, and that it misses nothing of what does."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from models.database import Database
from models.enums import SaleStatus
from models.live.records import Look
from tasks.payments.begin import begin_payment
from tasks.sweeper import PACE_S, REST_S, Sweeper
from tests.support.contexts import RememberingBell
from tests.support.shop import SaleUnderTest, Shop


@pytest.fixture
def resting(shop: Shop) -> tuple[Sweeper, list[SaleUnderTest]]:
    """A sweeper that has seen some sales to their rest: open with holds, paused, and to open in an hour."""
    sales = [shop.open_sale(3), shop.open_sale(3), shop.scheduled_sale(3, opens_in_s=3_600)]
    sales[0].line_up(shop.shoppers(2))
    sales[0].drain()
    sales[1].line_up(shop.shoppers(2))
    sales[1].move(SaleStatus.PAUSED)
    sweeper = Sweeper(shop.context)
    while sweeper.sweep() < REST_S:
        pass
    return sweeper, sales


Resting = tuple[Sweeper, list[SaleUnderTest]]


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """What is asked of the ledger meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield asked
    event.remove(database.engine, "before_cursor_execute", note)


def commands_of(shop: Shop, names: set[str]) -> dict[str, int]:
    stats: dict[str, Any] = shop.context.live.client.info("commandstats")  # type: ignore[assignment]
    return {name: stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in names}


def test_sales_that_did_not_move_are_asked_for_together_and_not_read(shop: Shop, resting: Resting) -> None:
    sweeper, sales = resting
    sweeper.sweep()
    before = commands_of(shop, {"hmget", "evalsha", "hgetall"})
    with statements_of(shop.context.database) as asked:
        assert sweeper.sweep() == REST_S
    assert commands_of(shop, {"hmget", "evalsha", "hgetall"}) == before | {
        "hmget": before["hmget"] + len(sales)
    }
    assert len(asked) == 1


def test_only_the_sale_that_moved_is_read(
    shop: Shop, resting: Resting, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeper, (moving, *_) = resting
    looked: list[Any] = []
    look = shop.context.live.look

    def noting(sale_id: UUID) -> Look:
        looked.append(sale_id)
        return look(sale_id)

    monkeypatch.setattr(shop.context.live, "look", noting)
    moving.submit(shop.shopper())
    assert sweeper.sweep() == PACE_S
    assert set(looked) == {moving.id}
    assert moving.row().noted == 3


def test_it_comes_again_when_the_next_sale_opens(resting: Resting) -> None:
    sweeper, (*_, coming) = resting
    coming.sql("UPDATE sales SET opens_at = now() + interval '0.9 s' WHERE id = :sale_id")
    sweeper.sweep()
    assert 0 < sweeper.sweep() <= 0.9
    coming.sql("UPDATE sales SET opens_at = now() WHERE id = :sale_id")
    sweeper.sweep()
    assert coming.row().status == SaleStatus.OPEN


def test_it_comes_again_when_the_next_hold_ends(resting: Resting) -> None:
    sweeper, (selling, *_) = resting
    selling.sql("UPDATE orders SET expires_at = now() + interval '0.9 s' WHERE sale_id = :sale_id")
    assert PACE_S <= sweeper.sweep() <= 0.9
    selling.sql("UPDATE orders SET expires_at = now() WHERE sale_id = :sale_id")
    assert sweeper.sweep() == PACE_S
    assert {order.status for order in selling.orders()} == {"expired"}
    assert selling.look().number("held") == 0


def test_a_row_that_another_process_wrote_is_followed(resting: Resting) -> None:
    """The process that wrote it died before the live side was told."""
    sweeper, (sale, *_) = resting
    sale.sql("UPDATE sales SET price_minor = 5, revision = revision + 1 WHERE id = :sale_id")
    sweeper.sweep()
    assert sale.look().fields["price_minor"] == "5"


def test_a_live_state_that_is_lost_is_seen_at_rest(shop: Shop, resting: Resting) -> None:
    sweeper, (sale, *_) = resting
    shop.context.live.drop(sale.id)
    sweeper.sweep()
    assert sale.row().status == SaleStatus.PAUSED


def test_a_payment_is_rung_for_when_it_is_due(shop: Shop, resting: Resting) -> None:
    sweeper, (sale, *_) = resting
    [order, *_] = sale.orders()
    begin_payment(shop.context, order.user_id, order.id, method="sandbox_ok")
    sale.sql("UPDATE payments SET due_at = now()")
    bell = shop.context.bell
    assert isinstance(bell, RememberingBell)
    bell.others.clear()
    assert sweeper.sweep() == PACE_S
    assert [name for name, _ in bell.others] == ["run_payments"]


def test_a_ledger_whose_clock_is_set_back_is_noticed_at_the_next_sweep(
    resting: Resting, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeper, _ = resting
    looked: list[Any] = []
    monkeypatch.setattr("tasks.sweeper.look_after_clocks", looked.append)
    sweeper.sweep()
    assert looked == []
    sweeper._ledger_ahead_s += timedelta(hours=1).total_seconds()
    sweeper.sweep()
    assert len(looked) == 1
