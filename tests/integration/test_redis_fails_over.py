"""A real replica of Redis that lags is promoted while a sale's lobby fills: what it never got is told."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from deploy.embedded import EmbeddedRedis
from models.enums import SaleStatus
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.support.contexts import context_over, plain_settings
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop

KNOWN, LOST = 12, 344


class OnPort(EmbeddedRedis):
    """An embedded Redis that listens on loopback too, so that it can be replicated."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def _command(self) -> list[str]:
        return [*super()._command(), "--bind", "127.0.0.1", "--port", str(self.port)]

    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url, decode_responses=True)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[OnPort, OnPort]]:
    """A primary and its replica."""
    servers = OnPort(tmp_path / "a"), OnPort(tmp_path / "b")
    try:
        for server in servers:
            server.start()
        servers[1].client().replicaof("127.0.0.1", str(servers[0].port))
        yield servers
    finally:
        for server in servers:
            server.stop()


def shop_at(stores: Stores, server: OnPort) -> Any:
    return context_over(replace(plain_settings(stores), redis_url=server.url))


def has_caught_up(primary: OnPort, replica: OnPort) -> bool:
    told: Any = replica.client().info("replication")
    ours: Any = primary.client().info("replication")
    return bool(
        told["master_link_status"] == "up" and told["slave_repl_offset"] == ours["master_repl_offset"]
    )


def test_intents_that_a_promoted_replica_never_got_are_told_and_not_given_again(
    stores: Stores,
    clean: None,  # noqa: ARG001
    pair: tuple[OnPort, OnPort],
) -> None:
    primary, replica = pair
    with shop_at(stores, primary) as context:
        shop = Shop(context)
        sale = shop.lobby(5, order="draw")
        told = [sale.submit(user)["ticket"] for user in shop.shoppers(KNOWN)]
        shop.sweep()
        eventually(lambda: has_caught_up(primary, replica))
        replica.client().replicaof("NO", "ONE")  # from here on it gets nothing more
        told += [sale.submit(user)["ticket"] for user in shop.shoppers(LOST)]
        shop.sweep()
    primary.stop()
    with shop_at(stores, replica) as context:
        shop, sale = Shop(context), SaleUnderTest(context, sale.id)
        found = next(one for one in sale.audit().checks if one.name == "line_is_whole")
        assert found.figures["lost_at_least"] == LOST
        assert found.rows == [{"first_ticket": KNOWN + 1, "last_ticket": KNOWN + LOST}]
        sale.sql("UPDATE sales SET opens_at = now() - interval '1 s' WHERE id = :sale_id")
        shop.sweep()
        assert (sale.row().status, sale.look().fields["status"]) == ("paused", "paused")
        rebuild_sale(context, sale.id)
        sale.move(SaleStatus.OPEN)
        again = [sale.submit(user)["ticket"] for user in shop.shoppers(7)]
        assert again == list(range(max(told) + 1, max(told) + 8))
        sale.drain()
        assert sale.audit().ok
