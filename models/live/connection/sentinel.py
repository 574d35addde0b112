"""Connects to the master of a service, wherever the sentinels say that it is when a connection is made."""

import copy
from typing import Any

import redis
from redis.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

from config import SENTINEL_TIMEOUT_S, SentinelAddress, read_sentinel_url


class MasterConnection(SentinelManagedConnection):
    """A connection that is given up once its server is no master any more.

    redis-py makes a lost connection of the refusal of a write. It stays a refusal here: nothing was done.
    """

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Read an answer; a server that became a replica is not asked again."""
        try:
            return super(SentinelManagedConnection, self).read_response(*args, **kwargs)  # type: ignore[no-untyped-call]
        except redis.ReadOnlyError:
            self.disconnect()  # type: ignore[no-untyped-call]
            raise


class MasterTlsConnection(MasterConnection, SentinelManagedSSLConnection):
    """The same over TLS."""


class MasterPool(SentinelConnectionPool, redis.BlockingConnectionPool):
    """A pool of connections to the master, in which callers wait for a free one."""


class Sentinels(Sentinel):
    """The sentinels of a service. Any number of threads may ask at once."""

    def discover_master(self, service_name: str) -> Any:
        """Ask for the master's address; who answered is asked first the next time.

        redis-py reorders its list in place, by which two askers at once may lose a sentinel out of it.

        Raises:
            redis.ConnectionError: no sentinel knows one.
        """
        asked = copy.copy(self)
        asked.sentinels = list(self.sentinels)
        found = super(Sentinels, asked).discover_master(service_name)  # type: ignore[no-untyped-call]
        self.sentinels = asked.sentinels
        return found


def pool_of_master(url: str, **options: Any) -> redis.BlockingConnectionPool:
    """Make a pool with redis-py's options for the address of sentinels; nothing connects yet."""
    at = read_sentinel_url(url)
    tls = dict(at.tls or {})
    return MasterPool(  # type: ignore[no-untyped-call]
        at.service,
        _sentinels(at, tls),
        connection_class=MasterConnection if at.tls is None else MasterTlsConnection,
        db=at.db,
        username=at.username,
        password=at.password,
        **tls,
        **options,
    )


def _sentinels(at: SentinelAddress, tls: dict[str, str]) -> Sentinels:
    login = {"username": at.sentinel_username, "password": at.sentinel_password}
    patience = {"socket_connect_timeout": SENTINEL_TIMEOUT_S, "socket_timeout": SENTINEL_TIMEOUT_S}
    asked = {**login, **patience, **tls, "ssl": at.tls is not None}
    return Sentinels(at.sentinels, sentinel_kwargs=asked)  # type: ignore[no-untyped-call]
