"""What a network may take of a web process by sockets, told apart by the addresses that a proxy tells."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
import websocket

from tests.integration.socket_shop import Client, Shop
from web.sockets.hub import MOST_OF_ACCOUNT

ROOM = 5


@pytest.fixture(scope="module")
def guarded(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with closing(
        Shop(
            tmp_path_factory.mktemp("guarded"),
            database_url,
            TRUSTED_PROXIES="1",
            RATE_LIMIT_SOCKETS_PER_NETWORK=str(ROOM),
            RATE_LIMIT_UNKNOWN_SALES="5/10 seconds",
        )
    ) as shop:
        shop.start()
        yield shop


def come(shop: Shop, address: str) -> Client:
    return shop.connect(header=[f"X-Forwarded-For: {address}"])


@pytest.mark.parametrize("form", ["203.0.113.7:{}", "[2001:db8::{}]:443"])
def test_a_network_has_room_for_so_many_strangers(guarded: Shop, form: str) -> None:
    for number in range(1, ROOM + 1):
        come(guarded, form.format(number))
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        come(guarded, form.format(9))
    assert refused.value.status_code == 429
    assert int((refused.value.resp_headers or {})["retry-after"]) >= 1
    come(guarded, "198.51.100.9")
    guarded.hang_up()


def test_who_authenticates_makes_room_for_strangers(guarded: Shop) -> None:
    crowd = guarded.make_crowd(2 * ROOM)
    for shopper in crowd:
        client = come(guarded, "192.0.2.7")
        assert client.ask(type="auth", token=shopper.token)["type"] == "ready"
    guarded.hang_up()


def test_an_account_has_room_for_so_many_sockets(guarded: Shop) -> None:
    shopper = guarded.make_shopper()
    for _ in range(MOST_OF_ACCOUNT):
        assert come(guarded, "192.0.2.6").ask(type="auth", token=shopper.token)["type"] == "ready"
    one_more = come(guarded, "192.0.2.6")
    assert one_more.ask(type="auth", token=shopper.token)["code"] == "too_many_requests"
    assert one_more.closing() == 1008
    guarded.hang_up()


def test_asking_for_sales_that_are_not_there_has_a_budget(guarded: Shop) -> None:
    sale_id, client = guarded.open_sale(), come(guarded, "192.0.2.8")
    answers = [client.ask(type="subscribe", sale_id=str(uuid.uuid4())) for _ in range(8)]
    assert [one["code"] for one in answers] == ["no_such_sale"] * 5 + ["too_many_requests"] * 3
    assert all(one["retry_after"] >= 1 for one in answers[5:])
    # Known to the process by another's asking: such a sale costs nothing.
    assert come(guarded, "192.0.3.8").ask(type="subscribe", sale_id=str(sale_id))["type"] == "sale"
    assert client.ask(type="subscribe", sale_id=str(sale_id))["type"] == "sale"
    guarded.hang_up()


def test_an_honest_subscription_is_answered_while_others_ask_for_what_is_not_there(guarded: Shop) -> None:
    sale_id, stop = guarded.open_sale(), threading.Event()
    noisy = [come(guarded, f"198.18.{number}.1") for number in range(20)]

    def ask_on(client: Client) -> None:
        while not stop.is_set():
            client.ask(type="subscribe", sale_id=str(uuid.uuid4()))
            time.sleep(0.01)

    threads = [threading.Thread(target=ask_on, args=(client,)) for client in noisy]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            client = come(guarded, "198.51.100.10")
            assert client.ask(type="subscribe", sale_id=str(sale_id))["type"] == "sale"
            client.close()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        guarded.hang_up()
