"""The web processes that the tests of this package share."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest

from benchmarks.harness.processes import free_port
from tests.integration.distant_shop import DistantShop
from tests.integration.socket_shop import Shop
from tests.support.polling import eventually

ROOM: Final = 5  # sockets of strangers that a network has room for
UNKNOWN: Final = 5  # sales that are not there, which a network may ask for in ten seconds
TOO_OFTEN: Final = 4  # intents of an account in the distant shop


@pytest.fixture(scope="package")
def running_shop(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop behind a proxy, whose limits spare this machine as ever; each test makes what it needs."""
    limits = {
        "TRUSTED_PROXIES": "1",
        "RATE_LIMIT_SOCKETS_PER_NETWORK": str(ROOM),
        "RATE_LIMIT_UNKNOWN_SALES": f"{UNKNOWN}/10 seconds",
    }
    with closing(Shop(tmp_path_factory.mktemp("shop"), database_url, **limits)) as shop:
        shop.start()
        shop.connect()  # from the first socket on, Redis is listened to
        eventually(shop.context.live.client.pubsub_numpat)
        shop.hang_up()
        yield shop


@pytest.fixture
def shop(running_shop: Shop) -> Iterator[Shop]:
    """The same, without the clients of the test before."""
    yield running_shop
    running_shop.hang_up()


@pytest.fixture(scope="package")
def _distant_shop(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistantShop]:
    more = {"RATE_LIMIT_INTENTS": f"{TOO_OFTEN}/day", "OPS_PORT": str(free_port())}
    with closing(DistantShop(tmp_path_factory.mktemp("distant"), database_url, **more)) as shop:
        yield shop


@pytest.fixture
def distant_shop(_distant_shop: DistantShop) -> Iterator[DistantShop]:
    """A shop whose way to Redis loses what a test has it lose; its operators have a port of their own."""
    if not _distant_shop.runs:
        _distant_shop.start()
    yield _distant_shop
    _distant_shop.proxy.go_on.set()
    _distant_shop.hang_up()
