"""The live state in a Redis Cluster: sales on every master, one that is away, and one that moves."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from limits import parse

from models.errors import LineRefused, LineUnavailable
from tasks.context import Context
from tests.support.contexts import context_over, plain_settings
from tests.support.polling import eventually
from tests.support.redis_cluster import RedisCluster, slot_of
from tests.support.servers import Stores
from tests.support.shop import Shop
from web.limits.counters import Count, Counters
from web.limits.rate_limits import LimitStore
from web.sockets.delivery.feed import Feed, Listener


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Three masters; what a test kills, it starts again."""
    running = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def shop(stores: Stores, clean: None, cluster: RedisCluster) -> Iterator[Shop]:  # noqa: ARG001
    """A shop whose live state is in the cluster."""
    cluster.empty()
    with context_over(replace(plain_settings(stores), redis_url=cluster.url)) as context:
        yield Shop(context)


class Heard:
    """What one subscription heard."""

    def __init__(self, url: str) -> None:
        self.live: set[UUID] = set()
        self.verdicts: list[str] = []
        self.gaps = 0
        self.catalogue = 0
        self.feed = Feed(url, Listener(self._on_live, self.verdicts.append, self._on_catalogue, self._on_gap))
        self._thread = threading.Thread(target=self.feed.run)
        self._thread.start()

    def _on_live(self, sale_id: UUID, _word: str) -> None:
        self.live.add(sale_id)

    def _on_catalogue(self) -> None:
        self.catalogue += 1

    def _on_gap(self) -> None:
        self.gaps += 1

    def await_verdict(self, intent_id: UUID) -> None:
        eventually(lambda: any(str(intent_id) in told for told in self.verdicts))

    def stop(self) -> None:
        self.feed.stop()
        self._thread.join()


@pytest.fixture
def heard(cluster: RedisCluster) -> Iterator[Heard]:
    listening = Heard(cluster.url)
    eventually(lambda: listening.gaps)
    yield listening
    listening.stop()


def test_sales_of_all_masters_are_decided_told_and_swept(
    shop: Shop, cluster: RedisCluster, heard: Heard
) -> None:
    sales = cluster.sale_on_each(shop, units=2)
    for sale in sales:
        accepted = sale.line_up(shop.shoppers(3))
        assert sale.drain() == 3
        assert sale.statuses() == ["held", "held", "standby"]
        for intent_id in accepted:
            heard.await_verdict(intent_id)
        sale.sql("UPDATE orders SET expires_at = now() - interval '1 s' WHERE sale_id = :sale_id")
    assert shop.context.live.moves_of([sale.id for sale in sales]).keys() == {sale.id for sale in sales}
    shop.sweep()
    for sale in sales:
        sale.drain()
        assert sale.look().number("held") == 1
        assert sale.audit().ok
    assert heard.live >= {sale.id for sale in sales}
    assert heard.catalogue


def test_what_is_no_sales_lives_in_a_cluster_too(cluster: RedisCluster, shop: Shop) -> None:
    live = shop.context.live
    assert [live.take_turn("something", 60_000), live.take_turn("something", 60_000)] == [True, False]
    live.set_turn("something", 0)
    assert live.take_turn("something", 60_000)
    live.attendance.note("here", 3, {}, live.now_ms())
    assert live.attendance.of(shop.open_sale().id, live.now_ms())["open"] == 3
    counters, many = Counters(cluster.url), [Count(f"who:{number}", 5, 3_600) for number in range(20)]
    steps = [(one.key, 1, one.period_s) for one in many]
    assert [counters.add(steps), counters.add(steps)] == [[1] * 20, [2] * 20]
    store = LimitStore(cluster.url)
    for number in range(20):
        store.hit(parse("5/hour"), "somebody", str(number))
    assert store._ask_again_at == 0.0


def test_a_master_that_is_away_stops_its_own_sales_only(shop: Shop, cluster: RedisCluster) -> None:
    ours, other, _ = cluster.sale_on_each(shop, units=5)
    away = cluster.master_of(other)
    other.line_up(shop.shoppers(1))
    away.kill()
    try:
        ours.line_up(shop.shoppers(2))
        assert ours.drain() == 2
        assert ours.id in shop.context.live.moves_of([other.id, ours.id])
        assert other.id not in shop.context.live.moves_of([other.id, ours.id])
        with pytest.raises(LineUnavailable):
            other.line_up(shop.shoppers(1))
    finally:
        away.start()
    eventually(lambda: _looks(other))
    assert other.drain() == 1
    assert other.audit().ok


def test_a_sale_that_moves_to_another_master_waits_and_goes_on(shop: Shop, cluster: RedisCluster) -> None:
    sale, elsewhere, _ = cluster.sale_on_each(shop, units=5)
    source, target, slot = cluster.master_of(sale), cluster.master_of(elsewhere), slot_of(sale)
    sale.line_up(shop.shoppers(2))
    keys = cluster.begin_move(slot, source, target)
    cluster.move_keys(keys[::2], source, target)  # from here on no script finds all that it needs
    late: list[Any] = []
    submitting = threading.Thread(target=lambda: late.extend(sale.line_up(shop.shoppers(2))))
    submitting.start()
    cluster.move_keys(keys[1::2], source, target)
    cluster.end_move(slot, target)
    submitting.join()
    assert len(late) == 2
    assert cluster.master_of(sale) is target
    assert sale.drain() == 4
    assert [intent.ticket for intent in sale.intents()] == [1, 2, 3, 4]
    assert sale.audit().ok


def test_a_sale_that_does_not_arrive_is_refused_and_lost_by_nobody(
    shop: Shop, cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.live.connection.cluster.MOVING_S", 0.1)
    sale, elsewhere, _ = cluster.sale_on_each(shop, units=5)
    source, target, slot = cluster.master_of(sale), cluster.master_of(elsewhere), slot_of(sale)
    sale.line_up(shop.shoppers(1))
    keys = cluster.begin_move(slot, source, target)
    cluster.move_keys(keys[::2], source, target)
    with pytest.raises(LineRefused):
        sale.line_up(shop.shoppers(1))
    assert shop.context.live.retry_parked(sale.id) == []  # one key: asked of the master that has it
    cluster.move_keys(keys[1::2], source, target)
    cluster.end_move(slot, target)
    assert sale.drain() == 1
    assert sale.audit().ok


def _looks(sale: Any) -> bool:
    try:
        return bool(sale.look())
    except LineUnavailable:
        return False


def test_the_masters_clocks_are_told_apart(shop: Shop, cluster: RedisCluster) -> None:
    context: Context = shop.context
    clocks = {context.live.clock_of(sale.id) for sale in cluster.sale_on_each(shop, units=1)}
    assert clocks == {("127.0.0.1", server.port) for server in cluster.masters}
