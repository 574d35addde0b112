"""PgBouncer in transaction mode before the ledger: found out, and nothing of a session is relied upon."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from models.database import Database, take_time
from models.driver import LONG, QUICK
from models.migrate import upgrade
from tests.integration.conftest import PASSWORD, MakeApp
from tests.support.contexts import context_over, plain_settings
from tests.support.paying import Till
from tests.support.pgbouncer import SESSIONS, pooled
from tests.support.servers import Stores
from tests.support.shop import Shop

CROWD = 3 * SESSIONS
ROUNDS = 8  # after five the driver prepares a statement


@pytest.fixture(params=["", "options"])
def url(request: pytest.FixtureRequest, stores: Stores) -> Iterator[str]:
    """A pooler that refuses the settings of sessions, and one that swallows them."""
    with pooled(stores, ignored=request.param) as found:
        yield found


def test_a_sale_and_a_log_in_through_a_pooler_of_transactions(
    url: str, stores: Stores, make_app: MakeApp
) -> None:
    client = make_app(database_url=url).test_client()
    body = {"email": "somebody@example.com", "password": PASSWORD}
    assert client.post("/api/v1/auth/register", json=body).status_code == 201
    with context_over(replace(plain_settings(stores), database_url=url)) as context:
        shop, till = Shop(context), Till.over(context)
        sale = shop.open_sale(units=CROWD * ROUNDS)
        shoppers = iter(shop.shoppers(CROWD * ROUNDS))
        for _ in range(ROUNDS):
            sale.line_up(next(shoppers) for _ in range(CROWD))
            sale.drain()
        with ThreadPoolExecutor(CROWD) as crowd:
            list(crowd.map(till.pay, sale.orders()))
            answers = list(
                crowd.map(lambda _: client.application.test_client().get("/api/v1/sales"), range(50))
            )
        assert {answer.status_code for answer in answers} == {200}
        assert {order.status for order in sale.orders()} == {"paid"}
        assert sale.audit().ok
    assert client.post("/api/v1/auth/login", json=body).status_code == 200
    assert client.get("/readyz").status_code == 200


def test_each_transaction_has_the_time_limits_of_its_own_process(url: str) -> None:
    asks = text(
        "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),"
        " current_setting('idle_in_transaction_session_timeout'), current_setting('timezone')"
    )
    quick, steady = Database(url, patience=QUICK), Database(url)
    try:
        upgrade(steady)  # nothing to migrate, but all that migrating asks for
        for _ in range(3):
            with quick.connection() as connection:
                assert tuple(connection.execute(asks).one()) == ("4s", "3s", "5s", "UTC")
            with steady.connection() as connection:
                assert tuple(connection.execute(asks).one()) == ("15s", "3s", "20s", "UTC")
                take_time(connection, LONG)
                assert connection.execute(asks).one()[0] == "1min"
    finally:
        quick.dispose()
        steady.dispose()
