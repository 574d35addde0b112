"""The phases in which the crowd speaks: all at one instant, and what each is told to the last word."""

import time
from functools import partial
from typing import Any, Final

from benchmarks.harness.durations import Spread, between
from benchmarks.harness.failures import CannotMeasure
from benchmarks.sockets.run import Run, troubles_of
from benchmarks.sockets.rush_record import Testimony
from benchmarks.verify.evidence import gather_evidence, verify_settled
from benchmarks.verify.told_by_socket import judge_sockets, rushers_of

LEAD_S: Final = 1.0  # from the word to the instant
AGREEING: Final = 0.05  # of the whole run's time, for the ledger to store what was told


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
        submit_all(run)
        decided = run.cpu().since(cpu)
        run.log_in()
        cpu, ended_ns = run.cpu(), time.monotonic_ns()
        run.shop.move_sale(run.sale_id, "end")
        await_last_words(run, run.settings.rushers)
        ended = run.cpu().since(cpu)
        told = verify(run, run.sale_id, "rush")
    run.results.phases["rush"] = {
        **_figures(told, ended_ns),
        "cpu until decided": decided,
        "cpu of the end": ended,
    }
    run.check_snapshots("rush", run.settings.sockets, run.sale_id)


def submit_all(run: Run) -> None:
    """All rushers ask at one instant; returns when each knows a verdict or stands by.

    Raises:
        CannotMeasure: somebody is refused, or hears nothing in time.
    """
    rushers = run.settings.rushers
    run.parts.ask("submit", _instant())
    tally = run.await_all("answers", rushers, lambda count: count.answered + count.refused)
    if tally.refused:
        raise CannotMeasure(f"{tally.refused} intents were refused: {troubles_of(tally)}")
    run.await_all("verdicts or standby", rushers, lambda count: count.decided)


def await_last_words(run: Run, rushers: int) -> None:
    """Wait until so many have heard their final verdict.

    Raises:
        CannotMeasure: they do not in time.
    """
    run.await_all("last words", rushers, lambda count: count.final)


def verify(run: Run, sale_id: str, phase: str) -> list[Testimony]:
    """Hold what was told against what is stored; the ledger may still be writing."""
    run.log_in()
    told: list[Testimony] = run.parts.ask("told")
    rushers = rushers_of(told)
    reading = partial(
        gather_evidence, run.shop, sale_id, run.settings.units, tuple(one.told for one in rushers)
    )
    _, findings = verify_settled(reading, run.deadline(AGREEING))
    for one in judge_sockets(rushers, findings):
        run.results.wrong(one.check, f"{phase}: {one.detail}", one.row)
    for text in (text for one in told for text in one.contradictions):
        run.results.wrong("contradictions", f"{phase}: {text}")
    return told


def _figures(told: list[Testimony], ended_ns: int) -> dict[str, Any]:
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


def _instant() -> int:
    return time.monotonic_ns() + int(LEAD_S * 1e9)


def _window_ms(sent: list[int]) -> float:
    known = [at for at in sent if at]
    return round((max(known) - min(known)) / 1e6, 1) if known else 0.0


def _rate(starts: list[int], ends: list[int]) -> int:
    known = [at for at in starts if at]
    seconds = (max(ends) - min(known)) / 1e9 if known else 0.0
    return round(len(ends) / seconds) if seconds > 0 else 0
