"""`make bench`: how fast the line is, beside the least that could be done, in one run.

    python -m benchmarks.speed [--rounds 3] [--intents 50000] [--only drain|http|socket|arrivals|…] […]

It starts its own servers in a temporary directory, measures the compared parts in turn, as often as there
are rounds, and ends everything that it started. What the figures mean stands in docs/benchmarks.md.
"""

import argparse
import logging
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console

from benchmarks.harness.at_rest import measure_rest
from benchmarks.harness.crowd_tokens import make_crowd_in_bulk
from benchmarks.harness.failures import run_tool
from benchmarks.harness.machine import describe_machine, load_average
from benchmarks.harness.progress import say
from benchmarks.harness.report import write_report
from benchmarks.speed.arithmetic import Aim, Figure, Report, ratio, short
from benchmarks.speed.arriving import measure_arrivals
from benchmarks.speed.cost_a_head import measure_heads
from benchmarks.speed.drained import measure_drain
from benchmarks.speed.floor import measure_plain
from benchmarks.speed.naive import measure_naive
from benchmarks.speed.over_http import WARM_UP, measure_http
from benchmarks.speed.over_polls import measure_polls
from benchmarks.speed.over_sockets import measure_sockets
from benchmarks.speed.workbench import Place, open_place
from benchmarks.speed.workload import Workload
from config import ROOT

LATEST: Final = ROOT / "benchmarks" / "latest.json"
MOST_POLLED: Final = 3_000  # intents of a round, each asked for three times
MOST_ARRIVALS: Final = 6_000  # sockets of a round: those of the round before are still being closed
CROWD_S: Final = 120.0
PER_S: Final = "intents/s"
PARTS: Final = ("drain", "http", "socket", "arrivals", "polls", "rest", "heads")
WINNERS: Final = 50  # of so many intents of a flash sale, one gets a unit


@dataclass(frozen=True, slots=True)
class Shape:
    """How much is measured. The defaults are those of the issue; smaller ones try the benchmark itself."""

    rounds: int
    intents: int
    naive: int
    requests: int
    only: str

    @property
    def crowd(self) -> int:
        """How many shoppers are needed: no process sees one twice over HTTP, as tokens are remembered."""
        over_http = WARM_UP + self.rounds * 2 * self.requests
        return max(self.intents, self.naive, over_http)


class Rounds:
    """Gathers the figures of the rounds under their names."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._console = Console()

    def add(self, name: str, unit: str, value: float) -> None:
        """Note what a round has measured."""
        self._values[name, unit].append(value)
        say(self._console, f"{name}: {short(value)} {unit}")

    def figures(self) -> dict[str, Figure]:
        """Every figure by its name."""
        return {name: Figure(name, unit, tuple(values)) for (name, unit), values in self._values.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the report; 1 where it could not be measured."""
    options = _arguments(arguments)
    shape = Shape(options.rounds, options.intents, options.naive, options.requests, options.only)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))

    def work(_console: Console) -> int:
        if shape.only == "rest":
            report = measure_quiet(options.seconds, options.sales)
        else:
            with open_place() as place:
                report = measure(place, shape)
        write_report(report.as_json(), options.json)
        report.print()
        return 0

    return run_tool(work, cannot="Cannot measure", exit_code=1)


def measure(place: Place, shape: Shape) -> Report:
    """Measure everything that the shape asks for.

    Raises:
        CannotMeasure: a part did not do what it is measured for.
    """
    machine = describe_machine(place.context.database, place.context.live.client)
    crowd = make_crowd_in_bulk(shape.crowd, CROWD_S, environment=place.environment())
    rounds = Rounds()
    if shape.only in {"", "drain"}:
        measure_drains(place, shape, [user for user, _ in crowd], rounds)
    if shape.only in {"", "http"}:
        measure_http(place, crowd, shape.rounds, shape.requests, rounds.add)
    if shape.only in {"", "socket"}:
        measure_sockets(place, crowd, shape.rounds, shape.requests, rounds.add)
    if shape.only in {"", "arrivals"}:
        measure_arrivals(place, crowd, shape.rounds, min(shape.requests, MOST_ARRIVALS), rounds.add)
    if shape.only in {"", "polls"}:
        measure_polls(place, crowd, shape.rounds, min(shape.requests, MOST_POLLED), rounds.add)
    if shape.only == "heads":
        measure_heads(place, [user for user, _ in crowd], rounds.add)
    figures = rounds.figures()
    machine["load_average_after"] = load_average()
    settings = {"rounds": shape.rounds, "intents": shape.intents, "naive": shape.naive}
    settings |= {"requests": shape.requests, "claim_size": place.context.settings.claim_size}
    return Report(machine, settings, (*figures.values(), *by_cpu(figures)), aims_of(figures))


def measure_quiet(seconds: float, sales: int) -> Report:
    """Measure what the platform uses while nothing happens.

    Raises:
        CannotMeasure: it did not start.
    """
    rounds = Rounds()
    measure_rest(seconds, sales, rounds.add)
    return Report({}, {"seconds": seconds, "sales": sales}, tuple(rounds.figures().values()), ())


def measure_drains(place: Place, shape: Shape, users: list[str], rounds: Rounds) -> None:
    """Drain, write plainly and go one task an intent, in turn, for each of two sales."""
    for _ in range(shape.rounds):
        for name, share in (("flash", WINNERS), ("all win", 1)):
            line = Workload(name, shape.intents, shape.intents // share)
            few = Workload(name, shape.naive, shape.naive // share)
            rounds.add(f"plain inserts, {name}", PER_S, measure_plain(place, line, users))
            rounds.add(f"drain, {name}", PER_S, measure_drain(place, line, users))
            rounds.add(f"drain by two workers, {name}", PER_S, measure_drain(place, line, users, workers=2))
            rounds.add(f"a task an intent, {name}", PER_S, measure_naive(place, few, users))


def by_cpu(figures: dict[str, Figure]) -> tuple[Figure, ...]:
    """Compare the web processes by what they use of the CPU: what runs beside them disturbs that least."""
    found = []
    if accepted := figures.get("accepted over HTTP, CPU"):
        found.append(ratio("accepted beside a bare route, by CPU", figures["bare route, CPU"], accepted))
        found.append(
            ratio("accepted beside Flask's way, by CPU", figures["accepted by Flask, CPU"], accepted)
        )
    by_socket = figures.get("accepted by socket, CPU")
    if by_socket and all(by_socket.values):  # a tiny run takes less than a tick of the clock
        over_http = figures["accepted over HTTP beside sockets, CPU"]
        found.append(ratio("accepted by socket beside HTTP, by CPU", over_http, by_socket))
    return tuple(found)


def aims_of(figures: dict[str, Figure]) -> tuple[Aim, ...]:
    """Set the figures against each other and against what they should be."""
    aims = []
    for name in ("flash", "all win"):
        if drain := figures.get(f"drain, {name}"):
            plain, naive = figures[f"plain inserts, {name}"], figures[f"a task an intent, {name}"]
            aims.append(Aim(drain, 10_000))
            aims.append(Aim(ratio(f"drain beside plain inserts, {name}", drain, plain), 0.3))
            aims.append(Aim(ratio(f"drain beside a task an intent, {name}", drain, naive), 20))
    if accepted := figures.get("accepted over HTTP"):
        aims.append(Aim(ratio("accepted beside a bare route", accepted, figures["bare route"]), 0.6))
        aims.append(Aim(ratio("accepted beside Flask's way", accepted, figures["accepted by Flask"]), 2.5))
    if by_socket := figures.get("accepted by socket"):
        over_http = figures["accepted over HTTP beside sockets"]
        aims.append(Aim(ratio("accepted by socket beside HTTP", by_socket, over_http), 2))
    if arrived := figures.get("arrived by socket"):
        aims.append(Aim(arrived, 2_000))
    return tuple(aims)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description="How fast the line is.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--intents", type=int, default=50_000, help="in the line that is drained")
    parser.add_argument("--naive", type=int, default=1_000, help="intents that go one task each")
    parser.add_argument("--requests", type=int, default=6_000, help="over HTTP, a round and part")
    parser.add_argument("--only", choices=PARTS, default="")
    parser.add_argument("--seconds", type=float, default=60, help="of rest that are measured")
    parser.add_argument("--sales", type=int, default=1, help="that are open while it rests")
    parser.add_argument("--json", type=Path, default=LATEST)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
