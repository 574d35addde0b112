"""Sends each command to the master of its key in a Redis Cluster; to its callers it is one Redis.

redis-py's own client of a cluster sends a pipeline's commands again when their reply was lost, fails whole
where one master of several is away, raises what is no `RedisError` when it finds no cluster, and wants one at
hand when it is made. Here nothing is sent again but what a server answered that it did not do.
"""

import random
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

import redis
from redis.client import Pipeline, PubSub
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, TryAgainError

from models.live.connection.slots import SLOTS, Address, SlotMap

T = TypeVar("T")

MOVING_S: Final = 2.0  # for so long a command waits for a slot that is on its way to another master
PAUSE_S: Final = 0.02  # before it asks again
REDIRECTIONS: Final = (AskError, TryAgainError)  # answers of a server that did nothing; MOVED is an ASK
DEFAULT_PORT: Final = 6_379
SCRIPT: Final = frozenset(("EVAL", "EVALSHA"))


class ClusterClient(redis.Redis):
    """A client of a whole cluster, for commands whose first key tells where they belong.

    A command without a key goes to the master of the empty key. What is sent at once, in a pipeline, goes in
    one round trip to each master that it concerns.
    """

    def __init__(self, slot_map: SlotMap) -> None:
        super().__init__(connection_pool=slot_map.any_node().connection_pool)  # its encoder is what is used
        self.slot_map = slot_map

    def address_of(self, key: str) -> Address:
        """Where the master is that has a key."""
        return self.slot_map.owner(_slot(key))

    def master_of(self, key: str) -> redis.Redis:
        """The client of that master."""
        return self.slot_map.node(self.address_of(key))

    def masters(self, word: str = "") -> list[tuple[redis.Redis, str]]:
        """Every master that has slots, with a key of its own that begins with a word."""
        found = []
        for address in self.slot_map.masters():
            keys = (f"{word}:{number}" for number in count())
            mine = next(key for key in keys if self.slot_map.owner(_slot(key)) == address)
            found.append((self.slot_map.node(address), mine))
        return found

    def reach(self, key: str) -> None:
        """Make sure of a connection to the master of a key, sending nothing to it."""
        address = self.address_of(key)
        pool = self.slot_map.node(address).connection_pool
        try:
            pool.release(pool.get_connection())
        except (redis.ConnectionError, redis.TimeoutError):
            self.slot_map.look_again(last=address)
            raise

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command to the master of its key."""

        def send(node: redis.Redis, is_asking: bool) -> Any:
            if not is_asking:
                return node.execute_command(*args, **options)  # type: ignore[no-untyped-call]
            commands = [(("ASKING",), {}), (args, options)]
            return _told(_gather(node, commands, transaction=False).execute(raise_on_error=False)[1])

        return self.led(_slot(_key_of(args)), send)

    def at_master(self, key: str, send: Callable[[redis.Redis], T]) -> T:
        """Send several commands to the master of a key; what moves has to arrive whole first."""

        def send_whole(node: redis.Redis, is_asking: bool) -> T:
            if is_asking:
                raise TryAgainError("TRYAGAIN a part of the slot has moved")
            return send(node)

        return self.led(_slot(key), send_whole)

    def led(self, slot: int, send: Callable[[redis.Redis, bool], T]) -> T:
        """Send something to a slot's master; to another one where the slot has moved, or waits while it does.

        Raises:
            ConnectionError, TimeoutError: there was no answer; whether it was done is unknown.
        """
        address, is_asking, turns = self.slot_map.owner(slot), False, 0
        until = time.monotonic() + MOVING_S
        while True:
            try:
                return send(self.slot_map.node(address), is_asking)
            except (redis.ConnectionError, redis.TimeoutError, ClusterDownError):
                self.slot_map.look_again(last=address)
                raise
            except REDIRECTIONS as error:
                if time.monotonic() > until:
                    raise TryAgainError(f"TRYAGAIN the slot {slot} is moving: {error}") from error
                is_asking = isinstance(error, AskError) and not isinstance(error, MovedError)
                if is_asking:
                    address = _named(cast(AskError, error), address)
                elif isinstance(error, MovedError):
                    address = _named(error, address)
                    self.slot_map.move(slot, address)
                else:
                    address = self.slot_map.owner(slot)
            turns += 1
            if turns > 1:
                time.sleep(PAUSE_S)

    def script_load(self, script: Any) -> Any:
        """Have every master know a script."""
        *_, sha = [node.script_load(script) for node, _ in self.masters()]
        return sha

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> "ClusterPipeline":
        """Gather commands; those of a transaction have to be of one slot."""
        del shard_hint
        return ClusterPipeline(self, transaction=transaction)

    def pubsub(self, **options: Any) -> PubSub:
        """Listen at any master: the cluster tells each of its servers what is published at one."""
        addresses = self.slot_map.masters()
        node = self.slot_map.node(random.choice(addresses))  # noqa: S311 - spreads, hides nothing
        return node.pubsub(**options)  # type: ignore[no-untyped-call, no-any-return]

    def close(self) -> None:
        """Close all connections."""
        self.slot_map.close()


class ClusterPipeline(Pipeline):
    """Commands that go out together, in one round trip to each master; what they told is in their order."""

    def __init__(self, client: ClusterClient, *, transaction: bool) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, None)
        self._client = client
        self._is_transaction = transaction

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send them; a master that does not answer is told as the outcome of its commands alone."""
        stack, self.command_stack = list(self.command_stack), []
        if not stack:
            return []
        if self._is_transaction:
            key = _key_of(stack[0][0])
            return self._client.at_master(key, lambda node: _gather(node, stack, transaction=True).execute())
        told: list[Any] = [None] * len(stack)
        for address, places in self._by_master(stack).items():
            for place, one in zip(places, self._send(address, [stack[at] for at in places]), strict=True):
                told[place] = one
        return [_told(one) for one in told] if raise_on_error else told

    def _by_master(self, stack: Sequence[Any]) -> dict[Address, list[int]]:
        places: dict[Address, list[int]] = {}
        for at, (args, _) in enumerate(stack):
            places.setdefault(self._client.slot_map.owner(_slot(_key_of(args))), []).append(at)
        return places

    def _send(self, address: Address, stack: Sequence[Any]) -> list[Any]:
        """Send the commands of one master; those whose slot has moved follow it, one by one."""
        node = self._client.slot_map.node(address)
        try:
            told = _gather(node, stack, transaction=False).execute(raise_on_error=False)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            self._client.slot_map.look_again(last=address)
            return [error] * len(stack)
        return [
            self._follow(args, options) if isinstance(one, REDIRECTIONS) else one
            for one, (args, options) in zip(told, stack, strict=True)
        ]

    def _follow(self, args: Sequence[Any], options: dict[str, Any]) -> Any:
        try:
            return self._client.execute_command(*args, **options)
        except redis.RedisError as error:
            return error


def _gather(node: redis.Redis, commands: Sequence[Any], *, transaction: bool) -> Pipeline:
    pipeline = node.pipeline(transaction=transaction)
    for args, options in commands:
        pipeline.execute_command(*args, **options)  # type: ignore[no-untyped-call]
    return pipeline


def _told(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _named(error: AskError, asked: Address) -> Address:
    """The server that another one named; it leaves its own host out where it knows no better."""
    return (error.node_addr[0] or asked[0], error.node_addr[1])


def _key_of(args: Sequence[Any]) -> Any:
    """A command's first key, or its channel; all keys of a command here are of one slot."""
    if args[0] in SCRIPT:
        return args[3]
    return args[1] if len(args) > 1 and args[0] not in ("PING", "TIME", "CONFIG GET", "INFO") else ""


def _slot(key: Any) -> int:
    return key_slot(key if isinstance(key, bytes) else str(key).encode(), SLOTS)


def cluster_at(url: str, **options: Any) -> ClusterClient:
    """Make a client for `redis+cluster://[login@]host[:port],…[/?options]`; nothing connects yet.

    `rediss+cluster://` asks for TLS. Any server of the cluster tells of the others; all have the same login.
    `options`: redis-py's, of each server's pool of connections.
    """
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    scheme = parts.scheme.removesuffix("+cluster")

    def open_node(address: Address) -> redis.Redis:
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        where = SplitResult(scheme, f"{login}{at}{host}:{address[1]}", "", parts.query, "")
        return redis.Redis.from_pool(redis.BlockingConnectionPool.from_url(where.geturl(), **options))

    seeds = [urlsplit(f"//{host}") for host in hosts.split(",")]
    return ClusterClient(
        SlotMap([(one.hostname or "", one.port or DEFAULT_PORT) for one in seeds], open_node)
    )
