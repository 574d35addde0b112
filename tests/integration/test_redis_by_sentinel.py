"""A sale at a Redis that three sentinels watch: its master dies, and another goes on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from config import Settings, load_settings
from models.enums import SaleStatus
from models.errors import LineUnavailable, NotReplicated, TooFewReplicas
from models.ids import new_intent_id
from models.live.records import Submission
from models.messages import Message
from tasks.runtime.celery_app import DRAIN
from tests.support.contexts import context_over, heard_bell, plain_settings
from tests.support.polling import eventually
from tests.support.sentinels import Watched
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop
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


def settings_at(stores: Stores, watched: Watched, **changes: Any) -> Settings:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REDIS_URL", watched.url)
        environment.setenv("BROKER_URL", "")
        read = load_settings()
    names = ("redis_url", "broker_url", "broker_options")
    return replace(plain_settings(stores), **{name: getattr(read, name) for name in names}, **changes)


@pytest.fixture
def replicated(stores: Stores, clean: None, watched: Watched) -> Iterator[Shop]:  # noqa: ARG001
    """A shop that answers what a replica has."""
    with context_over(settings_at(stores, watched, replicas_required=1)) as context:
        yield Shop(context)


def test_what_too_few_replicas_have_is_not_told_and_leaves_the_line(
    replicated: Shop, watched: Watched
) -> None:
    shop = replicated
    sale = shop.open_sale(5)
    first, second = shop.shoppers(2)
    sale.submit(first, key="a")
    watched.replica.freeze()
    with pytest.raises(LineUnavailable):
        sale.submit(second, key="b")
    assert (sale.look().number("last_ticket"), sale.look().number("waiting")) == (2, 1)
    with pytest.raises(TooFewReplicas):
        sale.submit(second, key="b")
    with pytest.raises(LineUnavailable):
        sale.submit(first, key="a")
    assert sale.look().number("last_ticket") == 2
    watched.replica.thaw()
    told = eventually(lambda: taken(sale, second))
    assert told["ticket"] == 3
    assert sale.submit(first, key="a")["ticket"] == 1
    sale.drain()
    assert sale.statuses() == ["held", "left", "held"]
    assert sale.audit().ok


def taken(sale: SaleUnderTest, user: UUID) -> Message:
    try:
        return sale.submit(user, key="b")
    except LineUnavailable:
        return {}


def test_a_ticket_that_no_replica_knew_is_in_no_ledger_and_given_to_the_next_shopper(
    replicated: Shop, watched: Watched
) -> None:
    shop = replicated
    sale = shop.open_sale(5)
    first, refused, unanswered, next_one = shop.shoppers(4)
    sale.submit(first)
    sale.drain()
    row = sale.row()
    sent = Submission(str(new_intent_id(row.number)), str(unanswered), 1, False)
    eventually(watched.is_in_step)
    watched.cut_off_replica()
    with pytest.raises(LineUnavailable):
        sale.submit(refused)
    with pytest.raises(NotReplicated):  # its process dies before it takes the intent back
        shop.context.live.submit(sale.id, row.epoch or "", [sent])
    sale.drain()
    assert (sale.look().number("last_ticket"), sale.statuses()) == (3, ["held"])
    old = watched.master
    watched.fail_over()
    watched.take_back(old)
    assert eventually(lambda: taken(sale, next_one))["ticket"] == 2
    shop.sweep()
    sale.drain()
    assert (sale.row().status, sale.statuses()) == (SaleStatus.OPEN, ["held", "held"])
    assert sale.audit().ok


def test_a_master_that_dies_is_followed(
    stores: Stores,
    clean: None,  # noqa: ARG001
    watched: Watched,
) -> None:
    settings = settings_at(stores, watched)
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

        told = eventually(lambda: taken(sale, second))
        assert told["ticket"] == 2
        eventually(lambda: bell.ring(sale.id) and (bell.unheard(DRAIN) or 0) >= 1)
        eventually(lambda: "gap" in heard)
        sale.drain()
        assert sale.statuses() == ["held", "held"]
        assert sale.audit().ok
