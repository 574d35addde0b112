"""Owns the sale that is audited for measuring: long sold out, with refunds whose units went to later tickets.

All of it is a history as the platform leaves it, so that every check passes. It is written by a few
statements, and the live side is laid by a rebuild.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from benchmarks.speed_line import open_sale
from benchmarks.speed_place import CannotMeasure, Place
from models.audit import audit_sale
from models.database import take_time
from models.driver import ENDLESS
from tasks.sales.rebuild import rebuild_sale


@dataclass(frozen=True, slots=True)
class Length:
    """So many tickets and so many refunds among them; the refused asked for one to four units.

    Twice as many units as refunds are for sale.
    """

    intents: int
    refunds: int

    @property
    def units(self) -> int:
        """The allocation: sold out early, so that every refund is followed by a grant."""
        return 2 * self.refunds

    @property
    def between(self) -> int:
        """Tickets from one refund to the next."""
        return (self.intents - self.units) // self.refunds


def write_history(place: Place, length: Length) -> UUID:
    """Leave such a sale in both stores, and nothing else; returns its id.

    Raises:
        CannotMeasure: its audit is not in order, so that another thing would be measured.
    """
    place.clear()
    sale = open_sale(place, length.units)
    bound = {
        "sale_id": sale.id,
        "intents": length.intents,
        "units": length.units,
        "refunds": length.refunds,
        "between": length.between,
    }
    with place.context.database.connection() as connection:
        take_time(connection, ENDLESS)  # a busy machine takes its time
        for statement in _STATEMENTS:
            connection.execute(text(statement), bound)
    with place.context.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        take_time(plain, ENDLESS)  # what it tells the server ends with its own statement
        plain.execute(text("SET statement_timeout = 0"))
        plain.execute(text("VACUUM ANALYZE"))
        plain.execute(text("RESET statement_timeout"))
    rebuild_sale(place.context, sale.id)
    audit = audit_sale(place.context.database, place.context.live, sale.id)
    if not audit.ok or audit.in_flight:
        raise CannotMeasure(f"The history is not in order: {[one for one in audit.checks if not one.ok]}")
    return sale.id


# Ticket n is decided at n seconds. Once all is sold, refund r is noted and brought home just before the
# ticket that gets its unit; it is of the order of ticket r.
_STATEMENTS: Final = (
    """
    CREATE TEMPORARY TABLE history ON COMMIT DROP AS
    SELECT n AS ticket, gen_random_uuid() AS user_id, gen_random_uuid() AS intent_id,
           gen_random_uuid() AS order_id, gen_random_uuid() AS payment_id,
           to_timestamp(1700000000 + n) AS at,
           n <= :units OR ((n - :units) % :between = 0 AND (n - :units) / :between <= :refunds) AS is_held,
           n <= :refunds AS is_refunded,
           to_timestamp(1700000000 + :units + n * :between - 0.5) AS refunded_at
    FROM generate_series(1, :intents) AS n
    """,
    """
    INSERT INTO users (id, email, role) SELECT user_id, user_id || '@example.com', 'shopper' FROM history
    """,
    """
    INSERT INTO intents (id, sale_id, user_id, ticket, quantity, accept_fewer, status, submitted_at,
                         decided_at)
    SELECT intent_id, :sale_id, user_id, ticket, CASE WHEN is_held THEN 1 ELSE 1 + ticket % 4 END, false,
           CASE WHEN is_held THEN 'held' ELSE 'sold_out' END, at, at FROM history
    """,
    """
    INSERT INTO orders (id, intent_id, sale_id, user_id, quantity, unit_price_minor, currency, status,
                        expires_at, created_at, paid_at, receipt_number, refunded_at, released_at)
    SELECT order_id, intent_id, :sale_id, user_id, 1, 999, 'USD',
           CASE WHEN is_refunded THEN 'refunded' ELSE 'paid' END, at, at, at, 'history-' || ticket,
           CASE WHEN is_refunded THEN refunded_at END,
           CASE WHEN is_refunded THEN refunded_at + interval '100 ms' ELSE at END
    FROM history WHERE is_held
    """,
    """
    INSERT INTO payments (id, order_id, user_id, provider, method, amount_minor, currency, status,
                          patience_until, pinned_until, finished_at)
    SELECT payment_id, order_id, user_id, 'sandbox', 'sandbox_ok', 999, 'USD',
           CASE WHEN is_refunded THEN 'refunded' ELSE 'succeeded' END, at, at, at FROM history WHERE is_held
    """,
    """
    INSERT INTO refunds (id, payment_id, order_id, amount_minor, currency, cause, status, finished_at)
    SELECT gen_random_uuid(), payment_id, order_id, 999, 'USD', 'admin', 'succeeded', refunded_at
    FROM history WHERE is_refunded
    """,
    """
    INSERT INTO receipts (order_id, year, number, issued_at, item, quantity, unit_price_minor, total_minor,
                          currency, buyer_name, buyer_email)
    SELECT order_id, 2023, ticket, at, 'Speed', 1, 999, 999, 'USD', '', user_id || '@example.com'
    FROM history WHERE is_held
    """,
    """
    UPDATE sales SET last_decided_ticket = :intents, sold = (SELECT count(*) FROM history WHERE is_held
                                                             AND NOT is_refunded)
    WHERE id = :sale_id
    """,
)
