"""Real worker processes and many submitters at once: exactly the allocation, in ticket order."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from tests.support.contexts import context_over, heard_bell, plain_settings
from tests.support.emptying import empty
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop
from tests.support.workers import Worker, working

WORKERS = 4
SUBMITTERS = 12
EACH = 30
UNITS = 150


@pytest.fixture(scope="module")
def workers(stores: Stores) -> Iterator[list[Worker]]:
    """Four workers that take small claims, so that they meet."""
    with working(stores, WORKERS, claim_size=7) as workers:
        yield workers


@contextmanager
def ringing_shop(stores: Stores) -> Iterator[Shop]:
    """A shop whose bell the workers hear."""
    settings = plain_settings(stores)
    with context_over(settings, bell=heard_bell(settings)) as context:
        yield Shop(context)


def crowd(sale: SaleUnderTest, people: list[UUID], threads: int) -> None:
    """Have them submit from so many threads at once."""
    gate = threading.Barrier(threads)

    def some(mine: list[UUID]) -> None:
        gate.wait(10)
        sale.line_up(mine)

    running = [threading.Thread(target=some, args=(people[at::threads],)) for at in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join()


def assert_first_won(sale: SaleUnderTest, asked: int, units: int) -> None:
    """Wait for all verdicts, and hold them against what must come of it."""
    eventually(lambda: sale.is_idle() and len(sale.intents()) == asked, told=sale.look)
    intents = sale.intents()
    assert [one.ticket for one in intents] == list(range(1, asked + 1))
    assert [one.ticket for one in intents if one.status == "held"] == list(range(1, units + 1))
    assert len(sale.orders()) == units
    assert sale.row().held == units
    audit = sale.audit()
    assert audit.ok, audit


@pytest.mark.usefixtures("workers")
def test_many_processes_and_submitters_sell_exactly_the_allocation(stores: Stores) -> None:
    empty(stores.postgres.url, stores.redis.url)
    with ringing_shop(stores) as shop:
        sale = shop.open_sale(UNITS)
        crowd(sale, shop.shoppers(SUBMITTERS * EACH), SUBMITTERS)
        assert_first_won(sale, SUBMITTERS * EACH, UNITS)


@pytest.mark.usefixtures("workers")
def test_a_lost_bell_costs_time_and_no_intent(shop: Shop) -> None:
    """Nobody hears this shop's bell: the workers' own sweeps find the line."""
    sale = shop.open_sale(20)
    sale.line_up(shop.shoppers(40))
    assert_first_won(sale, 40, 20)


@pytest.mark.usefixtures("workers")
def test_a_bell_rung_often_decides_nothing_twice(stores: Stores) -> None:
    empty(stores.postgres.url, stores.redis.url)
    with ringing_shop(stores) as shop:
        sale = shop.open_sale(20)
        sale.line_up(shop.shoppers(40))
        for _ in range(30):
            assert shop.context.bell.ring(sale.id)
        assert_first_won(sale, 40, 20)


@pytest.mark.usefixtures("workers")
def test_several_sales_are_drained_side_by_side(shop: Shop) -> None:
    sales = [shop.open_sale(5) for _ in range(4)]
    people = shop.shoppers(10)
    for sale in sales:
        sale.line_up(people)
    for sale in sales:
        assert_first_won(sale, 10, 5)
