"""Reads the money from the database: the shop's rows and the sandbox's accounts.

The API tells a shopper's own; the books of a provider no shop has. Nothing is written here.
"""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from models.database import Database
from tests.chaos.truth import Money, Row

PAYMENTS: Final = """
    SELECT id, order_id, method, amount_minor, status, code, attempts FROM payments ORDER BY created_at, id
"""
REFUNDS: Final = """
    SELECT id, payment_id, order_id, amount_minor, cause, status, code FROM refunds ORDER BY created_at, id
"""
RECEIPTS: Final = "SELECT order_id, year, number, total_minor FROM receipts ORDER BY year, number"
CHARGES: Final = """
    SELECT payment_id, order_id, method, amount_minor, refunded_minor, state, code, refund_id
    FROM sandbox_charges ORDER BY created_at, payment_id
"""
WEBHOOKS: Final = "SELECT event_id FROM webhook_events ORDER BY event_id"
RELEASED: Final = """
    SELECT id, to_char(released_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at
    FROM orders WHERE released_at IS NOT NULL
"""
# Payments and refunds that somebody has still to do something about, and units that are not home.
UNSETTLED: Final = """
    SELECT (SELECT count(*) FROM payments WHERE due_at IS NOT NULL)
         + (SELECT count(*) FROM refunds WHERE due_at IS NOT NULL)
         + (SELECT count(*) FROM orders WHERE released_at IS NULL
            AND status IN ('expired', 'cancelled', 'paid', 'refunded'))
"""


def read_money(database: Database) -> Money:
    """Read all of it, in one transaction."""
    with database.connection() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        return Money(
            payments=_rows(connection, PAYMENTS),
            refunds=_rows(connection, REFUNDS),
            receipts=_rows(connection, RECEIPTS),
            charges=_rows(connection, CHARGES),
            webhooks=[row["event_id"] for row in _rows(connection, WEBHOOKS)],
            released={row["id"]: row["at"] for row in _rows(connection, RELEASED)},
        )


def is_settled(database: Database) -> bool:
    """Whether nothing is left to be done about any payment, refund or unit."""
    with database.connection() as connection:
        return bool(connection.execute(text(UNSETTLED)).scalar_one() == 0)


def _rows(connection: Connection, query: str) -> list[Row]:
    found = connection.execute(text(query)).mappings()
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
