"""A ledger that answers and cannot do its work: nothing is held against rows, and all goes on by itself."""

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from models.errors import LedgerBusy
from models.live.keys import SaleKeys
from models.live.store import MAX_TRIES
from models.tables.accounts import User
from tasks.context import ledger_takes_claims
from tasks.runtime.breaker import Breaker
from tests.support.ailing import AILMENTS, Ailment, url_of_clerk
from tests.support.contexts import context_over, plain_settings
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop

UNITS, ASKED = 12, 30


def forget_pauses(sale: SaleUnderTest) -> None:
    """Let everything that waits for its time be due."""
    live = sale.context.live
    live.client.delete(f"turn:parked:{sale.id}")
    for claim, score in live.client.zscan_iter(SaleKeys.of(sale.id).claims):
        if score != float("inf"):
            live.client.zadd(SaleKeys.of(sale.id).claims, {claim: 1})


def drained(sale: SaleUnderTest) -> bool:
    sale.drain()
    return sale.is_idle()


def assert_all_decided(sale: SaleUnderTest) -> None:
    assert [one.ticket for one in sale.intents()] == list(range(1, ASKED + 1))
    assert len(sale.orders()) == sale.row().held == UNITS
    audit = sale.audit()
    assert audit.ok, audit


@pytest.fixture
def clerks_shop(fragile_stores: Stores) -> Iterator[Shop]:
    """A shop whose user of PostgreSQL may do what the platform needs and no more."""
    url = url_of_clerk(fragile_stores)
    with context_over(replace(plain_settings(fragile_stores), database_url=url)) as made:
        yield Shop(made)


@pytest.mark.parametrize("ailment", AILMENTS.values(), ids=AILMENTS.keys())
def test_what_is_not_a_rows_fault_parks_nothing_and_is_over_by_itself(
    clerks_shop: Shop, fragile_stores: Stores, ailment: Ailment
) -> None:
    sale = clerks_shop.open_sale(UNITS)
    sale.line_up(clerks_shop.shoppers(ASKED))
    with ailment(fragile_stores):
        for _ in range(MAX_TRIES + 2):
            forget_pauses(sale)
            sale.drain()
            assert sale.look().parked == 0
            another_worker = replace(sale.context, breaker=Breaker(lambda: True))
            sale = replace(sale, context=another_worker)
        assert (sale.look().claims, sale.look().line_length) == (1, 0)
    sale = replace(sale, context=clerks_shop.context)
    eventually(lambda: drained(sale))
    assert_all_decided(sale)


@pytest.mark.parametrize("ailment", ["read_only", "without_a_table", "without_a_privilege"])
def test_the_breakers_probe_finds_out_whether_claims_can_be_written(
    clerks_shop: Shop, fragile_stores: Stores, ailment: str
) -> None:
    with AILMENTS[ailment](fragile_stores):
        assert not ledger_takes_claims(clerks_shop.context.database)
    assert ledger_takes_claims(clerks_shop.context.database)


def test_statements_that_a_session_forgot_park_nothing(fragile_shop: Shop) -> None:
    """As behind a pooler, which hands out other sessions than those in which statements were prepared."""
    sale = fragile_shop.open_sale(UNITS)
    for shopper in fragile_shop.shoppers(10):  # often enough that the driver prepares its statements
        sale.line_up([shopper])
        sale.drain()
    sale.line_up(fragile_shop.shoppers(3))
    sale.sql("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
    assert sale.drain() == 0
    eventually(lambda: drained(sale))
    assert (sale.look().parked, len(sale.intents())) == (0, 13)


def test_a_lock_that_is_not_to_be_had_is_no_ledger_that_is_away(fragile_shop: Shop) -> None:
    sale = fragile_shop.open_sale(UNITS)
    sale.line_up(fragile_shop.shoppers(1))
    database = fragile_shop.context.database
    with database.connection() as holder, pytest.raises(LedgerBusy):  # noqa: PT012 - the lock is part of it
        holder.execute(text("SELECT 1 FROM sales FOR UPDATE"))
        with database.connection() as waiting:
            waiting.execute(text("SET LOCAL lock_timeout = '10ms'"))
            waiting.execute(text("SELECT 1 FROM sales FOR UPDATE"))
    assert sale.drain() == 1


def test_parked_rows_that_are_well_again_get_their_verdicts_by_a_sweep(shop: Shop) -> None:
    sale, stranger, never = shop.open_sale(UNITS), uuid.uuid4(), uuid.uuid4()
    sale.line_up([*shop.shoppers(3), stranger, never])
    sale.drain()
    assert (sale.look().parked, len(sale.intents())) == (1, 3)
    with shop.context.database.transaction() as session:
        session.add(User(id=stranger, email="late@example.com"))
    shop.sweep()
    assert [one.ticket for one in sale.intents()] == [1, 2, 3, 4]
    assert sale.look().parked == 1
    with shop.context.database.transaction() as session:
        session.add(User(id=never, email="later@example.com"))
    forget_pauses(sale)
    shop.sweep()
    assert sale.is_idle()
    assert sale.audit().ok


def test_parked_rows_are_tried_by_one_sweep_at_a_time(shop: Shop) -> None:
    sale = shop.open_sale(UNITS)
    sale.line_up([uuid.uuid4()])
    sale.drain()
    with capture_logs() as logs:
        for _ in range(3):
            shop.sweep()
    assert [one["event"] for one in logs] == ["claim_stays_parked"]


def test_a_claim_that_nobody_finished_is_finished_by_a_sweep(shop: Shop) -> None:
    sale = shop.open_sale(UNITS)
    sale.line_up(shop.shoppers(2))
    for _ in range(MAX_TRIES + 1):  # as if each worker died
        shop.context.live.claim(sale.id, 100)
        forget_pauses(sale)
    assert sale.look().parked == 1
    shop.sweep()
    assert (sale.is_idle(), len(sale.orders())) == (True, 2)


def test_a_claim_of_another_epoch_is_not_parked_by_being_handed_out(shop: Shop) -> None:
    sale = shop.open_sale(UNITS)
    sale.line_up(shop.shoppers(1))
    sale.sql("UPDATE sales SET epoch = 'another' WHERE id = :sale_id")
    for _ in range(MAX_TRIES + 1):
        forget_pauses(sale)
        sale.drain()
    assert (sale.look().claims, sale.look().parked) == (1, 0)
