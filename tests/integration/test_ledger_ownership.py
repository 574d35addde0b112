"""A Redis belongs to one ledger: a process with another one serves nothing there."""

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from models.database import Database
from models.errors import ForeignLine
from models.live.keys import LEDGER
from models.migrate import upgrade
from tasks.runtime.ownership import GOOD_FOR_S, Ownership
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tasks.sweeper import sweep_everything
from tests.integration.conftest import MakeApp
from tests.support.contexts import context_over, plain_settings
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import Shop
from tests.support.workers import Worker, working

NAME = "another_ledger"


@pytest.fixture(scope="module")
def foreign_url(database_url: str) -> Iterator[str]:
    """The ledger of another deployment, on the run's server."""
    server = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {NAME}"))
    url = make_url(database_url).set(database=NAME).render_as_string(hide_password=False)
    database = Database(url)
    upgrade(database)
    database.dispose()
    yield url
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {NAME} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def foreign_shop(foreign_url: str, stores: Stores, clean: None) -> Iterator[Shop]:  # noqa: ARG001
    """Another deployment's parts, over the same Redis."""
    with context_over(replace(plain_settings(stores), database_url=foreign_url)) as made:
        yield Shop(made)


def test_the_first_ledger_owns_the_redis_and_no_other_does(shop: Shop, foreign_shop: Shop) -> None:
    shop.context.ownership.require()
    with pytest.raises(ForeignLine):
        foreign_shop.context.ownership.require()
    shop.context.ownership.look()


def test_nothing_of_another_ledger_is_decided_swept_or_laid(shop: Shop, foreign_shop: Shop) -> None:
    sale = shop.open_sale(2)
    sale.line_up(shop.shoppers(3))
    theirs = replace(sale, context=foreign_shop.context)
    assert theirs.drain() == 0
    with pytest.raises(ForeignLine):
        sweep_everything(foreign_shop.context)
    assert foreign_shop.open_sale(2).look().fields == {}
    with pytest.raises(ForeignLine):
        rebuild_sale(foreign_shop.context, sale.id)
    assert (sale.look().line_length, sale.look().claims) == (3, 0)
    assert sale.drain() == 3


def test_a_sale_that_the_ledger_does_not_know_is_not_drained(shop: Shop, foreign_shop: Shop) -> None:
    """Also where both ledgers have one id, as after a copy."""
    sale = shop.open_sale(2)
    sale.line_up(shop.shoppers(1))
    foreign_shop.context.ownership.adopt()
    assert replace(sale, context=foreign_shop.context).drain() == 0
    assert (sale.look().line_length, sale.look().claims) == (1, 0)


def test_an_emptied_redis_belongs_to_the_ledger_that_rebuilds_its_sales(shop: Shop) -> None:
    sale = shop.open_sale(2)
    shop.context.live.client.flushdb()
    shop.context.ownership.look()
    rebuild_sale(shop.context, sale.id)
    assert sale.look().number("available") == 2


def test_a_ledger_that_was_emptied_altogether_gets_a_new_id(shop: Shop) -> None:
    ownership = shop.context.ownership
    before = ownership.of_ledger()
    with shop.context.database.connection() as connection:
        connection.execute(text("DELETE FROM ledger_identity"))
    after = ownership.of_ledger()
    assert after == ownership.of_ledger() != before


def test_an_adopted_redis_is_ours(shop: Shop) -> None:
    shop.context.live.client.set(LEDGER, str(uuid.uuid4()))
    with pytest.raises(ForeignLine):
        shop.context.ownership.look()
    shop.context.ownership.adopt()
    shop.context.ownership.look()


def test_that_they_agree_is_remembered_for_a_moment_and_no_longer(shop: Shop) -> None:
    now = [0.0]
    ownership = Ownership(shop.context.database, shop.context.live, clock=lambda: now[0])
    ownership.require()
    shop.context.live.client.set(LEDGER, "another")
    ownership.require()
    now[0] = GOOD_FOR_S
    with pytest.raises(ForeignLine):
        ownership.require()


def test_the_ledger_is_asked_for_its_id_seldom_but_where_the_two_differ(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ownership, asked = shop.context.ownership, []
    of_ledger = ownership.of_ledger
    monkeypatch.setattr(Ownership, "of_ledger", lambda _self: asked.append(1) or of_ledger())  # type: ignore[func-returns-value]
    for _ in range(3):
        ownership.look()
    assert len(asked) == 1
    shop.context.live.client.delete(LEDGER)
    ownership.look()
    assert len(asked) == 2
    shop.context.live.client.set(LEDGER, str(uuid.uuid4()))
    with pytest.raises(ForeignLine):
        ownership.look()


def test_a_worker_of_another_deployment_hears_no_bell_until_the_redis_is_its_own(
    shop: Shop, stores: Stores, foreign_url: str
) -> None:
    sale = shop.open_sale(12)
    worker = Worker(stores, database_url=foreign_url)
    try:
        eventually(lambda: "redis_of_another_ledger" in worker.text, told=lambda: worker.text)
        sale.line_up(shop.shoppers(30))
        with working(stores, 1):
            eventually(lambda: sale.is_idle() and len(sale.intents()) == 30, told=sale.look)
        assert sale.audit().ok
        assert " ready." not in worker.text
        shop.context.live.client.delete(LEDGER)
        eventually(lambda: worker.is_ready, told=lambda: worker.text)
    finally:
        worker.end()


def test_a_worker_whose_redis_becomes_anothers_ends(shop: Shop, stores: Stores) -> None:
    with working(stores, 1) as (worker,):
        shop.context.live.client.set(LEDGER, str(uuid.uuid4()))
        eventually(lambda: worker.process.poll() == 1, told=lambda: worker.text)


def test_ready_tells_that_the_redis_is_anothers(make_app: MakeApp, shop: Shop, foreign_url: str) -> None:
    shop.context.ownership.look()
    assert make_app().test_client().get("/readyz").get_json()["checks"]["redis"]["ok"]
    answer = make_app(database_url=foreign_url).test_client().get("/readyz")
    check = answer.get_json()["checks"]["redis"]
    assert (answer.status_code, check["ok"]) == (503, False)
    assert "belongs to the ledger" in check["detail"]


def test_the_command_line_adopts_a_redis(make_app: MakeApp, foreign_url: str, shop: Shop) -> None:
    shop.context.ownership.look()
    app = make_app(database_url=foreign_url)
    told = app.test_cli_runner().invoke(args=["ledger", "adopt-redis", "--yes"])
    assert told.exit_code == 0, told.output
    with pytest.raises(ForeignLine):
        shop.context.ownership.look()
