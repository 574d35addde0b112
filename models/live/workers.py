"""Owns the roll of the workers: what was last heard of each, kept where every process finds it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, cast

import orjson

from models.live.keys import WORKERS
from models.live.redis import Client, translated

LIFETIME_S: Final = 900  # of a roll that nobody writes any more


@dataclass(frozen=True, slots=True)
class Running:
    """A task that a worker is at."""

    task_id: str
    name: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A worker. `processed` and `failed` are counted since its process began; `has_left`: it said goodbye."""

    name: str
    pid: int
    heard_ms: int
    has_left: bool
    processed: int
    failed: int
    running: Sequence[Running]


@dataclass(frozen=True, slots=True)
class Roll:
    """All workers, as one listener heard them. Times are on Redis' clock."""

    at_ms: int
    by: str
    workers: Sequence[Entry]

    def pack(self) -> bytes:
        """Write it down."""
        return orjson.dumps(asdict(self))

    @classmethod
    def unpack(cls, packed: str) -> "Roll":
        """Read what was written down."""
        told = orjson.loads(packed)
        workers = [
            Entry(**{**one, "running": [Running(**task) for task in one["running"]]})
            for one in told["workers"]
        ]
        return cls(told["at_ms"], told["by"], workers)


class RollBook:
    """Where the roll is kept."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def write(self, roll: Roll) -> None:
        """Keep a roll in the place of the one before.

        Raises:
            LineUnavailable: there was no answer.
        """
        with translated():
            self._client.set(WORKERS, roll.pack(), ex=LIFETIME_S)

    def read(self) -> Roll | None:
        """Read the last roll; nothing where none was written lately.

        Raises:
            LineUnavailable: there was no answer.
        """
        with translated():
            packed = cast(str | None, self._client.get(WORKERS))
        return Roll.unpack(packed) if packed else None
