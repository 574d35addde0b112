"""Which server has a key: the only one, or in a cluster one of many."""

from collections.abc import Callable
from typing import TypeVar

import redis

from models.live.connection.cluster import ClusterClient
from models.live.connection.slots import Address

T = TypeVar("T")


def master_of(client: redis.Redis, key: str) -> redis.Redis:
    """The client of the server that has a key.

    Raises:
        redis.RedisError: nobody tells which it is.
    """
    return client.master_of(key) if isinstance(client, ClusterClient) else client


def at_master(client: redis.Redis, key: str, send: Callable[[redis.Redis], T]) -> T:
    """Send several commands to the server that has a key; in a cluster also where it moves meanwhile.

    `send` gets the server's client, and raises what the server answered to the command of the key.
    """
    return client.at_master(key, send) if isinstance(client, ClusterClient) else send(client)


def address_of(client: redis.Redis, key: str) -> Address | None:
    """Where in a cluster the server is that has a key; None where there is only one."""
    return client.address_of(key) if isinstance(client, ClusterClient) else None


def reach(client: redis.Redis, key: str) -> None:
    """Make sure of a connection to the server that has a key, sending nothing.

    Raises:
        redis.RedisError, OSError: there is none to be had.
    """
    if isinstance(client, ClusterClient):
        client.reach(key)
        return
    pool = client.connection_pool
    pool.release(pool.get_connection())


def servers(client: redis.Redis, trial: str) -> list[tuple[redis.Redis, str]]:
    """List the servers that take writes, each with a key to try it with: `trial`, or one like it.

    Raises:
        redis.RedisError: nobody tells which they are, or some slots of a cluster have none.
    """
    return client.masters(trial) if isinstance(client, ClusterClient) else [(client, trial)]
