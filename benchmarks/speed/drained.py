"""The measurement of a drain: a full line, real workers, from the first claim to the last settle."""

from contextlib import ExitStack
from typing import Final

from sqlalchemy import text

from benchmarks.speed.over_http import DEADLINE_S
from benchmarks.speed.workbench import Place
from benchmarks.speed.workload import Workload, fill_line, open_sale, require_rows
from models.tables.catalogue import Sale

WORKER: Final = (
    *("celery", "-A", "workers.app", "worker", "-P", "solo", "-Q", "drain"),
    *("--without-gossip", "--without-mingle"),
)


def measure_drain(place: Place, workload: Workload, users: list[str], workers: int = 1) -> float:
    """Return decided and persisted intents a second.

    Both ends are read from Redis' clock: the first claim's own time, and a look that finds nothing left.

    Raises:
        CannotMeasure: the line was not drained, or the ledger does not hold what it should.
    """
    place.clear()
    sale = open_sale(place, workload.units)
    fill_line(place, sale, users[: workload.intents])
    place.context.bell.ring(sale.id)
    with ExitStack() as crew:
        running = [
            crew.enter_context(place.process(f"drain-{at}", (*WORKER, "--hostname", f"drain.{at}@%h")))
            for at in range(workers)
        ]
        place.await_true(
            lambda: _is_drained(place, sale) or any(one.poll() is not None for one in running),
            "drain-0",
            DEADLINE_S,
        )
        ended_ms = place.context.live.now_ms()
    require_rows(place, sale, workload)
    return workload.intents * 1000 / (ended_ms - _first_claim_ms(place, sale))


def _is_drained(place: Place, sale: Sale) -> bool:
    look = place.context.live.look(sale.id)
    return look.line_length == 0 and look.claims == 0


def _first_claim_ms(place: Place, sale: Sale) -> int:
    query = text("SELECT extract(epoch FROM min(decided_at)) * 1000 FROM intents WHERE sale_id = :sale_id")
    with place.context.database.connection() as connection:
        return int(connection.execute(query, {"sale_id": sale.id}).scalar_one())
