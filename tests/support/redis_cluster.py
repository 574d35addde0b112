"""A real Redis Cluster on loopback, to be broken and moved about by tests."""

import random
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import redis
from redis.crc import key_slot

from deploy.embedded import EmbeddedRedis
from models.live.connection.slots import SLOTS
from models.live.keys import tag_of
from tests.support.polling import eventually
from tests.support.shop import SaleUnderTest, Shop

BUS: Final = 10_000  # a server's port for the others, above its own
GIVE_UP_MS: Final = 2_000  # without a word of it, a server counts as failed
MOST_SALES: Final = 60  # until each master has one


class ClusterServer(EmbeddedRedis):
    """One server of a cluster, as durable as the embedded one."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.port = _free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url, decode_responses=True)

    def ask(self, *words: Any) -> Any:
        """Send one command."""
        with self.client() as client:
            return client.execute_command(*words)

    def _command(self) -> list[str]:
        more = {
            "port": self.port,
            "bind": "127.0.0.1",
            "cluster-enabled": "yes",
            "cluster-config-file": self.home / "nodes.conf",
            "cluster-node-timeout": GIVE_UP_MS,
            "cluster-require-full-coverage": "no",
            "repl-diskless-sync-delay": 0,
        }
        return [
            *super()._command(),
            *(str(word) for pair in more.items() for word in (f"--{pair[0]}", pair[1])),
        ]


class RedisCluster:
    """Some masters that share the slots, each with a replica if that is wanted."""

    def __init__(self, place: Path, *, masters: int = 3, with_replicas: bool = False) -> None:
        self.masters = [ClusterServer(place / f"master{number}") for number in range(masters)]
        self.replicas = [
            ClusterServer(place / f"replica{number}") for number in range(masters if with_replicas else 0)
        ]

    @property
    def servers(self) -> list[ClusterServer]:
        """All of them."""
        return [*self.masters, *self.replicas]

    @property
    def url(self) -> str:
        """As `REDIS_URL` names it: by two of its servers."""
        return f"redis+cluster://{','.join(f'127.0.0.1:{server.port}' for server in self.masters[:2])}"

    def start(self) -> None:
        """Start the servers and make them one cluster."""
        for server in self.servers:
            server.start()
        for number, server in enumerate(self.masters):
            share = range(number * SLOTS // len(self.masters), (number + 1) * SLOTS // len(self.masters))
            server.ask("CLUSTER", "ADDSLOTS", *share)
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for server in self.servers[1:]:
            server.ask("CLUSTER", "MEET", "127.0.0.1", self.masters[0].port)
        eventually(lambda: all(self._knows_all(server) for server in self.servers))
        for master, replica in zip(self.masters, self.replicas, strict=False):
            replica.ask("CLUSTER", "REPLICATE", master.ask("CLUSTER", "MYID"))
        eventually(lambda: all(self.is_in_step(replica) for replica in self.replicas))

    def stop(self) -> None:
        """Stop them all."""
        for server in self.servers:
            server.kill()

    def empty(self) -> None:
        """Remove what is in them."""
        for server in self.masters:
            server.ask("FLUSHALL")

    def master_of(self, sale: SaleUnderTest) -> ClusterServer:
        """The server that has a sale, as the servers tell it."""
        slot, told = slot_of(sale), next(one for one in self.servers if one.is_alive())
        ranges: Sequence[Any] = told.ask("CLUSTER", "SLOTS")
        port = next(owner[1] for first, last, owner, *_ in ranges if first <= slot <= last)
        return next(one for one in self.servers if one.port == port)

    def sale_on_each(self, shop: Shop, units: int) -> list[SaleUnderTest]:
        """Open sales until each master has one; returns one of each master, in their order."""
        found: dict[int, SaleUnderTest] = {}
        for _ in range(MOST_SALES):
            sale = shop.open_sale(units)
            found.setdefault(self.master_of(sale).port, sale)
            if len(found) == len(self.masters):
                return [found[server.port] for server in self.masters]
        raise AssertionError(f"{MOST_SALES} sales are on {len(found)} masters.")

    def is_in_step(self, replica: ClusterServer) -> bool:
        """Whether a replica has all that its master has."""
        told = replica.ask("INFO", "replication")
        return bool(told.get("role") == "slave" and told["master_link_status"] == "up")

    def begin_move(self, slot: int, source: ClusterServer, target: ClusterServer) -> list[str]:
        """Have a slot move; returns the keys that are to be moved."""
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.ask("CLUSTER", "MYID"))
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.ask("CLUSTER", "MYID"))
        keys: list[str] = source.ask("CLUSTER", "GETKEYSINSLOT", slot, 1_000_000)
        return keys

    def move_keys(self, keys: Sequence[str], source: ClusterServer, target: ClusterServer) -> None:
        """Move some keys of a slot that is on its way."""
        source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *keys)

    def end_move(self, slot: int, target: ClusterServer) -> None:
        """Have everybody know who has the slot now."""
        for server in (target, *(one for one in self.masters if one is not target)):
            server.ask("CLUSTER", "SETSLOT", slot, "NODE", target.ask("CLUSTER", "MYID"))

    def _knows_all(self, server: ClusterServer) -> bool:
        words = str(server.ask("CLUSTER", "INFO")).split()
        return {"cluster_state:ok", f"cluster_known_nodes:{len(self.servers)}"} <= set(words)


def slot_of(sale: SaleUnderTest) -> int:
    """The slot of all keys of a sale."""
    return key_slot(tag_of(sale.id).encode(), SLOTS)


def _free_port() -> int:
    """A port below those that the system gives out, free together with that of the bus."""
    while True:
        port = random.randrange(11_000, 22_000)
        try:
            for one in (port, port + BUS):
                socket.create_server(("127.0.0.1", one)).close()
        except OSError:
            continue
        return port
