"""What workers measured of their own work, summed over all of them since the sums were begun."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from models.live.records import AnswerCode
from tasks.figures.text import Timed, family, histogram
from tasks.runtime.celery_app import BACKGROUND
from tasks.runtime.measures import AUDITS, CLAIMS, NAMES, STEP, SUBMITTED, SUM, TASK, TASKS, TRIPS, VERDICT

OUTCOMES: Final = ("held", "standby", "sold_out", "rejected", "left")
# Series that are there from the beginning: what appears with its first count seems not to have grown.
TIMES: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    VERDICT: ("Seconds from an intent's acceptance until its verdict was told", "outcome", OUTCOMES),
    STEP: ("Seconds of each step of a claim", "step", ("claim", "persist", "settle")),
    TASK: ("Seconds that tasks of Celery took", "task", ()),
}
COUNTS: Final[Mapping[str, tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]]] = {
    SUBMITTED: (
        "Intents that arrived, by the line's answer",
        ("outcome",),
        (*((code.value,) for code in AnswerCode), ("away",)),
    ),
    CLAIMS: ("Claims, by what became of them", ("result",), (("settled",), ("put_off",), ("refused",))),
    TASKS: (
        "Tasks of Celery that ended, by queue and state",
        ("queue", "task", "state"),
        ((BACKGROUND, "keep_watch", "success"),),
    ),
    TRIPS: ("Times that workers stopped claiming, since the ledger could not take claims", (), ((),)),
    AUDITS: ("Audits of running sales, by what they found", ("result",), (("ok",), ("violated",))),
}


def measured_page(sums: Mapping[str, int]) -> Iterator[str]:
    """Write the sums that Redis holds, by the names of `tasks/runtime/measures.py`."""
    counts: dict[str, dict[tuple[str, ...], float]] = {
        name: dict.fromkeys(zeros, 0) for name, (_, _, zeros) in COUNTS.items()
    }
    times: dict[str, dict[str, dict[str, int]]] = {
        name: defaultdict(dict, {value: {} for value in values}) for name, (_, _, values) in TIMES.items()
    }
    for key, many in sums.items():
        name, labels, *bound = key.split("|")
        if name in times and bound:
            times[name][labels][bound[0]] = many
        elif name in counts:
            counts[name][tuple(labels.split(",")) if labels else ()] = many
    for name, (says, labels_of, _) in COUNTS.items():
        yield family("counter", name, says, labels_of, sorted(counts[name].items()))
    for name, (says, label, _) in TIMES.items():
        yield histogram(name, says, [label], [_timed(*one) for one in times[name].items()])


def _timed(value: str, by_bound: Mapping[str, int]) -> Timed:
    return (value,), {bound: by_bound.get(bound, 0) for bound in NAMES}, by_bound.get(SUM, 0) / 1e6
