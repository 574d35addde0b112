"""Buying by socket: the same rules as the POST, and nobody misses a verdict."""

import signal

import redis

from tests.integration.socket_shop import Shop
from tests.support.polling import eventually


def test_an_intent_by_socket_gets_a_ticket_and_a_verdict(shop: Shop) -> None:
    sale_id, client = shop.open_sale(), shop.connect(shop.make_shopper())
    intent = client.ask(type="intent", sale_id=str(sale_id), quantity=2)
    assert (intent["type"], intent["status"], intent["ticket"], intent["position"]) == (
        "intent",
        "queued",
        1,
        1,
    )
    shop.drain(sale_id)
    assert client.hear_type("intent", id=intent["id"])["status"] == "held"
    order = client.hear_type("order", intent_id=intent["id"])
    assert (order["quantity"], order["status"]) == (2, "held")


def test_leaving_gives_up_the_place(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    client, second = shop.connect(shopper), shop.connect(shopper)
    intent = client.ask(type="intent", sale_id=str(sale_id))
    assert client.ask(type="leave", intent_id=intent["id"])["status"] == "left"
    assert second.hear_type("intent", id=intent["id"])["status"] == "left"
    stranger = shop.connect(shop.make_shopper())
    assert stranger.ask(type="leave", intent_id=intent["id"])["code"] == "not_found"


def test_leaving_too_late_is_told(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    client = shop.connect(shopper)
    intent = client.ask(type="intent", sale_id=str(sale_id))
    shop.drain(sale_id)
    assert client.ask(type="leave", intent_id=intent["id"])["code"] == "already_decided"


def test_a_reconnect_hears_the_verdict_that_it_missed(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    client = shop.connect(shopper)
    intent = client.ask(type="intent", sale_id=str(sale_id))
    client.close()
    shop.drain(sale_id)
    client = shop.connect(shopper)
    client.say(type="subscribe", sale_id=str(sale_id))
    assert [client.hear()["type"] for _ in range(3)] == ["sale", "intent", "order"]
    assert client.heard[-2]["id"] == intent["id"]
    assert client.heard[-2]["status"] == client.heard[-1]["status"] == "held"


def test_a_reconnect_in_line_hears_its_place(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    intent = shop.submit(shopper, sale_id)
    client = shop.connect(shopper)
    client.say(type="subscribe", sale_id=str(sale_id))
    told = client.hear_type("intent")
    assert (told["id"], told["status"], told["position"]) == (intent["id"], "queued", 1)


def test_who_subscribes_first_and_authenticates_then_hears_it_too(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    shop.submit(shopper, sale_id)
    client = shop.connect()
    client.ask(type="subscribe", sale_id=str(sale_id))
    client.say(type="auth", token=shopper.token)
    assert client.hear_type("intent")["status"] == "queued"


def test_a_verdict_that_was_published_to_nobody_is_told_after_the_gap(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    client = shop.connect(shopper)
    client.ask(type="subscribe", sale_id=str(sale_id))
    intent = client.ask(type="intent", sale_id=str(sale_id))
    shop.signal_web(signal.SIGSTOP)
    with redis.Redis.from_url(shop.redis.url) as direct:
        direct.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        eventually(lambda: shop.drain(sale_id))  # the stopped process may hold a lock, which PostgreSQL ends
    shop.signal_web(signal.SIGCONT)
    assert client.hear_type("intent", id=intent["id"])["status"] == "held"
    assert client.hear_type("order")["intent_id"] == intent["id"]
