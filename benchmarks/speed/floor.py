"""The floor under the drain: the same rows, by nothing but `INSERT … SELECT unnest`, batch by batch.

The same tables with the same constraints and indexes, one connection, a transaction a batch, the arrays
packed beforehand. No line, no claim, no verdict, nothing adopted, nothing told.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from benchmarks.speed.workbench import Place
from benchmarks.speed.workload import Workload, batched, open_sale, require_rows
from models.enums import IntentStatus
from models.ids import new_intent_id, order_id_of
from models.tables.catalogue import Sale

Rows = dict[str, Any]

_INTENTS: Final = text("""
    INSERT INTO intents (id, sale_id, user_id, ticket, quantity, accept_fewer, status,
                         submitted_at, decided_at)
    SELECT id, :sale_id, user_id, ticket, 1, false, status, :at, CASE WHEN status = 'held' THEN :at END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:users AS uuid[]), CAST(:tickets AS bigint[]),
                CAST(:statuses AS text[])) AS t (id, user_id, ticket, status)
""")
_ORDERS: Final = text("""
    INSERT INTO orders (id, intent_id, sale_id, user_id, quantity, unit_price_minor, currency, status,
                        expires_at, created_at)
    SELECT id, intent_id, :sale_id, user_id, 1, 999, 'USD', 'held', :at, :at
    FROM unnest(CAST(:orders AS uuid[]), CAST(:holders AS uuid[]), CAST(:held AS uuid[]))
         AS t (id, user_id, intent_id)
""")
_EVENTS: Final = text("""
    INSERT INTO order_events (order_id, status, at) SELECT unnest(CAST(:orders AS uuid[])), 'held', :at
""")
_SALE: Final = text("""
    UPDATE sales SET held = held + :units, last_decided_ticket = :last WHERE id = :sale_id
""")


def measure_plain(place: Place, workload: Workload, users: Sequence[str]) -> float:
    """Return intents a second, written in batches of a claim's size.

    Raises:
        CannotMeasure: the ledger does not hold what it should.
    """
    place.clear()
    sale = open_sale(place, workload.units)
    batches = list(_batches(workload, sale, users, place.context.settings.claim_size))
    with place.context.database.engine.connect() as connection:
        started = time.perf_counter()
        for rows in batches:
            _write(connection, rows)
            connection.commit()
        seconds = time.perf_counter() - started
    require_rows(place, sale, workload)
    return workload.intents / seconds


def _write(connection: Connection, rows: Rows) -> None:
    connection.execute(_INTENTS, rows)
    if rows["units"]:
        connection.execute(_ORDERS, rows)
        connection.execute(_EVENTS, rows)
    connection.execute(_SALE, rows)


def _batches(workload: Workload, sale: Sale, users: Sequence[str], size: int) -> Iterator[Rows]:
    at = datetime.now(UTC)
    numbered = enumerate(users[: workload.intents], start=1)
    for batch in batched(numbered, size):
        ids = [str(new_intent_id(sale.number)) for _ in batch]
        winners = [at for at, (ticket, _) in enumerate(batch) if ticket <= workload.units]
        yield {
            "sale_id": sale.id,
            "at": at,
            "ids": _array(ids),
            "users": _array(user for _, user in batch),
            "tickets": _array(str(ticket) for ticket, _ in batch),
            "statuses": _array(_status(ticket, workload.units) for ticket, _ in batch),
            "orders": _array(order_id_of(ids[at]) for at in winners),
            "holders": _array(batch[at][1] for at in winners),
            "held": _array(ids[at] for at in winners),
            "units": len(winners),
            "last": batch[-1][0],
        }


def _status(ticket: int, units: int) -> str:
    return IntentStatus.HELD if ticket <= units else IntentStatus.STANDBY


def _array(words: Iterable[str]) -> str:
    return "{" + ",".join(words) + "}"
