"""The words of a run's report: the table for people, the JSON for machines."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console

from benchmarks.harness.durations import Spread
from benchmarks.harness.progress import say
from benchmarks.harness.report import as_json as frame_as_json
from benchmarks.harness.report import print_rows, print_table
from benchmarks.sockets.run import Results
from benchmarks.sockets.settings import CrowdSettings
from benchmarks.verify.testimony import by_check

CHECKS: Final = (
    "snapshots",
    "changes",
    "lost sockets",
    "answers",
    "tickets",
    "winners",
    "lost",
    "doubled",
    "contradictions",
    "stored",
    "conservation",
    "audit",
)
LABELS: Final = {check: f"wrong: {check}" for check in CHECKS}


def is_within(results: Results, within_s: float) -> bool | None:
    """Whether 99 of 100 heard of each change in time; None where nothing was changed."""
    phase = results.phases.get("changes apart")
    return None if phase is None else phase["heard after the request"].p99_ms <= within_s * 1000


def as_json(
    settings: CrowdSettings, results: Results, machine: dict[str, Any], broken: str
) -> dict[str, Any]:
    """The report for machines. `broken`: why the run ended early; empty where it did not."""
    shape = {name: value for name, value in asdict(settings).items() if name not in {"json_path", "url"}}
    judged = frame_as_json({}, by_check(CHECKS, results.findings), results.notes)
    del judged["figures"]
    return {
        **judged,
        "passed": not results.findings and not broken,
        "broken": broken,
        "machine": machine,
        "shape": shape | {"client_processes": settings.client_processes},
        "phases": {name: _plain(figures) for name, figures in results.phases.items()},
        "told within": {"seconds": settings.within_s, "met": is_within(results, settings.within_s)},
    }


def print_report(console: Console, settings: CrowdSettings, results: Results) -> None:
    """The report for people: the figures of each phase, the checks, and the rows that offend."""
    sections = [
        [(name, ""), *((f"  {what}", figure) for what, figure in _lines(figures))]
        for name, figures in results.phases.items()
    ]
    findings = by_check(CHECKS, results.findings)
    print_table(console, f"{settings.sockets:,} sockets", sections, LABELS, findings)
    print_rows(console, findings, results.notes)
    if (within := is_within(results, settings.within_s)) is not None:
        met = "met" if within else "MISSED"
        say(console, f"Aim: all told within {settings.within_s:g} s at the 99th percentile: {met}.")


def _lines(figures: dict[str, Any], lead: str = "") -> Iterator[tuple[str, str]]:
    """Figures line by line. Of what is told by process, only what is more than nothing, and not by mode."""
    for name, figure in figures.items():
        if isinstance(figure, dict) and name.startswith(("cpu", "share")):
            spent = (f"{group} {used:g}" for group, used in figure.items() if "kernel" not in group and used)
            yield f"{lead}{name}", ", ".join(spent)
        elif isinstance(figure, dict):
            yield from _lines(figure, f"{name}: ")
        elif isinstance(figure, Spread):
            yield f"{lead}{name}, p50 / p99 / max", str(figure)
        else:
            yield lead + name, f"{figure:,}" if isinstance(figure, int | float) else str(figure)


def _plain(figure: Any) -> Any:
    if isinstance(figure, Spread):
        return asdict(figure)
    if isinstance(figure, dict):
        return {str(name): _plain(value) for name, value in figure.items()}
    return figure
