"""RabbitMQ as the broker: counted like Redis, lost and found again without harm and many words."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import kombu.pools
import pytest
from celery import Celery

from config import Settings
from tasks.background.workforce import show_workforce
from tasks.context import Context
from tasks.runtime.bell import Bell
from tasks.runtime.celery_app import BACKGROUND, DRAIN, PAYMENTS
from tests.support.certificates import OPENSSL, Authority
from tests.support.contexts import context_over, heard_bell, plain_settings
from tests.support.polling import eventually
from tests.support.rabbit import Rabbit, require_rabbit
from tests.support.servers import Stores
from tests.support.shop import Shop
from tests.support.workers import Worker
from web.health.readiness import Check, Readiness
from web.http.services import Services

pytestmark = pytest.mark.release  # a RabbitMQ takes long to start, and much of a core

UNITS, ASKED = 15, 20


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    require_rabbit()
    if OPENSSL is None:
        pytest.skip("no openssl on this machine")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def rabbit(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    node = Rabbit(tmp_path_factory.mktemp("broker"), authority.certify("localhost"))
    try:
        node.start()
        yield node
    finally:
        node.remove()


@pytest.fixture
def over_rabbit(stores: Stores, clean: None, rabbit: Rabbit) -> Settings:  # noqa: ARG001
    """A process's settings, with the node in the second place: nobody answers in the first."""
    nodes = f"amqp://guest:guest@127.0.0.1:1//;{rabbit.url}"
    return replace(plain_settings(stores), broker_url=nodes, broker_queues="quorum")


@pytest.fixture
def bell(over_rabbit: Settings) -> Bell:
    return heard_bell(over_rabbit)


@pytest.fixture
def hire(stores: Stores, over_rabbit: Settings) -> Iterator[list[Worker]]:
    """A worker that drains, and beat."""
    variables = {"BROKER_URL": over_rabbit.broker_url, "BROKER_QUEUES": over_rabbit.broker_queues}
    with ExitStack() as ending:
        hired = [Worker(stores, variables=variables, is_beat=is_beat) for is_beat in (False, True)]
        for one in hired:
            ending.callback(one.end)
        yield hired


def test_its_queues_are_counted_and_what_was_taken_up_is_not(bell: Bell, context: Context) -> None:
    assert [bell.ring_for_webhooks() for _ in range(3)] == [True] * 3
    workforce = show_workforce(replace(context, bell=bell))
    assert workforce["broker"] == {"is_reachable": True}
    waiting = {queue["name"]: queue["waiting"] for queue in workforce["queues"]}
    assert waiting == {"drain": 0, "background": 0, "payments": 3}
    assert workforce["unacknowledged"] is None


def test_a_queue_of_another_type_takes_no_bell_until_it_is_deleted(over_rabbit: Settings, bell: Bell) -> None:
    bell.ring_for_webhooks()
    other = heard_bell(replace(over_rabbit, broker_queues="classic"))
    assert not other.ring_for_webhooks()
    assert other.unheard(PAYMENTS) is None
    assert bell.unheard(PAYMENTS)
    delete_payments(over_rabbit)
    assert other.ring_for_webhooks()
    delete_payments(over_rabbit)


def delete_payments(settings: Settings) -> None:
    """Delete a queue as an operator does."""
    with Celery("tests", broker=settings.broker_url, set_as_current=False).connection_for_read() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0)
        channel: Any = broker.default_channel
        channel.queue_delete(PAYMENTS)


def test_a_connection_that_was_lost_costs_no_bell(bell: Bell, rabbit: Rabbit) -> None:
    assert bell.ring_for_webhooks()
    rabbit.control("close_all_connections", "tests")
    assert bell.ring_for_webhooks()


@pytest.mark.parametrize(
    ("login", "found"),
    [
        ("guest:guest", Check(True, "reachable")),
        ("guest:wrong", Check(False, "unreachable: AccessRefused")),
    ],
)
def test_readiness_tells_whether_it_lets_us_in(
    parts: Services, over_rabbit: Settings, login: str, found: Check
) -> None:
    url = over_rabbit.broker_url.replace("guest:guest", login)
    asked = replace(parts, settings=replace(over_rabbit, broker_url=url))
    assert Readiness(asked)._broker() == found


@pytest.fixture
def own_pools(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pools of its own for a test: to kombu's, connections that differ in TLS alone are the same."""
    connections, producers = kombu.pools.Connections(limit=10), kombu.pools.Producers(limit=10)
    monkeypatch.setattr(kombu.pools, "connections", connections)
    monkeypatch.setattr(kombu.pools, "producers", producers)
    yield
    for pool in (*producers.values(), *connections.values()):
        pool.force_close_all()


@pytest.mark.usefixtures("own_pools")
@pytest.mark.parametrize(
    ("node", "is_trusted"),
    [
        ("localhost:{port}//?ssl_ca_certs={ca}", True),
        ("localhost:{port}//", False),  # the machine does not know who signed
        ("127.0.0.1:{port}//?ssl_ca_certs={ca}", False),  # nobody signed that it is called so
        ("127.0.0.1:{port}//?ssl_cert_reqs=none", True),
    ],
)
def test_over_tls_the_certificate_and_the_name_are_checked(
    over_rabbit: Settings, rabbit: Rabbit, authority: Authority, node: str, is_trusted: bool
) -> None:
    second = node.format(port=rabbit.tls_port, ca=authority.certificate)
    nodes = f"amqps://guest:guest@127.0.0.1:1//;amqps://guest:guest@{second}"
    bell = heard_bell(replace(over_rabbit, broker_url=nodes))
    assert [bell.ring_for_webhooks() for _ in range(2)] == [is_trusted] * 2


def test_it_is_killed_and_comes_back(
    over_rabbit: Settings, bell: Bell, rabbit: Rabbit, hire: list[Worker]
) -> None:
    worker, beat = hire
    with context_over(over_rabbit, bell=bell) as context:
        shop = Shop(context)
        sale = shop.open_sale(UNITS)
        eventually(lambda: worker.is_ready and bell.unheard(BACKGROUND))
        rabbit.kill()
        assert not bell.ring(sale.id)
        sale.line_up(shop.shoppers(ASKED))
        eventually(lambda: len(sale.intents()) == ASKED, told=lambda: worker.text)
        eventually(lambda: "broker_away" in beat.text, told=lambda: beat.text)
        rabbit.start()
        asked_for = eventually(lambda: bell.unheard(BACKGROUND)) or 0
        eventually(lambda: bell.ring(sale.id) and bell.unheard(DRAIN) == 0, told=lambda: worker.text)
        eventually(lambda: (bell.unheard(BACKGROUND) or 0) > asked_for, told=lambda: beat.text)
        assert sale.row().held == sale.look().number("held") == UNITS
        assert sale.audit().ok
    for process in hire:
        said = [line for line in process.text.splitlines() if "[warning" in line or "[error" in line]
        assert all(" broker_away " in line for line in said), process.text
        assert len(said) <= 2, process.text  # one of the consumer's, one of the bells'
        assert "Traceback" not in process.text
        assert " broker_back " in process.text
