"""`make storm`: thousands of webhooks against a running shop, and a verified report of what came of it.

A sale, its shoppers, and payments by the sandbox's methods; then what the sandbox has to say of them, as soon
as it is true: in copies, out of order, late, and among forgeries and garbage. Only in development, on the
platform's own machine: the storm reads the sandbox's books and signs by its secret.

Exit codes: 0 when every promise was kept; 1 when one was broken; 2 when no storm could take place; 130 after
Ctrl-C.
"""

import asyncio
import random
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from rich.console import Console

from benchmarks.client.admin_api import Shop, opened_sale
from benchmarks.client.http import HttpPool
from benchmarks.client.http_wire import Target
from benchmarks.harness.crowd_tokens import make_crowd_in_bulk
from benchmarks.harness.failures import CannotMeasure, run_tool
from benchmarks.harness.progress import say, stage
from benchmarks.harness.report import as_json, print_report, write_report
from benchmarks.harness.settings import StormSettings, read_storm_settings
from benchmarks.rush.shopper import Errand
from benchmarks.storm.crowd import StormCrowd
from benchmarks.storm.letters import Writer
from benchmarks.storm.plan import Plan, plan_storm
from benchmarks.storm.post_office import PostOffice
from benchmarks.storm.report import count_storm, kind_rows, storm_rows
from benchmarks.storm.storm_books import StormBooks
from benchmarks.storm.weather import Weather
from benchmarks.verify.evidence import gather_evidence, verify_settled
from benchmarks.verify.judge import CHECKS
from benchmarks.verify.provider_books import ProviderBooks
from benchmarks.verify.storm_checks import STORM_CHECKS, StormEvidence, verify_storm
from benchmarks.verify.testimony import Told
from models.database import Database

READY_S: Final = 30.0  # seconds, at most, until the shop must be ready
CROWDS_CONNECTIONS: Final = 32


def main(arguments: list[str] | None = None) -> int:
    """Storm the shop; returns the exit code."""
    return run_tool(
        lambda console: storm(read_storm_settings(arguments), console), cannot="Cannot storm", exit_code=2
    )


def storm(settings: StormSettings, console: Console) -> int:
    """Prepare, storm, verify, report.

    Raises:
        CannotMeasure, LedgerUnavailable: nothing was learnt about the shop.
    """
    shop = Shop(Target.of(settings.url), patience_s=min(READY_S, settings.deadline_s))
    with stage(console, "shop ready", 1) as shown:
        shop.wait_until_ready()
        shop.log_in(settings.admin_email, settings.admin_password)
        shown.update(1)
    shop.patience_s = settings.deadline_s
    plan = plan_storm(settings.webhooks, hold_s=settings.hold_s, patience_s=settings.patience_s)
    database = Database(settings.database_url, pool_size=2, application_name="storm")
    try:
        with opened_sale(shop, plan.units, 1, settings.hold_s, partial(say, console)) as sale_id:
            books = ProviderBooks(database)
            books.require(sale_id)
            with stage(console, "shoppers with tokens", plan.shoppers) as shown:
                accounts = make_crowd_in_bulk(plan.shoppers, settings.deadline_s)
                shown.update(len(accounts))
            blown = Storm(settings, console, plan, StormBooks(database, sale_id), sale_id)
            told, seen = asyncio.run(blown.run(accounts, partial(shop.move_sale, sale_id, "end")))
        shop.log_in(settings.admin_email, settings.admin_password)  # the first token may be old by now
        with stage(console, "verified", 1) as shown:
            evidence, findings = verify_settled(
                partial(gather_evidence, shop, sale_id, plan.units, told, books)
            )
            shown.update(1)
    finally:
        database.dispose()
    findings |= verify_storm(seen)
    figures = count_storm(
        evidence,
        seen,
        connections=settings.connections,
        seed=settings.seed,
        busy_s=blown.busy_s,
        in_burst=blown.in_burst,
    )
    title = f"A storm of {figures.webhooks:,} webhooks"
    sections = [kind_rows(figures), storm_rows(figures)]
    print_report(console, title, sections, CHECKS | STORM_CHECKS, findings, notes=blown.notes)
    report = as_json(asdict(figures), findings, blown.notes)
    return conclude(settings, console, report)


def conclude(settings: StormSettings, console: Console, report: dict[str, Any]) -> int:
    """Write the report down where it is wished, and say what it comes to: the exit code."""
    write_report(report, settings.json_path)
    if report["passed"] and not report["figures"]["late"]:
        say(console, "No charge came late: is PAYMENT_PATIENCE_SECONDS here what it is for the platform?")
        return 2
    return 0 if report["passed"] else 1


class Storm:
    """The steps from the first shopper in line to the last word."""

    def __init__(
        self, settings: StormSettings, console: Console, plan: Plan, books: StormBooks, sale_id: str
    ) -> None:
        self._settings = settings
        self._console = console
        self._plan = plan
        self._books = books
        self._sale_id = sale_id
        self.notes: list[str] = []
        self.busy_s = 0.0
        self.in_burst = 0

    async def run(
        self, accounts: list[tuple[str, str]], end_sale: Callable[[], None]
    ) -> tuple[tuple[Told, ...], StormEvidence]:
        """Take every step; returns what shoppers were told, and what the storm's letters came to.

        Raises:
            CannotMeasure: the sale cannot be ended. LedgerUnavailable: the books cannot be read.
        """
        target = Target.of(self._settings.url)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.deadline_s
        pool, posts = HttpPool(target, CROWDS_CONNECTIONS), HttpPool(target, self._settings.connections)
        crowd = StormCrowd(Errand(target, self._sale_id, 1), pool, accounts, self._plan)
        with stage(self._console, "webhooks", self._settings.webhooks) as shown:
            office = PostOffice(posts, shown.update)
            office.open(self._settings.connections, deadline + self._settings.deadline_s)
            writer = Writer(self._settings.secret, random.Random(self._settings.seed))
            weather = Weather(self._plan, self._settings.webhooks, self._books, office, writer)
            await crowd.submit(deadline)
            paying = asyncio.create_task(crowd.pay_when_held(deadline))
            if not await weather.blow(deadline, paying.done):
                self.notes.append("Not everything was settled before the DEADLINE.")
            await paying
            if crowd.begun < self._plan.shoppers:
                begun = f"{crowd.begun} of {self._plan.shoppers} payments were begun in time"
                self.notes.append(f"{begun}; HOLD_SECONDS gives more of it.")
            if not weather.events:
                raise CannotMeasure("The provider had nothing to say.")
            before = await asyncio.to_thread(self._look)
            self.in_burst = weather.burst()
            await office.close()
        self.busy_s = office.busy_s
        deadline = loop.time() + self._settings.deadline_s
        end_sale()
        with stage(self._console, "shoppers asked", len(accounts)) as shown:
            told = await crowd.testify(deadline)
            shown.update(len(told))
        pool.close()
        posts.close()
        return told, await asyncio.to_thread(self._gather, office, weather, before)

    def _look(self) -> Any:
        return self._books.outcomes(), self._books.histories()

    def _gather(self, office: PostOffice, weather: Weather, before: Any) -> StormEvidence:
        outcomes, histories = self._look()
        borne = {posted.letter.event_id for posted in office.posted if posted.letter.event_id is not None}
        return StormEvidence(
            posted=tuple(office.posted),
            events=frozenset(weather.events),
            stored=frozenset(self._books.stored(borne)),
            outcomes=outcomes,
            histories=histories,
            before_burst=before,
        )


if __name__ == "__main__":
    sys.exit(main())
