"""Owns the measuring of an audit: how long its questions take of a long history, all of it, and a report.

    python -m benchmarks.audit [--intents 100000] [--refunds 10000] [--rounds 5] [--definition]

It starts its own servers in a temporary directory and ends them. `--definition` asks the slow definition of
«passed over» and «overtaken» too, which takes minutes of a long history: use it with few refunds.
"""

import argparse
import logging
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import TextClause

from benchmarks.audit_definition import OVERTAKEN_AS_SAID, PASSED_OVER_AS_SAID
from benchmarks.audit_history import Length, write_history
from benchmarks.machine import describe_machine, load_average
from benchmarks.speed_figures import Figure, Report, ratio
from benchmarks.speed_place import CannotMeasure, Place, open_place
from models.audit import audit_sale, queries
from models.audit.reading import MOST_ROWS
from models.database import take_time
from models.driver import ENDLESS
from tasks.reports.making import make_report

MS: Final = "ms"
QUESTIONS: Final[dict[str, TextClause]] = {
    "passed over": queries.PASSED_OVER,
    "overtaken": queries.OVERTAKEN,
    "the sale": queries.SALE,
    "money": queries.MONEY,
    "orders and intents": queries.MISMATCHED,
    "holds": queries.HOLDS,
    "what is sold": queries.SOLD,
    "units": queries.UNITS,
    "standby": queries.WAITING,
    "lots": queries.LOTS,
}
DEFINITIONS: Final[dict[str, TextClause]] = {
    "passed over": PASSED_OVER_AS_SAID,
    "overtaken": OVERTAKEN_AS_SAID,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table; 1 where it could not be measured."""
    options = _arguments(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        with open_place() as place:
            length = Length(options.intents, options.refunds)
            report = measure(place, length, options.rounds, with_definition=options.definition)
    except CannotMeasure as error:
        print(error, file=sys.stderr)
        return 1
    report.print()
    return 0


def measure(place: Place, length: Length, rounds: int, *, with_definition: bool) -> Report:
    """Ask everything that an audit asks, in turn, once a round.

    Raises:
        CannotMeasure: the history is not in order.
    """
    machine = describe_machine(place.context.database, place.context.live.client)
    sale_id = write_history(place, length)
    values: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        values["the whole audit"].append(_timed(lambda: _audit(place, sale_id)))
        values["the report, with an audit"].append(_timed(lambda: make_report(place.context, sale_id)))
        for name, question in QUESTIONS.items():
            values[name].append(_asked(place, question, sale_id))
        for name, question in DEFINITIONS.items() if with_definition else ():
            values[f"{name}, by definition"].append(_asked(place, question, sale_id))
    figures = {name: Figure(name, MS, tuple(some)) for name, some in values.items()}
    compared = [
        ratio(f"{name}: definition beside one pass", figures[f"{name}, by definition"], figures[name])
        for name in DEFINITIONS
        if with_definition
    ]
    machine["load_average_after"] = load_average()
    shape = {"intents": length.intents, "refunds": length.refunds, "rounds": rounds}
    return Report(machine, shape, (*figures.values(), *compared), ())


def _audit(place: Place, sale_id: UUID) -> None:
    audit = audit_sale(place.context.database, place.context.live, sale_id)
    if not audit.ok or audit.in_flight:
        raise CannotMeasure("The audit did not find the history in order.")


def _asked(place: Place, question: TextClause, sale_id: UUID) -> float:
    bound = {"sale_id": sale_id, "most": MOST_ROWS, "lobby": 0}
    wanted = {name: value for name, value in bound.items() if f":{name}" in question.text}
    with place.context.database.connection() as connection:
        take_time(connection, ENDLESS)
        connection.execute(queries.UNCOMPILED)
        return _timed(lambda: connection.execute(question, wanted).all())


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit", description="How long audits take.")
    parser.add_argument("--intents", type=int, default=100_000)
    parser.add_argument("--refunds", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--definition", action="store_true", help="measure the slow definition beside")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
