"""Measures what a shopper costs Redis: `python -m benchmarks.single.cost_a_head [--size 100000]`.

CPU of the server and its memory, for everybody who comes, is decided and pays; in batches as the intake and
the workers make them when they are busy. It starts a Redis of its own in a temporary directory, as durable as
that of `make run`. What the figures mean stands in docs/scaling.md.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

from rich.console import Console
from rich.table import Table

from benchmarks.single.long_lobby import CLAIM_SIZE, EPOCH, Measured
from deploy.embedded import EmbeddedRedis
from models.live.redis import Client, connect
from models.live.store import Live

PAID_AT_ONCE: Final = 50


class Meter:
    """Reads the server's own account of its time and memory before and after a step."""

    def __init__(self, client: Client, size: int) -> None:
        self._client, self._size = client, size
        self.rows: list[tuple[str, float, float]] = []  # step, µs of CPU and bytes a head

    def measure(self, step: str, work: Callable[[], Any]) -> Any:
        """Do a step of everybody's, and note what it took."""
        cpu, memory = self._spent()
        done = work()
        cpu_after, memory_after = self._spent()
        self.rows.append((step, (cpu_after - cpu) * 1e6 / self._size, (memory_after - memory) / self._size))
        return done

    def _spent(self) -> tuple[float, float]:
        said = cast(dict[str, float], self._client.info())
        return said["used_cpu_user"] + said["used_cpu_sys"], said["used_memory"]


def play(client: Client, size: int) -> Meter:
    """Have everybody come and win, and as many come and stand by."""
    meter, measured = Meter(client, size), Measured(client, size)
    live = measured.live = Live(client)  # untimed: the clock of each script is a question of its own
    wins = measured.sale(size, status="open")
    crowd = meter.measure("comes, 250 together", lambda: measured.come(wins))
    meter.measure("is held, and told", lambda: drain(live, wins))

    def pay() -> None:
        for at in range(0, size, PAID_AT_ONCE):
            live.sell(wins, EPOCH, [one.intent_id for one in crowd[at : at + PAID_AT_ONCE]], "[]")

    meter.measure("pays, 50 together", pay)
    waits = measured.sale(1, status="open")
    meter.measure("comes to another sale", lambda: measured.come(waits))
    meter.measure("stands by, and is told", lambda: drain(live, waits))
    return meter


def drain(live: Live, sale_id: Any) -> None:
    """Claim and settle all that there is, each claim with as many bytes told as real verdicts are."""
    while (claim := live.claim(sale_id, CLAIM_SIZE).claim) is not None:
        live.settle(sale_id, claim, "x" * 400 * len(claim.decisions))


def main(words: Sequence[str]) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.single.cost_a_head")
    parser.add_argument("--size", type=int, default=100_000, help="shoppers")
    size = parser.parse_args(words).size
    table = Table("a shopper", "µs of Redis' CPU", "bytes of its memory")
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedRedis(Path(directory))
        server.start()
        try:
            for step, cpu_us, memory in play(connect(server.url), size).rows:
                table.add_row(step, f"{cpu_us:.1f}", f"{memory:.0f}")
        finally:
            server.stop()
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
