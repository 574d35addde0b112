"""The measurement of one Celery task an intent: the same settings, the messages sent beforehand."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from benchmarks.speed.over_http import DEADLINE_S
from benchmarks.speed.workbench import Place
from benchmarks.speed.workload import Workload, open_sale, require_rows
from models.ids import new_intent_id
from models.tables.catalogue import Sale
from tasks.runtime.celery_app import celery

QUEUE: Final = "naive"
STOCK: Final = "naive:stock"
TASK: Final = "buy_naively"
WORKER: Final = (
    *("celery", "-A", "benchmarks.speed.naive_app", "worker", "-P", "solo", "-Q", QUEUE),
    *("--without-gossip", "--without-mingle"),
)


def measure_naive(place: Place, workload: Workload, users: Sequence[str]) -> float:
    """Return intents a second from the first task's beginning to the last one's acknowledgement.

    Raises:
        CannotMeasure: not every intent was stored.
    """
    place.clear()
    sale = open_sale(place, workload.units)
    place.context.live.client.set(STOCK, workload.units)
    _send(sale, users[: workload.intents])
    with place.process("naive", WORKER) as worker:
        place.await_true(lambda: _is_done(place) or worker.poll() is not None, "naive", DEADLINE_S)
        ended_ms = place.context.live.now_ms()
    require_rows(place, sale, workload)
    return workload.intents * 1000 / (ended_ms - _first_ms(place, sale))


def _send(sale: Sale, users: Sequence[str]) -> None:
    with celery.producer_pool.acquire(block=True) as producer:
        for ticket, user in enumerate(users, start=1):
            arguments = [str(sale.id), user, str(new_intent_id(sale.number)), ticket]
            celery.send_task(TASK, args=arguments, queue=QUEUE, producer=producer, ignore_result=True)


def _is_done(place: Place) -> bool:
    """Nothing waits, and nothing that was taken is unacknowledged."""
    client = place.context.live.client
    return bool(client.llen(QUEUE) == 0 and client.hlen("unacked") == 0)


def _first_ms(place: Place, sale: Sale) -> int:
    query = text("SELECT extract(epoch FROM min(submitted_at)) * 1000 FROM intents WHERE sale_id = :sale_id")
    with place.context.database.connection() as connection:
        return int(connection.execute(query, {"sale_id": sale.id}).scalar_one())
