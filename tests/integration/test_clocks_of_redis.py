"""Redis' clock is set while the platform runs: nothing that was noted before keeps anything waiting."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.live.audits import AuditNote
from models.live.keys import SaleKeys
from models.live.workers import Beat
from tasks.background.workforce import show_workforce
from tasks.intake.intake import Intake
from tasks.sales import auditing
from tasks.sales.overview import Overviews
from tasks.sweep import sweep
from tests.support.shop import Shop

HOUR_MS = 3_600_000
BOTH_WAYS = pytest.mark.parametrize("by_ms", [-HOUR_MS, HOUR_MS])


@BOTH_WAYS
def test_a_line_is_rung_for(shop: Shop, by_ms: int) -> None:
    sale = shop.open_sale(5)
    sale.line_up(shop.shoppers(2))
    live = shop.context.live
    live.client.hset(SaleKeys.of(sale.id).state, "bell_ms", str(live.now_ms() + by_ms))
    assert sweep(shop.context) == 1


@BOTH_WAYS
def test_a_running_sale_is_audited(shop: Shop, by_ms: int) -> None:
    sale = shop.open_sale(5)
    live = shop.context.live
    live.note_audit(sale.id, AuditNote(live.now_ms() + by_ms, False, {"no_oversell": True}, took_ms=10_000))
    assert len(auditing.audit_moved_sales(shop.context)) == 1


@BOTH_WAYS
def test_workers_are_heard_and_those_of_another_time_are_not(shop: Shop, by_ms: int) -> None:
    live = shop.context.live
    live.workers.note(Beat("of-then@here", 7, ["drain"], live.now_ms() + by_ms, False, 3, 0, []))
    assert (show_workforce(shop.context)["is_heard"], show_workforce(shop.context)["workers"]) == (False, [])
    live.workers.note(Beat("of-now@here", 8, ["drain"], live.now_ms(), False, 3, 0, []))
    told = show_workforce(shop.context)
    assert told["is_heard"]
    assert [(one["name"], one["state"]) for one in told["workers"]] == [("of-now@here", "idle")]


@BOTH_WAYS
def test_a_worker_whose_heartbeat_is_seconds_off_is_gone(shop: Shop, by_ms: int) -> None:
    live, seconds_ms = shop.context.live, by_ms // 120
    live.workers.note(Beat("of-then@here", 7, ["drain"], live.now_ms() + seconds_ms, False, 3, 0, []))
    live.workers.note(Beat("of-now@here", 8, ["drain"], live.now_ms(), False, 3, 0, []))
    assert [one["state"] for one in show_workforce(shop.context)["workers"]] == ["idle", "gone"]


@BOTH_WAYS
def test_sockets_of_another_time_are_counted_no_more(shop: Shop, by_ms: int) -> None:
    sale = shop.open_sale(5)
    attendance, now_ms = shop.context.live.attendance, shop.context.live.now_ms()
    attendance.note("gone", 5, {str(sale.id): 5}, now_ms + by_ms)
    attendance.note("here", 2, {str(sale.id): 1}, now_ms)
    assert attendance.of(sale.id, now_ms) == {"open": 2, "watching": 1, "processes": 1}


def test_a_watcher_of_the_future_is_told_all_that_is_known(shop: Shop) -> None:
    sale = shop.open_sale(5)
    live = shop.context.live
    live.client.lpush(SaleKeys.of(sale.id).pulse, f"{live.now_ms() - 60_000}|0|0|0|0|0|0|0")
    live.pulse.take(sale.id)
    overviews = Overviews(shop.context)
    known = overviews.of(sale.id)["series"]["at"]
    assert len(known) == 1
    ahead = datetime.now(UTC) + timedelta(hours=1)
    assert overviews.of(sale.id, ahead)["series"]["at"] == known


@BOTH_WAYS
def test_submissions_are_accepted(shop: Shop, by_ms: int) -> None:
    """What a web process believes of Redis' clock is off by an hour: it was set, or so was ours."""
    sale = shop.open_sale(5)
    context = shop.context
    intake = Intake(context.live, context.sale_cache, context.bell, is_stored=lambda _one: False)
    away = replace(sale, context=replace(context, intake=intake))
    away.line_up(shop.shoppers(1))
    intake._ahead_ms[None] += by_ms
    away.line_up(shop.shoppers(1))
    away.line_up(shop.shoppers(1))
    assert sale.look().number("last_ticket") == 3
    assert abs(intake._redis_now_ms(sale.id) - context.live.now_ms()) < HOUR_MS / 2
