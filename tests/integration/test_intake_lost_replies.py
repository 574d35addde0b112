"""A reply that never comes: the shopper is told what is true, and there is one ticket at most."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from models.errors import LineUnavailable
from models.live.scripts import sha_of
from tasks.intake import intake
from tests.support.contexts import context_over, plain_settings
from tests.support.polling import eventually
from tests.support.proxy import Loss, LossyProxy
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop

PATIENCE_MS = 400


@pytest.fixture
def proxy(stores: Stores) -> Iterator[LossyProxy]:
    proxy = LossyProxy(stores.redis.socket_path, stores.place)
    yield proxy
    proxy.close()


@pytest.fixture
def distant(
    stores: Stores, proxy: LossyProxy, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SaleUnderTest]:
    """An open sale as a web process sees it whose way to Redis is not reliable."""
    monkeypatch.setattr(intake, "PATIENCE_MS", PATIENCE_MS)
    sale = shop.open_sale(5, limit=2)
    with context_over(replace(plain_settings(stores), redis_url=proxy.url)) as context:
        far = replace(sale, context=context)
        far.line_up(shop.shoppers(1))  # the connection stands and Redis' clock is known
        yield far


@contextmanager
def submitting(sale: SaleUnderTest, user: UUID, **requested: Any) -> Iterator[dict[str, Any]]:
    """Submit in a thread; what comes of it is there at the end."""
    told: dict[str, Any] = {}

    def submit() -> None:
        try:
            told["intent"] = sale.submit(user, **requested)
        except LineUnavailable as error:
            told["error"] = error

    thread = threading.Thread(target=submit)
    thread.start()
    yield told
    thread.join(30)


def test_a_lost_reply_is_looked_up_and_told(distant: SaleUnderTest, proxy: LossyProxy, shop: Shop) -> None:
    proxy.lose(Loss.REPLY, sha_of("submit"))
    intent = distant.submit(shop.shopper())
    assert proxy.lost.is_set()
    assert (intent["ticket"], intent["status"], intent["position"]) == (2, "queued", 2)
    assert distant.look().number("last_ticket") == 2


def test_a_lost_request_is_told_as_not_accepted_and_is_not_in_line(
    distant: SaleUnderTest, proxy: LossyProxy, shop: Shop
) -> None:
    proxy.lose(Loss.REQUEST, sha_of("submit"))
    with pytest.raises(LineUnavailable):
        distant.submit(shop.shopper())
    assert proxy.lost.is_set()
    assert distant.look().number("last_ticket") == 1


def test_a_request_that_comes_too_late_is_not_in_line(
    distant: SaleUnderTest, proxy: LossyProxy, shop: Shop
) -> None:
    proxy.lose(Loss.DELAY, sha_of("submit"))
    ann = shop.shopper()
    with submitting(distant, ann) as told:
        assert proxy.lost.wait(10)
        late = shop.context.live.now_ms() + PATIENCE_MS
        eventually(lambda: shop.context.live.now_ms() > late)
        proxy.go_on.set()
    assert isinstance(told["error"], LineUnavailable)
    assert shop.context.live.look(distant.id).number("last_ticket") == 1
    assert distant.submit(ann)["ticket"] == 2


def test_a_request_that_comes_after_its_sender_was_cut_off_is_told_truly(
    distant: SaleUnderTest,
    proxy: LossyProxy,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A look at once does not find it, and would be wrong: it is still on its way."""
    monkeypatch.setattr(intake, "PATIENCE_MS", 5 * PATIENCE_MS)
    proxy.lose(Loss.ORPHAN, sha_of("submit"))
    with submitting(distant, shop.shopper()) as told:
        assert proxy.lost.wait(10)
        on_its_way = shop.context.live.now_ms() + PATIENCE_MS
        eventually(lambda: shop.context.live.now_ms() > on_its_way)
        proxy.go_on.set()
        assert proxy.arrived.wait(10)
    is_in_line = shop.context.live.look(distant.id).number("last_ticket") == 2
    assert is_in_line == ("intent" in told)


def test_a_lost_reply_is_told_although_the_verdict_came_meanwhile(
    distant: SaleUnderTest, proxy: LossyProxy, shop: Shop
) -> None:
    proxy.lose(Loss.REPLY, sha_of("submit"))
    with submitting(distant, shop.shopper()) as told:
        assert proxy.lost.wait(10)
        replace(distant, context=shop.context).drain()
    assert told["intent"]["status"] == "held"
    assert told["intent"]["order_id"] is not None


def test_a_lost_reply_with_a_key_may_be_asked_for_again(
    distant: SaleUnderTest, proxy: LossyProxy, shop: Shop
) -> None:
    proxy.lose(Loss.REPLY, sha_of("submit"))
    ann = shop.shopper()
    first = distant.submit(ann, key="k")
    assert distant.submit(ann, key="k")["id"] == first["id"]
    assert distant.look().number("last_ticket") == 2


def test_a_lost_reply_to_a_repetition_says_nothing_untrue(
    distant: SaleUnderTest, proxy: LossyProxy, shop: Shop
) -> None:
    ann = shop.shopper()
    first = distant.submit(ann, key="k")
    proxy.lose(Loss.REPLY, sha_of("submit"))
    with pytest.raises(LineUnavailable):
        distant.submit(ann, key="k")
    assert distant.submit(ann, key="k")["id"] == first["id"]
    assert distant.look().number("last_ticket") == 2
