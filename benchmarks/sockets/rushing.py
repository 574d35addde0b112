"""Owns the phases in which the crowd speaks: all at one instant, and what each is told to the last word."""

import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.sockets.figures import Spread, between
from benchmarks.sockets.judge import judge, rushers_of
from benchmarks.sockets.part import Tally
from benchmarks.sockets.run import Run, troubles_of
from benchmarks.sockets.rush_record import Told
from benchmarks.sockets.settings import CannotMeasure

LEAD_S: Final = 1.0  # from the word to the instant
AGREEING: Final = 0.05  # of the whole run's time, for the ledger to store what was told
COMING_BACK: Final = 0.4  # of it, for everybody to be back


def measure_echo(run: Run) -> None:
    """Have every socket ask for a `pong` at one instant: the same machinery where nothing is decided.

    Raises:
        CannotMeasure: not all are answered in time.
    """
    sockets = run.settings.sockets
    cpu = run.cpu()
    with run.steady("echo"):
        run.parts.ask("echo", _instant())
        run.await_all("echoes", sockets, lambda count: count.pongs)
    used = run.cpu().since(cpu)
    asked, heard = ([at for part in run.parts.ask("echoes") for at in part[place]] for place in (0, 1))
    run.results.phases["echo"] = {
        "requests": sockets,
        "sent within, ms": _window_ms(asked),
        "to the answer": between(asked, heard),
        "answers/s": _rate(asked, heard),
        "cpu": used,
    }


def measure_rush(run: Run) -> None:
    """Everybody submits at one instant; the sale is ended once each knows a verdict or stands by.

    Raises:
        CannotMeasure: somebody is not answered or told in time.
    """
    with run.steady("rush"):
        cpu = run.cpu()
        _submit(run)
        decided = run.cpu().since(cpu)
        run.log_in()
        cpu, ended_ns = run.cpu(), time.monotonic_ns()
        run.shop.move_sale(run.sale_id, "end")
        _await_last_words(run)
        ended = run.cpu().since(cpu)
        told = _verify(run, run.sale_id, "rush")
    run.results.phases["rush"] = {
        **_figures(told, ended_ns),
        "cpu until decided": decided,
        "cpu of the end": ended,
    }
    run.check_pictures("rush", run.settings.sockets, run.sale_id)


def measure_restart(run: Run) -> None:
    """Rush another sale, then end it while web processes are replaced: nobody may miss the last word.

    Raises:
        CannotMeasure: the crowd does not come back, or somebody is not told in time.
    """
    sale_id, sockets = run.shop.open_sale(run.settings.units, 1), run.settings.sockets
    run.parts.ask("watch", sale_id)
    run.check_pictures("another sale", run.settings.rushers, sale_id)
    with run.steady("rush before the restart"):
        _submit(run)
    before, cpu = run.parts.count(), run.cpu()
    restarted_ns = time.monotonic_ns()
    leaving = run.place.restart_web()
    run.await_all("sent away", sockets, _lost_since(before))
    run.log_in()
    run.shop.move_sale(sale_id, "end")  # while nearly nobody is there to hear it
    run.await_all("back", sockets, lambda count: count.ready, share=COMING_BACK)
    back_s = (time.monotonic_ns() - restarted_ns) / 1e9
    _await_last_words(run)
    used = run.cpu().since(cpu)
    told = _verify(run, sale_id, "restart")
    run.check_pictures("restart", run.settings.rushers, sale_id)
    after = run.parts.count()
    run.results.phases["restart"] = {
        "processes replaced": len(leaving),
        "seconds until all were back": round(back_s, 1),
        "a rusher back after": Spread.of(at - restarted_ns for one in told for at in one.back_ns if at),
        "sockets lost": (after.lost - before.lost).total(),
        "not opened at once": dict(after.failed - before.failed),
        "last words heard after coming back": _heard_late(told),
        "cpu": used,
    }


def _submit(run: Run) -> None:
    """All rushers ask; returns when each knows a verdict or stands by."""
    rushers = run.settings.rushers
    run.parts.ask("submit", _instant())
    tally = run.await_all("answers", rushers, lambda count: count.answered + count.refused)
    if tally.refused:
        raise CannotMeasure(f"{tally.refused} intents were refused: {troubles_of(tally)}")
    run.await_all("verdicts or standby", rushers, lambda count: count.decided)


def _await_last_words(run: Run) -> None:
    run.await_all("last words", run.settings.rushers, lambda count: count.final)


def _verify(run: Run, sale_id: str, phase: str) -> list[Told]:
    """Hold what was told against what is stored; the ledger may still be writing."""
    run.log_in()
    told: list[Told] = run.parts.ask("told")
    rows = rushers_of(told)
    until = run.deadline(AGREEING)
    while True:
        sale = run.real_figures(sale_id)
        stored = list(run.shop.rows(f"/api/v1/intents?sale_id={sale_id}"))
        found = judge(rows, run.settings.units, sale, stored)
        if not found or {one.check for one in found} - {"stored", "conservation"} or time.monotonic() > until:
            break
        time.sleep(0.5)
    for one in found:
        run.results.wrong(one.check, f"{phase}: {one.detail}", one.row)
    for text in (text for one in told for text in one.contradictions):
        run.results.wrong("contradictions", f"{phase}: {text}")
    audit = run.shop.expect(200, "GET", f"/api/v1/sales/{sale_id}/audit")
    if audit["ok"] is not True:
        run.results.wrong("audit", f"{phase}: the shop's own audit does not hold", audit)
    return told


def _figures(told: list[Told], ended_ns: int) -> dict[str, Any]:
    sent, answered, decided, final = (
        [at for one in told for at in getattr(one, name)]
        for name in ("sent_ns", "answered_ns", "decided_ns", "final_ns")
    )
    late = [at - ended_ns for at in final if at >= ended_ns]
    return {
        "requests": len(sent),
        "sent within, ms": _window_ms(sent),
        "to the answer": between(sent, answered),
        "answers/s": _rate(sent, answered),
        "to a verdict or standby": between(sent, decided),
        "decided/s": _rate(sent, decided),
        "last of them after, s": round((max(decided) - min(sent)) / 1e9, 2),
        "from the sale's end to the last word": Spread.of(late),
        "sent again": sum(one.resent for one in told),
    }


def _heard_late(told: list[Told]) -> int:
    """How many heard their last word on another connection than the one that they submitted on."""
    pairs = ((final, lost) for one in told for final, lost in zip(one.final_ns, one.lost_ns, strict=True))
    return sum(0 < lost < final for final, lost in pairs)


def _lost_since(before: Tally) -> Callable[[Tally], int]:
    return lambda now: (now.lost - before.lost).total()


def _instant() -> int:
    return time.monotonic_ns() + int(LEAD_S * 1e9)


def _window_ms(sent: list[int]) -> float:
    known = [at for at in sent if at]
    return round((max(known) - min(known)) / 1e6, 1) if known else 0.0


def _rate(starts: list[int], ends: list[int]) -> int:
    known = [at for at in starts if at]
    seconds = (max(ends) - min(known)) / 1e9 if known else 0.0
    return round(len(ends) / seconds) if seconds > 0 else 0
