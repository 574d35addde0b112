"""`make journey`: a crowd that comes as people do, from the page to the receipt, and a verified report.

    PEOPLE=10000 UNITS=2000 python -m benchmarks.journey [--json FILE]

Nearly all come before the opening, more and more of them. Each reads the sale's page, new ones what it
names; most are known by cookie, some type their password; then come a socket, the wait, the press at the
opening, the verdict, and for who got a unit payment and receipt.

Exit codes: 0 when every promise was kept and no answer was an error; 1 otherwise; 130 after Ctrl-C. It ends
by itself, and with it everything that it started.
"""

import sys
import time
from collections import Counter
from typing import Final

from rich.console import Console

from benchmarks.client.admin_api import Shop
from benchmarks.client.http_wire import Target
from benchmarks.harness.client_processes import ClientProcesses, allow_open_files
from benchmarks.harness.cut_off import cut_off_after
from benchmarks.harness.failures import run_tool
from benchmarks.harness.progress import stage
from benchmarks.harness.report import as_json, print_report, write_report
from benchmarks.harness.visited_shop import Place, open_place
from benchmarks.journey import report
from benchmarks.journey.crowd import Tally, run_visitors
from benchmarks.journey.preparing import REGISTERING_S, get_people, plan_journey, schedule_sale
from benchmarks.journey.settings import JourneySettings, read_journey_settings
from benchmarks.journey.steps import Journey

PREPARING_S: Final = 8.0  # between the making of the sale and the first visitor
LAST_ORDERS_S: Final = 60.0


def main(arguments: list[str] | None = None) -> int:
    """Travel, report, and return the exit code."""

    def work(console: Console) -> int:
        settings = read_journey_settings(arguments)
        allow_open_files()
        with (
            cut_off_after(settings.deadline_s + REGISTERING_S + LAST_ORDERS_S),
            open_place(settings.url, settings.port, {}) as place,
        ):
            return run(settings, console, place)

    return run_tool(work, cannot="Cannot travel", exit_code=1)


def run(settings: JourneySettings, console: Console, place: Place) -> int:
    """Prepare, travel, verify, report; returns the exit code.

    Raises:
        CannotMeasure: it came to nothing.
    """
    target = Target.of(place.url)
    shop = Shop(target, patience_s=30.0)
    shop.wait_until_ready()
    shop.log_in(place.email, place.password)
    with stage(console, "people with accounts", settings.people) as shown:
        people = get_people(settings, target, place)
        shown.update(len(people))
    lead_s = settings.arriving_s + PREPARING_S
    opens_ns = time.monotonic_ns() + int(lead_s * 1e9)
    sale_id = schedule_sale(shop, settings, lead_s)
    crowd = ClientProcesses(run_visitors, plan_journey(settings, target, sale_id, people, opens_ns), Tally())
    journey = Journey(settings, console, place, shop, sale_id=sale_id, crowd=crowd, opens_ns=opens_ns)
    try:
        evidence, findings = journey.run()
    finally:
        crowd.close()
    log, verdicts = journey.log, Counter(one.verdict or "none" for one in evidence.told)
    findings["errors"] = report.find_errors(log)
    rows = [
        report.link_rows(log),
        report.cost_rows(journey.stages),
        report.other_rows(settings, log, verdicts),
    ]
    title = f"A journey of {settings.people:,} people to {settings.units:,} units: p50 / p99 / worst"
    print_report(console, title, rows, report.LABELS, findings)
    written = as_json(report.figures_of(settings, log, journey.stages, verdicts), findings)
    write_report(written, settings.json_path)
    return 0 if written["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
