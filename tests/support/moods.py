"""Puts Redis into states in which it takes no writes, and out of them again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import redis

from tests.support.polling import eventually

Mood = Callable[["redis.Redis"], AbstractContextManager[None]]
NOBODY: Final = ("127.0.0.1", "1")  # an address where no server listens


@contextmanager
def full(client: "redis.Redis") -> Iterator[None]:
    """Its memory is used up."""
    with _set(client, "maxmemory", "1", "0"):
        yield


@contextmanager
def read_only(client: "redis.Redis") -> Iterator[None]:
    """It became a replica, as in a fail-over that its clients have not noticed."""
    client.replicaof(*NOBODY)
    try:
        yield
    finally:
        client.replicaof("NO", "ONE")


@contextmanager
def without_replicas(client: "redis.Redis") -> Iterator[None]:
    """It is to have a replica, and has none."""
    with _set(client, "min-replicas-to-write", "1", "0"):
        yield


@contextmanager
def without_master(client: "redis.Redis") -> Iterator[None]:
    """It is a replica that lost its primary and does not answer from what may be old."""
    with _set(client, "replica-serve-stale-data", "no", "yes"), read_only(client):
        yield


@contextmanager
def without_disk(client: "redis.Redis") -> Iterator[None]:
    """It was to write a snapshot and could not."""
    asked: Any = client.config_get("d*")
    place = Path(asked["dir"]) / asked["dbfilename"]
    place.unlink(missing_ok=True)
    place.mkdir()
    try:
        with _set(client, "save", "3600 1", ""):
            with suppress(redis.ResponseError):
                client.bgsave()
            eventually(lambda: _could_not_save(client))
            yield
    finally:
        place.rmdir()


@contextmanager
def busy(client: "redis.Redis") -> Iterator[None]:
    """Somebody's script runs and runs."""
    other = redis.Redis(connection_pool=client.connection_pool)

    def run() -> None:
        with suppress(redis.ResponseError):
            other.eval("while true do end", 0)

    with _set(client, "lua-time-limit", "1", "5000"):
        running = threading.Thread(target=run)
        running.start()
        eventually(lambda: _is_busy(client))
        try:
            yield
        finally:
            client.script_kill()
            running.join()


MOODS: Final[tuple[Mood, ...]] = (full, read_only, without_replicas, without_master, without_disk, busy)


@contextmanager
def _set(client: "redis.Redis", name: str, value: str, before: str) -> Iterator[None]:
    client.config_set(name, value)
    try:
        yield
    finally:
        client.config_set(name, before)


def _could_not_save(client: "redis.Redis") -> bool:
    told: Any = client.info("persistence")
    return bool(told["rdb_last_bgsave_status"] == "err")


def _is_busy(client: "redis.Redis") -> bool:
    try:
        client.ping()
    except redis.ResponseError as error:
        return str(error).startswith("BUSY")
    return False
