"""PostgreSQL and Redis go away in the middle: what was accepted survives, and gets one verdict."""

import threading
from dataclasses import dataclass, field
from uuid import UUID

import redis

from models.errors import LineUnavailable
from tests.support.contexts import context_over, heard_bell, plain_settings
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop
from tests.support.workers import working

CLAIM = 5
WORKERS = 2


def bells_waiting(stores: Stores) -> int:
    with redis.Redis.from_url(stores.redis.url.replace("db=0", "db=1")) as broker:
        return int(str(broker.llen("drain")))


def test_without_a_ledger_nobody_claims_and_nothing_is_lost(fragile_stores: Stores) -> None:
    settings = plain_settings(fragile_stores)
    with (
        context_over(settings, bell=heard_bell(settings)) as context,
        working(fragile_stores, WORKERS, claim_size=CLAIM),
    ):
        shop = Shop(context)
        sale = shop.open_sale(30)
        first, *people = shop.shoppers(80)
        sale.submit(first)
        eventually(sale.is_idle)

        fragile_stores.postgres.stop()
        sale.line_up(people)
        for _ in range(20):
            context.bell.ring(sale.id)
        eventually(lambda: bells_waiting(fragile_stores) == 0 and sale.look().claims > 0)
        look = sale.look()
        assert look.number("now_serving") <= 1 + WORKERS * CLAIM
        assert look.claims <= WORKERS

        fragile_stores.postgres.start()
        context.database.dispose()
        assert_all_are_answered(sale, 80, 30)


def test_a_ledger_that_dies_at_once_loses_no_verdict(fragile_stores: Stores) -> None:
    settings = plain_settings(fragile_stores)
    with context_over(settings) as context, working(fragile_stores, WORKERS, claim_size=CLAIM):
        shop = Shop(context)
        sale = shop.open_sale(60)
        people = shop.shoppers(150)
        sale.line_up(people)
        eventually(lambda: sale.look().number("now_serving") > 0)
        fragile_stores.postgres.kill()
        fragile_stores.postgres.start()
        context.database.dispose()
        assert_all_are_answered(sale, 150, 60)


@dataclass
class Submitters:
    """Threads that submit through an outage, and note what they were told."""

    sale: SaleUnderTest
    accepted: list[UUID] = field(default_factory=list)
    refused: list[UUID] = field(default_factory=list)

    def run(self, people: list[UUID], threads: int) -> list[threading.Thread]:
        running = [threading.Thread(target=self._some, args=(people[at::threads],)) for at in range(threads)]
        for one in running:
            one.start()
        return running

    def _some(self, people: list[UUID]) -> None:
        for user in people:
            try:
                self.accepted.append(UUID(self.sale.submit(user)["id"]))
            except LineUnavailable:
                self.refused.append(user)


def test_every_202_survives_a_killed_redis_and_gets_its_verdict(fragile_stores: Stores) -> None:
    settings = plain_settings(fragile_stores)
    with context_over(settings) as context, working(fragile_stores, WORKERS, claim_size=CLAIM):
        shop = Shop(context)
        sale = shop.open_sale(100)
        submitters = Submitters(sale)
        running = submitters.run(shop.shoppers(400), 8)
        eventually(lambda: len(submitters.accepted) >= 60)
        fragile_stores.redis.kill()
        fragile_stores.redis.start()
        for one in running:
            one.join()
        asked = len(submitters.accepted)
        assert asked >= 60
        assert_all_are_answered(sale, asked, 100)
        decided = {one.id for one in sale.intents()}
        assert set(submitters.accepted) == decided
        users = {one.user_id for one in sale.intents()}
        assert not users & set(submitters.refused)


def test_a_killed_redis_keeps_the_line_as_it_was(fragile_shop: Shop, fragile_stores: Stores) -> None:
    sale = fragile_shop.open_sale(5)
    ids = sale.line_up(fragile_shop.shoppers(12))
    fragile_shop.context.live.claim(sale.id, 4)
    before = sale.look()
    fragile_stores.redis.kill()
    fragile_stores.redis.start()
    after = sale.look()
    assert after.fields == before.fields
    assert (after.line_length, after.claims) == (before.line_length, before.claims) == (8, 1)
    kept = fragile_shop.context.live.page(sale.id).intents
    assert [one.intent_id for one in reversed(kept)] == [str(one) for one in ids[4:]]


def assert_all_are_answered(sale: SaleUnderTest, asked: int, units: int) -> None:
    eventually(lambda: sale.is_idle() and len(sale.intents()) == asked, told=sale.look)
    intents = sale.intents()
    granted = min(asked, units)
    assert [one.ticket for one in intents] == list(range(1, asked + 1))
    assert [one.ticket for one in intents if one.status == "held"] == list(range(1, granted + 1))
    assert len(sale.orders()) == sale.row().held == granted
    audit = sale.audit()
    assert audit.ok, audit
