"""A rush on three masters of a Redis Cluster, of which one is killed, and slots move, in mid-sale."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from config import Settings
from models.errors import Unavailable
from tests.support.contexts import context_over, heard_bell, plain_settings
from tests.support.polling import eventually
from tests.support.redis_cluster import RedisCluster, slot_of
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop
from tests.support.workers import working

pytestmark = pytest.mark.release

SHOPPERS, UNITS = 300, 40
AT_ONCE = 8
PAUSE_S = 0.05  # before a shopper who was refused asks again, by the same key
MOVES = 3


@dataclass
class Rush:
    """Shoppers who ask until they are told, and the tickets that they were told."""

    sale: SaleUnderTest
    told: dict[UUID, int] = field(default_factory=dict)
    refused: int = 0

    def ask(self, user: UUID) -> None:
        while user not in self.told:
            try:
                self.told[user] = self.sale.submit(user, key=str(user))["ticket"]
            except Unavailable:
                self.refused += 1
                time.sleep(PAUSE_S)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    running = RedisCluster(tmp_path_factory.mktemp("cluster"), with_replicas=True)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def settings(stores: Stores, clean: None, cluster: RedisCluster) -> Settings:  # noqa: ARG001
    """What is told is at a replica too."""
    return replace(plain_settings(stores), redis_url=cluster.url, replicas_required=1)


@pytest.fixture
def shop(settings: Settings, stores: Stores) -> Iterator[Shop]:
    """A shop with workers."""
    variables = {"REDIS_URL": settings.redis_url, "BROKER_URL": settings.broker_url}
    with (
        context_over(settings, bell=heard_bell(settings)) as context,
        working(stores, 2, claim_size=20, variables=variables),
    ):
        yield Shop(context)


def run(shop: Shop, sales: Sequence[SaleUnderTest], trouble: threading.Thread, after: int) -> list[Rush]:
    """Rush all the sales at once; the trouble begins when so many were told."""
    rushes = [Rush(sale) for sale in sales]
    with ExitStack() as asking:
        for rush in rushes:
            pool = asking.enter_context(ThreadPoolExecutor(AT_ONCE))
            for user in shop.shoppers(SHOPPERS):
                pool.submit(rush.ask, user)
        eventually(lambda: len(rushes[0].told) >= after)
        trouble.start()
    trouble.join()
    return rushes


def assert_all_was_kept(rush: Rush) -> None:
    """Everybody who was told has one verdict, at the ticket that was told, and the units went by it."""
    sale = rush.sale
    eventually(lambda: sale.is_idle() and len(sale.intents()) >= SHOPPERS, told=sale.look)
    stored = [one for one in sale.intents() if one.status != "left"]
    assert {one.user_id: one.ticket for one in stored} == rush.told
    assert len(stored) == SHOPPERS
    first = sorted(rush.told.values())[:UNITS]
    assert [one.ticket for one in stored if one.status == "held"] == first
    assert sale.audit().ok, sale.audit()


def test_a_master_that_is_killed_in_mid_sale_loses_and_doubles_nothing(
    shop: Shop, cluster: RedisCluster
) -> None:
    """It comes back as a replica, without which the other one may not answer: one is required."""
    sales = cluster.sale_on_each(shop, UNITS)
    dying = cluster.master_of(sales[0])

    def die_and_come_back() -> None:
        dying.kill()
        eventually(lambda: cluster.master_of(sales[0]) is not dying)
        dying.start()

    rushes = run(shop, sales, threading.Thread(target=die_and_come_back), SHOPPERS // 4)
    for rush in rushes:
        assert_all_was_kept(rush)
    assert [rush.refused for rush in rushes[1:]] == [0, 0]
    assert cluster.master_of(sales[0]) in cluster.replicas


def test_slots_that_move_in_mid_sale_lose_and_double_nothing(shop: Shop, cluster: RedisCluster) -> None:
    sales = cluster.sale_on_each(shop, UNITS)
    slot = slot_of(sales[0])

    def move_about() -> None:
        for _ in range(MOVES):
            source = cluster.master_of(sales[0])
            target = next(one for one in cluster.masters if one is not source)
            while keys := cluster.begin_move(slot, source, target):
                cluster.move_keys(keys, source, target)
            cluster.end_move(slot, target)

    for rush in run(shop, sales, threading.Thread(target=move_about), SHOPPERS // 4):
        assert_all_was_kept(rush)
