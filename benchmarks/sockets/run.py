"""The course of a run: what all phases share, and the waiting that ends by itself."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console

from benchmarks.client.admin_api import Shop
from benchmarks.harness.client_processes import ClientProcesses
from benchmarks.harness.failures import CannotMeasure
from benchmarks.harness.progress import say, stage
from benchmarks.harness.usage import Cpu
from benchmarks.harness.visited_shop import Place
from benchmarks.sockets.part import PartPlan, Tally
from benchmarks.sockets.settings import CrowdSettings
from benchmarks.verify.testimony import Finding

SHOWN_LIVE: Final = ("status", "price", "allocation", "available", "held", "sold")
TOKEN_S: Final = 300.0  # a third of what an access token is good for by default
WAITING: Final = 0.2  # of the whole run's time, for everybody to be told something
SHOWN_QUEUE: Final = ("waiting", "standby", "now_serving", "last_ticket")


@dataclass(slots=True)
class Results:
    """What a run has measured, phase by phase, and what was wrong."""

    phases: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def wrong(self, check: str, detail: str, row: object = "") -> None:
        """Note a broken promise."""
        self.findings.append(Finding(check, detail, str(row)[:2000]))


@dataclass(slots=True)
class Run:
    """One crowd at one shop, whose sockets watch the sale `sale_id`."""

    settings: CrowdSettings
    console: Console
    place: Place
    shop: Shop
    parts: ClientProcesses[PartPlan, Tally]
    sale_id: str
    until: float  # of `time.monotonic`: when the whole run must be over
    results: Results = field(default_factory=Results)
    _logged_in_at: float = field(default_factory=time.monotonic)

    def deadline(self, share: float) -> float:
        """When something is over that may take such a share of the whole run's time."""
        return min(self.until, time.monotonic() + share * self.settings.deadline_s)

    def log_in(self) -> None:
        """Log in as the admin again before the token is too old; log-ins are limited.

        Raises:
            CannotMeasure: the shop does not let us in.
        """
        if time.monotonic() - self._logged_in_at > TOKEN_S:
            self.shop.log_in(self.place.email, self.place.password)
            self._logged_in_at = time.monotonic()

    def cpu(self) -> Cpu:
        """CPU used so far by everybody."""
        return Cpu.of({**self.place.groups(), "clients": self.parts.pids})

    def await_all(
        self, name: str, total: int, measure: Callable[[Tally], int], *, share: float = WAITING
    ) -> Tally:
        """Show how a number grows until it reaches its total.

        Raises:
            CannotMeasure: it does not in time.
        """
        with stage(self.console, name, total) as shown:
            tally = self.parts.watch(
                lambda count: measure(count) >= total,
                self.deadline(share),
                lambda count: shown.update(measure(count)),
            )
        if measure(tally) < total:
            whose = "the run's" if time.monotonic() >= self.until else "its"
            raise CannotMeasure(
                f"{name}: {measure(tally):,} of {total:,} in {whose} time. {troubles_of(tally)}"
            )
        return tally

    def real_figures(self, sale_id: str) -> dict[str, Any]:
        """The sale's figures as the shop tells them by HTTP, in the words of the socket's snapshot."""
        sale = self.shop.expect(200, "GET", f"/api/v1/sales/{sale_id}")
        return {name: sale[name] for name in SHOWN_LIVE} | {name: sale["queue"][name] for name in SHOWN_QUEUE}

    def check_snapshots(self, phase: str, sockets: int, sale_id: str) -> None:
        """Every socket that watches a sale must come to show what the shop says of it."""
        until = self.deadline(WAITING)
        while True:
            real = self.real_figures(sale_id)
            matching = sum(self.parts.ask("match", (sale_id, real)))
            if matching == sockets:
                return
            if time.monotonic() > until:
                break
            time.sleep(0.2)
        shown: Counter[str] = sum(self.parts.ask("shown"), Counter())
        detail = f"{phase}: {sockets - matching} of {sockets} sockets do not show {real}"
        self.results.wrong("snapshots", detail, shown.most_common(5))

    @contextmanager
    def steady(self, phase: str) -> Iterator[None]:
        """A socket that is lost meanwhile is lost by the shop."""
        before = self.parts.count().lost
        try:
            yield
        finally:
            lost = self.parts.count().lost - before
            if lost:
                self.results.wrong("lost sockets", f"{phase}: {lost.total()} sockets were lost", dict(lost))

    def say(self, text: str) -> None:
        """Print a line."""
        say(self.console, text)


def troubles_of(tally: Tally) -> str:
    """What went wrong on the way, by frequency."""
    parts = (("lost", tally.lost), ("not opened", tally.failed), ("refused", tally.errors))
    told = [f"{what}: {dict(found.most_common(3))}" for what, found in parts if found]
    return "; ".join(told) or "Nothing went wrong on the way."
