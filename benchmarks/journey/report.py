"""The report of a journey: how long each link took, what it cost, and what was broken."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.harness.durations import Spread
from benchmarks.harness.report import counts_of
from benchmarks.harness.usage import Cpu
from benchmarks.journey.settings import JourneySettings
from benchmarks.journey.visitor import LINKS, Log
from benchmarks.verify.judge import CHECKS
from benchmarks.verify.testimony import Finding

LABELS: Final = {**CHECKS, "errors": "answers of 500 or above"}
STAGES: Final = ("coming", "rush", "paying")
# What each link comes to: `verdict` and `intent` from the press, `payment` from its own press.
MEANINGS: Final = {
    "page": "the sale's page",
    "files": "the files that it names, for new visitors",
    "log in": "a typed password",
    "socket": "socket open, logged in, sale shown",
    "intent": "press to ticket",
    "verdict": "press to verdict or standby",
    "last word": "press to final verdict",
    "payment": "pay to paid",
    "receipt": "the receipt's page",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """CPU seconds by kind of process, in one stretch of the journey."""

    name: str
    cpu: Mapping[str, float]


def stages_of(marks: Sequence[Cpu]) -> list[Stage]:
    """What each stage cost; `marks` are its ends, the beginning of the first before them."""
    pairs = zip(STAGES, marks, marks[1:], strict=False)
    return [Stage(name, after.since(before)) for name, before, after in pairs]


def merge(logs: Sequence[Log]) -> Log:
    """What all processes measured."""
    whole = Log()
    for log in logs:
        for link, took in log.took.items():
            whole.took[link] += took
        whole.statuses += log.statuses
        whole.pressed_by += log.pressed_by
        whole.errors += log.errors
    return whole


def find_errors(log: Log) -> list[Finding]:
    """Every kind of answer that says that the shop failed, and everything that came to nothing."""
    found = [
        Finding("errors", f"{count} answers of {status}", str(status))
        for status, count in sorted(log.statuses.items())
        if status >= 500
    ]
    return found + [Finding("errors", detail, str(count)) for detail, count in log.errors.items()]


def link_rows(log: Log) -> list[tuple[str, str]]:
    """A line for each link: how many went it, and p50, p99 and the worst."""
    spreads = {link: Spread.of(log.took[link]) for link in LINKS}
    return [(MEANINGS[link], f"{one.count:,}: {one}") for link, one in spreads.items()]


def cost_rows(stages: Sequence[Stage]) -> list[tuple[str, str]]:
    """A line for each stage: CPU seconds by kind of process."""
    rows = []
    for stage in stages:
        spent = {name: s for name, s in stage.cpu.items() if "kernel" not in name and name != "seconds"}
        shown = ", ".join(f"{name} {seconds:.1f}" for name, seconds in spent.items())
        rows.append((f"CPU s, {stage.name} ({stage.cpu['seconds']:.0f} s)", shown))
    return rows


def other_rows(settings: JourneySettings, log: Log, verdicts: Counter[str]) -> list[tuple[str, str]]:
    """How it was pressed, and what came of it."""
    return [
        (
            "people; units; typed; new",
            f"{settings.people:,}; {settings.units:,}; {settings.typing:,}; {len(log.took['files']):,}",
        ),
        ("pressed by", counts_of(log.pressed_by)),
        ("verdicts", counts_of(verdicts)),
        ("answers", counts_of({str(status): count for status, count in log.statuses.items()})),
    ]


def figures_of(
    settings: JourneySettings, log: Log, stages: Sequence[Stage], verdicts: Counter[str]
) -> dict[str, Any]:
    """The figures for machines."""
    return {
        "settings": {name: str(value) for name, value in asdict(settings).items()},
        "links": {link: asdict(Spread.of(log.took[link])) for link in LINKS},
        "cpu_s": {stage.name: dict(stage.cpu) for stage in stages},
        "pressed_by": dict(log.pressed_by),
        "verdicts": dict(verdicts),
        "statuses": {str(status): count for status, count in log.statuses.items()},
    }
