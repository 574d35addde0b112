"""A web process that is told to stop while intents are in flight: they are answered before the goodbye."""

import signal

import pytest

from tests.integration.distant_shop import DistantShop
from tests.integration.embedded_run import DEADLINE_S

IN_FLIGHT = 30
IDLE = 60  # enough that some are sent away at the very end


@pytest.fixture
def shop(distant_shop: DistantShop) -> DistantShop:
    return distant_shop


def test_who_waits_for_the_line_is_answered_before_the_goodbye(shop: DistantShop) -> None:
    sale_id = shop.open_sale()
    idle = [shop.connect() for _ in range(IDLE)]
    clients = [shop.connect(one) for one in shop.make_crowd(IN_FLIGHT)]
    shop.hold_back()
    for client in clients:
        client.say(type="intent", sale_id=str(sale_id))
    shop.await_in_flight()
    assert idle[0].ask(type="ping")["type"] == "pong"  # so what came before was read
    assert shop.process is not None
    shop.process.send_signal(signal.SIGTERM)
    assert {client.closing() for client in idle} == {1001}
    shop.proxy.go_on.set()
    assert {client.closing() for client in clients} == {1001}
    told = [[said for said in client.heard if said["type"] == "intent"] for client in clients]
    assert sorted(one["ticket"] for (one,) in told) == list(range(1, IN_FLIGHT + 1))
    assert shop.process.wait(DEADLINE_S) == 0
