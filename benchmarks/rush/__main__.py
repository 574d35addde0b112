"""`make rush`: a real crowd against a running shop, and a verified report of what came of it.

Exit codes: 0 when every promise was kept; 1 when one was broken; 2 when the rush could not take place;
130 after Ctrl-C. `DEADLINE` bounds the preparation, and once more the rush itself.
"""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from functools import partial
from typing import Final

from rich.console import Console

from benchmarks.client.admin_api import Shop, opened_sale
from benchmarks.client.http_wire import Target
from benchmarks.harness.client_processes import ClientProcesses
from benchmarks.harness.crowd_tokens import get_crowd
from benchmarks.harness.failures import CannotMeasure, run_tool
from benchmarks.harness.progress import Stage, say, stage
from benchmarks.harness.report import as_json, print_report, write_report
from benchmarks.harness.settings import RushSettings, read_rush_settings
from benchmarks.rush.crowd import CrowdPlan, Tally, plan_crowd, run_crowd
from benchmarks.rush.manners import Paying
from benchmarks.rush.report import count_figures, figure_rows
from benchmarks.verify.evidence import gather_evidence, provider_books, verify_settled
from benchmarks.verify.judge import CHECKS
from benchmarks.verify.testimony import Told

READY_S: Final = 30.0  # seconds, at most, until the shop must be ready
QUIET_S: Final = 10.0  # seconds without any news after which those who wait ask instead
NEAR_DEADLINE: Final = 0.8  # of the deadline; from there on those who wait ask as well
LAST_WORDS_S: Final = 15.0  # seconds that the end of the sale may take, also past the deadline


def main(arguments: list[str] | None = None) -> int:
    """Rush the shop; returns the exit code."""
    return run_tool(
        lambda console: rush(read_rush_settings(arguments), console), cannot="Cannot rush", exit_code=2
    )


def rush(settings: RushSettings, console: Console) -> int:
    """Prepare, rush, verify, report.

    Raises:
        CannotMeasure: the shop is not reachable, the admin is not let in, or the crowd itself broke.
    """
    with closing(Shop(Target.of(settings.url), patience_s=min(READY_S, settings.deadline_s))) as shop:
        return rush_at(shop, settings, console)


def rush_at(shop: Shop, settings: RushSettings, console: Console) -> int:
    """Do so, as the admin who is asked for.

    Raises:
        CannotMeasure: as above.
    """
    target = Target.of(settings.url)
    with stage(console, "shop ready", 1) as shown:
        shop.wait_until_ready()
        shop.log_in(settings.admin_email, settings.admin_password)
        shown.update(1)
    shop.patience_s = settings.deadline_s
    with opened_sale(
        shop, settings.units, settings.quantity, settings.hold_s, partial(say, console)
    ) as sale_id:
        with stage(console, "shoppers with tokens", settings.shoppers) as shown:
            shoppers = get_crowd(settings, shown.update, partial(say, console))
        plans = plan_crowd(
            target, sale_id, settings.quantity, shoppers, settings.connections, paying=settings.paying
        )
        crowd = ClientProcesses(run_crowd, plans, Tally())
        try:
            told, notes = Rush(settings, console, shop, sale_id, crowd).run()
        finally:
            crowd.close()
    shop.log_in(settings.admin_email, settings.admin_password)  # the first token may be old by now
    with stage(console, "verified", 1) as shown:
        with provider_books(settings, sale_id, told, notes) as books:
            reading = partial(gather_evidence, shop, sale_id, settings.units, tuple(told), books)
            evidence, findings = verify_settled(reading)
        shown.update(1)
    figures = count_figures(evidence, settings.connections)
    title = f"A rush of {figures.shoppers:,} shoppers for {figures.units:,} units"
    print_report(console, title, [figure_rows(figures)], CHECKS, findings, notes=notes)
    report = as_json(asdict(figures), findings, notes)
    write_report(report, settings.json_path)
    return 0 if report["passed"] else 1


class Rush:
    """The steps from the first socket to the last word."""

    def __init__(
        self,
        settings: RushSettings,
        console: Console,
        shop: Shop,
        sale_id: str,
        crowd: ClientProcesses[CrowdPlan, Tally],
    ) -> None:
        self._settings = settings
        self._console = console
        self._shop = shop
        self._sale_id = sale_id
        self._crowd = crowd
        self._started = 0.0
        self._deadline = 0.0
        self._notes: list[str] = []
        self._quiet_s = QUIET_S + (settings.hold_s if settings.paying == Paying.THIRDS else 0)

    def run(self) -> tuple[list[Told], list[str]]:
        """Take every step; returns the testimonies and what else is worth saying.

        Raises:
            CannotMeasure: the sockets do not open, or the sale cannot be ended.
        """
        self._connect()
        self._started = time.monotonic()
        self._deadline = self._started + self._settings.deadline_s
        if self._settings.paying == Paying.THIRDS:
            self._crowd.ask("pay", self._deadline)  # each at its own verdict: holds are short
        self._submit()
        self._hear_verdicts()
        if self._settings.paying == Paying.THIRDS:
            self._let_holds_go_round()
        else:
            self._pay()
        self._end_sale()
        self._account()
        told = [one for part in self._crowd.ask("tell") for one in part]
        return told, self._notes

    def _connect(self) -> None:
        everybody = self._settings.shoppers
        deadline = time.monotonic() + self._settings.deadline_s
        with stage(self._console, "sockets", everybody) as shown:
            self._crowd.ask("connect", deadline)
            tally = self._crowd.watch(
                lambda t: t.connected == everybody, deadline, lambda t: shown.update(t.connected)
            )
        if tally.connected < everybody:
            raise CannotMeasure(
                f"{tally.connected} of {everybody} sockets in time: {dict(tally.errors.most_common(3))}"
            )
        self._crowd.ask("warm", deadline)
        tally = self._crowd.watch(lambda t: t.warm == len(self._crowd), deadline, lambda _: None)
        if tally.warm < len(self._crowd):
            raise CannotMeasure("The HTTP connections did not open in time.")

    def _submit(self) -> None:
        everybody = self._settings.shoppers
        with stage(self._console, "intents answered", everybody) as shown:
            self._crowd.ask("submit", self._deadline)
            self._crowd.watch(
                lambda t: t.submitted == everybody, self._deadline, lambda t: shown.update(t.submitted)
            )

    def _hear_verdicts(self) -> None:
        units, quantity = self._settings.units, self._settings.quantity
        fitting = units - units % quantity

        def is_settled(tally: Tally) -> bool:
            granted = tally.held_units >= min(fitting, tally.accepted * quantity)
            return tally.heard == tally.accepted and (tally.standby == 0 or granted)

        with stage(self._console, "verdicts or standby", self._crowd.tally.accepted) as shown:
            self._watch_or_poll(is_settled, lambda t: t.heard, lambda t: t.accepted, shown)

    def _pay(self) -> None:
        holders = self._crowd.tally.holders
        if holders == 0:
            return
        began = time.monotonic()
        with stage(self._console, "payments", holders) as shown:
            self._crowd.ask("pay", self._deadline)
            self._watch_or_poll(
                lambda t: t.pay_done == t.holders and t.pay_settled == t.pay_accepted,
                lambda t: t.pay_settled,
                lambda t: t.holders,
                shown,
            )
        tally, took_s = self._crowd.tally, time.monotonic() - began
        if tally.pay_settled:
            pace = tally.pay_settled / took_s
            self._notes.append(
                f"{tally.pay_settled:,} payments heard of in {took_s:.1f} s: {pace:,.0f} a second."
            )
        if tally.not_offered == tally.holders:
            self._notes.append("Payments are not offered by this shop: not paid.")
        elif tally.pay_accepted < tally.holders:
            self._notes.append(
                f"{tally.holders - tally.pay_accepted} of {tally.holders} payments were not accepted."
            )

    def _let_holds_go_round(self) -> None:
        """Until nobody waits any more: what expires goes to the next, until every unit is paid for."""
        with stage(self._console, "last words and orders' ends", self._crowd.tally.accepted) as shown:
            self._watch_or_poll(
                lambda t: t.final == t.accepted and t.over == t.holders,
                lambda t: t.final - t.holders + t.over,
                lambda t: t.accepted,
                shown,
            )

    def _account(self) -> None:
        """Everybody reads what the shop keeps of his order's money, once nothing of it is on its way."""
        holders = self._crowd.tally.holders
        if holders in {0, self._crowd.tally.not_offered}:
            return
        deadline = time.monotonic() + self._settings.deadline_s
        with stage(self._console, "statements of money", holders) as shown:
            self._crowd.ask("account", deadline)
            self._crowd.watch(
                lambda t: t.accounted == t.holders, deadline, lambda t: shown.update(t.accounted, t.holders)
            )

    def _end_sale(self) -> None:
        self._shop.move_sale(self._sale_id, "end")
        self._deadline = max(self._deadline, time.monotonic() + LAST_WORDS_S)
        with stage(self._console, "last words", self._crowd.tally.accepted) as shown:
            self._watch_or_poll(
                lambda t: t.final == t.accepted, lambda t: t.final, lambda t: t.accepted, shown
            )

    def _watch_or_poll(
        self,
        is_done: Callable[[Tally], bool],
        measure: Callable[[Tally], int],
        total: Callable[[Tally], int],
        shown: Stage,
    ) -> None:
        """Wait for news by socket; when none comes for long, or time runs out, have the waiting ask."""
        self._crowd.watch_or_poll(
            is_done,
            measure,
            self._deadline,
            patience_s=self._patience_s,
            on_change=lambda tally: shown.update(measure(tally), total(tally)),
        )

    def _patience_s(self) -> float:
        quiet_s = min(self._quiet_s, self._settings.deadline_s / 4)
        near = self._started + NEAR_DEADLINE * self._settings.deadline_s
        return quiet_s if time.monotonic() < near else min(1.0, quiet_s)


if __name__ == "__main__":
    sys.exit(main())
