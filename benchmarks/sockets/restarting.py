"""The phase in which the shop's web processes are replaced under the crowd, which misses nothing."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.harness.durations import Spread
from benchmarks.sockets.part import Tally
from benchmarks.sockets.run import Run
from benchmarks.sockets.rush_record import Testimony
from benchmarks.sockets.rushing import await_last_words, submit_all, verify

AWAY_OF: Final = 10  # every so many-th rusher stays away until the others have heard their last word
COMING_BACK: Final = 0.4  # of the whole run's time, for everybody to be back


def measure_restart(run: Run) -> None:
    """Rush another sale, then end it while web processes are replaced: nobody may miss the last word.

    Some stay away until everybody else has heard it, so that they surely have to learn it afterwards.

    Raises:
        CannotMeasure: the crowd does not come back, or somebody is not told in time.
    """
    sale_id = run.shop.open_sale(run.settings.units, 1)
    run.parts.ask("watch", sale_id)
    run.check_snapshots("another sale", run.settings.rushers, sale_id)
    with run.steady("rush before the restart"):
        submit_all(run)
    before, cpu, restarted_ns = run.parts.count(), run.cpu(), time.monotonic_ns()
    replaced, back_s = _restart(run, sale_id, before)
    used = run.cpu().since(cpu)
    told = verify(run, sale_id, "restart")
    run.check_snapshots("restart", run.settings.rushers, sale_id)
    after = run.parts.count()
    run.results.phases["restart"] = {
        "processes replaced": replaced,
        "seconds until all were back who hurried": round(back_s, 1),
        "a rusher back after": Spread.of(at - restarted_ns for at in _back_at_once(told)),
        "sockets lost": (after.lost - before.lost).total(),
        "not opened at once": dict(after.failed - before.failed),
        "last words heard after coming back": _heard_late(told),
        "cpu": used,
    }


def _restart(run: Run, sale_id: str, before: Tally) -> tuple[int, float]:
    """Go through it; returns how many processes were replaced, and how long most were away at most."""
    sockets, rushers, began = run.settings.sockets, run.settings.rushers, time.monotonic()
    away = sum(run.parts.ask("keep away", AWAY_OF))
    replaced = run.place.platform.restart_web() if run.place.platform else set()
    run.await_all("sent away", sockets, _lost_since(before))
    run.log_in()
    run.shop.move_sale(sale_id, "end")  # while nearly nobody is there to hear it
    run.await_all("back", sockets - away, lambda count: count.ready, share=COMING_BACK)
    back_s = time.monotonic() - began
    await_last_words(run, rushers - away)
    run.parts.ask("let back")
    run.await_all("back", sockets, lambda count: count.ready, share=COMING_BACK)
    await_last_words(run, rushers)
    return len(replaced), back_s


def _lost_since(before: Tally) -> Callable[[Tally], int]:
    return lambda now: (now.lost - before.lost).total()


def _back_at_once(told: list[Testimony]) -> Iterator[int]:
    """When those were back who were not kept away."""
    for one in told:
        yield from (at for place, at in enumerate(one.back_ns) if at and place % AWAY_OF)


def _heard_late(told: list[Testimony]) -> int:
    """How many heard their last word on another connection than the one that they submitted on."""
    pairs = ((final, lost) for one in told for final, lost in zip(one.final_ns, one.lost_ns, strict=True))
    return sum(0 < lost < final for final, lost in pairs)
