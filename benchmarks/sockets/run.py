"""Owns the course of a run: what all phases share, and the waiting that ends by itself."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console

from benchmarks.progress import say, stage
from benchmarks.shop import Shop
from benchmarks.sockets.figures import Results
from benchmarks.sockets.part import Tally
from benchmarks.sockets.parts import Parts
from benchmarks.sockets.place import Place
from benchmarks.sockets.settings import CannotMeasure, CrowdSettings
from benchmarks.sockets.usage import Cpu

SHOWN_LIVE: Final = ("status", "price", "allocation", "available", "held", "sold")
WAITING: Final = 0.2  # of the whole run's time, for everybody to be told something
SHOWN_QUEUE: Final = ("waiting", "standby", "now_serving", "last_ticket")


@dataclass(slots=True)
class Run:
    """One crowd at one shop, whose sockets watch the sale `sale_id`."""

    settings: CrowdSettings
    console: Console
    place: Place
    shop: Shop
    parts: Parts
    sale_id: str
    until: float  # of `time.monotonic`: when the whole run must be over
    results: Results = field(default_factory=Results)

    def deadline(self, share: float) -> float:
        """When something is over that may take such a share of the whole run's time."""
        return min(self.until, time.monotonic() + share * self.settings.deadline_s)

    def log_in(self) -> None:
        """Become the admin anew: a token lives for minutes, as a phase may take.

        Raises:
            CannotRush: the shop does not let us in.
        """
        self.shop.log_in(self.place.email, self.place.password)

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
            raise CannotMeasure(f"{name}: {measure(tally):,} of {total:,} in time. {troubles_of(tally)}")
        return tally

    def real_figures(self, sale_id: str) -> dict[str, Any]:
        """The sale's figures as the shop tells them by HTTP, in the words of the socket's picture."""
        sale = self.shop.expect(200, "GET", f"/api/v1/sales/{sale_id}")
        return {name: sale[name] for name in SHOWN_LIVE} | {name: sale["queue"][name] for name in SHOWN_QUEUE}

    def check_pictures(self, phase: str, sockets: int, sale_id: str) -> None:
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
        self.results.wrong("pictures", detail, shown.most_common(5))

    @contextmanager
    def steady(self, phase: str) -> Iterator[None]:
        """Whoever is lost meanwhile is lost by the shop."""
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
