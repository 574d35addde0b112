"""The steps of a journey, from the first page to the last receipt, and the judgement of it."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from rich.console import Console

from benchmarks.client.admin_api import Shop
from benchmarks.harness.client_processes import ClientProcesses
from benchmarks.harness.progress import stage
from benchmarks.harness.usage import Cpu
from benchmarks.harness.visited_shop import Place
from benchmarks.journey import report
from benchmarks.journey.crowd import JourneyPlan, Tally
from benchmarks.journey.settings import JourneySettings
from benchmarks.journey.visitor import Log
from benchmarks.verify.evidence import gather_evidence, verify_settled
from benchmarks.verify.testimony import Evidence, Finding, Told

QUIET_S: Final = 10.0  # seconds without any news after which those who wait ask instead


class Journey:
    """The steps from the first page to the last receipt."""

    def __init__(
        self,
        settings: JourneySettings,
        console: Console,
        place: Place,
        shop: Shop,
        *,
        sale_id: str,
        crowd: ClientProcesses[JourneyPlan, Tally],
        opens_ns: int,
    ) -> None:
        self._settings = settings
        self._console = console
        self._place = place
        self._shop = shop
        self._sale_id = sale_id
        self._crowd = crowd
        self._opens_s = opens_ns / 1e9
        self._deadline = self._opens_s + settings.deadline_s
        self._marks: list[Cpu] = []
        self.log = Log()

    @property
    def stages(self) -> list[report.Stage]:
        """What each stage cost."""
        return report.stages_of(self._marks)

    def run(self) -> tuple[Evidence, dict[str, list[Finding]]]:
        """Take every step; returns what was found."""
        people = self._settings.people
        self._mark()
        self._crowd.ask("travel", self._deadline)
        self._follow("people are here", people, lambda t: t.come, lambda _: time.monotonic() >= self._opens_s)
        self._mark()
        self._follow("intents answered", people, lambda t: t.submitted, lambda t: t.submitted == people)
        self._follow("verdicts or standby", people, lambda t: t.final + t.standby, self._is_decided)
        self._mark()
        self._follow(
            "receipts", self._crowd.tally.holders, lambda t: t.through, lambda t: t.through == t.holders
        )
        self._mark()
        return self._finish()

    def _finish(self) -> tuple[Evidence, dict[str, list[Finding]]]:
        self._shop.move_sale(self._sale_id, "end")
        self._follow(
            "last words", self._crowd.tally.accepted, lambda t: t.final, lambda t: t.final == t.accepted
        )
        self._crowd.ask("account", self._deadline)
        self._follow(
            "statements of money",
            self._crowd.tally.holders,
            lambda t: t.accounted,
            lambda t: t.accounted == t.holders,
        )
        told: tuple[Told, ...] = tuple(one for part in self._crowd.ask("tell") for one in part)
        self.log = report.merge(self._crowd.ask("log"))
        units = self._settings.units
        return verify_settled(partial(gather_evidence, self._shop, self._sale_id, units, told))

    def _is_decided(self, tally: Tally) -> bool:
        granted = tally.holders >= min(self._settings.units, tally.accepted)
        return tally.final + tally.standby == tally.accepted and (tally.standby == 0 or granted)

    def _follow(
        self, name: str, total: int, measure: Callable[[Tally], int], is_done: Callable[[Tally], bool]
    ) -> None:
        """Wait until something is so; when no news comes for long, have those who wait ask."""
        with stage(self._console, name, total) as shown:
            self._crowd.watch_or_poll(
                is_done,
                measure,
                self._deadline,
                patience_s=lambda: QUIET_S if time.monotonic() > self._opens_s else math.inf,
                on_change=lambda tally: shown.update(measure(tally)),
            )

    def _mark(self) -> None:
        self._marks.append(Cpu.of({**self._place.groups(), "clients": self._crowd.pids}))
