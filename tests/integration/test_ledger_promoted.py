"""Two PostgreSQL hosts in the URL: the primary dies in mid-sale, and its replica takes over."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from config import load_settings
from models.database import Database
from models.errors import LedgerUnavailable
from models.replica import REST_S
from models.replica import Replica as FitReplica
from tests.support.contexts import context_over, plain_settings
from tests.support.paying import Till
from tests.support.polling import eventually
from tests.support.replicas import Primary, Replica, keep_in_step, replicated
from tests.support.servers import PLACE, Stores
from tests.support.shop import Shop


@pytest.mark.usefixtures("clean")
def test_a_replica_is_read_while_it_is_near_and_a_sale_goes_on_with_it_when_it_was_promoted(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="fs-", dir=PLACE) as place, replicated(Path(place)) as two:
        a_replica_is_read_while_it_is_near_and_the_primary_otherwise(*two)
        two[1].start()
        keep_in_step(two[0])
        a_sale_goes_on_with_the_replica_that_was_promoted(*two, stores, monkeypatch)


def a_replica_is_read_while_it_is_near_and_the_primary_otherwise(primary: Primary, replica: Replica) -> None:
    database, copy = Database(primary.url), Database(replica.url)
    now = [0.0]
    reading = FitReplica(database, copy, 0.0, clock=lambda: now[0])

    def reads_replica(*, in_step: bool = False) -> bool:
        now[0] += REST_S
        with reading.transaction(in_step=in_step) as session:
            return bool(session.scalar(text("SELECT pg_is_in_recovery()")))

    try:
        eventually(reads_replica)
        eventually(lambda: reads_replica(in_step=True))
        primary.do("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        replica.do("SELECT pg_wal_replay_pause()")
        eventually(lambda: replica.do("SELECT pg_get_wal_replay_pause_state()") == [("paused",)])
        primary.do("UPDATE ledger_identity SET written_at = now()")
        assert not reads_replica()
        assert not reads_replica(in_step=True)
        replica.do("SELECT pg_wal_replay_resume()")
        eventually(reads_replica)
        replica.kill()
        assert not reads_replica()
    finally:
        reading.dispose()
        database.dispose()


def a_sale_goes_on_with_the_replica_that_was_promoted(
    primary: Primary, replica: Replica, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://app@{primary.address},{replica.address}/app")
    settings = replace(plain_settings(stores), database_url=load_settings().database_url)
    with context_over(settings) as context:
        shop, till = Shop(context), Till.over(context)
        sale, shoppers = shop.open_sale(units=8), shop.shoppers(12)
        sale.line_up(shoppers[:4])
        sale.drain()
        till.pay(sale.orders()[0])
        primary.kill()
        sale.line_up(shoppers[4:])  # accepted while there is no ledger
        sale.drain()
        with pytest.raises(LedgerUnavailable), context.database.connection() as connection:
            connection.execute(text("SELECT 1"))  # the replica answers, and takes no writes yet
        replica.promote()
        eventually(lambda: sale.drain() or sale.is_idle())
        assert sale.statuses() == ["held"] * 8 + ["standby"] * 4
        for order in sale.orders():
            if order.status == "held":
                till.pay(order)
        sale.drain()
        assert sale.statuses() == ["held"] * 8 + ["sold_out"] * 4
        assert [order.status for order in sale.orders()] == ["paid"] * 8
        assert sale.audit().ok
