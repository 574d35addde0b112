"""What `/metrics` tells of lines, claims, verdicts, workers and queues."""

from collections.abc import Callable
from typing import cast
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.enums import SaleStatus
from models.live.keys import SaleKeys
from models.live.workers import Beat, Running
from tasks.figures.packed import PackedPage
from tasks.figures.page import PERIOD_S, STALE_MS, FiguresPage
from tasks.runtime.measures import SUM, VERDICT, Measures
from tests.support.shop import SaleUnderTest, Shop
from web.health.metrics import whole_page
from web.http.services import Services
from workers.heartbeat import Heartbeat

Shown = Callable[..., float]


@pytest.fixture
def shown(parts: Services) -> Shown:
    """What the page shows of a series now."""

    def read(name: str, **labels: str) -> float:
        page = whole_page(parts).decode()
        samples = [one for family in text_string_to_metric_families(page) for one in family.samples]
        (value,) = [one.value for one in samples if one.name == name and labels.items() <= one.labels.items()]
        return float(value)

    return read


def heartbeat_of(shop: Shop) -> None:
    """Beat once, as the process that drained would."""
    heartbeat = Heartbeat(shop.context.live, shop.context.measures)
    heartbeat.introduce("drain@here", ["drain"])
    heartbeat.beat()


def submitted_earlier(sale: SaleUnderTest, by_ms: int) -> None:
    """Let who stands in line have come so much earlier."""
    keys, client = SaleKeys.of(sale.id), sale.context.live.client
    for intent, record in cast(dict[str, str], client.hgetall(keys.intents)).items():
        user, ticket, quantity, fewer, at, left = record.split("|")
        earlier = "|".join((user, ticket, quantity, fewer, str(int(at) - by_ms), left))
        client.hset(keys.intents, intent, earlier)


def test_the_head_of_a_line_has_its_age(shop: Shop, shown: Shown) -> None:
    sale = shop.open_sale(units=1)
    assert shown("sales_head_age_seconds") == 0
    sale.line_up(shop.shoppers(2))
    submitted_earlier(sale, 7_000)
    assert 7 <= shown("sale_head_age_seconds", sale=str(sale.id)) < 60
    assert 7 <= shown("sales_head_age_seconds") < 60
    assert shown("sales_waiting") == 2
    sale.drain()
    assert shown("sale_head_age_seconds", sale=str(sale.id)) == 0


def test_who_waits_on_purpose_does_not_count_as_held_up(shop: Shop, shown: Shown) -> None:
    paced, paused = shop.open_sale(units=5, rate_per_second=1), shop.open_sale(units=5)
    for sale in (paced, paused):
        sale.line_up(shop.shoppers(1))
        submitted_earlier(sale, 7_000)
    paused.move(SaleStatus.PAUSED)
    assert shown("sale_is_held_back", sale=str(paced.id)) == 1
    assert shown("sale_is_open", sale=str(paused.id)) == 0
    assert shown("sale_head_age_seconds", sale=str(paused.id)) >= 7
    assert shown("sales_head_age_seconds") == 0


def test_who_was_in_the_lobby_waits_since_the_opening(shop: Shop, shown: Shown) -> None:
    sale = shop.lobby()
    sale.line_up(shop.shoppers(1))
    submitted_earlier(sale, 3_000_000)
    sale.move(SaleStatus.OPEN)
    live = shop.context.live
    live.client.hset(SaleKeys.of(sale.id).state, "opens_at_ms", str(live.now_ms() - 4_000))
    assert 4 <= shown("sale_head_age_seconds", sale=str(sale.id)) < 60


def test_a_claim_that_is_not_settled_is_outstanding(shop: Shop, shown: Shown) -> None:
    sale = shop.open_sale(units=3)
    sale.line_up(shop.shoppers(2))
    assert shop.context.live.claim(sale.id, 10).claim is not None
    assert shown("sales_claims") == shown("sale_claims", sale=str(sale.id)) == 1
    assert 0 < shown("sales_oldest_claim_seconds") < 60
    shop.context.live.client.zadd(SaleKeys.of(sale.id).claims, {"given up": "+inf"})
    assert (shown("sales_claims"), shown("sales_claims_parked")) == (1, 1)


def test_verdicts_claims_and_submissions_are_counted(shop: Shop, shown: Shown) -> None:
    sale = shop.open_sale(units=2)
    sale.line_up(shop.shoppers(3))
    assert shown("verdict_seconds_count", outcome="held") == shown("claims_total", result="settled") == 0
    sale.drain()
    heartbeat_of(shop)
    assert shown("verdict_seconds_count", outcome="held") == 2
    assert shown("verdict_seconds_bucket", outcome="standby", le="+Inf") == 1
    assert shown("claim_step_seconds_count", step="persist") == 1
    assert shown("claims_total", result="settled") == 1
    assert shown("intents_submitted_total", outcome="accepted") == 3


def test_a_verdict_is_timed_by_redis_clock_from_its_acceptance(shop: Shop) -> None:
    sale, measures = shop.open_sale(units=1), shop.context.measures
    sale.line_up(shop.shoppers(1))
    submitted_earlier(sale, 6_000)
    measures.heard(shop.context.live.now_ms())
    measures.take()
    sale.drain()
    grown = measures.take()
    assert grown[f"{VERDICT}|held|10"] == 1
    assert grown[f"{VERDICT}|held|{SUM}"] >= 6_000_000


def test_what_could_not_be_told_is_told_later() -> None:
    measures = Measures()
    measures.count("some", "a", "b")
    measures.give_back(measures.take())
    measures.count("some", "a", "b", by=2)
    assert measures.take() == {"some|a,b": 3}


def test_workers_and_what_they_are_at_are_shown(shop: Shop, shown: Shown, parts: Services) -> None:
    assert shown("workers_heard", queue="drain") == 0
    now_ms = shop.context.live.now_ms()
    running = [Running("1", "run_payments", now_ms - 3_000)]
    for name, silent_ms, has_left in (("one", 0, False), ("gone", 60_000, False), ("left", 0, True)):
        beat = Beat(name, 1, ["payments"], now_ms - silent_ms, has_left, 1, 0, running)
        shop.context.live.workers.note(beat)
    assert shown("workers_heard", queue="payments") == 1
    assert shown("celery_tasks_running", task="run_payments") == 1
    assert 3 <= shown("celery_oldest_running_seconds", task="run_payments") < 60
    waiting = shown("celery_messages_waiting", queue="drain")
    assert parts.context.bell.ring(uuid4())
    assert shown("celery_messages_waiting", queue="drain") == waiting + 1
    assert shown("redis_memory_used_bytes") > 0
    assert shown("database_connections_limit") > 0


def test_a_page_that_a_worker_made_is_shown_until_it_is_old(shop: Shop, shown: Shown) -> None:
    page = FiguresPage(shop.context)
    page.renew()
    sale = shop.open_sale(units=4)
    assert shown("sales_running", status="open") == 0
    shop.context.live.set_turn("figures", round(PERIOD_S * 900))
    page.renew()  # it is not its turn again
    assert shown("sales_running", status="open") == 0
    old = PackedPage.of(b"", shop.context.live.now_ms() - STALE_MS - 1_000)
    shop.context.live.figures.keep_page(old.written())
    assert shown("sale_available", sale=str(sale.id)) == 4
