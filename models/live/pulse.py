"""Samples a sale's figures once a second and keeps the last minutes, for charts.

Nothing is decided by these samples, and losing them loses nothing else.
"""

from typing import Final, NamedTuple, cast
from uuid import UUID

from models.live.keys import SaleKeys
from models.live.redis import Client, translated
from models.live.scripts import Scripts

MOST_SAMPLES: Final = 900  # a quarter of an hour
LIFETIME_MS: Final = 3_600_000  # of a sale's samples, after the last of them


class Sample(NamedTuple):
    """A sale's figures at a moment of Redis' clock."""

    at_ms: int
    last_ticket: int
    now_serving: int
    available: int
    held: int
    sold: int
    waiting: int
    standby: int

    @classmethod
    def unpack(cls, packed: str) -> "Sample":
        """Read what `pulse.lua` wrote down."""
        return cls(*map(int, packed.split("|")))


class Pulse:
    """The pulses of every sale behind one Redis."""

    def __init__(self, client: Client, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def take(self, sale_id: UUID) -> bool:
        """Take this second's sample unless somebody did already; returns whether this call did."""
        keys = SaleKeys.of(sale_id)
        return bool(self._scripts.run("pulse", [keys.state, keys.pulse], [MOST_SAMPLES, LIFETIME_MS]))

    def read(self, sale_id: UUID, most: int = MOST_SAMPLES) -> list[Sample]:
        """Read the newest samples of a sale, oldest first."""
        with translated():
            packed = cast(list[str], self._client.lrange(SaleKeys.of(sale_id).pulse, 0, most - 1))
        return [Sample.unpack(one) for one in reversed(packed)]
