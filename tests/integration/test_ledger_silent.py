"""A PostgreSQL that is stopped in the middle of everything: callers get an error, and nobody hangs.

What is asked inside `with stalled(…)` comes to an end there, or the test never does.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from models.database import Database, take_time
from models.driver import LONG, QUICK, Patience
from models.errors import LedgerSilent, LedgerUnavailable
from tasks.runtime.breaker import Breaker
from tests.integration.conftest import PASSWORD, MakeApp
from tests.support.ailing import stalled
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import Shop

CROWD = 30  # more than there are connections


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a server that is stopped as long as people do."""
    monkeypatch.setattr("tasks.context.QUICK", Patience(1_500, 5_000, 2.0))


@pytest.fixture
def client(make_app: MakeApp, fragile_stores: Stores) -> FlaskClient:
    app = make_app(database_url=fragile_stores.postgres.url, redis_url=fragile_stores.redis.url)
    return app.test_client()


def log_in(client: FlaskClient) -> int:
    body = {"email": "somebody@example.com", "password": PASSWORD}
    return client.post("/api/v1/auth/login", json=body).status_code


def test_everybody_gets_an_answer_while_the_ledger_is_stopped(
    client: FlaskClient, fragile_stores: Stores
) -> None:
    assert (log_in(client), client.get("/api/v1/sales").status_code) == (401, 200)
    assert client.get("/readyz").status_code == 200
    with stalled(fragile_stores):
        assert client.get("/readyz").status_code == 503
        assert client.get("/api/v1/sales").status_code == 503
        assert log_in(client) == 503
        with ThreadPoolExecutor(CROWD) as crowd:
            assert set(crowd.map(lambda _: log_in(client.application.test_client()), range(CROWD))) == {503}
        assert client.get("/healthz").status_code == 200
    eventually(lambda: client.get("/api/v1/sales").status_code == 200)
    assert log_in(client) == 401
    eventually(lambda: client.get("/readyz").status_code == 200)


def test_an_answer_that_came_too_late_is_nobodys(fragile_shop: Shop, fragile_stores: Stores) -> None:
    database = fragile_shop.context.database

    def ask(number: int) -> int:
        with database.connection() as connection:
            return int(
                connection.execute(text("SELECT CAST(:number AS int)"), {"number": number}).scalar_one()
            )

    assert ask(1) == 1
    with stalled(fragile_stores), pytest.raises(LedgerUnavailable):
        ask(2)
    assert eventually(lambda: ask_or_none(ask, 3)) == 3


def ask_or_none(ask: object, number: int) -> int | None:
    assert callable(ask)
    try:
        return int(ask(number))
    except LedgerUnavailable:
        return None


def test_nothing_is_parked_and_all_is_decided_afterwards(fragile_shop: Shop, fragile_stores: Stores) -> None:
    sale = fragile_shop.open_sale(4)
    sale.line_up(fragile_shop.shoppers(6))
    sale.context.sale_cache.by_id(sale.id)
    with stalled(fragile_stores):
        assert sale.drain() == 0
        assert not sale.context.breaker.is_closed()
        assert sale.drain() == 0
        assert sale.look().parked == 0

    def is_drained() -> bool:
        sale.drain()
        return sale.is_idle()

    eventually(is_drained)
    assert len(sale.intents()) == 6
    assert sale.audit().ok


def test_who_waits_long_gives_up_when_others_find_the_ledger_silent(fragile_stores: Stores) -> None:
    database = Database(fragile_stores.postgres.url, patience=QUICK)
    database.guard = guard = Breaker(lambda: False)
    waits = threading.Event()

    def wait_long() -> None:
        with database.connection() as connection:
            take_time(connection, LONG)
            waits.set()
            connection.execute(text("SELECT pg_sleep(50)"))

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_long)
        waits.wait()
        guard.trip()
        with pytest.raises(LedgerSilent):
            waiting.result()
    database.dispose()


def test_patience_ends_with_the_transaction_that_took_it(fragile_stores: Stores) -> None:
    database = Database(fragile_stores.postgres.url, pool_size=1, patience=QUICK)
    ask = text("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
    with database.connection() as connection:
        take_time(connection, LONG)
        assert connection.execute(ask).one() == ("1min", "3s")
    with database.connection() as connection:
        assert connection.execute(ask).one() == ("4s", "3s")
    database.dispose()


def test_who_is_cut_off_with_a_lock_does_not_hold_up_the_sale_for_long(fragile_shop: Shop) -> None:
    sale = fragile_shop.open_sale(4)
    sale.line_up(fragile_shop.shoppers(2))
    cut_off = Database(fragile_shop.context.settings.database_url, patience=replace(QUICK, idle_ms=500))
    gone = cut_off.engine.connect()
    gone.execute(text("SELECT 1 FROM sales FOR UPDATE"))  # and says nothing any more

    def is_drained() -> bool:
        sale.drain()
        return sale.is_idle()

    eventually(is_drained)
    assert sale.look().parked == 0
    gone.invalidate()
    gone.close()
    cut_off.dispose()


def test_a_guard_that_is_open_keeps_everybody_from_asking(fragile_shop: Shop) -> None:
    database = fragile_shop.context.database
    probes: list[int] = []
    now = [0.0]

    def probe() -> bool:
        probes.append(1)
        return len(probes) > 1

    database.guard = guard = Breaker(probe, cool_off_s=1.0, clock=lambda: now[0])
    guard.trip()
    with pytest.raises(LedgerUnavailable), database.connection():
        pass
    assert probes == []
    now[0] = 1.0
    with pytest.raises(LedgerUnavailable), database.connection():
        pass
    assert probes == [1]
    now[0] = 2.0
    with database.connection() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
