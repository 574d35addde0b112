"""`make crowd`: a crowd of sockets that comes, waits, hears, speaks and comes back, and the report.

    SOCKETS=100000 python -m benchmarks.sockets [--json FILE]

Exit codes: 0 when everything was done and nothing was wrong; 1 otherwise; 130 after Ctrl-C. It ends by
itself, and with it everything that it started: `DEADLINE` bounds the whole run, and each phase has its own.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from rich.console import Console

from benchmarks.client.admin_api import Shop
from benchmarks.client.http_wire import Target
from benchmarks.harness.client_processes import ClientProcesses, allow_open_files
from benchmarks.harness.crowd_tokens import make_crowd_in_bulk
from benchmarks.harness.cut_off import cut_off_after
from benchmarks.harness.failures import CannotMeasure, run_tool
from benchmarks.harness.progress import say, stage
from benchmarks.harness.report import write_report
from benchmarks.harness.visited_shop import Place, open_place
from benchmarks.sockets.changing import measure_changes
from benchmarks.sockets.holding import measure_coming, measure_idling
from benchmarks.sockets.part import PartPlan, Tally, run_part
from benchmarks.sockets.report import as_json, print_report
from benchmarks.sockets.restarting import measure_restart
from benchmarks.sockets.run import Results, Run
from benchmarks.sockets.rushing import measure_echo, measure_rush
from benchmarks.sockets.settings import CrowdSettings, read_crowd_settings
from benchmarks.sockets.system_bounds import (
    bounds_of,
    describe,
    opening_at_once,
    refuse_hopeless,
    sources_for,
)

PATIENCE: Final = 0.1  # of the whole run's time, for the shop to answer the admin
TOKENS: Final = 0.2  # of the whole run's time, for everybody to get one
LAST_ORDERS_S: Final = 60.0  # after the deadline: for what waits for nobody, before the run is cut off


def main(arguments: list[str] | None = None) -> int:
    """Run, report, and return the exit code."""

    def work(console: Console) -> int:
        settings = read_crowd_settings(arguments)
        allow_open_files()
        with cut_off_after(settings.deadline_s + LAST_ORDERS_S):
            return run(settings, console)

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    return run_tool(work, cannot="Cannot measure", exit_code=1)


def run(settings: CrowdSettings, console: Console) -> int:
    """Measure every phase; what is known by the time that something breaks is reported as well.

    Raises:
        CannotMeasure: it came to nothing.
    """
    until = time.monotonic() + settings.deadline_s
    refuse_hopeless(bounds_of(settings, is_own_shop=not settings.url))
    machine = describe()
    results, broken = Results(), ""
    programs = {
        "WEB_PROCESSES": str(settings.web_processes),
        "WORKER_PROCESSES": str(settings.worker_processes),
    }
    with (
        open_place(settings.url, settings.port, programs) as place,
        visiting(settings, console, place, until, results) as crowd,
    ):
        try:
            measure(crowd)
        except CannotMeasure as error:
            broken = str(error)
    machine["load average after"] = describe()["load average"]
    report = as_json(settings, results, machine, broken)
    write_report(report, settings.json_path)
    print_report(console, settings, results)
    say(console, f"Broken off: {broken}" if broken else f"Written to {settings.json_path}.")
    say(console, "Nothing was wrong." if report["passed"] else "SOMETHING WAS WRONG.")
    return 0 if report["passed"] else 1


def measure(crowd: Run) -> None:
    """One phase after the other.

    Raises:
        CannotMeasure: a phase did not come to its end.
    """
    phases = [measure_coming, measure_idling, measure_changes, measure_echo, measure_rush]
    if crowd.settings.reconnect:
        phases.append(measure_restart)
    for phase in phases:
        crowd.log_in()
        phase(crowd)


@contextmanager
def visiting(
    settings: CrowdSettings, console: Console, place: Place, until: float, results: Results
) -> Iterator[Run]:
    """A sale, and client processes that are ready to watch it.

    Raises:
        CannotMeasure: the shop is not ready, or gives no tokens.
    """
    target = Target.of(place.url)
    shop = Shop(target, patience_s=PATIENCE * settings.deadline_s)
    shop.wait_until_ready()
    shop.log_in(place.email, place.password)
    with stage(console, "shoppers with tokens", settings.logged_in) as shown:
        crowd = make_crowd_in_bulk(
            settings.logged_in, TOKENS * settings.deadline_s, environment=place.environment
        )
        shown.update(len(crowd))
    sale_id = shop.open_sale(settings.units, 1)
    parts = ClientProcesses(
        run_part, plan_parts(settings, target, sale_id, [token for _, token in crowd]), Tally()
    )
    try:
        yield Run(settings, console, place, shop, parts, sale_id, until, results)
    finally:
        parts.close()
        if place.platform is None:
            _end_sale(shop, sale_id, console)


def _end_sale(shop: Shop, sale_id: str, console: Console) -> None:
    """Leave no open sale in somebody else's shop."""
    try:
        shop.move_sale(sale_id, "end")
    except CannotMeasure as error:
        say(console, f"The sale {sale_id} may be left open: {error}")


def plan_parts(settings: CrowdSettings, target: Target, sale_id: str, tokens: list[str]) -> list[PartPlan]:
    """Spread the sockets over client processes: rushers, others who are logged in, and mere watchers."""
    processes = settings.client_processes
    everybody = tokens + [""] * (settings.sockets - len(tokens))
    sources = sources_for(settings.sockets, processes, target)
    opening = opening_at_once(processes)
    return [
        PartPlan(
            target,
            sale_id,
            tuple(everybody[place::processes]),
            len(range(place, settings.rushers, processes)),
            sources[place],
            opening,
        )
        for place in range(processes)
    ]


if __name__ == "__main__":
    sys.exit(main())
