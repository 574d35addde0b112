"""A sale at a Redis that three sentinels watch: its master dies, and another goes on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from config import load_settings
from models.errors import LineUnavailable
from tasks.runtime.celery_app import DRAIN
from tests.support.contexts import context_over, heard_bell, plain_settings
from tests.support.polling import eventually
from tests.support.sentinels import Watched
from tests.support.servers import Stores
from tests.support.shop import Shop
from web.sockets.delivery.feed import Feed, Listener


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    servers = Watched(tmp_path_factory.mktemp("watched"))
    yield servers
    servers.kill()


@contextmanager
def listening(url: str) -> Iterator[list[str]]:
    """Listen as a web process does; gives what was heard."""
    heard: list[str] = []
    feed = Feed(
        url,
        Listener(
            on_live=lambda _, word: heard.append(word),
            on_verdicts=heard.append,
            on_catalogue=lambda: heard.append("catalogue"),
            on_gap=lambda: heard.append("gap"),
        ),
    )
    thread = threading.Thread(target=feed.run, daemon=True)
    thread.start()
    eventually(lambda: "gap" in heard)
    yield heard
    feed.stop()
    thread.join()


def test_a_master_that_dies_is_followed(
    stores: Stores,
    clean: None,  # noqa: ARG001
    watched: Watched,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", watched.url)
    read = load_settings()
    settings = replace(
        plain_settings(stores),
        redis_url=read.redis_url,
        broker_url=read.broker_url,
        broker_options=read.broker_options,
    )
    with context_over(settings) as context, listening(watched.url) as heard:
        shop = Shop(context)
        sale = shop.open_sale(5)
        first, second = shop.shoppers(2)
        assert sale.submit(first)["ticket"] == 1
        eventually(watched.is_in_step)
        bell = heard_bell(settings)
        assert bell.ring(sale.id)
        heard.clear()
        watched.fail_over()

        def is_taken() -> bool:
            try:
                return bool(sale.submit(second)["ticket"] == 2)
            except LineUnavailable:
                return False

        eventually(is_taken)
        eventually(lambda: bell.ring(sale.id) and (bell.unheard(DRAIN) or 0) >= 1)
        eventually(lambda: "gap" in heard)
        sale.drain()
        assert sale.statuses() == ["held", "held"]
        assert sale.audit().ok
