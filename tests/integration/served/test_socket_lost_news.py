"""Publications that are lost: shoppers who were told an old state hear the new one all the same, and once."""

import dataclasses
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from models.live.keys import SaleKeys
from tasks.orders.holds import cancel_order
from tests.integration.socket_shop import Client, Shop, Shopper
from tests.support.polling import eventually


@contextmanager
def nothing_is_published() -> Iterator[None]:
    """Everything happens in the stores, and is told to channels that nobody listens to."""
    real = SaleKeys.of.__func__  # type: ignore[attr-defined]

    def silenced(cls: type[SaleKeys], sale_id: object) -> SaleKeys:
        keys: SaleKeys = real(cls, sale_id)
        return dataclasses.replace(keys, live_channel="nobody", verdict_channel="nobody")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SaleKeys, "of", classmethod(silenced))
        yield


def watching(shop: Shop, shopper: Shopper, sale_id: object) -> Client:
    client = shop.connect(shopper)
    client.ask(type="subscribe", sale_id=str(sale_id))
    return client


def test_a_verdict_whose_publication_is_lost_is_told(shop: Shop) -> None:
    sale_id = shop.open_sale(allocation=1)
    shoppers = [shop.make_shopper() for _ in range(3)]
    clients = [watching(shop, shopper, sale_id) for shopper in shoppers]
    intents = [client.ask(type="intent", sale_id=str(sale_id)) for client in clients]
    with nothing_is_published():
        assert shop.drain(sale_id) == 3
    for client, intent, status in zip(clients, intents, ("held", "standby", "standby"), strict=True):
        assert client.hear_type("intent", id=intent["id"], status=status)["ticket"] == intent["ticket"]
    assert clients[0].hear_type("order")["intent_id"] == intents[0]["id"]


def test_it_is_told_to_the_shopper_who_submitted_elsewhere_too(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    intent = shop.submit(shopper, sale_id)
    client = watching(shop, shopper, sale_id)
    client.hear_type("intent", id=intent["id"], status="queued")
    with nothing_is_published():
        shop.drain(sale_id)
    client.hear_type("intent", id=intent["id"], status="held")


def test_the_end_of_a_hold_whose_publication_is_lost_is_told(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    client = watching(shop, shopper, sale_id)
    client.ask(type="intent", sale_id=str(sale_id))
    shop.drain(sale_id)
    order = client.hear_type("order", status="held")
    with nothing_is_published():
        cancel_order(shop.context, shopper.id, UUID(order["id"]))
    ended = client.hear_type("order", id=order["id"])
    assert ended["status"] == "cancelled"
    assert [one["status"] for one in ended["history"]] == ["held", "cancelled"]


def test_a_change_of_the_sale_whose_publication_is_lost_is_told(shop: Shop) -> None:
    sale_id = shop.open_sale(allocation=3)
    client = shop.connect()
    client.ask(type="subscribe", sale_id=str(sale_id))
    with nothing_is_published():
        shop.submit(shop.make_shopper(), sale_id, 2)
        shop.drain(sale_id)
    assert client.hear_type("sale", held=2)["available"] == 1


def test_what_was_heard_is_not_told_again(shop: Shop) -> None:
    sale_id = shop.open_sale(allocation=1)
    client = watching(shop, shop.make_shopper(), sale_id)
    standing_by = watching(shop, shop.make_shopper(), sale_id)
    for one in (client, standing_by):
        one.ask(type="intent", sale_id=str(sale_id))
    shop.drain(sale_id)
    client.hear_type("order")
    standing_by.hear_type("intent", status="standby")
    lost = watching(shop, shop.make_shopper(), sale_id)
    lost.ask(type="intent", sale_id=str(sale_id))
    with nothing_is_published():
        shop.drain(sale_id)
    lost.hear_type("intent", status="standby")  # so that everybody has been looked after twice
    for one, count in ((client, 2), (standing_by, 2)):
        one.ask(type="ping")
        assert len([said for said in one.heard if said["type"] == "intent"]) == count


def test_news_that_came_while_redis_was_silent_are_told(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    client = watching(shop, shopper, sale_id)
    intent = client.ask(type="intent", sale_id=str(sale_id))
    shop.signal_web(signal.SIGSTOP)
    with nothing_is_published():
        eventually(lambda: shop.drain(sale_id))  # the stopped process may hold a lock, which PostgreSQL ends
    shop.redis.stop()
    shop.signal_web(signal.SIGCONT)
    shop.redis.start()
    client.hear_type("intent", id=intent["id"], status="held")
