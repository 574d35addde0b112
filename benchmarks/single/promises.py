"""What safer answers cost: `python -m benchmarks.single.promises [--rounds 5] [--intents 5000]`.

Submissions by one process's intake, many at a time, plain, with one replica required and with the journal,
in turn in each round; a Redis with a replica on loopback and a PostgreSQL, all as durable as in production.
"""

import argparse
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console

from benchmarks.harness.progress import say
from models.ids import new_intent_id
from models.live.records import Submission
from tasks.context import Context
from tests.support.contexts import context_over, plain_settings
from tests.support.sentinels import Watched
from tests.support.servers import Stores
from tests.support.shop import Shop

AT_ONCE: Final = 500  # submissions on their way; each that is answered makes room for the next
MODES: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "REPLICAS_REQUIRED=1": {"replicas_required": 1},
    "INTENT_JOURNAL=postgres": {"intent_journal": "postgres"},
}


def submit(context: Context, intents: int) -> float:
    """Have so many shoppers ask one sale; returns how many were accepted a second."""
    shop = Shop(context)
    sale, users = shop.open_sale(10), shop.shoppers(intents)
    number, room, refused = sale.row().number, threading.Semaphore(AT_ONCE), []

    def tell(outcome: object) -> None:
        if isinstance(outcome, Exception):
            refused.append(outcome)
        room.release()

    began = time.perf_counter()
    for user in users:
        room.acquire()
        one = Submission(str(new_intent_id(number)), str(user), 1, accept_fewer=False)
        context.intake.put(sale.id, one, tell)
    for _ in range(AT_ONCE):
        room.acquire()
    took = time.perf_counter() - began
    if refused:
        raise RuntimeError(f"{len(refused)} were refused: {refused[0]}")
    return intents / took


def main() -> None:
    """Measure, and print the ratios to the plain way."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--intents", type=int, default=5_000)
    args = asked.parse_args()
    found: dict[str, list[float]] = defaultdict(list)
    stores, console = Stores(), Console()
    try:
        stores.start()
        stores.migrate()
        with tempfile.TemporaryDirectory() as folder, ExitStack() as until:
            watched = Watched(Path(folder))
            until.callback(watched.kill)
            at = replace(plain_settings(stores), redis_url=watched.url)
            contexts = {
                name: until.enter_context(context_over(replace(at, **more))) for name, more in MODES.items()
            }
            for _ in range(args.rounds):
                for name, context in contexts.items():
                    found[name].append(submit(context, args.intents))
    finally:
        stores.remove()
    plain = found["plain"]
    for name, rates in found.items():
        ratios = [rate / beside for rate, beside in zip(rates, plain, strict=True)]
        say(console, f"{name}: {median(rates):,.0f} intents/s, {median(ratios):.2f} of plain")


if __name__ == "__main__":
    main()
