"""Measures how long scripts hold Redis when a lobby, a line or a standby is very long.

    python -m benchmarks.single.long_lobby [--size 200000]

It starts a Redis of its own in a temporary directory, as durable as that of `make run`, and reads the time of
each script from the server's own statistics. What the figures mean stands in docs/benchmarks.md.
"""

import argparse
import sys
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, cast

from deploy.embedded import EmbeddedRedis
from models.ids import write_new_intent_id
from models.live.records import Claim, LiveIntent, Submission
from models.live.redis import Client, connect
from models.live.scripts import Scripts
from models.live.snapshot import LiveSnapshot
from models.live.store import Live

EPOCH: Final = "measured"
AT_ONCE: Final = 250  # submissions, as the intake sends them
CLAIM_SIZE: Final = 500
LEAVINGS: Final = 20  # of so many one is timed: asking for the time takes longer than leaving
SEED: Final = "5eed"
SETTINGS: Final[dict[str, str | int]] = {
    "status": "scheduled",
    "number": 1,
    "price_minor": 999,
    "currency": "USD",
    "per_shopper_limit": 2,
    "hold_ms": 600_000,
    "opens_at_ms": 0,
    "closes_at_ms": 1 << 52,
    "lobby_opens_at_ms": 1,
    "admission_order": "draw",
    "rate_per_second": 0,
    "max_open_holds": 0,
    "revision": 1,
}
ZEROS: Final = (
    *("held", "sold", "last_ticket", "now_serving", "waiting", "bell_ms"),
    *("pace_start_ms", "pace_count", "pace_milli"),
)

Times = dict[str, tuple[float, float]]  # a verb's median and longest, in ms


class TimedScripts(Scripts):
    """Notes how long each script held the server."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._client = client
        self.took_us: dict[str, list[int]] = defaultdict(list)
        self._runs = 0

    def run(self, verb: str, keys: list[str], args: list[Any]) -> Any:
        """Run a verb, and note how long it took."""
        self._runs += 1
        is_timed = verb != "leave" or self._runs % LEAVINGS == 0
        before = self._spent_us() if is_timed else 0
        reply = super().run(verb, keys, args)
        if is_timed:
            self.took_us[verb].append(self._spent_us() - before)
        return reply

    def _spent_us(self) -> int:
        stats = cast(dict[str, dict[str, int]], self._client.info("commandstats"))
        return sum(stats.get(f"cmdstat_{name}", {}).get("usec", 0) for name in ("eval", "evalsha"))


class Measured:
    """A live side whose scripts are timed."""

    def __init__(self, client: Client, size: int) -> None:
        self.live, self.size = Live(client), size
        self.scripts = self.live._scripts = TimedScripts(client)

    def sale(self, units: int, **changes: str | int) -> uuid.UUID:
        """Lay a sale."""
        sale_id = uuid.uuid4()
        counters = dict.fromkeys(ZEROS, 0) | {"allocation": units, "available": units}
        self.live.load(sale_id, EPOCH, LiveSnapshot({**SETTINGS, **changes}, counters))
        return sale_id

    def come(self, sale_id: uuid.UUID, quantity: int = 1) -> list[Submission]:
        """Have as many shoppers come as are asked for."""
        crowd = [
            Submission(write_new_intent_id(1), str(uuid.uuid4()), quantity, False) for _ in range(self.size)
        ]
        for at in range(0, self.size, AT_ONCE):
            self.live.submit(sale_id, EPOCH, crowd[at : at + AT_ONCE])
        return crowd

    def drain(self, sale_id: uuid.UUID) -> list[Claim]:
        """Claim and settle all that there is; returns the claims."""
        claims = []
        while (claim := self.live.claim(sale_id, CLAIM_SIZE).claim) is not None:
            self.live.settle(sale_id, claim, "[]")
            claims.append(claim)
        return claims

    def look_around(self, sale_id: uuid.UUID, crowd: Sequence[Submission]) -> None:
        """Read all that is read of a line."""
        self.live.look(sale_id)
        self.live.find(sale_id, crowd[len(crowd) // 2].intent_id)
        self.live.standing_of_each(sale_id, [one.user_id for one in crowd[:500]])
        self.live.page(sale_id, before=len(crowd) // 2, limit=200)

    def slowest(self) -> Times:
        """How long each script took since this was asked last, the median and the longest, in ms."""
        found = {verb: (median(took) / 1000, max(took) / 1000) for verb, took in self.scripts.took_us.items()}
        self.scripts.took_us.clear()
        return found


def measure(measured: Measured) -> Iterator[tuple[str, Times]]:
    """Play what makes a sale's state long."""
    sale_id = measured.sale(10)
    crowd = measured.come(sale_id)
    measured.look_around(sale_id, crowd)
    yield "they come to a lobby", measured.slowest()
    measured.live.configure(sale_id, EPOCH, 2, {"status": "open"}, seed=SEED)
    measured.look_around(sale_id, crowd)
    yield "the lobby is drawn", measured.slowest()
    measured.drain(sale_id)
    yield "it is served", measured.slowest()

    sale_id = measured.sale(10)
    for one in measured.come(sale_id):
        measured.live.leave(sale_id, EPOCH, one.intent_id, one.user_id)
    measured.drain(sale_id)
    measured.live.configure(sale_id, EPOCH, 2, {"status": "open"}, seed=SEED)
    yield "they come to a lobby, leave it, and it opens", measured.slowest()

    sale_id = measured.sale(10, status="open")
    for one in measured.come(sale_id):
        measured.live.leave(sale_id, EPOCH, one.intent_id, one.user_id)
    measured.drain(sale_id)
    yield "they come to a line and leave it", measured.slowest()

    sale_id = measured.sale(2, status="open")
    first = [Submission(write_new_intent_id(1), str(uuid.uuid4()), 1, False) for _ in range(2)]
    measured.live.submit(sale_id, EPOCH, first)
    measured.come(sale_id, quantity=2)
    measured.drain(sale_id)
    measured.live.release(sale_id, EPOCH, [first[0].intent_id], "[]")
    measured.drain(sale_id)
    measured.live.adjust(sale_id, EPOCH, uuid.uuid4(), -1)
    measured.drain(sale_id)
    yield "they stand by for more than comes home, and lose their hope", measured.slowest()

    people = [str(uuid.uuid4()) for _ in range(measured.size)]
    units = {write_new_intent_id(1): (user, 1) for user in people}
    counters = dict.fromkeys(ZEROS, 0) | {"allocation": measured.size, "available": 0, "held": measured.size}
    standby = [
        LiveIntent(write_new_intent_id(1), str(uuid.uuid4()), ticket, 1, False, 1, 0)
        for ticket in range(1, measured.size + 1)
    ]
    snapshot = LiveSnapshot(SETTINGS, counters, dict.fromkeys(people, 1), units, standby=standby)
    measured.live.load(uuid.uuid4(), EPOCH, snapshot, replace=True)
    yield "a sale with as many holds, and as many on standby, is rebuilt", measured.slowest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the longest that each script took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.single.long_lobby", description=__doc__)
    parser.add_argument("--size", type=int, default=200_000, help="shoppers")
    size = parser.parse_args(arguments).size
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedRedis(Path(directory))
        server.start()
        try:
            measured = Measured(connect(server.url), size)
            for scene, slowest in measure(measured):
                print(f"{size:,}: {scene}")
                for verb, (half, most) in sorted(slowest.items()):
                    print(f"  {verb:10} {half:8.2f} ms, {most:8.2f} ms at most")
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
