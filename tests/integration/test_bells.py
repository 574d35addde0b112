"""Messages carry no time of their sender's, and do not pile up while nobody answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from models.tables.background import BackgroundTask
from tasks.background import queue as background
from tasks.runtime import bell
from tasks.runtime.bell import Bell, CeleryBell
from tasks.runtime.celery_app import DRAIN
from tests.support.contexts import heard_bell, plain_settings
from tests.support.servers import Stores
from tests.support.shop import Shop

SALE = "6f1a2c39-4857-46d1-a0f9-b8a7c6d51234"


@pytest.fixture
def rung(stores: Stores, clean: None) -> Bell:  # noqa: ARG001
    return heard_bell(plain_settings(stores))


def taken(rung: Bell) -> list[dict[str, Any]]:
    """Take all messages out of the queue; returns the headers of those about this sale.

    A thread of the test before may ring late.
    """
    assert isinstance(rung, CeleryBell)
    found = []
    with rung._celery.connection_for_read() as connection, connection.SimpleQueue(DRAIN) as queue:
        for _ in range(rung.unheard(DRAIN) or 0):
            message = queue.get(timeout=5)
            message.ack()
            found.append(message.headers)
    return [headers for headers in found if SALE in headers["argsrepr"]]


def test_a_bell_has_no_time_to_expire_at(rung: Bell) -> None:
    assert rung.ring(SALE)
    (headers,) = taken(rung)
    assert (headers["task"], headers["expires"], headers["eta"]) == ("drain_sale", None, None)


def test_bells_that_nobody_hears_do_not_pile_up(rung: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "MOST_WAITING", 3)
    assert [rung.ring(SALE) for _ in range(5)] == [True, True, True, False, False]
    assert rung.unheard(DRAIN) == 3
    taken(rung)
    assert rung.ring(SALE)


def test_without_a_broker_a_bell_is_lost_and_nobody_is_hurt(stores: Stores) -> None:
    away = replace(plain_settings(stores), broker_url="redis://127.0.0.1:1/0")
    assert not heard_bell(away).ring(SALE)


@pytest.mark.parametrize(
    ("ago", "is_due"),
    [(timedelta(hours=23), False), (timedelta(hours=25), True), (timedelta(hours=-1), True)],
)
def test_a_purge_is_asked_for_once_a_day_and_a_day_of_the_future_is_none(
    shop: Shop, ago: timedelta, is_due: bool
) -> None:
    assert background.ask_for_purge(shop.context) is not None
    assert background.ask_for_purge(shop.context) is None
    with shop.context.database.transaction() as session:
        session.execute(update(BackgroundTask).values(submitted_at=datetime.now(UTC) - ago))
    assert (background.ask_for_purge(shop.context) is not None) == is_due
