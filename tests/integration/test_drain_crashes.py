"""Workers that die or freeze in the middle of a claim: nothing is lost, nothing is doubled."""

import signal

import pytest

from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop
from tests.support.workers import armed, working

ASKED, UNITS, CLAIM = 25, 12, 10


def assert_all_decided_once(sale: SaleUnderTest) -> None:
    eventually(lambda: sale.is_idle() and len(sale.intents()) == ASKED, told=sale.look)
    intents = sale.intents()
    assert [one.ticket for one in intents] == list(range(1, ASKED + 1))
    assert [one.ticket for one in intents if one.status == "held"] == list(range(1, UNITS + 1))
    assert len(sale.orders()) == sale.row().held == UNITS
    audit = sale.audit()
    assert audit.ok, audit


@pytest.mark.parametrize("step", ["claimed", "before_commit", "persisted", "settled"])
def test_a_worker_killed_at_a_step_loses_and_doubles_nothing(shop: Shop, stores: Stores, step: str) -> None:
    sale = shop.open_sale(UNITS)
    sale.line_up(shop.shoppers(ASKED))
    with armed(stores, f"{step}:1:kill", claim_size=CLAIM) as victim:
        eventually(victim.was_killed, told=lambda: victim.text)
    persisted = len(sale.intents())
    assert persisted == (CLAIM if step in ("persisted", "settled") else 0)
    assert sale.look().claims == (0 if step == "settled" else 1)
    with working(stores, 1, claim_size=CLAIM):
        assert_all_decided_once(sale)


def test_workers_killed_one_after_the_other_lose_and_double_nothing(shop: Shop, stores: Stores) -> None:
    sale = shop.open_sale(UNITS)
    sale.line_up(shop.shoppers(ASKED))
    for failpoint in ("persisted:2:kill", "claimed:1:kill"):
        with armed(stores, failpoint, claim_size=4) as victim:
            eventually(victim.was_killed, told=lambda: victim.text)
    eventually(lambda: sale.look().claims == sale.look().overdue > 0)
    while not sale.is_idle():
        sale.drain()
    assert_all_decided_once(sale)


@pytest.mark.parametrize("step", ["claimed", "before_commit", "persisted"])
def test_a_worker_that_wakes_after_its_claim_was_finished_doubles_nothing(
    shop: Shop, stores: Stores, step: str
) -> None:
    sale = shop.open_sale(UNITS)
    sale.line_up(shop.shoppers(ASKED - 1))
    with armed(stores, f"{step}:1:stop") as zombie:
        eventually(lambda: zombie.is_stopped, told=lambda: zombie.text)
        assert sale.look().claims == 1
        if step != "before_commit":  # there it holds the rows' locks, so that others wait for it
            eventually(lambda: sale.look().overdue == 1)
            # A sweep of the zombie may hold the sale's row, until the ledger ends that transaction.
            eventually(lambda: sale.drain() == 0 and sale.is_idle(), told=sale.look)
            assert len(sale.intents()) == ASKED - 1
        zombie.send(signal.SIGCONT)
        sale.line_up(shop.shoppers(1))  # which the zombie alone can decide, after what it woke up in
        assert_all_decided_once(sale)


def test_a_worker_stopped_in_order_finishes_what_it_began(shop: Shop, stores: Stores) -> None:
    sale = shop.open_sale(UNITS)
    with working(stores, 1, claim_size=1) as (worker,):
        sale.line_up(shop.shoppers(ASKED))
        worker.send(signal.SIGTERM)
        assert worker.process.wait(30) == 0
    while not sale.is_idle():
        sale.drain()
    assert_all_decided_once(sale)
