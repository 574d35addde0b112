"""Trouble of the stores themselves: read-only, or full. Their own settings turn it on and off."""

import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
import redis
from psycopg import sql

PATIENCE_S: Final = 3
MENDED_S: Final = 60.0  # a store may be down or stalled just then, which ends by itself
PAUSE_S: Final = 0.2
DEAD_MASTER: Final = ("127.0.0.1", 1)  # nobody listens there: a replica of nobody takes no writes
FULL: Final = 1  # bytes that may be used: less than there are


class Stores:
    """The stores of one platform, as their administrator turns them."""

    def __init__(self, addresses: Callable[[], dict[str, str]]) -> None:
        self._addresses = addresses

    def trouble(self, kind: str) -> bool:
        """Turn a trouble on; returns whether the store took it."""
        begin, _ = _WAYS[kind]
        try:
            begin(self._addresses())
        except (psycopg.Error, redis.RedisError):
            return False
        return True

    def mend(self, kind: str) -> None:
        """Turn it off, as soon as the store hears of it.

        Raises:
            TimeoutError: it hears of nothing.
        """
        _, end = _WAYS[kind]
        until = time.monotonic() + MENDED_S
        while True:
            try:
                return end(self._addresses())
            except (psycopg.Error, redis.RedisError) as error:
                if time.monotonic() > until:
                    raise TimeoutError(f"{kind} could not be mended: {error}") from error
            time.sleep(PAUSE_S)

    def mend_all(self) -> None:
        """Turn all of it off.

        Raises:
            TimeoutError: a store hears of nothing.
        """
        for kind in _WAYS:
            self.mend(kind)


def _read_only(said: dict[str, str], word: str) -> None:
    url = said["database_url"].replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, connect_timeout=PATIENCE_S, autocommit=True) as connection:
        connection.execute("SET statement_timeout = '3s'")
        # To PostgreSQL, changing its settings is no write: who cannot write can still undo this.
        connection.execute(
            sql.SQL("ALTER SYSTEM SET default_transaction_read_only = {}").format(sql.Literal(word))
        )
        connection.execute("SELECT pg_reload_conf()")


def _redis(said: dict[str, str], *words: Any) -> None:
    client = redis.Redis.from_url(
        said["redis_url"], socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S
    )
    try:
        client.execute_command(*words)  # type: ignore[no-untyped-call]
    finally:
        client.close()


Way = Callable[[dict[str, str]], None]
_WAYS: Final[dict[str, tuple[Way, Way]]] = {
    "postgres_read_only": (lambda said: _read_only(said, "on"), lambda said: _read_only(said, "off")),
    "redis_full": (
        lambda said: _redis(said, "CONFIG SET", "maxmemory", FULL),
        lambda said: _redis(said, "CONFIG SET", "maxmemory", 0),
    ),
    "redis_read_only": (
        lambda said: _redis(said, "REPLICAOF", *DEAD_MASTER),
        lambda said: _redis(said, "REPLICAOF", "NO", "ONE"),
    ),
}
