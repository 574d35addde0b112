"""Knows which server of a Redis Cluster has which slot, by asking any of them."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import redis
from redis.exceptions import ClusterDownError

Address = tuple[str, int]

SLOTS: Final = 16_384
REST_S: Final = 0.1  # between two readings of the map


class SlotMap:
    """Which master has which slot, read from any server of the cluster, and a client of each. Thread-safe."""

    def __init__(self, seeds: Sequence[Address], open_node: Callable[[Address], redis.Redis]) -> None:
        self._seeds = tuple(seeds)
        self._open = open_node
        self._nodes: dict[Address, redis.Redis] = {}
        self._owners: list[Address | None] = []
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._read_at = float("-inf")

    def node(self, address: Address) -> redis.Redis:
        """The client of a server."""
        with self._lock:
            if address not in self._nodes:
                self._nodes[address] = self._open(address)
            return self._nodes[address]

    def any_node(self) -> redis.Redis:
        """The client of one of those that were named."""
        return self.node(self._seeds[0])

    def owner(self, slot: int) -> Address:
        """The master of a slot.

        Raises:
            ClusterDownError: it has none; nothing was sent.
            ConnectionError, TimeoutError: no server of the cluster answers.
        """
        if not self._owners:
            with self._reading:
                if not self._owners:
                    self._read(self._seeds)
        owner = self._owners[slot]
        if owner is None:
            self.look_again()
            raise ClusterDownError(f"CLUSTERDOWN no master has the slot {slot}")
        return owner

    def masters(self) -> list[Address]:
        """Every master that has slots.

        Raises: as `owner` does, also where any slot has none.
        """
        self.owner(0)
        if None in self._owners:
            raise ClusterDownError("CLUSTERDOWN some slots have no master")
        return sorted(cast(set[Address], set(self._owners)))

    def move(self, slot: int, to: Address) -> None:
        """Take in that a server named another as a slot's master."""
        self._owners[slot] = to
        self.look_again(first=to)

    def look_again(self, *, first: Address | None = None, last: Address | None = None) -> None:
        """Read the map unless somebody does, or did just now. Who did not answer is asked `last`."""
        if time.monotonic() < self._read_at + REST_S or not self._reading.acquire(blocking=False):
            return
        try:
            known = dict.fromkeys([*filter(None, [first, *self._owners]), *self._seeds])
            self._read(sorted(known, key=lambda address: (address == last, address != first)))
        except redis.RedisError:
            return  # what was known stays: the command that led here tells its own error
        finally:
            self._reading.release()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for node in self._nodes.values():
                node.close()

    def _read(self, addresses: Sequence[Address]) -> None:
        """Read the map from the first server that answers."""
        failure: redis.RedisError = redis.ConnectionError("no server of the cluster is known")
        for address in addresses:
            try:
                ranges = cast(list[Any], self.node(address).execute_command("CLUSTER", "SLOTS"))  # type: ignore[no-untyped-call]
            except redis.RedisError as error:
                failure = error
                continue
            owners: list[Address | None] = [None] * SLOTS
            for first, last, master, *_ in ranges:
                owners[first : last + 1] = [(master[0] or address[0], master[1])] * (last + 1 - first)
            self._owners, self._read_at = owners, time.monotonic()
            return
        raise failure
