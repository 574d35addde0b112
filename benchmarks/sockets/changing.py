"""The phase in which the sale changes: how soon every socket hears, and that all heard the last."""

import time
from itertools import pairwise
from typing import Any, Final

from benchmarks.harness.durations import Spread
from benchmarks.harness.failures import CannotMeasure
from benchmarks.harness.progress import stage
from benchmarks.sockets.run import Run

BASE_MINOR: Final = 2_000  # the price before the first change; list_price is 4999
MOST_CHANGES: Final = 2_900  # prices stay below the list price
STOCK_EVERY: Final = 4  # with every so many changes the stock changes too


class Series:
    """The changes of one run: the n-th sets the price to BASE_MINOR + n, so that each is known by it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.asked_ns: list[int] = []
        self.answered_ns: list[int] = []

    def change(self) -> None:
        """Change once more, as the admin does, by HTTP."""
        number = len(self.asked_ns) + 1
        change: dict[str, Any] = {"price": {"amount_minor": BASE_MINOR + number, "currency": "USD"}}
        if number % STOCK_EVERY == 0:
            change["allocation"] = self._run.settings.units + number // STOCK_EVERY
        self._patch(change)

    def restock(self) -> None:
        """Give the stock back its size, which tells no price."""
        change = {"allocation": self._run.settings.units}
        self._run.shop.expect(200, "PATCH", f"/api/v1/sales/{self._run.sale_id}", change)

    def _patch(self, change: dict[str, Any]) -> None:
        self.asked_ns.append(time.monotonic_ns())
        self._run.shop.expect(200, "PATCH", f"/api/v1/sales/{self._run.sale_id}", change)
        self.answered_ns.append(time.monotonic_ns())


def measure_changes(run: Run) -> None:
    """Change the sale some times apart and some times at once, and read when each socket heard of each.

    Raises:
        CannotMeasure: there are more changes than prices.
    """
    apart, burst = run.settings.changes, run.settings.burst
    if apart + burst > MOST_CHANGES:
        raise CannotMeasure(f"At most {MOST_CHANGES} changes can be told apart.")
    run.parts.ask("changes", (BASE_MINOR, apart + burst))
    with run.steady("changes"):
        _change(run, Series(run))


def _change(run: Run, series: Series) -> None:
    apart, burst = run.settings.changes, run.settings.burst
    for name, numbers, pause_s in (
        ("apart", range(apart), run.settings.apart_s),
        ("at once", range(apart, apart + burst), 0.0),
    ):
        before, cpu = run.parts.count(), run.cpu()
        with stage(run.console, f"changes {name}", len(numbers)) as shown:
            for number in numbers:
                series.change()
                shown.update(number - numbers.start + 1)
                time.sleep(max(0.0, series.asked_ns[-1] / 1e9 + pause_s - time.monotonic()))
        run.check_snapshots(f"changes {name}", run.settings.sockets, run.sale_id)
        after, used = run.parts.count(), run.cpu().since(cpu)
        frames = after.messages - before.messages
        run.results.phases[f"changes {name}"] = {
            **_heard(run, series, numbers),
            "snapshots a socket": round(frames / run.settings.sockets, 2),
            "client µs a frame": _micros(used["clients"], frames),
            "web µs a frame": _micros(used.get("web", 0.0), frames),
            "cpu": used,
        }
    series.restock()
    run.check_snapshots("restocked", run.settings.sockets, run.sale_id)


def _heard(run: Run, series: Series, numbers: range) -> dict[str, Any]:
    """The delays of all sockets and changes; who never heard of a change or a later one is a finding."""
    columns = run.parts.ask("heard")
    delays, missed = [], 0
    for number in numbers:
        heard = [at for part in columns for at in part[number]]
        missed += heard.count(0)
        delays += [at - series.asked_ns[number] for at in heard if at]
    if missed:
        run.results.wrong("changes", f"{missed} times a socket did not hear of a change or a later one")
    gaps = [later - earlier for earlier, later in pairwise(series.asked_ns[numbers.start : numbers.stop])]
    return {
        "changes": len(numbers),
        "seconds apart": round(sum(gaps) / len(gaps) / 1e9, 3) if gaps else 0.0,
        "to be answered": Spread.of(series.answered_ns[one] - series.asked_ns[one] for one in numbers),
        "heard after the request": Spread.of(delays),
    }


def _micros(seconds: float, frames: int) -> float:
    return round(seconds / frames * 1e6, 2) if frames else 0.0
