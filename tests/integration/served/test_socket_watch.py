"""Watching sales by socket: the snapshot, every change, and what gets lost on the way."""

import urllib.request
import uuid

import redis
from sqlalchemy import text

from models.enums import SaleStatus
from tasks.sales import lifecycle
from tasks.sales.archive import archive_finished_sales
from tests.integration.socket_shop import Shop
from tests.support.polling import eventually


def test_a_subscription_is_answered_with_the_sale_as_it_is(shop: Shop) -> None:
    sale_id = shop.open_sale(allocation=7)
    client = shop.connect()
    client.say(type="subscribe", sale_id=str(sale_id))
    sale = client.hear()
    assert sale["type"] == "sale"
    assert sale["sale_id"] == str(sale_id)
    assert (sale["status"], sale["available"], sale["held"], sale["sold"]) == ("open", 7, 0, 0)
    assert sale["price"] == {"amount_minor": 1999, "currency": "USD"}
    assert {"waiting", "standby", "now_serving", "last_ticket", "server_time"} <= sale.keys()


def test_a_subscription_that_asks_is_told_what_is_its_users(shop: Shop) -> None:
    sale_id = shop.open_sale(allocation=1)
    client = shop.connect(shop.make_shopper())
    client.ask(type="subscribe", sale_id=str(sale_id), standing=True)
    assert client.hear_type("standing", sale_id=str(sale_id))["intent_id"] is None
    client.ask(type="intent", sale_id=str(sale_id))
    shop.drain(sale_id)
    order = client.hear_type("order")
    client.ask(type="subscribe", sale_id=str(sale_id), standing=True)
    assert client.hear_type("standing", order_id=order["id"])["intent_id"] == order["intent_id"]
    refused = client.ask(type="subscribe", sale_id=str(sale_id), standing="yes")
    assert refused["code"] == "invalid_fields"


def test_everybody_who_watches_hears_of_a_change(shop: Shop) -> None:
    sale_id = shop.open_sale(allocation=3)
    clients = [shop.connect() for _ in range(5)]
    for client in clients:
        client.ask(type="subscribe", sale_id=str(sale_id))
    shop.submit(shop.make_shopper(), sale_id, 2)
    shop.drain(sale_id)
    for client in clients:
        assert client.hear_type("sale", held=2)["available"] == 1


def test_who_unsubscribed_or_watches_another_sale_hears_nothing(shop: Shop) -> None:
    watched, other = shop.open_sale(), shop.open_sale()
    client = shop.connect()
    client.ask(type="subscribe", sale_id=str(watched))
    client.ask(type="subscribe", sale_id=str(other))
    client.say(type="unsubscribe", sale_id=str(watched))
    assert client.ask(type="ping")["type"] == "pong"
    for sale_id in (watched, other):
        shop.submit(shop.make_shopper(), sale_id)
        shop.drain(sale_id)
    client.heard.clear()
    client.hear_type("sale", sale_id=str(other), held=1)
    assert {said["sale_id"] for said in client.heard} == {str(other)}


def test_an_unknown_sale_is_an_error_and_the_socket_lives_on(shop: Shop) -> None:
    client = shop.connect()
    assert client.ask(type="subscribe", sale_id=str(uuid.uuid4()))["code"] == "no_such_sale"
    assert client.ask(type="subscribe", sale_id="sale")["code"] == "invalid_fields"
    assert client.ask(type="subscribe")["code"] == "invalid_fields"
    assert client.ask(type="ping")["type"] == "pong"


def test_a_socket_watches_at_most_64_sales(shop: Shop) -> None:
    client = shop.connect()
    sale_ids = [str(shop.open_sale()) for _ in range(65)]
    answers = [client.ask(type="subscribe", sale_id=sale_id) for sale_id in sale_ids]
    assert [answer["type"] for answer in answers] == ["sale"] * 64 + ["error"]
    assert answers[-1]["code"] == "too_many_subscriptions"
    assert client.ask(type="subscribe", sale_id=sale_ids[0])["type"] == "sale"


def test_what_is_not_published_is_seen_all_the_same(shop: Shop) -> None:
    sale_id = shop.open_sale()
    client = shop.connect()
    assert client.ask(type="subscribe", sale_id=str(sale_id))["waiting"] == 0
    shop.submit(shop.make_shopper(), sale_id)
    assert client.hear_type("sale", waiting=1)["last_ticket"] == 1


def test_a_new_price_and_a_pause_are_told(shop: Shop) -> None:
    sale_id = shop.open_sale()
    client = shop.connect()
    client.ask(type="subscribe", sale_id=str(sale_id))
    lifecycle.change_sale(shop.context, sale_id, {"price_minor": 999})
    client.hear_type("sale", price={"amount_minor": 999, "currency": "USD"})
    lifecycle.move_sale(shop.context, sale_id, SaleStatus.PAUSED)
    client.hear_type("sale", status="paused")


def test_a_restart_of_redis_is_got_over(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    client = shop.connect(shopper)
    client.ask(type="subscribe", sale_id=str(sale_id))
    shop.redis.stop()
    assert client.ask(type="ping")["type"] == "pong"
    late = shop.connect()
    late.say(type="subscribe", sale_id=str(sale_id))
    assert late.hear()["available"] == 10
    shop.redis.start()
    shop.submit(shopper, sale_id)
    shop.drain(sale_id)
    client.hear_type("intent", status="held")
    late.hear_type("sale", held=1)


def test_a_sale_whose_live_side_is_lost_is_shown_as_recorded(shop: Shop) -> None:
    sale_id = shop.open_sale(allocation=4)
    with redis.Redis.from_url(shop.redis.url) as client:
        client.delete(*client.keys(f"{{sale:{sale_id}}}*"))
    assert shop.connect().ask(type="subscribe", sale_id=str(sale_id))["available"] == 4


def test_a_forgotten_sale_is_shown_as_recorded_with_what_is_ones_own(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(allocation=4), shop.make_shopper()
    intent = shop.submit(shopper, sale_id)
    lifecycle.move_sale(shop.context, sale_id, SaleStatus.ENDED)
    shop.drain(sale_id)
    with shop.context.database.connection() as connection:
        long_ago = text("UPDATE sales SET drained_at = now() - interval '8 days' WHERE id = :sale_id")
        connection.execute(long_ago, {"sale_id": sale_id})
    assert archive_finished_sales(shop.context) == 1
    client = shop.connect(shopper)
    told = client.ask(type="subscribe", sale_id=str(sale_id))
    assert (told["status"], told["available"], told["last_ticket"]) == ("ended", 4, 1)
    assert client.hear_type("intent")["id"] == intent["id"]
    assert client.ask(type="intent", sale_id=str(sale_id))["code"] == "sale_over"


def test_the_metrics_count_sockets_and_what_they_are_sent(shop: Shop) -> None:
    client, sale_id = shop.connect(), shop.open_sale()
    client.ask(type="subscribe", sale_id=str(sale_id))
    shop.submit(shop.make_shopper(), sale_id)
    shop.drain(sale_id)
    client.hear_type("sale", held=1)

    def figures() -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{shop.port}/metrics") as answer:
            lines = [line for line in answer.read().decode().splitlines() if line[0] != "#"]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    eventually(lambda: figures()["sockets"] >= 1 and figures()["sale_watchers"] >= 1)  # told twice a second
    eventually(lambda: figures()['socket_messages_pushed_total{type="sale"}'] > 0)
