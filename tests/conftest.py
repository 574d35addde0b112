"""Fixtures: the real servers that tests run against, emptied before each test.

Without servers there is no result, so that they fail the run when they cannot start; nothing is skipped.
"""

import gc
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

import pytest
import structlog

import models.database
from config import Settings
from models.database import Database
from models.live.redis import connect
from models.live.store import Live
from tasks.context import Context
from tests.support.compiling import create_sharing_engine
from tests.support.contexts import context_borrowing, context_over, plain_settings
from tests.support.emptying import empty
from tests.support.servers import Stores
from tests.support.shop import Shop


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Spare the collector what imports make: a third of their time, and a fifth of the run's after them."""
    gc.disable()
    _import_a_share(session.config)
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


def _import_a_share(config: pytest.Config) -> None:
    """Have each of several processes rewrite the assertions of other modules, or all would do so for all."""
    process: dict[str, Any] = getattr(config, "workerinput", {})
    if not process:
        return
    modules = sorted(path for named in config.args for path in (config.rootpath / named).rglob("test_*.py"))
    for path in modules[int(process["workerid"].removeprefix("gw")) :: process["workercount"]]:
        with suppress(Exception, pytest.skip.Exception):  # told at its collection, which imports it again
            import_module(".".join(path.relative_to(config.rootpath).with_suffix("").parts))


@pytest.fixture(scope="session")
def stores() -> Iterator[Stores]:
    """The servers of the whole run. A test that stops one takes `fragile_stores`."""
    yield from _running()


@pytest.fixture(scope="session")
def _fragile_stores() -> Iterator[Stores]:
    yield from _running()


@pytest.fixture
def fragile_stores(_fragile_stores: Stores) -> Stores:
    """Servers that a test may stop, kill and start again; up and empty at its beginning."""
    _fragile_stores.start()
    empty(_fragile_stores.postgres.url, _fragile_stores.redis.url)
    return _fragile_stores


@pytest.fixture(scope="session")
def database_url(stores: Stores) -> str:
    return stores.postgres.url


@pytest.fixture(scope="session")
def redis_url(stores: Stores) -> str:
    return stores.redis.url


@pytest.fixture(scope="session", autouse=True)
def _logs_can_be_captured() -> Iterator[None]:
    """A logger that keeps what it was first bound to would be deaf to structlog's `capture_logs`."""
    configure = structlog.configure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            structlog,
            "configure",
            lambda **settings: configure(**settings | {"cache_logger_on_first_use": False}),
        )
        yield


@pytest.fixture(scope="session", autouse=True)
def _statements_are_compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models.database, "create_engine", create_sharing_engine)
        yield


@pytest.fixture
def clean(database_url: str, redis_url: str) -> None:
    """Empty stores."""
    empty(database_url, redis_url)


@pytest.fixture
def live(redis_url: str, clean: None) -> Iterator[Live]:  # noqa: ARG001
    """The live store over an empty Redis."""
    client = connect(redis_url)
    yield Live(client)
    client.close()


@pytest.fixture(scope="session")
def _lender(stores: Stores) -> Iterator[Database]:
    with context_over(plain_settings(stores)) as made:
        yield made.database


@pytest.fixture
def context(stores: Stores, _lender: Database, clean: None) -> Iterator[Context]:  # noqa: ARG001
    """A process's parts over empty stores; its bell reaches no worker and remembers what was rung."""
    with context_borrowing(_lender, plain_settings(stores)) as made:
        yield made


@pytest.fixture
def settings(stores: Stores) -> Settings:
    """Settings that name the run's servers."""
    return plain_settings(stores)


@pytest.fixture
def shop(context: Context) -> Shop:
    """Where tests open sales and find shoppers."""
    return Shop(context)


@pytest.fixture
def fragile_shop(fragile_stores: Stores) -> Iterator[Shop]:
    """A shop over servers that the test may stop."""
    with context_over(plain_settings(fragile_stores)) as made:
        yield Shop(made)


def _running() -> Iterator[Stores]:
    stores = Stores()
    try:
        stores.start()
        stores.migrate()
        yield stores
    finally:
        stores.remove()
