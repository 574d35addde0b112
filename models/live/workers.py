"""The registry of the workers: what each last told of itself, kept where every process finds it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, cast

import orjson

from models.live.keys import WORKERS
from models.live.redis import Client, translated

FORGET_MS: Final = 600_000  # after so long without a heartbeat a worker is forgotten
FORGET_LEFT_MS: Final = 60_000  # one that said goodbye, sooner
LIFETIME_S: Final = 900  # of a registry that no worker writes to any more


@dataclass(frozen=True, slots=True)
class Running:
    """A task that a worker is at."""

    task_id: str
    name: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Beat:
    """What a worker tells of itself. `processed` and `failed` are counted since its process began.

    Times are on Redis' clock. `has_left`: it said goodbye.
    """

    name: str
    pid: int
    queues: Sequence[str]
    heard_ms: int
    has_left: bool
    processed: int
    failed: int
    running: Sequence[Running]

    def is_forgotten(self, now_ms: int) -> bool:
        """Whether it was silent for too long; so it was where it spoke so far in the future."""
        return abs(now_ms - self.heard_ms) > (FORGET_LEFT_MS if self.has_left else FORGET_MS)

    def pack(self) -> str:
        """Write it down."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def unpack(cls, packed: str) -> "Beat":
        """Read what was written down."""
        told = orjson.loads(packed)
        return cls(**{**told, "running": [Running(**task) for task in told["running"]]})


class WorkerRegistry:
    """One entry a worker, by its name."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def note(self, beat: Beat) -> None:
        """Keep a worker's heartbeat in the place of the one before. Forgets those that are long gone."""
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.hset(WORKERS, beat.name, beat.pack())
            pipeline.expire(WORKERS, LIFETIME_S)
            pipeline.hvals(WORKERS)
            *_, packed = pipeline.execute()
            known = [Beat.unpack(one) for one in packed]
            if gone := [one.name for one in known if one.is_forgotten(beat.heard_ms)]:
                self._client.hdel(WORKERS, *gone)

    def read(self) -> list[Beat]:
        """Read the last heartbeat of every worker, by name."""
        with translated():
            return sorted(self._read(), key=lambda one: one.name)

    def _read(self) -> list[Beat]:
        packed = cast(dict[str, str], self._client.hgetall(WORKERS))
        return [Beat.unpack(one) for one in packed.values()]
