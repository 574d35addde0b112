"""What a network may take of a web process by sockets, told apart by the addresses that a proxy tells."""

import threading
import time
import uuid

import pytest
import websocket

from tests.integration.served.conftest import ROOM, UNKNOWN
from tests.integration.socket_shop import Client, Shop
from web.sockets.hub import MOST_OF_ACCOUNT


def come(shop: Shop, address: str) -> Client:
    return shop.connect(header=[f"X-Forwarded-For: {address}"])


@pytest.mark.parametrize("form", ["203.0.113.7:{}", "[2001:db8::{}]:443"])
def test_a_network_has_room_for_so_many_strangers(shop: Shop, form: str) -> None:
    for number in range(1, ROOM + 1):
        come(shop, form.format(number))
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        come(shop, form.format(9))
    assert refused.value.status_code == 429
    assert int((refused.value.resp_headers or {})["retry-after"]) >= 1
    come(shop, "198.51.100.9")


def test_who_authenticates_makes_room_for_strangers(shop: Shop) -> None:
    crowd = shop.make_crowd(2 * ROOM)
    for shopper in crowd:
        client = come(shop, "192.0.2.7")
        assert client.ask(type="auth", token=shopper.token)["type"] == "ready"


def test_an_account_has_room_for_so_many_sockets(shop: Shop) -> None:
    shopper = shop.make_shopper()
    for _ in range(MOST_OF_ACCOUNT):
        assert come(shop, "192.0.2.6").ask(type="auth", token=shopper.token)["type"] == "ready"
    one_more = come(shop, "192.0.2.6")
    assert one_more.ask(type="auth", token=shopper.token)["code"] == "too_many_requests"
    assert one_more.closing() == 1008


def test_asking_for_sales_that_are_not_there_has_a_budget(shop: Shop) -> None:
    sale_id, client = shop.open_sale(), come(shop, "192.0.2.8")
    answers = [client.ask(type="subscribe", sale_id=str(uuid.uuid4())) for _ in range(UNKNOWN + 3)]
    assert [one["code"] for one in answers] == ["no_such_sale"] * UNKNOWN + ["too_many_requests"] * 3
    assert all(one["retry_after"] >= 1 for one in answers[UNKNOWN:])
    # Known to the process by another's asking: such a sale costs nothing.
    assert come(shop, "192.0.3.8").ask(type="subscribe", sale_id=str(sale_id))["type"] == "sale"
    assert client.ask(type="subscribe", sale_id=str(sale_id))["type"] == "sale"


def test_an_honest_subscription_is_answered_while_others_ask_for_what_is_not_there(shop: Shop) -> None:
    sale_id, stop = shop.open_sale(), threading.Event()
    noisy = [come(shop, f"198.18.{number}.1") for number in range(20)]

    def ask_on(client: Client) -> None:
        while not stop.is_set():
            client.ask(type="subscribe", sale_id=str(uuid.uuid4()))
            time.sleep(0.01)

    threads = [threading.Thread(target=ask_on, args=(client,)) for client in noisy]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            client = come(shop, "198.51.100.10")
            assert client.ask(type="subscribe", sale_id=str(sale_id))["type"] == "sale"
            client.close()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
