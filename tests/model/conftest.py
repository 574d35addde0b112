"""Fixtures of the model tests: servers that may be killed, a process over them, shoppers."""

from collections.abc import Iterator
from functools import partial

import pytest

from tasks.context import Context
from tests.model.play import World
from tests.support.contexts import context_over, plain_settings
from tests.support.emptying import empty
from tests.support.servers import Stores
from tests.support.shop import Shop

SHOPPERS = 7


@pytest.fixture(scope="module")
def world(_fragile_stores: Stores) -> Iterator[World]:
    """What the examples of a module share; each opens a sale of its own, alone in the shop."""
    _fragile_stores.start()
    empty(_fragile_stores.postgres.url, _fragile_stores.redis.url)
    with context_over(plain_settings(_fragile_stores)) as context:
        shop = Shop(context)
        people = tuple(map(str, shop.shoppers(SHOPPERS)))
        yield World(context, shop.product(), people, partial(_kill_and_start, _fragile_stores, context))


def _kill_and_start(stores: Stores, context: Context) -> None:
    stores.redis.kill()
    stores.redis.start()
    context.live.client.connection_pool.disconnect()
